"""The readable flag columns, from codes of columns or of one record.

Both doors end here, so that a row of a frame and a result of one record hold the same
words in the same order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import dictionary, from_numpy
from cbc_screen.kernel.answers import Answers
from cbc_screen.kernel.conclusions import SEVERAL, SEVERAL_STAGES
from cbc_screen.normalize.codes import NO_REASON, RANGE_FIELD
from cbc_screen.report.checklist import SEPARATOR, Listed
from cbc_screen.report.layout import SETTING_COLUMN, FlagLayout
from cbc_screen.report.list_columns import LISTS, list_bytes, list_columns
from cbc_screen.report.worded import of_some, worded
from cbc_screen.vocabulary import LIST_COLUMNS, NOTICE, Line, LineState, Reason

if TYPE_CHECKING:
    import pyarrow as pa

Word = TypeVar("Word", bound=str)
# What the kernel found of an analyte: no range for the person, a reported one refused, ranges that differ, a rounded zero, two
# results that contradict, and a line of which nothing was sent.
_KERNEL_REASONS = (
    ("range_absent", Reason.RANGE_ABSENT),
    ("range_insane", Reason.RANGE_INSANE),
    ("range_differs", Reason.RANGE_DIFFERS),
    ("rounded", Reason.NUMBER_ROUNDED),
    ("contradicted", Reason.RESULT_CONTRADICTED),
    ("no_result", Reason.NO_RESULT),
)


_PERSON = ("age", "sex", "pregnancy")
# After delivery there is not a range of its own for everything.
SEVERAL_REASONS = ((SEVERAL, "age", Reason.AGE_APPROXIMATE), (SEVERAL_STAGES, "pregnancy", Reason.RANGE_DIFFERS))
# One record ------------------------------------------------------------------------------


def flags_of_one(
    layout: FlagLayout,
    conclusions: Mapping[str, int],
    lists: Mapping[str, int],
    listed: Listed | None,
    reasons: Sequence[tuple[str, Reason]],
) -> dict[str, str | bool | int | None]:
    """Return the flag columns of one record, from its codes, its list and every reason.

    Without a list those of the checklist are left out, which cost more than all others.
    """
    values: dict[str, str | bool | int | None] = {
        name: words[conclusions[code]] for name, (code, words) in layout.word_columns.items()
    }
    values["lines_low_min"], values["lines_low_max"] = conclusions["lines_low_min"], conclusions["lines_low_max"]
    for name, code in layout.grade_columns.items():
        grade = conclusions[code]
        values[name] = None if grade < 0 else grade
    values["borderline"] = bool(lists["borderline"])
    values["urgency_reasons"] = SEPARATOR.join(
        [name for code, name in _codes("reason", tuple(layout.urgencies)) if lists[code]]
    )
    if listed is not None:
        values.update(zip(LIST_COLUMNS, listed.words, strict=True))
        values[SETTING_COLUMN] = SEPARATOR.join(layout.setting)
    for name, group, found in layout.rule_columns:
        values[name] = SEPARATOR.join([name for code, name in _codes(group, tuple(found)) if conclusions[code]])
    values["reasons"] = SEPARATOR.join(f"{field}:{reason}" for field, reason in reasons)
    values["notice"] = NOTICE
    return {name: values[name] for name in layout.column_names if name in values}


def every_reason(
    layout: FlagLayout, conclusions: Mapping[str, int], reasons: Sequence[tuple[str, Reason]]
) -> list[tuple[str, Reason]]:
    """Return the reasons of a record and those the kernel found, in their order."""
    every = [*reasons, *_kernel_reasons(layout, conclusions), *_person_reasons_of_one(conclusions, reasons)]
    return sorted_reasons(layout, every)


def _kernel_reasons(layout: FlagLayout, conclusions: Mapping[str, int]) -> list[tuple[str, Reason]]:
    """Return the reasons the kernel found."""
    of_codes = _reason_of_code(tuple(layout.analytes))
    # Few codes are set: they are looked for among the reasons, and not the reasons among them (measured: a tenth of an answer).
    return [of_codes[code] for code, found in conclusions.items() if found and code in of_codes]


@lru_cache(maxsize=8)
def _reason_of_code(analytes: tuple[str, ...]) -> dict[str, tuple[str, Reason]]:
    return dict(reasons_of_codes(analytes))


@lru_cache(maxsize=8)
def reasons_of_codes(analytes: tuple[str, ...]) -> tuple[tuple[str, tuple[str, Reason]], ...]:
    """Return each code of the kernel that is a reason, with what it says."""
    return tuple((f"{analyte}.{kind}", (analyte, reason)) for analyte in analytes for kind, reason in _KERNEL_REASONS)


@lru_cache(maxsize=64)
def _codes(group: str, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the codes of the kernel for the rules of a group, each with its name."""
    return tuple((f"{group}.{name}", name) for name in names)


