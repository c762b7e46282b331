"""A set of reference ranges held against local results: each analyte, sex and band of ages that they reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cbc_screen._version import __version__
from cbc_screen.engines.frames import Engine
from cbc_screen.engines.opening import Opening
from cbc_screen.engines.read import opening_of_read, read_counts
from cbc_screen.errors import CBCScreenError, UsageError
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.edges import AgeEdge, approximate_days, edge
from cbc_screen.knowledge.intervals import IntervalRow
from cbc_screen.knowledge.verification import VerificationRules, load_verification
from cbc_screen.normalize.codes import NO_REASON, REASONS
from cbc_screen.verification import BandCheck, RangeVerification, ResultAccount
from cbc_screen.verify.bands import VerificationRequest, band_check
from cbc_screen.verify.local_results import LocalResults, read_results
from cbc_screen.verify.samples import sample_rule
from cbc_screen.verify.values_used import Results
from cbc_screen.vocabulary import ResultsOf, SetAside

_SEXES = ("F", "M")


def verify_files(
    engine: Engine, names: Sequence[str], opening: Opening, request: VerificationRequest
) -> RangeVerification:
    """Verify a set with the results of files, which are read as frames; see `cbc_screen.verify_ranges`."""
    frame = read_counts(names, opening)
    read = opening_of_read(opening)
    found = verify_frame(engine, frame, read, request)
    lost = len(frame.attrs["rejected"])
    aside = dict(found.rows_set_aside)
    if lost:
        aside[SetAside.NOT_READ.value] = aside.get(SetAside.NOT_READ.value, 0) + lost
    return replace(found, rows=found.rows + lost, rows_set_aside=aside)


def verify_frame(engine: Engine, frame: Any, opening: Opening, request: VerificationRequest) -> RangeVerification:
    """Verify a set with the results of a frame; see `cbc_screen.verify_ranges`."""
    knowledge, rules = engine.knowledge, load_verification()
    rows = rows_of(knowledge, request)
    stated = dict.fromkeys(row.analyte for row in rows)
    local = read_results(engine, frame, opening, request.person, stated, request.analytes)
    wanted = [analyte for analyte in stated if analyte in local.results]
    bands, accounts = list[BandCheck](), dict[str, ResultAccount]()
    for place, analyte in enumerate(wanted):
        own = sorted((row for row in rows if row.analyte == analyte), key=_in_order)
        bands += _bands(own, local, knowledge, rules, request)
        accounts[analyte] = _account(local, local.results[analyte], own, _pregnancy_ages(knowledge))
        if request.progress is not None:
            request.progress(place + 1, (place + 1) / len(wanted))
    _require_stated(bands, accounts, rules, request)
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
        not_verified=local.unverified,
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


def rows_of(knowledge: Knowledge, request: VerificationRequest) -> tuple[IntervalRow, ...]:
    """Return the rows of the set alone, without what it is laid over."""
    default = request.ranges == "default"
    rows = knowledge.intervals("default") if default else knowledge.interval_set(request.ranges).rows
    if unknown := [analyte for analyte in request.analytes if analyte not in knowledge.analytes]:
        raise UsageError(f"no analyte is named {unknown[0]!r}")
    return tuple(row for row in rows if not request.analytes or row.analyte in request.analytes)


def _in_order(row: IntervalRow) -> tuple[bool, float, float, str]:
    weeks = 0.0 if row.gestation is None else row.gestation.low
    return row.pregnancy != "none", approximate_days(row.age_low), weeks, row.sex


def _pregnancy_ages(knowledge: Knowledge) -> tuple[AgeEdge, AgeEdge]:
    youngest, oldest = knowledge.words.pregnancy_ages
    return edge(youngest, "y"), edge(oldest, "y")


def _bands(
    rows: Iterable[IntervalRow],
    local: LocalResults,
    knowledge: Knowledge,
    rules: VerificationRules,
    request: VerificationRequest,
) -> Iterator[BandCheck]:
    assumed = local.pregnancy_assumed(_pregnancy_ages(knowledge))
    for row in rows:
        for sex in _SEXES if row.sex == "any" else (row.sex,):
            if sex == "M" and row.pregnancy != "none":
                continue
            results = local.results[row.analyte]
            reached = local.used & local.of_sex(sex) & local.of_stage(row.pregnancy, sex) & local.of_age(row)
            there = reached & results.known & local.coverage.covers(row)
            if there.any():
                found = band_check(row, sex, results.low[there], results.high[there], knowledge, rules, request)
                yield replace(found, pregnancy_not_stated=int((there & assumed).sum()))


def _account(
    local: LocalResults, results: Results, rows: Sequence[IntervalRow], pregnancy_ages: tuple[AgeEdge, AgeEdge]
) -> ResultAccount:
    """Say what became of the results of the rows used."""
    used = local.used
    sure, maybe, band = (np.zeros(local.rows, dtype=np.bool_) for _ in range(3))
    for row in rows:
        covered = local.coverage.covers(row)
        for sex in _SEXES if row.sex == "any" else (row.sex,):
            own = local.of_sex(sex) & local.of_stage(row.pregnancy, sex)
            sure |= own & local.of_age(row) & covered
            band |= own & local.may_be_of_age(row)
            maybe |= own & local.may_be_of_age(row) & covered
    aside: Counter[str] = Counter()
    left = used & ~results.known
    codes, many = np.unique(results.reason[left], return_counts=True)
    for code, count in zip(codes, many, strict=True):
        name = SetAside.NO_RESULT.value if code == NO_REASON else f"{SetAside.UNUSABLE.value}:{REASONS[code].value}"
        aside[name] += int(count)
    known = used & results.known
    aside[SetAside.NO_BAND.value] = int((known & ~band).sum())
    aside.update(local.coverage.why_not(rows)[known & band & ~maybe].tolist())
    aside[SetAside.BAND_UNSURE.value] = int((known & maybe & ~sure).sum())
    compared = known & sure
    assumed = int((compared & local.pregnancy_assumed(pregnancy_ages)).sum())
    counts = {name: count for name, count in aside.items() if count}
    found = ResultAccount(int(used.sum()), int(compared.sum()), counts, assumed)
    if found.rows != found.used + sum(found.set_aside.values()):
        raise CBCScreenError("the account of the results does not balance: one was lost; please report this")
    return found


def _require_stated(
    bands: Sequence[BandCheck],
    accounts: Mapping[str, ResultAccount],
    rules: VerificationRules,
    request: VerificationRequest,
) -> None:
    """Refuse a set of which no band that is reached says what a verification needs to know."""
    if not bands:
        why: Counter[str] = Counter()
        for account in accounts.values():
            why.update(account.set_aside)
        told = [(rules.set_aside[SetAside(name.partition(":")[0])], many) for name, many in why.most_common(3)]
        aside = "; ".join(f"{many:,} results: {text}" for text, many in told)
        raise UsageError(f"no result lies in a band of {request.ranges} ({aside}): compare its people with yours")
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


def _require_enough(bands: Sequence[BandCheck], rules: VerificationRules, request: VerificationRequest) -> None:
    """Refuse results that are too few for the rule in every band."""
    most = max(bands, key=lambda band: band.results)
    if most.results < rules.rule.samples:
        raise UsageError(
            f"too few results: the rule needs {rules.rule.samples} in a band, and the most are {most.results} "
            f"({most.analyte}, {most.sex}, {most.age}) of {request.ranges}; give more results"
        )
