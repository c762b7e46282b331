"""Published scores and indices, as `scores.yaml` has them."""

from __future__ import annotations

import ast
from collections.abc import Container, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from cbc_screen.knowledge.predicates import Comparing

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode

Believed = tuple[Fraction, Fraction]  # what a stated number may be, in its unit
_OPERATORS = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)


@dataclass(frozen=True, slots=True)
class Criterion:
    """A result of the count, or a stated fact or number, against a limit; without one it is a stated yes or no."""

    analyte: str | None
    stated: str | None
    unit: str
    comparison: Comparing | None
    limit: Fraction
    believed: Believed | None = None


@dataclass(frozen=True, slots=True)
class PointBand:
    """Points below or up to a limit; the last band of an item has none."""

    points: int
    comparison: Comparing | None
    limit: Fraction


@dataclass(frozen=True, slots=True)
class PublishedItem:
    """One item: how many conditions hold, a number in bands, or one of some words."""

    id: str
    text: str
    analyte: str | None
    unit: str
    points: tuple[int, ...]  # by how many conditions hold
    conditions: tuple[Criterion, ...]
    bands: tuple[PointBand, ...]
    choices: Mapping[str, int]
    believed: Believed | None = None

    @property
    def stated(self) -> tuple[str, ...]:
        """What a caller may state of it, by name."""
        own = tuple(one.stated for one in self.conditions if one.stated is not None)
        return own if self.conditions else () if self.analyte else (self.id,)


