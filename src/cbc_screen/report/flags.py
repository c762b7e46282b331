"""The readable flag columns, from codes of columns or of one record.

Both doors end here, so that a row of a frame and a result of one record hold the same
words in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.kernel.answers import Answers
from cbc_screen.kernel.rules import LINES, Rules
from cbc_screen.knowledge.rules import Rule
from cbc_screen.normalize.codes import RANGE_FIELD
from cbc_screen.vocabulary import (
    NOTICE,
    Criteria,
    Line,
    LineState,
    Pattern,
    Reason,
    Severity,
    State,
    Support,
    Urgency,
    WhiteBasis,
)  # fmt: skip

if TYPE_CHECKING:
    import pyarrow as pa

SEPARATOR = ";"
GRADE_COLUMN = {Line.RED: "hemoglobin_grade", Line.WHITE: "white_grade", Line.PLATELET: "platelets_grade"}
_UNLISTED = list(Support).index(Support.NOT_LISTED)
_HIDDEN = -1
_LAST = np.iinfo(np.int32).max


@lru_cache(maxsize=64)
def word_columns(rules: Rules) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return each column of words: the name of its code, and the words in code order."""
    columns: dict[str, tuple[str, tuple[str, ...]]] = {"pattern": ("pattern", _words(Pattern))}
    columns |= {f"{line}_line": (f"line.{line}", _words(LineState)) for line in LINES}
    if rules.stated_finding is not None:
        columns["white_line_unadjusted"] = ("line.white_unadjusted", _words(LineState))
    if rules.adjusts_line:
        columns["red_line_unadjusted"] = ("line.red_unadjusted", _words(LineState))
    columns["white_line_basis"] = ("white_basis", _words(WhiteBasis))
    columns["severity"] = ("severity", _words(Severity))
    columns["severity_min"] = ("severity_min", _words(Severity))
    columns |= {f"{analyte}_state": (f"state.{analyte}", _words(State)) for analyte in ranged(rules)}
    columns["blood_criteria"] = ("blood_criteria", _words(Criteria))
    columns["urgency"] = ("urgency", _words(Urgency))
    return columns


@lru_cache(maxsize=64)
def ranged(rules: Rules) -> list[str]:
    """Return the analytes that have a reference range, in the order of analytes.yaml."""
    return [name for name in rules.analytes if name in rules.ranged]


def _words(choices: type[Any]) -> tuple[str, ...]:
    return tuple(str(choice) for choice in choices)


@lru_cache(maxsize=64)
def grade_columns(rules: Rules) -> dict[str, str]:
    """Return each column of grades, and the name of its code."""
    columns = {name: f"grade.{line}" for line, name in GRADE_COLUMN.items()}
    return {**columns, "hemoglobin_grade_unadjusted": "grade.red_unadjusted"} if rules.adjusts_grade else columns


def rule_columns(rules: Rules) -> tuple[tuple[str, str, Sequence[Rule]], ...]:
    """Return each column of rules that fired: its name, the prefix of its codes, the rules."""
    return (
        ("guards", "guard", rules.guards),
        ("review_triggers", "trigger", rules.triggers),
        ("published_cutoffs", "cutoff", rules.cutoffs),
    )


@lru_cache(maxsize=64)
def column_names(rules: Rules) -> list[str]:
    """Return the flag columns in their order."""
    words = list(word_columns(rules))
    place = words.index("red_line")
    names = [*words[:place], "lines_low_min", "lines_low_max", *words[place:]]
    grades = names.index("blood_criteria")
    names[grades:grades] = list(grade_columns(rules))
    return [*names, "checklist", *(name for name, _, _ in rule_columns(rules)), "reasons", "notice"]


# One record ------------------------------------------------------------------------------


