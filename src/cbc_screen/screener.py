"""Screener: one configuration, compiled once; the same answers through every door."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbc_screen.errors import RecordError, UsageError
from cbc_screen.kernel.ready import Configuration, record_kernel
from cbc_screen.kernel.record import RecordKernel
from cbc_screen.knowledge.measures import Measures, load_measures
from cbc_screen.normalize.declared import Declared, make_declared, parse_adjust, with_spellings
from cbc_screen.normalize.record import RecordNormalizer
from cbc_screen.normalize.suspect import parse_accepted
from cbc_screen.record import CBCRecord
from cbc_screen.report.answer import answer
from cbc_screen.report.units import TextUnits, text_units
from cbc_screen.result import ScreeningResult
from cbc_screen.vocabulary import Adjust

if TYPE_CHECKING:
    from cbc_screen.engines.frames import Engine
    from cbc_screen.ingest.source import ReadOptions
    from cbc_screen.kernel.screen import Kernel
    from cbc_screen.knowledge import Knowledge
    from cbc_screen.report.build import ResultBuilder
    from cbc_screen.serial.follow import Request
    from cbc_screen.summary import ScanSummary
    from cbc_screen.time_course import Timeline
    from cbc_screen.verify.audit import Audit


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

    Raises
    ------
    UsageError
        If a set, definition, scheme, adjustment or unit is not known.
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
    definition: str = "reference"
    grading: str = "clinical"
    prefer_reported_ranges: bool = True
    units: str | Mapping[str, str] | None = field(default=None, hash=False)
    rules: str = "default"
    adjust_hemoglobin: tuple[Adjust, ...] | tuple[str, ...] = ()
    text_units: str = "si"
    unit_spellings: Mapping[str, str] | None = field(default=None, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "adjust_hemoglobin", parse_adjust(self.adjust_hemoglobin))
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
            self.ranges, self.definition, self.grading, self.rules, parse_adjust(self.adjust_hemoglobin)
        )

    @cached_property
    def _configuration(self) -> Configuration:
        chosen = self._chosen
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

        return ResultBuilder(self._knowledge, self.kernel, self.ranges, self.rules, self._texts)

    @property
    def _texts(self) -> TextUnits:
        return text_units(self.text_units)

    def screen(self, record: CBCRecord | Mapping[str, Any], *, compact: bool = False) -> ScreeningResult:
        """Screen one record.

        Parameters
        ----------
        record : CBCRecord or mapping
            See `CBCRecord`; {"age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL"}.
        compact : bool
            Leave the texts of the checklist and the sources out.

        Returns
        -------
        ScreeningResult

        Raises
        ------
        RecordError
            If the record has an unknown field or a wrong type. A result that cannot be
            read is no error: it is unknown, with a reason.
        """
        if isinstance(record, Mapping):
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
            lambda: self._builder.columns(normalized, one),
        )

    @cached_property
    def _engine(self) -> Engine:
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
        knowledge = with_spellings(self._knowledge, self.unit_spellings or {})
        described["unit_spellings"] = dict(self.unit_spellings or {})
        return Engine(knowledge, self.kernel, self.ranges, self.prefer_reported_ranges, described)

    def _declare(self, **formats: Any) -> Declared:
        """Return what is declared of a source: units and adjustments of this screener, and formats."""
        adjust = parse_adjust(self.adjust_hemoglobin)
        return make_declared(self._measures, units=self.units, adjust=adjust, **formats)

    def screen_frame(
        self,
        frame: Any,
        *,
        columns: Mapping[str, str] | None = None,
        detail: bool = False,
        age_unit: str | None = None,
        sex_codes: Mapping[str, str] | None = None,
        pregnancy_codes: Mapping[str, str] | None = None,
        decimal: str = ".",
        thousands: str = "",
        date_format: str | Mapping[str, str] | None = None,
        profile: str | None = None,
        accept_units: str | Sequence[str] = (),
    ) -> Any:
        """Screen a frame of one blood count a row.

        Parameters
        ----------
        frame : pandas.DataFrame, pyarrow.Table or polars.DataFrame
            Columns are found by exact name ("Hb", "HGB (g/dL)", "platelets",
            "platelets_unit", "age", "sex", ...).
        columns : mapping of field to column, optional
            For names that are not known: {"hemoglobin": "LBXHGB"}.
        detail : bool
            Also return the values used (derived ones too), the limits used and their set.
        age_unit : "y", "mo", "wk", "d" or "h", optional
            What a bare number in the age column is.
        sex_codes, pregnancy_codes : mapping of code to word, optional
            {"1": "M", "2": "F"}; {"1": "trimester_unknown", "2": "none"}.
        decimal, thousands : str
            The marks that texts use; only a decimal point is assumed.
        date_format : str, or mapping of "birth_date" and "collected_at", optional
            `datetime.strptime` format of dates whose order of day and month cannot be told: "%d/%m/%Y".
        profile : str, optional
            What columns and codes mean, as in `scan`; without `columns` a known table is recognized by its names.
        accept_units : list of analytes, or "platelets,wbc"
            Results of a column that looks as if it were in another unit are not used
            (`UNIT_SUSPECT`) unless it is named here.

        Returns
        -------
        The same kind of frame, in the same row order: the flag columns.

        Raises
        ------
        UsageError
            If two columns read as one analyte, or no analyte is found.
        """
        from cbc_screen.engines.frames import screen_frame

        declared = self._declare(
            age_unit=age_unit,
            sex_codes=sex_codes,
            pregnancy_codes=pregnancy_codes,
            decimal=decimal,
            thousands=thousands,
            date_format=date_format,
        )
        accepted = parse_accepted(load_measures(), accept_units)
        return screen_frame(
            self._engine, frame, declared, columns, detail=detail, accept_units=accepted, declared_profile=profile
        )

    def follow(
        self,
        source: Any,
        *,
        person: str | None = None,
        laboratory: str | None = None,
        each_count: bool = False,
        columns: Mapping[str, str] | None = None,
        age_unit: str | None = None,
        sex_codes: Mapping[str, str] | None = None,
        pregnancy_codes: Mapping[str, str] | None = None,
        decimal: str = ".",
        thousands: str = "",
        date_format: str | Mapping[str, str] | None = None,
        profile: str | None = None,
        accept_units: str | Sequence[str] = (),
        encoding: str | None = None,
        delimiter: str | None = None,
        sheet: str | None = None,
        format: str = "auto",
        persons: str | Path | None = None,
        skip_lines: int | None = None,
    ) -> Any:
        """Follow the counts of each person: what lasts, what changed, where it goes.

        Parameters
        ----------
        source : pandas.DataFrame, pyarrow.Table or polars.DataFrame; or path, pattern, list of them
            One count a row, as in `screen_frame`, with a column that says whose it is and one of collection times. Files
            are read as by `read`, all in memory.
        person : str, optional
            The column that says whose each row is; found by its name ("patient_id", "MRN", ...) where it is not given.
        laboratory : str, optional
            The column of the laboratory: a difference across a change of it is not told as a change of the person.
        each_count : bool
            One row a count, in the order given, in place of one row a person.
        columns, age_unit, sex_codes, pregnancy_codes, decimal, thousands, date_format, profile, accept_units
            As in `screen_frame`.
        encoding, delimiter, sheet, format, persons, skip_lines
            As in `scan`, for files.

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
        from cbc_screen.ingest.source import ReadOptions
        from cbc_screen.serial.follow import Request

        accepted = parse_accepted(load_measures(), accept_units)
        words: dict[str, Any] = {"decimal": decimal, "thousands": thousands, "date_format": date_format}
        people: dict[str, Any] = {"age_unit": age_unit, "sex_codes": sex_codes, "pregnancy_codes": pregnancy_codes}
        if not isinstance(source, str | Path | list | tuple):
            request = Request(person, laboratory, each_count, columns, accepted, profile)
            return self._follow(source, self._declare(**words, **people), request)
        reading = ReadOptions(
            encoding, delimiter, sheet, format, profile, str(persons) if persons is not None else None, skip_lines
        )
        frame = self._read(source, self._declare(**words, **people), reading, dict(columns or {}))
        request = Request(person, laboratory, each_count, accept_units=accepted)
        screener = self._spelled(profile)
        found = screener._follow(frame, screener._declare(**words), request)
        if each_count:
            for place, name in enumerate(own for own in ("file", "row") if own in frame):
                found.insert(place, name, frame[name])
        found.attrs["rejected"] = frame.attrs["rejected"]
        return found

    def timeline(
        self,
        frame: Any,
        key: object,
        analyte: str,
        *,
        person: str | None = None,
        laboratory: str | None = None,
        columns: Mapping[str, str] | None = None,
        age_unit: str | None = None,
        sex_codes: Mapping[str, str] | None = None,
        pregnancy_codes: Mapping[str, str] | None = None,
        decimal: str = ".",
        thousands: str = "",
        date_format: str | Mapping[str, str] | None = None,
        profile: str | None = None,
        accept_units: str | Sequence[str] = (),
    ) -> Timeline:
        """Return one analyte of one person over time, which `plot` draws.

        Parameters
        ----------
        frame, person, laboratory, columns, age_unit, sex_codes, pregnancy_codes, decimal, thousands, date_format, profile,
        accept_units
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
        from cbc_screen.serial.follow import Request, timeline_frame

        accepted = parse_accepted(load_measures(), accept_units)
        declared = self._declare(
            age_unit=age_unit,
            sex_codes=sex_codes,
            pregnancy_codes=pregnancy_codes,
            decimal=decimal,
            thousands=thousands,
            date_format=date_format,
        )
        request = Request(person, laboratory, columns=columns, accept_units=accepted, profile=profile)
        kernels = self._kernels()
        return timeline_frame(self._engine, kernels, self.definition, frame, declared, request)(key, analyte)

    def _read(self, source: Any, declared: Declared, reading: ReadOptions, columns: Mapping[str, str]) -> Any:
        from cbc_screen.engines.inputs import names_of
        from cbc_screen.engines.read import read_counts

        knowledge = with_spellings(self._knowledge, self.unit_spellings or {})
        return read_counts(knowledge, names_of(source), declared, reading, columns)

    def _spelled(self, profile: str | None) -> Screener:
        """Return the screener that knows the spellings of units that a profile adds."""
        from cbc_screen.knowledge.profiles import find_profile

        own = find_profile(profile, self._knowledge).unit_spellings if profile is not None else {}
        return replace(self, unit_spellings={**own, **(self.unit_spellings or {})}) if own else self

    def _follow(self, frame: Any, declared: Declared, request: Request) -> Any:
        from cbc_screen.serial.follow import follow_frame

        return follow_frame(self._engine, self._kernels(), self.definition, frame, declared, request)

    def _kernels(self) -> dict[str, Kernel]:
        """Return the kernel of each definition that the rules of serial counts name, and of this screener's own."""
        from cbc_screen.knowledge.serial import load_serial

        needed = {rule.definition for rule in load_serial().count_sets if rule.definition is not None}
        kernels = {name: replace(self, definition=name).kernel for name in sorted(needed - {self.definition})}
        kernels[self.definition] = self.kernel
        return kernels

    def audit(
        self,
        source: Any,
        *,
        columns: Mapping[str, str] | None = None,
        age_unit: str | None = None,
        sex_codes: Mapping[str, str] | None = None,
        pregnancy_codes: Mapping[str, str] | None = None,
        decimal: str = ".",
        thousands: str = "",
        date_format: str | Mapping[str, str] | None = None,
        encoding: str | None = None,
        delimiter: str | None = None,
        sheet: str | None = None,
        format: str = "auto",
        profile: str | None = None,
        persons: str | Path | None = None,
        skip_lines: int | None = None,
    ) -> Audit:
        """Hold a sender's flags, ranges and units against its values and against each other.

        Parameters
        ----------
        source : path, pattern, list of them, or a frame of one count a row
            A frame has flags in `<analyte>_flag` and limits in `<analyte>_lower` and `<analyte>_upper`.
        columns, age_unit, sex_codes, pregnancy_codes, decimal, thousands, date_format
            As in `screen_frame`.
        encoding, delimiter, sheet, format, profile, persons, skip_lines
            As in `scan`, for files.

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
        from cbc_screen.engines.audit import audit_files, audit_frame
        from cbc_screen.engines.inputs import names_of
        from cbc_screen.ingest.source import ReadOptions
        from cbc_screen.verify.audit import tables_of

        declared = self._declare(
            age_unit=age_unit,
            sex_codes=sex_codes,
            pregnancy_codes=pregnancy_codes,
            decimal=decimal,
            thousands=thousands,
            date_format=date_format,
        )
        if not isinstance(source, str | Path | list | tuple):
            return tables_of(audit_frame(self._engine, source, declared, columns))
        reading = ReadOptions(
            encoding, delimiter, sheet, format, profile, str(persons) if persons is not None else None, skip_lines
        )
        return tables_of(audit_files(self._engine, names_of(source), declared, reading, dict(columns or {})))

    def scan(
        self,
        source: str | Path | Sequence[str | Path],
        out: str | Path | None = None,
        rejects: str | Path | None = None,
        *,
        force: bool = False,
        resume: bool = False,
        packed: bool = False,
        received: bool = False,
        report: str | Path | None = None,
        columns: Mapping[str, str] | None = None,
        keep: list[str] | None = None,
        detail: bool = False,
        progress: Callable[[int, float], None] | None = None,
        summary: str | Path | None = None,
        out_format: str | None = None,
        workers: int | None = None,
        age_unit: str | None = None,
        sex_codes: Mapping[str, str] | None = None,
        pregnancy_codes: Mapping[str, str] | None = None,
        decimal: str = ".",
        thousands: str = "",
        date_format: str | Mapping[str, str] | None = None,
        encoding: str | None = None,
        delimiter: str | None = None,
        sheet: str | None = None,
        format: str = "auto",
        profile: str | None = None,
        persons: str | Path | None = None,
        previous: str | Path | None = None,
        skip_lines: int | None = None,
        accept_units: str | Sequence[str] = (),
    ) -> ScanSummary:
        """Screen files of blood counts, in bounded memory.

        Parameters
        ----------
        source : path, pattern such as "2024-*.csv", "-" (standard input), or a list of them
            One count a row: CSV or TSV, NDJSON (both also .gz, .zst, .xz and .bz2), Parquet, Excel (.xlsx)
            or SAS transport (.xpt). One result a row, as its columns or a profile say. HL7 v2 ORU messages, ASTM E1394 (LIS2-A2),
            or FHIR resources as JSON or NDJSON. Of several files each row says which one it
            is of; results of one person and collection are one row.
        out : path, or "-" (standard output), optional
            Flags, by ending: .parquet, .csv or .ndjson (these two also .gz and .zst). Written
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
        columns : mapping of field to column, optional
            As in `screen_frame`; of a table of one result a row, the parts of a result ("name", "value", "unit",
            "person", ...).
        keep : list of column names, optional
            Columns of the input to carry into the output, such as a sample number.
        detail : bool
            As in `screen_frame`.
        progress : function of (rows, share of the input), optional
        summary : path, optional
            The summary, as JSON.
        out_format : "csv" or "ndjson", optional
            Of standard output.
        workers : int, optional
            Threads that screen: one or two, as the machine has cores. Each takes 30 to 45 MB;
            the flags are the same with any number.
        age_unit, sex_codes, pregnancy_codes, decimal, thousands, date_format
            As in `screen_frame`.
        encoding, delimiter : str, optional
            Of a text file; UTF-8, byte order marks, and comma, semicolon, tab or bar are
            found.
        sheet : str, optional
            Of a workbook; the first one by default.
        format : "auto", "csv", "ndjson", "parquet", "xlsx", "xpt", "hl7", "astm" or "fhir"
            What the files are; by default told from what they hold.
        profile : str, optional
            What columns and codes mean: a name in `reference_ranges/profiles/`, or a path that
            ends in .yaml. A known table is recognized by its columns.
        persons : path, optional
            Table of persons (birth date, sex) that goes with a table of results.
        previous : path, optional
            Manifest of an earlier scan of the same source: an analyte that is missing now, or
            has fallen by half, is named in the summary's `vanished`.
        skip_lines : int, optional
            Lines above the header of a CSV file; by default told from their shape.
        accept_units : list of analytes, or "platelets,wbc"
            As in `screen_frame`; the summary's `unit_suspect` says what was not used and why.

        Returns
        -------
        ScanSummary, whose `rows_in` is `screened + rejected`.

        Raises
        ------
        UsageError
            If the file is not what it says, has no analyte, or an output exists.
        """
        from cbc_screen.engines.inputs import names_of
        from cbc_screen.engines.monitor import previous_counts
        from cbc_screen.engines.rescreen import FlagFile
        from cbc_screen.engines.stream import ScanRequest, scan_file
        from cbc_screen.engines.worklist import check_worklist, write_worklist
        from cbc_screen.ingest.source import ReadOptions

        request = ScanRequest(
            sources=names_of(source),
            out=Path(out) if out is not None else None,
            rejects=Path(rejects) if rejects is not None else None,
            force=force,
            columns=dict(columns or {}),
            keep=tuple(dict.fromkeys(keep or ())),
            detail=detail,
            summary=Path(summary) if summary is not None else None,
            out_format=out_format,
            resume=resume,
            packed=packed,
            received=received or report is not None,
            previous=previous_counts(previous) if previous is not None else None,
            text_units=self.text_units,
            accept_units=parse_accepted(load_measures(), accept_units),
        )
        declared = self._declare(
            age_unit=age_unit,
            sex_codes=sex_codes,
            pregnancy_codes=pregnancy_codes,
            decimal=decimal,
            thousands=thousands,
            date_format=date_format,
        )
        reading = ReadOptions(
            encoding, delimiter, sheet, format, profile, str(persons) if persons is not None else None, skip_lines
        )
        if report is None:
            return scan_file(self._engine, request, declared, reading, progress, workers)
        if request.file is None or request.file.suffix.lower() != ".parquet":
            raise UsageError("report is made of a .parquet output (-o flags.parquet)")
        if Path(report).resolve() in {
            path.resolve() for path in (request.file, request.rejects, request.summary) if path
        }:
            raise UsageError("out, rejects, summary and report must be different files")
        check_worklist(Path(report), force=force or resume)
        found = scan_file(self._engine, request, declared, reading, progress, workers)
        flags = FlagFile(request.file, text_units=self.text_units)
        write_worklist(flags, Path(report), force=force or resume, progress=progress)
        return found


def read(
    source: str | Path | Sequence[str | Path],
    *,
    columns: Mapping[str, str] | None = None,
    units: str | Mapping[str, str] | None = None,
    age_unit: str | None = None,
    sex_codes: Mapping[str, str] | None = None,
    pregnancy_codes: Mapping[str, str] | None = None,
    decimal: str = ".",
    thousands: str = "",
    date_format: str | Mapping[str, str] | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    format: str = "auto",
    profile: str | None = None,
    persons: str | Path | None = None,
    skip_lines: int | None = None,
) -> Any:
    """Read any supported file as one blood count a row, before screening.

    Parameters
    ----------
    source, columns, encoding, delimiter, sheet, format, profile, persons, skip_lines
        As in `Screener.scan`.
    units, age_unit, sex_codes, pregnancy_codes, decimal, thousands, date_format
        As in `Screener.screen_frame`; units and codes that are declared stand beside the
        values, nothing is converted. How numbers, dates and mmol/L are meant is to be declared
        to `screen_frame` too.

    Returns
    -------
    pandas.DataFrame
        `row` (the line of the source), the person's fields, each analyte as received with its
        unit in `<analyte>_unit`, reported limits, and the columns that are not known. Made to
        be given to `screen_frame`. `attrs["rejected"]` lists what could not be read, with
        line, reason and content; `attrs["results"]` is the account of single results.

    Raises
    ------
    UsageError
        As in `Screener.scan`.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> from cbc_screen.demo import write_demo
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "export.csv"
    >>> write_demo(file, ordinary=3)
    >>> "hemoglobin_unit" in cbc.read(file).columns
    True
    """
    from cbc_screen.engines.inputs import names_of
    from cbc_screen.engines.read import read_counts
    from cbc_screen.ingest.source import ReadOptions
    from cbc_screen.knowledge import load_knowledge
    from cbc_screen.normalize.declared import make_declared

    knowledge = load_knowledge()
    declared = make_declared(
        knowledge,
        units=units,
        decimal=decimal,
        thousands=thousands,
        age_unit=age_unit,
        date_format=date_format,
        sex_codes=sex_codes,
        pregnancy_codes=pregnancy_codes,
    )
    options = ReadOptions(
        encoding, delimiter, sheet, format, profile, str(persons) if persons is not None else None, skip_lines
    )
    return read_counts(knowledge, names_of(source), declared, options, dict(columns or {}))


def screen(record: CBCRecord | Mapping[str, Any], *, compact: bool = False, **configuration: Any) -> ScreeningResult:
    """Screen one record with a default `Screener`, or one of this configuration; see `Screener.screen`."""
    return _configured(configuration).screen(record, compact=compact)


def screen_frame(frame: Any, **options: Any) -> Any:
    """Screen a frame with a default `Screener`, or one of these options; see `Screener.screen_frame`."""
    return _configured(_taken_out(options)).screen_frame(frame, **options)


def follow(source: Any, **options: Any) -> Any:
    """Follow the counts of each person with a default `Screener`, or one of these options; see `Screener.follow`."""
    return _configured(_taken_out(options)).follow(source, **options)


def timeline(frame: Any, key: object, analyte: str, **options: Any) -> Timeline:
    """Return one analyte of one person over time; see `Screener.timeline`."""
    return _configured(_taken_out(options)).timeline(frame, key, analyte, **options)


def scan(
    source: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    rejects: str | Path | None = None,
    **options: Any,
) -> ScanSummary:
    """Screen a file with a default `Screener`, or one of these options; see `Screener.scan`."""
    return _configured(_taken_out(options)).scan(source, out, rejects, **options)


def audit(source: Any, **options: Any) -> Audit:
    """Audit files or a frame with a default `Screener`, or one of these options; see `Screener.audit`."""
    return _configured(_taken_out(options)).audit(source, **options)


def _taken_out(options: dict[str, Any]) -> dict[str, Any]:
    """Take the configuration of a screener out of the options of a call."""
    return {name: options.pop(name) for name in list(options) if name in Screener.__dataclass_fields__}


def _configured(configuration: Mapping[str, Any]) -> Screener:
    for name in configuration:
        if name not in Screener.__dataclass_fields__:
            raise UsageError(f"{name!r} is not an option; see Screener")
    return Screener(**configuration) if configuration else _default()


@lru_cache(maxsize=1)
def _default() -> Screener:
    return Screener()
