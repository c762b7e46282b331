"""Flags as OMOP measurement rows: what was worked out of a count, with the type concept of an algorithm.

No concept is chosen here: vocabularies are licensed, and the numbers are those of the concept table that the rows go to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.errors import UsageError
from cbc_screen.normalize.arrow import as_text
from cbc_screen.report.omop import columns_of, days, is_number_of_omop, subjects
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION, Severity

if TYPE_CHECKING:
    import pyarrow as pa

_GRADE = "_grade"
_WORDS = ("pattern", "severity", "urgency", "red_line", "white_line", "platelet_line", "blood_criteria")
_UNTOLD = str(Severity.CANNOT_TELL)  # the same word in each of these columns
_SOURCE_LENGTH = 50  # characters of a source value in the CDM


@dataclass(frozen=True)
class OmopMeasurements:
    """Rows of a measurement table, and what became of each count; each a `pyarrow.Table`.

    `measurement` has the columns of OMOP CDM 5.4 that a result can fill. `account` says for each flag column how many counts
    there were, how many rows they made, and why the others made none.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> flags = cbc.screen_frame(cbc.sample()).assign(person="7", collected_at="2024-03-01")
    >>> made = cbc.omop_measurements(flags, {"pattern": 2000000001}, 2000000009)
    >>> made.measurement.num_rows, made.account["counts"][0].as_py(), made.account["cannot_tell"][0].as_py()
    (130, 142, 12)
    """

    measurement: pa.Table
    account: pa.Table


def omop_measurements(
    flags: Any,
    concepts: Mapping[str, int],
    type_concept: int,
    *,
    values: Mapping[str, int] | None = None,
    person: str = "person",
    collected_at: str = "collected_at",
    first_id: int = 1,
) -> OmopMeasurements:
    """Make OMOP measurement rows of a frame of flags.

    Parameters
    ----------
    flags : a frame, as `read_flags` or `screen_frame` gives it
        With the columns of persons and days; a scan carries them with `keep=["person", "collected_at"]`.
    concepts : mapping of flag column to measurement_concept_id
        Columns of words (pattern, severity, urgency, the three lines, blood_criteria) and of grades ("hemoglobin_grade"). The numbers
        are those of your own concept table: {"pattern": 2000000001, "platelets_grade": 2000000002}.
    type_concept : int
        measurement_type_concept_id: the concept that says that an algorithm made the row, as your vocabulary has it.
    values : mapping of word to value_as_concept_id, optional
        {"pancytopenia": 2000000101}; a word without one has no value concept (0), and stands in value_source_value.
    person, collected_at : str
        The columns of the person_id and of the moment of collection, as in `omop_cohorts`.
    first_id : int
        The measurement_id of the first row; the others count from it.

    Returns
    -------
    OmopMeasurements
        A grade is a number, a word a concept. What cannot be told makes no row: it is no result, and is counted.

    Raises
    ------
    UsageError
        If a column is not there or is none of these, or a number is none.

    Examples
    --------
    >>> import pandas as pd
    >>> import cbc_screen as cbc
    >>> counts = pd.DataFrame({"age": ["54 y"], "sex": ["F"], "HGB (g/dL)": [7.0], "ANC (10^9/L)": [0.9], "PLT (10^9/L)": [80]})
    >>> flags = cbc.screen_frame(counts).assign(person=["7"], collected_at=["2024-03-01"])
    >>> made = cbc.omop_measurements(flags, {"pattern": 2000000001}, 2000000009, values={"pancytopenia": 2000000101})
    >>> row = made.measurement.to_pylist()[0]
    >>> row["person_id"], row["value_as_concept_id"], row["value_source_value"]
    (7, 2000000101, 'pancytopenia')
    """
    import pyarrow as pa

    _check(concepts, values or {}, type_concept, first_id)
    columns = columns_of(flags, person, collected_at, list(concepts))
    subject, day = subjects(columns[person], person), days(columns[collected_at])
    tables, accounts, number = [], [], first_id
    for name, concept in concepts.items():
        told = np.array(as_text(columns[name]).to_pylist(), dtype=object)
        rows, account = _rows(name, told, subject, day)
        tables.append(_table(name, concept, told[rows], subject[rows], day[rows], values or {}, type_concept, number))
        accounts.append(account)
        number += len(rows)
    return OmopMeasurements(pa.concat_tables(tables), pa.Table.from_pylist(accounts))


def _check(concepts: Mapping[str, int], values: Mapping[str, int], type_concept: int, first_id: int) -> None:
    if not concepts:
        raise UsageError('name at least one flag column with its concept: {"pattern": 2000000001}')
    for name in concepts:
        if name not in _WORDS and not name.endswith(_GRADE):
            raise UsageError(f"concepts: {name!r} is none of {', '.join(_WORDS)}, and no column of grades")
    for told, numbers in (
        ("measurement_concept_id", concepts.values()),
        ("value_as_concept_id", values.values()),
        ("type_concept", [type_concept]),
        ("first_id", [first_id]),
    ):
        if not all(map(is_number_of_omop, numbers)):
            raise UsageError(f"{told} is a whole number from 0, of at most 63 bits")


def _rows(
    name: str, told: NDArray[Any], subject: NDArray[np.int64], day: NDArray[np.datetime64]
) -> tuple[NDArray[np.intp], dict[str, Any]]:
    """Return the counts that make a row, and the account of all."""
    left = np.ones(len(told), dtype=np.bool_)
    account: dict[str, Any] = {"column": name, "counts": len(told)}
    for why, holds in (
        ("no_person_id", subject >= 0),
        ("no_day", ~np.isnat(day)),
        ("cannot_tell", np.array([own is not None and own != _UNTOLD for own in told], dtype=np.bool_)),
    ):
        account[why] = int((left & ~holds).sum())
        left &= holds
    return np.flatnonzero(left), {
        **account,
        "rows": int(left.sum()),
        "notice": NOTICE,
        "schema_version": SCHEMA_VERSION,
    }


def _table(
    name: str,
    concept: int,
    told: NDArray[Any],
    subject: NDArray[np.int64],
    day: NDArray[np.datetime64],
    values: Mapping[str, int],
    type_concept: int,
    first_id: int,
) -> pa.Table:
    import pyarrow as pa

    many, graded = len(told), name.endswith(_GRADE)
    return pa.table(
        {
            "measurement_id": pa.array(range(first_id, first_id + many), pa.int64()),
            "person_id": pa.array(subject.tolist(), pa.int64()),
            "measurement_concept_id": pa.array([concept] * many, pa.int64()),
            "measurement_date": pa.array(day.astype(object).tolist(), pa.date32()),
            "measurement_type_concept_id": pa.array([type_concept] * many, pa.int64()),
            "value_as_number": pa.array([float(own) if graded else None for own in told], pa.float64()),
            "value_as_concept_id": pa.array([None if graded else values.get(own, 0) for own in told], pa.int64()),
            "measurement_source_value": pa.array([name[:_SOURCE_LENGTH]] * many, pa.string()),
            "value_source_value": pa.array([str(own)[:_SOURCE_LENGTH] for own in told], pa.string()),
        }
    )
