"""How serious it is that a word of the flags became another one."""

from __future__ import annotations

from collections.abc import Mapping

from cbc_screen.comparison import NO_ROW, Seriousness
from cbc_screen.report.layout import GRADE_COLUMN
from cbc_screen.vocabulary import Criteria, Line, LineState, Pattern, Severity, Urgency

FIRST_CONDITION = "first_condition"
_UNKNOWN = (LineState.CANNOT_TELL.value, "")
_NOTHING = -1  # what an unknown word, and a row that is not there, has


def _rising(*words: str) -> Mapping[str, int]:
    return {word: place for place, word in enumerate(words)}


_LINES = {
    f"{line}_line{ending}": _rising(LineState.NOT_LOW, LineState.LOW)
    for ending in ("", "_unadjusted")
    for line in Line
    if not ending or line is not Line.PLATELET
}
_PATTERNS = {"pattern": _rising(*(word for word in Pattern if word is not Pattern.CANNOT_TELL))}
_URGENCIES = {"urgency": _rising(*(word for word in Urgency if word is not Urgency.CANNOT_TELL))}
_SEVERITY = _rising(*(word for word in Severity if word is not Severity.CANNOT_TELL))
_GRADES = {
    name: _rising(*map(str, range(6))) for name in (*GRADE_COLUMN.values(), f"{GRADE_COLUMN[Line.RED]}_unadjusted")
}
# Each column whose words are counted one by one, in the order of the table, and its words from nothing flagged upward.
WORDS: Mapping[str, Mapping[str, int]] = {
    **_LINES,
    **_PATTERNS,
    **_URGENCIES,
    **_GRADES,
    "severity": _SEVERITY,
    "severity_min": _SEVERITY,
    "blood_criteria": _rising(Criteria.NOT_MET, Criteria.MET),
    FIRST_CONDITION: {},
}


def seriousness(column: str, old: str, new: str) -> Seriousness:
    """Return how serious it is that a word became another one."""
    order = WORDS[column]
    before, after = (order.get(word, _NOTHING) for word in (old, new))
    if not order or not _is_known(order, old) or not _is_known(order, new):
        return Seriousness.OTHER
    if before > 0 and after < before:
        return Seriousness.LOST if _is_lost(column, old) else Seriousness.LESS
    if before == _NOTHING and after == 0 and old != NO_ROW:
        return Seriousness.CLEARED
    return Seriousness.MORE if after > max(before, 0) else Seriousness.OTHER


def _is_known(order: Mapping[str, int], word: str) -> bool:
    """Tell whether a word is one of today's, so that it can be more or less than another."""
    return word in order or word in _UNKNOWN or word == NO_ROW


def _is_lost(column: str, old: str) -> bool:
    return column in _LINES or column in _URGENCIES or (column in _PATTERNS and old == Pattern.PANCYTOPENIA)


def drop(column: str, old: str, new: str) -> int:
    """Return by how much less is flagged; nothing known counts as nothing flagged."""
    order = WORDS[column]
    return max(order.get(old, 0), 0) - max(order.get(new, 0), 0)
