"""screen_frame: a frame in memory, in slices that fit the cache."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cbc_screen.errors import UsageError
from cbc_screen.ingest.frames import from_arrow, headers, to_arrow
from cbc_screen.knowledge import Knowledge
from cbc_screen.normalize.columns import REASONS, Normalized, normalize_table
from cbc_screen.normalize.plan import Declared, Plan, make_plan
from cbc_screen.report.detail import detail_columns
from cbc_screen.report.flags import flags_table

if TYPE_CHECKING:
    import pyarrow as pa

    from cbc_screen.screener import Screener

SLICE = 262_144


def screen_frame(
    screener: Screener,
    knowledge: Knowledge,
    frame: Any,
    declared: Declared,
    columns: Mapping[str, str] | None,
    *,
    detail: bool,
) -> Any:
    """Screen a frame; see `Screener.screen_frame`."""
    import pyarrow as pa

    plan = make_plan(knowledge, headers(frame), declared, columns)
    require_analyte(plan)
    arrays = to_arrow(frame, list(plan.columns))
    rows = len(frame)
    parts = []
    for start in range(0, max(rows, 1), SLICE):
        part = {name: array.slice(start, SLICE) for name, array in arrays.items()}
        normalized = normalize_table(
            part, min(SLICE, rows - start), plan, knowledge, use_reported=screener.prefer_reported_ranges
        )
        parts.append(screen_normalized(screener, normalized, detail=detail))
    table = parts[0] if len(parts) == 1 else pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    return from_arrow(table, frame)


def screen_normalized(screener: Screener, normalized: Normalized, *, detail: bool) -> pa.Table:
    """Screen a normalized batch and return its flag columns."""
    kernel = screener.kernel
    outputs = kernel.screen(normalized.batch)
    table = flags_table(kernel.rules, outputs, normalized.reasons, REASONS)
    if detail:
        for name, array in detail_columns(kernel, normalized.batch, outputs).items():
            table = table.append_column(name, array)
    return table


def require_analyte(plan: Plan) -> None:
    """Refuse a table in which no result was recognised."""
    if plan.analytes:
        return
    refused = "; ".join(f"{name}: {why}" for name, why in plan.refused.items())
    hint = f" (refused: {refused})" if refused else ""
    raise UsageError(
        f"no column reads as a blood count result; name them with columns= (--columns hemoglobin=...){hint}"
    )


def result_mask(normalized: Normalized) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which rows have any blood count result."""
    if "record" not in normalized.reasons:
        return np.ones(normalized.batch.rows, dtype=np.bool_)
    return normalized.reasons["record"] < 0
