"""A set of reference ranges held against local results: each analyte, sex and band of ages that they reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen._version import __version__
from cbc_screen.agreement import wilson
from cbc_screen.engines.frames import Engine
from cbc_screen.engines.opening import Opening
from cbc_screen.engines.read import read_counts
from cbc_screen.errors import CBCScreenError, UsageError
from cbc_screen.ingest.source import ReadOptions
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.edges import approximate_days
from cbc_screen.knowledge.intervals import IntervalRow
from cbc_screen.knowledge.verification import VerificationRules, load_verification
from cbc_screen.normalize.codes import NO_REASON, REASONS
from cbc_screen.normalize.declared import Declared
from cbc_screen.verification import (
    BandCheck,
    HealthyShare,
    LimitCheck,
    RangeVerification,
    ResultAccount,
    SampleRule,
    ShareOutside,
)
from cbc_screen.verify.indirect import Estimate, estimate_limits
from cbc_screen.verify.local_results import LocalResults, Results, read_results
from cbc_screen.verify.samples import exact_interval, percentile, sample_rule
from cbc_screen.verify.tolerance import known_to, permissible
from cbc_screen.verify.verdicts import Side, Verdict, cannot_tell, limit_of, of_reference, of_routine, refusal
from cbc_screen.vocabulary import RangeReason, ResultsOf, SetAside

_SEXES = ("F", "M")
_BARS = 60  # of the figure
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: the set, whose results they are, and what the user states that the set does not."""

    ranges: str
    results_of: ResultsOf
    analytes: tuple[str, ...] = ()
    person: str | None = None
    stated_people: int | None = None
    stated_percentiles: tuple[float, float] | None = None
    text_units: str = "si"
    progress: Callable[[int, float], None] | None = None


def verify_files(engine: Engine, names: Sequence[str], opening: Opening, request: Request) -> RangeVerification:
    """Verify a set with the results of files, which are read as frames; see `cbc_screen.verify_ranges`."""
    frame = read_counts(names, opening)
    # Units and codes stand beside what was read; how texts are written does not.
    written = opening.declared
    declared = Declared(
        convention=written.convention,
        number_format=written.number_format,
        date_format=written.date_format,
        date_formats=written.date_formats,
        settings=written.settings,
    )
    read = replace(opening, declared=declared, reading=ReadOptions(), columns={})
    found = verify_frame(engine, frame, read, request)
    lost = len(frame.attrs["rejected"])
    aside = dict(found.rows_set_aside)
    if lost:
        aside[SetAside.NOT_READ.value] = aside.get(SetAside.NOT_READ.value, 0) + lost
    return replace(found, rows=found.rows + lost, rows_set_aside=aside)


def verify_frame(engine: Engine, frame: Any, opening: Opening, request: Request) -> RangeVerification:
    """Verify a set with the results of a frame; see `cbc_screen.verify_ranges`."""
    knowledge, rules = engine.knowledge, load_verification()
    rows = rows_of(knowledge, request)
    local = read_results(engine, frame, opening, request.person)
    wanted = [analyte for analyte in dict.fromkeys(row.analyte for row in rows) if analyte in local.results]
    if not wanted:
        raise UsageError(f"{request.ranges} has no range for any result of the source")
    bands, accounts = list[BandCheck](), dict[str, ResultAccount]()
    for place, analyte in enumerate(wanted):
        own = sorted((row for row in rows if row.analyte == analyte), key=_in_order)
        bands += _bands(own, local, knowledge, rules, request)
        accounts[analyte] = _account(local, local.results[analyte], own)
        if request.progress is not None:
            request.progress(place + 1, (place + 1) / len(wanted))
    _require_stated(bands, request)
    _require_enough(bands, rules, request)
    used = int(local.used.sum())
    smallest = sample_rule(rules.rule, rules.rule.samples, (0, 0), rules.rule.right)
    assert smallest is not None
    found = RangeVerification(
        set=request.ranges,
        results_of=request.results_of,
        rows=local.rows,
        rows_used=used,
        rows_set_aside=local.account(),
        rule=smallest,
        bands=tuple(bands),
        accounts=accounts,
        confidence=rules.confidence,
        interval_confidence=rules.confidence if request.results_of is ResultsOf.ROUTINE else rules.direct_confidence,
        sources=tuple(knowledge.sources[source].citation for source in rules.sources if source != "project"),
        data_version=knowledge.data_version,
        code_version=__version__,
        text_units=request.text_units,
    )
    if found.rows != used + sum(found.rows_set_aside.values()):
        raise CBCScreenError("the account of the rows does not balance: a row was lost; please report this")
    return found