def _person_reasons_of_one(
    conclusions: Mapping[str, int], reasons: Sequence[tuple[str, Reason]]
) -> list[tuple[str, Reason]]:
    """Say what of the person leaves several ranges, where a line is unknown and nothing is said of the person."""
    said = any(field in _PERSON for field, _ in reasons)
    return [] if said else [(field, reason) for name, field, reason in SEVERAL_REASONS if conclusions[name]]


def _person_reasons(
    outputs: Answers, reasons: Mapping[str, NDArray[np.int8]]
) -> Iterator[tuple[str, Reason, NDArray[np.bool_]]]:
    """Yield what `_person_reasons_of_one` says, and of which rows."""
    for name, about, reason in SEVERAL_REASONS:
        found = outputs[name].astype(np.bool_)
        for field in _PERSON:
            if field in reasons:
                found &= reasons[field] == NO_REASON
        if found.any():
            yield about, reason, found


def sorted_reasons(layout: FlagLayout, reasons: Sequence[tuple[str, Word]]) -> list[tuple[str, Word]]:
    """Put reasons in the order of the fields, then of the reason codes."""
    fields, codes = layout.fields, layout.reasons
    if ("record", Reason.NO_RESULT) in reasons:  # said once for the whole
        reasons = [pair for pair in reasons if pair[1] != Reason.NO_RESULT or pair[0] == "record"]
    return sorted(set(reasons), key=lambda pair: (fields.index(pair[0]), codes.index(pair[1])))


# Columns ---------------------------------------------------------------------------------


def flags_table(layout: FlagLayout, outputs: Answers, reasons: Mapping[str, NDArray[np.int8]]) -> pa.Table:
    """Return the flag columns as an Arrow table, with dictionary-coded words."""
    return with_lists(layout, carried_table(layout, outputs, reasons))


def carried_table(layout: FlagLayout, outputs: Answers, reasons: Mapping[str, NDArray[np.int8]]) -> pa.Table:
    """Return the flag columns, and in place of the list's own the bytes that `with_lists` words."""
    import pyarrow as pa

    rows = outputs.rows
    arrays: dict[str, pa.Array] = {}
    for name, (code, words) in layout.word_columns.items():
        arrays[name] = dictionary(outputs[code], words)
    for name in ("lines_low_min", "lines_low_max"):
        arrays[name] = from_numpy(outputs[name])
    for name, code in layout.grade_columns.items():
        grade: NDArray[Any] = outputs[code]
        arrays[name] = from_numpy(grade, grade < 0)
    arrays["urgency_reasons"] = _urgency_reasons(layout, outputs)
    arrays[LISTS] = list_bytes(layout.checklist, rows, outputs.lists)
    for name, group, found in layout.rule_columns:
        arrays[name] = _fired(group, found, outputs)
    arrays["reasons"] = _reasons(layout, outputs, reasons)
    arrays["notice"] = dictionary(np.zeros(rows, dtype=np.int8), [NOTICE])
    if layout.setting:
        arrays[SETTING_COLUMN] = dictionary(np.zeros(rows, dtype=np.int8), [SEPARATOR.join(layout.setting)])
    first = layout.column_names.index("borderline")
    own = [name for name in layout.column_names if name in arrays]
    return pa.table({name: arrays[name] for name in (*own[:first], LISTS, *own[first:])})


