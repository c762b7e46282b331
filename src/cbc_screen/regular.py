"""Files that are given by name, opened so that a pipe or a device cannot hold up or fill a process."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import IO

_WHAT_TO_DO = {
    errno.ENOENT: "check its name and folder",
    errno.ENOTDIR: "check its name and folder",
    errno.EISDIR: "name a file",
    errno.EACCES: "ask for the right to read it",
    errno.EPERM: "ask for the right to read it",
}
_DAMAGED = "it is damaged, cut short, or not what its name says; copy it again or make it anew"
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class NotRegularError(OSError):
    """What was named is no file: a pipe, a device."""


class TooLargeError(OSError):
    """The file is larger than any of its kind."""


def open_regular(path: Path) -> IO[bytes]:
    """Open a file for reading; anything else that has a name is refused, and not waited for."""
    descriptor = os.open(path, _FLAGS)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        raise NotRegularError(errno.EINVAL, "it is a pipe or a device, and not a file")
    return os.fdopen(descriptor, "rb")


def unreadable(path: Path, error: Exception) -> str:
    """Say in one line that a file cannot be read, why, and what to do.

    Of an error of the system its number is said, and of any other nothing: both may quote a folder or a cell.
    """
    why = _DAMAGED
    if isinstance(error, OSError) and error.errno:
        own = isinstance(error, NotRegularError | TooLargeError | IsADirectoryError)
        said = str(error.strerror) if own else os.strerror(error.errno)
        why = f"{said[0].lower()}{said[1:]}; {_WHAT_TO_DO.get(error.errno, 'name another file, or try again')}"
    return f"{path.name or 'the file'} cannot be read: {why}"


def read_regular(path: Path, largest: int) -> bytes:
    """Read a whole file of at most so many bytes."""
    with open_regular(path) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise TooLargeError(errno.EFBIG, "it is too large")
    return content
