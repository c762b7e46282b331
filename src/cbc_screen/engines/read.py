"""read: any supported file as a frame of one blood count a row, before screening."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from cbc_screen.arrays import dictionary, from_numpy
from cbc_screen.engines.batch import FILE, ROW
from cbc_screen.engines.collected import CollectedSource
from cbc_screen.engines.inputs import Input, expand, files_of, open_inputs
from cbc_screen.engines.unchanged import require_unchanged
from cbc_screen.errors import one_line_errors
from cbc_screen.ingest.source import ReadOptions, RejectedRow, SourceBatch
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.specimens import ANY
from cbc_screen.normalize.declared import Declared, with_spellings_of
from cbc_screen.normalize.person import parse_pregnancy, parse_sex
from cbc_screen.normalize.plan import AnalyteColumn, Plan
from cbc_screen.normalize.received import SOURCE_FILE
from cbc_screen.vocabulary import Reason

if TYPE_CHECKING:
    import pyarrow as pa


_UNREADABLE = (Reason.SEX_UNREADABLE, Reason.PREGNANCY_UNREADABLE)


@one_line_errors("reading")
def read_counts(
    knowledge: Knowledge,
    sources: tuple[str, ...],
    declared: Declared,
    options: ReadOptions,
    columns: Mapping[str, str],
) -> Any:
    """Read files; see `cbc_screen.read`."""
    import pandas as pd

    rejected: list[RejectedRow] = []
    frames: list[Any] = []
    results: dict[str, Any] = {}
    names, knowledge = expand(sources), with_spellings_of(knowledge, options.profile)
    with ExitStack() as undo:
        inputs = open_inputs(names, None, undo, knowledge, declared, options, columns, ())
        for entry in inputs:
            # A column that stands twice is read only where its name means something, and refused there.
            once = [header for header, many in Counter(entry.source.headers).items() if header and many == 1]
            wanted = list(dict.fromkeys([*once, *entry.plan.columns]))
            for batch in entry.source.batches(wanted):
                require_unchanged(entry.files)  # a file that grows would be read without end
                rejected += batch.rejected
                frames.append(_frame(knowledge, entry, batch, several=len(inputs) > 1))
            if isinstance(entry.source, CollectedSource):
                rejected += entry.source.set_aside()
                results = entry.source.result_counts.to_dict()
        require_unchanged(files_of(inputs))
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    frame.attrs["rejected"] = [
        {"line": row.line, "reason": row.reason.value, "content": row.content, "file": row.file} for row in rejected
    ]
    frame.attrs["results"] = results
    return frame


def _frame(knowledge: Knowledge, entry: Input, batch: SourceBatch, *, several: bool) -> Any:
    """Name the columns that are known as this library does, with the unit of each beside it."""
    import pyarrow as pa

    plan, rows = entry.plan, len(batch.lines)
    arrays: dict[str, pa.Array] = {ROW: from_numpy(batch.lines)}
    if several:
        arrays = {FILE: _constant(entry.name, rows), **arrays}
    for name, column in plan.people.items():
        arrays[name] = _in_words(batch.columns[column], name, plan, knowledge)
    if plan.age_unit is not None and "age" in plan.people and "age_unit" not in plan.people:
        arrays["age_unit"] = _constant(plan.age_unit, rows)
    for analyte, known in plan.analytes.items():
        arrays |= _of_analyte(knowledge, plan, analyte, known, batch)
    arrays |= {finding: batch.columns[column] for finding, column in plan.findings.items()}
    # What tells a kind of specimen stays under its own name, by which `screen_frame` reads it again.
    kinds = {column for _, column in plan.specimens}
    for field, column in plan.specimens:
        if field == ANY and column not in arrays:
            arrays[ANY] = batch.columns[column]
            kinds.discard(column)
    read = set(plan.columns) - kinds
    for name, array in batch.columns.items():
        if name not in read and name not in arrays and (name != SOURCE_FILE or len(entry.files) > 1):
            arrays[name] = array
    return pa.table(arrays).to_pandas()


def _of_analyte(
    knowledge: Knowledge, plan: Plan, analyte: str, known: AnalyteColumn, batch: SourceBatch
) -> dict[str, pa.Array]:
    """Return an analyte's results, with unit, limits and status beside them."""
    arrays = {analyte: batch.columns[known.column]}
    unit = known.unit or plan.declared.unit(knowledge, analyte)
    if known.unit_column is not None:
        arrays[f"{analyte}_unit"] = batch.columns[known.unit_column]
    elif unit is not None:
        arrays[f"{analyte}_unit"] = _constant(unit, len(batch.lines))
    beside = {"lower": known.lower_column, "upper": known.upper_column, "status": known.status_column}
    return arrays | {f"{analyte}_{part}": batch.columns[own] for part, own in beside.items() if own is not None}


def _constant(text: str, rows: int) -> pa.Array:
    import pyarrow as pa

    return dictionary(np.zeros(rows, dtype=np.int8), [text]).cast(pa.string())


def _in_words(column: pa.Array, name: str, plan: Plan, knowledge: Knowledge) -> pa.Array:
    """Write declared codes of sex and pregnancy as the words they stand for; anything else as received."""
    import pyarrow as pa

    declared = {"sex": plan.declared.sex_codes, "pregnancy": plan.declared.pregnancy_codes}.get(name)
    if not declared:
        return column
    parse = parse_sex if name == "sex" else parse_pregnancy
    words = []
    for cell in column.to_pylist():
        word, reason = parse(cell, knowledge.words, dict(declared))
        # "Pregnant, trimester unknown" and a code for an unknown sex have a reason, and are words all the same.
        as_received = cell is None or not str(cell).strip() or reason in _UNREADABLE
        words.append(cell if cell is None else str(cell) if as_received else word.value)
    return pa.array(words, type=pa.string())
