"""What became of the cells of each file: sent, used, and written otherwise than they are read, so that something must be declared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel.rules import LINE_ANALYTE
from cbc_screen.kernel_inputs import PREGNANCIES
from cbc_screen.logs import warn
from cbc_screen.normalize.codes import CODE
from cbc_screen.normalize.columns import Normalized
from cbc_screen.normalize.plan import Plan
from cbc_screen.normalize.value import POINT
from cbc_screen.vocabulary import Pregnancy, Reason

_FEW = 2  # one cell alone is a slip
_AGE, _TIME, _SEX, _STAGE = "age", "collected_at", "sex", "pregnancy"
NO_RESULTS = (_AGE, _TIME, _SEX, _STAGE)  # of the person and the moment, and no results
# What is to be declared of most cells that were sent, by the reason why they are not used.
_DECLARED = {
    Reason.NUMBER_AMBIGUOUS: (
        'the comma or point in most numbers may be either mark; say which it is: decimal="," (--decimal ,); if the other mark '
        'groups thousands, add thousands="." (--thousands .)'
    ),
    Reason.DATE_UNREADABLE: (
        "most dates cannot be read; say how they are written, %d for the day, %m for the month and %Y for the year, with the "
        'marks between them: date_format="%d/%m/%Y" or "%m/%d/%Y" or "%d.%m.%Y" (--date-format)'
    ),
    Reason.UNIT_CONFUSABLE: (
        "the unit of most results may be one of two; say which: in mmol/L and fmol "
        'units={"hemoglobin_mmol": "monomer"} or "tetramer" (--units hemoglobin_mmol=monomer), else units= (--units)'
    ),
    Reason.UNIT_MISSING: 'no unit is stated for most results; state it: units={"ANALYTE": "UNIT"} (--units ANALYTE=UNIT)',
    Reason.UNIT_UNKNOWN: (
        "the unit of most results is written in a way that is not known; say what it means: "
        'unit_spellings={"SPELLING": "UNIT"} (--unit-spelling SPELLING=UNIT)'
    ),
    Reason.AGE_UNIT_MISSING: 'nothing says what most ages are in; say it: age_unit="y" (--age-unit y, mo, wk or d)',
    Reason.SEX_UNREADABLE: (
        "most are in codes that are not known; say what they mean: "
        'sex_codes={"1": "M", "2": "F"} (--sex-codes 1=M --sex-codes 2=F)'
    ),
    Reason.PREGNANCY_UNREADABLE: (
        "most are in codes that are not known; say what they mean: "
        'pregnancy_codes={"1": "T2", "0": "none"} (--pregnancy-codes 1=T2 --pregnancy-codes 0=none)'
    ),
    Reason.COLLECTION_TIME_MISSING: (
        "there are dates of birth, and nothing says when most samples were taken; name the column: "
        'columns={"collected_at": "..."} (--columns collected_at=COLUMN)'
    ),
}
_THOUSANDS = 'the other mark in most numbers may group thousands; say which mark does: thousands="." (--thousands .), or correct them'
_OF_RESULTS = (Reason.NUMBER_AMBIGUOUS, Reason.UNIT_CONFUSABLE)
# Told only of what a line is judged on: else a scan would end with 3 for a red cell index without a unit.
_OF_LINES = (*_OF_RESULTS, Reason.UNIT_MISSING, Reason.UNIT_UNKNOWN)
_JUDGED = frozenset(("wbc", *LINE_ANALYTE.values()))
# What was sent beside a result that could not be placed is unknown: nothing was sent there itself.
_OF_NEIGHBORS = (Reason.KEY_MISSING, Reason.MOMENT_UNKNOWN)
_IN_DOUBT = (
    Reason.CODE_UNKNOWN, Reason.CODE_CONFLICT, Reason.UNIT_UNKNOWN, Reason.UNIT_MISSING, Reason.VALUE_MISSING, Reason.RESULT_CONFLICT,
)  # fmt: skip
# Of the person: by what nothing was sent, and by what it is not used.
_OF_PERSONS = {
    _AGE: (
        (Reason.AGE_MISSING,),
        (Reason.DATE_UNREADABLE, Reason.AGE_UNIT_MISSING, Reason.COLLECTION_TIME_MISSING),
    ),
    _SEX: ((Reason.SEX_MISSING,), (Reason.SEX_UNREADABLE,)),
    _STAGE: ((), (Reason.PREGNANCY_UNREADABLE,)),
}
_NOT_STATED = PREGNANCIES.index(Pregnancy.NOT_STATED)


class CellCount(NamedTuple):
    """The cells of a field: sent, of these not used, and of these by what must be declared so that they can be."""

    sent: int
    unused: int
    otherwise: Mapping[str, int]


Cells = Mapping[str, CellCount]  # by analyte, and of the age


def count_cells(normalized: Normalized, rows: NDArray[np.bool_] | None = None) -> dict[str, CellCount]:
    """Count the cells of each analyte and of the age, of all rows or of some."""
    batch, found = normalized.batch, dict[str, CellCount]()
    for analyte, every in batch.low.items():
        low, high = (every, batch.high[analyte]) if rows is None else (every[rows], batch.high[analyte][rows])
        codes = normalized.reasons.get(analyte)
        # Points, one array for both ends, are all used; and what lies between results in doubt is none that was sent.
        unused = 0
        if low is not high:
            void = (low == 0) & np.isinf(high)
            unused = int(np.count_nonzero(void if codes is None else void | _told(codes, _IN_DOUBT, rows)))
        otherwise = _many(normalized, analyte, _OF_LINES if analyte in _JUDGED else _OF_RESULTS, rows)
        neighbors = sum(_many(normalized, analyte, _OF_NEIGHBORS, rows).values())
        found[analyte] = CellCount(int(np.count_nonzero(low == low)) - neighbors, unused - neighbors, otherwise)
    many = batch.rows if rows is None else int(np.count_nonzero(rows))
    stages = batch.pregnancy if rows is None else batch.pregnancy[rows]
    none_sent = {_STAGE: int(np.count_nonzero(stages == _NOT_STATED))}
    for about, (missing, unread) in _OF_PERSONS.items():
        sent = many - none_sent.get(about, 0) - sum(_many(normalized, about, missing, rows).values())
        found[about] = CellCount(sent, 0, _many(normalized, about, unread, rows))
    return found


def _told(codes: NDArray[np.int8], reasons: tuple[Reason, ...], rows: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    return np.isin(codes if rows is None else codes[rows], [CODE[reason] for reason in reasons])


def _many(
    normalized: Normalized, about: str, reasons: tuple[Reason, ...], rows: NDArray[np.bool_] | None
) -> dict[str, int]:
    codes = normalized.reasons.get(about)
    if codes is None:
        return {}
    counted = np.bincount((codes if rows is None else codes[rows]) + 1, minlength=len(CODE) + 1).tolist()
    return {reason.value: many for reason in reasons if (many := counted[CODE[reason] + 1])}


@dataclass
class Notation:
    """The cells of each field of one file: among files that can be read, one that cannot would not be seen."""

    sent: Counter[str] = field(default_factory=Counter)
    unused: Counter[str] = field(default_factory=Counter)
    otherwise: Counter[tuple[str, str]] = field(default_factory=Counter)  # by field and reason

    def add(self, cells: Cells) -> None:
        """Count some cells."""
        for about, own in cells.items():
            self.sent[about] += own.sent
            self.unused[about] += own.unused
            self.otherwise.update({(about, reason): many for reason, many in own.otherwise.items()})

    def to_declare(self, plan: Plan) -> dict[str, list[str]]:
        """Return the fields of which most cells that were sent need a declaration, by the sentence that asks for it."""
        found: dict[str, list[str]] = {}
        # One cell alone is a slip, and of one count every result: then it is how the source writes.
        of_results = Counter(name for (about, name), many in self.otherwise.items() if 2 * many > self.sent[about])
        for (about, name), many in self.otherwise.items():
            sentence = _to_declare(Reason(name), plan)
            enough = many >= _FEW or (about not in NO_RESULTS and of_results[name] >= _FEW)
            if enough and 2 * many > self.sent[about] and sentence:
                found.setdefault(sentence, []).append(about)
        return found

    def sentences(self, plan: Plan, file: str = "") -> list[str]:
        """Say what must be declared, and of which fields; the name of the file stands where there are several."""
        within = f" of {file}" if file else ""
        return [f"{', '.join(abouts)}{within}: {sentence}" for sentence, abouts in self.to_declare(plan).items()]

    def warn(self, plan: Plan) -> None:
        """Warn the user of the package of what would have to be declared."""
        for text in self.sentences(plan):
            warn(text)


def _to_declare(reason: Reason, plan: Plan) -> str:
    """Say what is to be declared, or nothing where all of it is."""
    marks = plan.declared.number_format
    if reason is Reason.NUMBER_AMBIGUOUS and marks != POINT:
        return "" if marks.thousands else _THOUSANDS
    if reason is Reason.UNIT_MISSING and not _states_units(plan):
        return ""  # where nothing states one, that is told of all of them
    if reason is Reason.SEX_UNREADABLE and plan.declared.sex_doubt:
        return ""  # of letters that may mean two things that is told by itself
    if reason is Reason.DATE_UNREADABLE and (plan.declared.date_format or plan.declared.date_formats):
        return "most dates are not written as date_format= (--date-format) says"
    return _DECLARED[reason]


def _states_units(plan: Plan) -> bool:
    declared = plan.declared.units or plan.declared.system
    return bool(declared) or any(own.unit or own.unit_column for own in plan.analytes.values())


def worse_than_others(
    files: Mapping[str, Notation],
    given: Mapping[str, Mapping[str, int]],
    expected: Mapping[str, frozenset[str]],
    told: Mapping[str, frozenset[str]],
) -> list[str]:
    """Say of each of several files what it has not, or not to be used, though the others have.

    `given` has the results of each file by analyte, `expected` the analytes that its profile says it gives, and `told` those
    of which it was said what must be declared.
    """
    results = {
        file: {about: many for about, many in own.items() if many and about not in NO_RESULTS}
        for file, own in given.items()
    }
    used = {file: own.sent - own.unused for file, own in files.items()}
    found = []
    for file, own in files.items():
        if not results[file]:
            if any(results.values()):
                found.append(f"no result of a count was found in {file}, while other files have some")
            continue
        elsewhere = {about for other, many in used.items() if other != file for about in many} - set(NO_RESULTS)
        for about in sorted(elsewhere):
            if own.sent[about] >= _FEW and not used[file][about] and about not in told[file]:
                found.append(
                    f"{about} of {file}: none of {own.sent[about]:,} results used, while those of other files are"
                )
            elif about in expected.get(file, ()) and about not in results[file]:
                found.append(f"{about} of {file}: no result, while other files have some")
    return found
