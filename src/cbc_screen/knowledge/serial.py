"""What several counts of one person are compared by: reference_ranges/serial/."""

from __future__ import annotations

import math
from collections.abc import Container
from functools import lru_cache
from importlib.resources.abc import Traversable

from cbc_screen.knowledge.courses import CHANGE, PERSISTENCE
from cbc_screen.knowledge.edges import AgeEdge, read_edge
from cbc_screen.knowledge.files import read_text, reference_ranges_root
from cbc_screen.knowledge.fold import plain_name
from cbc_screen.knowledge.library import Knowledge
from cbc_screen.knowledge.loaded import load_knowledge
from cbc_screen.knowledge.parse import parse_table
from cbc_screen.knowledge.quantities import Factor
from cbc_screen.knowledge.serial_rules import (
    BaselineRule,
    CountSet,
    DeltaCheck,
    Duration,
    Elapsed,
    FastFall,
    Mark,
    SerialRules,
    StableBand,
    Suppression,
    TrendRule,
    Variation,
)
from cbc_screen.knowledge.strict import Row, YamlNode, parse_csv
from cbc_screen.vocabulary import Line, Persistence, SerialReason, Threshold, Verification

VARIATION = "serial/variation.csv"
_COLUMNS = (
    "analyte", "cvi_percent", "cvi_basis", "cvi_source", "cva_percent", "cva_basis", "cva_source", "verification", "note",
)  # fmt: skip
_MARKS = ["threshold", "source"]
_ROUNDING = 1e-3  # a normal quantile is written with two decimals or more
_FEWEST = 3  # points of a slope
_LINE_ANALYTE = {Line.RED: "hemoglobin", Line.WHITE: "neutrophils", Line.PLATELET: "platelets"}


@lru_cache(maxsize=1)
def load_serial() -> SerialRules:
    """Load and check reference_ranges/serial/ (once a process)."""
    return read_serial(reference_ranges_root(), load_knowledge())


def read_serial(root: Traversable, knowledge: Knowledge) -> SerialRules:
    """Check the content of serial/; every fault names file, line and key."""
    lasting = parse_table(read_text(root, PERSISTENCE), PERSISTENCE)
    lasting.check_keys(["durations", "definitions", "elapsed", "stable_band"])
    change = parse_table(read_text(root, CHANGE), CHANGE)
    parts = [
        "reference_change",
        "delta_checks",
        "suppressed",
        "trend",
        "fast_fall",
        "own_baseline",
        "columns",
        "reasons",
    ]
    change.check_keys(parts)
    reader = _Reader(knowledge)
    value = change.node("reference_change")
    value.check_keys(["z", "probability", *_MARKS])
    columns = change.node("columns")
    columns.check_keys(["laboratory"])
    variation = {row.text("analyte"): reader.variation(row) for row in _rows(read_text(root, VARIATION), knowledge)}
    return SerialRules(
        variation=variation,
        durations=reader.durations(lasting),
        count_sets=reader.count_sets(lasting),
        elapsed=reader.elapsed(lasting.node("elapsed")),
        stable=reader.stable(lasting.node("stable_band")),
        change_z=_quantile(value, 2),
        change_mark=reader.mark(value),
        delta_checks=tuple(reader.delta(node, variation) for node in change.nodes("delta_checks")),
        suppressions=tuple(map(reader.suppression, change.nodes("suppressed"))),
        trend=reader.trend(change.node("trend")),
        fast_fall=reader.fast_fall(change.node("fast_fall")),
        baseline=reader.baseline(change.node("own_baseline")),
        laboratory_columns=frozenset(map(plain_name, columns.texts("laboratory"))),
        reasons=_reasons(change.node("reasons")),
        data_version=knowledge.data_version,
    )


def _rows(text: str, knowledge: Knowledge) -> list[Row]:
    rows = list(parse_csv(text, VARIATION, _COLUMNS))
    seen: set[str] = set()
    for row in rows:
        analyte = row.choice("analyte", list(knowledge.analytes))
        if analyte in seen:
            raise row.error("analyte", "is there twice")
        seen.add(analyte)
    return rows


def _reasons(node: YamlNode) -> dict[SerialReason, str]:
    node.check_keys([reason.value for reason in SerialReason])
    return {reason: node.text(reason.value) for reason in SerialReason}


