"""Inputs that must stay as they are while they are read: what is hashed is what was read.

A file's time of change (ctime) is the system's and cannot be set, so a file that has kept
it, and its place, has kept its content. It tells two writings apart only if they are some
time apart: a file that was just written is hashed a second time at the end, and so are small ones,
as long as all of them together take no time.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cbc_screen.errors import UsageError
from cbc_screen.private_files import why

_BLOCK = 1 << 18
_SMALL = 1 << 24  # bytes that are hashed in a few hundredths of a second
_COARSE_NS = 2_000_000_000  # the coarsest clock of a file system


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """Which file it is, and what changes with its content."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int


def _identify(path: Path) -> FileIdentity:
    found = os.stat(path)
    return FileIdentity(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file: where it lies, what it is called, and what it was when it was first looked at."""

    path: Path
    name: str
    identity: FileIdentity = field(init=False)
    seen: int = field(init=False, compare=False)  # when, in nanoseconds

    def __post_init__(self) -> None:
        message = ""
        try:
            object.__setattr__(self, "identity", _identify(self.path))
        except FileNotFoundError:
            message = f"the source {self.path.name!r} does not exist; check its name and folder"
        except (OSError, ValueError) as problem:
            message = f"the source cannot be opened ({why(problem) if isinstance(problem, OSError) else 'its name'})"
        # Outside the except block: nothing of the first error is attached.
        if message:
            raise UsageError(message)
        object.__setattr__(self, "seen", time.time_ns())

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return self.identity.size

    @property
    def may_hide_a_change(self) -> bool:
        """Tell whether its times do not prove that it stayed as it was."""
        return self.identity.changed > self.seen - _COARSE_NS


def looked_at_twice(files: Sequence[SourceFile]) -> list[bool]:
    """Tell of each file whether it is hashed again at the end: where its times prove nothing, or where that costs nothing."""
    left, found = _SMALL, [file.may_hide_a_change for file in files]
    for place in sorted(range(len(files)), key=lambda place: files[place].size):
        if files[place].size <= left:
            left -= files[place].size
            found[place] = True
    return found


def require_unchanged(files: Sequence[SourceFile]) -> None:
    """Refuse to go on where an input is not what it was when it was first looked at."""
    for file in files:
        found = what = None
        try:
            found = _identify(file.path)
        except OSError:
            what = "vanished"
        if found == file.identity:
            continue
        before = file.identity
        if found is not None:
            same = (found.device, found.inode) == (before.device, before.inode)
            size = "grew" if found.size > before.size else "shrank" if found.size < before.size else "was written to"
            what = size if same else "was replaced"
        raise UsageError(_changed(file, str(what)))


def _changed(file: SourceFile, what: str) -> str:
    return f"{file.name} {what} while it was read; scan it again when nothing writes to it"


class InputHashes:
    """The SHA-256 of every input, worked out beside the scan."""

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self._files = files
        self._pool = ThreadPoolExecutor(1, "cbc-hash")
        self._stop = False
        self._hashes: list[Future[str]] = [self._pool.submit(self._hash, file.path) for file in files]

    def _hash(self, path: Path) -> str:
        found = hashlib.sha256()
        block = memoryview(bytearray(_BLOCK))  # one for all: memory that is new each time costs as much as the reading
        with path.open("rb", buffering=0) as file:
            while not self._stop and (size := file.readinto(block)):
                found.update(block[:size])
        return found.hexdigest()

    @property
    def soon(self) -> bool:
        """Tell whether they are there, or will be at once."""
        return sum(file.size for file in self._files) <= _SMALL or all(future.done() for future in self._hashes)

    def wait(self) -> list[str]:
        """Return the hashes in the order of the inputs, of what is as it was when it was first looked at."""
        found: list[str] = []
        with suppress(OSError):
            found += (future.result() for future in self._hashes)
        require_unchanged(self._files)
        if len(found) < len(self._files):
            raise UsageError(f"{self._files[len(found)].name} can no longer be read; scan it again")
        return found

    def check(self) -> None:
        """Refuse inputs that are not at the end what they were at the beginning."""
        before = self.wait()
        for file, digest, again in zip(self._files, before, looked_at_twice(self._files), strict=True):
            if again and self._hash(file.path) != digest:
                raise UsageError(_changed(file, "was written to"))
        require_unchanged(self._files)

    def abandon(self) -> None:
        """Stop where the scan failed."""
        self._stop = True
        self._pool.shutdown(wait=True, cancel_futures=True)
