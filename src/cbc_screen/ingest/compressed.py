"""Files as bytes, unpacked where their name says so (.gz, .zst, .xz, .bz2)."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from pathlib import Path
from typing import IO, Any, cast

PACKINGS = {".gz": "gzip", ".zst": "zstd", ".xz": "xz", ".bz2": "bzip2"}


class _Zstandard(io.RawIOBase):
    """A zstd stream as Python reads files; damage is an OSError, as of any other file."""

    def __init__(self, file: IO[bytes]) -> None:
        import pyarrow as pa

        self._errors: type[Exception] = pa.ArrowException
        self._stream = pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            found = self._stream.read(len(buffer))
        except self._errors:
            damaged = True
        else:
            damaged = False
        if damaged:
            raise OSError("the stream is damaged")
        buffer[: len(found)] = found
        return len(found)


class _Xz(io.RawIOBase):
    """An xz stream as Python reads files; damage is an OSError, as of any other file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._stream = lzma.LZMAFile(file)  # noqa: SIM115  it lives as long as this

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            return self._stream.readinto(buffer)
        except (lzma.LZMAError, EOFError):
            damaged = OSError("the stream is damaged")
        raise damaged


def unpacked(file: IO[bytes], path: Path) -> IO[bytes]:
    """Return the content of an open file, unpacked by its name's ending."""
    ending = path.suffix.lower()
    if ending == ".gz":
        return cast(IO[bytes], gzip.GzipFile(fileobj=file))
    if ending == ".zst":
        return cast(IO[bytes], io.BufferedReader(_Zstandard(file), 1 << 20))
    if ending == ".xz":
        return cast(IO[bytes], io.BufferedReader(_Xz(file), 1 << 20))
    if ending == ".bz2":
        return cast(IO[bytes], bz2.BZ2File(file))
    return file


def ending_of(path: Path) -> str:
    """Return the ending of a name without that of its packing."""
    return Path(path.stem).suffix.lower() if path.suffix.lower() in PACKINGS else path.suffix.lower()


def not_packed(path: Path) -> str:
    """Say that a file is not packed as its name says."""
    kind = PACKINGS.get(path.suffix.lower(), "text")
    return f"the source is named {path.suffix} and is not a {kind} file, or it is cut short"
