"""What persons are told by: the rules, and the screen of each definition that they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cbc_screen.kernel.answers import Answers
from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge.definitions import Definition
from cbc_screen.knowledge.edges import AgeEdge
from cbc_screen.knowledge.serial_rules import SerialRules
from cbc_screen.serial.counts import ABSENT, LOW, NOT_LOW, UNKNOWN, CountBlock, surely_from
from cbc_screen.serial.persistence import Bounds, bounds_of
from cbc_screen.serial.segments import Codes, chosen, put
from cbc_screen.vocabulary import Line


@dataclass(frozen=True)
class SerialContext:
    """The rules, a kernel for each definition, and the definition of the screen."""

    rules: SerialRules
    kernels: Mapping[str, Kernel]
    definition: str
    definitions: Mapping[str, Definition]
    with_history: Kernel  # of the screen's definition, with the rules that ask for earlier counts


@dataclass
class ScreenedBlock:
    """The counts of a block under each definition; each is screened once."""

    context: SerialContext
    counts: CountBlock
    answers: dict[str, Answers] = field(default_factory=dict)
    bounds: dict[tuple[Line, str], Bounds] = field(default_factory=dict)
    below: dict[tuple[str, float, AgeEdge | None], Bounds] = field(default_factory=dict)

    def spells(self, line: Line, definition: str) -> Bounds:
        """Return the spells of a line under a definition."""
        if (line, definition) not in self.bounds:
            self.bounds[line, definition] = bounds_of(self.counts, self.line(line, definition))
        return self.bounds[line, definition]

    def under(self, analyte: str, limit: float, age_from: AgeEdge | None = None) -> Bounds:
        """Return the spells of an analyte below a limit (canonical unit), in those alone who have reached an age."""
        if (analyte, limit, age_from) not in self.below:
            rows = counts_under(self.counts, analyte, limit)
            if age_from is not None:
                old, young = surely_from(self.counts.batch, age_from)
                rows = chosen(young, ABSENT, chosen(~old & (rows == LOW), UNKNOWN, rows))
            self.below[analyte, limit, age_from] = bounds_of(self.counts, rows)
        return self.below[analyte, limit, age_from]

    def line(self, line: Line, definition: str) -> Codes:
        """Return the state of a line in each row under a definition."""
        on_wbc = self.context.definitions[definition].without_neutrophils is not None
        return self.counts.line(line, self._answers(definition), judged_on_wbc=on_wbc)

    def _answers(self, definition: str) -> Answers:
        if definition == self.context.definition:
            return self.counts.answers
        if definition not in self.answers:
            self.answers[definition] = self.context.kernels[definition].screen(self.counts.batch)
        return self.answers[definition]


def counts_under(counts: CountBlock, analyte: str, limit: float) -> Codes:
    """Return in which rows a result is below a limit (canonical unit).

    Where it was not sent, a bound from another result may make it low, and never makes it unknown.
    """
    values = counts.values.get(analyte)
    if values is None:
        return np.full(len(counts.rows), ABSENT, dtype=np.int8)
    state = np.full(len(counts.rows), UNKNOWN, dtype=np.int8)
    put(state, values.low >= limit, NOT_LOW)
    put(state, ~values.there, ABSENT)
    put(state, values.high < limit, LOW)
    return state
