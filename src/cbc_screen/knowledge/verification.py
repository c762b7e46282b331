"""What local verification of reference ranges goes by: verification.yaml."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import lru_cache

from cbc_screen.knowledge.files import read_text, reference_ranges_root
from cbc_screen.knowledge.loaded import load_knowledge
from cbc_screen.knowledge.parse import parse_table
from cbc_screen.knowledge.strict import Word, YamlNode
from cbc_screen.vocabulary import NotVerified, RangeReason, RangeVerdict, SetAside, Threshold

FILE = "verification.yaml"
_MARKS = ["threshold", "source"]
_ROUNDING = 1e-6  # z is written with six decimals


@dataclass(frozen=True, slots=True)
class RuleOfSamples:
    """Of so many samples at most this many outside: adopt, or repeat.

    `right` is the share outside of a range that is right, `shares` are true ones that the chances are told for.
    """

    samples: int
    adopt_at_most: int
    repeat_at_most: int
    right: float
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """The constants of the permissible uncertainty of a limit, and of how far a claimed limit is known."""

    of_limit: float
    of_middle: float
    cv_less: float
    missing_lower: float
    outer: float
    outer_more: float
    inner: float
    inner_less: float
    people: int


@dataclass(frozen=True, slots=True)
class IndirectMethod:
    """How limits are estimated from routine results, and when they are not; verification.yaml says what each number is."""

    powers: tuple[float, ...]
    cuts: tuple[tuple[float, float], ...]
    bins: int
    stray_at_most: float
    stray_at_first: float
    component_there: float
    fewest_healthy: float
    smallest_spread: float
    component_cost: float
    healthy_weight: float
    flattening: float
    first_steps: int
    steps: int
    fits: int
    replicates: int
    replicate_fits: int
    replicate_steps: int
    results: int
    different_values: int
    healthy_beside: float
    healthy_at_all: float
    bounds_at_most: float


@dataclass(frozen=True, slots=True)
class PercentileBasis:
    """What the words of a basis mean: two percentiles, or none that are stated; and what has to be known besides."""

    percentiles: tuple[float, float] | None
    note: str


@dataclass(frozen=True, slots=True)
class VerificationRules:
    """All of verification.yaml, and the version of the data that it is of."""

    rule: RuleOfSamples
    confidence: float
    z: float
    direct_people: int
    direct_confidence: float
    uncertainty: Uncertainty
    indirect: IndirectMethod
    bases: Mapping[str, PercentileBasis]
    verdicts: Mapping[RangeVerdict, str]
    reasons: Mapping[RangeReason, str]
    set_aside: Mapping[SetAside, str]
    not_verified: Mapping[NotVerified, str]
    sources: tuple[str, ...]
    data_version: str

    def percentiles(self, basis: str) -> tuple[float, float] | None:
        """Return the percentiles that the words of a basis mean, if they say it."""
        found = self._basis(basis)
        return None if found is None else found.percentiles

    def basis_note(self, basis: str) -> str:
        """Return what has to be known of limits of a basis besides, if there is anything."""
        found = self._basis(basis)
        return "" if found is None else found.note

    def _basis(self, basis: str) -> PercentileBasis | None:
        text = " ".join(basis.casefold().split())
        found = [begins for begins in self.bases if text.startswith(begins.casefold())]
        return self.bases[max(found, key=len)] if found else None


@lru_cache(maxsize=1)
def load_verification() -> VerificationRules:
    """Load and check verification.yaml (once a process)."""
    knowledge = load_knowledge()
    node = parse_table(read_text(reference_ranges_root(), FILE), FILE)
    return read_verification(node, knowledge.sources, knowledge.data_version)


def read_verification(node: YamlNode, sources: Container[str], data_version: str) -> VerificationRules:
    """Check the content of verification.yaml; every fault names file, line and key."""
    parts = [
        "sample_rule",
        "direct",
        "interval",
        "permissible_uncertainty",
        "missing_lower",
        "claimed_limit",
        "indirect",
    ]
    node.check_keys([*parts, "percentile_bases", "verdicts", "reasons", "set_aside", "not_verified"])
    for part in parts:
        node.node(part).choice("threshold", Threshold)
    for part in (*parts, "percentile_bases"):
        if node.node(part).text("source") not in sources:
            raise node.node(part).error("source", "is not in sources.csv")
    direct = node.node("direct")
    direct.check_keys(["people", "confidence", *_MARKS])
    if not 0 < direct.number("confidence") < 1:
        raise direct.error("confidence", "must be a share between 0 and 1")
    interval = node.node("interval")
    interval.check_keys(["confidence", "z", "note", *_MARKS])
    confidence, z = interval.number("confidence"), interval.number("z")
    if not 0 < confidence < 1 or abs(math.erf(z / math.sqrt(2)) - confidence) > _ROUNDING:
        raise interval.error("z", "must be the two-sided normal quantile of the confidence, which lies between 0 and 1")
    return VerificationRules(
        rule=_rule(node.node("sample_rule")),
        confidence=confidence,
        z=z,
        direct_people=direct.whole("people"),
        direct_confidence=direct.number("confidence"),
        uncertainty=_uncertainty(node),
        indirect=_indirect(node.node("indirect")),
        bases=_bases(node.node("percentile_bases")),
        verdicts=_texts(node, "verdicts", RangeVerdict),
        reasons=_texts(node, "reasons", RangeReason),
        set_aside=_texts(node, "set_aside", SetAside),
        not_verified=_texts(node, "not_verified", NotVerified),
        sources=tuple(dict.fromkeys(node.node(part).text("source") for part in parts)),
        data_version=data_version,
    )


def _rule(node: YamlNode) -> RuleOfSamples:
    node.check_keys(["samples", "adopt_at_most", "repeat_at_most", "right_outside", "shares", *_MARKS])
    shares = _numbers(node, "shares")
    found = RuleOfSamples(
        samples=node.whole("samples"),
        adopt_at_most=node.whole("adopt_at_most"),
        repeat_at_most=node.whole("repeat_at_most"),
        right=node.number("right_outside"),
        shares=shares,
    )
    if not 0 <= found.adopt_at_most < found.repeat_at_most < found.samples:
        raise node.error("repeat_at_most", "must lie between adopt_at_most and samples")
    if not shares or not all(0 < share < 1 for share in (*shares, found.right)):
        raise node.error("shares", "must be shares between 0 and 1")
    return found


def _uncertainty(node: YamlNode) -> Uncertainty:
    own, claimed = node.node("permissible_uncertainty"), node.node("claimed_limit")
    own.check_keys(["of_limit", "of_middle", "cv_less", *_MARKS])
    node.node("missing_lower").check_keys(["of_upper", *_MARKS])
    claimed.check_keys(["outer", "outer_more", "inner", "inner_less", "people", *_MARKS])
    missing, people = node.node("missing_lower").number("of_upper"), claimed.whole("people")
    if not 0 < missing < 1:
        raise node.node("missing_lower").error("of_upper", "must be a share between 0 and 1")
    if math.sqrt(max(people, 0)) <= claimed.number("inner_less"):
        raise claimed.error("people", "must be more than the square of inner_less")
    return Uncertainty(
        missing_lower=missing,
        people=people,
        **{key: own.number(key) for key in ("of_limit", "of_middle", "cv_less")},
        **{key: claimed.number(key) for key in ("outer", "outer_more", "inner", "inner_less")},
    )


def _indirect(node: YamlNode) -> IndirectMethod:
    wholes = ("bins", "first_steps", "steps", "fits", "replicates", "replicate_fits", "replicate_steps")
    fewest = ("results", "different_values")
    shares = (
        "stray_at_most",
        "stray_at_first",
        "component_there",
        "fewest_healthy",
        "smallest_spread",
        "healthy_beside",
        "healthy_at_all",
        "bounds_at_most",
    )
    others = ("component_cost", "healthy_weight", "flattening")
    node.check_keys(["powers", "cuts", *wholes, *fewest, *shares, *others, *_MARKS])
    for key in (*wholes, *fewest):
        if node.whole(key) < 1:
            raise node.error(key, "must be 1 or more")
    for key in shares:
        if not 0 < node.number(key) < 1:
            raise node.error(key, "must be a share between 0 and 1")
    if node.number("stray_at_first") > node.number("stray_at_most"):
        raise node.error("stray_at_first", "must be no more than stray_at_most")
    for key in others:
        if node.number(key) <= 0:
            raise node.error(key, "must be more than 0")
    powers, cuts = _numbers(node, "powers"), node["cuts"]
    if not powers or not all(0 <= power <= 1 for power in powers):
        raise node.error("powers", "must be numbers from 0 to 1")
    if not isinstance(cuts, list) or not all(map(_is_cut, cuts)):
        raise node.error("cuts", "must be pairs of shares that leave some results between them")
    return IndirectMethod(
        powers=powers,
        cuts=tuple((float(low), float(high)) for low, high in cuts),
        bins=node.whole("bins"),
        stray_at_most=node.number("stray_at_most"),
        stray_at_first=node.number("stray_at_first"),
        component_there=node.number("component_there"),
        fewest_healthy=node.number("fewest_healthy"),
        smallest_spread=node.number("smallest_spread"),
        component_cost=node.number("component_cost"),
        healthy_weight=node.number("healthy_weight"),
        flattening=node.number("flattening"),
        first_steps=node.whole("first_steps"),
        steps=node.whole("steps"),
        fits=node.whole("fits"),
        replicates=node.whole("replicates"),
        replicate_fits=node.whole("replicate_fits"),
        replicate_steps=node.whole("replicate_steps"),
        results=node.whole("results"),
        different_values=node.whole("different_values"),
        healthy_beside=node.number("healthy_beside"),
        healthy_at_all=node.number("healthy_at_all"),
        bounds_at_most=node.number("bounds_at_most"),
    )


def _is_cut(given: object) -> bool:
    if not isinstance(given, list) or len(given) != 2 or not all(isinstance(share, int | float) for share in given):
        return False
    return bool(min(given) >= 0 and sum(given) < 1)


def _bases(node: YamlNode) -> dict[str, PercentileBasis]:
    node.check_keys(["source", "bases"])
    found: dict[str, PercentileBasis] = {}
    for entry in node.nodes("bases"):
        if "not_stated" in entry:
            entry.check_keys(["begins", "not_stated"])
            found[entry.text("begins")] = PercentileBasis(None, entry.text("not_stated"))
            continue
        entry.check_keys(["begins", "lower", "upper"], ["note"])
        lower, upper = entry.number("lower"), entry.number("upper")
        if not 0 < lower < upper < 100:
            raise entry.error("lower", "must be a percentile below the upper one")
        note = entry.text("note") if "note" in entry else ""
        found[entry.text("begins")] = PercentileBasis((lower, upper), note)
    return found


def _numbers(node: YamlNode, key: str) -> tuple[float, ...]:
    values = node.get(key)
    if not isinstance(values, list) or not all(isinstance(value, int | float) for value in values):
        raise node.error(key, "must be a list of numbers")
    return tuple(float(value) for value in values)


def _texts(node: YamlNode, key: str, words: type[Word]) -> dict[Word, str]:
    own = node.node(key)
    own.check_keys([word.value for word in words])
    return {word: own.text(word.value) for word in words}
