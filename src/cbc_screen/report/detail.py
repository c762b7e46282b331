"""The columns of `detail=True`: values and limits used, and the set they come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel.screen import Kernel
from cbc_screen.kernel_inputs import Batch
from cbc_screen.report.flags import ranged

if TYPE_CHECKING:
    import pyarrow as pa


def detail_columns(kernel: Kernel, batch: Batch, outputs: Mapping[str, NDArray[Any]]) -> dict[str, pa.Array]:
    """Return value, limits and set of each analyte given; null where several ranges were tried."""
    import pyarrow as pa

    keys, unsure = kernel.keys(batch)
    several = np.zeros(batch.rows, dtype=np.bool_)
    several[unsure] = True
    columns: dict[str, pa.Array] = {}
    for analyte in (name for name in ranged(kernel.rules) if name in batch.low):
        low, high = batch.low[analyte], batch.high[analyte]
        columns[f"{analyte}_low"] = pa.array(low, mask=low != low)
        columns[f"{analyte}_high"] = pa.array(high, mask=(high != high) | np.isinf(high))
        reported = batch.reported.get(analyte)
        insane = outputs.get(f"{analyte}.range_insane")
        used_reported = np.zeros(batch.rows, dtype=np.bool_)
        for place, side in enumerate(("lower", "upper")):
            limit = kernel.limits.table.column(f"{side}:{analyte}")[keys]
            limit = np.where(several, np.nan, limit)
            if reported is not None and insane is not None:
                own = (reported[place] == reported[place]) & ~insane
                limit = np.where(own, reported[place], limit)
                used_reported |= own
            columns[f"{analyte}_{side}_limit"] = pa.array(limit, mask=limit != limit)
        sets = kernel.limits.interval_rows[analyte]
        names = ["", "reported", *sorted({row.set for row in sets if row is not None})]
        by_key = np.array([names.index(row.set) if row is not None else 0 for row in sets], dtype=np.int8)
        codes = np.where(several, 0, by_key[keys])
        codes = np.where(used_reported, 1, codes).astype(np.int8)
        columns[f"{analyte}_range_set"] = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(names))
    return columns
