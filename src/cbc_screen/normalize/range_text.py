"""Reference ranges that came as one text: "4.0-11.0", "<5", ">=150", "4.3 to 6.2", "F: 11.7-15.5 M: 13.2-17.1"."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from cbc_screen.knowledge.fold import fold_word
from cbc_screen.knowledge.loaded import load_measures
from cbc_screen.normalize.value import LONGEST_CELL, fold, unescaped
from cbc_screen.vocabulary import Sex

_NUMBER = r"\d+(?:[.,]\d+)?"
_BOTH = re.compile(
    rf"(?:from\s+|between\s+)?({_NUMBER})\s*(?:-|–|—|\.\.|÷|to|and|a|à|bis|tot|til|do|до|até|hasta|~)\s*({_NUMBER})",
    re.IGNORECASE,
)
_UPPER = re.compile(rf"(?:<=?|≤|=<|up to|less than|below)\s*({_NUMBER})", re.IGNORECASE)
_LOWER = re.compile(rf"(?:>=?|≥|=>|greater than|more than|above|from)\s*({_NUMBER})", re.IGNORECASE)
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
# A word for a sex, and no letter of a unit ("4.2-5.4 M/uL").
_WORD = re.compile(r"(?<![/^\w])(?:[♀♂]|[^\W\d_]+)(?![/^\w])")
_SIGNS = {"♀": Sex.FEMALE, "♂": Sex.MALE}
_AROUND = " \t:=;,|/"
_LABELS = "()[]{}"
UNREADABLE = "?"
_FIRST, _THEN = "|", "="  # of limits that depend on the sex: "F=11.7|M=13.2"
_OF_SEX = re.compile(rf"[FM]={_NUMBER}|[FM]=(?:{_NUMBER})?\|[FM]=(?:{_NUMBER})?")


@lru_cache(maxsize=4_096)
def limits_of_text(text: str, unit: str = "") -> tuple[str, str]:
    """Return the lower and the upper limit of a range text, as texts; "" where it sets none.

    A text without a digit ("Not Estab.") sets none. One with digits that is no range is
    `UNREADABLE`, so that it is told apart from a range that was never given. The unit of the
    result may be repeated behind each number; another unit makes it unreadable. Where the range
    depends on the sex, each limit names it, and `of_sex` chooses.

    >>> limits_of_text("4.0-11.0"), limits_of_text("<5"), limits_of_text("See targets")
    (('4.0', '11.0'), ('', '5'), ('', ''))
    >>> limits_of_text("F: 11.7-15.5 M: 13.2-17.1")
    ('F=11.7|M=13.2', 'F=15.5|M=17.1')
    """
    plain = unescaped(fold(text[: LONGEST_CELL + 1]))
    if not any(character.isdigit() for character in plain):
        return "", ""
    if unit:
        plain = re.sub(rf"(?<=[\d\s]){re.escape(unit)}(?![\w/^])", " ", plain, flags=re.IGNORECASE)
    own = _limits(plain)
    if own is not None:
        return own
    by_sex = _by_sex(plain)
    if by_sex is None:
        return UNREADABLE, ""
    lower, upper = ({sex: limits[end] for sex, limits in by_sex.items()} for end in (0, 1))
    return _together(lower), _together(upper)


def of_sex(limit: str, sex: Sex) -> str:
    """Return the limit for a person where it depends on the sex.

    >>> of_sex("F=11.7|M=13.2", Sex.FEMALE), of_sex("4.0", Sex.UNKNOWN), of_sex("F=11.7|M=13.2", Sex.UNKNOWN)
    ('11.7', '4.0', '?')
    """
    if _OF_SEX.fullmatch(limit) is None:
        return limit
    each = dict(part.split(_THEN, 1) for part in limit.split(_FIRST))
    return each.get(sex.value, UNREADABLE)


def _limits(plain: str) -> tuple[str, str] | None:
    """Read one range; None for any other text."""
    plain = plain.strip()
    while plain[:1] in _BRACKETS and plain.endswith(_BRACKETS[plain[0]]):
        plain = plain[1:-1].strip()
    if (both := _BOTH.fullmatch(plain)) is not None:
        return both[1], both[2]
    if (upper := _UPPER.fullmatch(plain)) is not None:
        return "", upper[1]
    if (lower := _LOWER.fullmatch(plain)) is not None:
        return lower[1], ""
    return None


def _by_sex(plain: str) -> dict[Sex, tuple[str, str]] | None:
    """Read ranges that each have a word for a sex before or behind them; None for any other text."""
    sexes = [(word.start(), word.end(), sex) for word in _WORD.finditer(plain) if (sex := _sex(word[0])) is not None]
    if not sexes or len({sex for _, _, sex in sexes}) < len(sexes):
        return None
    first = not plain[: sexes[0][0]].strip(_AROUND + _LABELS)
    ends = [start for start, _, _ in sexes[1:]] + [len(plain)] if first else [start for start, _, _ in sexes]
    begins = [end for _, end, _ in sexes] if first else [0, *(end for _, end, _ in sexes[:-1])]
    if not first and plain[sexes[-1][1] :].strip(_AROUND + _LABELS):
        return None
    found = {}
    for begin, end, (_, _, sex) in zip(begins, ends, sexes, strict=True):
        limits = _limits(plain[begin:end].strip(_AROUND + _LABELS))
        if limits is None:
            return None
        found[sex] = limits
    return found


def _sex(word: str) -> Sex | None:
    if word in _SIGNS:
        return _SIGNS[word]
    found = load_measures().words.sex.get(fold_word(word))
    return Sex(found) if found in (Sex.FEMALE, Sex.MALE) else None


def _together(limits: Mapping[Sex, str]) -> str:
    """Write the limits of both sexes as one text; nothing where neither has one."""
    if not any(limits.values()):
        return ""
    return _FIRST.join(f"{sex.value}{_THEN}{limit}" for sex, limit in limits.items())
