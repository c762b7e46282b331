"""When a whole column looks as if it were in another unit: the numbers of that rule (analytes.yaml)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cbc_screen.knowledge.quantities import Analyte
    from cbc_screen.knowledge.strict import YamlNode

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Middle:
    """Between which values the middle of so many results or more lies in every group of patients."""

    analyte: str
    rows: int
    span: Span


@dataclass(frozen=True, slots=True)
class Ratio:
    """A quantity that lies in a narrow span in everybody: the product of `times` over that of `over`."""

    name: str
    times: tuple[str, ...]
    over: tuple[str, ...]
    span: Span
    fit: Span

    @property
    def analytes(self) -> tuple[str, ...]:
        """Every analyte that it is worked out from."""
        return (*self.times, *self.over)


@dataclass(frozen=True, slots=True)
class Relations:
    """Ratios, and in how many rows they must fit with one of the results so many times larger or smaller."""

    rows: int
    fits: float
    left: float
    factors: tuple[float, ...]
    ratios: tuple[Ratio, ...]


@dataclass(frozen=True, slots=True)
class Sums:
    """The parts of a differential, as counts and as percentages, and what they add up to."""

    rows: int
    fits: float
    fewest: int
    tolerance: float
    totals: tuple[float, ...]  # of percentages that pass for counts
    absolute: tuple[str, ...]
    percent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Usual:
    """How the values of an analyte lie, in powers of ten: usual ones, all there are, and middles of clinics."""

    analyte: str
    group: str
    middle: float
    spread: float
    all: Span
    clinics: Span


@dataclass(frozen=True, slots=True)
class Healthy:
    """Between which values a result looks healthy enough to judge the others of its row by."""

    analyte: str
    group: str
    span: Span


@dataclass(frozen=True, slots=True)
class ValueWeighing:
    """How the values of rows that look healthy otherwise are weighed."""

    rows: int
    clear: float
    share: float
    odds: float
    odds_without_others: float
    odds_beside_another: float
    other_unit: float
    beside_another: float
    clinic: float
    scatter: float
    within: float
    scattered: tuple[float, ...]
    scattered_as_stated: tuple[float, ...]
    as_stated: tuple[float, ...]
    scales: tuple[float, ...]
    usual: Mapping[str, Usual]
    healthy: tuple[Healthy, ...]
    families: tuple[Mapping[str, float], ...]  # how many times too large a value looks


@dataclass(frozen=True, slots=True)
class UnitSuspect:
    """The rule as a whole; see the remarks in analytes.yaml."""

    sample: int
    alone: int
    implausible_rows: int
    implausible_share: float
    reported_rows: int
    reported_factor: float
    reported_near: float
    middles: tuple[Middle, ...]
    relations: Relations
    sums: Sums
    values: ValueWeighing


def load_unit_suspect(node: YamlNode, analytes: Mapping[str, Analyte]) -> UnitSuspect:
    """Load the rule."""
    node.check_keys(["source", "sample", "alone", "implausible", "reported", "middles", "relations", "sums", "values"])
    implausible, reported = node.node("implausible"), node.node("reported")
    implausible.check_keys(["rows", "share"])
    reported.check_keys(["rows", "factor", "near"])
    for key in ("factor", "near"):
        if reported.number(key) <= 1:
            raise reported.error(key, "must be more than 1")
    return UnitSuspect(
        sample=_rows(node, "sample"),
        alone=_rows(node, "alone"),
        implausible_rows=_rows(implausible, "rows"),
        implausible_share=_share(implausible, "share"),
        reported_rows=_rows(reported, "rows"),
        reported_factor=reported.number("factor"),
        reported_near=reported.number("near"),
        middles=tuple(_middle(entry, analytes) for entry in node.nodes("middles")),
        relations=_relations(node.node("relations"), analytes),
        sums=_sums(node.node("sums"), analytes),
        values=_values(node.node("values"), analytes),
    )


def _relations(node: YamlNode, analytes: Mapping[str, Analyte]) -> Relations:
    node.check_keys(["rows", "fits", "left", "factors", "ratios"])
    ratios = []
    for entry in node.nodes("ratios"):
        entry.check_keys(["name", "times", "over", "lower", "upper"], ["fit"])
        span = (entry.number("lower"), entry.number("upper"))
        fit = _pair(entry, "fit") if "fit" in entry else span
        if not 0 <= span[0] < span[1] or not span[0] <= fit[0] < fit[1] <= span[1]:
            raise entry.error("lower", "must be less than upper, with fit between them")
        times, over = _names(entry, "times", analytes), _names(entry, "over", analytes)
        ratios.append(Ratio(entry.text("name"), times, over, span, fit))
    factors = _numbers(node, "factors")
    if min(factors) <= 1:
        raise node.error("factors", "must be more than 1")
    return Relations(_rows(node, "rows"), _share(node, "fits"), _share(node, "left"), factors, tuple(ratios))


def _sums(node: YamlNode, analytes: Mapping[str, Analyte]) -> Sums:
    node.check_keys(["rows", "fits", "fewest", "tolerance", "totals", "absolute", "percent"])
    return Sums(
        _rows(node, "rows"),
        _share(node, "fits"),
        _rows(node, "fewest"),
        _share(node, "tolerance"),
        _numbers(node, "totals"),
        _names(node, "absolute", analytes),
        _names(node, "percent", analytes),
    )


def _values(node: YamlNode, analytes: Mapping[str, Analyte]) -> ValueWeighing:
    odds = ("odds", "odds_without_others", "odds_beside_another")
    shares = ("clear", "share", "other_unit", "beside_another", "clinic")
    tried = ("scattered", "scattered_as_stated", "as_stated")
    more = ("rows", "scatter", "within", "scales", "usual", "healthy", "families")
    node.check_keys([*more, *tried, *odds, *shares])
    for key in tried:
        if not all(0 <= share < 1 for share in _numbers(node, key)):
            raise node.error(key, "must be shares between 0 and 1")
    for key in (*odds, "scatter", "within"):
        if node.number(key) <= 0:
            raise node.error(key, "must be more than 0")
    usual: dict[str, Usual] = {}
    for entry in node.nodes("usual"):
        entry.check_keys(["analyte", "group", "middle", "spread", "lowest", "highest", "clinics"])
        name, every = _analyte(entry, analytes), (entry.number("lowest"), entry.number("highest"))
        if not 0 < every[0] < entry.number("middle") < every[1] or entry.number("spread") <= 0:
            raise entry.error("middle", "must lie between lowest and highest, with a spread of more than 0")
        usual[name] = Usual(
            name, entry.text("group"), entry.number("middle"), entry.number("spread"), every, _pair(entry, "clinics")
        )
    healthy = []
    for entry in node.nodes("healthy"):
        entry.check_keys(["analyte", "group", "lower", "upper"])
        name = _analyte(entry, analytes)
        healthy.append(Healthy(name, entry.text("group"), (entry.number("lower"), entry.number("upper"))))
    families = []
    for entry in node.nodes("families"):
        entry.check_keys(["name", "scales"])
        scales = entry.node("scales")
        families.append({name: scales.number(name) for name in scales})
        if unknown := [name for name in scales if name not in analytes or scales.number(name) <= 0]:
            raise scales.error(unknown[0], "must be an analyte, with a number of more than 0")
    return ValueWeighing(
        rows=_rows(node, "rows"),
        clear=_share(node, "clear"),
        share=_share(node, "share"),
        odds=node.number("odds"),
        odds_without_others=node.number("odds_without_others"),
        odds_beside_another=node.number("odds_beside_another"),
        other_unit=_share(node, "other_unit"),
        beside_another=_share(node, "beside_another"),
        clinic=_share(node, "clinic"),
        scatter=node.number("scatter"),
        within=node.number("within"),
        scattered=_numbers(node, "scattered"),
        scattered_as_stated=_numbers(node, "scattered_as_stated"),
        as_stated=_numbers(node, "as_stated"),
        scales=tuple(10.0**power for power in _numbers(node, "scales")),
        usual=usual,
        healthy=tuple(healthy),
        families=tuple(families),
    )


def _rows(node: YamlNode, key: str) -> int:
    if node.whole(key) < 1:
        raise node.error(key, "must be a whole number of 1 or more")
    return node.whole(key)


def _share(node: YamlNode, key: str) -> float:
    if not 0 < node.number(key) < 1:
        raise node.error(key, "must be a share between 0 and 1")
    return node.number(key)


def _analyte(node: YamlNode, analytes: Mapping[str, Analyte]) -> str:
    if node.text("analyte") not in analytes:
        raise node.error("analyte", "is not an analyte")
    return node.text("analyte")


def _names(node: YamlNode, key: str, analytes: Mapping[str, Analyte]) -> tuple[str, ...]:
    names = tuple(node.texts(key))
    if not names or not set(names) <= set(analytes):
        raise node.error(key, "must be a list of analytes")
    return names


def _numbers(node: YamlNode, key: str) -> tuple[float, ...]:
    found = node.get(key)
    if not isinstance(found, list) or not found or not all(type(number) in (int, float) for number in found):
        raise node.error(key, "must be a list of numbers")
    return tuple(float(number) for number in found)


def _pair(node: YamlNode, key: str) -> Span:
    found = _numbers(node, key)
    if len(found) != 2 or not 0 <= found[0] < found[1]:
        raise node.error(key, "must be two numbers, the lower first")
    return found[0], found[1]


def _middle(entry: YamlNode, analytes: Mapping[str, Analyte]) -> Middle:
    entry.check_keys(["analyte", "rows", "lower", "upper"])
    if not 0 <= entry.number("lower") < entry.number("upper"):
        raise entry.error("lower", "must be less than upper")
    return Middle(_analyte(entry, analytes), _rows(entry, "rows"), (entry.number("lower"), entry.number("upper")))
