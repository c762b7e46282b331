"""Hemoglobin lowered for elevation and smoking, as the guideline of a grading table says.

Only what is stated is used. What is asked for and not stated can be any amount of the
table, so that the grade is given where every amount gives the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from math import inf

from cbc_screen.kernel.arithmetic import decimal
from cbc_screen.kernel.program import Builder, Interval, Op, Truth
from cbc_screen.knowledge.adjustments import Adjustment, AdjustmentStep
from cbc_screen.vocabulary import Adjust


def adjusted(
    b: Builder,
    hemoglobin: Interval,
    adjustment: Adjustment,
    asked: Iterable[Adjust],
    elevation: Interval,
    cigarettes: Interval,
    smoker: Truth,
) -> Interval:
    """Return hemoglobin less what the table subtracts; an interval where that is not exact."""
    amounts: list[Interval] = []
    if Adjust.ELEVATION in asked:
        amounts.append(_by_elevation(b, adjustment.elevation, elevation))
    if Adjust.SMOKING in asked:
        amounts.append(_by_smoking(b, adjustment, cigarettes, smoker))
    low, high = hemoglobin.low, hemoglobin.high
    for amount in amounts:
        low, high = b.arithmetic(Op.SUBTRACT, low, amount.high), b.arithmetic(Op.SUBTRACT, high, amount.low)
    return decimal(b, Interval(low, high))


def _by_elevation(b: Builder, steps: Sequence[AdjustmentStep], value: Interval) -> Interval:
    known = b.present(value.low)
    low = b.number(_least(steps))
    high = low
    for before, step in itertools.pairwise(steps):
        # Where the table ends without a number, no less than its last amount is right.
        least = before.subtract if step.subtract is None else step.subtract
        low = b.select(b.at_most(b.number(step.lower), value.low), b.number(least or 0.0), low)
        high = b.select(b.at_most(b.number(step.lower), value.high), b.number(_amount(step)), high)
    return Interval(b.select(known, low, b.number(_least(steps))), b.select(known, high, b.number(_amount(steps[-1]))))


def _by_smoking(b: Builder, adjustment: Adjustment, cigarettes: Interval, smoker: Truth) -> Interval:
    none, some = b.number(_amount(adjustment.non_smoker)), b.number(_amount(adjustment.smoker))
    steps = adjustment.cigarettes or (adjustment.smoker,)
    most = b.number(max(_amount(step) for step in (*steps, adjustment.smoker)))
    stated = Interval(
        b.select(smoker.yes, some, none),
        b.select(smoker.yes, some, b.select(smoker.no, none, most)),
    )
    low, high = none, none
    for step in steps:
        lower, amount = b.number(step.lower), b.number(_amount(step))
        reached = b.at_most if step.lower > 0 else b.less  # the first step is "more than none"
        low = b.select(reached(lower, cigarettes.low), amount, low)
        high = b.select(reached(lower, cigarettes.high), amount, high)
    # A number that could not be read says nothing, and does not hide what is stated.
    void = b.both(b.at_most(cigarettes.low, b.number(0.0)), b.at_most(b.number(inf), cigarettes.high))
    counted = b.both(b.present(cigarettes.low), b.negate(void))
    # Where the two contradict, either may be right.
    high = b.select(b.both(smoker.yes, b.at_most(cigarettes.high, b.number(0.0))), some, high)
    low = b.select(smoker.no, none, low)
    return Interval(b.select(counted, low, stated.low), b.select(counted, high, stated.high))


def _least(steps: Sequence[AdjustmentStep]) -> float:
    return steps[0].subtract or 0.0


def _amount(step: AdjustmentStep) -> float:
    return inf if step.subtract is None else step.subtract
