"""The counts of a scan as it goes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cbc_screen.engines.batch import Screened
from cbc_screen.errors import CBCScreenError

if TYPE_CHECKING:
    import pyarrow as pa


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

    def add(self, screened: Screened) -> None:
        """Count a batch."""
        self.rows_in += screened.rows_in
        self.rejected += len(screened.rejected)
        for row in screened.rejected:
            self.rejects[row.reason.value] += 1
        for analyte, (given, unused) in screened.results.items():
            self.results[analyte] += given
            self.unused[analyte] += unused
        table = screened.table
        if table is None:
            return
        self.screened += len(table)
        for name, counter in (("pattern", self.patterns), ("severity", self.severities), ("urgency", self.urgencies)):
            counter.update(_word_counts(table, name))
        for text, count in _word_counts(table, "reasons").items():
            for reason in filter(None, text.split(";")):
                self.reasons[reason] += count

    def check(self) -> None:
        """Refuse to go on where a row is not accounted for."""
        if self.rows_in != self.screened + self.rejected:
            raise CBCScreenError("rows in are not rows screened plus rows rejected; nothing was written")


def _word_counts(table: pa.Table, name: str) -> dict[str, int]:
    """Count the words of a dictionary-coded column; a word that does not occur counts 0."""
    counts: Counter[str] = Counter()
    for chunk in table.column(name).chunks:
        words = chunk.dictionary.to_pylist()
        found = np.bincount(chunk.indices.to_numpy(zero_copy_only=False), minlength=len(words))
        counts.update(dict(zip(words, found.tolist(), strict=True)))
    return dict(counts)
