"""`validate`: how far a reviewer's answers agree with each rule, and how much is still to review."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from cbc_screen._version import __version__
from cbc_screen.errors import CBCScreenError, UsageError
from cbc_screen.ingest.labels import read_label_lines
from cbc_screen.knowledge.validation import ValidationLimits, load_validation
from cbc_screen.labels import (
    OF_SEVERAL_WORDS,
    Label,
    Labels,
    RejectedLabel,
    ReviewerAnswer,
    RuleKind,
    Told,
    sort_labels,
)
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION, LineState, Pattern, Urgency

MEASURE = "A measure of agreement with these reviewers on these counts, not of clinical performance."

# The words that are a finding; a kind with several of them gives a rule for each.
_FINDINGS: Mapping[RuleKind, tuple[StrEnum, ...]] = {
    RuleKind.PATTERN: (Pattern.SINGLE_LINE, Pattern.BICYTOPENIA, Pattern.PANCYTOPENIA),
    RuleKind.LINE: (LineState.LOW,),
    RuleKind.CONDITION: (Told.YES,),
    RuleKind.GUARD: (Told.YES,),
    RuleKind.TRIGGER: (Told.YES,),
    RuleKind.URGENCY: (Urgency.IMMEDIATE, Urgency.PROMPT),
}
_KINDS = tuple(RuleKind)
_CANNOT_TELL = "cannot_tell"


class _Outcome(StrEnum):
    TRUE_POSITIVE = "true_positive"
    FALSE_POSITIVE = "false_positive"
    TRUE_NEGATIVE = "true_negative"
    FALSE_NEGATIVE = "false_negative"
    CANNOT_TELL = "cannot_tell"
    CANNOT_TELL_DISAGREED = "cannot_tell_disagreed"
    UNKNOWN = "unknown"


_OUTCOMES = {  # flagged, held present
    (True, True): _Outcome.TRUE_POSITIVE,
    (True, False): _Outcome.FALSE_POSITIVE,
    (False, False): _Outcome.TRUE_NEGATIVE,
    (False, True): _Outcome.FALSE_NEGATIVE,
}


@dataclass(frozen=True, slots=True)
class Share:
    """A count among others with its Wilson interval; no share and no interval among none."""

    count: int
    of: int
    share: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class RuleAgreement:
    """What the reviewers said of one rule.

    Attributes
    ----------
    rule : str
        `kind:id`; for the pattern and the urgency `kind:word`.
    reviewed : int
        The sum of the four counts below it and of `cannot_tell`.
    cannot_tell, cannot_tell_disagreed : int
        Where the program could not tell, and how often the reviewer disagreed with that; in no share.
    unknown : int
        Where the reviewer disagreed with another word and did not say which one is right; not reviewed.
    agreement : Share
        Of all where the program told.
    missed_of_present : Share
        The false-negative rate: of those the reviewers hold present, how many were not flagged.
    flagged_of_absent : Share
        The false-positive rate: of those the reviewers hold absent, how many were flagged.
    missed_of_reviewed : Share
        The missed among all where the program told: what published evaluations of review rules count.
    still_needed : int
        Further counts with the finding present, none of them missed, until the upper limit of
        `missed_of_present` is below the target.
    still_needed_reviewed : int
        Further counts of any kind, none of them missed, until that of `missed_of_reviewed` is.
    """

    rule: str
    kind: RuleKind
    reviewed: int
    true_positive: int
    false_positive: int
    true_negative: int
    false_negative: int
    cannot_tell: int
    cannot_tell_disagreed: int
    unknown: int
    agreement: Share
    missed_of_present: Share
    flagged_of_absent: Share
    missed_of_reviewed: Share
    still_needed: int
    still_needed_reviewed: int


@dataclass(frozen=True, slots=True)
class Agreement:
    r"""The agreement by rule, and the account: `lines == used + unanswered + repeated + rejected`.

    Attributes
    ----------
    rejects : mapping of reason to lines
    rejected_lines : tuple of RejectedLabel
        Line (of a CSV file; or which object of a JSON list), column and reason; nothing of its content.
    rules : tuple of RuleAgreement
        By kind, and then the most missed first.
    target_present, target_reviewed, confidence : float
        From reference_ranges/validation.yaml.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import cbc_screen as cbc
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "labelled.csv"
    >>> _ = file.write_text("row,rule,flag,answer\n1,line:red,low,agree\n2,line:red,low,\n")
    >>> found = cbc.validate(file)
    >>> found.lines, found.used, found.unanswered, found.rules[0].rule
    (2, 1, 1, 'line:red')
    """

    lines: int
    used: int
    unanswered: int
    repeated: int
    rejected: int
    rejects: Mapping[str, int]
    rejected_lines: tuple[RejectedLabel, ...]
    rules: tuple[RuleAgreement, ...]
    target_present: float
    target_reviewed: float
    confidence: float
    data_version: str
    code_version: str = __version__
    measure: str = MEASURE
    notice: str = NOTICE
    schema_version: str = SCHEMA_VERSION

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python types, ready for JSON."""
        return asdict(self)


def validate(path: str | Path) -> Agreement:
    r"""Compare the answers of a reviewer with what the program said, rule by rule.

    Parameters
    ----------
    path : str or Path
        CSV with the columns row, rule, flag and answer, and where there are any file, instead and
        reviewer; or JSON with a list of objects that have these keys.

    Returns
    -------
    Agreement
        It measures agreement with these reviewers on these counts, not clinical performance.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "labelled.csv"
    >>> _ = file.write_text("row,rule,flag,answer\n1,line:red,low,agree\n2,line:red,not_low,disagree\n")
    >>> found = validate(file)
    >>> [(rule.rule, rule.true_positive, rule.false_negative, rule.still_needed) for rule in found.rules]
    [('line:red', 1, 1, 183)]
    """
    return agreement_of(sort_labels(read_label_lines(path)), load_validation())


