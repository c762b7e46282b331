"""`score` and `small_cell_indices`: published scores in their own points, as an interval where something is not known."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from cbc_screen.errors import UsageError, did_you_mean
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.predicates import Comparing
from cbc_screen.knowledge.scores import Believed, Criterion, Index, PublishedItem, PublishedScore, Scores
from cbc_screen.record import CBCRecord
from cbc_screen.result import ScreeningResult
from cbc_screen.screening import screen
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION, Criteria, Reason, State

Span = tuple[Fraction, Fraction | None]  # from, to; None is no upper end
_ANY: Span = (Fraction(0), None)
# Reasons beside which a result was used all the same.
_USED = frozenset(
    (
        Reason.CENSORED_LOW, Reason.CENSORED_HIGH, Reason.TEXT_ATTACHED, Reason.NUMBER_ROUNDED, Reason.RANGE_ABSENT,
        Reason.RANGE_INSANE, Reason.RANGE_DIFFERS, Reason.RANGE_UNREADABLE, Reason.NUMBER_RANGE,
    )
)  # fmt: skip
_STATED = re.compile(r"(?P<sign><=|>=|<|>)?\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>\S.*)?")
_ARITHMETIC: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.Pow: operator.pow,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScoreItem:
    """One item of a score: the least and the most points that it can give."""

    id: str
    text: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class ScoreCutoff:
    """A cut-off that the study names, and whether the points reach it."""

    points: int
    text: str
    reached: Criteria


@dataclass(frozen=True, slots=True)
class Score:
    """A published score for one count, for clinician review. Not a diagnosis, and no probability.

    Attributes
    ----------
    id, name, about : str
    low, high : int
        The least and the most points that fit what is known.
    items : tuple of ScoreItem
    cutoffs : tuple of ScoreCutoff
    would_decide : tuple of str
        Items that are open while a cut-off is; what can move the points most comes first.
    source : str
        The citation.
    data_version, notice : str
    """

    id: str
    name: str
    about: str
    low: int
    high: int
    items: tuple[ScoreItem, ...]
    cutoffs: tuple[ScoreCutoff, ...]
    would_decide: tuple[str, ...]
    source: str
    data_version: str
    notice: str = NOTICE
    schema_version: str = SCHEMA_VERSION

    def to_dict(self) -> dict[str, Any]:
        """Return plain types."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SmallCellIndex:
    """An index of small red cells: its value as an interval, and which side of its limit that is.

    `side` is "" where the red cells are not small, so that the index says nothing, or where it cannot be told.
    """

    id: str
    name: str
    low: float | None
    high: float | None
    below: float
    side: str


def score(
    name: str, count: ScreeningResult | CBCRecord | Mapping[str, Any], items: Mapping[str, Any] | None = None
) -> Score:
    """Return a published score for a count, in its own points.

    Parameters
    ----------
    name : "hscore", "hlh_2004" or "plasmic"
    count : ScreeningResult, or a record as `screen` takes it
        The blood part comes from the results of the count; what was sent and cannot be used is unknown.
    items : mapping, optional
        What else is known: {"temperature": 39.2, "organomegaly": "both", "immunosuppression": "no"}. Numbers are in the
        item's unit and may have a sign (">6"); what is left out is unknown, and never 0 points.

    Returns
    -------
    Score

    Raises
    ------
    UsageError
        If there is no such score or item, or a stated value cannot be read.

    Examples
    --------
    >>> count = {"hemoglobin": "89 g/L", "wbc": "4.0 10^9/L", "neutrophils": "2.0 10^9/L"}
    >>> found = score("hscore", count, {"temperature": 39.1, "ferritin": None})
    >>> (found.low, found.high), found.cutoffs[0].reached.value
    ((57, 321), 'cannot_tell')
    >>> found.would_decide[0]
    'triglycerides'
    """
    knowledge = load_knowledge()
    known = knowledge.scores.scores
    if name not in known:
        near = did_you_mean(name, known) or ";"
        raise UsageError(f"score: none is named {name!r}{near} it must be one of {', '.join(known)}")
    own, stated = known[name], dict(items or {})
    _require_items(own, stated)
    spans = _Spans(count if isinstance(count, ScreeningResult) else screen(count))
    found = tuple(ScoreItem(item.id, item.text, *_points(item, spans, stated)) for item in own.items)
    low, high = sum(one.low for one in found), sum(one.high for one in found)
    cutoffs = tuple(ScoreCutoff(points, text, _reached(low, high, points)) for points, text in own.cutoffs)
    open_items = [one for one in found if one.low != one.high]
    undecided = not cutoffs or any(one.reached is Criteria.CANNOT_TELL for one in cutoffs)
    would = sorted(open_items, key=lambda one: one.low - one.high) if undecided else []
    return Score(
        own.id, own.name, own.about, low, high, found, cutoffs, tuple(one.text for one in would),
        knowledge.sources[own.source].citation, knowledge.data_version,
    )  # fmt: skip


