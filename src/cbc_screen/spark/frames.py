"""The driver's side: what the columns of a Spark frame are, two short looks at the whole of it, and the work given out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Unpack

from cbc_screen.arrays import from_texts
from cbc_screen.engines.batch import ROW, Layout, empty_table
from cbc_screen.engines.inputs import Input, all_batches, open_inputs
from cbc_screen.engines.notation import Notation, count_cells
from cbc_screen.engines.outcomes import schema_of
from cbc_screen.engines.unit_watch import UnitWatch
from cbc_screen.errors import UsageError
from cbc_screen.knowledge.fold import fold_word
from cbc_screen.knowledge.profiles import Profile, is_own_file, load_profiles
from cbc_screen.logs import warn
from cbc_screen.normalize.people import letters_in_doubt, letters_of, with_sex_letters
from cbc_screen.normalize.person import sex_letters
from cbc_screen.normalize.plan import Plan
from cbc_screen.report.flags import with_lists
from cbc_screen.report.layout import layout_of
from cbc_screen.screener import Screener
from cbc_screen.source import Source, SourceOptions, source_of
from cbc_screen.spark.columns import BESIDE, quoted
from cbc_screen.spark.partitions import (
    CARRIED,
    OF_PERSON,
    PERSONS,
    RESULTS,
    TAG,
    Work,
    collect_partition,
    described,
    open_collected,
    opening_for,
    screen_partition,
)
from cbc_screen.spark.screened import SparkScreened

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

_LOOKED_AT = 20_000  # rows, or results of some persons, in which the units are looked at
_WORDS, _LONGEST_WORD = 10_000, 16  # different words for sex: more, or longer ones, are none


def screen(
    frame: DataFrame,
    source: Source | None = None,
    *,
    screener: Screener | None = None,
    keep: Sequence[str] | None = None,
    flags: Sequence[str] | None = None,
    **options: Unpack[SourceOptions],
) -> SparkScreened:
    """Screen a Spark frame of one blood count a row, without moving a row between machines.

    Before the work is given out the driver looks at the letters for sex in all rows and at the units in 20,000 of
    them, as a scan of files does: two short jobs. Cache a frame that costs much to make.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        Columns are found by their names, as in `Screener.screen_frame`.
    source : Source, optional
        What the columns hold; `files`, `persons` and what says how a file is read have no meaning here.
    screener : Screener, optional
        Ranges, definition and grading; the defaults of `Screener` where it is not given. Your own files of ranges or rules
        must lie under one path on every machine.
    keep : list of columns, optional
        What is carried beside the flags; every column by default. Spark keeps no order: a key is needed.
    flags : list of flag columns, optional
        Which are given, such as ["pattern", "severity", "urgency"]; all by default. Few are several times as fast.
    options
        Fields of `Source` by their names: `units`, `age_unit`, `sex_codes`, ...

    Returns
    -------
    SparkScreened
        Flags, rejected rows and the account, of one pass.

    Raises
    ------
    UsageError
        If an option is none, a column to keep is none, or no analyte is found.

    Examples
    --------
    >>> counts = spark.read.parquet("counts.parquet")  # doctest: +SKIP
    >>> found = cbc_screen.spark.screen(counts, units="us", age_unit="y", keep=["id"])  # doctest: +SKIP
    >>> found.write("flags").check()  # doctest: +SKIP
    """
    ready = Ready(screener, source_of(source, options))
    keep = tuple(frame.columns if keep is None else keep)
    for name in keep:
        if name not in frame.columns:
            raise UsageError(f"keep: there is no column {name!r}")
    with TemporaryDirectory(prefix="cbc-screen-") as folder, ExitStack() as undo:
        rows = Path(folder) / RESULTS
        sample_of(frame, rows)
        [entry] = open_inputs([str(rows)], None, undo, ready.opening)
        own = {"sex": entry.plan.people["sex"]} if "sex" in entry.plan.people else {}
        words = {column: words_of(frame, [column]) for column in own.values()}
        letters = letters_of(words, entry.plan, ready.knowledge)
        entry = ready.with_letters(entry, letters)
        suspect = ready.suspect(entry)
    kept = frame.select(*map(column_of, keep))
    work = ready.work(entry.plan, entry.plan, letters, suspect, _arrow_schema(kept), flags)
    work = replace(work, headers=tuple(frame.columns))
    wanted = list(dict.fromkeys([*entry.plan.columns, *keep]))
    return _given_out(frame.select(*map(column_of, wanted)), work, screen_partition)


def collect(
    results: DataFrame,
    source: Source | None = None,
    *,
    persons_frame: DataFrame | None = None,
    screener: Screener | None = None,
    partitions: int | None = None,
    flags: Sequence[str] | None = None,
    **options: Unpack[SourceOptions],
) -> SparkScreened:
    """Collect a Spark frame of one result a row to counts, and screen them; rows move once, to those of their person.

    Parameters
    ----------
    results : pyspark.sql.DataFrame
        Columns as in a table of results that `scan` reads: known ones by their names, others named with `columns` or a
        profile.
    source : Source, optional
        What the columns hold.
    persons_frame : pyspark.sql.DataFrame, optional
        Birth date and sex of each person, where the results do not have them; the profile says in which columns.
    screener : Screener, optional
        As in `screen`.
    partitions : int, optional
        Into how many parts the persons are divided; `spark.sql.shuffle.partitions` by default.
    flags : list of flag columns, optional
        As in `screen`.
    options
        Fields of `Source` by their names.

    Returns
    -------
    SparkScreened
        Flags of each count with `person` and `collected_at`, rejected rows, results that belong to no count, and the
        account.

    Raises
    ------
    UsageError
        If an option is none, or no column says whose a result is, what it is or what its value is.

    Examples
    --------
    >>> measurement = spark.read.table("measurement")  # doctest: +SKIP
    >>> person = spark.read.table("person")  # doctest: +SKIP
    >>> found = cbc_screen.spark.collect(measurement, persons_frame=person)  # doctest: +SKIP
    """
    ready = Ready(screener, source_of(source, options))
    if ready.opening.reading.persons is not None and persons_frame is None:
        raise UsageError(
            "the profile names a file of persons; give it as a frame: persons_frame=spark.read.parquet(...)"
        )
    persons = persons_frame
    with TemporaryDirectory(prefix="cbc-screen-") as name, ExitStack() as undo:
        none = None if persons is None else persons.limit(0)
        header = open_collected(ready.opening, _folder(name, "columns", results.limit(0), none), undo)
        ready = ready.of_profile(header.profile)
        [table] = header.source.tables
        key, person_key = _key(table.columns, "person"), None
        results = results.select(*map(column_of, _names(table.columns)))
        if persons is not None:
            person_key = _key(table.person_columns, "person")
            persons = persons.select(*map(column_of, _names(table.person_columns)))
        letters = ready.letters([(results, table.columns), (persons, table.person_columns)], header.profile)
        part = _part_of_persons(results)
        some = persons.where(part(person_key)) if persons is not None and person_key is not None else None
        entry = open_collected(ready.opening, _folder(name, "sample", results.where(part(key)), some), undo)
        suspect = ready.suspect(ready.with_letters(entry, letters))
    work = ready.work(None, entry.plan, letters, suspect, _text_schema(CARRIED), flags)
    of_person = same_person(key)
    if persons is not None and person_key is not None:
        results, of_person = _union(results, key, persons, person_key)
    parts = () if partitions is None else (partitions,)
    return _given_out(results.repartition(*parts, of_person), work, collect_partition)


class Ready:
    """A screener and what is known of the source, on the driver."""

    def __init__(self, screener: Screener | None, source: Source) -> None:
        if source.persons is not None or source.files is not None:
            raise UsageError(
                "a Spark frame has no files: give the persons of results as a frame, collect(..., persons_frame=frame)"
            )
        self.screener, self.source = screener or Screener(), source
        self.opening = opening_for(self.screener, source)
        self.engine = self.screener.engine.of(self.opening)
        self.knowledge = self.engine.knowledge

    def of_profile(self, profile: Profile | None) -> Ready:
        """Return what is known once a table was recognized: of fewer columns it might not be."""
        if profile is None or self.source.profile is not None or profile.id not in load_profiles(self.knowledge):
            return self
        return Ready(self.screener, self.source.with_options(profile=profile.id))

    def with_letters(self, entry: Input, letters: frozenset[str]) -> Input:
        """Return a sample as it is read with the letters for sex of all rows."""
        plan = with_sex_letters(entry.plan, letters, self.knowledge)
        if plan.declared.sex_doubt:
            warn(f"sex: {letters_in_doubt(plan.declared.sex_doubt)}")
        return replace(entry, plan=plan)

    def letters(
        self, tables: Iterable[tuple[DataFrame | None, Mapping[str, Sequence[str]]]], profile: Profile | None
    ) -> frozenset[str]:
        """Return the letters for sex of every row of results and persons, as their profile reads its codes."""
        codes = profile.sex_codes if profile is not None else {}
        words: set[str] = set()
        for frame, columns in tables:
            if frame is not None and "sex" in columns:
                words.update(filter(None, words_of(frame, columns["sex"]).to_pylist()))
        return sex_letters([codes.get(fold_word(word), word) for word in words], self.knowledge.words)

    def suspect(self, entry: Input) -> dict[str, tuple[str, ...]]:
        """Look at the units of a sample; return the analytes that are not used."""
        watch = UnitWatch(self.knowledge, [entry], self.opening.accept_units)
        watch.look_ahead(frozenset())
        watch.settle()
        for analyte, why in watch.sentences(accepted=False).items():
            warn(f"{analyte}: {why}")
        self._warn_of_notation(entry)
        return {analyte: () for own in watch.metadata.values() for analyte in own}

    def _warn_of_notation(self, entry: Input) -> None:
        notation = Notation()
        for _, batch in all_batches([entry], frozenset()):
            notation.add(count_cells(self.engine.normalize(batch.columns, len(batch.lines), entry.plan)))
        notation.warn(entry.plan)

    def work(
        self,
        plan: Plan | None,
        sampled: Plan,
        letters: frozenset[str],
        suspect: Mapping[str, tuple[str, ...]],
        kept: pa.Schema,
        wanted: Sequence[str] | None,
    ) -> Work:
        """Say what every worker does; the flags are the same whatever the columns of a part are."""
        empty = empty_table(self.engine, Layout((), detail=False, file=False), sampled, list(sampled.columns))
        every = with_lists(layout_of(self.engine.kernel.rules), empty).drop_columns([ROW]).schema
        named = self.source.profile
        text = Path(named).read_text(encoding="utf-8") if named is not None and is_own_file(named) else None
        return Work(
            self.screener, self.source, plan, letters, suspect, described(self.engine), schema_of(kept, every, wanted, BESIDE),
            tuple(kept.names), profile=text,
        )  # fmt: skip


def column_of(name: str) -> Column:
    """Return a column by its name, whatever stands in it."""
    from pyspark.sql import functions

    return functions.col(quoted(name))


def same_person(key: str) -> Column:
    """Return what is equal wherever two keys may be of one person: 7 and 7.0, with spaces around them or not."""
    from pyspark.sql import functions

    return functions.regexp_replace(functions.trim(column_of(key).cast("string")), r"^(\d+)\.0*$", "$1")


def _names(columns: Mapping[str, Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(name for names in columns.values() for name in names))


def _key(columns: Mapping[str, Sequence[str]], field: str) -> str:
    if field not in columns:
        raise UsageError(
            'no column says whose a result is; name it with columns={"person": ...} or a profile: results are collected '
            "by person"
        )
    return columns[field][0]


def words_of(frame: DataFrame, columns: Sequence[str]) -> pa.Array:
    """Return every different word of some columns."""
    from pyspark.sql import functions

    texts = [column_of(name).cast("string").alias("word") for name in columns]
    found = frame.select(texts[0])
    for text in texts[1:]:
        found = found.union(frame.select(text))
    short = functions.length(functions.trim("word")) <= _LONGEST_WORD  # no longer one is a letter or a code
    words = found.where(short).distinct().limit(_WORDS + 1).toArrow().column("word").to_pylist()
    if len(words) > _WORDS:
        raise UsageError(f"a column of sexes has more than {_WORDS:,} different words; is it another column?")
    return from_texts(words)


def sample_of(frame: DataFrame, file: Path) -> None:
    """Write some rows from all over a frame where they are opened as a file is."""
    _write(_some_rows(frame), file)


def _some_rows(frame: DataFrame) -> pa.Table:
    """Return some rows from all over a frame, and all of a short one."""
    rows = frame.count()
    some = frame if rows <= _LOOKED_AT else frame.sample(fraction=_LOOKED_AT / rows, seed=0)
    return some.toArrow()


def _part_of_persons(results: DataFrame) -> Callable[[str], Column]:
    """Return the condition that chooses some persons, by their key, with so many results together."""
    from pyspark.sql import functions

    parts = max(1, -(-results.count() // _LOOKED_AT))

    def chosen(key: str) -> Column:
        return functions.pmod(functions.xxhash64(same_person(key)), functions.lit(parts)) == 0

    return chosen


def _folder(name: str, part: str, results: DataFrame, persons: DataFrame | None) -> Path:
    """Write results and persons where they are opened as files are."""
    folder = Path(name) / part
    folder.mkdir()
    _write(results.toArrow(), folder / RESULTS)
    if persons is not None:
        _write(persons.toArrow(), folder / PERSONS)
    return folder


def _write(table: pa.Table, file: Path) -> None:
    """Write what may be a result or a person: no lists, maps or bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = (pa.types.is_nested, pa.types.is_binary, pa.types.is_large_binary)
    plain = [field.name for field in table.schema if not any(kind(field.type) for kind in kinds)]
    pq.write_table(table.select(plain), file)


def _union(results: DataFrame, key: str, persons: DataFrame, person_key: str) -> tuple[DataFrame, Column]:
    """Return results and persons as one frame, told apart, and the person of each row."""
    from pyspark.sql import functions

    of, tag = OF_PERSON + TAG, functions.lit
    told = persons.select(
        tag(True).alias(TAG),
        same_person(person_key).alias(of),
        *(column_of(name).alias(OF_PERSON + name) for name in persons.columns),
    )
    own = results.select(tag(False).alias(TAG), same_person(key).alias(of), *map(column_of, results.columns))
    return own.unionByName(told, allowMissingColumns=True), column_of(of)


def _text_schema(names: Sequence[str]) -> pa.Schema:
    import pyarrow as pa

    return pa.schema([pa.field(name, pa.string()) for name in names])


def _arrow_schema(frame: DataFrame) -> pa.Schema:
    return frame.limit(0).toArrow().schema


def _given_out(
    frame: DataFrame, work: Work, run: Callable[[Work, Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
) -> SparkScreened:
    """Let every partition be worked on."""
    from pyspark.sql.pandas.types import from_arrow_schema

    return SparkScreened(frame.mapInArrow(partial(run, work), from_arrow_schema(work.schema)), work.keep)
