"""The sender's own flag beside a result ("L", "HH"), to be held against the value.

A flag is only compared with a range that it can have been made with: the one that came with the
result. A critical flag is also compared with the ranges of the set: no laboratory calls a result
within them critical.
"""

from __future__ import annotations

import re

from cbc_screen.knowledge.words import Words
from cbc_screen.normalize.value import CHECKED, LONGEST_CELL, Reading, fold, marked, opened_by
from cbc_screen.vocabulary import SenderFlag

_SAYS = {
    SenderFlag.LOW: "low",
    SenderFlag.CRITICAL_LOW: "low",
    SenderFlag.HIGH: "high",
    SenderFlag.CRITICAL_HIGH: "high",
    SenderFlag.NORMAL: "normal",
}
_NUMBER = re.compile(r"[<>=≤≥~\s]*\d[\d.,]*")
_BEFORE = re.compile(r"([A-Za-z↓↑]+)\s+[\d<>].*")
_LONGEST_FLAG = 2  # words
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


def flag_beside(text: str, words: Words) -> str | None:
    """Return the sender's flag that stands in one cell with a number: "250 LL", "250 (L)", "L 0.4", "8 K/uL H".

    >>> from cbc_screen.knowledge.loaded import load_measures
    >>> flag_beside("250 (LL)", load_measures().words), flag_beside("250", load_measures().words)
    ('LL', None)
    """
    if len(text) > LONGEST_CELL:
        return None
    plain = fold(text)
    number = _NUMBER.match(plain)
    if number is None:
        before = _BEFORE.fullmatch(plain)
        said = [before[1]] if before is not None else []
    else:
        words_behind = plain[number.end() :].split()
        ends = [words_behind[-many:] for many in range(_LONGEST_FLAG, 0, -1)]
        starts = [words_behind[:many] for many in range(_LONGEST_FLAG, 0, -1)]  # "250 LL 10^9/L"
        said = [" ".join(words_of).strip("()[]") for words_of in (*ends, *starts)]
    return next((word for word in said if word.casefold() in words.sender_flags), None)


def opened(reading: Reading, flag: str, words: Words) -> Reading:
    """Open one end of a number that a flag calls beyond what the instrument measures ("<" beside 2.0 is below 2.0)."""
    bound = words.flag_bounds.get(fold(flag)) if len(flag) <= LONGEST_CELL else None
    if bound is None or reading.factor is None or reading.low != reading.high:
        return reading
    low, high, censored = opened_by(bound, reading.low, reading.high)
    return reading._replace(low=low, high=high, comparator=bound, reason=reading.reason or censored)
