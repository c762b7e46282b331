"""A verification of ranges in words and numbers: its rows, and what a terminal shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.text import Text

from cbc_screen.knowledge.verification import load_verification
from cbc_screen.printable import clean_line
from cbc_screen.report.units import TextUnits, text_units
from cbc_screen.report.wording import SEXES, words
from cbc_screen.verification import BandCheck, LimitCheck, RangeVerification, SampleRule, ShareOutside
from cbc_screen.vocabulary import NOTICE, NotVerified, RangeReason, RangeVerdict, ResultsOf, SetAside

DIGITS = 4  # of a limit, an estimate and an interval
_COLOURS = {RangeVerdict.ADOPT: "green", RangeVerdict.INVESTIGATE: "bold red", RangeVerdict.CANNOT_TELL: "yellow"}
_OF = {
    ResultsOf.ROUTINE: "routine patients, healthy and sick: limits are estimated, and the rule of samples decides nothing",
    ResultsOf.REFERENCE: "reference individuals, chosen for their health: the rule of samples decides",
}


def of_whom(found: RangeVerification) -> str:
    """Say whose results they are, and what that means."""
    return _OF[found.results_of]


def verdict_words(verdict: RangeVerdict) -> str:
    """Write a verdict as words."""
    return load_verification().verdicts[verdict]


def reason_words(reason: RangeReason) -> str:
    """Write a reason as a sentence."""
    return load_verification().reasons[reason]


def aside_words(name: str) -> str:
    """Write why something is not used, with the reason code of a result that cannot be."""
    word, _, code = name.partition(":")
    return load_verification().set_aside[SetAside(word)] + (f": {code}" if code else "")


def whose(band: BandCheck) -> str:
    """Write of whom a band is: sex, age, and where the set has them stage of pregnancy and weeks at birth."""
    stage = "" if band.pregnancy == "none" else f", {band.pregnancy}"
    weeks = f", born at {band.gestation}" if band.gestation else ""
    return f"{SEXES[band.sex]}, {band.age}{stage}{weeks}"


def assumed_text(many: int) -> str:
    """Say how many results are of women who are read as not pregnant; empty where none is."""
    if not many:
        return ""
    return f"{many:,} of them of women of an age for a pregnancy that is not stated, read as not pregnant"


def not_verified_lines(found: RangeVerification) -> list[str]:
    """Say which analytes that were asked for, or sent, are not verified, and why."""
    texts, by_reason = load_verification().not_verified, dict[NotVerified, list[str]]()
    for analyte, why in found.not_verified.items():
        by_reason.setdefault(why, []).append(words(analyte))
    return [f"not verified: {', '.join(own)}: {texts[why]}" for why, own in by_reason.items()]


def sides(band: BandCheck) -> tuple[tuple[str, LimitCheck], tuple[str, LimitCheck]]:
    """Return both limits of a band by their names."""
    return ("lower", band.lower), ("upper", band.upper)


_EARLY = frozenset(
    {
        RangeReason.TOO_FEW,
        RangeReason.TOO_FEW_FOR_ESTIMATE,
        RangeReason.PEOPLE_NOT_STATED,
        RangeReason.BASIS_NOT_STATED,
        RangeReason.NO_LIMIT,
    }
)


def untold(band: BandCheck) -> bool:
    """Tell whether nothing was asked of a band: its results are too few, or the set says too little of it."""
    return all(_EARLY.issuperset(check.reasons) for _, check in sides(band))


def counted_verdicts(found: RangeVerification) -> Counter[RangeVerdict]:
    """Count the verdicts on all limits that the set has."""
    return Counter(limit.verdict for band in found.bands for _, limit in sides(band) if limit.limit is not None)


def share_text(outside: ShareOutside | None) -> str:
    """Write how many lie outside, in percent."""
    if outside is None:
        return ""
    least, most = (100 * count / outside.of for count in (outside.least, outside.most))
    return f"{least:.1f} %" if outside.least == outside.most else f"{least:.1f} to {most:.1f} %"


def interval_text(ends: tuple[float, float]) -> str:
    """Write the interval of a share, in percent."""
    return f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f} %"


@dataclass(frozen=True)
class LimitWords:
    """One limit in words, in the units of the reader; empty where there is none."""

    limit: str
    uncertainty: str
    tolerance: str
    known_to: str
    estimate: str
    interval: str


def limit_words(band: BandCheck, check: LimitCheck, units: TextUnits) -> LimitWords:
    """Write one limit."""

    def one(value: float | None) -> str:
        return "" if value is None else f"{units.value(band.analyte, value):.{DIGITS}g}"

    def both(ends: tuple[float, float] | None) -> str:
        return "" if ends is None else f"{one(ends[0])} to {one(ends[1])}"

    return LimitWords(
        one(check.limit),
        f"{units.value(band.analyte, check.uncertainty):.2g}" if check.uncertainty is not None else "",
        both(check.tolerance),
        both(check.known_to),
        one(check.estimate),
        both(check.interval),
    )


def units_of(found: RangeVerification) -> TextUnits:
    """Return the units of the reader."""
    return text_units(found.text_units)


def rule_sentence(rule: SampleRule | None) -> str:
    """Say the rule for these people, and with which chances it is wrong."""
    if rule is None:
        return ""
    outside = f"{rule.outside_least}" + (f" to {rule.outside_most}" if rule.outside_most > rule.outside_least else "")
    right, wrong = rule.chances[0], rule.chances[1:2]
    text = (
        f"of {rule.people:,} at most {rule.adopt_at_most:,} may lie outside the limits (below the lower or above the upper), up to {rule.repeat_at_most:,} ask "
        f"for as many new ones; {outside} do. A right range ({percent(right.share)} outside) is not adopted at once in "
        f"{percent(1 - right.adopt)} and refused in {percent(right.refuse)}"
    )
    return text + "".join(
        f"; one with {percent(own.share)} outside is adopted in {percent(own.adopt)}" for own in wrong
    )


def percent(share: float) -> str:
    """Write a share in percent; what rounds to nothing and is something is said to be less."""
    if 0 < share < 0.0005:
        return "less than 0.1 %"
    return f"{100 * share:.1f} %".replace(".0 %", " %")


def limit_rows(found: RangeVerification) -> list[dict[str, Any]]:
    """Return one row a limit, with plain numbers in the unit of the band."""
    rows = []
    for band in found.bands:
        for side, check in sides(band):
            outside, rule = check.outside, band.rule
            known = check.known_to or (None, None)
            interval, exact, wilson = (
                pair or (None, None) for pair in (check.interval, outside and outside.exact, outside and outside.wilson)
            )
            rows.append(
                {
                    "analyte": band.analyte,
                    "sex": band.sex,
                    "age": band.age,
                    "pregnancy": band.pregnancy,
                    "gestation": band.gestation,
                    "side": side,
                    "verdict": check.verdict.value,
                    "reasons": ";".join(check.reasons),
                    "unit": band.unit,
                    "limit": check.limit,
                    "permissible_uncertainty": check.uncertainty,
                    "estimate": check.estimate,
                    "estimate_low": interval[0],
                    "estimate_high": interval[1],
                    "results": band.results,
                    "bounds": band.bounds,
                    "pregnancy_not_stated": band.pregnancy_not_stated,
                    "outside_least": outside.least if outside else None,
                    "outside_most": outside.most if outside else None,
                    "outside_expected": outside.expected if outside else None,
                    "exact_low": exact[0],
                    "exact_high": exact[1],
                    "wilson_low": wilson[0],
                    "wilson_high": wilson[1],
                    "healthy_share": band.healthy.healthy if band.healthy else None,
                    "sick_below_share": band.healthy.sick_below if band.healthy else None,
                    "sick_above_share": band.healthy.sick_above if band.healthy else None,
                    "rule_adopt_at_most": rule.adopt_at_most if rule else None,
                    "rule_repeat_at_most": rule.repeat_at_most if rule else None,
                    "set": band.set,
                    "people": band.people,
                    "percentile": _percentile(band, side),
                    "percentile_basis": band.basis,
                    "basis_note": band.basis_note,
                    "known_low": known[0],
                    "known_high": known[1],
                    "stated_by_user": ";".join(band.stated_by_user),
                    "results_of": found.results_of.value,
                    "data_version": found.data_version,
                    "notice": NOTICE,
                }
            )
    return rows


def _percentile(band: BandCheck, side: str) -> float | None:
    return None if band.percentiles is None else band.percentiles[0 if side == "lower" else 1]


def print_verification(console: Console, found: RangeVerification) -> None:
    """Print what became of the rows, a line for each limit, and what the words mean."""
    console.print(Text(found.notice, style="bold"))
    aside = "".join(f" + {many:,} {words(name)}" for name, many in found.rows_set_aside.items())
    console.print(Text(f"{found.rows:,} rows in = {found.rows_used:,} used{aside}"), soft_wrap=True)
    console.print(Text(f"set {clean_line(found.set)}; results of {of_whom(found)}"), soft_wrap=True)
    for _, own in groupby(found.bands, key=lambda band: band.analyte):
        bands = list(own)
        for band in bands:
            for line in _lines(found, band) if not untold(band) else ():
                console.print(line, soft_wrap=True)
        for text in _further([band for band in bands if untold(band)]):
            console.print(Text(text, style="yellow"), soft_wrap=True)
    counts = counted_verdicts(found)
    told = ", ".join(f"{verdict_words(verdict)} {counts[verdict]:,}" for verdict in RangeVerdict)
    console.print(Text(f"limits: {told}", style="bold"))
    used = dict.fromkeys(why for band in found.bands for _, own in sides(band) for why in own.reasons)
    for why in (why for why in RangeReason if why in used):
        console.print(Text(f"  {words(why)}: {reason_words(why)}", style="dim"), soft_wrap=True)
    for text in _of_rules(found):
        console.print(Text(text), soft_wrap=True)
    for analyte, account in found.accounts.items():
        lost = "".join(f" + {many:,} {words(name)}" for name, many in account.set_aside.items())
        text = f"{words(analyte)}: {account.rows:,} rows = {account.used:,} compared{lost}"
        assumed = assumed_text(account.pregnancy_not_stated)
        console.print(Text(text + (f"; {assumed}" if assumed else ""), style="dim"), soft_wrap=True)
    for text in not_verified_lines(found):
        console.print(Text(text, style="yellow"), soft_wrap=True)
    console.print(Text(f"data {found.data_version}, cbc-screen {found.code_version}", style="dim"))


def _lines(found: RangeVerification, band: BandCheck) -> Iterator[Text]:
    """Write a band: what it is of, and a line for each limit."""
    units = units_of(found)
    yield Text(f"{words(band.analyte)}, {units.unit(band.analyte)}, {whose(band)}: {band.results:,} results")
    if band.basis_note:
        yield Text(f"  {band.basis_note}", style="yellow")
    for side, check in sides(band):
        own = limit_words(band, check, units)
        if not own.limit:
            continue
        limit = own.limit + (f" +/- {own.uncertainty}" if own.uncertainty else "")
        estimate = f"{own.estimate} ({own.interval})" if own.estimate else "not told"
        line = Text(f"  {side}  {limit:<16}  outside {share_text(check.outside):<8}  estimate {estimate:<26}  ")
        line.append(verdict_words(check.verdict), style=_COLOURS[check.verdict])
        yield line.append(f": {', '.join(words(why) for why in check.reasons)}")


def _further(bands: list[BandCheck]) -> Iterator[str]:
    """Say in one line for each reason how many bands nothing was asked of."""
    by_reason: dict[str, list[BandCheck]] = {}
    for band in bands:
        reasons = dict.fromkeys(why for _, check in sides(band) for why in check.reasons if why != RangeReason.NO_LIMIT)
        by_reason.setdefault(", ".join(words(why) for why in reasons or (RangeReason.NO_LIMIT,)), []).append(band)
    for why, own in by_reason.items():
        sizes = sorted(band.results for band in own)
        many = f"{sizes[0]:,} to {sizes[-1]:,}" if len(own) > 1 else f"{sizes[0]:,}"
        bands_of = "bands" if len(own) > 1 else "band"
        yield f"{words(own[0].analyte)}: {len(own)} {bands_of} of {many} results, cannot tell: {why}"


def _of_rules(found: RangeVerification) -> Iterator[str]:
    """Say the rule of samples once for each number of people it was applied to, where it decides."""
    if found.results_of is not ResultsOf.REFERENCE:
        return
    for band in found.bands:
        if band.rule is not None:
            yield f"{words(band.analyte)}, {whose(band)}: {rule_sentence(band.rule)}"
