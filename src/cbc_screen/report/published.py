"""What the published sets say of each line, in words: as columns of a frame, and of one record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from cbc_screen.kernel.answers import Answers
from cbc_screen.kernel.one_record import One
from cbc_screen.kernel.published import PublishedSets, answer_of
from cbc_screen.kernel.rules import LINES
from cbc_screen.result import LineInSets
from cbc_screen.vocabulary import Line, SetAnswer

if TYPE_CHECKING:
    import pyarrow as pa

_ANSWERS = tuple(SetAnswer)
_SEPARATOR = ";"
_NOBODY = "no published set covers this person"
_OF_LINE = {Line.RED: "hemoglobin", Line.WHITE: "neutrophils or white cells", Line.PLATELET: "platelets"}


def line_in_sets(line: Line, names: Sequence[str], codes: Iterable[int]) -> LineInSets:
    """Put the answers of every set for a line together."""
    by_answer: dict[SetAnswer, list[str]] = {answer: [] for answer in _ANSWERS}
    for name, code in zip(names, codes, strict=True):
        by_answer[_ANSWERS[code]].append(name)
    return LineInSets(
        line=line,
        text=_said(line, *(len(by_answer[answer]) for answer in _ANSWERS[:4])),
        **{str(answer): tuple(own) for answer, own in by_answer.items()},
    )


def _said(line: Line, low: int, not_low: int, unknown: int, nothing_sent: int) -> str:
    """Say in how many of the covering sets a line is low; where none of them can tell, that first."""
    covering = low + not_low + unknown
    if nothing_sent:
        return f"not assessed: no {_OF_LINE[line]} sent"
    if not covering:
        return _NOBODY
    if unknown == covering:
        return f"cannot tell in any of {covering} published sets"
    return f"low in {low} of {covering} published sets" + (f", {unknown} cannot tell" if unknown else "")


def set_columns(found: LineInSets) -> dict[str, str]:
    """Return the columns of a line: the sentence, and the sets by what they say."""
    name = f"{found.line}_line_sets"
    by_answer = {f"{name}_{answer}": _SEPARATOR.join(getattr(found, answer)) for answer in _ANSWERS}
    return {name: found.text, **by_answer}


def sets_of_one(published: PublishedSets, one: One) -> tuple[LineInSets, ...]:
    """Return what the sets say of one record."""
    codes = one.codes
    return tuple(
        line_in_sets(line, published.names, [codes[answer_of(line, name)] for name in published.names])
        for line in LINES
    )


def published_columns(published: PublishedSets, answers: Answers) -> dict[str, pa.Array]:
    """Return the columns of many rows; each distinct combination of answers is worded once."""
    import pyarrow as pa

    from cbc_screen.arrays import from_numpy, from_texts
    from cbc_screen.report.worded import distinct

    columns: dict[str, pa.Array] = {}
    for line in LINES:
        codes = answers.codes([answer_of(line, name) for name in published.names]).astype(np.uint8)
        places, unique = distinct(codes)
        worded = list(map(set_columns, map(partial(line_in_sets, line, published.names), unique.tolist())))
        for name in set_columns(line_in_sets(line, (), ())):
            # Few texts, and each once: sets that say nothing else make the same one.
            texts = list(dict.fromkeys(own[name] for own in worded))
            place = {text: number for number, text in enumerate(texts)}
            of_unique = np.array([place[own[name]] for own in worded], dtype=np.int32)
            columns[name] = pa.DictionaryArray.from_arrays(from_numpy(of_unique[places]), from_texts(texts))
    return columns
