"""A body as a file that readers of files can open: in memory where the system has that, and never with a name."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OPEN_FILES = Path("/proc/self/fd")


@contextmanager
def as_file(content: bytes) -> Iterator[Path]:
    """Yield a path under which the content can be read until the block ends.

    Examples
    --------
    >>> with as_file(b"{}") as path:
    ...     path.read_bytes()
    b'{}'
    """
    if not hasattr(os, "memfd_create") or not _OPEN_FILES.is_dir():
        with tempfile.TemporaryDirectory(prefix="cbc-screen-") as folder:  # its owner's only
            path = Path(folder) / "body"
            path.write_bytes(content)
            yield path
        return
    with os.fdopen(os.memfd_create("cbc-screen"), "wb") as file:
        file.write(content)
        file.flush()
        yield _OPEN_FILES / str(file.fileno())
