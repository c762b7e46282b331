"""Open a file by what it holds."""

from __future__ import annotations

from pathlib import Path

from cbc_screen.errors import UsageError
from cbc_screen.ingest.compressed import ending_of
from cbc_screen.ingest.csv import CSVSource
from cbc_screen.ingest.excel import ExcelSource
from cbc_screen.ingest.ndjson import NDJSONSource
from cbc_screen.ingest.parquet import ParquetSource
from cbc_screen.ingest.source import ReadOptions, TableSource


def open_source(path: Path, options: ReadOptions) -> TableSource:
    """Open a file by what it holds; an ending that says otherwise is an error."""
    if path.is_dir():
        raise UsageError("the source is a folder; name a file")
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except FileNotFoundError:
        raise UsageError("the source does not exist") from None
    except OSError as problem:
        raise UsageError(f"the source cannot be opened ({problem.strerror})") from None
    if not start:
        raise UsageError("the source is empty")
    ending = ending_of(path)
    is_parquet, is_zip = start.startswith(b"PAR1"), start.startswith(b"PK\x03\x04")
    if is_parquet or ending in (".parquet", ".pq"):
        if not is_parquet:
            raise UsageError("the source is named .parquet and is not a Parquet file")
        return ParquetSource(path)
    if ending == ".xlsx":
        if not is_zip:
            raise UsageError("the source is named .xlsx and is not an Excel workbook")
        return ExcelSource(path, options.sheet)
    if is_zip:
        raise UsageError("the source is a zip archive or a workbook; unpack it, or name it .xlsx")
    if ending in (".ndjson", ".jsonl"):
        return NDJSONSource(path)
    if start.startswith((b"%PDF", b"\xd0\xcf\x11\xe0", b"\x89PNG", b"SQLite f")):
        raise UsageError("the source is not a table of text; export it as CSV, Parquet or .xlsx")
    return CSVSource(path, options)
