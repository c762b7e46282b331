"""What a scan is asked for: its sources, its outputs, and how they are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cbc_screen.databases.address import Address
from cbc_screen.vocabulary import STANDARD_STREAM, TextUnitSystem


@dataclass(frozen=True)
class ScanRequest:
    """What to scan and where to write; `sources` may hold patterns and "-", `out` may be "-"."""

    sources: tuple[str, ...]
    out: Path | None
    rejects: Path | None
    force: bool
    keep: tuple[str, ...]
    detail: bool
    summary: Path | None = None
    out_format: str | None = None
    resume: bool = False
    packed: bool = False
    received: bool = False
    follow: bool = False  # what changed since the count before stands beside the flags
    person: str | None = None  # whose each row is, where it is followed
    laboratory: str | None = None
    out_table: Address | None = None  # of a database, in place of `out`
    previous: Mapping[str, int] | None = None  # results by analyte of the scan before
    text_units: TextUnitSystem = "si"  # of the worklist that goes with the flags
    options_file: str | None = None  # the file that the options came from; it decides no answer itself

    @property
    def to_standard_output(self) -> bool:
        """Whether the flags go to standard output."""
        return self.out is not None and str(self.out) == STANDARD_STREAM

    @property
    def file(self) -> Path | None:
        """The file of flags, where there is one."""
        return None if self.to_standard_output else self.out
