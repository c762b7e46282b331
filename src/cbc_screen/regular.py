"""Files that are given by name, opened so that a pipe or a device cannot hold up or fill a process."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO

_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class NotRegularError(OSError):
    """What was named is no file: a folder, a pipe, a device."""


class TooLargeError(OSError):
    """The file is larger than any of its kind."""


def open_regular(path: Path) -> IO[bytes]:
    """Open a file for reading; anything else that has a name is refused, and not waited for."""
    descriptor = os.open(path, _FLAGS)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegularError("not a file")
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, largest: int) -> bytes:
    """Read a whole file of at most so many bytes."""
    with open_regular(path) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise TooLargeError("too large")
    return content
