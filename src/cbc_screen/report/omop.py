"""Flags as OMOP cohorts: who had a count of a pattern, from when, and how many counts were left on the way there.

Tables of results, and never of conditions: a cohort says which counts were flagged, and no diagnosis.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.errors import UsageError
from cbc_screen.ingest.frames import headers, plain_frame, to_arrow
from cbc_screen.normalize.arrow import as_text
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION, Pattern

if TYPE_CHECKING:
    import pyarrow as pa

_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]|$)")
_WHOLE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_LEADING_ZEROS = re.compile(r"0[0-9]+", re.ASCII)
_MOST = 2**63 - 1
_EXACT = {16: 2**11, 32: 2**24, 64: 2**53}  # by the bits of a float: from here on two whole numbers may be one


@dataclass(frozen=True)
class OmopCohorts:
    """The tables of a set of cohorts, each a `pyarrow.Table`.

    `cohort` (cohort_definition_id, subject_id, cohort_start_date, cohort_end_date) as in OMOP CDM 5.4: one row a person,
    the day of the first count of that pattern. `attrition` says how many counts and persons each step left and excluded.
    `settings` names each cohort, with the notice.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> flags = cbc.screen_frame(cbc.sample()).assign(person="7", collected_at="2024-03-01")
    >>> made = cbc.omop_cohorts(flags, {1: "pancytopenia"})
    >>> made.cohort.num_rows, made.attrition["number_records"].to_pylist()
    (1, [142, 142, 142, 130, 4, 1])
    """

    cohort: pa.Table
    attrition: pa.Table
    settings: pa.Table


def omop_cohorts(
    flags: Any, cohorts: Mapping[int, Pattern | str], *, person: str = "person", collected_at: str = "collected_at"
) -> OmopCohorts:
    """Make OMOP cohort and attrition tables of a frame of flags.

    Parameters
    ----------
    flags : a frame, as `read_flags` or `screen_frame` gives it
        With the columns of persons and days; a scan carries them with `keep=["person", "collected_at"]`.
    cohorts : mapping of cohort_definition_id to pattern
        {1: "pancytopenia", 2: "bicytopenia"}; the numbers are those of your own cohort_definition table.
    person, collected_at : str
        The columns of the person_id, a whole number from 0 that is not written with leading zeros, and of the moment of collection, in ISO form.

    Returns
    -------
    OmopCohorts
        Start and end are one day: a flag is of one count, and says nothing of the days after it. A count whose pattern
        cannot be told is in no cohort, and in the attrition as such.

    Raises
    ------
    UsageError
        If a column is not there, a cohort is of no pattern, there is none, or persons are written with leading zeros.

    Examples
    --------
    >>> import pandas as pd
    >>> import cbc_screen as cbc
    >>> counts = pd.DataFrame({"age": ["54 y"] * 2, "sex": ["F"] * 2, "HGB (g/dL)": [9.1, 7.0], "ANC (10^9/L)": [0.9, 0.9],
    ...     "PLT (10^9/L)": [90, 80]})
    >>> flags = cbc.screen_frame(counts).assign(person=["7", "7"], collected_at=["2024-03-01", "2024-02-01"])
    >>> cbc.omop_cohorts(flags, {1: "pancytopenia"}).cohort.to_pylist()[0]["cohort_start_date"]
    datetime.date(2024, 2, 1)
    """
    import pyarrow as pa

    wanted = _wanted(cohorts)
    columns = columns_of(flags, person, collected_at, ["pattern"])
    subject, day = subjects(columns[person], person), days(columns[collected_at])
    pattern = np.array(as_text(columns["pattern"]).to_pylist(), dtype=object)
    parts = [_cohort(number, own, subject, day, pattern) for number, own in wanted.items()]
    settings = {
        "cohort_definition_id": pa.array(list(wanted), pa.int64()),
        "cohort_name": pa.array([str(own) for own in wanted.values()], pa.string()),
        "notice": pa.array([NOTICE] * len(wanted), pa.string()),
        "schema_version": pa.array([SCHEMA_VERSION] * len(wanted), pa.string()),
    }
    return OmopCohorts(
        pa.concat_tables([rows for rows, _ in parts]),
        pa.concat_tables([steps for _, steps in parts]),
        pa.table(settings),
    )


def columns_of(flags: Any, person: str, collected_at: str, names: Sequence[str]) -> dict[str, pa.Array]:
    """Return columns of flags, with those of persons and days."""
    flags, wanted = plain_frame(flags), [person, collected_at, *names]
    for name in wanted:
        if name not in headers(flags):
            raise UsageError(
                f"there is no column {name!r}; give flags, scanned with keep of the columns of persons and days (person=, "
                "collected_at=)"
            )
    return to_arrow(flags, wanted)


def is_number_of_omop(number: object) -> bool:
    """Tell whether this may be the number of a concept or of a cohort: a whole one from 0, of at most 63 bits."""
    return not isinstance(number, bool) and isinstance(number, int | np.integer) and 0 <= int(number) <= _MOST


def _wanted(cohorts: Mapping[int, Pattern | str]) -> dict[int, Pattern]:
    if not isinstance(cohorts, Mapping) or not cohorts:
        raise UsageError(
            'name at least one cohort: {1: "pancytopenia"}, the number that of your cohort_definition table'
        )
    for number in cohorts:
        if not is_number_of_omop(number):
            raise UsageError("a cohort_definition_id is a whole number from 0, of at most 63 bits")
    return {int(number): _pattern(pattern) for number, pattern in cohorts.items()}


def _pattern(given: Pattern | str) -> Pattern:
    known = [own for own in Pattern if own is not Pattern.CANNOT_TELL]
    try:
        own = Pattern(given)
    except ValueError:
        own = Pattern.CANNOT_TELL
    if own is Pattern.CANNOT_TELL:
        raise UsageError(f"a cohort is of one of the patterns {', '.join(known)}")
    return own


def subjects(column: pa.Array, name: str) -> NDArray[np.int64]:
    """Return persons as whole numbers; -1 for what is none."""
    import pyarrow.types as types

    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    is_a_number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    values = (column if is_a_number else as_text(column)).to_pylist()
    exact = _EXACT[kind.bit_width] if types.is_floating(kind) else _MOST
    zeros = [value for value in values if isinstance(value, str) and _LEADING_ZEROS.fullmatch(value)]
    if zeros:
        raise UsageError(
            f"column {name!r}: {len(zeros):,} of {len(values):,} rows have a person written with leading zeros, which is no number (two "
            "persons might become one); give the person_id of your person table"
        )
    return np.array([_person_id(value, exact) for value in values], dtype=np.int64)


def _person_id(value: object, exact: int) -> int:
    match value:
        case str() if _WHOLE.fullmatch(value):
            found = int(value)
        case float() if value.is_integer() and value < exact:
            found = int(value)
        case Decimal() if value.is_finite() and value == value.to_integral_value():
            found = int(value)
        case int():
            found = value
        case _:
            return -1
    return found if 0 <= found <= _MOST else -1


def days(column: pa.Array) -> NDArray[np.datetime64]:
    """Return days; none (NaT) where there is no full date."""
    return np.array([_day(text) for text in as_text(column).to_pylist()], dtype="datetime64[D]")


def _day(text: str | None) -> datetime.date | None:
    found = _DAY.match(text or "")
    try:
        return datetime.date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def _cohort(
    number: int, wanted: Pattern, subject: NDArray[np.int64], day: NDArray[np.datetime64], pattern: NDArray[Any]
) -> tuple[pa.Table, pa.Table]:
    """Return the rows of a cohort, and the steps to it; each step leaves out some of the counts before it."""
    import pyarrow as pa

    steps = [
        ("counts that were screened", np.ones(len(subject), dtype=np.bool_)),
        ("the person is a person_id", subject >= 0),
        ("the day of collection is known", ~np.isnat(day)),
        ("the pattern can be told", pattern != str(Pattern.CANNOT_TELL)),
        (f"the pattern is {wanted}", pattern == str(wanted)),
    ]
    left = np.arange(len(subject))
    told: list[tuple[str, int, int]] = []
    for reason, holds in steps:
        left = left[holds[left]]
        told.append((reason, len(left), len(np.unique(subject[left]))))
    order = left[np.lexsort((day[left], subject[left]))]
    _, first = np.unique(subject[order], return_index=True)
    rows = order[first]
    told.append(("the first count of the person", len(rows), len(rows)))
    before = [told[0], *told[:-1]]
    start = pa.array(day[rows].astype(object).tolist(), pa.date32())
    cohort = pa.table(
        {
            "cohort_definition_id": pa.array([number] * len(rows), pa.int64()),
            "subject_id": pa.array(subject[rows].tolist(), pa.int64()),
            "cohort_start_date": start,
            "cohort_end_date": start,
        }
    )
    attrition = pa.table(
        {
            "cohort_definition_id": pa.array([number] * len(told), pa.int64()),
            "number_records": pa.array([own[1] for own in told], pa.int64()),
            "number_subjects": pa.array([own[2] for own in told], pa.int64()),
            "reason_id": pa.array(range(1, len(told) + 1), pa.int64()),
            "reason": pa.array([own[0] for own in told], pa.string()),
            "excluded_records": pa.array([b[1] - a[1] for b, a in zip(before, told, strict=True)], pa.int64()),
            "excluded_subjects": pa.array([b[2] - a[2] for b, a in zip(before, told, strict=True)], pa.int64()),
        }
    )
    return cohort, attrition
