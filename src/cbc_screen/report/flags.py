"""The readable flag columns, from codes of columns or of one record.

Both doors end here, so that a row of a frame and a result of one record hold the same
words in the same order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import dictionary, from_numpy, to_numpy
from cbc_screen.kernel.answers import Answers
from cbc_screen.normalize.codes import RANGE_FIELD
from cbc_screen.report.layout import FlagLayout
from cbc_screen.vocabulary import (
    NOTICE,
    Reason,
    Support,
)  # fmt: skip

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATOR = ";"
Word = TypeVar("Word", bound=str)
_UNLISTED = list(Support).index(Support.NOT_LISTED)
_HIDDEN = -1
# What the kernel found of an analyte: no range for the person, a reported one refused, two
# results that contradict, and a line of which nothing was sent.
_KERNEL_REASONS = (
    ("range_absent", Reason.RANGE_ABSENT),
    ("range_insane", Reason.RANGE_INSANE),
    ("contradicted", Reason.RESULT_CONTRADICTED),
    ("no_result", Reason.NO_RESULT),
)
_SORTED_AT_ONCE = 4_096
_LAST = np.iinfo(np.int32).max


# One record ------------------------------------------------------------------------------


def flags_of_one(
    layout: FlagLayout, conclusions: Mapping[str, int], reasons: Sequence[tuple[str, Reason]]
) -> dict[str, str | int | None]:
    """Return the flag columns of one record."""
    values: dict[str, str | int | None] = {
        name: words[conclusions[code]] for name, (code, words) in layout.word_columns.items()
    }
    values["lines_low_min"], values["lines_low_max"] = conclusions["lines_low_min"], conclusions["lines_low_max"]
    for name, code in layout.grade_columns.items():
        grade = conclusions[code]
        values[name] = None if grade < 0 else grade
    values["checklist"] = SEPARATOR.join(
        ordered_conditions(
            layout,
            [conclusions[f"support.{name}"] for name, _ in layout.conditions],
            [conclusions[f"net.{name}"] for name, _ in layout.conditions],
        )
    )
    for name, group, found in layout.rule_columns:
        values[name] = SEPARATOR.join(name for name in found if conclusions[f"{group}.{name}"])
    every = [*reasons, *kernel_reasons(layout, conclusions)]
    values["reasons"] = SEPARATOR.join(f"{field}:{reason}" for field, reason in sorted_reasons(layout, every))
    values["notice"] = NOTICE
    return {name: values[name] for name in layout.column_names}


def kernel_reasons(layout: FlagLayout, conclusions: Mapping[str, int]) -> list[tuple[str, Reason]]:
    """Return the reasons the kernel found."""
    return [
        (analyte, reason)
        for kind, reason in _KERNEL_REASONS
        for analyte in layout.analytes
        if conclusions.get(f"{analyte}.{kind}")
    ]


def sorted_reasons(layout: FlagLayout, reasons: Sequence[tuple[str, Word]]) -> list[tuple[str, Word]]:
    """Put reasons in the order of the fields, then of the reason codes."""
    fields, codes = layout.fields, layout.reasons
    return sorted(set(reasons), key=lambda pair: (fields.index(pair[0]), codes.index(pair[1])))


def order_key(support: Any, net: Any, rank: int) -> Any:
    """Return what listed conditions are ordered by: support, net findings, fixed rank.

    One expression for a number and for a column of them; a net is above -32, a rank below 128.
    """
    return (support * 64 + (32 - net)) * 128 + rank


def ordered_conditions(layout: FlagLayout, support: Sequence[int], net: Sequence[int]) -> list[str]:
    """Return the listed conditions in their order."""
    listed = [
        (order_key(support[place], net[place], rank), name)
        for place, (name, rank) in enumerate(layout.conditions)
        if support[place] != _UNLISTED
    ]
    return [entry[1] for entry in sorted(listed)]


# Columns ---------------------------------------------------------------------------------


def flags_table(
    layout: FlagLayout,
    outputs: Answers,
    reasons: Mapping[str, NDArray[np.int8]],
) -> pa.Table:
    """Return the flag columns as an Arrow table, with dictionary-coded words."""
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
    arrays["checklist"] = _checklist(layout, outputs)
    for name, group, found in layout.rule_columns:
        arrays[name] = _fired(group, found, outputs)
    arrays["reasons"] = _reasons(layout, outputs, reasons)
    arrays["notice"] = dictionary(np.zeros(rows, dtype=np.int8), [NOTICE])
    return pa.table({name: arrays[name] for name in layout.column_names})


def flag_counts(
    layout: FlagLayout, outputs: Answers, reasons: Mapping[str, NDArray[np.int8]]
) -> dict[str, dict[str, int]]:
    """Count rows by pattern, severity, urgency and reason."""
    counts: dict[str, dict[str, int]] = {}
    for name in ("pattern", "severity", "urgency"):
        code, words = layout.word_columns[name]
        counts[name] = dict(zip(words, np.bincount(outputs[code], minlength=len(words)).tolist(), strict=True))
    found: Counter[str] = Counter()
    for field, codes in reasons.items():
        own = np.bincount(codes.astype(np.int64) + 1, minlength=1).tolist()
        about = field.removesuffix(RANGE_FIELD)
        found.update({f"{about}:{layout.reasons[code - 1]}": many for code, many in enumerate(own) if code and many})
    for analyte in layout.analytes:
        for kind, reason in _KERNEL_REASONS:
            flag = outputs.get(f"{analyte}.{kind}")
            if flag is not None and flag.any():
                found[f"{analyte}:{reason}"] += int(flag.sum())
    counts["reasons"] = dict(found)
    return counts


def _fired(group: str, names: Sequence[str], outputs: Answers) -> pa.DictionaryArray:
    def ids(row: bytes) -> list[str]:
        return [name for name, fired in zip(names, row, strict=True) if fired]

    return _joined([outputs[f"{group}.{name}"].view(np.uint8) for name in names], ids)


def _checklist(layout: FlagLayout, outputs: Answers) -> pa.DictionaryArray:
    """Return the ordered conditions of each row; rows that list none are not looked at again."""
    supports = [outputs[f"support.{name}"] for name, _ in layout.conditions]
    rows = np.flatnonzero(np.logical_or.reduce([support != _UNLISTED for support in supports]))
    matrix = np.empty((len(rows), len(supports)), dtype=np.int16)
    for place, ((name, _), support) in enumerate(zip(layout.conditions, supports, strict=True)):
        own: NDArray[Any] = support[rows].astype(np.int16)
        net: NDArray[Any] = outputs[f"net.{name}"][rows]
        # What the findings say of a condition that is not listed does not matter.
        matrix[:, place] = np.where(own == _UNLISTED, _HIDDEN, order_key(own, net, 0) // 128)
    own_words, codes = _worded(matrix.view(np.uint8), lambda unique: _lists(layout, unique.view(np.int16)))
    # Equal lists come from unequal findings; the empty one is that of every other row.
    unique = ["", *dict.fromkeys(own_words)]
    place_of = {text: place for place, text in enumerate(unique)}
    every = np.zeros(outputs.rows, dtype=np.int32)
    every[rows] = np.array([place_of[text] for text in own_words], dtype=np.int32)[codes] if len(rows) else 0
    return dictionary(every, unique)


def _lists(layout: FlagLayout, keys: NDArray[np.int16]) -> list[str]:
    """Word the lists of rows of keys (support and net findings of each condition)."""
    ids = [name for name, _ in layout.conditions]
    ranks = np.array([rank for _, rank in layout.conditions], dtype=np.int32)
    found: list[str] = []
    for start in range(0, len(keys), _SORTED_AT_ONCE):
        part = keys[start : start + _SORTED_AT_ONCE]
        hidden = part == _HIDDEN
        order = np.argsort(np.where(hidden, _LAST, part.astype(np.int32) * 128 + ranks), axis=1)
        counts = (~hidden).sum(axis=1)
        found += [
            SEPARATOR.join([ids[place] for place in row[:count]])
            for row, count in zip(order.tolist(), counts.tolist(), strict=True)
        ]
    return found


def _reasons(layout: FlagLayout, outputs: Answers, reasons: Mapping[str, NDArray[np.int8]]) -> pa.DictionaryArray:
    labels: list[tuple[str, str | None]] = []
    parts: list[NDArray[np.uint8]] = []
    for field, codes in reasons.items():
        labels.append((field.removesuffix(RANGE_FIELD), None))
        parts.append((codes + np.int8(1)).view(np.uint8))
    for analyte in layout.analytes:
        for kind, reason in _KERNEL_REASONS:
            flag = outputs.get(f"{analyte}.{kind}")
            if flag is not None and flag.any():
                labels.append((analyte, reason))
                parts.append(flag.view(np.uint8))
    if not parts:
        parts, labels = [np.zeros(outputs.rows, dtype=np.uint8)], [("record", None)]

    def texts(row: bytes) -> list[str]:
        found = [
            (field, fixed or layout.reasons[value - 1])
            for (field, fixed), value in zip(labels, row, strict=True)
            if value
        ]
        return [f"{field}:{reason}" for field, reason in sorted_reasons(layout, found)]

    return _joined(parts, texts)


def _joined(parts: Sequence[NDArray[np.uint8]], texts: Callable[[bytes], list[str]]) -> pa.DictionaryArray:
    """Join the words of each row; rows of equal bytes are worded once."""
    matrix = np.empty((len(parts[0]), len(parts)), dtype=np.uint8)
    for place, part in enumerate(parts):
        matrix[:, place] = part
    some = np.flatnonzero(matrix.any(axis=1))
    found, codes = _worded(matrix[some], lambda unique: [SEPARATOR.join(texts(bytes(row))) for row in unique])
    unique = ["", *dict.fromkeys(found)]
    place_of = {text: place for place, text in enumerate(unique)}
    every = np.zeros(len(matrix), dtype=np.int32)
    every[some] = np.array([place_of[text] for text in found], dtype=np.int32)[codes] if len(some) else 0
    return dictionary(every, unique)


def _worded(
    matrix: NDArray[np.uint8], words: Callable[[NDArray[np.uint8]], list[str]]
) -> tuple[list[str], NDArray[np.int32]]:
    """Word each distinct row once; return the words and the place of each row among them."""
    import pyarrow as pa

    if not len(matrix):
        return [], np.zeros(0, dtype=np.int32)
    width = matrix.shape[1]
    rows = pa.Array.from_buffers(pa.binary(width), len(matrix), [None, pa.py_buffer(np.ascontiguousarray(matrix))])
    encoded = rows.dictionary_encode()
    buffer = encoded.dictionary.buffers()[1]
    unique = np.frombuffer(buffer, dtype=np.uint8)[: len(encoded.dictionary) * width].reshape(-1, width)
    return words(unique), to_numpy(encoded.indices)[0]
