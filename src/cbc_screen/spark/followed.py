"""Persons of a Spark frame followed: rows move once, to those of their person, and each part is followed as a frame is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Unpack

from cbc_screen.arrays import without_view
from cbc_screen.engines.frames import Engine, Prepared
from cbc_screen.engines.inputs import open_inputs
from cbc_screen.engines.outcomes import plain_type
from cbc_screen.knowledge.serial import load_serial
from cbc_screen.normalize.people import letters_of
from cbc_screen.normalize.plan import Plan
from cbc_screen.screener import Screener
from cbc_screen.serial.follow import context_of, follow_source
from cbc_screen.serial.person_frame import columns_besides, person_frame
from cbc_screen.serial.times import all_at_midnight, as_days, no_times, read_clocks
from cbc_screen.source import Source, SourceOptions, source_of
from cbc_screen.spark.frames import Ready, column_of, same_person, sample_of, words_of
from cbc_screen.spark.partitions import RESULTS, Work, whole_column
from cbc_screen.vocabulary import SerialReason

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

# Rows of Spark have no places and no order.
_OF_PLACES = ("evidence_first_row", "evidence_last_row", "nadir_row", "last_row")
_OF_ORDER = f"time:{SerialReason.OUT_OF_ORDER}"


def follow(
    frame: DataFrame,
    source: Source | None = None,
    *,
    screener: Screener | None = None,
    person: str | None = None,
    laboratory: str | None = None,
    partitions: int | None = None,
    **options: Unpack[SourceOptions],
) -> DataFrame:
    """Follow the counts of each person of a Spark frame of one count a row.

    Before the work is given out the driver looks at the letters for sex and the clocks of all rows and at the units of some,
    in short jobs. Cache a frame that costs much to make.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        One count a row, as in `screen`, with a column of persons and one of collection times.
    source : Source, optional
        What the columns hold.
    screener : Screener, optional
        As in `screen`.
    person, laboratory : str, optional
        As in `Screener.follow`.
    partitions : int, optional
        Into how many parts the persons are divided; each is followed in memory. `spark.sql.shuffle.partitions` by default.
    options
        Fields of `Source` by their names.

    Returns
    -------
    pyspark.sql.DataFrame
        One row a person, as of `Screener.follow`, without the places of rows (`*_row`) and without `time:OUT_OF_ORDER`, for
        rows of Spark have no order. The sum of `counts` is the rows of the frame.

    Raises
    ------
    UsageError
        As in `screen` and `Screener.follow`.

    Examples
    --------
    >>> counts = spark.read.parquet("counts.parquet")  # doctest: +SKIP
    >>> persons = cbc_screen.spark.follow(counts, units="us", age_unit="y")  # doctest: +SKIP
    """
    from pyspark.sql import functions
    from pyspark.sql.pandas.types import from_arrow_schema

    ready = Ready(screener, source_of(source, options))
    with TemporaryDirectory(prefix="cbc-screen-") as folder, ExitStack() as undo:
        rows = Path(folder) / RESULTS
        sample_of(frame, rows)
        [entry] = open_inputs([str(rows)], None, undo, ready.opening)
        own = {"sex": entry.plan.people["sex"]} if "sex" in entry.plan.people else {}
        letters = letters_of({name: words_of(frame, [name]) for name in own.values()}, entry.plan, ready.knowledge)
        entry = ready.with_letters(entry, letters)
        suspect = ready.suspect(entry)
    plan = entry.plan
    besides = columns_besides(ready.engine, plan, list(frame.columns), load_serial(), person, laboratory)
    key, laboratory, stated = besides
    wanted = list(dict.fromkeys([*plan.columns, key, *filter(None, [laboratory]), *stated.values()]))
    none = frame.select(*map(column_of, wanted)).limit(0).toArrow()
    asked = _Asked(
        ready.work(plan, plan, letters, suspect, none.schema.empty_table().select([]).schema, ()),
        key,
        laboratory,
        stated,
    )
    asked = replace(asked, clocked=_clocked(frame, plan))
    schema = _schema(_followed(asked, ready.engine, none))
    parts = () if partitions is None else (partitions,)
    # Rows of nobody are followed by one worker, in one row.
    whose = functions.coalesce(same_person(key), functions.lit(""))
    moved = frame.select(*map(column_of, wanted)).repartition(*parts, whose)
    return moved.mapInArrow(partial(_follow_partition, asked, schema), from_arrow_schema(schema))


@dataclass(frozen=True)
class _Asked:
    """What every worker is told: how rows are read, whose they are, and whether any time has a clock."""

    work: Work
    key: str
    laboratory: str | None
    stated: Mapping[str, str]
    clocked: bool = False


def _clocked(frame: DataFrame, plan: Plan) -> bool:
    """Tell whether any time of a frame has a clock: else midnights are days."""
    name = plan.people.get("collected_at")
    if name is None:
        return False
    look = partial(_look_for_clocks, name, plan.declared.date_format_of("collected_at"))
    return any(row[0] for row in frame.select(column_of(name)).mapInArrow(look, "clocked boolean").distinct().collect())


def _look_for_clocks(name: str, date_format: str | None, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    for batch in batches:
        times = read_clocks(without_view(batch.column(0)), date_format)
        yield pa.record_batch({"clocked": pa.array([not all_at_midnight(times)])})


def _follow_partition(asked: _Asked, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Follow the persons of a partition, which has every row of theirs."""
    import pyarrow as pa

    held = list(batches)
    if not held:
        return
    with TemporaryDirectory(prefix="cbc-screen-") as folder:
        engine = asked.work.engine().of(asked.work.opening(Path(folder)))
    table = _without_places(_followed(asked, engine, pa.Table.from_batches(held)))
    columns = [table.column(field.name).cast(field.type) for field in schema]
    yield from pa.Table.from_arrays(columns, schema=schema).to_batches()


def _followed(asked: _Asked, engine: Engine, table: pa.Table) -> pa.Table:
    """Follow the persons of a table, with what was found in all rows of the frame."""
    work = asked.work
    assert work.plan is not None
    plan = replace(work.plan, suspect=work.suspect)
    arrays = {name: without_view(whole_column(table.column(name))) for name in table.column_names}
    name = plan.people.get("collected_at")
    times = no_times(len(table))
    if name is not None:
        times = read_clocks(arrays[name], plan.declared.date_format_of("collected_at"))
    ready = Prepared(engine, plan, {own: arrays[own] for own in plan.columns}, len(table))
    frame = person_frame(
        ready,
        arrays[asked.key],
        times if asked.clocked else as_days(times),
        {own: arrays[column] for own, column in asked.stated.items()},
        arrays[asked.laboratory] if asked.laboratory else None,
    )
    screener = work.screener
    return follow_source(frame, context_of(engine, screener.follow_kernels, screener.definition))


def _without_places(table: pa.Table) -> pa.Table:
    """Leave out what Spark cannot tell: places of rows, and their order."""
    import pyarrow as pa

    table = table.drop_columns([name for name in table.column_names if name.endswith(_OF_PLACES)])
    place = table.column_names.index("reasons")
    told = [
        ";".join(own for own in text.split(";") if own != _OF_ORDER)
        for text in table.column("reasons").cast(pa.string()).to_pylist()
    ]
    return table.set_column(place, "reasons", pa.array(told, pa.string()))


def _schema(table: pa.Table) -> pa.Schema:
    import pyarrow as pa

    kept = _without_places(table)
    return pa.schema([pa.field(field.name, plain_type(field.type)) for field in kept.schema])
