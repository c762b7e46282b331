"""Why something of several counts could not be told, or was told with care: "field:REASON", of rows and of persons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import dictionary
from cbc_screen.serial.counts import CountBlock
from cbc_screen.serial.segments import Bools, any_of, begins, sizes
from cbc_screen.serial.series import Followed
from cbc_screen.vocabulary import SerialReason

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATOR = ";"
_MOST_LABELS = 64


def labels_of(analytes: Sequence[str], suppressions: Sequence[str], trended: Sequence[str] = ()) -> list[str]:
    """Return every reason that can be told, in the order in which they are told; of `trended` also that of a trend."""
    of_person = (SerialReason.PERSON_MISSING, SerialReason.PERSON_CONFLICT)
    of_time = (SerialReason.TIME_MISSING, SerialReason.ZONES_MIXED, SerialReason.OUT_OF_ORDER)
    of_count = (
        SerialReason.NOT_BLOOD,
        SerialReason.TIMES_MEET,
        SerialReason.COUNT_REPEATED,
        SerialReason.ONE_COUNT,
        SerialReason.LABORATORY_CHANGED,
    )
    of_analyte = (
        SerialReason.RESULT_UNKNOWN,
        SerialReason.UNIT_CHANGED,
        SerialReason.RANGE_CHANGED,
    )
    return [
        *(f"person:{own}" for own in of_person),
        *(f"time:{own}" for own in of_time),
        *(f"count:{own}" for own in of_count),
        *(f"{own}:{SerialReason.SUPPRESSED}" for own in suppressions),
        *(f"{name}:{own}" for name in analytes for own in of_analyte),
        *(f"{name}:{SerialReason.UNSTEADY}" for name in trended if name in analytes),
    ]


def row_reasons(followed: Followed) -> dict[str, Bools]:
    """Return the rows of a block of which each reason is true, by its words."""
    counts = followed.counts
    conflict, mixed = counts.conflict[counts.person], counts.mixed[counts.person]
    met, repeated = _meetings(counts)
    found: dict[str, Bools] = {
        f"person:{SerialReason.PERSON_MISSING}": np.full(len(counts.rows), counts.nobody),
        f"person:{SerialReason.PERSON_CONFLICT}": conflict,
        f"time:{SerialReason.TIME_MISSING}": ~counts.times.known & ~counts.refused,
        f"time:{SerialReason.ZONES_MIXED}": mixed,
        f"time:{SerialReason.OUT_OF_ORDER}": followed.ordered,
        f"count:{SerialReason.NOT_BLOOD}": counts.refused,
        f"count:{SerialReason.TIMES_MEET}": met,
        f"count:{SerialReason.COUNT_REPEATED}": repeated,
        f"count:{SerialReason.ONE_COUNT}": _only(counts),
        f"count:{SerialReason.LABORATORY_CHANGED}": _of_rows(counts, followed.laboratory),
    }
    for rule, own in followed.quiet.items():
        found[f"{rule}:{SerialReason.SUPPRESSED}"] = own
    for name in followed.series:
        if name in counts.values:
            own_values = counts.values[name]
            found[f"{name}:{SerialReason.RESULT_UNKNOWN}"] = (
                own_values.there & (own_values.low != own_values.high) & ~counts.refused
            )
        found[f"{name}:{SerialReason.UNIT_CHANGED}"] = _of_rows(counts, followed.units[name])
        found[f"{name}:{SerialReason.RANGE_CHANGED}"] = _of_rows(counts, followed.ranges[name])
    return {label: own for label, own in found.items() if own.any()}


def _of_rows(counts: CountBlock, moments: Bools) -> Bools:
    """Return the rows of some moments."""
    found = np.zeros(len(counts.rows), dtype=np.bool_)
    if moments.any():
        found[counts.used] = moments[counts.moment[counts.used]]
    return found


def _only(counts: CountBlock) -> Bools:
    """Return the rows of persons of whom one moment is used, or none."""
    many = np.bincount(counts.owner, minlength=counts.people)
    found: Bools = (many == 1)[counts.person] & (counts.moment >= 0)
    return found


def _meetings(counts: CountBlock) -> tuple[Bools, Bools]:
    """Return the rows that meet others at a moment: which differ from them, and which are the same count again."""
    none = np.zeros(len(counts.rows), dtype=np.bool_)
    many = sizes(counts.starts, len(counts.used))
    if not (many > 1).any():
        return none, none
    differ = np.zeros(counts.moments, dtype=np.bool_)
    for own in counts.values.values():
        for side in (own.low, own.high):
            shown = np.nan_to_num(side[counts.used], nan=-1.0, posinf=-2.0)
            differ |= np.maximum.reduceat(shown, counts.starts) != np.minimum.reduceat(shown, counts.starts)
    return _of_rows(counts, (many > 1) & differ), _of_rows(counts, (many > 1) & ~differ)


def of_people(counts: CountBlock, rows: Mapping[str, Bools]) -> dict[str, Bools]:
    """Return of which persons each reason is true in any row."""
    starts = begins(counts.person)
    return {label: any_of(own, starts) for label, own in rows.items()}


def bits_of(labels: Sequence[str], found: Mapping[str, Bools], rows: int) -> NDArray[np.uint64]:
    """Return a bit for each label that is true of a row."""
    assert len(labels) <= _MOST_LABELS
    bits = np.zeros(rows, dtype=np.uint64)
    for place, label in enumerate(labels):
        if label in found:
            bits |= found[label].astype(np.uint64) << np.uint64(place)
    return bits


def words_of(labels: Sequence[str], bits: NDArray[np.uint64]) -> pa.Array:
    """Write the labels of each row as one text."""
    kinds, places = np.unique(bits, return_inverse=True)
    words = [
        SEPARATOR.join(label for place, label in enumerate(labels) if kind >> place & 1) for kind in kinds.tolist()
    ]
    return dictionary(places.ravel().astype(np.int32), words)
