"""What to ask a person about, for a line that is low."""

from __future__ import annotations

from cbc_screen.ages import AgeSpan
from cbc_screen.knowledge.edges import AgeEdge
from cbc_screen.knowledge.symptoms import Symptoms
from cbc_screen.result import LineResult
from cbc_screen.vocabulary import Line, LineState


def ask_about(symptoms: Symptoms, line: Line, state: LineState, age: AgeSpan | None) -> str:
    """Return what a low line can bring: for whoever is surely small, what others see."""
    if state is not LineState.LOW:
        return ""
    return (symptoms.small if _surely_below(age, symptoms.small_below) else symptoms.lines)[line]


def asked(line: LineResult) -> str:
    """Say what to ask about for a line, in one piece; nothing where it is not low."""
    return f"{line.line} line: {line.ask}" if line.ask else ""


def _surely_below(age: AgeSpan | None, limit: AgeEdge) -> bool:
    if age is None:
        return False
    return (age.months_high if limit.unit == "mo" else age.days_high) < limit.count