def small_cell_indices(count: ScreeningResult | CBCRecord | Mapping[str, Any]) -> tuple[SmallCellIndex, ...]:
    """Return the indices by which thalassemia trait and iron deficiency are told apart, where the red cells are small.

    Parameters
    ----------
    count : ScreeningResult, or a record as `screen` takes it

    Returns
    -------
    tuple of SmallCellIndex
        Each with its value as an interval. Indices disagree often; none of them replaces ferritin and hemoglobin analysis.

    Examples
    --------
    >>> count = {"age": "30 y", "sex": "F", "mcv": "62 fL", "rbc": "5.6 10^12/L", "hemoglobin": "110 g/L"}
    >>> [(one.id, round(one.low, 1), one.side) for one in small_cell_indices(count)][0]
    ('mentzer', 11.1, 'more like thalassemia trait')
    """
    scores = load_knowledge().scores
    result = count if isinstance(count, ScreeningResult) else screen(count)
    small = any(one.analyte == scores.only_when_low and one.state is State.LOW for one in result.analytes)
    spans = _Spans(result)
    return tuple(_index(index, scores, spans, small=small) for index in scores.indices)


class _Spans:
    """What each result of a count may be, exactly as its decimals say."""

    def __init__(self, result: ScreeningResult) -> None:
        self._found = {one.analyte: one for one in result.analytes}

    def of(self, analyte: str) -> Span:
        """Return the span of an analyte; what is missing or was not used may be anything."""
        one = self._found.get(analyte)
        if one is None or one.low is None or not _USED.issuperset(one.reasons):
            return _ANY
        return _exact(one.low), None if one.high is None else _exact(one.high)


def _exact(number: float) -> Fraction:
    return Fraction(Decimal(repr(number)))


def _require_items(own: PublishedScore, stated: Mapping[str, Any]) -> None:
    names = [name for item in own.items for name in (*item.stated, *((item.id,) if item.analyte else ()))]
    for name in stated:
        if name not in names:
            hint = did_you_mean(str(name), names) or f"; it has {', '.join(names)}"
            raise UsageError(f"{name!r} is no item of {own.name}{hint}")


def _points(item: PublishedItem, spans: _Spans, stated: Mapping[str, Any]) -> tuple[int, int]:
    """Return the least and the most points of an item."""
    if item.choices:
        return _of_choice(item, stated.get(item.id))
    if item.conditions:
        told = [_told(one, spans, stated) for one in item.conditions]
        least, most = sum(yes for yes, _ in told), sum(not no for _, no in told)
        by_number = item.points[least : most + 1]
        return min(by_number), max(by_number)
    span = spans.of(item.analyte) if item.analyte else _ANY
    if stated.get(item.id) is not None:
        span = _number(item.id, item.unit, stated[item.id], item.believed)
    possible: list[int] = []
    before = False  # whether the bands before this one surely hold all that it may be
    for band in item.bands:
        yes, no = (True, False) if band.comparison is None else _held(span, band.comparison, band.limit)
        if not no and not before:
            possible.append(band.points)
        before = before or yes
    return min(possible), max(possible)


def _of_choice(item: PublishedItem, word: Any) -> tuple[int, int]:
    if word is None:
        return min(item.choices.values()), max(item.choices.values())
    points = item.choices.get(_yes_or_no(word))
    if points is None:
        raise UsageError(f"{item.id} must be one of {', '.join(item.choices)}")
    return points, points


def _yes_or_no(word: Any) -> str:
    """Return a stated word; true and false are yes and no."""
    if isinstance(word, bool):
        return "yes" if word else "no"
    return word if isinstance(word, str) else ""


