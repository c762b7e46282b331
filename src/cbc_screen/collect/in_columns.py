"""One table of results, collected in columns; the groups in which something is doubtful go the careful way.

The table is read once to find the groups, and once more for the rows that go the careful
way, if there are any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cbc_screen.collect.errors import NotInColumnsError
from cbc_screen.collect.found_groups import GroupsInColumns
from cbc_screen.collect.grouping import MOST_ANALYTES, group, mark, marked
from cbc_screen.collect.partitions import FACTS, ROWS, Partitions
from cbc_screen.collect.persons import facts_of, known_persons
from cbc_screen.collect.reading import TableReading
from cbc_screen.collect.simple_groups import Segment, Segments
from cbc_screen.ingest.long import LongSource
from cbc_screen.knowledge import Knowledge
from cbc_screen.normalize.collect import Collection
from cbc_screen.normalize.collected_texts import KINDS
from cbc_screen.normalize.identify import Identifier

Notice = Callable[[float], None]


class InColumns(GroupsInColumns):
    """The simple groups of a table; `collection` has the others, and counts what became of all results."""

    def __init__(
        self,
        source: LongSource,
        knowledge: Knowledge,
        collection: Collection,
        identifier: Identifier,
        units: Mapping[str, str],
        notice: Notice | None,
    ) -> None:
        if len(knowledge.analytes) > MOST_ANALYTES:
            raise NotInColumnsError
        super().__init__(collection)
        self._source = source
        self._identifier, self._units, self._notice = identifier, units, notice
        self._reading = TableReading(source, knowledge, collection, identifier, units)
        self._last_line = 0
        partitions = Partitions()
        self._undo.callback(partitions.spill.close)
        self._read(partitions)
        self._segments = Segments(self._last_line + 1, partitions.rows)
        self._undo.callback(self._segments.close)
        self._part(partitions)
        collection.forget_zeros()

    def _read(self, partitions: Partitions) -> None:
        """Read the table, and the persons beside it."""
        self._collection.add(self._source.people(), self._identifier, ordered=False)
        for facts in known_persons(self._collection):
            partitions.add(FACTS, facts, 1.0)
        for batch in self._source.in_columns():
            for row in batch.rejected:
                self._collection.put_aside(row, 0, whole=True)
            if not len(batch.lines):
                continue
            if batch.lines[0] <= self._last_line or (np.diff(batch.lines) <= 0).any():
                raise NotInColumnsError  # the order of the rows is told by their lines
            self._last_line = int(batch.lines[-1])
            facts = facts_of(batch, self._source, self._collection)
            if facts is not None:
                partitions.add(FACTS, facts, batch.share)
            partitions.add(ROWS, self._reading.read(batch), batch.share)
            if self._notice is not None:
                self._notice(batch.share / 2)
        if len(self._collection.people.sexes) >= KINDS:
            raise NotInColumnsError

    def _part(self, partitions: Partitions) -> None:
        """Part the rows into groups, and send the doubtful ones the careful way."""
        careful = np.zeros(self._last_line // 8 + 1, dtype=np.uint8)  # a bit for each line
        for table, facts in partitions.each():
            if table is None or not len(table):
                continue
            part, others = group(table, facts, self._found)
            self._segments.add(part)
            mark(careful, others.lines)
            self._collection.people.tell(others.persons)
        self._count()
        if careful.any():
            self._read_again(careful)

    def _count(self) -> None:
        """Count the results of simple groups among all."""
        analytes, besides = self._reading.analytes, self._reading.besides.all
        for (analyte, beside), many in self._found.results.items():
            self._collection.counts.read += many
            self._collection.analytes[analytes[analyte]] += many
            self._collection.units[analytes[analyte]][besides[beside].unit] += many

    def _read_again(self, careful: NDArray[np.uint8]) -> None:
        """Read the rows that go the careful way, row by row, in their order."""
        for batch in self._source.in_columns():
            chosen = np.flatnonzero(marked(careful, batch.lines))
            if len(chosen):
                self._collection.add(
                    self._source.results_of(batch, chosen), self._identifier, ordered=False, units=self._units
                )
            if self._notice is not None:
                self._notice(0.5 + batch.share / 2)

    def segments(self) -> Iterator[Segment]:
        """Yield the simple groups, in the order of their first lines."""
        return self._segments.each(self._reading.besides.all)

    def contents(self, wanted: Sequence[int]) -> list[str]:
        """Read some rows again as they were received, by their lines; nearly never asked for."""
        found: dict[int, str] = {}
        lines, batches = set(wanted), self._source.in_columns()
        while len(found) < len(lines):
            batch = next(batches)
            chosen = np.flatnonzero(np.isin(batch.lines, list(lines)))
            found |= {result.line: result.content for result in self._source.results_of(batch, chosen)}
        return [found[line] for line in wanted]
