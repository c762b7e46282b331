"""One row a count, in the order given: what changed since the person's count before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import dictionary, from_numpy
from cbc_screen.knowledge.serial_rules import SerialRules
from cbc_screen.serial.change import CANNOT_TELL, NOT_ASSESSED
from cbc_screen.serial.person_frame import NOBODY, PersonFrame
from cbc_screen.serial.reasons import bits_of, labels_of, row_reasons, words_of
from cbc_screen.serial.segments import Codes, Ints
from cbc_screen.serial.series import Followed
from cbc_screen.vocabulary import NOTICE, Answer, Change

if TYPE_CHECKING:
    import pyarrow as pa

_YES = list(Answer).index(Answer.YES)


class CountRows:
    """Collects what is told of each row of a frame, block by block."""

    def __init__(self, source: PersonFrame, analytes: Sequence[str], rules: SerialRules) -> None:
        rows = source.ready.rows
        self._source, self._analytes, self._rules = source, analytes, rules
        self.changes: dict[str, Codes] = {name: np.full(rows, NOT_ASSESSED, dtype=np.int8) for name in analytes}
        self._labels = labels_of(analytes, [own.id for own in rules.suppressions])
        self._checks = [own.id for own in rules.delta_checks]
        self.reasons = np.zeros(rows, dtype=np.uint64)
        self.guards = np.zeros(rows, dtype=np.uint64)
        self.before = np.full(rows, -1, dtype=np.int64)

    def add(self, followed: Followed) -> None:
        """Add the rows of a block."""
        counts = followed.counts
        used, moment = counts.used, counts.moment[counts.used]
        for name in self._analytes:
            there = counts.values[name].there if name in counts.values else np.zeros(len(counts.rows), dtype=np.bool_)
            code = np.full(len(counts.rows), NOT_ASSESSED, dtype=np.int8)
            # A result whose place is not known may be a change or none.
            code[there & (counts.conflict[counts.person] | counts.untimed)] = CANNOT_TELL
            code[used] = np.where(there[used], followed.changes[name].code[moment], NOT_ASSESSED)
            self.changes[name][counts.rows] = code
        self.reasons[counts.rows] = bits_of(self._labels, row_reasons(followed), len(counts.rows))
        before = counts.last_known(np.ones(counts.moments, dtype=np.bool_))
        if counts.moments:
            row = np.where(before >= 0, counts.rows[counts.first_row[before]], -1)
            self.before[counts.rows[used]] = row[moment]
        yes = {name: np.zeros(len(counts.rows), dtype=np.bool_) for name in followed.checks}
        for name, answers in followed.checks.items():
            yes[name][used] = answers[moment] == _YES
        self.guards[counts.rows] = bits_of(self._checks, yes, len(counts.rows))

    def table(self) -> pa.Table:
        """Return the rows as a table."""
        rows = len(self.before)
        person = self._source.names.take(from_numpy(self._source.person, self._source.person == NOBODY))
        told = row_columns(self.before, self.changes, self.guards, self.reasons, self._analytes, self._rules)
        table = told.add_column(0, "person", person)
        return table.append_column("notice", dictionary(np.zeros(rows, dtype=np.int8), [NOTICE]))


def row_columns(
    before: Ints,
    changes: Mapping[str, Codes],
    guards: NDArray[np.uint64],
    reasons: NDArray[np.uint64],
    analytes: Sequence[str],
    rules: SerialRules,
    reasons_name: str = "reasons",
) -> pa.Table:
    """Word what is told of rows: the row before, each change, the guards of identity and the reasons."""
    import pyarrow as pa

    words = [str(word) for word in Change]
    columns = {"previous_row": from_numpy(before, before < 0)}
    columns |= {f"{name}_change": dictionary(changes[name], words) for name in analytes}
    columns["identity_checks"] = words_of([own.id for own in rules.delta_checks], guards)
    columns[reasons_name] = words_of(labels_of(analytes, [own.id for own in rules.suppressions]), reasons)
    return pa.table(columns)
