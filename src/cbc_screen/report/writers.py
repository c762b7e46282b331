"""Flag files: Parquet, CSV and NDJSON, written under another name and renamed when whole."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from cbc_screen.arrays import cells_of, is_text, one_dictionary, release_unused, rows_of, without_dictionaries
from cbc_screen.databases.address import is_meant
from cbc_screen.errors import UsageError
from cbc_screen.ingest.source import RejectedRow
from cbc_screen.private_files import create, is_same, remove, unfinished, why
from cbc_screen.spreadsheet import csv_cell, csv_line
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION, STANDARD_STREAM

if TYPE_CHECKING:
    import pyarrow as pa

ENDINGS = (".parquet", ".csv", ".ndjson")
FHIR = "fhir"  # one Observation a line
_PACKINGS = {".gz": "gzip", ".zst": "zstd"}
PART = ".part"
_NUMBER = (int, float)
# The writer keeps 30 kB for each row group of readable flags, and as much again when it closes (measured): four tables
# make one. The last groups are smaller where words are still to be made, so that little is left for the end, when all
# else waits for the writer (measured: a seventh of the time of 300,000 rows on two cores).
_TOGETHER = 4
_RELEASED = 16
_ALONE = 8  # the first packed tables are groups of their own: a short scan would write nearly all of them at its end
# Of texts that hardly repeat (the checklist) a dictionary saves nothing: files are an eighth smaller (measured).
_LARGEST_DICTIONARY = 65_536  # bytes
_DEVICES = ("/dev", "/proc", "/sys")


def check_output(path: Path, *, force: bool) -> None:
    """Refuse a file that could not be written, or that would replace what is no file."""
    if is_meant(str(path)):  # which may hold a password, and is not shown
        raise UsageError(
            "this output goes to a file, and only flags go to a database: -o 'postgresql://HOST/DATABASE?table=NAME'"
        )
    name, problem = path.name or str(path), ""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        problem = "" if path.parent.is_dir() else f"the folder of {name} does not exist"
    except OSError as error:
        problem = f"{name} cannot be written ({why(error)})"
    else:
        problem = _cannot_be_replaced(path, found.st_mode)
        if not problem and not force:
            problem = f"{name} exists; use --force (force=True) to overwrite it"
    if not problem and _holds_devices(os.path.realpath(path.parent)):
        problem = f"{name} would stand among the system's devices; name a file in another folder"
    # Outside the except block: nothing of the first error is attached.
    if problem:
        raise UsageError(problem)


def _cannot_be_replaced(path: Path, mode: int) -> str:
    if stat.S_ISDIR(mode):
        return f"{path.name or path} is a folder; name a file"
    # A link is replaced, and what it leads to stays as it is.
    if stat.S_ISREG(mode) or (stat.S_ISLNK(mode) and (path.is_file() or not path.exists())):
        return ""
    return f"{path.name} is a device, a pipe, or a link to something that is no file; name a file"


def _holds_devices(folder: str) -> bool:
    return folder == _DEVICES[0] or any(folder == name or folder.startswith(f"{name}/") for name in _DEVICES[1:])


class AtomicFile:
    """A file that appears under its name only when it is whole; the lock of the name must be held.

    What is written goes to `stream`, and never through the other name, which could have
    become a link in between.
    """

    def __init__(self, path: Path, *, force: bool) -> None:
        check_output(path, force=force)
        self.path = path
        self.part = path.with_name(path.name + PART)
        self.stream: IO[bytes] = create(self.part)
        self._descriptor = os.dup(self.stream.fileno())  # the stream may be closed by what writes to it
        self._named = False

    def write_text(self, text: str) -> None:
        """Write the content."""
        self.stream.write(text.encode("utf-8"))

    def finish(self) -> None:
        """Make the content durable; the file still has its other name."""
        if not self.stream.closed:
            self.stream.flush()
        os.fsync(self._descriptor)
        if not is_same(self.part, self._descriptor):
            raise UsageError(f"{self.part.name} was replaced or linked while it was written; nothing of it is kept")

    def commit(self) -> None:
        """Give the file its name; `finish` comes before."""
        os.replace(self.part, self.path)
        self._named = True
        unfinished.discard(self.part)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def drop(self) -> None:
        """Remove the file unless it has its name; what is still written goes nowhere, and so never fails."""
        if self._named or self._descriptor < 0:
            return
        with suppress(OSError, ValueError):
            stream = self.stream.fileno()
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream)
            os.close(nowhere)
        remove(self.part)

    def close(self) -> None:
        """Let go of the file, and remove it unless it has its name."""
        self.drop()
        if self._descriptor >= 0:
            with suppress(OSError):
                self.stream.close()
            os.close(self._descriptor)
            self._descriptor = -1


class FlagWriter:
    """Writes flag tables in the format of the file's ending."""

    def __init__(
        self,
        path: Path,
        metadata: Mapping[str, str],
        words: Callable[[pa.Table], pa.Table] | None = None,
        *,
        force: bool,
        out_format: str | None = None,
        form: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ) -> None:
        self._form = form  # what a row is written as, a line each
        self._words = words  # what is left to be worded here, many rows at once
        self._waiting: list[pa.Table] = []
        self._shares: list[float] = []  # after the first table and after the last one
        self._tables = 0
        self._kind, self._packing = _kind_of(path, out_format)
        self._file = None if str(path) == STANDARD_STREAM else AtomicFile(path, force=force)
        self._metadata = {"notice": NOTICE, "schema_version": SCHEMA_VERSION, **metadata}
        self._parquet: Any = None
        self._text: io.TextIOWrapper | None = None

    def note(self, metadata: Mapping[str, str]) -> None:
        """Add what is known only at the end to what a Parquet file says of itself."""
        if self._parquet is not None:
            self._parquet.add_key_value_metadata(dict(metadata))

    def write(self, table: pa.Table, share: float = 0.0) -> None:
        """Write some rows; `share` of the whole is then done, as far as is known."""
        if self._kind == ".parquet":
            self._tables += 1
            self._shares = [*self._shares[:1], share]
            self._write_parquet(table)
        elif self._kind == ".csv":
            self._write_csv(self._worded(table))
        else:
            self._write_ndjson(self._worded(table))

    def _worded(self, table: pa.Table) -> pa.Table:
        return table if self._words is None else self._words(table)

    def _write_parquet(self, table: pa.Table) -> None:
        import pyarrow.parquet as pq

        table = table.replace_schema_metadata({**(table.schema.metadata or {}), **self._metadata})
        if self._parquet is None:
            # Statistics of words help no reader and cost 40 % of the writing (measured).
            assert self._file is not None
            schema = self._worded(table.slice(0, 0)).schema
            self._parquet = pq.ParquetWriter(
                self._file.stream,
                schema,
                # Long lists, most of them different: snappy packs them in a quarter of the time, and the file is a third
                # larger (measured).
                compression={name: "snappy" if name == "checklist" else "zstd" for name in schema.names},
                write_statistics=["row"],
                dictionary_pagesize_limit=_LARGEST_DICTIONARY,
            )
        self._waiting.append(table)
        if len(self._waiting) >= min(_TOGETHER, self._tables_left()):
            self._write_row_group()

    def _tables_left(self) -> float:
        """Return how many tables are still to come, as far as the shares tell."""
        done = self._shares[-1] - self._shares[0]
        if self._words is None:
            return 1 if self._tables <= _ALONE else _TOGETHER
        if done <= 0:
            return _TOGETHER
        return (1 - self._shares[-1]) * (self._tables - 1) / done

    def _write_row_group(self) -> None:
        import pyarrow as pa

        if self._waiting:
            self._parquet.write_table(self._worded(one_dictionary(pa.concat_tables(self._waiting))))
        self._waiting.clear()
        # Else the memory grows with the rows, by 9 % from 1.2e7 to 5e7 of them. Of a packed scan, that is seldom enough:
        # memory that is given back each time and taken again was a seventh of its time (measured).
        if self._words is not None or self._tables % _RELEASED == 0:
            release_unused()

    def _open_text(self) -> io.TextIOWrapper:
        if self._text is None:
            raw: Any = _StandardOutput() if self._file is None else self._file.stream
            if self._packing is not None:
                import pyarrow as pa

                raw = pa.CompressedOutputStream(pa.PythonFile(raw, "w"), self._packing)
            self._text = io.TextIOWrapper(raw, encoding="utf-8", newline="", write_through=False)
        return self._text

    def _write_csv(self, table: pa.Table) -> None:
        first = self._text is None
        text = self._open_text()
        if first:
            text.write(csv_line(table.column_names))
        columns = [_csv_cells(table.column(name)) for name in table.column_names]
        text.writelines(",".join(row) + "\n" for row in zip(*columns, strict=True))

    def _write_ndjson(self, table: pa.Table) -> None:
        text = self._open_text()
        for row in rows_of(without_dictionaries(table)):
            text.write(
                json.dumps(row if self._form is None else self._form(row), ensure_ascii=False, default=str) + "\n"
            )

    def close(self) -> None:
        """Finish the content; the file still has its other name."""
        if self._parquet is not None:
            self._write_row_group()
            self._parquet.close()
        if self._text is None:
            return
        self._text.flush()
        if self._packing is None:
            self._text.detach()  # standard output, or the file, stays open
        else:
            self._text.close()
        self._text = None

    @property
    def file(self) -> AtomicFile | None:
        """The file; None where the flags go to standard output."""
        return self._file

    def discard(self) -> None:
        """Let go of the file, and remove it unless it has its name."""
        self._waiting.clear()
        if self._file is not None:
            self._file.drop()
            with suppress(Exception):
                self.close()
            self._file.close()


