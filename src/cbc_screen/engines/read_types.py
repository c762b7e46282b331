"""The types of what `read` returns: numbers, dates and missing values, where the texts say nothing else.

A column is converted as a whole or not at all: one with "<10" or "CLOTTED" stays text, so that what it says is read
again as it was written. A text that says more than its number (how many places a zero has, "250.000" of cells) stays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cbc_screen.arrays import from_numpy, is_text, to_bools
from cbc_screen.knowledge import Knowledge
from cbc_screen.normalize.arrow import as_text, distinct, is_number, plain_numbers
from cbc_screen.normalize.cells import plain_cells
from cbc_screen.normalize.dates import parse_date
from cbc_screen.normalize.plan import Plan
from cbc_screen.normalize.value import NumberFormat, fold

if TYPE_CHECKING:
    import pyarrow as pa

_DATES = ("birth_date", "collected_at")
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$"
# Not "00123" nor "+5": a number that is not written as numbers are may be a name for something.
_COUNTED = r"^(0|-?[1-9][0-9]{0,14})(\.[0-9]{1,8})?$"


def with_types(table: pa.Table, plans: Mapping[str, Plan], knowledge: Knowledge, own: Container[str]) -> pa.Table:
    """Return a table of texts with the types of its cells.

    `plans` say, for each column that is known, by which plan its texts are read; `own` columns have their types.
    """
    import pyarrow as pa

    columns = {}
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        columns[name] = column if name in own else _typed(name, column, table, plans.get(name), knowledge)
    return pa.table(columns)


def _typed(name: str, column: pa.Array, table: pa.Table, plan: Plan | None, knowledge: Knowledge) -> pa.Array:
    if is_number(column) or not is_text(column):
        return column
    text = as_text(column)
    analyte = name if name in knowledge.analytes else name.rsplit("_", 1)[0]
    is_result = analyte in knowledge.analytes and (name == analyte or name.endswith(("_lower", "_upper")))
    if plan is not None and not (is_result or name == "age" or name in _DATES):
        return _without(text, {""})  # "none" is a word for a pregnancy
    cells = _without(text, {""} if plan is None else knowledge.words.missing)
    if plan is None:
        found = _counted(cells)
    elif is_result:
        found = _result(cells, table, analyte, plan, knowledge)
    elif name == "age":
        found = _number(cells, plan.declared.number_format)
    else:
        found = _date(cells, plan.declared.date_format_of(name))
    return cells if found is None else found


def _without(text: pa.Array, nothing: Collection[str]) -> pa.Array:
    """Return texts with those that are missing which say nothing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    words, places = distinct(text)
    missing = np.array([fold(word).upper() in nothing for word in words] + [True])[places]
    return pc.if_else(from_numpy(missing), pa.scalar(None, pa.string()), text.cast(pa.string()))


def _result(cells: pa.Array, table: pa.Table, analyte: str, plan: Plan, knowledge: Knowledge) -> pa.Array | None:
    """Return results as numbers, where every one that there is says nothing but a number."""
    reader = plan.reader(knowledge, analyte)
    units = f"{analyte}_unit"
    beside = as_text(table.column(units).combine_chunks()) if units in table.column_names else None
    with_point = _with_point(cells, plan.declared.number_format)
    return None if with_point is None else _if_all(plain_cells(with_point, beside, reader))


def _number(cells: pa.Array, written: NumberFormat) -> pa.Array | None:
    with_point = _with_point(cells, written)
    return None if with_point is None else _if_all(plain_numbers(with_point))


def _if_all(found: tuple[Any, Any]) -> pa.Array | None:
    values, plain = found
    return from_numpy(values, np.isnan(values)) if plain.all() else None


def _with_point(cells: pa.Array, written: NumberFormat) -> pa.Array | None:
    """Return texts with a decimal point; None where a mark for thousands may stand in them."""
    import pyarrow.compute as pc

    if written.thousands and to_bools(pc.fill_null(pc.match_substring(cells, written.thousands), False)).any():
        return None
    if written.decimal == ".":
        return cells
    if to_bools(pc.fill_null(pc.match_substring(cells, "."), False)).any():
        return None
    return pc.replace_substring(cells, written.decimal, ".")


def _counted(cells: pa.Array) -> pa.Array | None:
    """Return a column that is not known as numbers, where all of it is: whole ones stay whole."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if cells.null_count == len(cells):
        return None
    shaped = pc.fill_null(pc.match_substring_regex(cells, _COUNTED), True)
    if not to_bools(shaped).all():
        return None
    whole = not to_bools(pc.fill_null(pc.match_substring(cells, "."), False)).any()
    return cells.cast(pa.int64() if whole and not cells.null_count else pa.float64())


def _date(cells: pa.Array, date_format: str | None) -> pa.Array | None:
    """Return dates, where every one that there is names a day, and nothing of it is lost."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if date_format is None and not to_bools(pc.fill_null(pc.match_substring_regex(cells, _ISO), True)).all():
        return None
    read: Callable[[str], Any] = _declared(date_format) if date_format is not None else _iso
    words, places = distinct(cells)
    days = [read(word) for word in words]
    if not days or None in days:
        return None
    return pa.array([*days, None], type=pa.timestamp("us")).take(from_numpy(np.where(places < 0, len(days), places)))


def _iso(text: str) -> Any:
    import datetime

    span, _ = parse_date(text)
    return None if span is None else datetime.datetime.fromisoformat(text)


def _declared(date_format: str) -> Callable[[str], Any]:
    import datetime

    def read(text: str) -> Any:
        span, _ = parse_date(text, date_format)
        try:
            found = datetime.datetime.strptime(text.strip(), date_format)
        except ValueError:
            return None
        return None if span is None or found.tzinfo is not None else found

    return read
