"""read: any supported file as a frame of one blood count a row, before screening."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from cbc_screen.arrays import beyond_years, dictionary, from_numpy, without_dictionaries
from cbc_screen.engines.batch import FILE, ROW
from cbc_screen.engines.collected import CollectedSource
from cbc_screen.engines.inputs import Input, expand, files_of, open_inputs, sheets_left
from cbc_screen.engines.opening import Opening
from cbc_screen.engines.read_types import with_types
from cbc_screen.engines.sex_watch import look_ahead
from cbc_screen.engines.unchanged import require_unchanged
from cbc_screen.errors import one_line_errors
from cbc_screen.ingest.frames import pandas_of
from cbc_screen.ingest.source import ReadOptions, RejectedRow, SourceBatch
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.fold import fold_word
from cbc_screen.knowledge.specimens import ANY
from cbc_screen.logs import LOG, warn
from cbc_screen.normalize.arrow import as_text
from cbc_screen.normalize.cells import status_of
from cbc_screen.normalize.declared import Declared
from cbc_screen.normalize.person import parse_pregnancy, parse_sex
from cbc_screen.normalize.plan import AnalyteColumn, Plan
from cbc_screen.normalize.received import SOURCE_FILE
from cbc_screen.vocabulary import Reason

if TYPE_CHECKING:
    import pyarrow as pa


_UNREADABLE = (Reason.SEX_UNREADABLE, Reason.PREGNANCY_UNREADABLE)


@one_line_errors("reading")
def read_counts(sources: Sequence[str], opening: Opening, *, as_received: bool = False) -> Any:
    """Read files; see `cbc_screen.read`."""
    rejected: list[RejectedRow] = []
    tables: list[pa.Table] = []
    plans: dict[str, Plan] = {}
    results: dict[str, Any] = {}
    names, knowledge = expand(sources), opening.knowledge
    with ExitStack() as undo:
        inputs = _told_apart(knowledge, open_inputs(names, None, undo, opening))
        for text in sheets_left(inputs):
            warn(text)
        for entry in inputs:
            # A column that stands twice is read only where its name means something, and refused there.
            once = [header for header, many in Counter(entry.source.headers).items() if header and many == 1]
            wanted = list(dict.fromkeys([*once, *entry.plan.columns]))
            # A name or a remark: nearly each is another.
            unknown = set(wanted) - set(entry.plan.columns)
            for batch in entry.source.batches(wanted, unknown):
                require_unchanged(entry.files)  # a file that grows would be read without end
                rejected += batch.rejected
                tables.append(_table(knowledge, entry, batch, several=len(inputs) > 1))
            plans |= dict.fromkeys(_known(entry.plan), entry.plan)
            if isinstance(entry.source, CollectedSource):
                rejected += entry.source.set_aside()
                results = entry.source.result_counts.to_dict()
        require_unchanged(files_of(inputs))
    frame = _frame(tables, {} if as_received else plans, knowledge, as_received=as_received)
    frame.attrs["rejected"] = [
        {"line": row.line, "reason": row.reason.value, "content": row.content, "file": row.file} for row in rejected
    ]
    frame.attrs["results"] = results
    LOG.info("read: %d rows, %d rejected", len(frame), len(rejected))
    return frame


def opening_of_read(opening: Opening) -> Opening:
    """Return how a frame that was read is opened: units and codes stand in it, how texts are written does not."""
    written = opening.declared
    declared = Declared(
        convention=written.convention,
        number_format=written.number_format,
        date_format=written.date_format,
        date_formats=written.date_formats,
        settings=written.settings,
    )
    return replace(opening, declared=declared, reading=ReadOptions(), columns={})


def _told_apart(knowledge: Knowledge, inputs: Sequence[Input]) -> list[Input]:
    """Read the letters for sex of a whole file first, where its language says what they mean: the frame will not."""
    return [*(look_ahead(knowledge, [entry])[0] if entry.plan.languages else entry for entry in inputs)]


def _known(plan: Plan) -> list[str]:
    """Return the names under which a plan's columns stand in what is read."""
    beside = [f"{analyte}_{part}" for analyte in plan.analytes for part in ("unit", "lower", "upper", "status")]
    return [*plan.people, "age_unit", *plan.analytes, *beside, *plan.findings, *(field for field, _ in plan.specimens)]


