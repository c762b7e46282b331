"""The verdict on one limit: an answer only where every possibility agrees."""

from __future__ import annotations

from dataclasses import dataclass

from cbc_screen.knowledge.verification import VerificationRules
from cbc_screen.verification import SampleRule, ShareOutside
from cbc_screen.verify.indirect import Estimate
from cbc_screen.verify.samples import allowed_beyond_one
from cbc_screen.vocabulary import RangeReason, RangeVerdict

Verdict = tuple[RangeVerdict, tuple[RangeReason, ...]]
Pair = tuple[float, float]


def cannot_tell(*reasons: RangeReason) -> Verdict:
    """Return that it cannot be told, and why."""
    return RangeVerdict.CANNOT_TELL, reasons


@dataclass(frozen=True, slots=True)
class Side:
    """What is known of one side of a band: the limit, how far it may be off, and who lies beyond it."""

    limit: float | None
    tolerance: Pair | None
    outside: ShareOutside | None


def of_reference(
    side: Side, rule: SampleRule | None, direct: tuple[float, float, float] | None, rules: VerificationRules
) -> Verdict:
    """Return the verdict by reference individuals; `direct` is their own percentile with its interval."""
    if side.limit is None or side.outside is None:
        return cannot_tell(RangeReason.NO_LIMIT)
    if rule is None:
        return cannot_tell(RangeReason.TOO_FEW)
    own = allowed_beyond_one(rules.rule, rule.people, side.outside.expected)
    reasons: list[RangeReason] = []
    if rule.outside_least > rule.repeat_at_most:
        reasons.append(RangeReason.RULE_REFUSED)
    elif rule.outside_least > rule.adopt_at_most:
        reasons.append(RangeReason.RULE_REPEAT)
    if side.outside.least > own:
        reasons.insert(0, RangeReason.SIDE_CROWDED)
    if side.outside.exact[1] < side.outside.expected:
        reasons.append(RangeReason.SIDE_EMPTY)
    if direct is not None and side.tolerance is not None and _apart(direct[1:], side.tolerance):
        reasons.append(RangeReason.DIRECT_DIFFERS)
    if reasons:
        return RangeVerdict.INVESTIGATE, tuple(reasons)
    if rule.outside_most > rule.adopt_at_most or side.outside.most > own:
        return cannot_tell(RangeReason.OUTSIDE_UNSURE)
    return RangeVerdict.ADOPT, (RangeReason.RULE_KEPT,)


def of_routine(side: Side, estimated: Estimate | RangeReason, *, lower: bool, rules: VerificationRules) -> Verdict:
    """Return the verdict by an estimate from routine results, or why there is none."""
    if side.limit is None:
        return cannot_tell(RangeReason.NO_LIMIT)
    if isinstance(estimated, RangeReason):
        return cannot_tell(estimated)
    if (refused := refusal(estimated, lower=lower, rules=rules)) is not None:
        return cannot_tell(refused)
    if side.tolerance is None:
        return cannot_tell(RangeReason.NO_TOLERANCE)
    _, interval = limit_of(estimated, lower=lower)
    low, high = side.tolerance
    if _apart(interval, side.tolerance):
        return RangeVerdict.INVESTIGATE, (RangeReason.ESTIMATE_DIFFERS,)
    if low <= interval[0] and interval[1] <= high:
        return RangeVerdict.ADOPT, (RangeReason.ESTIMATE_AGREES,)
    return cannot_tell(RangeReason.INTERVAL_ACROSS)


def refusal(estimated: Estimate, *, lower: bool, rules: VerificationRules) -> RangeReason | None:
    """Return why an estimated limit is not told, if it is not: beside the healthy there are too many sick."""
    if estimated.healthy < rules.indirect.healthy_at_all:
        return RangeReason.FEW_HEALTHY
    sick = estimated.sick_below if lower else estimated.sick_above
    if estimated.healthy < rules.indirect.healthy_beside * (estimated.healthy + sick):
        return RangeReason.HEALTHY_SHARE_LOW
    return None


def limit_of(estimated: Estimate, *, lower: bool) -> tuple[float, Pair]:
    """Return one estimated limit with its interval."""
    if lower:
        return estimated.lower, estimated.lower_interval
    return estimated.upper, estimated.upper_interval


def _apart(one: Pair, other: Pair) -> bool:
    return one[1] < other[0] or other[1] < one[0]