def _quantile(node: YamlNode, sides: int) -> float:
    """Return z, which must be the normal quantile of the stated probability."""
    z, probability = node.number("z"), node.number("probability")
    beyond = math.erfc(z / math.sqrt(2)) * sides / 2
    told = 1 - beyond if sides == 2 else beyond
    if abs(told - probability) > _ROUNDING:
        raise node.error("z", "must be the normal quantile of the probability")
    return z


def _days(node: YamlNode, key: str = "days") -> int:
    days = node.whole(key)
    if days < 1:
        raise node.error(key, "must be a day or more")
    return days


def _share(node: YamlNode, key: str) -> float:
    share = node.number(key)
    if not 0 < share < 1:
        raise node.error(key, "must be a share between 0 and 1")
    return share


class _Reader:
    """Reads the parts, with what the other tables know."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._sources: Container[str] = knowledge.sources

    def mark(self, node: YamlNode) -> Mark:
        if node.text("source") not in self._sources:
            raise node.error("source", "is not in sources.csv")
        return Mark(node.choice("threshold", Threshold), node.text("source"))

    def variation(self, row: Row) -> Variation:
        def fraction(key: str) -> float:
            percent = row.number(key)
            if percent is None or not 0 < percent < 100:
                raise row.error(key, "must be a percentage between 0 and 100")
            return percent / 100

        for key in ("cvi_source", "cva_source"):
            if row.text(key) not in self._sources:
                raise row.error(key, "is not in sources.csv")
            row.text(key.replace("source", "basis"))
        marks = [mark.value for mark in Verification]
        return Variation(
            fraction("cvi_percent"),
            fraction("cva_percent"),
            row.text("cvi_source"),
            row.text("cva_source"),
            Verification(row.choice("verification", marks)),
        )

    def durations(self, node: YamlNode) -> tuple[Duration, ...]:
        found = []
        for own in node.nodes("durations"):
            own.check_keys(["id", "days", *_MARKS])
            found.append(Duration(own.choice("id", Persistence), _days(own), self.mark(own)))
        order = [duration.days for duration in found]
        words = [list(Persistence).index(duration.id) for duration in found]
        if not found or order != sorted(set(order)) or words != sorted(set(words)):
            raise node.error("durations", "must be named once each, the shortest first")
        return tuple(found)

    def count_sets(self, node: YamlNode) -> tuple[CountSet, ...]:
        found: dict[str, CountSet] = {}
        for own in node.nodes("definitions"):
            own.check_keys(["id", "label", "days", "note", *_MARKS], ["definition", "limits", "lines", "age_from"])
            if own.text("id") in found:
                raise own.error("id", "is there twice")
            found[own.text("id")] = self._count_set(own)
        return tuple(found.values())

    def _count_set(self, node: YamlNode) -> CountSet:
        if ("definition" in node) == ("limits" in node):
            raise node.error("definition", "give a definition, or limits")
        limits: dict[Line, float] = {}
        definition = None
        if "definition" in node:
            definition = node.text("definition")
            if definition not in self._knowledge.definitions:
                raise node.error("definition", "is not in definitions.yaml")
        else:
            limits = self._limits(node)
        try:
            lines = tuple(Line(name) for name in node.texts("lines")) or tuple(limits) or tuple(Line)
        except ValueError:
            raise node.error("lines", f"must be of {', '.join(Line)}") from None
        if limits and set(lines) != set(limits):
            raise node.error("lines", "must be those that have a limit")
        age = self._edge(node, "age_from") if "age_from" in node else None
        label, note = node.text("label"), node.text("note")
        return CountSet(node.text("id"), label, definition, limits, lines, age, _days(node), self.mark(node), note)

    def _limits(self, node: YamlNode) -> dict[Line, float]:
        lines = node.node("limits")
        lines.check_keys([], list(Line))
        if not lines:
            raise node.error("limits", "names no line")
        limits = {}
        for name in lines:
            own, line = lines.node(name), Line(name)
            own.check_keys(["below", "unit"])
            limits[line] = self.in_unit(own, "below", _LINE_ANALYTE[line])
        return limits

    def in_unit(self, node: YamlNode, key: str, analyte: str) -> float:
        """Return a positive number in the canonical unit of an analyte; the unit stands beside it."""
        factor = self._knowledge.analytes[analyte].units.find(node.text("unit"), None)
        if not isinstance(factor, Factor):
            raise node.error("unit", f"is not a unit of {analyte}")
        number = node.number(key) * factor.numerator / factor.denominator
        if number <= 0:
            raise node.error(key, "must be above 0")
        return number

    def _edge(self, node: YamlNode, key: str) -> AgeEdge:
        own = node.node(key)
        own.check_keys(["value", "unit"])
        return read_edge(own, "value")

    def elapsed(self, node: YamlNode) -> Elapsed:
        node.check_keys(["line", "below", "unit", "up_to", "beyond", *_MARKS])
        line = node.choice("line", Line)
        parts = []
        for own in node.nodes("up_to"):
            own.check_keys(["id", "days"])
            parts.append((own.text("id"), _days(own)))
        if [days for _, days in parts] != sorted({days for _, days in parts}):
            raise node.error("up_to", "must go up")
        below = self.in_unit(node, "below", _LINE_ANALYTE[line])
        return Elapsed(line, below, tuple(parts), node.text("beyond"), self.mark(node))

    def stable(self, node: YamlNode) -> StableBand:
        node.check_keys(["id", "label", "analyte", "at_least", "below", "unit", "counts", "days", *_MARKS])
        analyte = self._analyte(node, "analyte")
        least, below = (self.in_unit(node, key, analyte) for key in ("at_least", "below"))
        if not least < below:
            raise node.error("below", "must be above at_least")
        label, counts = node.text("label"), node.whole("counts")
        return StableBand(node.text("id"), label, analyte, least, below, counts, _days(node), self.mark(node))

    def _analyte(self, node: YamlNode, key: str) -> str:
        analyte = node.text(key)
        if analyte not in self._knowledge.analytes:
            raise node.error(key, "is not in analytes.yaml")
        return analyte

    def delta(self, node: YamlNode, variation: Container[str]) -> DeltaCheck:
        node.check_keys(["id", "analyte", "difference_above", "unit", "changes", "at_least", "text", "note", *_MARKS])
        analyte, changes, least = self._analyte(node, "analyte"), node.texts("changes"), node.whole("at_least")
        if any(name not in variation for name in changes):
            raise node.error("changes", "must be analytes of variation.csv")
        if not 0 <= least <= len(changes):
            raise node.error("at_least", "must be no more than the analytes that are named")
        above = self.in_unit(node, "difference_above", analyte)
        return DeltaCheck(node.text("id"), analyte, above, tuple(changes), least, node.text("text"), self.mark(node))

    def suppression(self, node: YamlNode) -> Suppression:
        kinds = ["below_age", "pregnancy", "finding", "column"]
        node.check_keys(["id", "text", *_MARKS], kinds)
        if ("below_age" in node) + ("pregnancy" in node) + ("finding" in node or "column" in node) != 1:
            raise node.error("id", "needs one of below_age, pregnancy, or what is stated (finding, column)")
        finding = node.text("finding") if "finding" in node else None
        if finding is not None and finding not in self._knowledge.findings:
            raise node.error("finding", "is not in findings.yaml")
        edge = self._edge(node, "below_age") if "below_age" in node else None
        columns = frozenset(map(plain_name, node.texts("column")))
        return Suppression(
            node.text("id"), node.text("text"), edge, node.flag("pregnancy"), finding, columns, self.mark(node)
        )

    def trend(self, node: YamlNode) -> TrendRule:
        node.check_keys(["z", "probability", "counts", "robust_counts", "robust_p", "note", *_MARKS])
        counts, robust = node.whole("counts"), node.whole("robust_counts")
        if not _FEWEST <= counts <= robust:
            raise node.error("counts", "must be 3 or more, and no more than robust_counts")
        return TrendRule(_quantile(node, 1), counts, robust, _share(node, "robust_p"), self.mark(node))

    def fast_fall(self, node: YamlNode) -> FastFall:
        node.check_keys(["share", "days", "counts", "lines", *_MARKS])
        return FastFall(_share(node, "share"), _days(node), node.whole("counts"), node.whole("lines"), self.mark(node))

    def baseline(self, node: YamlNode) -> BaselineRule:
        node.check_keys(["z", "quantile", "own_spread_from", *_MARKS])
        return BaselineRule(node.number("z"), _share(node, "quantile"), node.whole("own_spread_from"), self.mark(node))