def _frame(tables: Sequence[pa.Table], plans: Mapping[str, Plan], knowledge: Knowledge, *, as_received: bool) -> Any:
    """Return what was read as one frame, with the types of its cells or as received."""
    import pandas as pd
    import pyarrow as pa

    if not tables:
        return pd.DataFrame()
    far = {name for table in tables for name in table.column_names if beyond_years(table.column(name))}
    if as_received:
        received = [_as_texts(table, far & set(table.column_names)) for table in tables]
        return pd.concat([pandas_of(without_dictionaries(table)) for table in received], ignore_index=True)
    kinds: dict[str, set[pa.DataType]] = {}
    for table in tables:
        for own in table.schema:
            kinds.setdefault(own.name, set()).add(own.type)
    differ = far | {name for name, types in kinds.items() if len(types) > 1}
    alike = [_as_texts(table, differ & set(table.column_names)) for table in tables]
    whole = pa.concat_tables(alike, promote_options="default").unify_dictionaries()
    return pandas_of(with_types(whole, plans, knowledge, (ROW, FILE)))


def _as_texts(table: pa.Table, names: Collection[str]) -> pa.Table:
    """Write columns as texts that are of one type in one batch and of another in the next."""
    import pyarrow as pa

    for name in names:
        place = table.column_names.index(name)
        texts = as_text(table.column(place).combine_chunks())
        # Counts that were collected in columns are coded, and those one by one are not.
        plain = texts.dictionary_decode() if pa.types.is_dictionary(texts.type) else texts
        table = table.set_column(place, name, plain)
    return table


def _table(knowledge: Knowledge, entry: Input, batch: SourceBatch, *, several: bool) -> pa.Table:
    """Name the columns that are known as this library does, with the unit of each beside it."""
    import pyarrow as pa

    plan, rows = entry.plan, len(batch.lines)
    arrays: dict[str, pa.Array] = {ROW: from_numpy(batch.lines)}
    if several:
        arrays = {FILE: _constant(entry.name, rows).cast(pa.string()), **arrays}
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
    # So does what may hold results that cannot be used: it is unknown there again, and not absent.
    kinds |= {one.column for own in plan.possible.values() for one in own}
    # And remarks, of which there may be several beside one analyte, and the channels that were ordered.
    kinds |= {
        *plan.notes,
        *([plan.channels] if plan.channels else []),
        *(column for own in plan.analytes.values() for column in own.note_columns),
    }
    read = set(plan.columns) - kinds
    for name, array in batch.columns.items():
        if name not in read and name not in arrays and (name != SOURCE_FILE or len(entry.files) > 1):
            arrays[name] = array
    return pa.table(arrays)


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
    beside = {
        "lower": known.lower_column,
        "upper": known.upper_column,
        "flag": known.flag_column,
        "comparator": known.comparator_column,
        "reference_range": known.range_column,
    }
    arrays |= {f"{analyte}_{part}": batch.columns[own] for part, own in beside.items() if own is not None}
    status = status_of(known, batch.columns, knowledge.statuses)
    return arrays if status is None else {**arrays, f"{analyte}_status": status}


def _constant(text: str, rows: int) -> pa.DictionaryArray:
    """Return one text for each row, coded as the texts of a file are."""
    return dictionary(np.zeros(rows, dtype=np.int32), [text])


def _in_words(column: pa.Array, name: str, plan: Plan, knowledge: Knowledge) -> pa.Array:
    """Write declared codes of sex and pregnancy as the words they stand for; anything else as received."""
    import pyarrow as pa

    declared = {"sex": plan.declared.sexes, "pregnancy": plan.declared.pregnancy_codes}.get(name)
    # The language of the file tells these two; a frame has no language. As "M?" the letter is sent and unreadable there too.
    doubt = plan.declared.sex_doubt if name == "sex" and plan.languages else ()
    if not declared and not doubt:
        return column
    parse, known = (parse_sex, knowledge.words.sex) if name == "sex" else (parse_pregnancy, knowledge.words.pregnancy)

    @cache
    def spelled(value: str) -> str:
        """Return a spelling that means the same where the codes are declared once more: M may be one of them, of women."""
        same = [value, *(own for own, meaning in known.items() if meaning == value)]
        return next((own for own in same if (declared or {}).get(fold_word(own), value) == value), f"{value}?")

    words: list[str | None] = []
    for cell in column.to_pylist():
        if doubt and cell is not None and fold_word(str(cell)) in doubt:
            words.append(f"{cell}?")
            continue
        word, reason = parse(cell, knowledge.words, dict(declared or {}))
        # "Pregnant, trimester unknown" and a code for an unknown sex have a reason, and are words all the same.
        as_received = cell is None or not str(cell).strip() or reason in _UNREADABLE
        words.append(cell if cell is None else str(cell) if as_received else spelled(word.value))
    return pa.array(words, type=pa.string())
