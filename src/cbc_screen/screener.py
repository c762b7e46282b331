"""Screener: one configuration, compiled once; the same answers through every door (one file: one public class, most of it what its users read)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from cbc_screen.engines.kept_kernel import record_kernel
from cbc_screen.errors import RecordError, UsageError
from cbc_screen.kernel.configuration import Configuration
from cbc_screen.kernel.one_record import RecordKernel
from cbc_screen.knowledge.loaded import load_measures
from cbc_screen.knowledge.measures import Measures
from cbc_screen.normalize.declared import Declared, make_declared, parse_adjust, parse_setting, with_spellings
from cbc_screen.normalize.record import RecordNormalizer
from cbc_screen.option_types import require_types
from cbc_screen.record import CBCRecord
from cbc_screen.report.answer import answer
from cbc_screen.report.units import TextUnits, text_units
from cbc_screen.result import ScreeningResult
from cbc_screen.screener_options import ArrowStream, Frame
from cbc_screen.source import Files, Source, SourceOptions, UnitSystem, source_of
from cbc_screen.vocabulary import Adjust, AdjustWord, DefinitionId, SchemeId, Setting, SettingWord, TextUnitSystem

if TYPE_CHECKING:
    from cbc_screen.engines.each_count import ScreenedCounts
    from cbc_screen.engines.frames import Engine
    from cbc_screen.engines.opening import Opening
    from cbc_screen.kernel.published import PublishedSets
    from cbc_screen.kernel.screen import Kernel
    from cbc_screen.knowledge import Knowledge
    from cbc_screen.report.audit import Audit
    from cbc_screen.report.build import ResultBuilder
    from cbc_screen.serial.scanned import FollowedRows
    from cbc_screen.summary import ScanSummary
    from cbc_screen.time_course import Timeline
    from cbc_screen.with_history import Screens


@dataclass(frozen=True)
class Screener:
    """An immutable, reusable, thread-safe and picklable screener.

    Parameters
    ----------
    ranges : str
        A named set of reference ranges ("default" is the default set with its pregnancy
        rows), or the path of your own set in the same format; see `Knowledge.intervals`
        for how a set is laid over the default.
    definition : str
        When a line is low: "reference" (below the reference range), "clinical", "mds",
        "strict" or "aplastic" (`reference_ranges/definitions.yaml`).
    grading : str
        The grading scheme: "clinical", "who_2024", "who_2011", "ctcae_v4", "ctcae_v5",
        "ctcae_v6" or "daids_v2_1".
    prefer_reported_ranges : bool
        Use a range that came with a result, where it is sane.
    rules : str
        "default" for the shipped guards, review triggers and published cut-offs, or the path
        of your own YAML file that chooses policies, changes or adds rules, or switches some
        off (docs/knowledge.md).
    adjust_hemoglobin : tuple of "elevation" and "smoking"
        Lower hemoglobin before a WHO cut-off is applied, by the guideline's table, for what
        each record states (`elevation`, `cigarettes_per_day`, the finding `smoker`). What is
        asked for and not stated is unknown. The unadjusted grade is given beside.
    units : "us", "si" or mapping, optional
        What bare numbers are in: a system, or analyte to unit. A mapping may also hold
        "system", and "hemoglobin_mmol": "monomer" or "tetramer". Nothing is guessed.
    text_units : "si" or "us"
        The units of texts, pages and figures; values in results stay in canonical units.
    unit_spellings : mapping of spelling to unit, optional
        How a source writes units that are in no table: {"x10(3)": "10^3/uL"}. A spelling that is known
        keeps its meaning.
    published_sets : bool
        Also say of each line in which of the published sets that cover the person it is low (docs/sets.md); no flag
        changes.
    setting : "primary_care", "ward" or "marrow_clinic", and "endemic_area"
        Where the counts come from: moves starting tiers of the checklist by one at most (docs/setting.md). It is stated and
        never told from the data; nothing time-critical leaves the front for it.

    Raises
    ------
    UsageError
        If a set, definition, scheme, adjustment, setting or unit is not known.
    KnowledgeError
        If your own set or rules have a fault; it names file, line and key.

    Examples
    --------
    >>> screener = Screener(definition="clinical")
    >>> result = screener.screen({"age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL",
    ...     "neutrophils": "0.9 10^9/L", "platelets": "<10 10^9/L"})
    >>> result.pattern.value, result.lines_low_min
    ('pancytopenia', 3)
    """

    ranges: str = "default"
    definition: DefinitionId = "reference"
    grading: SchemeId = "clinical"
    prefer_reported_ranges: bool = True
    units: UnitSystem | Mapping[str, str] | None = field(default=None, hash=False)
    rules: str = "default"
    adjust_hemoglobin: Sequence[Adjust | AdjustWord] = ()
    text_units: TextUnitSystem = "si"
    unit_spellings: Mapping[str, str] | None = field(default=None, hash=False)
    published_sets: bool = False
    setting: SettingWord | Sequence[Setting | SettingWord] = ()

    def __post_init__(self) -> None:
        require_types({name: getattr(self, name) for name in self.__dataclass_fields__})
        object.__setattr__(self, "ranges", os.fspath(self.ranges))
        object.__setattr__(self, "rules", os.fspath(self.rules))
        object.__setattr__(self, "adjust_hemoglobin", parse_adjust(self.adjust_hemoglobin))
        object.__setattr__(self, "setting", parse_setting(self.setting))
        if self._chosen != Configuration():  # the shipped choices are known to stand
            self._check()
        self._declare()
        _ = self._texts, self._measures

    def _check(self) -> None:
        """Refuse a name that is not known, a file with a fault, and an adjustment of no effect."""
        knowledge = self._knowledge
        knowledge.intervals(self.ranges)
        knowledge.definition(self.definition)
        knowledge.scheme(self.grading)
        knowledge.checks_of(self.rules)
        knowledge.check_setting(parse_setting(self.setting))
        if self.adjust_hemoglobin:
            _ = self.kernel

    def __reduce__(self) -> tuple[type[Screener], tuple[Any, ...]]:
        return type(self), tuple(getattr(self, name) for name in self.__dataclass_fields__)

    @property
    def _knowledge(self) -> Knowledge:
        from cbc_screen.knowledge import load_knowledge

        return load_knowledge()

    @cached_property
    def _measures(self) -> Measures:
        """The tables by which results are read, with the caller's spellings of units."""
        return with_spellings(load_measures(), self.unit_spellings or {})

    @property
    def _chosen(self) -> Configuration:
        return Configuration(
            self.ranges,
            self.definition,
            self.grading,
            self.rules,
            parse_adjust(self.adjust_hemoglobin),
            setting=parse_setting(self.setting),
        )

    @cached_property
    def _configuration(self) -> Configuration:
        return self._stamped(self._chosen)

    def _stamped(self, chosen: Configuration) -> Configuration:
        """Return a configuration with what the tables it names are known by."""
        if chosen == Configuration():
            return chosen
        return replace(chosen, stamp=self._knowledge.stamp(self.ranges, self.rules))

    @cached_property
    def kernel(self) -> Kernel:
        """The compiled kernel of this configuration."""
        from cbc_screen.kernel.configure import build_kernel

        return build_kernel(self._knowledge, self._configuration)

    @cached_property
    def _record_kernel(self) -> RecordKernel:
        return record_kernel(self._configuration)

    @cached_property
    def _normalizer(self) -> RecordNormalizer:
        return RecordNormalizer(self._measures, self._declare())

    @cached_property
    def _builder(self) -> ResultBuilder:
        from cbc_screen.report.build import ResultBuilder

        return ResultBuilder(self._knowledge, self.kernel, self.ranges, self.rules, self._texts, self._published)

    @cached_property
    def _published(self) -> PublishedSets | None:
        if not self.published_sets:
            return None
        from cbc_screen.kernel.published import build_published

        return build_published(self._knowledge, self._configuration)

    @property
    def _texts(self) -> TextUnits:
        return text_units(self.text_units)

    def screen(
        self,
        record: CBCRecord | Mapping[str, Any],
        *,
        compact: bool = False,
        history: Sequence[CBCRecord | Mapping[str, Any]] = (),
    ) -> ScreeningResult:
        """Screen one record.

        Parameters
        ----------
        record : CBCRecord or mapping
            See `CBCRecord`; {"age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL"}. Or a row under the names that the columns of
            a frame have, where all of them are read: {"Age": "54 y", "Sex": "F", "HGB (g/dL)": 9.1}.
        compact : bool
            Leave the texts of the checklist and the sources out.
        history : sequence of records
            Earlier counts of the same person, in any order, each with `collected_at`, as the record itself. The checklist and the
            urgency then know what lasts, falls or rises (docs/follow.md), and `result.history` says what was used. Nothing is
            told across counts that differ in sex, birth date or age. Without it nothing is known of time.

        Returns
        -------
        ScreeningResult

        Raises
        ------
        RecordError
            If the record has an unknown field or a wrong type. A result that cannot be
            read is no error: it is unknown, with a reason.

        Examples
        --------
        >>> woman = {"age": "61 y", "sex": "F", "context": {"bleeding": "present"}}
        >>> before = {**woman, "collected_at": "2024-05-01", "hemoglobin": "131 g/L"}
        >>> now = {**woman, "collected_at": "2024-05-03", "hemoglobin": "104 g/L"}
        >>> Screener().screen(now).urgency.value, Screener().screen(now, history=[before]).urgency.value
        ('prompt', 'immediate')
        """
        if history:
            return self._screen_with_history(history, record, compact=compact)
        if isinstance(record, Mapping):
            if not record.keys() <= CBCRecord.model_fields.keys():
                named = self._screen_named(record)
                if named is not None:
                    return named
            record = CBCRecord.model_validate(dict(record))
        elif not isinstance(record, CBCRecord):
            raise RecordError("screen takes a CBCRecord or a mapping of its fields")
        return self.screen_declared(record, self._normalizer, compact=compact)

    def screen_declared(
        self, record: CBCRecord, normalizer: RecordNormalizer, *, compact: bool = False
    ) -> ScreeningResult:
        """Screen a record whose texts are read as a source declares them; see `screen`."""
        normalized = normalizer.normalize(record, use_reported=self.prefer_reported_ranges)
        one = self._record_kernel.screen_one(
            normalized.inputs, normalized.person, normalized.scope, normalized.reported
        )
        return answer(
            one,
            lambda: self._builder.rest(record, normalized, one, compact=compact),
            lambda checklist: self._builder.columns(normalized, one, checklist=checklist),
        )

    @cached_property
    def engine(self) -> Engine:
        """What tables are screened with: this configuration, compiled, and in words."""
        from cbc_screen.engines.frames import Engine

        described = {
            "ranges": self.ranges,
            "definition": self.definition,
            "grading": self.grading,
            "rules": self.rules,
            "own_files": self._knowledge.stamp(self.ranges, self.rules),
            "prefer_reported_ranges": self.prefer_reported_ranges,
            "adjust_hemoglobin": list(self.adjust_hemoglobin),
        }
        described["published_sets"] = self.published_sets
        if self.setting:
            described["setting"] = list(self.setting)
        knowledge = with_spellings(self._knowledge, self.unit_spellings or {})
        described["unit_spellings"] = dict(self.unit_spellings or {})
        return Engine(knowledge, self.kernel, self.ranges, self.prefer_reported_ranges, described, self._published)

    def _declare(self) -> Declared:
        """Return what is declared of records: units and adjustments of this screener."""
        return make_declared(self._measures, units=self.units, adjust=parse_adjust(self.adjust_hemoglobin))

    def _opening(self, source: Source) -> Opening:
        """Return how a source is opened, with the units and adjustments of this screener."""
        from cbc_screen.engines.opening import opening_of

        adjust = parse_adjust(self.adjust_hemoglobin)
        return opening_of(source, self.engine.knowledge, units=self.units, adjust=adjust)

    @overload
    def screen_frame(
        self, frame: Frame, source: Source | None = None, *, detail: bool = False, **options: Unpack[SourceOptions]
    ) -> Frame: ...
    @overload
    def screen_frame(
        self,
        frame: ArrowStream,
        source: Source | None = None,
        *,
        detail: bool = False,
        **options: Unpack[SourceOptions],
    ) -> Any: ...
    def screen_frame(
        self, frame: Any, source: Source | None = None, *, detail: bool = False, **options: Unpack[SourceOptions]
    ) -> Any:
        """Screen a frame of one blood count a row.

        Parameters
        ----------
        frame : pandas.DataFrame; polars.DataFrame or LazyFrame; pyarrow.Table, RecordBatch or RecordBatchReader; a relation of DuckDB
            Or whatever else gives an Arrow stream. Columns are found by exact name ("Hb", "HGB (g/dL)", "platelets",
            "platelets_unit", "age", "sex", ...). A lazy frame is collected and a reader read to its end, for letters for
            sex and doubtful units are told from all rows; `scan` is for what memory cannot hold.
        source : Source, optional
            What the columns hold; without `columns` and a profile a known table is recognized by its names.
        detail : bool
            Also return the values used (derived ones too), the limits used and their set.
        options
            Fields of `Source` by their names: `columns`, `units`, `age_unit`, `sex_codes`, `decimal`, `date_format`,
            `language`, `profile`, `accept_units`, ...

        Returns
        -------
        The same kind of frame (of another producer of Arrow a pyarrow.Table), in the same row order and with the same index:
        the flag columns.

        Raises
        ------
        UsageError
            If an option is none, two columns read as one analyte, or no analyte is found.

        Examples
        --------
        >>> import cbc_screen as cbc
        >>> counts = cbc.sample()
        >>> flags = Screener(definition="strict").screen_frame(counts)
        >>> len(flags) == len(counts), bool((flags["severity"] >= "severe").any())
        (True, True)
        """
        from cbc_screen.engines.frames import screen_frame

        return screen_frame(self.engine, frame, self._opening(source_of(source, options)), detail=detail)

    def _screen_with_history(
        self, history: Sequence[CBCRecord | Mapping[str, Any]], record: CBCRecord | Mapping[str, Any], *, compact: bool
    ) -> ScreeningResult:
        from cbc_screen.with_history import screen_with_history

        if isinstance(history, Mapping | CBCRecord | str) or not isinstance(history, Iterable):
            raise RecordError("history takes a sequence of records; give one earlier count as [record]")
        earlier = [self._read(one, f"history[{place}]: ") for place, one in enumerate(history)]
        return screen_with_history([*earlier, self._read(record)], self._screens, compact=compact)

    @cached_property
    def _screens(self) -> Screens:
        from cbc_screen.with_history import Screens

        timed = replace(self._configuration, history=True)
        return Screens(
            knowledge=self._knowledge,
            definition=self.definition,
            alone=self.kernel,
            timed=self._with_history,
            record_kernel=lambda known: record_kernel(timed if known else self._configuration),
            builder=lambda known: self._timed_builder if known else self._builder,
            use_reported=self.prefer_reported_ranges,
        )

    def _read(self, record: CBCRecord | Mapping[str, Any], at: str = "") -> tuple[CBCRecord, RecordNormalizer]:
        """Return a record, and what reads its texts; its names may be those of columns. Errors say which record it is (`at`)."""
        try:
            return self._read_one(record)
        except RecordError as error:
            problem = str(error)
        raise RecordError(f"{at}{problem}")

    def _read_one(self, record: CBCRecord | Mapping[str, Any]) -> tuple[CBCRecord, RecordNormalizer]:
        if isinstance(record, CBCRecord):
            return record, self._normalizer
        if not isinstance(record, Mapping):
            raise RecordError("screen takes a CBCRecord or a mapping of its fields")
        if not record.keys() <= CBCRecord.model_fields.keys():
            from cbc_screen.engines.one_row import read_named

            named = read_named(self.engine, record, self._opening(Source()))
            if named is not None:
                return named
        return CBCRecord.model_validate(dict(record)), self._normalizer

    @cached_property
    def _timed_builder(self) -> ResultBuilder:
        from cbc_screen.report.build import ResultBuilder

        return ResultBuilder(self._knowledge, self._with_history, self.ranges, self.rules, self._texts)

    def _screen_named(self, record: Mapping[str, Any]) -> ScreeningResult | None:
        from cbc_screen.engines.one_row import screen_named

        return screen_named(self, self.engine, record, self._opening(Source()))

    def explain(
        self,
        frame: Any,
        row: int,
        source: Source | None = None,
        *,
        history: bool = False,
        person: str | None = None,
        **options: Unpack[SourceOptions],
    ) -> ScreeningResult:
        """Return the whole result of one row of a frame: what its flags are made of, from text to limit.

        Parameters
        ----------
        frame, source, options
            As in `screen_frame`, so that the row means what it means among the others.
        row : int
            Its place in the frame, from 0; -1 is the last.
        history : bool
            The other counts of the same person in the frame take part as far as they were taken before, as in `screen`;
            `result.history` says what was used. The answers may then differ from the flags of the row.
        person : str, optional
            The column that says whose each row is, for `history`; without it one that is known by its name.

        Returns
        -------
        ScreeningResult
            Its flags are those of `screen_frame` for the row. `print(result.explain())` gives the chain as text; a notebook shows
            it as a page.

        Raises
        ------
        UsageError
            If there is no such row, or as in `screen_frame`.

        Examples
        --------
        >>> import pandas as pd
        >>> counts = pd.DataFrame({"age": ["54 y", "30 y"], "sex": ["F", "M"], "HGB (g/dL)": [9.1, 15.0]})
        >>> result = Screener().explain(counts, 0)
        >>> result.analytes[0].received, result.analytes[0].unit_declared, result.lines[0].state.value
        ('9.1', 'g/dL', 'low')
        """
        from cbc_screen.engines.one_row import explain_row, record_of_row

        opening = self._opening(source_of(source, options))
        if not history:
            return explain_row(self, self.engine, frame, row, opening)
        from cbc_screen.serial.one_row import rows_of_person
        from cbc_screen.with_history import screen_with_history

        ready, rows = rows_of_person(self.engine, frame, row, opening, person)
        return screen_with_history([record_of_row(ready, own) for own in rows], self._screens, compact=False)

    def screen_each(self, source: Files | Source, **options: Unpack[SourceOptions]) -> ScreenedCounts:
        """Screen each count of a source, with its whole result; for few counts, such as those of one message.

        Parameters
        ----------
        source, options
            As in `scan`: any file that is read, with the fields of `Source` by their names.

        Returns
        -------
        ScreenedCounts
            `counts` in the order of the source, each with line, person and `ScreeningResult`, the flags of which are
            those of `scan`; `rejected` with reasons; and the account of both.

        Raises
        ------
        UsageError
            As in `scan`.

        Examples
        --------
        >>> from cbc_screen.demo import write_demo
        >>> import tempfile, pathlib
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "export.csv"
        >>> write_demo(file, ordinary=3)
        >>> found = Screener().screen_each(file)
        >>> found.rows_in == len(found.counts) + found.rejected_rows, found.counts[0].result.notice
        (True, 'For clinician review. Not a diagnosis.')
        """
        from cbc_screen.engines.each_count import screen_counts
        from cbc_screen.engines.inputs import names_of

        described = source_of(source, options)
        return screen_counts(self, self.engine, names_of(described), self._opening(described))

    def follow(
        self,
        source: Any,
        *,
        person: str | None = None,
        laboratory: str | None = None,
        each_count: bool = False,
        **options: Unpack[SourceOptions],
    ) -> Any:
        """Follow the counts of each person: what lasts, what changed, where it goes.

        Parameters
        ----------
        source : a frame as in `screen_frame`; or path, pattern, list of them, or `Source`
            One count a row, as in `screen_frame`, with a column that says whose it is and one of collection times. Files
            are read as by `read`, all in memory.
        person : str, optional
            The column that says whose each row is; found by its name ("patient_id", "MRN", ...) where it is not given.
        laboratory : str, optional
            The column of the laboratory: a difference across a change of it is not told as a change of the person.
        each_count : bool
            One row a count, in the order given, in place of one row a person.
        options
            Fields of `Source` by their names.

        Returns
        -------
        The same kind of frame; pandas for files, with `attrs["rejected"]` as of `read`. One row a person, in the order in
        which they come (docs/follow.md names the columns), the rows that no person is named for together in the last one.
        With `each_count` one row a count: `<analyte>_change` ("none", "up", "down", "cannot_tell", "not_assessed")
        against the person's count before that has a result of it, `identity_checks`, `previous_row` and `reasons`.
        Rows are places in the frame, from 0; of files there is also `row`, the line.

        Raises
        ------
        UsageError
            If no column says whose each row is, a named column is not there, or no analyte is found.

        Examples
        --------
        >>> import pandas as pd
        >>> counts = pd.DataFrame({"person": ["a", "a", "a"], "age": ["54 y"] * 3, "sex": ["F"] * 3,
        ...     "collected_at": ["2024-01-05", "2024-03-01", "2024-06-20"], "PLT (10^9/L)": [140, 120, 90]})
        >>> found = Screener().follow(counts)
        >>> found["platelet_persistence"][0], found["platelet_trend"][0]
        ('persistent_4_months', 'falling')
        >>> list(Screener().follow(counts, each_count=True)["platelets_change"])
        ['not_assessed', 'none', 'down']
        """
        from cbc_screen.engines.inputs import names_of
        from cbc_screen.serial.follow import FollowRequest, follow_files, follow_frame

        request = FollowRequest(person, laboratory, each_count)
        if isinstance(source, str | Path | list | tuple | Source):
            described = source_of(source, options)
            opening = self._opening(described)
            return follow_files(
                self.engine, self.follow_kernels, self.definition, names_of(described), opening, request
            )
        opening = self._opening(source_of(None, options))
        return follow_frame(self.engine, self.follow_kernels, self.definition, source, opening, request)

    def timeline(
        self,
        frame: Any,
        key: object,
        analyte: str,
        *,
        person: str | None = None,
        laboratory: str | None = None,
        **options: Unpack[SourceOptions],
    ) -> Timeline:
        """Return one analyte of one person over time, which `plot` draws.

        Parameters
        ----------
        frame, person, laboratory, options
            As in `follow`.
        key : the value of the person's column
        analyte : str
            For example "platelets".

        Returns
        -------
        Timeline, in canonical units

        Raises
        ------
        UsageError
            If no row is of the person, the analyte is not followed, or rows of two persons stand under the key.

        Examples
        --------
        >>> import pandas as pd
        >>> counts = pd.DataFrame({"person": ["a", "a", "a"], "age": ["54 y"] * 3, "sex": ["F"] * 3,
        ...     "collected_at": ["2024-01-05", "2024-03-01", "2024-06-20"], "PLT (10^9/L)": [140, 120, 90]})
        >>> line = Screener().timeline(counts, "a", "platelets")
        >>> line.verdict, line.points[0].lower_limit
        ('platelet line: low; persistence: persistent 4 months; trend: falling', 157.0)
        """
        from cbc_screen.serial.follow import FollowRequest, timeline_frame

        request, opening = FollowRequest(person, laboratory), self._opening(source_of(None, options))
        return timeline_frame(self.engine, self.follow_kernels, self.definition, frame, opening, request)(key, analyte)

    @cached_property
    def follow_kernels(self) -> dict[str, Kernel]:
        """The kernel of each definition that the rules of serial counts name, and of this screener's own, twice: with history."""
        from cbc_screen.kernel.configure import build_kernel
        from cbc_screen.knowledge.serial import load_serial
        from cbc_screen.serial.follow import WITH_HISTORY

        needed = {rule.definition for rule in load_serial().count_sets if rule.definition is not None}
        kernels = {
            name: build_kernel(self._knowledge, self._stamped(replace(self._chosen, definition=name)))
            for name in sorted(needed - {self.definition})
        }
        kernels[self.definition] = self.kernel
        kernels[WITH_HISTORY] = self._with_history
        return kernels

    @cached_property
    def _with_history(self) -> Kernel:
        """The compiled kernel of this configuration with the rules that ask for earlier counts."""
        from cbc_screen.kernel.configure import build_kernel

        return build_kernel(self._knowledge, replace(self._configuration, history=True))

    def _followed_rows(self, person: str | None, laboratory: str | None) -> FollowedRows:
        from cbc_screen.serial.scanned import FollowedRows

        return FollowedRows(self.follow_kernels, self.definition, person, laboratory)

    def audit(self, source: Any, **options: Unpack[SourceOptions]) -> Audit:
        """Hold a sender's flags, ranges and units against its values and against each other.

        Parameters
        ----------
        source : path, pattern, list of them, `Source`, or a frame of one count a row
            A frame has flags in `<analyte>_flag` and limits in `<analyte>_lower` and `<analyte>_upper`.
        options
            Fields of `Source` by their names.

        Returns
        -------
        Audit, with a table of findings, one of counts by analyte, and one of the ranges that came along.

        Raises
        ------
        UsageError
            If nothing reads as a result, or no result has a flag or a range.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"age": ["54 y"], "sex": ["F"], "PLT (10^9/L)": [250], "platelets_flag": ["L"],
        ...     "platelets_lower": [150], "platelets_upper": [400]})
        >>> list(Screener().audit(frame).findings["finding"])
        ['flag_low_not_low']
        """
        from cbc_screen.engines.inputs import names_of
        from cbc_screen.verify.audited import audit_files, audit_frame
        from cbc_screen.verify.tables import tables_of

        if isinstance(source, str | Path | list | tuple | Source):
            described = source_of(source, options)
            return tables_of(audit_files(self.engine, names_of(described), self._opening(described)))
        return tables_of(audit_frame(self.engine, source, self._opening(source_of(None, options))))

    def scan(
        self,
        source: Files | Source,
        out: str | Path | None = None,
        rejects: str | Path | None = None,
        *,
        force: bool = False,
        resume: bool = False,
        packed: bool = False,
        received: bool = False,
        report: str | Path | None = None,
        keep: Sequence[str] | None = None,
        detail: bool = False,
        progress: Callable[[int, float], None] | None = None,
        summary: str | Path | None = None,
        out_format: Literal["csv", "ndjson", "fhir"] | None = None,
        workers: int | None = None,
        previous: str | Path | None = None,
        follow: bool = False,
        person: str | None = None,
        laboratory: str | None = None,
        options_file: str | Path | None = None,
        **options: Unpack[SourceOptions],
    ) -> ScanSummary:
        """Screen files of blood counts, in bounded memory.

        Parameters
        ----------
        source : path, pattern such as "2024-*.csv", "-" (standard input), a list of them, or `Source`
            One count a row: CSV or TSV, NDJSON (both also .gz, .zst, .xz and .bz2), Parquet, Excel (.xlsx)
            or SAS transport (.xpt). One result a row, as its columns or a profile say. HL7 v2 ORU messages, ASTM E1394
            (LIS2-A2), FHIR resources as JSON, NDJSON or XML, or C-CDA documents. Of several files each row says which
            one it is of; results of one person and collection are one row. Or the address of a database, with `query` or
            `table`.
        out : path, "-" (standard output), or address of a database with ?table=NAME, optional
            Flags into a new table (docs/databases.md), or a file, by ending: .parquet, .csv or .ndjson (these two also .gz and .zst). Written
            under another name and renamed when whole. A manifest is written beside it:
            hashes of the inputs, options, versions and counts.
        rejects : path, optional
            CSV of rejected rows: line, reason, content as received.
        force : bool
            Overwrite existing outputs.
        resume : bool
            Go on with a scan to the same output that was broken off, even by kill -9; the
            outputs are the same bytes as without the break.
        packed : bool
            Leave the flags as bits, for the largest scans; `read_flags` words them.
        received : bool
            Carry the cells of each row as received, in a column `received`, so that `explain`
            and the pages of a report can show and redo every answer.
        report : path, optional
            Also write the worklist (.html) of a scan to Parquet; carries `received`.
        keep : list of column names, optional
            Columns of the input to carry into the output, such as a sample number.
        detail : bool
            As in `screen_frame`.
        progress : function of (rows, share of the input), optional
        summary : path, optional
            The summary, as JSON.
        out_format : "csv", "ndjson" or "fhir", optional
            Of standard output; "fhir" is one derived Observation a line, to a .ndjson file too (docs/fhir.md).
        workers : int, optional
            Threads that screen: one or two, as the machine has cores. Each takes 30 to 45 MB;
            the flags are the same with any number.
        previous : path, optional
            Manifest of an earlier scan of the same source: an analyte that is missing now, or
            has fallen by half, is named in the summary's `vanished`.
        follow : bool
            Beside the flags, what changed since the person's count before, as `follow(each_count=True)` says it:
            `<analyte>_change`, `identity_checks`, `previous_row` (its line) and `follow_reasons`. The source is read
            twice more; on the disk it takes what is read of it, and some thirty bytes a row.
        person, laboratory : str, optional
            As in `follow`.
        options_file : path, optional
            The file that these options were read from, to be named in the summary and the manifest; it is not read.
        options
            Fields of `Source` by their names.

        Returns
        -------
        ScanSummary, whose `rows_in` is `screened + rejected`.

        Raises
        ------
        UsageError
            If the file is not what it says, has no analyte, an option is none, or an output exists.

        Examples
        --------
        >>> import tempfile
        >>> import cbc_screen as cbc
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = cbc.sample().to_csv(f"{folder}/counts.csv", index=False)
        ...     summary = Screener().scan(f"{folder}/counts.csv", f"{folder}/flags.parquet", keep=["Sample"])
        ...     kept = "Sample" in cbc.read_flags(f"{folder}/flags.parquet").columns
        >>> summary.rows_in, summary.screened, summary.rejected, kept
        (142, 141, 1, True)
        """
        from cbc_screen.databases.address import address_of
        from cbc_screen.engines.inputs import names_of
        from cbc_screen.engines.monitor import previous_counts
        from cbc_screen.engines.request import ScanRequest
        from cbc_screen.engines.rescreen import FlagFile
        from cbc_screen.engines.stream import scan_file
        from cbc_screen.engines.worklist import check_worklist, write_worklist

        if packed and self.published_sets:
            raise UsageError("packed: packed flags do not hold published_sets; ask for one of the two")
        described = source_of(source, options)
        table = address_of(out) if out is not None else None
        request = ScanRequest(
            sources=names_of(described),
            out=Path(out) if out is not None and table is None else None,
            out_table=table,
            rejects=Path(rejects) if rejects is not None else None,
            force=force,
            keep=tuple(dict.fromkeys(keep or ())),
            detail=detail,
            summary=Path(summary) if summary is not None else None,
            out_format=out_format,
            resume=resume,
            packed=packed,
            received=received or report is not None,
            previous=previous_counts(previous) if previous is not None else None,
            text_units=self.text_units,
            follow=follow,
            person=person,
            laboratory=laboratory,
            options_file=str(options_file) if options_file is not None else None,
        )
        opening = self._opening(described)
        beside = self._followed_rows(person, laboratory) if follow else None
        if not follow and (person is not None or laboratory is not None):
            raise UsageError("person and laboratory go with follow=True (--follow)")
        if report is None:
            return scan_file(self.engine, request, opening, progress, workers, beside)
        if request.file is None or request.file.suffix.lower() != ".parquet":
            raise UsageError("report is made of a .parquet output (-o flags.parquet)")
        if Path(report).resolve() in {
            path.resolve() for path in (request.file, request.rejects, request.summary) if path
        }:
            raise UsageError("out, rejects, summary and report must be different files")
        check_worklist(Path(report), force=force or resume)
        found = scan_file(self.engine, request, opening, progress, workers, beside)
        flags = FlagFile(request.file, Screener, text_units=self.text_units)
        write_worklist(flags, Path(report), force=force or resume, progress=progress)
        return found
