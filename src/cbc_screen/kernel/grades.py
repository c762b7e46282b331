"""From the bands of a grading scheme to the grades that a value interval allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cbc_screen.kernel.program import Builder, Interval, Op
from cbc_screen.kernel.rules import SEVERITIES
from cbc_screen.knowledge.grading import Scheme


def grade_cuts(
    b: Builder, scheme: Scheme, analyte: str, limit: Callable[[str], int], lower_limit: int
) -> list[tuple[int, int, int]]:
    """Return (grade, severity code, step of the upper bound) of each band, mildest first."""
    severity = {row.grade: SEVERITIES.index(row.severity) for row in scheme.tables[analyte]}
    relative = {row.grade for row in scheme.tables[analyte] if row.relative}
    cuts: list[tuple[int, int, int]] = []
    for grade in sorted(set(severity) - {0}):
        step = limit(f"grade:{scheme.id}:{analyte}:{grade}")
        if grade in relative and not b.absent(lower_limit):
            # "< lower limit to x" is empty where the lower limit is x or less.
            absolute = limit(f"grade:{scheme.id}:{analyte}:{grade + 1}")
            step = b.select(b.present(lower_limit), b.step(Op.LARGER, lower_limit, absolute), b.nan())
        cuts.append((grade, severity[grade], step))
    return cuts


def ladder(b: Builder, value: Interval, cuts: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the lowest and the highest code that a value interval allows; bands nest."""
    low, high = b.code(0), b.code(0)
    for code, cut in cuts:
        low = b.code_select(b.less(value.high, cut), b.code(code), low)
        high = b.code_select(b.at_most(cut, value.low), high, b.code(code))
    return low, high
