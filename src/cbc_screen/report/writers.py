"""Flag files: Parquet, CSV and NDJSON, written under another name and renamed when whole."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cbc_screen.arrays import one_dictionary, release_unused, without_dictionaries
from cbc_screen.errors import UsageError
from cbc_screen.ingest.source import RejectedRow
from cbc_screen.vocabulary import NOTICE, STANDARD_STREAM

if TYPE_CHECKING:
    import pyarrow as pa

ENDINGS = (".parquet", ".csv", ".ndjson")
_PACKINGS = {".gz": "gzip", ".zst": "zstd"}
_PART = ".part"
# The writer keeps 30 kB for each row group of readable flags, and as much again when it closes (measured).
_TOGETHER = 4
# Of texts that hardly repeat (the checklist) a dictionary saves nothing: files are an eighth smaller (measured).
_LARGEST_DICTIONARY = 65_536  # bytes
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def formula_safe(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would run as a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def check_output(path: Path, *, force: bool) -> None:
    """Refuse a file that could not be written."""
    if path.exists() and not force:
        raise UsageError(f"{path.name} exists; use --force (force=True) to overwrite it")
    if not path.parent.is_dir():
        raise UsageError(f"the folder of {path.name} does not exist")


class AtomicFile:
    """A file that appears under its name only when it is whole."""

    def __init__(self, path: Path, *, force: bool) -> None:
        check_output(path, force=force)
        self.path = path
        self.part = path.with_name(path.name + _PART)
        # Flags and rejected rows are about patients: readable by their owner only.
        os.close(os.open(self.part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))

    def commit(self) -> None:
        """Make the content durable, then give it its name."""
        with self.part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(self.part, self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def discard(self) -> None:
        """Remove what was written."""
        self.part.unlink(missing_ok=True)


class FlagWriter:
    """Writes flag tables in the format of the file's ending."""

    def __init__(
        self,
        path: Path,
        metadata: Mapping[str, str],
        *,
        force: bool,
        out_format: str | None = None,
    ) -> None:
        self._waiting: list[pa.Table] = []
        self._kind, self._packing = _kind_of(path, out_format)
        self._file = None if str(path) == STANDARD_STREAM else AtomicFile(path, force=force)
        self._metadata = {"notice": NOTICE, **metadata}
        self._parquet: Any = None
        self._text: io.TextIOWrapper | None = None

    def note(self, metadata: Mapping[str, str]) -> None:
        """Add what is known only at the end to what a Parquet file says of itself."""
        if self._parquet is not None:
            self._parquet.add_key_value_metadata(dict(metadata))

    def write(self, table: pa.Table) -> None:
        """Write some rows."""
        if self._kind == ".parquet":
            self._write_parquet(table)
        elif self._kind == ".csv":
            self._write_csv(table)
        else:
            self._write_ndjson(table)

    def _write_parquet(self, table: pa.Table) -> None:
        import pyarrow.parquet as pq

        table = table.replace_schema_metadata({**(table.schema.metadata or {}), **self._metadata})
        if self._parquet is None:
            # Statistics of words help no reader and cost 40 % of the writing (measured).
            assert self._file is not None
            self._parquet = pq.ParquetWriter(
                self._file.part,
                table.schema,
                compression="zstd",
                write_statistics=["row"],
                dictionary_pagesize_limit=_LARGEST_DICTIONARY,
            )
        self._waiting.append(table)
        if len(self._waiting) >= _TOGETHER:
            self._write_row_group()

    def _write_row_group(self) -> None:
        import pyarrow as pa

        if self._waiting:
            self._parquet.write_table(one_dictionary(pa.concat_tables(self._waiting)))
        self._waiting.clear()
        release_unused()  # else the memory grows with the rows, by 9 % from 1.2e7 to 5e7 of them (measured)

    def _open_text(self) -> io.TextIOWrapper:
        if self._text is None:
            raw: Any = sys.stdout.buffer if self._file is None else self._file.part.open("wb")
            if self._packing is not None:
                import pyarrow as pa

                raw = pa.CompressedOutputStream(pa.PythonFile(raw, "w"), self._packing)
            self._text = io.TextIOWrapper(raw, encoding="utf-8", newline="", write_through=False)
        return self._text

    def _write_csv(self, table: pa.Table) -> None:
        first = self._text is None
        writer = csv.writer(self._open_text(), lineterminator="\n")
        if first:
            writer.writerow(table.column_names)
        columns = [_csv_cells(table.column(name)) for name in table.column_names]
        writer.writerows(zip(*columns, strict=True))

    def _write_ndjson(self, table: pa.Table) -> None:
        text = self._open_text()
        for row in without_dictionaries(table).to_pylist():
            text.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")

    def close(self) -> None:
        """Finish the content; the file still has its other name."""
        if self._parquet is not None:
            self._write_row_group()
            self._parquet.close()
        if self._text is None:
            return
        self._text.flush()
        if self._file is None:
            self._text.detach()  # standard output stays open
        else:
            self._text.close()
        self._text = None

    def commit(self) -> None:
        """Give the file its name."""
        if self._file is not None:
            self._file.commit()

    def discard(self) -> None:
        """Remove what was written."""
        if self._file is not None:
            self._waiting.clear()
            self.close()
            self._file.discard()


def _kind_of(path: Path, out_format: str | None) -> tuple[str, str | None]:
    """Return the format of an output and how it is compressed, from its name or as declared."""
    if str(path) == STANDARD_STREAM:
        return f".{out_format}", None
    packing = _PACKINGS.get(path.suffix.lower())
    kind = Path(path.stem).suffix.lower() if packing is not None else path.suffix.lower()
    if kind not in ENDINGS or (packing is not None and kind == ".parquet"):
        raise UsageError(f"out must end in {', '.join(ENDINGS)}, or in .csv.gz, .csv.zst, .ndjson.gz, .ndjson.zst")
    return kind, packing


def _csv_cells(column: pa.ChunkedArray) -> list[Any]:
    import pyarrow as pa

    cells = column.to_pylist()
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return ["" if cell is None else formula_safe(cell) for cell in cells]
    return ["" if cell is None else cell for cell in cells]


class RejectWriter:
    """Writes rejected rows: line, reason, content as received."""

    def __init__(self, path: Path, *, force: bool, file: bool = False) -> None:
        if path.suffix.lower() != ".csv":
            raise UsageError("rejects must end in .csv")
        self._file = AtomicFile(path, force=force)
        self._text = self._file.part.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._text, lineterminator="\n")
        self._with_file = file
        self._writer.writerow([*(["file"] if file else []), "line", "reason", "content", "notice"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, rows: Iterable[RejectedRow], file: str = "") -> None:
        """Write some rejected rows."""
        for row in rows:
            place = [formula_safe(row.file or file)] if self._with_file else []
            self._writer.writerow([*place, row.line, row.reason.value, formula_safe(row.content), NOTICE])

    def close(self) -> None:
        """Finish the content."""
        self._text.close()

    def commit(self) -> None:
        """Give the file its name."""
        self._file.commit()

    def discard(self) -> None:
        """Remove what was written."""
        self.close()
        self._file.discard()
