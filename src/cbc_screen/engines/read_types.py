"""The types of what `read` returns: numbers, dates and missing values, where the texts say nothing else.

A column is converted as a whole or not at all: one with "<10" or "CLOTTED" stays text, so that what it says is read
again as it was written. A text that says more than its number (how many places a zero has, "250.000" of cells) stays.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy, is_text, null_of, to_bools
from cbc_screen.knowledge import Knowledge
from cbc_screen.normalize.arrow import as_text, is_number, places_of, plain_numbers
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

_FIRST = 100
_FOLDED = r"[^ -~]|  "  # what folding does more to than to trim it


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


@dataclass(frozen=True)
class _Texts:
    """The distinct texts of a column, each of which some row has, and the place of each row's (-1: none).

    A column of a table has few: what is asked of a text is asked once.
    """

    words: pa.StringArray
    places: NDArray[np.int64]

    @classmethod
    def of(cls, column: pa.Array) -> _Texts:
        import pyarrow as pa

        text = as_text(column)
        coded = text if pa.types.is_dictionary(text.type) else text.dictionary_encode()
        return cls(coded.dictionary.cast(pa.string()), places_of(coded.indices))._only(
            to_bools(coded.dictionary.is_valid())
        )

    def without(self, nothing: Collection[str]) -> _Texts:
        """Return the texts without those that say nothing."""
        return self._only(~_says_nothing(self.words, nothing))

    def _only(self, which: NDArray[np.bool_]) -> _Texts:
        """Return the texts that are asked for and that some row has; the rows of others have none."""
        which = which & (np.bincount(self.places + 1, minlength=len(which) + 1)[1:] > 0)
        if which.all():
            return self
        moved = np.append(np.where(which, np.cumsum(which) - 1, -1), -1)
        return _Texts(self.words.filter(from_numpy(which)), moved[self.places])

    def having(self, words: pa.StringArray) -> _Texts:
        """Return the same rows with other words."""
        return _Texts(words, self.places)

    def column(self) -> pa.DictionaryArray:
        """Return the texts as a coded column."""
        import pyarrow as pa

        return pa.DictionaryArray.from_arrays(from_numpy(self.places, self.places < 0), self.words)

    def each(self, values: pa.Array) -> pa.Array:
        """Return for each row what stands in `values` for its text."""
        return values.take(from_numpy(self.places, self.places < 0))


def _says_nothing(words: pa.StringArray, nothing: Collection[str]) -> NDArray[np.bool_]:
    """Tell which words say nothing, once folded; those that folding only trims are asked at once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = pc.utf8_upper(pc.utf8_trim_whitespace(words))
    found = to_bools(pc.is_in(plain, value_set=pa.array(sorted(nothing), type=pa.string()))).copy()
    for place in np.flatnonzero(to_bools(pc.fill_null(pc.match_substring_regex(words, _FOLDED), False))).tolist():
        found[place] = fold(words[place].as_py()).upper() in nothing
    return found


def _typed(name: str, column: pa.Array, table: pa.Table, plan: Plan | None, knowledge: Knowledge) -> pa.Array:
    import pyarrow as pa

    if is_number(column) or not is_text(column):
        return column
    if plan is None and not pa.types.is_dictionary(column.type):
        return _of_unknown(column.cast(pa.string()))
    text = _Texts.of(column)
    analyte = name if name in knowledge.analytes else name.rsplit("_", 1)[0]
    is_result = analyte in knowledge.analytes and (name == analyte or name.endswith(("_lower", "_upper")))
    if plan is not None and not (is_result or name == "age" or name in _DATES):
        return text.without({""}).column().cast(pa.string())  # "none" is a word for a pregnancy
    cells = text.without({""} if plan is None else knowledge.words.missing)
    if plan is None:
        numbers = _counted(cells.words, gaps=bool((cells.places < 0).any())) if len(cells.words) else None
        found = None if numbers is None else cells.each(numbers)
    elif is_result:
        found = _result(cells, table, analyte, plan, knowledge)
    elif name == "age":
        found = _number(cells, plan.declared.number_format)
    else:
        found = _date(cells, plan.declared.date_format_of(name), is_birth=name == "birth_date")
    return cells.column().cast(pa.string()) if found is None else found


