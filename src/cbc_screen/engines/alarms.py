"""What ends a scan with 3: it ran, and most of what it was given came to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cbc_screen.knowledge.quantities import Analyte
from cbc_screen.vocabulary import Line, Reason

_FEW = 2  # one result alone has no neighbor to lose
_SHOWN = 5
# Why a row could not be read at all. Rows without a result, and those of no patient's blood, were read.
_DAMAGED = (Reason.MESSAGE_UNREADABLE, Reason.ROW_RAGGED, Reason.ENCODING, Reason.OVERSIZE)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a scan came."""

    screened: int
    judged: int  # rows of which some line could be judged
    read: tuple[str, ...]  # columns or analytes that were read
    columns: int  # that there were
    reasons: Mapping[str, int]
    others: tuple[str, ...] = ()  # results that were sent under names or codes that are not known
    rejects: Mapping[str, int] = field(default_factory=dict)  # rows by reason
    sent: bool = True  # a row, or a result, or a message about something else
    otherwise: tuple[str, ...] = ()  # what is written otherwise than it is read, and files that are worse than others


def grouping_sentence(grouping: Mapping[str, int]) -> str:
    """Say how many results could not be placed, or ""."""
    alone, results = grouping.get("not_placed", 0), grouping.get("results", 0)
    if not alone:
        return ""
    return (
        f"{alone:,} of {results:,} results could not be placed: nothing says whose they are, or when or in which specimen "
        "they were taken; each stands alone, and what was taken with it is unknown"
    )


def persons_sentence(persons: Mapping[str, int]) -> str:
    """Say how many persons of the results the table of persons has, or "" where there is none."""
    if not persons:
        return ""
    return f"{persons['found']:,} of {persons['in_results']:,} persons found in the table of persons"


def alarms(
    grouping: Mapping[str, int], persons: Mapping[str, int], reach: Reach, analytes: Mapping[str, Analyte]
) -> tuple[str, ...]:
    """Return a sentence for each alarm; `analytes` say on what each line is judged."""
    found = []
    alone = grouping.get("not_placed", 0)
    if alone >= _FEW and 2 * alone > grouping.get("results", 0):
        found.append(grouping_sentence(grouping))
    if persons and persons["in_results"] and not persons["found"]:
        found.append(f"{persons_sentence(persons)}: is its key the one that the results have?")
    found += reach.otherwise
    damaged = {reason: reach.rejects[reason] for reason in _DAMAGED if reach.rejects.get(reason)}
    if damaged and not reach.screened:
        found.append(
            f"nothing was screened: what was found could not be read ({', '.join(damaged)}, {sum(damaged.values()):,} in all); "
            "is the source whole?"
        )
    if not reach.sent:
        found.append("there was no row to screen: is the source whole?")
    if (reach.screened or reach.others) and not reach.judged:
        found.append(_nothing_judged(reach))
    elif reach.others and (missing := _lines_never_sent(reach.read, analytes)):
        lines = "line" if len(missing) == 1 else "lines"
        found.append(
            f"nothing was found for the {' and '.join(missing)} {lines}, while {_sent_otherwise(reach.others)}"
        )
    return tuple(found)


def _lines_never_sent(read: tuple[str, ...], analytes: Mapping[str, Analyte]) -> list[str]:
    """Return the lines of which no result was found, in absolute numbers or as a percentage."""
    found = {own.line for own in analytes.values() if own.id in read or own.percent in read}
    return [line.value for line in Line if line not in found]


def _sent_otherwise(others: tuple[str, ...]) -> str:
    named = ", ".join(others[:_SHOWN]) + (" ..." if len(others) > _SHOWN else "")
    return (
        f"results were sent under names that are not known: {named}; say what they mean in a profile (codes:, names:)"
    )


def _nothing_judged(reach: Reach) -> str:
    if not reach.read and reach.others:
        return f"no result of a blood count was found, while {_sent_otherwise(reach.others)}"
    read = ", ".join(reach.read[:_SHOWN]) + (" ..." if len(reach.read) > _SHOWN else "")
    why = next(iter(reach.reasons), "")
    return (
        f"no line of any of {reach.screened:,} rows could be judged: {len(reach.read)} of {reach.columns} columns hold "
        f"results that are known ({read or 'none'}){f', and most often {why}' if why else ''}; {_what_to_do(reach, why)}"
    )


# What no name and no unit mends.
_WHAT_TO_DO = {
    Reason.STATUS_NOT_FINAL: "their sender calls them not final: scan again when they are",
    Reason.SPECIMEN_SUSPECT: "their sender takes them back, or doubts the specimen: nothing here makes them results",
    Reason.RESULT_CONFLICT: "results of one moment contradict one another: scan the source that stands",
    Reason.AGE_MISSING: "name the column of ages or of birth dates (--columns age=COLUMN, birth_date=COLUMN)",
    Reason.SEX_MISSING: "name the column of sex (--columns sex=COLUMN)",
}


def _what_to_do(reach: Reach, why: str) -> str:
    """Say what would help with the most frequent reason."""
    known = _WHAT_TO_DO.get(Reason(why.partition(":")[2])) if why else None
    if known is not None:
        return known
    units = _units_to_state(reach.reasons)
    if len(reach.read) < reach.columns:
        return f"name the others with --columns{units}"
    return units.removeprefix("; ") if units.startswith(";") else f"docs/reasons.md says what {why} means"


def _units_to_state(reasons: Mapping[str, int]) -> str:
    """Say how to state the units that are missing, all of them at once."""
    about = (name.partition(":") for name in reasons)
    without = sorted(name for name, _, reason in about if reason == Reason.UNIT_MISSING)
    if not without:
        return ", their units with --units"
    named = ", ".join(without[:_SHOWN]) + (" ..." if len(without) > _SHOWN else "")
    return (
        f"; no unit is given for {named}: state them all at once with --units us, si or per_ul, or one by one with "
        "--units ANALYTE=UNIT; name a column of percentages as one (--columns neutrophils_percent=COLUMN)"
    )
