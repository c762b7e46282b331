"""Parts of a JSON text as they are written: a number keeps its digits, which a parsed one would not."""

from __future__ import annotations

import json
import re

_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


def spans_of(text: str) -> dict[str, str]:
    """Return the members of an object, each as the text that it is; the text was parsed before, and is sound.

    >>> spans_of('{"value": 0.0, "unit": "g/L"}')
    {'value': '0.0', 'unit': '"g/L"'}
    """
    found: dict[str, str] = {}
    place = _after(text, text.index("{") + 1)
    while text[place] == '"':
        name, place = _DECODER.raw_decode(text, place)
        begin = _after(text, text.index(":", place) + 1)
        _, place = _DECODER.raw_decode(text, begin)
        found[name] = text[begin:place]
        place = _after(text, place)
        if text[place] == ",":
            place = _after(text, place + 1)
    return found


def _after(text: str, place: int) -> int:
    """Return the next place at which something stands."""
    blank = _BLANK.match(text, place)
    return blank.end() if blank is not None else place
