"""The options of a screener, of a call and of a scan, as a type checker knows them, and the frames that go in and come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypedDict, TypeVar

from cbc_screen.source import SourceOptions, UnitSystem
from cbc_screen.vocabulary import Adjust, AdjustWord, DefinitionId, SchemeId, Setting, SettingWord, TextUnitSystem

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl

# The frame that goes in is the kind that comes out.
Frame = TypeVar("Frame", bound="pd.DataFrame | pl.DataFrame | pl.LazyFrame | duckdb.DuckDBPyRelation")


class ArrowStream(Protocol):
    """What gives an Arrow stream: frames of pyarrow, which have no types, and of every library of the PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the stream."""
        ...


class ScreenerOptions(TypedDict, total=False):
    """The fields of `Screener`, as keyword arguments."""

    ranges: str
    definition: DefinitionId
    grading: SchemeId
    prefer_reported_ranges: bool
    units: UnitSystem | Mapping[str, str] | None
    rules: str
    adjust_hemoglobin: Sequence[Adjust | AdjustWord]
    text_units: TextUnitSystem
    unit_spellings: Mapping[str, str] | None
    published_sets: bool
    setting: SettingWord | Sequence[Setting | SettingWord]


class EveryOption(ScreenerOptions, SourceOptions, total=False):
    """The fields of `Screener` and of `Source`; units and their spellings are of both."""


class ScanOptions(EveryOption, total=False):
    """What `scan` takes besides: see `Screener.scan`."""

    force: bool
    resume: bool
    packed: bool
    received: bool
    report: str | Path | None
    keep: Sequence[str] | None
    detail: bool
    progress: Callable[[int, float], None] | None
    summary: str | Path | None
    out_format: Literal["csv", "ndjson", "fhir"] | None
    workers: int | None
    previous: str | Path | None
    options_file: str | Path | None
    follow: bool
    person: str | None
    laboratory: str | None


CONFIGURATION = tuple(ScreenerOptions.__annotations__)
OF_A_SCAN = tuple(ScanOptions.__annotations__.keys() - EveryOption.__annotations__.keys())