def with_lists(layout: FlagLayout, table: pa.Table) -> pa.Table:
    """Word the lists of a table that carries their bytes."""
    place = table.column_names.index(LISTS)
    columns = list_columns(layout.checklist, table.column(place))
    table = table.remove_column(place)
    for name in reversed(columns):
        table = table.add_column(place, name, columns[name])
    return table


def flag_counts(
    layout: FlagLayout, outputs: Answers, reasons: Mapping[str, NDArray[np.int8]]
) -> dict[str, dict[str, int]]:
    """Count rows by pattern, severity, urgency and reason."""
    counts: dict[str, dict[str, int]] = {}
    for name in ("pattern", "severity", "urgency"):
        code, words = layout.word_columns[name]
        counts[name] = dict(zip(words, np.bincount(outputs[code], minlength=len(words)).tolist(), strict=True))
    unknown = list(LineState).index(LineState.CANNOT_TELL)
    lines = [outputs[layout.word_columns[f"{line}_line"][0]] != unknown for line in Line]
    counts["lines"] = {"judged": int(np.logical_or.reduce(lines).sum())}
    found: Counter[str] = Counter()
    for field, codes in reasons.items():
        own = np.bincount(codes.astype(np.int64) + 1, minlength=1).tolist()
        about = field.removesuffix(RANGE_FIELD)
        found.update({f"{about}:{layout.reasons[code - 1]}": many for code, many in enumerate(own) if code and many})
    for code, (analyte, reason) in reasons_of_codes(tuple(layout.analytes)):
        if outputs.is_set(code):
            found[f"{analyte}:{reason}"] += int(outputs[code].sum())
    for about, reason, several in _person_reasons(outputs, reasons):
        found[f"{about}:{reason}"] += int(several.sum())
    counts["reasons"] = dict(+found)
    return counts


def _fired(group: str, names: Sequence[str], outputs: Answers) -> pa.DictionaryArray:
    """Name the rules of a group that are met in each row."""
    rows, flags = outputs.fired([f"{group}.{name}" for name in names])
    return of_some(outputs.rows, rows, *worded(flags, partial(_named, names)))


def _urgency_reasons(layout: FlagLayout, outputs: Answers) -> pa.DictionaryArray:
    """Name what the urgency of each row rests on."""
    listed, answers = outputs.lists
    rows, flags = answers.fired([f"reason.{name}" for name in layout.urgencies])
    return of_some(outputs.rows, listed[rows], *worded(flags, partial(_named, layout.urgencies)))


def _named(names: Sequence[str], eights: bytes) -> str:
    fired = int.from_bytes(eights, "little")
    return SEPARATOR.join([name for place, name in enumerate(names) if fired >> place & 1])


def _reasons(layout: FlagLayout, outputs: Answers, reasons: Mapping[str, NDArray[np.int8]]) -> pa.DictionaryArray:
    labels: list[tuple[str, str | None]] = []
    parts: list[NDArray[np.uint8]] = []
    for field, codes in reasons.items():
        labels.append((field.removesuffix(RANGE_FIELD), None))
        parts.append((codes + np.int8(1)).view(np.uint8))
    for code, pair in reasons_of_codes(tuple(layout.analytes)):
        if outputs.is_set(code):
            labels.append(pair)
            parts.append(outputs[code].view(np.uint8))
    for about, reason, several in _person_reasons(outputs, reasons):
        labels.append((about, reason))
        parts.append(several.view(np.uint8))
    if not parts:
        parts, labels = [np.zeros(outputs.rows, dtype=np.uint8)], [("record", None)]

    def texts(row: bytes) -> str:
        found = [
            (field, fixed or layout.reasons[value - 1])
            for (field, fixed), value in zip(labels, row, strict=True)
            if value
        ]
        return SEPARATOR.join(f"{field}:{reason}" for field, reason in sorted_reasons(layout, found))

    some = np.flatnonzero(np.bitwise_or.reduce(parts))
    matrix = np.stack([part[some] for part in parts], axis=1)
    return of_some(outputs.rows, some, *worded(matrix, texts))
