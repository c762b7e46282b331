"""One folding for names and words of every script: what only looks different is made equal, and no letter is lost."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Marks that writers of Latin, Greek, Cyrillic, Hebrew and Arabic leave out as they please. The marks
# of other scripts (Devanagari, Thai, Japanese voicing) are part of the letter, and stay.
_ACCENTS = (
    (0x0300, 0x036F), (0x0483, 0x0487), (0x0591, 0x05BD), (0x05BF, 0x05BF), (0x05C1, 0x05C2), (0x05C4, 0x05C5),
    (0x05C7, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670), (0x06D6, 0x06DC), (0x06DF, 0x06E4),
    (0x06E7, 0x06E8), (0x06EA, 0x06ED), (0x08D3, 0x08E1), (0x08E3, 0x08FF), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF),
    (0xFE00, 0xFE0F), (0xFE20, 0xFE2F),
)  # fmt: skip
# Letters that Unicode does not take apart, and forms of one letter in two languages (case is folded first).
_LETTERS = {
    "ı": "i", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe",
    "ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه", "ہ": "ه", "ھ": "ه", "ە": "ه", "\u0640": "",
    "\u2206": "δ", "\u02bc": "'", "\u200b": " ", "\u200c": " ",
}  # fmt: skip
_WORDS_OF_SIGNS = (("%", " percent "), ("٪", " percent "), ("‰", " permille "), ("؉", " permille "), ("#", " count "))
SIGN_OF = {word.strip(): sign for sign, word in _WORDS_OF_SIGNS if sign.isascii()}
# What a program leaves of a letter that it could not write: the name is no longer known.
LOST = "\ufffd"
_LOST = "?¿\u25a1"
_MATHEMATICS = frozenset("∂∇∏∑√∛∜∫")  # the root or the sum of a thing is another thing
_SIGNS = re.compile(r"[^0-9a-z]+")
_ESCAPED = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,7}|#[0-9]{1,6}|#[xX][0-9A-Fa-f]{1,5});")
# A change from Latin letters to those of another script parts a name as a blank does.
_PARTS = re.compile(r"[a-z][a-z0-9]*|[^\sa-z]+")
_BLANKS = frozenset(("Cc", "Zs", "Zl", "Zp"))
_LONGEST_KEPT = 256


def of_page(text: str) -> str:
    """Write the signs that a page escapes as themselves.

    >>> of_page("&lt;0.5 10&sup3;/&micro;L"), of_page("&#60;0.5"), of_page("Hb & Hct; all")
    ('<0.5 10³/µL', '<0.5', 'Hb & Hct; all')
    """
    if "&" not in text:
        return text
    from html import unescape  # seldom needed, and takes a millisecond

    return _ESCAPED.sub(lambda escaped: unescape(escaped[0]), text)


def fold_code(text: str) -> str:
    """Fold a code: width, case and blanks, and nothing that could make two codes one.

    >>> fold_code(" ＨＧＢ "), fold_code("É1") == fold_code("E1")
    ('hgb', False)
    """
    plain = text if text.isascii() else unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(plain.lower().split())


def fold_word(text: str) -> str:
    """Fold a word: width, case, accents, digits and blanks; its punctuation stays.

    >>> fold_word("ＭÄNNLICH"), fold_word("Fe\u0301minin"), fold_word("KADIN") == fold_word("kadın"), fold_word("N/A")
    ('mannlich', 'feminin', True, 'n/a')
    """
    text = of_page(text)
    if text.isascii():
        return " ".join(text.lower().split())
    return _fold_word(text) if len(text) <= _LONGEST_KEPT else _folded(text)


@lru_cache(maxsize=16_384)
def _fold_word(text: str) -> str:
    return _folded(text)


def _folded(text: str) -> str:
    for _ in range(2):  # folding the case may make a form that is to be folded again
        text = unicodedata.normalize("NFKC", text.casefold())
    plain = "".join(map(_fold_letter, unicodedata.normalize("NFD", text)))
    return " ".join(unicodedata.normalize("NFC", plain).split())


@lru_cache(maxsize=4_096)
def _fold_letter(letter: str) -> str:
    if letter in _LETTERS:
        return _LETTERS[letter]
    kind = unicodedata.category(letter)
    if kind == "Nd":
        return str(unicodedata.decimal(letter))
    if kind == "Cf" or (kind == "Mn" and any(first <= ord(letter) <= last for first, last in _ACCENTS)):
        return ""
    return letter


def plain_name(text: str) -> str:
    """Fold a name: as a word, % to percent, # to count, and all that is no letter, mark or number to blanks.

    Letters of every script stay, so that a name with a word more is another name.

    >>> plain_name("NEUT#"), plain_name("Red_Blood-Cells"), plain_name("Hémoglobine"), plain_name("尿WBC")
    ('neut count', 'red blood cells', 'hemoglobine', '尿wbc')
    """
    folded = fold_word(text)
    for sign, word in _WORDS_OF_SIGNS:
        folded = folded.replace(sign, word)
    for sign in _LOST:
        folded = folded.replace(sign, LOST)
    plain = _SIGNS.sub(" ", folded) if folded.isascii() else "".join(map(_letter_or_blank, folded))
    return " ".join(plain.split())


@lru_cache(maxsize=4_096)
def _letter_or_blank(letter: str) -> str:
    kind = unicodedata.category(letter)
    sign = kind[0] in "PS" and letter != LOST and letter not in _MATHEMATICS
    return " " if sign or kind in _BLANKS else letter


def parts_of(folded: str) -> list[str]:
    """Return the words of a folded name; letters of another script are a word of their own.

    >>> parts_of("尿wbc count"), parts_of("hba1c")
    (['尿', 'wbc', 'count'], ['hba1c'])
    """
    return _PARTS.findall(folded)
