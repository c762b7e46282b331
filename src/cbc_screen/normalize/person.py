"""Sex and pregnancy of a record."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from cbc_screen.knowledge.fold import fold_word
from cbc_screen.knowledge.words import Words
from cbc_screen.normalize.value import LONGEST_CELL
from cbc_screen.vocabulary import Pregnancy, Reason, Sex

CONTRADICTED = "contradicted"  # in place of what two sources say differently of a person


def parse_sex(
    value: object, words: Words, codes: dict[str, str] | None = None, doubt: Collection[str] = ()
) -> tuple[Sex, Reason | None]:
    """Read a sex; an undeclared code (1, 2) is unknown with a reason, never a guess.

    `doubt` are letters that, beside the others of the source, may mean the other sex.
    """
    text = word_of(value)
    if text == CONTRADICTED:
        return Sex.UNKNOWN, Reason.PERSON_CONFLICT
    if codes is not None and text in codes:
        found: str | None = codes[text]
    else:
        found = words.sex.get(text) if text not in doubt else None
    if found is None:
        return Sex.UNKNOWN, Reason.SEX_UNREADABLE
    return Sex(found), (Reason.SEX_MISSING if found == Sex.UNKNOWN else None)


def sex_letters(values: Iterable[object], words: Words) -> frozenset[str]:
    """Return the letters for sex among the cells of a column; `words.sex_letters` says what they are worth together."""
    return words.sex_letters.seen(map(word_of, values))


def parse_pregnancy(
    value: object, words: Words, codes: dict[str, str] | None = None
) -> tuple[Pregnancy, Reason | None]:
    """Read a pregnancy; an unreadable text is unknown, an empty one is not stated."""
    text = word_of(value)
    found = codes[text] if codes is not None and text in codes else words.pregnancy.get(text)
    if found is None:
        return Pregnancy.UNKNOWN, Reason.PREGNANCY_UNREADABLE
    stage = Pregnancy(found)
    if stage is Pregnancy.UNKNOWN:
        return stage, Reason.PREGNANCY_UNKNOWN
    return stage, (Reason.TRIMESTER_UNKNOWN if stage is Pregnancy.TRIMESTER_UNKNOWN else None)


def word_of(value: object) -> str:
    """Return a cell as a folded word: a truth, a code that a column of numbers made 1.0, or "" where there is none."""
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if len(str(value)) > LONGEST_CELL:
        return "too long"
    text = fold_word(str(value))
    # A code column with missing cells is often written as 1.0, 2.0.
    return re.sub(r"^(\d+)\.0+$", r"\1", text) if text.endswith("0") else text
