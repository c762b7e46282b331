"""One band of a set held against the results of its people: rule, shares, tolerance, estimate, verdicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbc_screen.agreement import wilson
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.intervals import IntervalRow
from cbc_screen.knowledge.verification import VerificationRules
from cbc_screen.verification import BandCheck, HealthyShare, LimitCheck, SampleRule, ShareOutside
from cbc_screen.verify.indirect import Estimate, estimate_limits
from cbc_screen.verify.samples import exact_interval, percentile, sample_rule
from cbc_screen.verify.tolerance import known_to, permissible
from cbc_screen.verify.verdicts import Side, Verdict, cannot_tell, limit_of, of_reference, of_routine, refusal
from cbc_screen.vocabulary import RangeReason, ResultsOf

_BARS = 60  # of the figure
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class VerificationRequest:
    """What is asked: the set, whose results they are, and what the user states that the set does not."""

    ranges: str
    results_of: ResultsOf
    analytes: tuple[str, ...] = ()
    person: str | None = None
    stated_people: int | None = None
    stated_percentiles: tuple[float, float] | None = None
    text_units: str = "si"
    progress: Callable[[int, float], None] | None = None


def band_check(
    row: IntervalRow,
    sex: str,
    low: Numbers,
    high: Numbers,
    knowledge: Knowledge,
    rules: VerificationRules,
    request: VerificationRequest,
) -> BandCheck:
    """Compare the results of people of one sex with a row of the set; `low` and `high` are the ends of each value."""
    own = rules.percentiles(row.percentile_basis)
    people = row.n if row.n is not None else request.stated_people
    percentiles = own or request.stated_percentiles
    by_user = (
        *(["n"] if row.n is None and people is not None else []),
        *(["percentile_basis"] if own is None and percentiles is not None else []),
    )
    exact = np.sort(low[low == high])
    lower, upper, rule, healthy = _checks(row, people, percentiles, low, high, exact, rules, request)
    analyte = knowledge.analytes[row.analyte]
    return BandCheck(
        analyte=row.analyte,
        label=analyte.label,
        unit=row.unit,
        set=row.set,
        sex=sex,
        age=row.age_text,
        pregnancy=row.pregnancy,
        gestation=row.gestation.text if row.gestation is not None else "",
        basis=row.percentile_basis,
        basis_note=rules.basis_note(row.percentile_basis),
        percentiles=percentiles,
        people=people,
        stated_by_user=by_user,
        source=knowledge.sources[row.source].citation,
        results=len(low),
        bounds=len(low) - len(exact),
        rule=rule,
        healthy=healthy,
        lower=lower,
        upper=upper,
        histogram=_figure(exact, row, rules),
    )


def _checks(
    row: IntervalRow,
    people: int | None,
    percentiles: tuple[float, float] | None,
    low: Numbers,
    high: Numbers,
    exact: Numbers,
    rules: VerificationRules,
    request: VerificationRequest,
) -> tuple[LimitCheck, LimitCheck, SampleRule | None, HealthyShare | None]:
    """Return the checks of both limits, the rule of samples, and the estimated shares of healthy and sick."""
    if people is None or percentiles is None:
        why = RangeReason.PEOPLE_NOT_STATED if people is None else RangeReason.BASIS_NOT_STATED
        return _untold(row.lower, why), _untold(row.upper, why), None, None
    parts = percentiles[0] / 100, 1 - percentiles[1] / 100
    outside = (
        None if row.lower is None else _outside(high < row.lower, low < row.lower, parts[0], rules),
        None if row.upper is None else _outside(low > row.upper, high > row.upper, parts[1], rules),
    )
    there = [side for side in outside if side is not None]
    both = sum(side.least for side in there), min(sum(side.most for side in there), len(low))
    rule = sample_rule(rules.rule, len(low), both, sum(side.expected for side in there))
    tolerated = permissible(row.lower, row.upper, percentiles, rules.uncertainty)
    stated = known_to(row.lower, row.upper, people, percentiles, rules.uncertainty)
    limits = (row.lower, row.lower_ci90 or stated[0]), (row.upper, row.upper_ci90 or stated[1])
    estimated = _estimate(len(low), exact, percentiles, rules) if request.results_of is ResultsOf.ROUTINE else None
    checks = []
    for place, ((limit, known), uncertainty, beyond) in enumerate(zip(limits, tolerated, outside, strict=True)):
        tolerance = None if limit is None or uncertainty is None else (limit - uncertainty, limit + uncertainty)
        side = Side(limit, tolerance, beyond)
        if len(low) < rules.rule.samples:
            told, shown = cannot_tell(RangeReason.TOO_FEW), None
        elif estimated is None:
            part = percentiles[place] / 100
            direct = len(exact) == len(low) >= rules.direct_people  # a bound has no rank
            shown = percentile(exact, part, rules.direct_confidence) if direct else None
            told = of_reference(side, rule, shown, rules)
        else:
            told = of_routine(side, estimated, lower=place == 0, rules=rules)
            shown = _shown(estimated, place == 0, rules)
        checks.append(_check(limit, uncertainty, known, beyond, shown, told))
    healthy = None
    if isinstance(estimated, Estimate):
        healthy = HealthyShare(estimated.sick_below, estimated.healthy, estimated.sick_above)
    return checks[0], checks[1], rule, healthy


def _shown(
    estimated: Estimate | RangeReason, lower: bool, rules: VerificationRules
) -> tuple[float, float, float] | None:
    """Return an estimated limit with its interval, where it is told."""
    if isinstance(estimated, RangeReason) or refusal(estimated, lower=lower, rules=rules) is not None:
        return None
    limit, interval = limit_of(estimated, lower=lower)
    return (limit, *interval)


def _check(
    limit: float | None,
    uncertainty: float | None,
    known: tuple[float, float] | None,
    outside: ShareOutside | None,
    shown: tuple[float, float, float] | None,
    told: Verdict,
) -> LimitCheck:
    estimate, interval = (None, None) if shown is None else (shown[0], shown[1:])
    return LimitCheck(limit, uncertainty, known, outside, estimate, interval, *told)


def _untold(limit: float | None, why: RangeReason) -> LimitCheck:
    return _check(limit, None, None, None, None, cannot_tell(why))


def _outside(
    surely: NDArray[np.bool_], maybe: NDArray[np.bool_], expected: float, rules: VerificationRules
) -> ShareOutside:
    least, most, of = int(surely.sum()), int(maybe.sum()), len(surely)
    exact = exact_interval(least, of, rules.confidence)[0], exact_interval(most, of, rules.confidence)[1]
    by_score = wilson(least, of, rules.z)[0], wilson(most, of, rules.z)[1]
    return ShareOutside(least, most, of, round(expected, 9), exact, by_score)


def _estimate(
    results: int, exact: Numbers, percentiles: tuple[float, float], rules: VerificationRules
) -> Estimate | RangeReason:
    method = rules.indirect
    if results < method.results:
        return RangeReason.TOO_FEW_FOR_ESTIMATE
    if results - len(exact) > method.bounds_at_most * results:
        return RangeReason.TOO_MANY_BOUNDS
    if len(np.unique(exact)) < method.different_values:
        return RangeReason.TOO_FEW_VALUES
    return estimate_limits(exact, method, percentiles, confidence=rules.confidence) or RangeReason.NO_FIT


def _figure(exact: Numbers, row: IntervalRow, rules: VerificationRules) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Return a histogram for a figure; none of so few people that a bar would be one of them."""
    if len(exact) < rules.indirect.results:
        return (), ()
    ends = np.quantile(exact, [0.005, 0.995])
    known = [limit for limit in (row.lower, row.upper) if limit is not None]
    low, high = min([*known, float(ends[0])]), max([*known, float(ends[1])])
    step = float(np.diff(np.unique(exact)).min(initial=np.inf))
    wide = max((high - low) / _BARS, step if np.isfinite(step) else 0.0) or 1.0
    if np.isfinite(step) and step > 0:
        wide = step * np.ceil(round(wide / step, 6))  # as many of the values that are written in each bar
    begin = low - step / 2 if np.isfinite(step) else low
    edges = begin + wide * np.arange(int(np.ceil((high + wide - begin) / wide)) + 1)
    counts, _ = np.histogram(exact, edges)
    return tuple(round(float(edge), 6) for edge in edges), tuple(int(count) for count in counts)
