"""What readers of messages and of one-result-a-row tables give: one laboratory result at a time.

A reader says what the source says and decides nothing clinical: which analyte a code
means, which result replaces which, and what a text is worth is decided once, for every
format, in `normalize/`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

from msgspec import Struct

from cbc_screen.ingest.source import RejectedRow
from cbc_screen.vocabulary import Reason, ResultStatus

Stated = tuple[tuple[str, str], ...]

# How keys of persons begin that a reader made up: they mean nothing in another source.
MADE_UP = ("message ", "line ", "table ", "document ")


@dataclass(frozen=True, slots=True)
class ResultCode:
    """A code for what was measured, as received; any part may be empty."""

    code: str
    name: str
    system: str


@dataclass(frozen=True, slots=True)
class StatedPerson:
    """What a source says of a person; texts as received, "" where it is silent.

    Dates are ISO: a year, a month or a day, with or without a time. `aliases` are other keys by
    which results may name the person. `stated` is as in `LabResult`: a species, or that the
    person is one of a test.
    """

    key: str
    birth_date: str = ""
    sex: str = ""
    age: str = ""
    aliases: tuple[str, ...] = field(default=(), compare=False)
    stated: Stated = ()
    gestation: str = ""  # at birth, with its unit
    preterm: str = ""  # whether the person was born preterm


@dataclass(frozen=True, slots=True)
class LabResult:
    """One result as received; texts are "" where the source is silent.

    Attributes
    ----------
    line : where it begins in the source: a line, or the number of a row or resource
    person : key of the person; results without one belong to nobody else's count
    group : key of the message, report or specimen the result came in, which holds one draw
    collected_at : when it was taken, as exact as the source has it: an ISO date and time, or its words
    codes : every code of what was measured, in the order of the source
    specimen, panel : texts that name the specimen, and what was ordered
    stated : what fields of the source say of the kind of specimen, by the names of these
        fields in reference_ranges/specimens.yaml ("role", "Q"); `specimen` is the type where
        none is among them
    value : the result in the value grammar of docs/reading.md ("<5", "9.1", "CLUMPED")
    unit : unit, as received
    other_units : further units that stand beside it, which may contradict it
    fault : why the fields of this result cannot be what they should be, so that nothing in
        them is to be believed
    lower, upper : limits that came with it, in its unit
    range_text : limits that came as one text ("4.0-11.0", "<5")
    status : how far it has come
    flag : the sender's own flag (L, LL, H, HH, N)
    notes : remarks about this result, which may tell of clumps
    content : the original, for the file of rejects
    encounter : key of the visit or stay, which may hold several draws
    counted : whether the numbers of `collected_at` count from a beginning (minutes since admission)
    until : the end of the time in which it was taken, where that is another day
    """

    line: int
    person: str
    group: str
    collected_at: str
    codes: tuple[ResultCode, ...]
    value: str
    unit: str = ""
    specimen: str = ""
    panel: str = ""
    lower: str = ""
    upper: str = ""
    range_text: str = ""
    status: ResultStatus = ResultStatus.FINAL
    notes: tuple[str, ...] = ()
    content: str = ""
    flag: str = ""
    encounter: str = ""
    counted: bool = False
    until: str = ""
    stated: Stated = ()
    other_units: tuple[str, ...] = ()
    pregnancy: str = ""  # stated in the row of the result: true of its moment
    gestation: str = ""  # at birth, stated in the row of the result: true of the person, as is
    preterm: str = ""  # whether the person was born preterm
    fault: Reason | None = None

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is said beside the result; a flag may be a remark too ("Cancelled")."""
        return (*self.notes, self.flag) if self.flag else self.notes


@dataclass(frozen=True, slots=True, eq=False)
class ResultKind:
    """What many results have in common: `common` is one of them without what tells them apart.

    `shown` makes the content of a result of what is kept of it.
    """

    common: LabResult
    shown: Callable[[bytes], str]


class PlainResult(Struct, frozen=True, gc=False):
    """A result that differs from others of its kind in nothing but what stands here.

    Its reader has seen that the value is a number in digits (`PLAIN_NUMBER`), that the time is told to the day in ISO
    form, and that the person has a key of its own.

    Millions are made, and none refers back to what refers to it: not a tuple, whose making takes four times as long, and
    which Python's collector of circles looks at again and again (measured).
    """

    kind: ResultKind
    line: int
    person: str
    group: str
    collected_at: str
    value: str
    content: bytes

    def whole(self) -> LabResult:
        """Return it as any other result."""
        return replace(
            self.kind.common,
            line=self.line,
            person=self.person,
            group=self.group,
            collected_at=self.collected_at,
            value=self.value,
            content=self.kind.shown(self.content),
        )


@dataclass(frozen=True, slots=True)
class StatedSpecimen:
    """What a source says of a specimen apart from its results, which name it as their `group`.

    key : as its results name it
    stated : what tells its kind
    notes : remarks on it, and its condition
    unusable : whether its source says that it could not be used
    """

    key: str
    stated: Stated
    notes: tuple[str, ...] = ()
    unusable: bool = False


@dataclass(frozen=True, slots=True)
class NotResults:
    """A message or resource that carries no results, such as an order; `kind` says what it is."""

    line: int
    kind: str


PLAIN_NUMBER = re.compile(r"[<>]?=?\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_PARTIAL = re.compile(r"\d{4}(?:-\d{2})?|\D*", re.ASCII)
Item = LabResult | StatedPerson | StatedSpecimen | NotResults | RejectedRow


def best_told(times: Iterable[str]) -> str:
    """Return the first time that is told to the day, else the first there is.

    >>> best_told(["2024", "", "2024-01-02T08:00"]), best_told(["2024-01", "2024"])
    ('2024-01-02T08:00', '2024-01')
    """
    found = [time for time in times if time]
    return next((time for time in found if not is_partial(time)), found[0] if found else "")


def is_partial(time: str) -> bool:
    """Tell whether a time is missing, a word without a number, or told to the month or the year in ISO form."""
    return _PARTIAL.fullmatch(time) is not None


class ResultSource(Protocol):
    """A file of results, in bounded memory.

    `ordered` says whether what stands later was said later, as in a feed of messages.
    """

    ordered: bool

    def items(self) -> Iterator[Item]:
        """Yield results, persons, what carries no results, and what could not be read, in order."""
        ...

    @property
    def share(self) -> float:
        """How much of the file has been read, 0 to 1."""
        ...


@runtime_checkable
class BriefSource(ResultSource, Protocol):
    """A source that can give most of its results in few words."""

    def in_brief(self) -> Iterator[Item | PlainResult]:
        """Yield what `items` yields, as `PlainResult` what can be."""
        ...
