"""Which rows of a flags file a person should look at, and in which order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy
from cbc_screen.engines.rescreen import FlagFile
from cbc_screen.report.cohort import count_reasons
from cbc_screen.vocabulary import Pattern, Severity, Urgency

if TYPE_CHECKING:
    import pyarrow as pa

Ranks = NDArray[np.int64]
NOT_FLAGGED = -1
# The flags of a count in which there is nothing to review.
NOTHING_TO_REVIEW = (("pattern", Pattern.NONE), ("urgency", Urgency.NONE), ("guards", ""), ("review_triggers", ""))
_SEVERITIES = tuple(severity for severity in Severity if severity is not Severity.CANNOT_TELL)


@dataclass
class FlagCounts:
    """What is counted over every row of the flags, listed or not."""

    rows: int = 0
    flagged: int = 0
    columns: dict[str, Counter[str]] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)


def most_urgent(flags: FlagFile, counts: FlagCounts, most: int) -> pa.Table:
    """Count every row, and return those to review, most urgent first and in the order of the file."""
    import pyarrow as pa

    kept: list[pa.Table] = []
    ranks: list[Ranks] = []
    for table in flags.batches():
        _count(table, counts)
        rank = _ranks(table)
        chosen = np.flatnonzero(rank >= 0)
        counts.flagged += len(chosen)
        kept.append(table.take(from_numpy(chosen)))  # with dictionaries: written out, words take four times the memory
        ranks.append(rank[chosen])
        if sum(map(len, ranks)) > 2 * most:
            kept, ranks = _first(kept, ranks, most)
    kept, _ = _first(kept, ranks, most)
    pa.default_memory_pool().release_unused()  # of reading; as much again would be taken for the pages
    return kept[0]


def _first(kept: list[pa.Table], ranks: list[Ranks], most: int) -> tuple[list[pa.Table], list[Ranks]]:
    import pyarrow as pa

    rank = np.concatenate(ranks)
    order = np.argsort(-rank, kind="stable")[:most]
    every = pa.concat_tables(kept).unify_dictionaries()
    kept.clear()
    return [every.take(from_numpy(order)).combine_chunks()], [rank[order]]


def _ranks(table: pa.Table) -> Ranks:
    """Return how urgent each row is: by urgency, lines that may be low, lines that are, severity."""
    rank = np.zeros(table.num_rows, dtype=np.int64)
    for name, order, weight in (("urgency", tuple(Urgency), 1000), ("severity_min", _SEVERITIES, 1)):
        codes = {str(word): place for place, word in enumerate(order)}
        rank += weight * np.array([codes[word] for word in table.column(name).to_pylist()], dtype=np.int64)
    for name, weight in (("lines_low_max", 100), ("lines_low_min", 10)):
        rank += weight * np.array(table.column(name).to_pylist(), dtype=np.int64)
    flagged = np.zeros(table.num_rows, dtype=np.bool_)
    for name, nothing in NOTHING_TO_REVIEW:
        flagged |= np.array([word != nothing for word in table.column(name).to_pylist()], dtype=np.bool_)
    return np.where(flagged, rank, NOT_FLAGGED)


def _count(table: pa.Table, counts: FlagCounts) -> None:
    counts.rows += table.num_rows
    for name in ("pattern", "urgency"):
        counts.columns.setdefault(name, Counter()).update(table.column(name).to_pylist())
    counts.reasons.update(count_reasons(table.column("reasons").to_pylist()))
