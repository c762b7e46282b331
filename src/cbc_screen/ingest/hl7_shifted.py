"""HL7 v2: an OBX whose fields are not in their places, told by what cannot stand where it stands.

Nothing is moved back: which field is which would be a guess. What was measured is still
named where it can be seen, so that the result is known to have been sent and not usable.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from cbc_screen.vocabulary import Reason

VALUE_TYPES = frozenset(
    ("AD", "CE", "CF", "CK", "CN", "CNE", "CP", "CWE", "CX", "DR", "DT", "DTM", "ED", "FT", "ID", "IS", "MA", "MO", "NA",
     "NM", "NR", "PN", "RP", "SN", "ST", "TM", "TN", "TS", "TX", "XAD", "XCN", "XON", "XPN", "XTN")
)  # fmt: skip
_CODE, _SUB_ID, _VALUE, _UNIT, _RANGE = 3, 4, 5, 6, 7
_NUMBER = re.compile(r"\s*[<>]?=?\s*\d+(?:[.,]\d+)?\s*", re.ASCII)
# The shape of a unit and of no result: "10*3/uL", "x10^9/L", "g/dL"; "N/A" is none.
_VOLUME = r"(?:[mcdunpf\u00b5\u03bc]?[lL]|mc[lL]|mm3|mm\^3|cu\.?mm|cmm)"
_UNIT_SHAPE = re.compile(
    rf"\s*(?:[x\u00d7]?\s*10\s*(?:[*^E]\s*)?\d{{1,2}}\s*/\s*{_VOLUME}|(?:[kKMGT]|gm?|mg|[nmu]?mol|cells|thou|mill?|tsd\.?)\s*/\s*{_VOLUME}|/\s*{_VOLUME})\s*"
)
_BARE_UNITS = frozenset(("%", "fl", "pg"))


class Shift(NamedTuple):
    """Why a segment cannot be believed, and the field that holds its code."""

    reason: Reason
    code: str


def shifted(fields: Sequence[str], component: str) -> Shift | None:
    """Return what is out of place in an OBX, or None where every field can be what it should be."""
    code, value, unit = fields[_CODE], fields[_VALUE], fields[_UNIT]
    if code.strip() in VALUE_TYPES and _looks_like_code(fields[_SUB_ID], component):
        return Shift(Reason.NUMBER_UNREADABLE, fields[_SUB_ID])  # the type stands where the code should
    if not code and _looks_like_code(fields[2], component) and fields[2].strip() not in VALUE_TYPES:
        return Shift(Reason.NUMBER_UNREADABLE, fields[2])  # the code stands where the type should
    if not code and _looks_like_code(fields[_SUB_ID], component) and (value or unit):
        return Shift(Reason.NUMBER_UNREADABLE if value else Reason.VALUE_MISSING, fields[_SUB_ID])
    if not value and _NUMBER.fullmatch(unit):
        return Shift(Reason.VALUE_MISSING, code)  # the value stands where the unit should
    if value and _is_unit(value):
        return Shift(Reason.NUMBER_UNREADABLE, code)  # the unit stands where the value should
    return None


def _looks_like_code(text: str, component: str) -> bool:
    return bool(component) and component in text and any(letter.isalpha() for letter in text)


def _is_unit(value: str) -> bool:
    return value.strip().lower() in _BARE_UNITS or ("/" in value and _UNIT_SHAPE.fullmatch(value) is not None)
