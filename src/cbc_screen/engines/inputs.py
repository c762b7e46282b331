"""The inputs of a scan: one file or several, a pattern of names, or standard input."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from cbc_screen.databases.address import Address, address_of
from cbc_screen.databases.reading import asked, keep_rows
from cbc_screen.engines.collected import CollectedSource, Feed
from cbc_screen.engines.frames import of_profile, require_analyte
from cbc_screen.engines.opening import Opening
from cbc_screen.engines.unchanged import SourceFile
from cbc_screen.errors import UsageError, did_you_mean
from cbc_screen.ingest.detect import detect
from cbc_screen.ingest.fhir import share_listing
from cbc_screen.ingest.long import LongSource
from cbc_screen.ingest.open import MESSAGES, format_of, open_messages, open_table
from cbc_screen.ingest.results import ResultSource
from cbc_screen.ingest.source import ReadOptions, SourceBatch, TableSource
from cbc_screen.ingest.spool import is_pipe, spool_pipe, spool_rows, spool_standard_input
from cbc_screen.knowledge.profiles import LONG_FIELDS, Profile, Shape, find_profile, recognized, require_columns
from cbc_screen.normalize.declared import Declared, declared_units
from cbc_screen.normalize.people import with_sex_letters
from cbc_screen.normalize.person import sex_letters
from cbc_screen.normalize.plain_results import NAME as PLAIN
from cbc_screen.normalize.plain_results import declares_results, plain_results, with_names_of_persons, with_persons
from cbc_screen.normalize.plan import Plan, languages_of, make_plan, with_profile
from cbc_screen.normalize.quoted import QuotedNames
from cbc_screen.normalize.received import PERSON, SOURCE_FILE
from cbc_screen.source import Source
from cbc_screen.vocabulary import STANDARD_STREAM


@dataclass(frozen=True)
class Input:
    """One table to screen: the file it is of (or the files it was collected from), and what its columns mean."""

    files: tuple[SourceFile, ...]
    source: TableSource
    plan: Plan
    wanted: list[str]
    expected: tuple[str, ...] = ()  # analytes that the source's profile says it gives
    profile: Profile | None = None
    beside: tuple[SourceFile, ...] = ()  # what is read besides, such as a table of persons
    persons: bool = False  # whether a table of persons was given with it
    numbers: frozenset[str] = frozenset()  # columns of which nothing but numbers is wanted

    @property
    def name(self) -> str:
        """What to call it."""
        return self.files[0].name if len(self.files) == 1 else f"{len(self.files)} files"

    @property
    def tables(self) -> list[str]:
        """The names of its files that are tables, and no messages."""
        return self.source.table_names if isinstance(self.source, CollectedSource) else [self.name]

    @property
    def given(self) -> Mapping[str, Counter[str]]:
        """How many results of each analyte were collected from each of its files."""
        return self.source.given if isinstance(self.source, CollectedSource) else {}

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(file.size for file in self.files)


def expand(sources: Sequence[str | Path]) -> list[str]:
    """Expand patterns of names, in sorted order; a name that exists is taken as it is."""
    found: list[str] = []
    for source in map(str, sources):
        if source == STANDARD_STREAM or is_named(source) or not glob.has_magic(source):
            found.append(source)
            continue
        names = sorted(glob.glob(source, recursive=True))
        if not names:
            raise UsageError(
                f"the source {source!r} is a pattern that no file matches; check its folder and its quotes"
            )
        found += names
    if not found:
        raise UsageError("no source is named")
    if len(set(found)) != len(found):
        raise UsageError("a source is named twice")
    return found


def is_named(source: str) -> bool:
    """Tell what stands for itself, a file that is there or a database, from a pattern of names."""
    return os.path.exists(source) or address_of(source) is not None


def names_of(source: Source) -> tuple[str, ...]:
    """Return the files of a description, one or several, as names."""
    files = source.files
    if files is None:
        raise UsageError("no file is named: give a path, a list of them, or Source(files)")
    return tuple(map(str, [files] if isinstance(files, str | Path) else files))


def files_of(inputs: Sequence[Input]) -> tuple[SourceFile, ...]:
    """Return every file that is read, each once."""
    every = [file for entry in inputs for file in (*entry.files, *entry.beside)]
    return tuple({file.path: file for file in every}.values())


def sheets_left(inputs: Sequence[Input]) -> tuple[str, ...]:
    """Say which sheets of a workbook have the header of the one that was read, and were not."""
    return tuple(
        f"{entry.name}: {', '.join(map(repr, alike))} have the same or nearly the same columns and were not read; "
        "read each sheet by its name: sheet= (--sheet)"
        for entry in inputs
        if (alike := getattr(entry.source, "alike", ()))
    )


def open_inputs(
    names: Sequence[str],
    folder: Path | None,
    undo: ExitStack,
    opening: Opening,
    keep: Sequence[str] = (),
    notice: Callable[[float], None] | None = None,
) -> list[Input]:
    """Open every input and read its header, so that a fault of the last one is told now.

    Messages and tables of one result a row are collected together: the counts of a person
    may lie in several files.
    """
    streams = Streams(folder, undo, opening.reading)
    shorts = [streams.called(name) for name in names]
    times = Counter(shorts)
    opener = _Opener(opening, keep, streams)
    for name, short in zip(names, shorts, strict=True):
        called = (
            "standard input"
            if name == STANDARD_STREAM
            else _as_text(short if times[short] == 1 or address_of(name) is not None else name)
        )
        try:
            opener.open(streams.path(name), called)
            continue
        except UsageError as problem:
            named = str(problem).startswith((short, f"the source {short!r}"))
            message = str(problem) if named or name == STANDARD_STREAM else f"{short}: {problem}"
        # Outside the except block: nothing of the first error is attached.
        raise UsageError(message)
    return opener.finish(undo, notice)


class Streams:
    """Gives each source a name under which it can be opened more than once."""

    def __init__(self, folder: Path | None, undo: ExitStack, reading: ReadOptions) -> None:
        self._folder, self._undo, self._reading = folder, undo, reading

    def called(self, name: str) -> str:
        """Return the short name of a source; of a database without what may be a password."""
        address = address_of(name)
        if address is None:
            return Path(name).name
        named = asked(address, self._reading.query, self._reading.table)[0]
        return named.called if named.table is not None else f"{named.name}: query"

    def path(self, name: str) -> Path:
        """Return a file's own name, or where what comes through a stream, or of a database, is kept."""
        if name == STANDARD_STREAM:
            return spool_standard_input(self._folder, self._undo)
        if (address := address_of(name)) is not None:
            return self._rows(address, self._reading.query, self._reading.table)
        if self._reading.query is not None or self._reading.table is not None:
            raise UsageError("query and table are of a database: postgresql://USER@HOST/DATABASE, or a file of DuckDB")
        return self.file(Path(name))

    def persons(self, name: str) -> tuple[Path, str]:
        """Return where a table of persons is kept, and what to call it; of a database it is named behind the address."""
        if (address := address_of(name)) is not None:
            return self._rows(address, None, None), address.called
        return self.file(Path(name)), Path(name).name

    def _rows(self, address: Address, query: str | None, table: str | None) -> Path:
        def keep(file: IO[bytes]) -> None:
            keep_rows(address, query, table, file)

        return spool_rows(keep, address.name, self._folder, self._undo)

    def file(self, path: Path) -> Path:
        """Return the name of a file, or where what comes through a named pipe is kept."""
        return spool_pipe(path, self._folder, self._undo) if is_pipe(path) else path


