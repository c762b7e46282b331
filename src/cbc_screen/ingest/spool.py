"""Streams that can be read only once, kept while they are needed in a file that has no name.

A header is read before the rows, and a source may be read twice, which a stream does not
allow. The file is its owner's only, and goes with the process however that ends.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import stat
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

from cbc_screen.errors import FileError, UsageError
from cbc_screen.ingest.compressed import not_packed, unpacked
from cbc_screen.private_files import remove, unfinished, why

_BLOCK = 1 << 20
_OPEN_FILES = Path("/proc/self/fd")
WAIT_SECONDS = 5.0  # for somebody who writes into a named pipe
_STEP_SECONDS = 0.05


def spool_standard_input(folder: Path | None, undo: ExitStack) -> Path:
    """Keep what standard input holds."""
    if sys.stdin is None or sys.stdin.closed:
        raise UsageError("standard input is closed; name a file, or send the table to standard input")
    return _spooled(sys.stdin.buffer, "standard input", folder, undo)


def is_pipe(path: Path) -> bool:
    """Tell a named pipe from a file; what is neither file, folder nor pipe is refused."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False  # said where it is opened
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return False
    if not stat.S_ISFIFO(mode):
        raise UsageError("the source is a device or a socket; name a file, or send it to standard input (-)")
    return True


def spool_pipe(path: Path, folder: Path | None, undo: ExitStack) -> Path:
    """Keep what comes through a named pipe, unpacked where its name says that it is packed."""
    with suppress(EOFError, zlib.error):
        return _spooled(unpacked(undo.enter_context(_open_pipe(path)), path), path.name, folder, undo)
    raise UsageError(not_packed(path))


def spool_rows(keep: Callable[[IO[bytes]], None], name: str, folder: Path | None, undo: ExitStack) -> Path:
    """Keep what `keep` writes to a file: rows that a database gives once."""
    message = ""
    try:
        file = undo.enter_context(tempfile.TemporaryFile(prefix="cbc-screen-", dir=folder))  # noqa: SIM115
        keep(file)
        file.flush()
        return _path_of(file, folder, undo)
    except UsageError:
        raise
    except OSError as problem:
        message = f"the rows of {name} cannot be kept while they are read ({why(problem)})"
    # Outside the except block: nothing of the first error is attached.
    raise FileError(message)


def _spooled(stream: IO[bytes], name: str, folder: Path | None, undo: ExitStack) -> Path:
    message = ""
    try:
        file = undo.enter_context(tempfile.TemporaryFile(prefix="cbc-screen-", dir=folder))  # noqa: SIM115
        shutil.copyfileobj(stream, file, _BLOCK)
        file.flush()
        return _path_of(file, folder, undo)
    except gzip.BadGzipFile:
        message = "the source is named .gz and is not a gzip file, or it is cut short"
    except OSError as problem:
        message = f"{name} cannot be kept while it is read ({why(problem)})"
    # Outside the except block: nothing of the first error is attached.
    raise FileError(message)


def _path_of(file: IO[bytes], folder: Path | None, undo: ExitStack) -> Path:
    """Return a name under which an open file without one can be opened again."""
    path = _OPEN_FILES / str(file.fileno())
    if path.exists():
        return path
    # Where there is no such name, a file with a name, removed at the end.
    handle, name = tempfile.mkstemp(prefix="cbc-screen-", dir=folder)
    named = Path(name)
    unfinished.add(named)
    undo.callback(remove, named)
    file.seek(0)
    with os.fdopen(handle, "wb") as copy:
        shutil.copyfileobj(file, copy, _BLOCK)
    return named


def _open_pipe(path: Path) -> IO[bytes]:
    """Open a named pipe as soon as somebody writes into it; nobody is waited for without end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    until, start, written_to = time.monotonic() + WAIT_SECONDS, b"", False
    while not written_to and time.monotonic() < until:
        try:
            start = os.read(descriptor, _BLOCK)
        except BlockingIOError:  # somebody has opened it, and has not written yet
            written_to = True
        else:
            written_to = bool(start)
        if not written_to:
            time.sleep(_STEP_SECONDS)
    if not written_to:
        os.close(descriptor)
        raise UsageError("the source is a named pipe that nobody writes into; start what writes into it first")
    os.set_blocking(descriptor, True)
    return io.BufferedReader(_Begun(start, descriptor), _BLOCK)


class _Begun(io.RawIOBase):
    """A stream whose first bytes have been read already."""

    def __init__(self, start: bytes, descriptor: int) -> None:
        self._start, self._rest = start, io.FileIO(descriptor, "rb")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if not self._start:
            return self._rest.readinto(buffer)
        size = min(len(buffer), len(self._start))
        buffer[:size] = self._start[:size]
        self._start = self._start[size:]
        return size

    def close(self) -> None:
        self._rest.close()
        super().close()
