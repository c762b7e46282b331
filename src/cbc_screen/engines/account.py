"""The counts of a scan as it goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from cbc_screen.engines.notation import NO_RESULTS, Notation, worse_than_others
from cbc_screen.errors import CBCScreenError

if TYPE_CHECKING:
    from cbc_screen.engines.batch import ScreenedBatch
    from cbc_screen.engines.inputs import Input
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
    files: dict[str, Notation] = field(default_factory=dict)
    sex_letters: dict[str, frozenset[str]] = field(default_factory=dict)  # by file

    def add(self, screened: ScreenedBatch) -> None:
        """Count a batch."""
        self.rows_in += screened.rows_in
        self.sex_letters[screened.file] = self.sex_letters.get(screened.file, frozenset()) | screened.sex_letters
        self.rejected += len(screened.rejected)
        for row in screened.rejected:
            self.rejects[row.reason.value] += 1
        for file, cells in screened.cells.items():
            self.files.setdefault(file, Notation()).add(cells)
            for analyte, many in cells.items():
                if analyte not in NO_RESULTS:
                    self.cells[screened.file] += many.sent
                    self.results[analyte] += many.sent
                    self.unused[analyte] += many.unused
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

    def used_of(self, files: Sequence[str], analyte: str) -> int:
        """Return how many results of an analyte of some files could be used."""
        own = (self.files[file] for file in dict.fromkeys(files) if file in self.files)
        return sum(one.sent[analyte] - one.unused[analyte] for one in own)

    def otherwise(self, inputs: Sequence[Input]) -> tuple[str, ...]:
        """Say what is written otherwise than it is read; the name of the file stands where there are several."""
        plans = _plans(inputs)
        several = sum(len(entry.files) for entry in inputs) > 1
        return tuple(
            sentence
            for file, notation in self.files.items()
            for sentence in notation.sentences(plans[file], file if several else "")
        )

    def worse_files(self, inputs: Sequence[Input]) -> tuple[str, ...]:
        """Say what some tables have not, or not to be used, though others have."""
        expected = {name: frozenset(entry.expected) for entry in inputs for name in entry.tables}
        tables = {name: self.files.get(name, Notation()) for name in expected}
        given = {name: own.sent for name, own in tables.items()}
        plans = _plans(inputs)
        told = {name: frozenset(chain(*own.to_declare(plans[name]).values())) for name, own in tables.items()}
        for entry in inputs:
            given |= entry.given  # a count of several files is told of the first: their results were counted before
        return tuple(worse_than_others(tables, given, expected, told)) if len(tables) > 1 else ()

    def check(self) -> None:
        """Refuse to go on where a row is not accounted for."""
        if self.rows_in != self.screened + self.rejected:
            raise CBCScreenError("rows in are not rows screened plus rows rejected; nothing was written")


def _plans(inputs: Sequence[Input]) -> dict[str, Plan]:
    """Return how each file is read."""
    return {name: entry.plan for entry in inputs for name in (entry.name, *(file.name for file in entry.files))}
