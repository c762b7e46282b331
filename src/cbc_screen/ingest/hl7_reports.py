"""HL7 v2: the results of one order, once all that is said of its specimen is known."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from msgspec import Struct

from cbc_screen.ingest.hl7_grammar import iso_time, joined
from cbc_screen.ingest.hl7_words import ObservationWords
from cbc_screen.ingest.results import (
    Item,
    LabResult,
    PlainResult,
    ResultCode,
    ResultKind,
    Stated,
    best_told,
    is_partial,
)
from cbc_screen.ingest.source import LONGEST_CONTENT
from cbc_screen.vocabulary import Reason, ResultStatus

MOST_NOTES = 20
_MOST_KINDS = 8_192


@dataclass(slots=True)
class Observation:
    """An OBX that waits for what the segments after it say of its specimen."""

    line: int
    words: ObservationWords
    value: str
    status: ResultStatus
    observed_at: str
    content: str
    fault: Reason | None = None
    notes: list[str] = field(default_factory=list)


class PlainObservation(Struct, gc=False, frozen=True):
    """An OBX of an order that says when its specimen was taken, whose value is a number in digits, and of which nothing else is said."""

    line: int
    words: ObservationWords
    status: ResultStatus
    value: str
    text: str


def opened(one: Observation | PlainObservation) -> Observation:
    """Return an observation of which more can be said."""
    if isinstance(one, Observation):
        return one
    return Observation(one.line, one.words, one.value, one.status, "", one.text[:LONGEST_CONTENT])


class Kinds:
    """The kinds of results of a file, by what their orders and their own fields say."""

    def __init__(self) -> None:
        self._orders: dict[tuple[object, ...], dict[tuple[ObservationWords, ResultStatus], ResultKind]] = {}
        self._many = 0

    def of_order(self, order: tuple[object, ...]) -> dict[tuple[ObservationWords, ResultStatus], ResultKind]:
        """Return the kinds of results of orders that say the same."""
        found = self._orders.get(order)
        if found is None:
            self._many += 1
            if self._many > _MOST_KINDS:
                self._orders.clear()
                self._many = 1
            found = self._orders[order] = {}
        return found


@dataclass(slots=True)
class Report:
    """An OBR with its results."""

    person: str
    group: str
    panel: str = ""
    specimen: str = ""
    collected_at: str = ""
    status: ResultStatus = ResultStatus.FINAL
    voided: ResultStatus | None = None  # the order was cancelled or held, whatever its results say of themselves
    notes: list[str] = field(default_factory=list)
    specimens: list[str] = field(default_factory=list)
    stated: list[tuple[str, str]] = field(default_factory=list)
    sampled_at: str = ""
    fault: Reason | None = None  # of the specimen, and so of every result
    conditions: list[str] = field(default_factory=list)  # of the specimen
    observations: list[Observation | PlainObservation] = field(default_factory=list)
    is_timed: bool = False  # whether it says to the day when the specimen was taken

    def results(self, kinds: Kinds | None) -> list[LabResult | PlainResult]:
        """Return the results, in order; with `kinds`, plain ones in brief."""
        specimen = joined(self.specimens) or self.specimen
        stated: Stated = tuple(dict.fromkeys((field, text) for field, text in self.stated if text))
        brief = None
        if kinds is not None and self.person and self.fault is None:
            brief = kinds.of_order((specimen, self.panel, stated, *self.notes[:MOST_NOTES]))
        times, together = self._times()
        person, group = self.person, self.group
        found: list[LabResult | PlainResult] = []
        for one, time in zip(self.observations, times, strict=True):
            if brief is None or isinstance(one, Observation):
                found.append(self._result(opened(one), time or together, specimen, stated))
                continue
            key = one.words, one.status
            kind = brief.get(key)
            if kind is None:
                kind = brief[key] = ResultKind(self._result(opened(one), "", specimen, stated), shown)
            found.append(PlainResult(kind, one.line, person, group, time, one.value, one.text.encode()))
        return found

    def _times(self) -> tuple[list[str], str]:
        """Return when each result was taken, and when all those were that say it, where these agree."""
        if self.is_timed:
            return [self.collected_at] * len(self.observations), ""
        own = [one.observed_at for one in self.observations if isinstance(one, Observation)]
        times = [best_told((self.collected_at, self.sampled_at, iso_time(observed_at))) for observed_at in own]
        # A result without a time was taken when the others of its order were, where these agree.
        told = {time for time in times if time}
        return times, told.pop() if len(told) == 1 else ""

    def _result(self, one: Observation, collected_at: str, specimen: str, stated: Stated) -> LabResult:
        words = one.words
        return LabResult(
            line=one.line,
            person=self.person,
            group=self.group,
            collected_at=collected_at,
            codes=words.codes,
            value=one.value,
            unit=words.unit,
            specimen=specimen,
            panel=self.panel,
            range_text=words.range_text,
            status=one.status,
            notes=tuple((one.notes + self.notes)[:MOST_NOTES]),
            content=one.content,
            flag=words.flag,
            stated=stated,
            other_units=words.other_units,
            fault=one.fault or self.fault,
        )


def shown(content: bytes) -> str:
    """Return the content of a plain result."""
    return content.decode()[:LONGEST_CONTENT]


def joined_orders(items: list[Item | PlainResult], line: int) -> list[Item | PlainResult]:
    """Join orders of one message that no time tells apart: the count and its differential, where nothing is twice."""
    untimed = [one for one in items if isinstance(one, LabResult) and is_partial(one.collected_at)]
    codes: dict[tuple[str, str], dict[str, set[tuple[ResultCode, ...]]]] = {}
    for one in untimed:
        codes.setdefault((one.person, one.specimen), {}).setdefault(one.group, set()).add(one.codes)
    joined_up = {
        whose
        for whose, orders in codes.items()
        if len(orders) > 1 and sum(map(len, orders.values())) == len(set().union(*orders.values()))
    }
    if not joined_up:
        return items
    return [
        replace(item, group=f"message {line}")
        if isinstance(item, LabResult) and is_partial(item.collected_at) and (item.person, item.specimen) in joined_up
        else item
        for item in items
    ]