def agreement_of(labels: Labels, limits: ValidationLimits) -> Agreement:
    """Count the answers by rule."""
    found = (len(labels.used), labels.unanswered, labels.repeated, len(labels.rejected))
    if labels.lines != sum(found):
        raise CBCScreenError("the account of the answers does not balance: a line was lost; please report this")
    counts: dict[tuple[RuleKind, str], Counter[_Outcome]] = {}
    for label in labels.used:
        for rule, outcome in _outcomes(label):
            counts.setdefault((label.kind, rule), Counter())[outcome] += 1
    rules = [_rule(kind, rule, count, limits) for (kind, rule), count in counts.items()]
    return Agreement(
        lines=labels.lines,
        used=len(labels.used),
        unanswered=labels.unanswered,
        repeated=labels.repeated,
        rejected=len(labels.rejected),
        rejects=dict(Counter(fault.reason.value for fault in labels.rejected).most_common()),
        rejected_lines=labels.rejected,
        rules=tuple(sorted(rules, key=lambda rule: (_KINDS.index(rule.kind), -rule.false_negative, rule.rule))),
        target_present=limits.of_present.below,
        target_reviewed=limits.of_reviewed.below,
        confidence=limits.confidence,
        data_version=limits.data_version,
    )


def _outcomes(label: Label) -> Iterator[tuple[str, _Outcome]]:
    for finding in _FINDINGS[label.kind]:
        name = finding.value if label.kind in OF_SEVERAL_WORDS else label.id
        yield f"{label.kind}:{name}", _outcome(label, finding)


def _outcome(label: Label, finding: StrEnum) -> _Outcome:
    if label.flag == _CANNOT_TELL:
        disagreed = label.answer is ReviewerAnswer.DISAGREE
        return _Outcome.CANNOT_TELL_DISAGREED if disagreed else _Outcome.CANNOT_TELL
    present = _present(label, finding)
    return _Outcome.UNKNOWN if present is None else _OUTCOMES[label.flag == finding, present]


def _present(label: Label, finding: StrEnum) -> bool | None:
    """Tell whether the reviewer holds the finding present, as far as the answer says so."""
    flagged = label.flag == finding
    if label.answer is ReviewerAnswer.AGREE:
        return flagged
    if label.instead is not None and label.instead != _CANNOT_TELL:
        return label.instead == finding
    # Of two words the other one is right; of several, only that the flagged one is not.
    if flagged or label.kind not in OF_SEVERAL_WORDS:
        return not flagged
    return None


def _rule(kind: RuleKind, rule: str, count: Counter[_Outcome], limits: ValidationLimits) -> RuleAgreement:
    hit, wrong = count[_Outcome.TRUE_POSITIVE], count[_Outcome.FALSE_POSITIVE]
    clear, missed = count[_Outcome.TRUE_NEGATIVE], count[_Outcome.FALSE_NEGATIVE]
    disagreed = count[_Outcome.CANNOT_TELL_DISAGREED]
    not_told = count[_Outcome.CANNOT_TELL] + disagreed
    told = hit + wrong + clear + missed
    return RuleAgreement(
        rule=rule,
        kind=kind,
        reviewed=told + not_told,
        true_positive=hit,
        false_positive=wrong,
        true_negative=clear,
        false_negative=missed,
        cannot_tell=not_told,
        cannot_tell_disagreed=disagreed,
        unknown=count[_Outcome.UNKNOWN],
        agreement=_share(hit + clear, told, limits.z),
        missed_of_present=_share(missed, missed + hit, limits.z),
        flagged_of_absent=_share(wrong, wrong + clear, limits.z),
        missed_of_reviewed=_share(missed, told, limits.z),
        still_needed=still_needed(missed, missed + hit, limits.of_present.below, limits.z),
        still_needed_reviewed=still_needed(missed, told, limits.of_reviewed.below, limits.z),
    )


def _share(count: int, of: int, z: float) -> Share:
    if of == 0:
        return Share(0, 0, None, None, None)
    return Share(count, of, count / of, *wilson(count, of, z))


def wilson(successes: int, number: int, z: float) -> tuple[float, float]:
    """Return the Wilson score interval of a share; from 0 to 1 where nothing was counted.

    >>> wilson(0, 4, 2.0)  # z^2 / (number + z^2) = 4 / 8
    (0.0, 0.5)
    """
    if not (0 <= successes <= number and z > 0):
        raise UsageError("a share needs 0 <= successes <= number, and its interval z > 0")
    if number == 0:
        return 0.0, 1.0
    share, square = successes / number, z * z
    middle = (share + square / (2 * number)) / (1 + square / number)
    half = z * math.sqrt(share * (1 - share) / number + square / (4 * number * number)) / (1 + square / number)
    # At the ends the interval touches 0 and 1 exactly; rounding must not leave it short of them.
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    return low, 1.0 if successes == number else min(1.0, middle + half)


def still_needed(misses: int, number: int, target: float, z: float) -> int:
    """Return the fewest further counts, none of them a miss, that bring the upper limit below the target.

    >>> still_needed(0, 0, target=0.03, z=1.959964)
    125
    """
    if not 0 < target < 1:
        raise UsageError("the target must be a share between 0 and 1")

    def enough(further: int) -> bool:
        return wilson(misses, number + further, z)[1] < target

    # The upper limit is the p above misses/n with (n p - misses)^2 = z^2 n p (1 - p). At a fixed p the
    # distance (n p - misses) / sqrt(n) grows with n, so the limit falls with every count that is no
    # miss, to 0: once enough it stays enough, and the fewest can be sought by halving.
    if enough(0):
        return 0
    low, high = 0, 1
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
