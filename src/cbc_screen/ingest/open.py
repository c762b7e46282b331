"""Open a file by what it holds, or as it is declared."""

from __future__ import annotations

from pathlib import Path

from cbc_screen.errors import UsageError
from cbc_screen.ingest.csv import CSVSource
from cbc_screen.ingest.detect import check_there, detect
from cbc_screen.ingest.excel import ExcelSource
from cbc_screen.ingest.ndjson import NDJSONSource
from cbc_screen.ingest.parquet import ParquetSource
from cbc_screen.ingest.repeated_header import WithoutRepeatedHeaders
from cbc_screen.ingest.results import ResultSource
from cbc_screen.ingest.source import ReadOptions, TableSource
from cbc_screen.ingest.units_row import with_units
from cbc_screen.ingest.xport import XportSource
from cbc_screen.vocabulary import AUTO, Format

MESSAGES = (Format.HL7, Format.ASTM, Format.FHIR, Format.CCDA)


def format_of(path: Path, options: ReadOptions) -> Format:
    """Return the format of a file: as declared, else as it looks."""
    if options.format == AUTO:
        return detect(path)
    check_there(path)
    try:
        return Format(options.format)
    except ValueError:
        pass
    raise UsageError(f"format must be {AUTO} or one of {', '.join(Format)}")


def open_table(path: Path, kind: Format, options: ReadOptions) -> TableSource:
    """Open a table."""
    match kind:
        case Format.PARQUET:
            return ParquetSource(path, options.small_batches)
        case Format.XLSX:
            return with_units(
                WithoutRepeatedHeaders(ExcelSource(path, options.sheet, options.skip_lines, options.decimal))
            )
        case Format.NDJSON:
            return NDJSONSource(path, options.decimal)
        case Format.XPT:
            return XportSource(path)
        case Format.CSV:
            return with_units(WithoutRepeatedHeaders(CSVSource(path, options)))
        case other:
            raise UsageError(f"the source is {other.value} and not a table")


def open_messages(path: Path, kind: Format, options: ReadOptions) -> ResultSource:
    """Open a file of messages or resources."""
    if kind is Format.HL7:
        from cbc_screen.ingest.hl7 import HL7Source

        return HL7Source(path, options.encoding)
    if kind is Format.ASTM:
        from cbc_screen.ingest.astm import ASTMSource

        return ASTMSource(path, options.encoding)
    if kind is Format.CCDA:
        from cbc_screen.ingest.ccda import CCDASource

        return CCDASource(path)
    from cbc_screen.ingest.fhir import FHIRSource

    return FHIRSource(path)
