"""Files that a run makes: new, its owner's only, and one run at a time.

Outputs are about patients and may be written in a folder that others can write to. So a file
is made new or not at all (`O_EXCL`), no link is followed, and its mode is 0600 whatever
stood there before. What an earlier run left is removed, once a lock says that it is dead.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from cbc_screen.errors import UsageError

try:
    import fcntl
except ImportError:  # Windows
    _FLOCK = False
else:
    _FLOCK = True

_FLAGS = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
_MODE = 0o600
_TRIES = 100
LOCK = ".lock"
unfinished: set[Path] = set()  # files of this process that are to go if it ends before they are whole


def create(path: Path) -> IO[bytes]:
    """Create a file that is not there, for its owner only; the lock of its output must be held."""
    _remove_leftover(path)
    descriptor = _opened(path, os.O_CREAT | os.O_EXCL)
    unfinished.add(path)
    return os.fdopen(descriptor, "wb")


def open_own(path: Path) -> int:
    """Open a file that an earlier run of the same user left, and that nobody else can have written."""
    descriptor = _opened(path, 0)
    found = os.fstat(descriptor)
    if not _is_own(found) or (os.name == "posix" and found.st_mode & 0o077):
        os.close(descriptor)
        raise UsageError(_not_ours(path))
    return descriptor


def remove(path: Path) -> None:
    """Remove a file of this process that is no longer wanted."""
    with suppress(OSError):
        path.unlink()
    unfinished.discard(path)


def remove_unfinished() -> None:
    """Remove every file that is not whole; for a process that ends at once."""
    for path in list(unfinished):
        remove(path)


def is_same(path: Path, descriptor: int) -> bool:
    """Tell whether a name still stands for an open file, and no other name does."""
    found = os.fstat(descriptor)
    try:
        named = os.lstat(path)
    except OSError:
        return False
    return (named.st_dev, named.st_ino) == (found.st_dev, found.st_ino) and named.st_nlink == 1


def why(problem: OSError) -> str:
    """Return what the system says of a failure; never a name, which an OSError also holds."""
    return problem.strerror or type(problem).__name__


def _opened(path: Path, how: int) -> int:
    try:
        return os.open(path, _FLAGS | how, _MODE)
    except FileExistsError:
        message = _not_ours(path)
    except OSError as problem:
        message = _refused(path, problem)
    # Outside the except block: nothing of the first error is attached.
    raise UsageError(message)


def _refused(path: Path, problem: OSError) -> str:
    link = problem.errno == errno.ELOOP
    return _not_ours(path) if link else f"{path.name} cannot be opened for writing ({why(problem)})"


def _remove_leftover(path: Path) -> None:
    """Remove what a run that is dead left under this name; anything else stays, and is refused."""
    try:
        found = os.lstat(path)
    except OSError:
        return
    if not _is_own(found):
        raise UsageError(_not_ours(path))
    path.unlink(missing_ok=True)


def _is_own(found: os.stat_result) -> bool:
    owner = os.geteuid() if hasattr(os, "geteuid") else found.st_uid
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_uid == owner


def _not_ours(path: Path) -> str:
    return (
        f"{path.name} is there and is no file that an earlier run of yours left (a link, a pipe, a folder, or open to "
        "others); look at it, remove it, and start again"
    )


class Lock:
    """One run at a time for an output: a file beside it, held by the kernel as long as the process lives."""

    def __init__(self, output: Path) -> None:
        self._path = output.with_name(output.name + LOCK)
        self._output = output.name
        self._descriptor = -1
        for _ in range(_TRIES):
            descriptor = self._opened()
            if descriptor is None:
                continue
            if not self._hold(descriptor):
                os.close(descriptor)
                raise UsageError(self._busy())
            # Between opening and holding it, the run that held it may have ended and removed it.
            if is_same(self._path, descriptor):
                self._descriptor = descriptor
                unfinished.add(self._path)
                return
            os.close(descriptor)
        raise UsageError(self._busy())

    def _open(self) -> int | None:
        """Open the lock file, a new one or that of a run that ended; None where it went in between."""
        if not os.path.lexists(self._path):
            with suppress(FileExistsError):
                return os.open(self._path, _FLAGS | os.O_CREAT | os.O_EXCL, _MODE)
        if not _FLOCK:
            raise UsageError(f"{self._busy()}; if there is none, remove {self._path.name}")
        descriptor = os.open(self._path, _FLAGS)
        found = os.fstat(descriptor)
        if _is_own(found):
            return descriptor
        os.close(descriptor)
        if found.st_nlink:
            raise UsageError(_not_ours(self._path))
        return None

    def _opened(self) -> int | None:
        try:
            return self._open()
        except FileNotFoundError:
            if self._path.parent.is_dir():
                return None
            message = f"the folder of {self._output} does not exist"
        except OSError as problem:
            message = _refused(self._path, problem)
        raise UsageError(message)

    @staticmethod
    def _hold(descriptor: int) -> bool:
        if not _FLOCK:
            return True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _busy(self) -> str:
        return f"another run is writing {self._output}; wait until it is done, or name another output"

    def release(self) -> None:
        """Let the next run begin."""
        if self._descriptor >= 0:
            if is_same(self._path, self._descriptor):
                remove(self._path)
            unfinished.discard(self._path)
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
