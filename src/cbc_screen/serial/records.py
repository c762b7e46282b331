"""One record with the earlier counts of its person: what they show of it, by the rules of `follow`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy
from cbc_screen.kernel_batch import Batch
from cbc_screen.kernel_inputs import PREGNANCIES, SEXES
from cbc_screen.normalize.columns import Normalized
from cbc_screen.normalize.record import NormalizedRecord
from cbc_screen.normalize.specimen import SPECIMEN_FIELD
from cbc_screen.serial.context import ScreenedBlock, SerialContext
from cbc_screen.serial.counts import CountBlock, put_in_order, suppressed
from cbc_screen.serial.histories import Histories
from cbc_screen.serial.lines import line_courses
from cbc_screen.serial.one_person import persons_apart, read_births
from cbc_screen.serial.segments import Bools
from cbc_screen.serial.series import follow_counts
from cbc_screen.serial.times import read_times, surely_after

if TYPE_CHECKING:
    import pyarrow as pa

_WHOLE = ("record", SPECIMEN_FIELD)  # a reason about these: the count is no patient's blood, or holds no result


@dataclass(frozen=True)
class ReceivedCounts:
    """The counts of a person as given, normalized, the one that is screened last; texts of two dates of each."""

    records: Sequence[NormalizedRecord]
    collected: pa.Array
    births: pa.Array
    collected_format: str | None = None
    birth_format: str | None = None


@dataclass(frozen=True)
class History:
    """The counts of a person, followed up to the one that is screened.

    `later` tells which of them, as given, were collected after it, and take no part; `places` those of the others.
    `known` is false where there is no before: the count that is screened has no time, or nothing earlier takes part.
    """

    histories: Histories
    later: Bools
    places: NDArray[np.intp]
    untimed: bool

    @property
    def known(self) -> bool:
        """Whether earlier counts take part in the answer."""
        return not self.untimed and bool(self.histories.several[0])


def history_of(received: ReceivedCounts, context: SerialContext) -> History:
    """Put the counts of a person in order, and follow them up to the last one given."""
    times = read_times(received.collected, received.collected_format)
    later = surely_after(times, -1)
    places = np.flatnonzero(~later)
    records = [received.records[place] for place in places.tolist()]
    batch, starts = batch_of(records), np.zeros(1, dtype=np.intp)
    refused = np.array([any(field in _WHOLE for field, _ in own.reasons) for own in records], dtype=np.bool_)
    refused[-1] = False  # whatever it is, it is the count that is screened
    times = times.take(places)
    births = read_births(received.births.take(from_numpy(places.astype(np.int64))), received.birth_format)
    counts = put_in_order(
        np.arange(len(records)),
        np.zeros(len(records), dtype=np.int64),
        starts,
        times,
        Normalized(batch, {}),
        context.kernels[context.definition],
        refused,
        persons_apart(batch, births, times, refused, starts),
    )
    return History(_followed(counts, context), later, places, not bool(times.known[-1]))


def _followed(counts: CountBlock, context: SerialContext) -> Histories:
    analytes = [name for name in context.rules.variation if name in counts.values]
    quiet = suppressed(counts, None, context.rules.suppressions)
    none = np.zeros(counts.moments, dtype=np.bool_)
    units = dict.fromkeys(analytes, none)
    followed = follow_counts(counts, context.rules, analytes, np.zeros(1, dtype=np.int64), quiet, none, units)
    screened = ScreenedBlock(context, counts)
    return Histories(followed, screened, line_courses(followed, screened))


def batch_of(records: Sequence[NormalizedRecord]) -> Batch:
    """Return normalized records as the kernel takes many."""
    names = {name for own in records for name in own.inputs}

    def numbers(name: str) -> NDArray[np.float64]:
        return np.array([own.inputs.get(name, np.nan) for own in records], dtype=np.float64)

    def truths(name: str) -> Bools:
        return np.array([bool(own.inputs.get(name)) for own in records], dtype=np.bool_)

    low = {analyte: numbers(f"{analyte}.low") for analyte in _ending(names, ".low")}
    high = {analyte: numbers(f"{analyte}.high") for analyte in low}
    exact = {name: np.array_equal(low[name], high[name], equal_nan=True) for name in low}
    findings = sorted({*_ending(names, ".present"), *_ending(names, ".absent")})
    reported = sorted({*_ending(names, ".reported_lower"), *_ending(names, ".reported_upper")})
    ages = [own.person.age for own in records]
    methods = {"reticulocytes_automated", "reticulocytes_manual"}
    return Batch(
        rows=len(records),
        low=low,
        high={name: low[name] if exact[name] else high[name] for name in low},
        findings={name: (truths(f"{name}.present"), truths(f"{name}.absent")) for name in findings},
        reported={name: (numbers(f"{name}.reported_lower"), numbers(f"{name}.reported_upper")) for name in reported},
        method=(truths("reticulocytes_automated"), truths("reticulocytes_manual")) if methods & names else None,
        uncorrected=truths("wbc_uncorrected") if "wbc_uncorrected" in names else None,
        days_low=np.array([age.days_low if age else 0 for age in ages], dtype=np.int64),
        days_high=np.array([age.days_high if age else 0 for age in ages], dtype=np.int64),
        months_low=np.array([age.months_low if age else 0 for age in ages], dtype=np.int64),
        months_high=np.array([age.months_high if age else 0 for age in ages], dtype=np.int64),
        age_known=np.array([age is not None for age in ages], dtype=np.bool_),
        sex=np.array([SEXES.index(own.person.sex) for own in records], dtype=np.int8),
        pregnancy=np.array([PREGNANCIES.index(own.person.pregnancy) for own in records], dtype=np.int8),
    )


def _ending(names: Iterable[str], end: str) -> list[str]:
    return sorted(name.removesuffix(end) for name in names if name.endswith(end))
