"""Whom a set is for: infants of some weeks of gestation, people of a phenotype, or all but infants born preterm.

The rule is the screen's own, worked out by its kernel for each row; nothing is decided here a second time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbc_screen.engines.frames import Engine
from cbc_screen.kernel.fact_table import UNCOVERED, mark
from cbc_screen.kernel.limits import at_gestation
from cbc_screen.kernel_batch import Batch
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.intervals import IntervalRow, SetKind, Weeks
from cbc_screen.vocabulary import SetAside

Truths = NDArray[np.bool_]


@dataclass(frozen=True)
class SetCoverage:
    """Of each row of a source: what of the person decides whether a set is for them.

    `preterm` are infants who were, or may have been, born preterm; `stated` people of whom the phenotype of the set is
    stated, where it is of one; `spans` infants whose weeks surely lie in those of a row of the set.
    """

    preterm: Truths
    stated: Truths | None
    spans: Mapping[tuple[str, Weeks], Truths]

    def covers(self, row: IntervalRow) -> Truths:
        """Tell of whom a row of the set is."""
        if row.gestation is not None:
            return self.spans[row.analyte, row.gestation]
        return ~self.preterm if self.stated is None else self.stated & ~self.preterm

    def why_not(self, rows: Sequence[IntervalRow]) -> NDArray[np.object_]:
        """Return the word for each row of the source that is of nobody whom these rows of the set are of."""
        if any(row.gestation is not None for row in rows):
            return np.full(len(self.preterm), SetAside.GESTATION_UNSURE.value, dtype=object)
        unstated = np.zeros(len(self.preterm), dtype=np.bool_) if self.stated is None else ~self.stated
        return np.where(unstated, SetAside.PHENOTYPE_NOT_STATED.value, SetAside.BORN_PRETERM.value).astype(object)


def is_by_phenotype(knowledge: Knowledge, ranges: str) -> bool:
    """Tell whether a set is used only where a phenotype is stated."""
    return ranges != "default" and knowledge.interval_set(ranges).kind is SetKind.DUFFY_NULL


def coverage_of(engine: Engine, batch: Batch, numbers: Mapping[str, NDArray[np.generic]]) -> SetCoverage:
    """Return what is known of the people of a batch; `numbers` are those used of it."""
    finding, rules = engine.knowledge.duffy_finding, engine.kernel.rules

    def column(found: object) -> Truths:
        return np.broadcast_to(np.asarray(found, dtype=np.bool_), batch.rows)

    stated = None
    if is_by_phenotype(engine.knowledge, engine.ranges):
        stated = column(batch.findings[finding][0] if finding in batch.findings else False)
    spans = {
        (analyte, weeks): column(numbers[at_gestation(analyte, place)])
        for analyte, own in rules.by_gestation.items()
        for place, weeks in enumerate(own)
    }
    return SetCoverage(column(numbers[mark(UNCOVERED)]), stated, spans)


def joined_coverage(parts: Sequence[SetCoverage]) -> SetCoverage:
    """Return the coverage of all parts of a source."""
    stated = [part.stated for part in parts if part.stated is not None]
    return SetCoverage(
        np.concatenate([part.preterm for part in parts]),
        np.concatenate(stated) if stated else None,
        {name: np.concatenate([part.spans[name] for part in parts]) for name in parts[0].spans},
    )
