"""One row of a frame with its whole result, and a record under the names that columns have."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from cbc_screen.engines.frames import Engine, Prepared, prepare
from cbc_screen.engines.opening import Opening
from cbc_screen.engines.rescreen import Screening
from cbc_screen.errors import CBCScreenError, UsageError
from cbc_screen.normalize.people import letters_of, with_sex_letters
from cbc_screen.normalize.plan import make_plan
from cbc_screen.normalize.received import declared_again, declared_of, received_rows, record_of
from cbc_screen.normalize.record import RecordNormalizer
from cbc_screen.record import CBCRecord
from cbc_screen.result import ScreeningResult


def explain_row(screener: Screening, engine: Engine, frame: Any, row: int, opening: Opening) -> ScreeningResult:
    """Return the whole result of a row; see `Screener.explain`."""
    ready = prepare(engine, frame, opening)
    return _result(screener, ready, ready.place_of(row))


def screen_named(
    screener: Screening, engine: Engine, record: Mapping[str, Any], opening: Opening
) -> ScreeningResult | None:
    """Screen a record under the names that columns have ("HGB (g/dL)"); None where some name is not read."""
    ready = _named(engine, record, opening)
    return None if ready is None else _result(screener, ready, 0)


def read_named(
    engine: Engine, record: Mapping[str, Any], opening: Opening
) -> tuple[CBCRecord, RecordNormalizer] | None:
    """Read a record under the names that columns have; None where some name is not read."""
    ready = _named(engine, record, opening)
    return None if ready is None else record_of_row(ready, 0)


def _named(engine: Engine, record: Mapping[str, Any], opening: Opening) -> Prepared | None:
    """Return a record as a frame of one row."""
    import pyarrow as pa

    if not all(isinstance(name, str) and _is_cell(cell) for name, cell in record.items()):
        return None
    try:
        plan = make_plan(engine.knowledge, list(record), opening.declared)
        columns = {name: pa.array([record[name]]) for name in plan.columns}
    except (UsageError, pa.ArrowException):
        return None
    if plan.possible or not plan.analytes or not set(record) <= set(plan.columns):
        return None
    plan = with_sex_letters(plan, letters_of(columns, plan, engine.knowledge), engine.knowledge)
    return Prepared(engine, plan, columns, 1)


def _is_cell(value: object) -> bool:
    """Tell whether a value may stand in a table of counts; true and false are not numbers."""
    return value is None or (isinstance(value, str | int | float | datetime.date) and not isinstance(value, bool))


def record_of_row(ready: Prepared, place: int) -> tuple[CBCRecord, RecordNormalizer]:
    """Return a row as a record, and what reads its texts."""
    engine, plan = ready.engine, ready.plan
    columns = {name: array.slice(place, 1) for name, array in ready.arrays.items()}
    [received] = received_rows(columns, plan)
    record, _ = record_of(received, engine.knowledge)
    return record, RecordNormalizer(engine.knowledge, declared_again(declared_of(plan)), frozenset(plan.suspect))


def _result(screener: Screening, ready: Prepared, place: int) -> ScreeningResult:
    """Screen a row alone, from its cells as received; the flags must be those it has among the others."""
    engine, plan = ready.engine, ready.plan
    columns = {name: array.slice(place, 1) for name, array in ready.arrays.items()}
    record, normalizer = record_of_row(ready, place)
    result = screener.screen_declared(record, normalizer)
    normalized = engine.normalize(columns, 1, plan)
    [flags] = engine.table(normalized, engine.kernel.screen(normalized.batch), detail=False).to_pylist()
    if any(flags[name] != flag for name, flag in result.flags().items()):
        raise CBCScreenError("the row alone is not what it is among the others; please report this")
    return result
