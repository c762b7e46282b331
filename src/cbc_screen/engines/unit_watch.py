"""Watches the units of a scan: decides on the first rows of each source, and again on all of it.

A scan begins with what the first rows say. Where all rows together say otherwise, it is run
again with that: what is suspect never depends on where the batches lie. Each table decides
for itself, and of collected results each file they came from; sources of very few rows are
looked at together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from cbc_screen.arrays import from_numpy
from cbc_screen.engines.collected import CollectedSource
from cbc_screen.engines.inputs import Input, all_batches
from cbc_screen.engines.unit_sample import RowSample, columns_of, read_samples
from cbc_screen.engines.unit_suspicion import Rows, Suspicion, suspicions, together
from cbc_screen.engines.unit_words import sentence
from cbc_screen.ingest.source import SourceBatch
from cbc_screen.knowledge import Knowledge
from cbc_screen.normalize.arrow import as_text, distinct
from cbc_screen.normalize.received import SOURCE_FILE

Place = tuple[int, str]  # the number of an input, and the file of its rows ("" where all rows are of one)
Found = dict[Place, dict[str, Suspicion]]
Suspect = dict[str, tuple[str, ...]]  # analyte to files; none where every row is meant
_MANY_FILES = 50  # of one collection: more are looked at together


class UnitWatch:
    """What the units of the inputs look like, and which analytes are set aside for it."""

    def __init__(
        self, knowledge: Knowledge, inputs: list[Input], accepted: frozenset[str], forced: list[Suspect] | None = None
    ) -> None:
        self._knowledge, self._inputs, self._accepted, self.forced = knowledge, inputs, accepted, forced
        self._columns = [columns_of(entry.plan) for entry in inputs]
        self._by_file = [_has_files(entry) for entry in inputs]
        self._samples: dict[Place, RowSample] = {}
        self._used: dict[int, Suspect] = {}
        self._found: Found = {}
        self._decided: tuple[list[tuple[Place, int]], Found] = ([], {})  # on how many rows of which, and what

    def batches(self, keep: frozenset[str]) -> Iterator[tuple[Input, SourceBatch]]:
        """Yield every batch, its input planned with what is suspect."""
        self._samples, self._used, self._decided = {}, {}, ([], {})
        numbers = {id(entry): number for number, entry in enumerate(self._inputs)}
        planned: dict[int, Input] = {}
        for entry, batch in all_batches(self._inputs, keep):
            number = numbers[id(entry)]
            self._look(number, batch)
            if number not in planned:
                suspect = self._guess(number) if self.forced is None else self.forced[number]
                self._used[number] = suspect
                planned[number] = replace(entry, plan=replace(entry.plan, suspect=suspect))
            yield planned[number], batch

    def look_ahead(self, keep: frozenset[str]) -> None:
        """Read everything once and decide, where what is written cannot be taken back."""
        for _ in self.batches(keep):
            pass
        if self.settle():
            self.forced = [self._used.get(number, {}) for number in range(len(self._inputs))]

    def settle(self) -> bool:
        """Decide on all rows; tell whether that is what the batches were screened with."""
        self._found = self._decide(range(len(self._inputs)))
        whole = [self._suspect(number, self._found) for number in range(len(self._inputs))]
        if all(whole[number] == used for number, used in self._used.items()):
            return True
        self.forced = whole
        return False

    def sentences(self, *, accepted: bool) -> dict[str, str]:
        """Say of each analyte that is suspect, or of each that is accepted, why it is and what to do."""
        said: dict[str, dict[str, list[str]]] = {}
        for (number, file), found in self._found.items():
            entry = self._inputs[number]
            for analyte, doubt in found.items():
                if (analyte in self._accepted) is accepted:
                    text = sentence(self._knowledge, entry.plan, analyte, doubt, accepted=accepted)
                    said.setdefault(analyte, {}).setdefault(text, []).append(file or entry.name)
        several = len(self._samples) > 1
        return {
            analyte: "; ".join(f"in {_named(files)}: {text}" if several else text for text, files in texts.items())
            for analyte, texts in said.items()
        }

    @property
    def metadata(self) -> dict[str, Suspect]:
        """What was set aside in the end, by the name of the input."""
        return {self._inputs[number].name: suspect for number, suspect in self._used.items() if suspect}

    def _look(self, number: int, batch: SourceBatch) -> None:
        columns = {name: batch.columns[name] for name in self._columns[number]}
        if not self._by_file[number]:
            self._sample(number, "").add(columns, len(batch.lines))
            return
        files, places = distinct(as_text(batch.columns[SOURCE_FILE]))
        for place, file in enumerate(files):
            own = np.flatnonzero(places == place)
            index = from_numpy(own)
            self._sample(number, file).add({name: array.take(index) for name, array in columns.items()}, len(own))

    def _sample(self, number: int, file: str) -> RowSample:
        return self._samples.setdefault((number, file), RowSample(self._knowledge.unit_suspect.sample))

    def _rows(self, numbers: Sequence[int]) -> dict[Place, Rows]:
        found: dict[Place, Rows] = {}
        for number in numbers:
            own = {place: sample for place, sample in self._samples.items() if place[0] == number}
            read = read_samples(list(own.values()), self._inputs[number].plan, self._knowledge)
            found |= dict(zip(own, read, strict=True))
        return found

    def _guess(self, number: int) -> Suspect:
        return self._suspect(number, self._decide((number,)))

    def _decide(self, numbers: Sequence[int]) -> Found:
        """Decide for some inputs; where no row has come since the last time, that stands."""
        rows = [(place, sample.rows) for place, sample in self._samples.items() if place[0] in numbers]
        if not rows or self._decided[0] != rows:
            self._decided = rows, found_in(self._knowledge, self._rows(numbers))
        return self._decided[1]

    def _suspect(self, number: int, found: Found) -> Suspect:
        """Return what is set aside of an input: in every row, or in those of some files."""
        own = {file: set(doubts) - self._accepted for (other, file), doubts in found.items() if other == number}
        files = [file for other, file in self._samples if other == number]
        suspect: Suspect = {}
        for analyte in self._knowledge.analytes:
            of = tuple(file for file in files if analyte in own.get(file, ()))
            if of:
                suspect[analyte] = of if self._by_file[number] else ()
        return suspect


def found_in(knowledge: Knowledge, rows: Mapping[Place, Rows]) -> Found:
    """Decide for each source; those of few rows together."""
    few = [place for place, own in rows.items() if len(own) < knowledge.unit_suspect.alone]
    found = {place: suspicions(knowledge, own) for place, own in rows.items() if place not in few}
    if few:
        joined = suspicions(knowledge, together([rows[place] for place in few]))
        for place in few:
            found[place] = {analyte: doubt for analyte, doubt in joined.items() if analyte in rows[place].values}
    return found


def _has_files(entry: Input) -> bool:
    return isinstance(entry.source, CollectedSource) and 1 < len(entry.files) <= _MANY_FILES


def _named(files: list[str]) -> str:
    names = list(dict.fromkeys(files))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
