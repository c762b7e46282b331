"""The columns of `detail=True`: values and limits used, and the set they come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import dictionary, from_numpy
from cbc_screen.kernel.definition import ADJUSTED
from cbc_screen.kernel.fact_table import UNCOVERED, least, mark, most
from cbc_screen.kernel.limits import STATED, at_gestation
from cbc_screen.kernel.screen import Kernel
from cbc_screen.kernel_batch import Batch
from cbc_screen.knowledge.intervals import IntervalRow
from cbc_screen.report.layout import layout_of

if TYPE_CHECKING:
    import pyarrow as pa


def detail_columns(kernel: Kernel, batch: Batch) -> dict[str, pa.Array]:
    """Return value, limits and set used of each analyte; null where several ranges disagree."""
    used = kernel.numbers_used(batch)
    keys, unsure = kernel.keys(batch)
    several = np.zeros(batch.rows, dtype=np.bool_)
    several[unsure] = True
    columns: dict[str, pa.Array] = {}
    for analyte in layout_of(kernel.rules).ranged:
        low, high = (
            used.get(f"{analyte}.low", batch.low.get(analyte)),
            used.get(f"{analyte}.high", batch.high.get(analyte)),
        )
        if low is None or high is None:
            continue
        columns[f"{analyte}_low"] = from_numpy(low, low != low)
        columns[f"{analyte}_high"] = from_numpy(high, (high != high) | np.isinf(high))
        for side in ("lower", "upper"):
            low, high = used[least(f"{analyte}.{side}")], used[most(f"{analyte}.{side}")]
            columns[f"{analyte}_{side}_limit"] = from_numpy(low, low != high)
        names, codes = _sets(kernel, batch, analyte, keys)
        codes = np.where(used[mark(UNCOVERED)], 0, codes)
        for place in range(len(kernel.rules.by_gestation.get(analyte, ()))):
            rows = kernel.limits.interval_rows[at_gestation(analyte, place)]
            by_weeks = np.array([0 if row is None else names.index(row.set) for row in rows])[keys]
            codes = np.where(used[at_gestation(analyte, place)], by_weeks, codes)
        codes = np.where(several, 0, codes)
        codes = np.where(used[f"{analyte}.by_report"], names.index("reported"), codes).astype(np.int8)
        columns[f"{analyte}_range_set"] = dictionary(codes, names)
    if f"{ADJUSTED}.low" in used:
        for end in ("low", "high"):
            column = used[f"{ADJUSTED}.{end}"]
            columns[f"{ADJUSTED}_{end}"] = from_numpy(column, ~np.isfinite(column))
    return columns


def _sets(kernel: Kernel, batch: Batch, analyte: str, keys: NDArray[np.intp]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the names of the sets of an analyte, and which of them each row's key has."""
    rules, rows = kernel.rules, kernel.limits.interval_rows
    stated = rows[STATED + analyte] if analyte in rules.stated else []
    spans = range(len(rules.by_gestation.get(analyte, ())))
    preterm = [row for place in spans for row in rows[at_gestation(analyte, place)]]
    names = ["", "reported", *sorted({row.set for row in (*rows[analyte], *stated, *preterm) if row is not None})]

    def by_key(found: Sequence[IntervalRow | None]) -> NDArray[np.int64]:
        return np.array([names.index(row.set) if row is not None else 0 for row in found], dtype=np.int64)[keys]

    codes = by_key(rows[analyte])
    finding = batch.findings.get(rules.stated_finding or "")
    if stated and finding is not None:
        codes = np.where(finding[0], by_key(stated), codes)
    return names, codes
