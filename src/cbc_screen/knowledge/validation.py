"""What agreement with a reviewer is held against: validation.yaml."""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass
from functools import lru_cache

from cbc_screen.knowledge.files import read_text, reference_ranges_root
from cbc_screen.knowledge.loaded import load_knowledge
from cbc_screen.knowledge.parse import parse_table
from cbc_screen.knowledge.strict import YamlNode
from cbc_screen.vocabulary import Threshold

FILE = "validation.yaml"
_MARKS = ["note", "threshold", "source"]
_ROUNDING = 1e-6  # z is written with six decimals


@dataclass(frozen=True, slots=True)
class Target:
    """The share of missed findings that the upper end of the interval must stay below."""

    below: float
    note: str
    threshold: Threshold
    source: str


@dataclass(frozen=True, slots=True)
class ValidationLimits:
    """The targets, how sure the interval is, and the version of the data they are of."""

    of_present: Target
    of_reviewed: Target
    confidence: float
    z: float
    data_version: str


@lru_cache(maxsize=1)
def load_validation() -> ValidationLimits:
    """Load and check validation.yaml (once a process)."""
    knowledge = load_knowledge()
    node = parse_table(read_text(reference_ranges_root(), FILE), FILE)
    return read_validation(node, knowledge.sources, knowledge.data_version)


def read_validation(node: YamlNode, sources: Container[str], data_version: str) -> ValidationLimits:
    """Check the content of validation.yaml; every fault names file, line and key."""
    node.check_keys(["missed", "interval"])
    missed, interval = node.node("missed"), node.node("interval")
    missed.check_keys(["of_present", "of_reviewed"])
    interval.check_keys(["confidence", "z", *_MARKS])
    _marks(interval, sources)
    confidence, z = interval.number("confidence"), interval.number("z")
    # The share of a normal distribution within z of its middle; a z of another confidence is a slip.
    if not 0 < confidence < 1 or abs(math.erf(z / math.sqrt(2)) - confidence) > _ROUNDING:
        raise interval.error("z", "must be the two-sided normal quantile of the confidence, which lies between 0 and 1")
    return ValidationLimits(
        of_present=_target(missed.node("of_present"), sources),
        of_reviewed=_target(missed.node("of_reviewed"), sources),
        confidence=confidence,
        z=z,
        data_version=data_version,
    )


def _target(node: YamlNode, sources: Container[str]) -> Target:
    node.check_keys(["below", *_MARKS])
    below = node.number("below")
    if not 0 < below < 1:
        raise node.error("below", "must be a share between 0 and 1")
    return Target(below, *_marks(node, sources))


def _marks(node: YamlNode, sources: Container[str]) -> tuple[str, Threshold, str]:
    if node.text("source") not in sources:
        raise node.error("source", "is not in sources.csv")
    return node.text("note"), node.choice("threshold", Threshold), node.text("source")
