"""What was worked out from the data files, kept beside Python's own bytecode.

Reading and checking reference_ranges/ and lowering the screen take most of the first
answer of a process. What comes of it is kept as Python keeps bytecode: in the same
`__pycache__`, so it needs no more trust than the code beside it; not where Python is told
to write none, or the folder is not ours to write. An entry holds for the very data files
(by their SHA-256), code and Python that it was made with, and is else made again. No
record and no answer ever goes in.

`cbc_screen` imports this before any other of its modules: what a process runs is not
older than the code it notes here, and it keeps nothing once that has changed on disk.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from threading import get_ident

from cbc_screen._version import __version__
from cbc_screen.knowledge.files import reference_ranges_root

_HASH = hashlib.sha256
_SIZE = _HASH().digest_size


def load(entry: str) -> object | None:
    """Return what was kept under a name, or None."""
    state = _state()
    if state is None:
        return None
    try:
        content = _path(entry).read_bytes()
    except OSError:
        return None
    stamp, check, body = content[:_SIZE], content[_SIZE : 2 * _SIZE], content[2 * _SIZE :]
    if stamp != state or check != _HASH(body).digest():
        return None
    import pickle

    return pickle.loads(body)  # type: ignore[no-any-return]


def save(entry: str, value: object) -> None:
    """Keep a value under a name, where that can be done."""
    state = _state()
    if state is None or sys.dont_write_bytecode or state != _state_now(_code()):
        return
    import pickle

    body = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    path = _path(entry)
    part = path.with_name(f"{path.name}.{os.getpid()}.{get_ident()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(state + _HASH(body).digest() + body)
            os.replace(part, path)  # another process sees all of it or nothing
        finally:
            part.unlink(missing_ok=True)


def _path(entry: str) -> Path:
    bytecode = Path(importlib.util.cache_from_source(__file__))
    return bytecode.with_name(f"{entry}.{sys.implementation.cache_tag}.kept")


@lru_cache(maxsize=1)
def _state() -> bytes | None:
    return _state_now(_CODE_LOADED)


def _state_now(code: bytes | None) -> bytes | None:
    """Return what an entry must have been made with; None where nothing is kept (a zip)."""
    root = reference_ranges_root()
    if code is None or not isinstance(root, Path) or sys.implementation.cache_tag is None:
        return None
    state = _HASH(f"{__version__} {sys.version} {root}".encode() + code)
    try:
        for name, path in sorted(_files(root)):
            state.update(f"\0{name}\0".encode() + _HASH(Path(path).read_bytes()).digest())
    except OSError:
        return None  # what is wrong with the tables is told where they are read
    return state.digest()


def _code() -> bytes | None:
    """Return a digest of the sizes and times of the package's files; None where they cannot be seen."""
    state = _HASH()
    try:
        for name, path in sorted(_files(Path(__file__).parent.parent)):
            if name.endswith((".py", ".pyc")):  # a package may come as bytecode alone
                known = os.stat(path)
                state.update(f"\0{name} {known.st_size} {known.st_mtime_ns}".encode())
    except OSError:
        return None
    return state.digest()


def _files(folder: str | Path, prefix: str = "") -> Iterator[tuple[str, str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _files(entry.path, f"{prefix}{entry.name}/")
            elif not entry.name.startswith("."):
                yield prefix + entry.name, entry.path


_CODE_LOADED = _code()
