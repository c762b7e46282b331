"""Whether a whole file looks as if its unit were another one; said, and never acted upon."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from cbc_screen.engines.account import Account
from cbc_screen.knowledge import Knowledge
from cbc_screen.normalize.codes import CODE
from cbc_screen.normalize.columns import Normalized
from cbc_screen.vocabulary import Reason


@lru_cache(maxsize=4)
def expected_span(knowledge: Knowledge) -> Mapping[str, tuple[float, float]]:
    """Return between which values the middle of a file is no surprise, by analyte."""
    middles: dict[str, list[float]] = {}
    for row in knowledge.intervals("default"):
        if row.lower is not None and row.upper is not None:
            middles.setdefault(row.analyte, []).append((row.lower + row.upper) / 2)
    factor = knowledge.unit_suspect.factor
    return {
        analyte: (statistics.median(own) / factor, statistics.median(own) * factor) for analyte, own in middles.items()
    }


def far_off(knowledge: Knowledge, normalized: Normalized, analyte: str) -> tuple[int, int, int]:
    """Count the results below and above the span, and those set aside as implausible."""
    codes = normalized.reasons.get(analyte)
    implausible = 0 if codes is None else int(np.count_nonzero(codes == CODE[Reason.NUMBER_IMPLAUSIBLE]))
    span = expected_span(knowledge).get(analyte)
    if span is None:
        return 0, 0, implausible
    low, high = normalized.batch.low[analyte], normalized.batch.high[analyte]
    below, above = high < span[0], (low > span[1]) & (high < np.inf)
    return int(np.count_nonzero(below)), int(np.count_nonzero(above)), implausible


def suspects(knowledge: Knowledge, account: Account) -> dict[str, str]:
    """Return the analytes of which more than half of a file lies far off, and which way."""
    found = {}
    factor = f"{knowledge.unit_suspect.factor:g}"
    for analyte, given in account.results.items():
        implausible = account.implausible[analyte]
        many = given - account.unused[analyte] + implausible
        if many < knowledge.unit_suspect.results:
            continue
        if 2 * account.below[analyte] > many:
            found[analyte] = f"the middle value is more than {factor} times below the ranges; check the unit"
        elif 2 * account.above[analyte] > many:
            found[analyte] = f"the middle value is more than {factor} times above the ranges; check the unit"
        elif 2 * implausible > many:
            found[analyte] = "more than half of the results are implausible in this unit; check the unit"
    return found
