"""Which encodings bytes fit that are not UTF-8: named to the reader of an error, and never chosen.

Nearly every byte is a letter in some encoding, so fitting is judged by words: one of a single
script, cased as words are, and best of all one that names a column this program knows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from cbc_screen.knowledge.fold import plain_name
from cbc_screen.knowledge.loaded import load_measures

LOOKED_AT = 1 << 20  # bytes of a file
FEW = 3  # lines with bad bytes, from which a file is in another encoding and not damaged
_SHOWN = 4
# What stands in a table besides, and the option that declares it.
_SEEN = (
    (re.compile(r'(?<=[;\t"|])\d+,\d{1,2}(?=[;\t"|\r\n])'), 'decimal="," (--decimal ,)'),
    (re.compile(r"(?<![\w.])\d{1,2}\.\d{1,2}\.\d{4}(?![\w.])"), 'date_format="%d.%m.%Y" (--date-format)'),
    (re.compile(r"(?<![\w/])\d{1,2}/\d{1,2}/\d{4}(?![\w/])"), 'date_format="%d/%m/%Y" or "%m/%d/%Y" (--date-format)'),
    (re.compile(r"(?<![\w-])\d{1,2}-\d{1,2}-\d{4}(?![\w-])"), 'date_format="%d-%m-%Y" or "%m-%d-%Y" (--date-format)'),
)
_MMOL = re.compile(r"\bmmol\s*/\s*l\b", re.IGNORECASE)  # a unit of two quantities of hemoglobin
_DELIMITERS = ",;\t|"
# In the order in which they are named where several fit equally well.
_CANDIDATES = (
    "cp1252", "cp1251", "gb18030", "shift_jis", "big5", "cp949", "euc_jp", "cp1250", "cp1254", "cp1253", "cp1255", "cp1256",
    "cp874", "koi8-r", "mac_roman", "cp850",
)  # fmt: skip
_SIGNS = frozenset("°±²³µ·¹º»«¼½¾×÷–—‘’“”„…†•€£§©®™％（），：；、。／＋－　")
_EAST = frozenset(("CJK", "HIRAGANA", "KATAKANA", "HANGUL"))
_COMMON = {"gb18030": "gb2312", "big5": "big5", "shift_jis": "shift_jis", "euc_jp": "euc_jp", "cp949": "euc_kr"}
_LEAST_FIT = 0.8


def encodings_that_fit(content: bytes) -> list[str]:
    """Return the names of the encodings that bytes fit best; none where nothing fits."""
    found = [
        (name, text) for name in _CANDIDATES if (text := _decoded(content, name)) is not None and _fits(text, name)
    ]
    known = {name: _known_names(text) for name, text in found}
    best = max(known.values(), default=0)
    return [name for name, _ in found if known[name] == best][:_SHOWN]


def bad_lines(content: bytes | bytearray) -> list[int]:
    """Return the numbers of the lines that are not UTF-8; of a longer file the last one may be cut short."""
    lines = bytes(content).splitlines()
    if len(content) >= LOOKED_AT:
        lines.pop()
    return [
        number for number, line in enumerate(lines, start=1) if not line.isascii() and _decoded(line, "utf-8") is None
    ]


def refusal(content: bytes, lines: list[int]) -> str:
    """Say that a text is not UTF-8, which encodings it fits, and how to go on."""
    every = content.splitlines()
    names = encodings_that_fit(b"\n".join(every[number - 1] for number in lines))
    where = f"line {lines[0]}" if len(lines) == 1 else f"line {lines[0]} and {len(lines) - 1:,} more"
    fits = f"they fit {', '.join(names)}" if names else "they fit no encoding that is often used"
    example = names[0] if names else "NAME"
    more = _also_to_declare(content.decode(names[0], "replace")) if names else ""
    return (
        f"{where} has bytes that are not UTF-8; {fits}: say which with encoding= (--encoding {example}), "
        f"or name utf-8 to read on with such cells unknown{more}; `cbc-screen profile` tells what else is to be declared"
    )


def _also_to_declare(text: str) -> str:
    """Name what is seen in a text besides, so that it is not asked for one after the other; nothing is decided by it."""
    seen = [said for pattern, said in _SEEN if len(pattern.findall(text, 0, LOOKED_AT)) > 1]
    if _MMOL.search(text, 0, LOOKED_AT):
        seen.append('units={"hemoglobin_mmol": "monomer"} or "tetramer" where hemoglobin is in mmol/L (--units)')
    seen.append('age_unit="y" where ages are bare numbers (--age-unit)')
    return f"; declare besides, as it looks, {', '.join(seen)}"


def encodings_of(content: bytes) -> list[str]:
    """Return the encodings that the start of a file fits which is not UTF-8; none of one that is."""
    every, lines = content.splitlines(), bad_lines(content)
    return encodings_that_fit(b"\n".join(every[number - 1] for number in lines)) if lines else []


def _decoded(content: bytes | bytearray, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _fits(text: str, encoding: str) -> bool:
    """Tell whether what the high bytes became looks like words and signs that people write."""
    marks = [character for character in text if not character.isascii()]
    if not marks:
        return False
    good = sum(character in _SIGNS for character in marks)
    good += sum(_foreign(word) for word in _words(text) if _is_word(word, encoding))
    return good >= _LEAST_FIT * len(marks)


def _words(text: str) -> Iterable[str]:
    """Yield the runs of letters that hold one that is not ASCII."""
    words = "".join(character if character.isalpha() else " " for character in text).split()
    return (word for word in words if not word.isascii())


def _foreign(word: str) -> int:
    return sum(not character.isascii() for character in word)


def _is_word(word: str, encoding: str) -> bool:
    scripts = {_script(character) for character in word}
    if scripts & _EAST:
        return scripts <= _EAST and all(_is_common(character, encoding) for character in word)
    if len(scripts) > 1:
        return False
    cased = (
        word.islower() or word.isupper() or (word[:1].isupper() and word[1:].islower()) or word.lower() == word.upper()
    )
    if scripts == {"LATIN"} and 2 * _foreign(word) > len(word) > 2:
        return False  # one accent after another is another script
    return cased


@lru_cache(maxsize=4_096)
def _script(character: str) -> str:
    name = unicodedata.name(character, "?")
    return name.partition(" ")[0].partition("-")[0]


def _is_common(character: str, encoding: str) -> bool:
    """Tell whether an East Asian character is one of those in daily use, by the plane of the older standard."""
    standard = _COMMON.get(encoding)
    if standard is None:
        return False
    try:
        code = character.encode(standard)
    except UnicodeEncodeError:
        return False
    lead = code[0]
    if encoding == "cp949":
        return _script(character) == "HANGUL"
    if len(code) == 1:
        return False  # half as wide
    if _script(character) in ("HIRAGANA", "KATAKANA"):
        return encoding in ("shift_jis", "euc_jp")
    levels = {"gb18030": (0xB0, 0xD7), "big5": (0xA4, 0xC6), "shift_jis": (0x88, 0x97), "euc_jp": (0xB0, 0xCF)}
    low, high = levels[encoding]
    return low <= lead <= high


def _known_names(text: str) -> int:
    """Count the cells that name a column this program knows."""
    measures = load_measures()
    known = {name for analyte in measures.analytes.values() for name in analyte.names}
    known |= {name for names in measures.words.columns.values() for name in names}
    cells = {text for line in text.splitlines() for text in _cells(line)}
    return sum(plain_name(cell.partition("(")[0]) in known for cell in cells if not cell.isascii())


def _cells(line: str) -> list[str]:
    delimiter = max(_DELIMITERS, key=line.count)
    return [cell.strip().strip('"').strip() for cell in line.split(delimiter)]
