"""What was counted: the account of every row of a scan, and of a frame of flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cbc_screen.views import views
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION


@dataclass(frozen=True)
class AnalyteCount:
    """What became of one analyte's column."""

    column: str
    unit: str
    results: int
    used: int
    not_used: int


@dataclass(frozen=True)
class ScanSummary:
    """The account of one scan; `rows_in == screened + rejected` always holds.

    Attributes
    ----------
    rows_in, screened, rejected : int
        Data rows of the input, and what became of them.
    patterns, severities, urgencies : mapping of word to rows
    reasons : mapping of "field:REASON" to rows
        Why something could not be told.
    rejects : mapping of reason to rows
    specimens : mapping of kind to rows of tables and results of messages that are no patient's blood
        Controls, blanks, failed runs, body fluids, training data and animals; their content is
        among the rejects.
    specimen_columns : columns that tell the kind
    analytes : mapping of analyte to AnalyteCount
    results : mapping
        How many single results were read, used, unusable (see reasons), superseded (duplicates
        among them), no part of a count, and rejected by reason; read is the sum of the others.
        Those of a table of counts are the filled cells of its columns.
    unit_suspect : mapping of analyte to why its unit is doubted, and what to do
        Its results are not used, and nothing is converted.
    unit_accepted : mapping of analyte to why its unit would be doubted, had it not been accepted
    undeclared : mapping of a field of the person to the codes that are not read until they are declared
    vanished : mapping of an expected analyte to how it is missing
    set_aside : mapping of "name: reason" to results
        Results that may be of a count and could not be placed: what they may be is unknown in
        their count, where nothing else tells it. The most frequent names.
    left_out : mapping of name to results that are no part of a count, the most frequent names
    grouping : mapping
        How single results came together: counts, those grouped by words ("Visit 1") or by a month
        or encounter, results used, and results not placed, which stand alone with what was taken
        beside them unknown; of_one_result where some person has results of several analytes.
    persons : mapping
        Where a table of persons was given: in_results, and found in the table.
    alarms : sentences for which the command ends with 3
    refused_columns : mapping of column to why it was not read
    ignored_columns : columns that are no part of a blood count
    unread_sheets : sheets of workbooks that were not read
    languages : of the names of columns, as declared or told from them: "de", or "es or pt"
    options_file : path of the configuration file that options of the command came from
    setting : where the counts come from; none where it was not stated

    Examples
    --------
    >>> import tempfile
    >>> import cbc_screen as cbc
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = cbc.sample().to_csv(f"{folder}/counts.csv", index=False)
    ...     summary = cbc.scan(f"{folder}/counts.csv")
    >>> summary.rows_in == summary.screened + summary.rejected, summary.analytes["hemoglobin"].not_used
    (True, 4)
    """

    source: str
    out: str | None
    rejects_file: str | None
    rows_in: int
    screened: int
    rejected: int
    patterns: Mapping[str, int]
    severities: Mapping[str, int]
    urgencies: Mapping[str, int]
    reasons: Mapping[str, int]
    rejects: Mapping[str, int]
    analytes: Mapping[str, AnalyteCount]
    people: Mapping[str, str]
    refused_columns: Mapping[str, str]
    ignored_columns: tuple[str, ...]
    definition: str
    grading: str
    ranges: str
    data_version: str
    code_version: str
    seconds: float = field(compare=False, default=0.0)
    notice: str = NOTICE
    schema_version: str = SCHEMA_VERSION
    results: Mapping[str, Any] = field(default_factory=dict)
    unit_suspect: Mapping[str, str] = field(default_factory=dict)
    undeclared: Mapping[str, str] = field(default_factory=dict)
    unit_accepted: Mapping[str, str] = field(default_factory=dict)
    vanished: Mapping[str, str] = field(default_factory=dict)
    set_aside: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    grouping: Mapping[str, int] = field(default_factory=dict)
    persons: Mapping[str, int] = field(default_factory=dict)
    alarms: tuple[str, ...] = ()
    unread_sheets: tuple[str, ...] = ()
    specimens: Mapping[str, int] = field(default_factory=dict)
    specimen_columns: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    options_file: str | None = None
    setting: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python types, ready for JSON."""
        return asdict(self)

    @property
    def chosen_words(self) -> str:
        """What the answers were chosen by, in words."""
        stated = f", setting {' and '.join(self.setting)}" if self.setting else ""
        return f"definition {self.definition}, grading {self.grading}, ranges {self.ranges}{stated}"

    def _repr_html_(self) -> str:
        return views().scan_html(self)


@dataclass(frozen=True)
class FlagSummary:
    """What is counted over a frame of flags; every word is there, also with no row.

    Attributes
    ----------
    rows : int
    patterns, severities, urgencies : mapping of word to rows
    lines : mapping of line to a mapping of state to rows
    reasons : mapping of "field:REASON" to rows, the most common first

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> found = cbc.summarize(cbc.screen_frame(cbc.sample()))
    >>> found.rows, found.patterns["bicytopenia"], found.reasons["age:AGE_MISSING"]
    (142, 5, 2)
    """

    rows: int
    patterns: Mapping[str, int]
    severities: Mapping[str, int]
    urgencies: Mapping[str, int]
    lines: Mapping[str, Mapping[str, int]]
    reasons: Mapping[str, int]
    notice: str = NOTICE
    schema_version: str = SCHEMA_VERSION

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python types, ready for JSON."""
        return asdict(self)

    def _repr_html_(self) -> str:
        return views().flags_html(self)


@dataclass
class Inspection:
    """What was found in an unknown file; no value of a person is in it."""

    format: str
    profile: str | None = None
    shape: str = ""
    language: str = ""  # that the names of the columns are in, or "es or pt"
    recognized: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)  # analytes that have results
    refused: list[str] = field(default_factory=list)
    not_read: list[str] = field(default_factory=list)
    suspect: list[str] = field(default_factory=list)
    to_declare: list[str] = field(default_factory=list)  # so that results, dates and ages can be used
    draft: str = ""
    notice: str = NOTICE

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python types, ready for JSON."""
        return asdict(self)
