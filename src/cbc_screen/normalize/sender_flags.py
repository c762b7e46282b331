"""The sender's own flag beside a result ("L", "HH"), to be held against the value.

A flag is only compared with a range that it can have been made with: the one that came with the
result. A critical flag is also compared with the ranges of the set: no laboratory calls a result
within them critical.
"""

from __future__ import annotations

from cbc_screen.knowledge.words import Words
from cbc_screen.normalize.value import CHECKED, LONGEST_CELL, fold, marked
from cbc_screen.vocabulary import SenderFlag

_SAYS = {
    SenderFlag.LOW: "low",
    SenderFlag.CRITICAL_LOW: "low",
    SenderFlag.HIGH: "high",
    SenderFlag.CRITICAL_HIGH: "high",
    SenderFlag.NORMAL: "normal",
}
_CRITICAL = (SenderFlag.CRITICAL_LOW, SenderFlag.CRITICAL_HIGH)


def finding_of(analyte: str, flag: str, words: Words, *, ranged: bool) -> str | None:
    """Return the finding that a sender's flag states, or None where there is nothing to compare it with.

    `ranged` tells whether a range that came with the result is used.

    >>> from cbc_screen.knowledge.loaded import load_measures
    >>> finding_of("platelets", "LL", load_measures().words, ranged=False)
    'platelets_flagged_low'
    """
    if analyte not in CHECKED or len(flag) > LONGEST_CELL:
        return None
    if fold(flag) in words.doubt_marks:
        return marked(analyte)
    meaning = words.sender_flags.get(fold(flag).casefold())
    if meaning is None or not (ranged or meaning in _CRITICAL):
        return None
    return f"{analyte}_flagged_{_SAYS[meaning]}"
