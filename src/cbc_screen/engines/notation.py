"""How the numbers and dates of a source are written: what must be declared before most of a column can be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cbc_screen.normalize.codes import CODE
from cbc_screen.normalize.columns import Normalized
from cbc_screen.normalize.plan import Plan
from cbc_screen.normalize.value import POINT
from cbc_screen.vocabulary import Reason

_FEW = 2  # one cell alone is a slip
_DECLARED = {
    Reason.NUMBER_AMBIGUOUS: 'the comma or point in most of its numbers may be either mark; say which it is: decimal="," (--decimal ,)',
    Reason.DATE_UNREADABLE: 'most of its dates cannot be read; say how they are written: date_format="%d.%m.%Y" (--date-format)',
}
_AGE = "age"


@dataclass
class Notation:
    """Cells of each field that were sent, and those that may be written otherwise than they are read.

    It is of one input at a time: among files that can be read, one that cannot would not be seen.
    """

    sent: Counter[str] = field(default_factory=Counter)
    otherwise: Counter[tuple[str, Reason]] = field(default_factory=Counter)

    def add(self, results: Mapping[str, int], reasons: Mapping[str, int], rows: int) -> None:
        """Count a batch: `results` by analyte, `reasons` as "field:REASON" with their rows."""
        self.sent.update(results)
        self.sent[_AGE] += rows - reasons.get(f"{_AGE}:{Reason.AGE_MISSING}", 0)
        for reason in _DECLARED:
            for about in (*results, _AGE):
                self.otherwise[about, reason] += reasons.get(f"{about}:{reason}", 0)

    def add_rows(self, normalized: Normalized) -> None:
        """Count rows that were normalized."""
        batch = normalized.batch
        reasons = {
            f"{about}:{reason}": int(np.count_nonzero(codes == CODE[reason]))
            for about, codes in normalized.reasons.items()
            for reason in (*_DECLARED, Reason.AGE_MISSING)
        }
        self.add({analyte: int((low == low).sum()) for analyte, low in batch.low.items()}, reasons, batch.rows)

    def add_dates(self, about: str, sent: int, unreadable: int) -> None:
        """Count the dates of a column."""
        self.sent[about] += sent
        self.otherwise[about, Reason.DATE_UNREADABLE] += unreadable

    def together(self, other: Notation) -> Notation:
        """Return what two parts of one source say."""
        return Notation(self.sent + other.sent, self.otherwise + other.otherwise)

    def sentences(self, plan: Plan, file: str = "") -> list[str]:
        """Say of which fields most cells that were sent are written in a way that must be declared, and is not."""
        is_mark_declared = plan.declared.number_format != POINT
        within = f" of {file}" if file else ""
        return [
            f"{about}{within}: {_DECLARED[reason]}"
            for (about, reason), many in self.otherwise.items()
            if many >= _FEW
            and 2 * many > self.sent[about]
            and not (is_mark_declared and reason is Reason.NUMBER_AMBIGUOUS)
        ]