def flags_of_one(
    rules: Rules, conclusions: Mapping[str, int], reasons: Sequence[tuple[str, Reason]]
) -> dict[str, str | int | None]:
    """Return the flag columns of one record."""
    values: dict[str, str | int | None] = {
        name: words[conclusions[code]] for name, (code, words) in word_columns(rules).items()
    }
    values["lines_low_min"], values["lines_low_max"] = conclusions["lines_low_min"], conclusions["lines_low_max"]
    for name, code in grade_columns(rules).items():
        grade = conclusions[code]
        values[name] = None if grade < 0 else grade
    values["checklist"] = SEPARATOR.join(
        ordered_conditions(
            rules,
            [conclusions[f"support.{c.id}"] for c in rules.conditions],
            [conclusions[f"net.{c.id}"] for c in rules.conditions],
        )
    )
    for name, group, found in rule_columns(rules):
        values[name] = SEPARATOR.join(rule.id for rule in found if conclusions[f"{group}.{rule.id}"])
    every = [*reasons, *range_reasons(rules, conclusions)]
    values["reasons"] = SEPARATOR.join(f"{field}:{reason}" for field, reason in sorted_reasons(rules, every))
    values["notice"] = NOTICE
    return {name: values[name] for name in column_names(rules)}


def range_reasons(rules: Rules, conclusions: Mapping[str, int]) -> list[tuple[str, Reason]]:
    """Return the reasons the kernel found: no range for the person, or a reported one refused."""
    found = [(a, Reason.RANGE_ABSENT) for a in ranged(rules) if conclusions.get(f"{a}.range_absent")]
    return found + [(a, Reason.RANGE_INSANE) for a in ranged(rules) if conclusions.get(f"{a}.range_insane")]


def sorted_reasons(rules: Rules, reasons: Sequence[tuple[str, Reason]]) -> list[tuple[str, Reason]]:
    """Put reasons in the order of the fields, then of the reason codes."""
    fields = [*rules.analytes, "age", "sex", "pregnancy", "record"]
    codes = list(Reason)
    return sorted(set(reasons), key=lambda pair: (fields.index(pair[0]), codes.index(pair[1])))


def order_key(support: Any, net: Any, rank: int) -> Any:
    """Return what listed conditions are ordered by: support, net findings, fixed rank.

    One expression for a number and for a column of them; a net is above -32, a rank below 128.
    """
    return (support * 64 + (32 - net)) * 128 + rank


def ordered_conditions(rules: Rules, support: Sequence[int], net: Sequence[int]) -> list[str]:
    """Return the listed conditions in their order."""
    listed = [
        (order_key(support[place], net[place], condition.rank), condition.id)
        for place, condition in enumerate(rules.conditions)
        if support[place] != _UNLISTED
    ]
    return [entry[1] for entry in sorted(listed)]


# Columns ---------------------------------------------------------------------------------


def flags_table(
    rules: Rules,
    outputs: Answers,
    reasons: Mapping[str, NDArray[np.int8]],
    reason_words: Sequence[Reason],
) -> pa.Table:
    """Return the flag columns as an Arrow table, with dictionary-coded words."""
    import pyarrow as pa

    rows = outputs.rows
    arrays: dict[str, pa.Array] = {}
    for name, (code, words) in word_columns(rules).items():
        arrays[name] = _dictionary(outputs[code], words)
    for name in ("lines_low_min", "lines_low_max"):
        arrays[name] = pa.array(outputs[name], type=pa.int8())
    for name, code in grade_columns(rules).items():
        grade: NDArray[Any] = outputs[code]
        arrays[name] = pa.array(grade, type=pa.int8(), mask=grade < 0)
    arrays["checklist"] = _checklist(rules, outputs)
    for name, group, found in rule_columns(rules):
        arrays[name] = _fired(group, found, outputs)
    arrays["reasons"] = _reasons(rules, outputs, reasons, reason_words)
    arrays["notice"] = _dictionary(np.zeros(rows, dtype=np.int8), [NOTICE])
    return pa.table({name: arrays[name] for name in column_names(rules)})