class _StandardOutput(io.BufferedIOBase):
    """Standard output, which stays open whatever becomes of what is written to it."""

    def __init__(self) -> None:
        if sys.stdout is None or sys.stdout.closed:
            raise UsageError("standard output is closed; name a file (-o)")
        self._stream = sys.stdout.buffer

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._stream.write(data)

    def flush(self) -> None:
        self._stream.flush()


def _kind_of(path: Path, out_format: str | None) -> tuple[str, str | None]:
    """Return the format of an output and how it is compressed, from its name or as declared."""
    if str(path) == STANDARD_STREAM:
        return ".csv" if out_format == "csv" else ".ndjson", None
    packing = _PACKINGS.get(path.suffix.lower())
    kind = Path(path.stem).suffix.lower() if packing is not None else path.suffix.lower()
    if kind not in ENDINGS or (packing is not None and kind == ".parquet"):
        raise UsageError(f"out must end in {', '.join(ENDINGS)}, or in .csv.gz, .csv.zst, .ndjson.gz, .ndjson.zst")
    if out_format == FHIR and kind != ".ndjson":
        raise UsageError("FHIR is written a resource a line: out must end in .ndjson, .ndjson.gz or .ndjson.zst")
    return kind, packing


def _csv_cells(column: pa.ChunkedArray) -> list[str]:
    cells = cells_of(column)
    if is_text(column):
        known = {cell: "" if cell is None else csv_cell(cell) for cell in set(cells)}
        return [known[cell] for cell in cells]
    return ["" if cell is None else str(cell) if isinstance(cell, _NUMBER) else csv_cell(str(cell)) for cell in cells]


class RejectWriter:
    """Writes rejected rows: line, reason, content as received."""

    def __init__(self, path: Path, *, force: bool, file: bool = False) -> None:
        if path.suffix.lower() != ".csv":
            raise UsageError("rejects must end in .csv")
        self._file = AtomicFile(path, force=force)
        self._text = io.TextIOWrapper(self._file.stream, encoding="utf-8", newline="")
        self._with_file = file
        self._text.write(csv_line([*(["file"] if file else []), "line", "reason", "content", "notice"]))

    def write(self, rows: Iterable[RejectedRow], file: str = "") -> None:
        """Write some rejected rows."""
        for row in rows:
            place = [row.file or file] if self._with_file else []
            self._text.write(csv_line([*place, str(row.line), row.reason.value, row.content, NOTICE]))

    def close(self) -> None:
        """Finish the content."""
        self._text.flush()

    @property
    def file(self) -> AtomicFile:
        """The file."""
        return self._file

    def discard(self) -> None:
        """Let go of the file, and remove it unless it has its name."""
        self._file.close()
