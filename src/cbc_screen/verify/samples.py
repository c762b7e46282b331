"""The rule of samples for any number of people, with its chances; exact intervals of a share."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cbc_screen.errors import UsageError
from cbc_screen.knowledge.verification import RuleOfSamples
from cbc_screen.verification import Chance, SampleRule

_HALVINGS = 60  # of the span from 0 to 1: past what a float tells apart
_ROUNDING = 1e-12
Numbers = NDArray[np.float64]
_STEPS, _PRECISE, _TINY = 10_000, 1e-13, 1e-300


def at_most(count: int, number: int, share: float) -> float:
    """Return the chance that at most `count` of `number` are of a kind that has this share.

    >>> round(at_most(2, 20, 0.05), 4)  # 0.95^20 + 20 x 0.05 x 0.95^19 + 190 x 0.05^2 x 0.95^18
    0.9245
    """
    if not (number >= 0 and 0 <= share <= 1):
        raise UsageError("a chance needs a number of 0 or more, and a share between 0 and 1")
    if count < 0:
        return 0.0
    if count >= number or share == 0:
        return 1.0
    if share == 1:
        return 0.0
    return min(1.0, max(0.0, _beta(number - count, count + 1, 1 - share)))


def _beta(a: int, b: int, x: float) -> float:
    """Return the regularized incomplete beta function: the binomial distribution in a few steps, for any number.

    Source: the continued fraction of NIST Digital Library of Mathematical Functions 8.17.22, worked out from the front.
    """
    if x > (a + 1) / (a + b + 2):  # it converges fast below there
        return 1 - _beta(b, a, 1 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x) - math.log(a)
    )
    upper, lower, found = 1.0, 0.0, 1.0
    for step in range(_STEPS):
        half = step // 2
        if step == 0:
            part = 1.0
        elif step % 2 == 0:
            part = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        else:
            part = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        lower = 1 / _not_zero(1 + part * lower)
        upper = _not_zero(1 + part / upper)
        found *= upper * lower
        if step and abs(upper * lower - 1) < _PRECISE:
            break
    return front * (found - 1)


def _not_zero(number: float) -> float:
    return number if abs(number) > _TINY else _TINY


def exact_interval(count: int, number: int, confidence: float) -> tuple[float, float]:
    """Return the exact (Clopper-Pearson) interval of a share; from 0 to 1 where nothing was counted.

    >>> [round(end, 4) for end in exact_interval(0, 20, 0.95)]  # 1 - 0.025^(1/20)
    [0.0, 0.1684]
    """
    if not (0 <= count <= number and 0 < confidence < 1):
        raise UsageError("a share needs 0 <= count <= number, and its interval a confidence between 0 and 1")
    outer = (1 - confidence) / 2
    low = 0.0 if count == 0 else _share_at(count - 1, number, 1 - outer)
    high = 1.0 if count == number else _share_at(count, number, outer)
    return low, high


def _share_at(count: int, number: int, chance: float) -> float:
    """Return the share at which at most `count` have this chance; the chance falls as the share grows."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(count, number, middle) > chance else (low, middle)
    return (low + high) / 2


@lru_cache(maxsize=4096)
def allowed(rule: RuleOfSamples, people: int, of_rule: int, expected: float) -> int:
    """Return how many may lie outside, so that no range is passed more often than by the rule's own number of samples.

    It is the largest count with which a range that is right fails no less often than in the rule itself.

    Parameters
    ----------
    rule : RuleOfSamples
    people : int
        As many as the rule's own number of samples, or more.
    of_rule : int
        How many may lie outside in the rule's own number of samples.
    expected : float
        The share that lies outside of a right range here.

    Examples
    --------
    >>> rule = RuleOfSamples(20, 2, 4, 0.05, (0.05,))
    >>> [allowed(rule, people, 2, 0.05) for people in (20, 21, 24, 40, 120)]
    [2, 2, 2, 3, 9]
    """
    fails = 1 - at_most(of_rule, rule.samples, rule.right)
    return max(_first(people, lambda count: 1 - at_most(count, people, expected) < fails - _ROUNDING) - 1, 0)


@lru_cache(maxsize=4096)
def allowed_beyond_one(rule: RuleOfSamples, people: int, expected: float) -> int:
    """Return how many may lie beyond one limit, so that this alone fails a right one no more often than the rule does.

    It is asked besides the rule of both limits together, and so can only be stricter than that; of the rule's own
    number of samples it asks nothing more.

    >>> rule = RuleOfSamples(20, 2, 4, 0.05, (0.05,))
    >>> [allowed_beyond_one(rule, people, 0.025) for people in (20, 120)]
    [2, 6]
    """
    fails = 1 - at_most(rule.adopt_at_most, rule.samples, rule.right)
    return _first(people, lambda count: 1 - at_most(count, people, expected) <= fails + _ROUNDING)


def sample_rule(rule: RuleOfSamples, people: int, outside: tuple[int, int], expected: float) -> SampleRule | None:
    """Return the rule for a number of people, and what it says of those outside; None where they are too few.

    Parameters
    ----------
    rule : RuleOfSamples
    people : int
        With a result.
    outside : pair of int
        How many lie outside at least and at most: a bound may lie on both sides of a limit.
    expected : float
        The share that lies outside of a range that is right: 0.05 for the 2.5th to the 97.5th percentile.
    """
    if people < rule.samples:
        return None
    adopt = allowed(rule, people, rule.adopt_at_most, expected)
    repeat = max(allowed(rule, people, rule.repeat_at_most, expected), adopt)
    chances = tuple(
        Chance(share, at_most(adopt, people, share), at_most(repeat, people, share) - at_most(adopt, people, share))
        for share in sorted({expected, *(share for share in rule.shares if share > expected)})
    )
    return SampleRule(people, adopt, repeat, outside[0], outside[1], chances)


def percentile(values: Numbers, part: float, confidence: float) -> tuple[float, float, float]:
    """Return a percentile of people, by rank, and the interval of order statistics around it.

    Parameters
    ----------
    values : array of float
        Sorted.
    part : float
        0.025 for the 2.5th percentile; its rank is part * (n + 1).
    confidence : float
        The interval holds the percentile of all such people with at least this chance, as far as there are so many.
    """
    number = len(values)
    rank = min(max(part * (number + 1), 1.0), float(number))
    whole = min(int(rank), number - 1) if number > 1 else 1
    below = float(values[whole - 1])
    found = below + (rank - whole) * (float(values[min(whole, number - 1)]) - below)
    outer = (1 - confidence) / 2
    # At most k of n are below the percentile with the chance at_most(k, n, part).
    low = _first(number, lambda k: at_most(k, number, part) > outer)
    high = _first(number, lambda k: at_most(k, number, part) >= 1 - outer)
    return found, float(values[max(low - 1, 0)]), float(values[min(high, number - 1)])


def _first(number: int, holds: Callable[[int], bool]) -> int:
    """Return the least number from 0 on of which something holds; it holds of all above, and is sought by halving."""
    low, high = -1, number
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
