"""A journal of screened batches beside the output, from which a broken scan goes on.

It says of which options and inputs it is: what decides the answers, and then the hash of
every input. Each further record holds the flags of one batch and its rejected rows. After a
crash the whole records are written again as they were, the torn one is dropped, and the
scan goes on with the next batch: the outputs are the same bytes as those of a scan that was
not broken off. A journal that was left before the inputs were hashed is begun anew.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from cbc_screen.engines.batch import ScreenedBatch
from cbc_screen.engines.notation import CellCount
from cbc_screen.errors import UsageError
from cbc_screen.ingest.source import RejectedRow
from cbc_screen.private_files import create, open_own, unfinished
from cbc_screen.vocabulary import Reason

if TYPE_CHECKING:
    import pyarrow as pa

JOURNAL = ".journal"
_FOUND = ("sex_read", "sex_doubt")  # letters for sex, as a whole source tells them
_MAGIC = b"CBCJ2\n"
_HEAD = struct.Struct("<QQI")  # length of the JSON, length of the table, checksum of both


def _without_what_was_found(fingerprint: bytes) -> dict[str, Any]:
    """Return what a scan was asked for, without what it found in the source on its way."""
    try:
        found = json.loads(fingerprint)
    except ValueError:
        found = None
    return {name: own for name, own in found.items() if name not in _FOUND} if isinstance(found, dict) else {}


class Journal:
    """The journal of one scan; the lock of the output must be held."""

    def __init__(self, out: Path, fingerprint: Mapping[str, Any]) -> None:
        self._path = out.with_name(out.name + JOURNAL)
        self._fingerprint = json.dumps(fingerprint, sort_keys=True).encode()
        self._file: IO[bytes] | None = None
        self._own = False  # a journal of another scan is never removed
        self._batches = 0
        self.knows_inputs = False

    @classmethod
    def fingerprint(cls, out: Path) -> dict[str, Any]:
        """Return the fingerprint in the journal beside an output; empty where there is none that can be read."""
        journal = cls(out, {})
        with contextlib.suppress(OSError, ValueError), journal._path.open("rb") as file:
            if file.read(len(_MAGIC)) == _MAGIC:
                journal._file = file
                found = json.loads((journal._read() or (b"{}",))[0])
                return found if isinstance(found, dict) else {}
        return {}

    @property
    def exists(self) -> bool:
        """Whether a scan to this output was broken off."""
        return os.path.lexists(self._path)

    def begin(self) -> None:
        """Begin a new journal."""
        self.close()
        with create(self._path) as file:
            unfinished.discard(self._path)  # it stays after a break
            self._file = os.fdopen(os.dup(file.fileno()), "r+b", buffering=0)
        self._own = True
        self._batches, self.knows_inputs = 0, False
        self._write(self._file, _MAGIC, self._fingerprint, b"")

    def note_inputs(self, hashes: Sequence[str]) -> None:
        """Write down what the inputs hold."""
        assert self._file is not None
        self._write(self._file, b"", json.dumps({"inputs": list(hashes)}).encode(), b"")
        self.knows_inputs = True

    def resume(self, hashes: Callable[[], Sequence[str]]) -> Iterator[ScreenedBatch]:
        """Yield the batches of a broken scan of the same inputs; the journal then goes on after the last whole one."""
        if not self.exists:
            self.begin()
            return
        self._file = os.fdopen(open_own(self._path), "r+b", buffering=0)
        is_journal = self._file.read(len(_MAGIC)) == _MAGIC
        kept = (self._read() or (b"",))[0] if is_journal else b""
        if kept != self._fingerprint and _without_what_was_found(kept) == _without_what_was_found(self._fingerprint):
            # It had come to a letter for sex that this scan has yet to come to, or had not: what it did may be otherwise.
            self.begin()
            return
        if kept != self._fingerprint:
            raise UsageError(
                "the journal beside the output is of another scan (another source, option or version); "
                "run without --resume"
            )
        begin = self._file.tell()
        noted = self._inputs()
        if noted is None:
            self.begin()
            return
        if noted != list(hashes()):
            raise UsageError(
                "the journal beside the output is of another scan: the content of a source has changed since; "
                "run without --resume"
            )
        self._own = self.knows_inputs = True
        self._file.seek(begin)
        end = begin
        while record := self._read():
            if not _is_of_inputs(record[0]):
                self._batches += 1
                yield _unpack(*record)
            end = self._file.tell()
        self._file.seek(end)
        self._file.truncate(end)

    def append(self, screened: ScreenedBatch) -> None:
        """Add a batch."""
        assert self._file is not None
        self._write(self._file, b"", *_pack(screened))
        self._batches += 1

    def leave(self, problem: BaseException | None) -> None:
        """Keep the journal of a scan that can go on: it was stopped, or had no room; else remove it.

        Another error would come again, and so would a limit on the size of files.
        """
        stopped = problem is not None and not isinstance(problem, Exception)
        no_room = isinstance(problem, OSError) and problem.errno != errno.EFBIG and self.knows_inputs and self._batches
        if stopped or no_room:
            self.close()
        else:
            self.remove()

    def remove(self) -> None:
        """Close the journal and remove it, if it is of this scan."""
        self.close()
        if self._own:
            self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the journal and leave it for a later scan."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _inputs(self) -> list[str] | None:
        """Return the hashes of the inputs, if they were noted; tables are passed over."""
        assert self._file is not None
        while (head := self._file.read(_HEAD.size)) and len(head) == _HEAD.size:
            size, table_size, checksum = _HEAD.unpack(head)
            text = self._exactly(size)
            if text is None:
                return None
            if _is_of_inputs(text):
                return list(json.loads(text)["inputs"]) if zlib.crc32(text) == checksum else None
            self._file.seek(table_size, os.SEEK_CUR)
        return None

    @staticmethod
    def _write(file: IO[bytes], magic: bytes, text: bytes, table: bytes | pa.Buffer) -> None:
        head = _HEAD.pack(len(text), len(table), zlib.crc32(table, zlib.crc32(text)))
        for part in (magic + head + text, table):  # the table is not copied
            whole = memoryview(part)
            while whole:  # an unbuffered write may be partial
                whole = whole[file.write(whole) :]

    def _read(self) -> tuple[bytes, bytes] | None:
        """Return the next whole record, or None at the end or where it is torn."""
        assert self._file is not None
        head = self._file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return None
        size, table_size, checksum = _HEAD.unpack(head)
        text, table = self._exactly(size), self._exactly(table_size)
        if text is None or table is None or zlib.crc32(table, zlib.crc32(text)) != checksum:
            return None
        return text, table

    def _exactly(self, size: int) -> bytes | None:
        assert self._file is not None
        if size > os.fstat(self._file.fileno()).st_size:
            return None
        parts = bytearray()
        while len(parts) < size:
            part = self._file.read(size - len(parts))
            if not part:
                return None
            parts += part
        return bytes(parts)


def _is_of_inputs(text: bytes) -> bool:
    return text.startswith(b"{")


def _pack(screened: ScreenedBatch) -> tuple[bytes, bytes | pa.Buffer]:
    import pyarrow as pa

    rejected = [[row.line, row.reason.value, row.content, row.file] for row in screened.rejected]
    parts = [screened.rows_in, rejected, screened.cells, screened.counts, screened.share, screened.file]
    text = json.dumps([*parts, sorted(screened.sex_letters)])
    if screened.table is None:
        return text.encode(), b""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(sink, screened.table.schema, options=options) as stream:
        stream.write_table(screened.table)
    return text.encode(), sink.getvalue()


def _unpack(text: bytes, table: bytes) -> ScreenedBatch:
    import pyarrow as pa

    rows_in, rejected, cells, counts, share, file, letters = json.loads(text)
    return ScreenedBatch(
        rows_in=rows_in,
        table=pa.ipc.open_stream(table).read_all() if table else None,
        rejected=[RejectedRow(line, Reason(reason), content, name) for line, reason, content, name in rejected],
        cells={name: {about: CellCount(*many) for about, many in own.items()} for name, own in cells.items()},
        counts=counts,
        share=share,
        file=file,
        sex_letters=frozenset(letters),
    )
