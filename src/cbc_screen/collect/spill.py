"""Batches kept by key: in memory, and beyond a budget in a file that has no name and is its owner's only."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Hashable
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

BUDGET = 96 << 20  # bytes that are kept in memory


class Spill:
    """Keeps Arrow batches under keys; those of one key come back in the order in which they were added."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._left = budget
        self._file: IO[bytes] | None = None
        self._end = 0
        self._kept: dict[Hashable, list[pa.RecordBatch | tuple[int, int, pa.Schema]]] = {}

    def add(self, key: Hashable, batch: pa.RecordBatch) -> None:
        """Keep a batch."""
        own = self._kept.setdefault(key, [])
        if batch.nbytes <= self._left:
            self._left -= batch.nbytes
            own.append(batch)
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="cbc-screen-")  # noqa: SIM115
        content = batch.serialize()
        self._file.write(content)
        own.append((self._end, content.size, batch.schema))
        self._end += content.size

    def batches(self, key: Hashable) -> list[pa.RecordBatch]:
        """Return the batches of a key."""
        import pyarrow as pa

        found = []
        for one in self._kept.get(key, ()):
            if isinstance(one, pa.RecordBatch):
                found.append(one)
                continue
            assert self._file is not None
            self._file.flush()
            start, size, schema = one
            found.append(pa.ipc.read_record_batch(pa.py_buffer(self._read(start, size)), schema))
        return found

    def take(self, key: Hashable) -> list[pa.RecordBatch]:
        """Return the batches of a key, and let go of them."""
        found = self.batches(key)
        self._left += sum(one.nbytes for one in self._kept.pop(key, ()) if not isinstance(one, tuple))
        return found

    def _read(self, start: int, size: int) -> bytes:
        assert self._file is not None
        self._file.seek(start)
        content = self._file.read(size)
        self._file.seek(0, os.SEEK_END)
        return content

    def close(self) -> None:
        """Let go of everything."""
        self._kept.clear()
        if self._file is not None:
            self._file.close()