def _told(one: Criterion, spans: _Spans, stated: Mapping[str, Any]) -> tuple[bool, bool]:
    """Return whether a condition surely holds, and whether it surely does not."""
    if one.analyte is not None:
        assert one.comparison is not None
        return _held(spans.of(one.analyte), one.comparison, one.limit)
    assert one.stated is not None
    given = stated.get(one.stated)
    if given is None:
        return False, False
    if one.comparison is None:
        word = _yes_or_no(given)
        if word not in ("yes", "no"):
            raise UsageError(f"{one.stated} must be yes or no")
        return word == "yes", word == "no"
    return _held(_number(one.stated, one.unit, given, one.believed), one.comparison, one.limit)


def _number(name: str, unit: str, given: Any, believed: Believed | None) -> Span:
    """Read a stated number, with a sign and its own unit or without; one that nobody has may be in another unit."""
    text = str(given).strip() if isinstance(given, int | float | str) and not isinstance(given, bool) else ""
    found = _STATED.fullmatch(text)
    if found is None or (found["unit"] or unit).casefold() != unit.casefold():
        expected = f"a number in {unit}" if unit else "a number"
        raise UsageError(f"{name} must be {expected}, with a sign where it is a bound (>6)")
    number = Fraction(Decimal(found["number"]))
    if believed is not None and not believed[0] <= number <= believed[1]:
        within = " to ".join(f"{float(end):g}" for end in believed)
        raise UsageError(
            f"{name} must be a number in {unit or 'its own scale'} ({within}); see that it is in this unit"
        )
    sign = found["sign"]
    if sign is None:
        return number, number
    # An open end: the nearest number that is still inside, finer than any limit is written.
    step = Fraction(1, 10**9)
    if sign.startswith("<"):
        return Fraction(0), number if sign == "<=" else number - step
    return (number if sign == ">=" else number + step), None


def _held(span: Span, comparison: Comparing, limit: Fraction) -> tuple[bool, bool]:
    """Return whether every number of a span is on that side of a limit, and whether none is."""
    low, high = span
    below, not_below = high is not None and high < limit, low >= limit
    at_most, above = high is not None and high <= limit, low > limit
    return {
        Comparing.BELOW: (below, not_below),
        Comparing.AT_MOST: (at_most, above),
        Comparing.ABOVE: (above, at_most),
        Comparing.AT_LEAST: (not_below, below),
    }[comparison]


def _reached(low: int, high: int, points: int) -> Criteria:
    if low >= points:
        return Criteria.MET
    return Criteria.NOT_MET if high < points else Criteria.CANNOT_TELL


def _index(index: Index, scores: Scores, spans: _Spans, *, small: bool) -> SmallCellIndex:
    low, high = _evaluated(index.formula, {name: spans.of(name) for name in index.analytes})
    side = ""
    if small and high is not None and high < index.below:
        side = scores.sides[0]
    elif small and low is not None and low >= index.below:
        side = scores.sides[1]
    ends = tuple(None if end is None else float(end) for end in (low, high))
    return SmallCellIndex(index.id, index.name, ends[0], ends[1], float(index.below), side)


def _evaluated(formula: ast.expr, spans: Mapping[str, Span]) -> tuple[Fraction | None, Fraction | None]:
    """Return the least and the most that a formula can be; None is no end.

    Each analyte stands in it once, so both ends are reached. All numbers are 0 or more.
    """
    if isinstance(formula, ast.Constant):
        number = Fraction(Decimal(repr(formula.value)))
        return number, number
    if isinstance(formula, ast.Name):
        return spans[formula.id]
    assert isinstance(formula, ast.BinOp)
    (a, b), (c, d) = _evaluated(formula.left, spans), _evaluated(formula.right, spans)
    apply = _ARITHMETIC[type(formula.op)]
    if isinstance(formula.op, ast.Sub | ast.Div):
        c, d = d, c  # what is taken away, or divided by, turns its ends around
    if isinstance(formula.op, ast.Div):
        low = None if a is None else Fraction(0) if c is None else None if not c else apply(a, c)
        return low, None if b is None or not d else apply(b, d)
    if isinstance(formula.op, ast.Pow):
        return None if a is None else apply(a, int(c or 0)), None if b is None else apply(b, int(c or 0))
    return None if a is None or c is None else apply(a, c), None if b is None or d is None else apply(b, d)
