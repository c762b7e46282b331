"""The frequencies behind points: how often a finding was seen in people with a condition, and in people without it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import exp, log2, sqrt

from cbc_screen.knowledge.rules import Condition, Rule
from cbc_screen.knowledge.strict import Row, parse_csv
from cbc_screen.vocabulary import Basis

LIKELIHOODS_FILE = "likelihoods.csv"
COLUMNS = (
    "condition", "finding", "found_with", "of_with", "found_without", "of_without", "percent_with", "percent_without",
    "ratio", "low", "high", "source", "source_without", "notes",
)  # fmt: skip
MOST_DOUBLINGS = 8  # the most points a finding may have
_Z95 = 1.959964
_ROUNDED = 0.006  # of a number that is written with three digits
_COUNTS = ("found_with", "of_with", "found_without", "of_without")


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How much more often a finding is seen with a condition than without it.

    The counts are None where only shares were published; both are None where only the ratio can be worked out, which
    `notes` then explain. `low` and `high` are the 95 % interval, where there are counts.
    """

    condition: str
    finding: str
    counts: tuple[int, int, int, int] | None  # found with it, of so many; found without it, of so many
    percents: tuple[float, float] | None
    ratio: float
    interval: tuple[float, float] | None
    sources: tuple[str, ...]
    notes: str

    @property
    def points(self) -> int:
        """The points that the ratio gives: its doublings, rounded."""
        return max(-MOST_DOUBLINGS, min(MOST_DOUBLINGS, round(log2(self.ratio))))


def load_likelihoods(text: str, conditions: Sequence[Condition], sources: Collection[str]) -> tuple[Likelihood, ...]:
    """Load likelihoods.csv, and refuse a row that its numbers, or the points of its finding, contradict."""
    rules = {(condition.id, rule.id): rule for condition in conditions for rule in condition.findings}
    found: dict[tuple[str, str], Likelihood] = {}
    for row in parse_csv(text, LIKELIHOODS_FILE, COLUMNS):
        key = row.text("condition"), row.text("finding")
        if key not in rules:
            raise row.error("finding", "is no finding of this condition")
        if key in found:
            raise row.error("finding", "is given twice")
        found[key] = _likelihood(row, key, sources)
        _check_points(row, rules[key], found[key])
    return tuple(found.values())


def ratio_of(counts: tuple[int, int, int, int]) -> tuple[float, float, float]:
    """Return the ratio of two shares with its 95 % interval, the usual one of the logarithm."""
    a, n, b, m = counts
    ratio = (a / n) / (b / m)
    spread = exp(_Z95 * sqrt(1 / a - 1 / n + 1 / b - 1 / m))
    return ratio, ratio / spread, ratio * spread


def _likelihood(row: Row, key: tuple[str, str], sources: Collection[str]) -> Likelihood:
    counts, percents = _counts(row), _percents(row)
    ratio = _positive(row, "ratio")
    interval = None
    if counts is not None:
        wanted = dict(zip(("ratio", "low", "high"), ratio_of(counts), strict=True))
        for name, number in wanted.items():
            _check_number(row, name, _positive(row, name), number)
        interval = _positive(row, "low"), _positive(row, "high")
    elif row.cells["low"] or row.cells["high"]:
        raise row.error("low", "needs counts")
    elif percents is not None:
        _check_number(row, "ratio", ratio, percents[0] / percents[1])
    elif not row.cells["notes"]:
        raise row.error("notes", "must say how the ratio was worked out without counts or shares")
    return Likelihood(*key, counts, percents, ratio, interval, tuple(_sources(row, sources)), row.cells["notes"])


def _counts(row: Row) -> tuple[int, int, int, int] | None:
    if not any(row.cells[name] for name in _COUNTS):
        return None
    a, n, b, m = (_whole(row, name) for name in _COUNTS)
    for name, found, of in (("found_with", a, n), ("found_without", b, m)):
        if not 0 < found < of:
            raise row.error(name, "must lie between nobody and everybody")
    return a, n, b, m


def _percents(row: Row) -> tuple[float, float] | None:
    if not (row.cells["percent_with"] or row.cells["percent_without"]):
        return None
    if any(row.cells[name] for name in _COUNTS):
        raise row.error("percent_with", "is left empty where there are counts")
    return _positive(row, "percent_with"), _positive(row, "percent_without")


def _whole(row: Row, name: str) -> int:
    number = _positive(row, name)
    if number != int(number):
        raise row.error(name, "must be a whole number")
    return int(number)


def _positive(row: Row, name: str) -> float:
    number = row.number(name)
    if number is None or number <= 0:
        raise row.error(name, "must be above 0")
    return number


def _sources(row: Row, sources: Collection[str]) -> Iterator[str]:
    for name in ("source", "source_without"):
        source = row.text(name) if name == "source" or row.cells[name] else ""
        if source and source not in sources:
            raise row.error(name, "is not in sources.csv")
        if source:
            yield source


def _check_number(row: Row, name: str, written: float, worked_out: float) -> None:
    if abs(written / worked_out - 1) > _ROUNDED:
        raise row.error(name, f"is {worked_out:.3g} by the counts or shares of its row")


def _check_points(row: Row, rule: Rule, found: Likelihood) -> None:
    if rule.basis is Basis.JUDGMENT:
        raise row.error("finding", "is a judgment, and has frequencies here")
    if rule.points != found.points:
        raise row.error("ratio", f"gives {found.points:+d} points, and the finding has {rule.points:+d}")
