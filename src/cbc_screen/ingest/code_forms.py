"""Codes that hold several parts, as event streams write them: "LAB//51222//g/dL" is a code and its unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cbc_screen.knowledge.profiles import CodeForm, EventCodes


@dataclass(frozen=True, slots=True)
class Coded:
    """The parts of a code."""

    code: str
    unit: str = ""


def parts_of_code(code: str, forms: Sequence[CodeForm]) -> Coded | None:
    """Return the parts of a code; None where it is of another kind of event."""
    for form in forms:
        if code.startswith(form.starts):
            rest = code.removeprefix(form.starts)
            # A unit may hold the sign that parts the code.
            texts = rest.split(form.separator, len(form.parts) - 1) if form.separator else [rest]
            found = dict(zip(form.parts, texts, strict=False))
            return Coded(found.get("code", ""), found.get("unit", ""))
    return None


def told_of_person(code: str, time: str, events: EventCodes) -> dict[str, str]:
    """Return what an event tells of the person: a birth at its time, a sex in its code."""
    if code in events.birth:
        return {"birth_date": time}
    for starts in events.sex:
        if code.startswith(starts):
            return {"sex": code.removeprefix(starts)}
    return {}
