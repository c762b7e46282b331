"""Texts of an input on their way to a terminal: nothing in them moves the cursor, turns a line around or hides."""

from __future__ import annotations

import json
import re
from typing import Any

# Controls and escapes; marks that turn the direction of writing; what is not seen at all; halves of a character.
_INVISIBLE = (
    "\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff"
)
_UNSEEN = re.compile(f"[\\x00-\\x1f\\x7f-\\x9f{_INVISIBLE}]")
_ENDS = re.compile("[\t\n\v\f\r\x85\u2028\u2029]+")
_BUT_LINES = re.compile(f"[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f{_INVISIBLE}]")
_ESCAPED_IN_JSON = re.compile(f"[\\x7f-\\x9f{_INVISIBLE}]")


def clean(text: str) -> str:
    """Take out of a text whatever could rewrite a terminal; ends of lines stay.

    >>> clean("a" + chr(27) + "[2Jb")
    'a[2Jb'
    """
    return text if text.isprintable() else _BUT_LINES.sub("", text)


def clean_line(text: str) -> str:
    """Return a text as a part of one line.

    >>> clean_line("Hb" + chr(10) + "0 rows rejected")
    'Hb 0 rows rejected'
    """
    if text.isprintable():
        return text
    return _UNSEEN.sub("", _ENDS.sub(" ", text))


def json_text(value: Any, indent: int | None = None) -> str:
    """Write JSON that a terminal can show: what it would act on is written as an escape."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, default=str)
    return text if text.isascii() and "\x7f" not in text else _ESCAPED_IN_JSON.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