def _of_unknown(column: pa.StringArray) -> pa.Array:
    """Return a column that is not known: nearly each of its texts may be another, so they are not coded first."""
    import pyarrow as pa
    import pyarrow.compute as pc

    nothing = _says_nothing(column, {""}) | ~to_bools(column.is_valid())
    cells = pc.if_else(from_numpy(nothing), null_of(pa.string()), column) if nothing.any() else column
    found = None if nothing.all() else _counted(cells, gaps=bool(nothing.any()))
    return cells if found is None else found


def _result(cells: _Texts, table: pa.Table, analyte: str, plan: Plan, knowledge: Knowledge) -> pa.Array | None:
    """Return results as numbers, where every one that there is says nothing but a number."""
    reader = plan.reader(knowledge, analyte)
    units = f"{analyte}_unit"
    beside = table.column(units).combine_chunks() if units in table.column_names else None
    with_point = _with_point(cells, plan.declared.number_format)
    return None if with_point is None else _if_all(plain_cells(with_point.column(), beside, reader))


def _number(cells: _Texts, written: NumberFormat) -> pa.Array | None:
    with_point = _with_point(cells, written)
    return None if with_point is None else _if_all(plain_numbers(with_point.column()))


def _if_all(found: tuple[Any, Any]) -> pa.Array | None:
    values, plain = found
    return from_numpy(values, np.isnan(values)) if plain.all() else None


def _with_point(cells: _Texts, written: NumberFormat) -> _Texts | None:
    """Return texts with a decimal point; None where a mark for thousands may stand in them."""
    import pyarrow.compute as pc

    if written.thousands and to_bools(pc.match_substring(cells.words, written.thousands)).any():
        return None
    if written.decimal == ".":
        return cells
    if to_bools(pc.match_substring(cells.words, ".")).any():
        return None
    return cells.having(pc.replace_substring(cells.words, written.decimal, "."))


def _counted(words: pa.StringArray, *, gaps: bool) -> pa.Array | None:
    """Return texts of what is not known as numbers, where all of them are: whole ones stay whole where each row has one."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for own in (words.slice(0, _FIRST), words):  # a name shows at once that it is none
        if not to_bools(pc.fill_null(pc.match_substring_regex(own, _COUNTED), True)).all():
            return None
    whole = not gaps and not to_bools(pc.match_substring(words, ".")).any()
    return words.cast(pa.int64() if whole else pa.float64())


def _date(cells: _Texts, date_format: str | None, *, is_birth: bool) -> pa.Array | None:
    """Return dates, where every one that there is names a day, and nothing of it is lost."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if date_format is None and not to_bools(pc.match_substring_regex(cells.words, _ISO)).all():
        return None
    read: Callable[[str], Any] = _declared(date_format, is_birth) if date_format is not None else _iso
    days = [read(word) for word in cells.words.to_pylist()]
    return None if not days or None in days else cells.each(pa.array(days, type=pa.timestamp("us")))


def _iso(text: str) -> Any:
    import datetime

    span, _ = parse_date(text)
    return None if span is None else datetime.datetime.fromisoformat(text)


def _declared(date_format: str, is_birth: bool) -> Callable[[str], Any]:
    import datetime

    def read(text: str) -> Any:
        span, _ = parse_date(text, date_format)
        try:
            found = datetime.datetime.strptime(text.strip(), date_format)
        except ValueError:
            return None
        if span is None or (is_birth and span.short_year):  # what century is meant, is told where the rows are screened
            return None
        return found if found.tzinfo is None else None

    return read
