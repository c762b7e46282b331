"""Flags as OMOP cohorts: who had a count of a pattern, from when, and how many counts were left on the way there.

Tables of results, and never of conditions: a cohort says which counts were flagged, and no diagnosis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.errors import UsageError
from cbc_screen.ingest.frames import headers, plain_frame, to_arrow
from cbc_screen.vocabulary import NOTICE, Pattern

if TYPE_CHECKING:
    import pyarrow as pa

_DAY = r"^(\d{4}-\d{2}-\d{2})(?:[T ].*)?$"
_WHOLE = r"^[0-9]{1,18}$"


@dataclass(frozen=True)
class OmopCohorts:
    """The tables of a set of cohorts, each a `pyarrow.Table`.

    `cohort` (cohort_definition_id, subject_id, cohort_start_date, cohort_end_date) as in OMOP CDM 5.4: one row a person,
    the day of the first count of that pattern. `attrition` says how many counts and persons each step left and excluded.
    `settings` names each cohort, with the notice.
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
        The columns of the person_id, a whole number, and of the moment of collection, in ISO form.

    Returns
    -------
    OmopCohorts
        Start and end are one day: a flag is of one count, and says nothing of the days after it. A count whose pattern
        cannot be told is in no cohort, and in the attrition as such.

    Raises
    ------
    UsageError
        If a column is not there, or a cohort is of no pattern.

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

    flags = plain_frame(flags)
    for name in (person, collected_at, "pattern"):
        if name not in headers(flags):
            raise UsageError(
                f"there is no column {name!r}; give flags, scanned with keep of the columns of persons and days (person=, "
                "collected_at=)"
            )
    wanted = {number: _pattern(pattern) for number, pattern in cohorts.items()}
    columns = to_arrow(flags, [person, collected_at, "pattern"])
    subject, day = _subjects(columns[person]), _days(columns[collected_at])
    pattern = np.array(columns["pattern"].cast(pa.string()).to_pylist(), dtype=object)
    parts = [_cohort(number, own, subject, day, pattern) for number, own in wanted.items()]
    settings = {
        "cohort_definition_id": pa.array(list(wanted), pa.int64()),
        "cohort_name": pa.array([str(own) for own in wanted.values()], pa.string()),
        "notice": pa.array([NOTICE] * len(wanted), pa.string()),
    }
    return OmopCohorts(
        pa.concat_tables([rows for rows, _ in parts]),
        pa.concat_tables([steps for _, steps in parts]),
        pa.table(settings),
    )


def _pattern(given: Pattern | str) -> Pattern:
    known = [own for own in Pattern if own is not Pattern.CANNOT_TELL]
    try:
        own = Pattern(given)
    except ValueError:
        own = Pattern.CANNOT_TELL
    if own is Pattern.CANNOT_TELL:
        raise UsageError(f"a cohort is of one of the patterns {', '.join(known)}")
    return own


def _subjects(column: pa.Array) -> NDArray[np.int64]:
    """Return persons as whole numbers; -1 for what is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = column.cast(pa.string())
    whole = pc.fill_null(pc.match_substring_regex(texts, _WHOLE), False)
    found = pc.if_else(whole, texts, pa.scalar("-1")).cast(pa.int64())
    return np.array(found.to_pylist(), dtype=np.int64)


def _days(column: pa.Array) -> NDArray[np.datetime64]:
    """Return days; none (NaT) where there is no full date."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = column.cast(pa.string())
    days = pc.replace_substring_regex(texts, _DAY, r"\1")
    full = pc.fill_null(pc.match_substring_regex(texts, _DAY), False)
    return np.array(
        [_day(text) if own else None for text, own in zip(days.to_pylist(), full.to_pylist(), strict=True)],
        dtype="datetime64[D]",
    )


def _day(text: str) -> np.datetime64 | None:
    try:
        return np.datetime64(text, "D")
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