def rows_of(knowledge: Knowledge, request: Request) -> tuple[IntervalRow, ...]:
    """Return the rows of the set alone, without what it is laid over."""
    default = request.ranges == "default"
    rows = knowledge.intervals("default") if default else knowledge.interval_set(request.ranges).rows
    if unknown := [analyte for analyte in request.analytes if analyte not in knowledge.analytes]:
        raise UsageError(f"no analyte is named {unknown[0]!r}")
    return tuple(row for row in rows if not request.analytes or row.analyte in request.analytes)


def _in_order(row: IntervalRow) -> tuple[bool, float, str]:
    return row.pregnancy != "none", approximate_days(row.age_low), row.sex


def _bands(
    rows: Iterable[IntervalRow],
    local: LocalResults,
    knowledge: Knowledge,
    rules: VerificationRules,
    request: Request,
) -> Iterator[BandCheck]:
    for row in rows:
        for sex in _SEXES if row.sex == "any" else (row.sex,):
            if sex == "M" and row.pregnancy != "none":
                continue
            results = local.results[row.analyte]
            reached = local.used & local.of_sex(sex) & local.of_stage(row.pregnancy, sex) & local.of_age(row)
            there = reached & results.known
            if there.any():
                yield _band(row, sex, results.low[there], results.high[there], knowledge, rules, request)


def _band(
    row: IntervalRow,
    sex: str,
    low: Numbers,
    high: Numbers,
    knowledge: Knowledge,
    rules: VerificationRules,
    request: Request,
) -> BandCheck:
    people = row.n if row.n is not None else request.stated_people
    percentiles = rules.percentiles(row.percentile_basis) or request.stated_percentiles
    by_user = [name for name, own, said in (("n", row.n, people),) if own is None and said is not None]
    if rules.percentiles(row.percentile_basis) is None and percentiles is not None:
        by_user.append("percentile_basis")
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
        percentiles=percentiles,
        people=people,
        stated_by_user=tuple(by_user),
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
    request: Request,
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
            shown = percentile(exact, part, rules.direct_confidence) if len(exact) >= rules.direct_people else None
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


def _account(local: LocalResults, results: Results, rows: Sequence[IntervalRow]) -> ResultAccount:
    """Say what became of the results of the rows used."""
    used = local.used
    sure, maybe = np.zeros(local.rows, dtype=np.bool_), np.zeros(local.rows, dtype=np.bool_)
    for row in rows:
        for sex in _SEXES if row.sex == "any" else (row.sex,):
            own = local.of_sex(sex) & local.of_stage(row.pregnancy, sex)
            sure |= own & local.of_age(row)
            maybe |= own & local.may_be_of_age(row)
    aside: Counter[str] = Counter()
    left = used & ~results.known
    codes, many = np.unique(results.reason[left], return_counts=True)
    for code, count in zip(codes, many, strict=True):
        name = SetAside.NO_RESULT.value if code == NO_REASON else f"{SetAside.UNUSABLE.value}:{REASONS[code].value}"
        aside[name] += int(count)
    aside[SetAside.NO_BAND.value] = int((used & results.known & ~maybe).sum())
    aside[SetAside.BAND_UNSURE.value] = int((used & results.known & maybe & ~sure).sum())
    compared = int((used & results.known & sure).sum())
    found = ResultAccount(int(used.sum()), compared, {name: count for name, count in aside.items() if count})
    if found.rows != found.used + sum(found.set_aside.values()):
        raise CBCScreenError("the account of the results does not balance: one was lost; please report this")
    return found


def _require_stated(bands: Sequence[BandCheck], request: Request) -> None:
    """Refuse a set of which no band that is reached says what a verification needs to know."""
    if not bands:
        raise UsageError(f"no result lies in a band of {request.ranges}: compare its ages and sexes with yours")
    missing = [
        name
        for name, option, value in (
            ("n (of how many people the range was made)", "stated_people= (--stated-people)", "people"),
            (
                "percentile_basis (which percentiles its limits are)",
                "stated_percentiles= (--stated-percentiles)",
                "percentiles",
            ),
        )
        if all(getattr(band, value) is None for band in bands)
        for name in [f"{name}, or state it with {option}"]
    ]
    if missing:
        raise UsageError(f"{request.ranges} does not state, for any band that the results reach: {'; '.join(missing)}")


def _require_enough(bands: Sequence[BandCheck], rules: VerificationRules, request: Request) -> None:
    """Refuse results that are too few for the rule in every band."""
    most = max(bands, key=lambda band: band.results)
    if most.results < rules.rule.samples:
        raise UsageError(
            f"too few results: the rule needs {rules.rule.samples} in a band, and the most are {most.results} "
            f"({most.analyte}, {most.sex}, {most.age}) of {request.ranges}; give more results"
        )
