"""What persons are told by: the rules, and the screen of each definition that they name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cbc_screen.kernel.answers import Answers
from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge.definitions import Definition
from cbc_screen.knowledge.serial_rules import SerialRules
from cbc_screen.serial.counts import Codes, CountBlock
from cbc_screen.serial.persistence import Bounds, bounds_of
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

    def spells(self, line: Line, definition: str) -> Bounds:
        """Return the spells of a line under a definition."""
        if (line, definition) not in self.bounds:
            self.bounds[line, definition] = bounds_of(self.counts, self.line(line, definition))
        return self.bounds[line, definition]

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