class _Opener:
    """Opens files one after another; those of single results wait for each other."""

    def __init__(
        self,
        opening: Opening,
        keep: Sequence[str],
        streams: Streams,
    ) -> None:
        self._knowledge, self._declared, self._options = opening.knowledge, opening.declared, opening.reading
        self._columns, self._keep, self._streams = opening.columns, keep, streams
        named = opening.reading.profile
        self._profile = find_profile(named, self._knowledge) if named is not None else None
        self._inputs: list[Input] = []
        self._results: list[tuple[SourceFile, Feed]] = []
        self._long: Profile | None = None
        self._beside: list[SourceFile] = []
        language = opening.declared.language
        self._languages: list[str] = [language] if language is not None else []

    def open(self, path: Path, called: str) -> None:
        """Open one file."""
        file = SourceFile(path, called)
        kind = format_of(path, self._options)
        if kind in MESSAGES:
            self._results.append((file, self._feed(called, open_messages(path, kind, self._options))))
            return
        table = open_table(path, kind, self._options)
        profile = self._profile or recognized(table.headers, self._knowledge) or self._plain(table)
        if profile is not None and profile.shape is Shape.MESSAGES:
            raise UsageError("this profile is of messages, and the source is a table")
        if profile is not None and profile.shape is Shape.LONG:
            self._open_long(file, table, profile)
        else:
            self._inputs.append(self._table(file, table, profile))

    def _feed(self, called: str, source: ResultSource) -> Feed:
        """Return messages with what their profile says of local codes, names and units."""
        own = self._profile
        if own is None or own.shape is not Shape.MESSAGES:
            return Feed(called, source)
        units = declared_units(self._knowledge, with_profile(self._knowledge, self._declared, own))
        return Feed(called, source, own.codes, units, own.other_codes, own.names, listed_only=False)

    def _plain(self, table: TableSource) -> Profile | None:
        """Return what a table of one result a row holds, where the caller or the names of its columns say so."""
        if declares_results(self._columns):
            return plain_results(self._knowledge, table.headers, self._columns)
        try:
            plan = make_plan(self._knowledge, table.headers, self._declared)
        except UsageError:
            return None  # two columns of one analyte: told when the table is opened
        if plan.names_counts(self._knowledge) or plan.possible:
            return None
        own = {name: column for name, column in self._columns.items() if name in LONG_FIELDS}
        return plain_results(self._knowledge, table.headers, own) if len(own) == len(self._columns) else None

    def _open_long(self, file: SourceFile, table: TableSource, profile: Profile) -> None:
        if self._long is not None and self._long.id != profile.id:
            raise UsageError("the sources are of two profiles; scan them one by one")
        first, self._long = self._long is None, profile
        persons = self._persons() if first else None
        if persons is not None and not profile.persons:
            headers = [header for header in persons.headers if header]
            profile = with_persons(self._knowledge, profile, headers, self._beside[-1].name)
            if profile.persons_age_unit is not None and self._declared.age_unit not in (None, profile.persons_age_unit):
                called = self._beside[-1].name
                raise UsageError(f"{called}: a column states the unit of the age, and age_unit= declares another")
        elif persons is not None and self._profile is None:
            profile = with_names_of_persons(self._knowledge, profile, [header for header in persons.headers if header])
        own = with_profile(self._knowledge, self._declared, profile)
        self._languages += languages_of(self._knowledge, table.headers, own)
        require_columns(profile, profile.columns, profile.required, table.headers, file.name)
        if persons is not None:
            named, required = profile.persons, profile.persons_required
            require_columns(profile, named, required, persons.headers, self._beside[-1].name)
        source = LongSource(table, profile, self._knowledge, persons)
        units = declared_units(self._knowledge, own)
        # Codes that hold a unit or the name of a vocabulary are of many kinds; a profile cannot list them all.
        listed_only = not profile.code_forms
        feed = Feed(file.name, source, profile.codes, units, profile.other_codes, profile.names, listed_only)
        self._results.append((file, feed))

    def _persons(self) -> TableSource | None:
        """Open the table of persons; a FHIR one is a source of its own."""
        if self._options.persons is None:
            return None
        path, name = self._streams.persons(self._options.persons)
        file = SourceFile(path, _as_text(name))
        kind = detect(path)
        if kind not in MESSAGES:
            self._beside.append(file)
            return open_table(path, kind, ReadOptions(decimal=self._options.decimal))
        self._results.append((file, Feed(file.name, open_messages(path, kind, ReadOptions()))))
        return None

    def _table(self, file: SourceFile, table: TableSource, profile: Profile | None) -> Input:
        declared, columns = self._declared, dict(self._columns)
        if profile is not None:
            declared, columns = of_profile(self._knowledge, declared, profile, table.headers, columns)
        plan = make_plan(self._knowledge, table.headers, declared, columns)
        require_analyte(plan)
        if profile is not None:
            required = profile.required - self._columns.keys()  # what is said here stands before the profile
            require_columns(profile, profile.columns, required, table.headers, file.name)
        return self._input((file,), table, plan, profile)

    def _input(self, files: tuple[SourceFile, ...], table: TableSource, plan: Plan, profile: Profile | None) -> Input:
        for column in self._keep:
            if column not in table.headers:
                of_results = isinstance(table, CollectedSource)
                why = (
                    "; of counts that are collected from single results there are person and collected_at"
                    if of_results
                    else ""
                )
                raise UsageError(
                    f"keep: there is no column {column!r}{did_you_mean(column, self._quoted(table.headers))}{why}"
                )
            if column == SOURCE_FILE and not isinstance(table, CollectedSource):
                # Cells of a source's own column would be shown as the names of its files are.
                raise UsageError(f"keep: {column!r} is the name of a column of the output; rename it in the source")
        which = [SOURCE_FILE] if len(files) > 1 else []
        if isinstance(table, CollectedSource):
            which.append(PERSON)  # whose count it is stays with the row as received
        wanted = list(dict.fromkeys([*plan.columns, *self._keep, *which]))
        expected = profile.expected if profile is not None else ()
        return Input(files, table, plan, wanted, expected, profile or self._profile, tuple(self._beside))

    def _quoted(self, headers: Sequence[str]) -> list[str]:
        """Return the names of columns that a message may name."""
        return QuotedNames(self._knowledge, headers).told()

    def finish(self, undo: ExitStack, notice: Callable[[float], None] | None) -> list[Input]:
        """Collect the results, and return every input."""
        if not self._results:
            if self._options.persons is not None:
                raise UsageError("persons goes with a table of one result a row, or with FHIR")
            return self._inputs
        if self._options.persons is not None and self._long is None:
            self._persons()
        if self._columns and not self._inputs and (self._long is None or self._long.id != PLAIN):
            raise UsageError("columns goes with a table of one count a row; a profile says what other tables hold")
        share_listing([feed.source for _, feed in self._results])
        declared = self._declared_together()
        feeds = [feed for _, feed in self._results]
        languages = tuple(dict.fromkeys(self._languages))
        collected = CollectedSource(feeds, self._knowledge, notice, declared, languages)
        undo.callback(collected.close)
        plan = make_plan(self._knowledge, collected.headers, declared)
        unread = (
            QuotedNames(self._knowledge, table.headers).name(own) for table in collected.tables for own in table.unread
        )
        plan = replace(plan, ignored=tuple(dict.fromkeys(unread)), languages=languages)
        plan = with_sex_letters(plan, sex_letters(collected.sexes, self._knowledge.words), self._knowledge)
        entry = self._input(tuple(file for file, _ in self._results), collected, plan, self._long)
        return [*self._inputs, replace(entry, persons=self._options.persons is not None)]

    def _declared_together(self) -> Declared:
        """Return how the texts of all results are read: units and codes are known by source already."""
        if self._long is None:
            if self._profile is None or self._inputs:
                return self._declared
            if self._profile.shape is not Shape.MESSAGES:
                raise UsageError("a profile is of tables, unless it says shape: messages (docs/reading.md)")
            own = with_profile(self._knowledge, self._declared, self._profile)
            return replace(own, units=self._declared.units, system=self._declared.system)
        own = with_profile(self._knowledge, self._declared, self._long)
        texts = replace(
            own,
            units=self._declared.units,
            system=self._declared.system,
            sex_codes=self._declared.sex_codes,
            language=self._declared.language,
        )
        messages = any(not isinstance(feed.source, LongSource) for _, feed in self._results)
        if messages and texts != self._declared:
            raise UsageError(
                "the profile declares how numbers or dates are written; scan its tables apart from messages"
            )
        return texts


def _as_text(name: str) -> str:
    """Return a file name as text that every output can hold, whatever its bytes."""
    return name.encode("utf-8", "replace").decode("utf-8")


def all_batches(inputs: Sequence[Input], keep: frozenset[str]) -> Iterator[tuple[Input, SourceBatch]]:
    """Yield the batches of every input in order; `share` is that of all inputs together."""
    total = sum(entry.size for entry in inputs) or 1
    before = 0
    for entry in inputs:
        for batch in entry.source.batches(entry.wanted, keep, entry.numbers):
            share = (before + batch.share * entry.size) / total
            yield entry, SourceBatch(batch.columns, batch.lines, batch.content, batch.rejected, share)
        before += entry.size
