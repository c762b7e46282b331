"""Newline-delimited JSON: one flat object a line, its values as texts or numbers."""

from __future__ import annotations

import json
import zlib
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cbc_screen.errors import UsageError
from cbc_screen.ingest.compressed import unpacked
from cbc_screen.ingest.source import LONGEST_ROW, RejectedRow, SourceBatch, check_headers
from cbc_screen.vocabulary import Reason

BATCH_LINES = 50_000
FIRST_LINES = 10_000


class NDJSONSource:
    """A file of one JSON object a line; its columns are the keys of the first lines."""

    def __init__(self, path: Path, decimal: str = ".") -> None:
        self._path, self._size, self._decimal = path, path.stat().st_size, decimal
        keys: dict[str, None] = {}
        for number, line in self._lines():
            if number > FIRST_LINES:
                break
            record = _parse(line)
            keys.update(dict.fromkeys(record or ()))
        if not keys:
            raise UsageError("none of the first lines is a JSON object")
        self.headers = list(keys)

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        with self._path.open("rb") as file:
            self._file = file
            number = 0
            try:
                raw = unpacked(file, self._path)
                while line := raw.readline(LONGEST_ROW + 1):
                    number += 1
                    yield number, line
                    while len(line) > LONGEST_ROW and not line.endswith(
                        b"\n"
                    ):  # of one too long only the start is kept
                        line = raw.readline(LONGEST_ROW + 1)
                return
            except (OSError, EOFError, zlib.error):
                message = f"the source is cut short or damaged after line {number}"
            raise UsageError(message)

    def batches(
        self, columns: Sequence[str], plain: Container[str] = (), numbers: Container[str] = ()
    ) -> Iterator[SourceBatch]:
        """Yield the wanted columns in batches; see `SourceBatch`."""
        check_headers(self.headers, columns)
        known = frozenset(self.headers)
        lines: list[tuple[int, bytes, dict[str, Any]]] = []
        rejected: list[RejectedRow] = []
        for number, line in self._lines():
            record = _parse(line)
            if record is not None:
                unknown = record.keys() - known
                if unknown:
                    # Not passed over: it may be a result that the first lines do not have.
                    raise UsageError(f"line {number} has a key that none of the first {FIRST_LINES} lines has")
                lines.append((number, line, record))
            elif line.strip():
                rejected.append(RejectedRow(number, _why(line), _text(line)))
            if len(lines) + len(rejected) == BATCH_LINES:
                yield self._batch(columns, lines, rejected)
                lines, rejected = [], []
        yield self._batch(columns, lines, rejected)

    def _batch(
        self, columns: Sequence[str], lines: list[tuple[int, bytes, dict[str, Any]]], rejected: list[RejectedRow]
    ) -> SourceBatch:
        import pyarrow as pa

        arrays = {
            name: pa.array([_cell(record.get(name), self._decimal) for _, _, record in lines], type=pa.string())
            for name in columns
        }
        numbers = np.array([number for number, _, _ in lines], dtype=np.int64)
        share = self._file.tell() / self._size if self._size and not self._file.closed else 1.0
        return SourceBatch(arrays, numbers, lambda row: _text(lines[row][1]), rejected, share)


def _why(line: bytes) -> Reason:
    """Say why a line is no object."""
    if len(line) > LONGEST_ROW:
        return Reason.OVERSIZE
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return Reason.ENCODING
    return Reason.ROW_RAGGED


class _Number(str):
    """A number as it is written in JSON, where it is no text."""

    __slots__ = ()


def _parse(line: bytes) -> dict[str, Any] | None:
    """Return a line's object, or None where it is none; numbers stay the texts they are."""
    if len(line) > LONGEST_ROW:
        return None
    try:
        record = json.loads(line, parse_float=_Number, parse_int=str, parse_constant=str, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object; of a key given twice, which value is meant is unknown."""
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError
    return record


def _cell(value: Any, decimal: str) -> str | None:
    """Write a value as a cell: a nested one as JSON, which no reader of results takes for a number."""
    if isinstance(value, _Number):
        return value.replace(".", decimal)
    if value is None or isinstance(value, str):
        return None if value is None else _text(value.encode("utf-8", "replace"))
    return json.dumps(value)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r\n")