@dataclass(frozen=True, slots=True)
class PublishedScore:
    """A score with its items and the cut-offs that its study names."""

    id: str
    name: str
    about: str
    source: str
    cutoffs: tuple[tuple[int, str], ...]
    items: tuple[PublishedItem, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """A formula of the count whose side of a limit is what it says."""

    id: str
    name: str
    formula: ast.expr
    analytes: tuple[str, ...]
    below: Fraction


@dataclass(frozen=True, eq=False)
class Scores:
    """All published scores, and the indices of small red cells."""

    scores: Mapping[str, PublishedScore]
    only_when_low: str
    sides: tuple[str, str]  # below its limit, and not
    indices_source: str
    indices: tuple[Index, ...]


def load_scores(node: YamlNode, analytes: Container[str], sources: Container[str]) -> Scores:
    """Load scores.yaml."""
    node.check_keys(["scores", "indices"])
    found = {entry.text("id"): _score(entry, analytes, sources) for entry in node.nodes("scores")}
    own = node.node("indices")
    own.check_keys(["only_when_low", "sides", "source", "formulas"])
    _require_source(own, sources)
    sides = own.node("sides")
    sides.check_keys(["thalassemia", "iron"])
    indices = tuple(_index(entry, analytes) for entry in own.nodes("formulas"))
    return Scores(
        found, own.text("only_when_low"), (sides.text("thalassemia"), sides.text("iron")), own.text("source"), indices
    )


def _require_source(node: YamlNode, sources: Container[str]) -> None:
    if node.text("source") not in sources:
        raise node.error("source", "is not in sources.csv")


def _score(node: YamlNode, analytes: Container[str], sources: Container[str]) -> PublishedScore:
    node.check_keys(["id", "name", "about", "source", "cutoffs", "items"])
    _require_source(node, sources)
    cutoffs = []
    for entry in node.nodes("cutoffs"):
        entry.check_keys(["points", "text"])
        cutoffs.append((_whole(entry, "points"), entry.text("text")))
    items = tuple(_item(entry, analytes) for entry in node.nodes("items"))
    return PublishedScore(
        node.text("id"), node.text("name"), node.text("about"), node.text("source"), tuple(cutoffs), items
    )


def _item(node: YamlNode, analytes: Container[str]) -> PublishedItem:
    node.check_keys(["id", "text"], ["analyte", "unit", "points", "of", "bands", "choices", "believed"])
    kinds = [key for key in ("of", "bands", "choices") if key in node]
    if len(kinds) != 1:
        raise node.error("id", "must have one of: of, bands, choices")
    conditions = tuple(_condition(entry, analytes) for entry in node.nodes("of"))
    points = node.get("points", [])
    if conditions and (not isinstance(points, list) or len(points) != len(conditions) + 1):
        raise node.error("points", "must give the points for none, one, ... and all of the conditions")
    bands = tuple(_band(entry) for entry in node.nodes("bands"))
    if bands and (bands[-1].comparison is not None or any(band.comparison is None for band in bands[:-1])):
        raise node.error("bands", "must have a limit each, and the last one none")
    limits = [band.limit for band in bands[:-1]]
    if limits != sorted(limits):
        raise node.error("bands", "must stand in order")
    analyte = node.text("analyte") if "analyte" in node else None
    if analyte is not None and analyte not in analytes:
        raise node.error("analyte", "is not in analytes.yaml")
    choices = node.node("choices") if "choices" in node else None
    return PublishedItem(
        node.text("id"),
        node.text("text"),
        analyte,
        node.text("unit") if "unit" in node else "",
        tuple(int(one) for one in points) if isinstance(points, list) else (),
        conditions,
        bands,
        {word: _whole(choices, word) for word in choices} if choices is not None else {},
        _believed(node),
    )


def _condition(node: YamlNode, analytes: Container[str]) -> Criterion:
    node.check_keys([], ["analyte", "stated", "unit", "believed", *Comparing])
    if ("analyte" in node) == ("stated" in node):
        raise node.error("analyte", "must have an analyte or something stated, and not both")
    analyte = node.text("analyte") if "analyte" in node else None
    if analyte is not None and analyte not in analytes:
        raise node.error("analyte", "is not in analytes.yaml")
    comparison, limit = _limit(node)
    if analyte is not None and comparison is None:
        raise node.error("analyte", "must have a limit")
    stated = node.text("stated") if "stated" in node else None
    unit = node.text("unit") if "unit" in node else ""
    return Criterion(analyte, stated, unit, comparison, limit, _believed(node))


def _believed(node: YamlNode) -> Believed | None:
    if "believed" not in node:
        return None
    own = node.node("believed")
    own.check_keys(["lower", "upper"])
    lower, upper = _exact(own, "lower"), _exact(own, "upper")
    if not lower < upper:
        raise own.error("upper", "must lie above lower")
    return lower, upper


def _band(node: YamlNode) -> PointBand:
    node.check_keys(["points"], [Comparing.BELOW, Comparing.AT_MOST])
    comparison, limit = _limit(node)
    return PointBand(_whole(node, "points"), comparison, limit)


def _limit(node: YamlNode) -> tuple[Comparing | None, Fraction]:
    given = [one for one in Comparing if one in node]
    if len(given) > 1:
        raise node.error(given[1], "is a second limit")
    return (given[0], _exact(node, given[0])) if given else (None, Fraction(0))


def _exact(node: YamlNode, key: str) -> Fraction:
    value = node.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise node.error(key, "must be a number")
    return Fraction(Decimal(repr(value)))


def _whole(node: YamlNode, key: str) -> int:
    value = node.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise node.error(key, "must be a whole number")
    return value


def _index(node: YamlNode, analytes: Container[str]) -> Index:
    node.check_keys(["id", "name", "formula", "below"])
    try:
        formula = ast.parse(node.text("formula"), mode="eval").body
    except SyntaxError:
        formula = None
    if formula is None or not all(_is_arithmetic(part) for part in ast.walk(formula)):
        raise node.error("formula", "must be arithmetic of analytes and numbers")
    names = [part.id for part in ast.walk(formula) if isinstance(part, ast.Name)]
    if len(set(names)) != len(names):
        # Each end of an interval is then reached, and the interval of the formula is exact.
        raise node.error("formula", "must name each analyte once")
    for name in names:
        if name not in analytes:
            raise node.error("formula", f"{name} is not in analytes.yaml")
    return Index(node.text("id"), node.text("name"), formula, tuple(names), _exact(node, "below"))


def _is_arithmetic(part: ast.AST) -> bool:
    if isinstance(part, ast.Constant):
        return isinstance(part.value, int | float) and not isinstance(part.value, bool)
    return isinstance(part, (ast.BinOp, ast.Name, ast.Load, *_OPERATORS))
