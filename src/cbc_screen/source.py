"""The description of a source: which files, and what their columns, units, codes and formats mean.

The same words stand in Python, in the options of the command and in a profile file (docs/reading.md).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

from cbc_screen.errors import UsageError, did_you_mean
from cbc_screen.option_types import require_types

AgeUnit = Literal["y", "mo", "wk", "d", "h"]
SexWord = Literal["F", "M", "unknown"]
DecimalMark = Literal[".", ","]
ThousandsMark = Literal["", ",", ".", " ", "'"]
UnitSystem = Literal["us", "si", "per_ul"]
FileFormat = Literal["auto", "csv", "ndjson", "parquet", "xlsx", "xpt", "hl7", "astm", "fhir", "ccda"]
Files = str | Path | Sequence[str | Path]


class SourceOptions(TypedDict, total=False):
    """The fields of `Source` besides its files, as keyword arguments."""

    columns: Mapping[str, str] | None
    units: UnitSystem | Mapping[str, str] | None
    unit_spellings: Mapping[str, str] | None
    age_unit: AgeUnit | None
    sex_codes: Mapping[str, SexWord] | None
    pregnancy_codes: Mapping[str, str] | None
    decimal: DecimalMark
    thousands: ThousandsMark
    date_format: str | Mapping[str, str] | None
    language: str | None
    profile: str | None
    accept_units: str | Sequence[str]
    encoding: str | None
    delimiter: str | None
    sheet: str | None
    format: FileFormat
    skip_lines: int | None
    persons: str | Path | None
    query: str | None
    table: str | None


@dataclass(frozen=True)
class Source:
    """What is known of a source of blood counts; nothing of it is ever guessed.

    Made once and given to `Screener.scan`, `read`, `audit` or `screen_frame`, by one of which its fields may also be
    given as keyword arguments. A profile file holds the same, so that a nightly job is one file.

    Parameters
    ----------
    files : path, pattern such as "2024-*.csv", "-" (standard input), address of a database, or a list of them, optional
        None where the source is a frame.
    columns : mapping of field to column, optional
        For names that are not known: {"hemoglobin": "LBXHGB"}; of a table of one result a row, the parts of a result
        ("name", "value", "unit", "person", ...).
    units : "us", "si", "per_ul" or mapping, optional
        What bare numbers are in; see `Screener`, whose units stand where none are given here.
    unit_spellings : mapping of spelling to unit, optional
        How the source writes units that are in no table: {"x10(3)": "10^3/uL"}.
    age_unit : "y", "mo", "wk", "d" or "h", optional
        What a bare number in the age column is.
    sex_codes, pregnancy_codes : mapping of code to word, optional
        {"1": "M", "2": "F"}; {"1": "trimester_unknown", "2": "none"}.
    decimal, thousands : str
        The marks that texts use; only a decimal point is assumed.
    date_format : str, or mapping of "birth_date" and "collected_at", optional
        `datetime.strptime` format of dates whose order of day and month cannot be told: "%d/%m/%Y".
    language : str, optional
        "de", "es", "tr", ...: of the names and letters of the source; else told from the names of its columns.
    profile : str, optional
        What columns and codes mean: a name in `reference_ranges/profiles/`, or a path that ends in .yaml. A known
        table is recognized by its columns. What is given here stands before what the profile says.
    accept_units : list of analytes, or "platelets,wbc"
        Results of a column that looks as if it were in another unit are not used (`UNIT_SUSPECT`) unless named here.
    encoding, delimiter : str, optional
        Of a text file; UTF-8, byte order marks, and comma, semicolon, tab or bar are found.
    sheet : str, optional
        Of a workbook; the first one by default.
    format : "auto", "csv", "ndjson", "parquet", "xlsx", "xpt", "hl7", "astm", "fhir" or "ccda"
        What the files are; by default told from what they hold.
    skip_lines : int, optional
        Lines above the header of a table; by default told from their shape.
    persons : path, optional
        Table of persons (birth date, sex) that goes with a table of results; of a database "postgresql://.../DATABASE?table=person".
    query, table : str, optional
        What is read of a database: one SELECT, or a table or view as "NAME" or "SCHEMA.NAME" (docs/databases.md).

    Examples
    --------
    >>> lab = Source("2024-*.csv", units="us", age_unit="y", sex_codes={"1": "M", "2": "F"})
    >>> lab.with_options(units="si").units
    'si'
    """

    files: Files | None = None
    columns: Mapping[str, str] | None = field(default=None, hash=False)
    units: UnitSystem | Mapping[str, str] | None = field(default=None, hash=False)
    unit_spellings: Mapping[str, str] | None = field(default=None, hash=False)
    age_unit: AgeUnit | None = None
    sex_codes: Mapping[str, SexWord] | None = field(default=None, hash=False)
    pregnancy_codes: Mapping[str, str] | None = field(default=None, hash=False)
    decimal: DecimalMark = "."
    thousands: ThousandsMark = ""
    date_format: str | Mapping[str, str] | None = field(default=None, hash=False)
    language: str | None = None
    profile: str | None = None
    accept_units: str | Sequence[str] = ()
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    format: FileFormat = "auto"
    skip_lines: int | None = None
    persons: str | Path | None = None
    query: str | None = None
    table: str | None = None

    def __post_init__(self) -> None:
        require_types({own.name: getattr(self, own.name) for own in fields(self)})
        if self.profile is not None:
            object.__setattr__(self, "profile", os.fspath(self.profile))

    def with_options(self, **options: Unpack[SourceOptions]) -> Source:
        """Return the description with some fields replaced.

        Raises
        ------
        UsageError
            If an option is not a field of `Source`.
        """
        require_options(options)
        return replace(self, **options)


OPTIONS = tuple(own.name for own in fields(Source) if own.name != "files")


def source_of(given: Files | Source | None, options: SourceOptions) -> Source:
    """Return the description of what was given: files, or a description, and further options."""
    own = given if isinstance(given, Source) else Source(given)
    return own.with_options(**options) if options else own


def require_options(options: Mapping[str, Any], also: Sequence[str] = ()) -> None:
    """Refuse an option that is none, and say which was meant."""
    for name in options:
        if name not in OPTIONS and name not in also:
            hint = did_you_mean(name, [*OPTIONS, *also]) or "; see cbc_screen.Source"
            raise UsageError(f"{name!r} is not an option{hint}")
