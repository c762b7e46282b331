"""The counts of a scan as it goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cbc_screen.engines.notation import Notation
from cbc_screen.errors import CBCScreenError

if TYPE_CHECKING:
    from cbc_screen.engines.batch import ScreenedBatch
    from cbc_screen.normalize.plan import Plan


@dataclass
class Account:
    """What became of every row so far."""

    rows_in: int = 0
    screened: int = 0
    rejected: int = 0
    patterns: Counter[str] = field(default_factory=Counter)
    severities: Counter[str] = field(default_factory=Counter)
    urgencies: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)
    results: Counter[str] = field(default_factory=Counter)
    unused: Counter[str] = field(default_factory=Counter)
    judged: int = 0  # rows of which some line could be judged
    cells: Counter[str] = field(default_factory=Counter)  # results by file
    notation: dict[str, Notation] = field(default_factory=dict)  # by file
    sex_letters: dict[str, frozenset[str]] = field(default_factory=dict)  # by file

    def add(self, screened: ScreenedBatch) -> None:
        """Count a batch."""
        self.rows_in += screened.rows_in
        self.sex_letters[screened.file] = self.sex_letters.get(screened.file, frozenset()) | screened.sex_letters
        self.rejected += len(screened.rejected)
        for row in screened.rejected:
            self.rejects[row.reason.value] += 1
        counters = (self.results, self.unused)
        for analyte, own in screened.results.items():
            self.cells[screened.file] += own[0]
            for counter, many in zip(counters, own, strict=True):
                counter[analyte] += many
        given = {analyte: own[0] for analyte, own in screened.results.items()}
        rows = screened.rows_in - len(screened.rejected)
        self.notation.setdefault(screened.file, Notation()).add(given, screened.counts.get("reasons", {}), rows)
        # Rows screened are those that have a pattern, so that the sum at the end is a check.
        self.screened += sum(screened.counts.get("pattern", {}).values())
        self.judged += screened.counts.get("lines", {}).get("judged", 0)
        for name, counter in (
            ("pattern", self.patterns),
            ("severity", self.severities),
            ("urgency", self.urgencies),
            ("reasons", self.reasons),
        ):
            counter.update(screened.counts.get(name, {}))

    @property
    def used(self) -> Counter[str]:
        """Results that could be used, by analyte."""
        return self.results - self.unused

    def otherwise(self, plans: Mapping[str, Plan]) -> tuple[str, ...]:
        """Say what is written otherwise than it is read, by the plan of each file; its name stands where there are several."""
        return tuple(
            sentence
            for file, notation in self.notation.items()
            for sentence in notation.sentences(plans[file], file if len(plans) > 1 else "")
        )

    def check(self) -> None:
        """Refuse to go on where a row is not accounted for."""
        if self.rows_in != self.screened + self.rejected:
            raise CBCScreenError("rows in are not rows screened plus rows rejected; nothing was written")
