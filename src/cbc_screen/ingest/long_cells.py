"""What a table of one result a row is read by: its columns by name, and the texts of its cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from cbc_screen.errors import UsageError
from cbc_screen.ingest.source import SourceBatch, name_or_place
from cbc_screen.ingest.texts import WHOLE, Texts, as_strings, texts_of
from cbc_screen.knowledge.fold import fold_word
from cbc_screen.knowledge.specimens import Specimens

if TYPE_CHECKING:
    import pyarrow as pa

Cells = dict[str, list[str]]
NUMBERED = ("number", "patient")  # fields of specimens.yaml
_NUMBERS = (("person", "patient"), ("specimen_key", "number"))
STATED = "stated "  # before the field and the header of a column that tells a kind of specimen
_LONGEST_YEAR = 4


def find_columns(
    wanted: Mapping[str, tuple[str, ...]], headers: Sequence[str], required: Sequence[str]
) -> dict[str, list[str]]:
    """Find the columns of each field, without case, width or accents."""
    by_name: dict[str, str] = {}
    for header in headers:
        name = fold_word(header)
        if name in by_name and any(name == fold_word(one) for names in wanted.values() for one in names):
            raise UsageError(f"two columns are named {name_or_place(header, headers)}; remove or rename one of them")
        by_name[name] = header
    found = {}
    for field, names in wanted.items():
        own = [by_name[fold_word(name)] for name in names if fold_word(name) in by_name]
        if own:
            found[field] = own
    for field in required:
        if field in wanted and field not in found:
            raise UsageError(f"the table has no column {' or '.join(wanted[field])}; is it of another profile?")
    return found


def stated_columns(
    headers: Sequence[str], claimed: Mapping[str, Sequence[str]], specimens: Specimens
) -> dict[str, list[str]]:
    """Find the columns that tell what kind a specimen is; what a profile reads for another purpose is left to it."""
    taken = {name for field, names in claimed.items() if field != "specimen_key" for name in names}
    once = [header for header, many in Counter(headers).items() if many == 1 and header not in taken]
    found = {header: field for header in once if (field := specimens.field_of(header)) is not None}
    # A control has a number as a patient and a sample have, whatever the column is called.
    found |= {name: field for claim, field in _NUMBERS for name in claimed.get(claim, ())}
    return {f"{STATED}{field} {header}": [header] for header, field in found.items()}


def is_of_numbers(field: str) -> bool:
    """Tell whether a field holds numbers of samples or patients, of which nearly each is another one."""
    return field.startswith(STATED) and field.split(" ")[1] in NUMBERED


def names_of(columns: Mapping[str, list[str]]) -> list[str]:
    """Return every column once, in order."""
    return list(dict.fromkeys(name for names in columns.values() for name in names))


def whole_keys(texts: list[str]) -> list[str]:
    """Take off the fraction that some tool's column type added: a column of 7.0 and 8.0 is 7 and 8.

    Where other texts stand beside them, 7 and 7.0 may be two persons.
    """
    if all(not text or WHOLE.fullmatch(text) for text in texts):
        return [text.partition(".")[0] for text in texts]
    return texts


def cells_of(column: pa.Array) -> list[str]:
    """Return the cells of a column without the blanks around them."""
    return [cell.strip() if cell is not None else "" for cell in as_strings(column).to_pylist()]


def first_told(one: str, other: str) -> str:
    """Return the first text, or else the other."""
    return one or other


def texts_of_column(batch: SourceBatch, name: str) -> Texts:
    """Return the texts of a column of a batch."""
    return texts_of(batch.columns[name])


def rows_of(cells: Cells) -> Iterator[dict[str, str]]:
    """Yield each row, by field."""
    fields = list(cells)
    for row in zip(*cells.values(), strict=True):
        yield dict(zip(fields, row, strict=True))


def age_of(row: Mapping[str, str]) -> str:
    """Return the age that a row tells, with its unit."""
    return age_text(row.get("age", ""), row.get("age_unit", ""))


def unit_beside(age: str, unit: str) -> str:
    """Return the unit that the header states, of an age that has none in its cell."""
    return unit if age and not any(map(str.isalpha, age)) else ""


def age_text(age: str, unit: str) -> str:
    """Return an age with its unit."""
    return f"{age} {unit}".strip() if age else ""


def birth_of(row: Mapping[str, str], units: Mapping[str, str]) -> tuple[str, str]:
    """Return the gestation at birth that a row tells, with the unit of its column, and whether the birth was preterm."""
    told = row.get("gestation_at_birth", "")
    return age_text(told, unit_beside(told, units.get("gestation_at_birth", ""))), row.get("born_preterm", "")


def birth_date_of(row: Mapping[str, str], top_coded_age: int | None) -> str:
    """Return a birth date, as exact as the source has it; an age told as "this or more" gives none."""
    if row.get("birth_date"):
        return row["birth_date"]
    year, month, day = (row.get(f"birth_parts {place}", "") for place in range(3))
    if _is_short_number(year):
        parts = [year, *(part.zfill(2) for part in (month, day) if _is_short_number(part))]
        return "-".join(parts[: 3 if _is_short_number(month) else 1])
    anchor, age = (row.get(f"birth_year_parts {place}", "") for place in range(2))
    known = _is_short_number(anchor) and _is_short_number(age)
    if known and (top_coded_age is None or int(age) < top_coded_age):
        return str(int(anchor) - int(age))
    return ""


def _is_short_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _LONGEST_YEAR