def _dictionary(codes: NDArray[Any], words: Sequence[str]) -> pa.DictionaryArray:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(codes, type=pa.int8()), pa.array(list(words)))


def _fired(group: str, rules: Sequence[Rule], outputs: Answers) -> pa.DictionaryArray:
    def ids(row: bytes) -> list[str]:
        return [rule.id for rule, fired in zip(rules, row, strict=True) if fired]

    return _joined([outputs[f"{group}.{rule.id}"].view(np.uint8) for rule in rules], ids)


def _checklist(rules: Rules, outputs: Answers) -> pa.DictionaryArray:
    """Return the ordered conditions of each row; rows that list none are not looked at again."""
    supports = [outputs[f"support.{condition.id}"] for condition in rules.conditions]
    rows = np.flatnonzero(np.logical_or.reduce([support != _UNLISTED for support in supports]))
    matrix = np.empty((len(rows), len(supports)), dtype=np.int16)
    for place, (condition, support) in enumerate(zip(rules.conditions, supports, strict=True)):
        own: NDArray[Any] = support[rows].astype(np.int16)
        net: NDArray[Any] = outputs[f"net.{condition.id}"][rows]
        # What the findings say of a condition that is not listed does not matter.
        matrix[:, place] = np.where(own == _UNLISTED, _HIDDEN, order_key(own, net, 0) // 128)
    own_words, codes = _worded(matrix.view(np.uint8), lambda unique: _lists(rules, unique.view(np.int16)))
    # Equal lists come from unequal findings; the empty one is that of every other row.
    unique = ["", *dict.fromkeys(own_words)]
    place_of = {text: place for place, text in enumerate(unique)}
    every = np.zeros(outputs.rows, dtype=np.int32)
    every[rows] = np.array([place_of[text] for text in own_words], dtype=np.int32)[codes] if len(rows) else 0
    return _texts(every, unique)


def _lists(rules: Rules, keys: NDArray[np.int16]) -> list[str]:
    """Word the lists of rows of keys (support and net findings of each condition)."""
    ids = [condition.id for condition in rules.conditions]
    ranks = np.array([condition.rank for condition in rules.conditions], dtype=np.int32)
    hidden = keys == _HIDDEN
    order = np.argsort(np.where(hidden, _LAST, keys.astype(np.int32) * 128 + ranks), axis=1)
    counts = (~hidden).sum(axis=1)
    return [
        SEPARATOR.join([ids[place] for place in row[:count]])
        for row, count in zip(order.tolist(), counts.tolist(), strict=True)
    ]


def _reasons(
    rules: Rules, outputs: Answers, reasons: Mapping[str, NDArray[np.int8]], words: Sequence[Reason]
) -> pa.DictionaryArray:
    labels: list[tuple[str, Reason | None]] = []
    parts: list[NDArray[np.uint8]] = []
    for field, codes in reasons.items():
        labels.append((field.removesuffix(RANGE_FIELD), None))
        parts.append((codes + np.int8(1)).view(np.uint8))
    for analyte in ranged(rules):
        for kind, reason in (("range_absent", Reason.RANGE_ABSENT), ("range_insane", Reason.RANGE_INSANE)):
            flag = outputs.get(f"{analyte}.{kind}")
            if flag is not None and flag.any():
                labels.append((analyte, reason))
                parts.append(flag.view(np.uint8))
    if not parts:
        parts, labels = [np.zeros(outputs.rows, dtype=np.uint8)], [("record", None)]

    def texts(row: bytes) -> list[str]:
        found = [(field, fixed or words[value - 1]) for (field, fixed), value in zip(labels, row, strict=True) if value]
        return [f"{field}:{reason}" for field, reason in sorted_reasons(rules, found)]

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
    return _texts(every, unique)


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
    return words(unique), encoded.indices.to_numpy(zero_copy_only=False)


def _texts(codes: NDArray[np.int32], words: Sequence[str]) -> pa.DictionaryArray:
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(codes, type=pa.int32()), pa.array(words, type=pa.string()))
