"""Files of flags in every form that a scan writes, read as texts, batch by batch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from cbc_screen.arrays import from_texts, without_dictionaries
from cbc_screen.databases.address import require_file
from cbc_screen.engines.batch import FILE, ROW
from cbc_screen.engines.monitor import LARGEST_MANIFEST
from cbc_screen.errors import CBCScreenError, UsageError
from cbc_screen.normalize.received import SOURCE_FILE
from cbc_screen.regular import open_regular, read_regular, unreadable
from cbc_screen.report.packed import read_batches, read_metadata
from cbc_screen.spreadsheet import unescaped
from cbc_screen.vocabulary import NOTICE

if TYPE_CHECKING:
    import pyarrow as pa

FIRST_FLAG, LAST_FLAG = "pattern", "notice"
_COMPRESSED = {".gz": "gzip", ".zst": "zstd"}
_AT_ONCE = 8_192  # rows
_LONGEST_LINE = 1 << 24  # bytes
_BLOCK = 1 << 22
_TRUTHS = {"True": "true", "False": "false"}  # as Python writes them in CSV
_NOT_FLAGS = "{} does not hold flags that scan wrote as Parquet, CSV or NDJSON"


class WrittenFlags:
    """A file of flags: its versions, and its rows as texts.

    Parameters
    ----------
    path : path
        Parquet (packed or not), CSV or NDJSON, compressed or not.
    key : str, optional
        A kept column that rows are matched by, in place of their number.
    """

    def __init__(self, path: Path, key: str | None = None) -> None:
        self.path, self._key = path, key
        self._packing = _COMPRESSED.get(path.suffix.lower())
        self._kind = (Path(path.stem) if self._packing else path).suffix.lower()
        self.rows = 0  # read so far
        first = next(self._raw(), None)
        names = [] if first is None else first.column_names
        # A scan of no row leaves an empty NDJSON file, which does not name its columns.
        empty = first is None and self._kind == ".ndjson"
        if not empty:
            self._check(names)
        self.flags = [] if empty else names[names.index(FIRST_FLAG) : names.index(LAST_FLAG)]
        self.places = [name for name in (FILE, SOURCE_FILE) if name in names and name not in self.flags]

    def _check(self, names: list[str]) -> None:
        """Refuse columns that are not those of flags."""
        missing = [name for name in (ROW, FIRST_FLAG, LAST_FLAG) if name not in names]
        if missing:
            raise UsageError(f"{_NOT_FLAGS.format(self.path.name)}: it has no column {missing[0]!r}")
        if len(set(names)) < len(names):
            raise UsageError(f"{self.path.name} names a column twice; compare what scan wrote, or scan again")
        if names.index(LAST_FLAG) < names.index(FIRST_FLAG):
            # Flags are what stands between the two.
            raise UsageError(f"{self.path.name} has its columns in another order than scan writes; scan again")
        if self._key is not None and self._key not in names:
            raise UsageError(f"key: there is no column {self._key!r} in {self.path.name}; keep it with keep= (--keep)")

    @property
    def described(self) -> dict[str, str]:
        """How the file was made, as far as it or the manifest beside it says."""
        counts = self._manifest().get("counts", {})
        said = counts if isinstance(counts, dict) and counts.get("screened") == self.rows else {}
        metadata = read_metadata(self.path) if self._kind == ".parquet" else {}
        known = {
            "code": metadata.get("cbc_screen") or said.get("code_version"),
            "data": metadata.get("data_version") or said.get("data_version"),
            "ranges": metadata.get("ranges") or said.get("ranges"),
            "definition": metadata.get("definition") or said.get("definition"),
            "scheme": metadata.get("grading") or said.get("grading"),
        }
        return {name: str(found or "") for name, found in known.items()}

    def _manifest(self) -> Mapping[str, Any]:
        path = self.path.with_name(self.path.name + ".manifest.json")
        try:
            found = json.loads(read_regular(path, LARGEST_MANIFEST))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def batches(self) -> Iterator[pa.Table]:
        """Yield the place, the key and the flags of some rows, all of them texts; what is null is ""."""
        import pyarrow as pa
        import pyarrow.compute as pc

        self.rows = 0
        wanted = [*self.places, ROW, *([self._key] if self._key is not None else []), *self.flags]
        # Texts written out are many times as large as their codes.
        whole = (table.select(list(dict.fromkeys(wanted))) for table in self._raw())
        parts = (table.slice(start, _AT_ONCE) for table in whole for start in range(0, table.num_rows, _AT_ONCE))
        for part in parts:
            self.rows += part.num_rows
            texts = without_dictionaries(part)
            columns = {name: pc.fill_null(texts.column(name).cast(pa.string()), "") for name in texts.column_names}
            yield pa.table(columns)

    def _raw(self) -> Iterator[pa.Table]:
        import pyarrow as pa

        require_file(self.path)
        problem = None
        try:
            yield from self._tables()
        except (CBCScreenError, MemoryError):
            raise
        except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
            problem = UsageError(unreadable(self.path, error))
        # Outside the except block: an error of Arrow quotes the cell.
        if problem is not None:
            raise problem

    def _tables(self) -> Iterator[pa.Table]:
        if self._kind == ".parquet":
            yield from (table.replace_schema_metadata(None) for table in read_batches(self.path))
        elif self._kind == ".csv":
            yield from self._csv()
        elif self._kind == ".ndjson":
            yield from self._ndjson()
        else:
            open_regular(self.path).close()
            raise UsageError(f"{_NOT_FLAGS.format(self.path.name)}: its name ends otherwise")

    def _stream(self, file: IO[bytes]) -> Any:
        import pyarrow as pa

        opened = pa.PythonFile(file, "r")
        return opened if self._packing is None else pa.CompressedInputStream(opened, self._packing)

    def _csv(self) -> Iterator[pa.Table]:
        import pyarrow as pa
        from pyarrow import csv

        parse = csv.ParseOptions(newlines_in_values=True)
        # Arrow guesses types from the first block, and closes what it was given.
        names = None
        with open_regular(self.path) as file, suppress(pa.ArrowInvalid):
            names = csv.open_csv(self._stream(file), parse_options=parse).schema.names
        if names is None:
            raise UsageError(f"{_NOT_FLAGS.format(self.path.name)}, or is cut short; copy it again, or scan again")
        texts = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
        reading = csv.ReadOptions(block_size=_BLOCK)
        with open_regular(self.path) as file:
            found = csv.open_csv(self._stream(file), read_options=reading, parse_options=parse, convert_options=texts)
            yield self._as_written(found.schema.empty_table())
            for batch in found:
                self._require_whole(batch)
                yield self._as_written(pa.Table.from_batches([batch]))

    def _require_whole(self, batch: pa.RecordBatch) -> None:
        """Refuse a last row that was cut within its last cell: as CSV it is still a row."""
        if batch.schema.names[-1] == LAST_FLAG and batch.num_rows:
            last = batch.column(batch.num_columns - 1)[-1].as_py()
            if last != NOTICE and NOTICE.startswith(last):
                raise UsageError(f"{self.path.name} is cut short within its last row; copy it again, or scan again")

    def _as_written(self, table: pa.Table) -> pa.Table:
        """Take away what CSV adds: the capital of a truth, and an apostrophe before a key."""
        import pyarrow as pa

        for place, name in enumerate(table.column_names):
            column = table.column(place)  # by number: a name may stand twice, which is refused later
            if name == self._key:
                column = from_texts([unescaped(cell) for cell in column.to_pylist()])
            elif name == "borderline":
                column = from_texts([_TRUTHS.get(cell, cell) for cell in column.to_pylist()])
            else:
                continue
            table = table.set_column(place, name, pa.chunked_array([column]))
        return table

    def _ndjson(self) -> Iterator[pa.Table]:
        with open_regular(self.path) as file:
            stream: IO[bytes] = file
            if self._packing is not None:
                import io

                stream = io.BufferedReader(self._stream(file))
            before, names = 0, None
            while lines := list(islice(iter(lambda: stream.readline(_LONGEST_LINE), b""), _AT_ONCE)):
                table = self._table(lines, before, names)
                before, names = before + len(lines), table.column_names
                yield table

    def _table(self, lines: list[bytes], before: int, names: list[str] | None) -> pa.Table:
        """Return some lines as a table; those before them are counted, and the first of all names the columns."""
        import pyarrow as pa

        rows: list[list[str]] = []
        try:
            for line in lines:
                row = json.loads(line)
                names = list(row) if names is None else names
                rows.append([_text(row[name]) for name in names])
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        # Outside the except block: an error of the parser may quote the line.
        if names is not None and "resourceType" in names:
            raise UsageError(f"{self.path.name} holds answers as FHIR; compare what scan wrote as flags")
        if len(rows) < len(lines):
            place = before + len(rows) + 1
            why = f"line {place} is damaged, cut short, or no row of flags; copy the file again, or scan again"
            raise UsageError(_NOT_FLAGS.format(self.path.name) if place == 1 else f"{self.path.name}: {why}")
        return pa.table(
            {name: from_texts(list(cells)) for name, cells in zip(names or (), zip(*rows, strict=True), strict=True)}
        )


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else json.dumps(cell)
