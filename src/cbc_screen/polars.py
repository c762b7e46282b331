"""Files as a source of polars, and `df.cbc.screen()`: what a query asks for is all that is worked out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from cbc_screen.engines.each_row import RowsAsked, each_row, row_schema
from cbc_screen.engines.inputs import expand, is_named, names_of
from cbc_screen.engines.opening import opening_of
from cbc_screen.errors import UsageError
from cbc_screen.ingest.frames import to_polars
from cbc_screen.normalize.declared import parse_adjust
from cbc_screen.screener import Screener
from cbc_screen.screening import screen_frame
from cbc_screen.source import Files, Source, SourceOptions, source_of
from cbc_screen.vocabulary import STANDARD_STREAM

if TYPE_CHECKING:
    import polars as pl

    from cbc_screen.screener_options import EveryOption


def scan(
    source: Files | Source,
    *,
    keep: Sequence[str] = (),
    screener: Screener | None = None,
    **options: Unpack[SourceOptions],
) -> pl.LazyFrame:
    """Return files of blood counts as a lazy frame of flags, screened when it is collected, in bounded memory.

    Only the columns that a query needs are worded, rows that its filters drop are dropped batch by batch, and `head` stops
    where it has enough.

    Parameters
    ----------
    source, options
        As in `Screener.scan`; not standard input, for a query may be collected twice.
    keep : list of column names
        Columns of the files to carry along, as texts.
    screener : Screener, optional
        Another configuration than the default one.

    Returns
    -------
    polars.LazyFrame
        `outcome` ("screened", "rejected", or "set_aside": a single result that belongs to no count), `file`, `row` (its
        line), the columns kept, the flags, `rejected_reason` and `rejected_content`. Every row of the files is there: one
        that could not be screened has no flags, and its reason. Pattern, severity and urgency are ordered, so that
        `pl.col("severity") >= "severe"` means what it says.

    Raises
    ------
    UsageError
        If polars is older than 1.36, no file is named, or an option is none; when it is collected as in `Screener.scan`.

    Examples
    --------
    >>> import polars as pl, tempfile, pathlib
    >>> import cbc_screen.polars
    >>> from cbc_screen.demo import write_demo
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "export.csv"
    >>> write_demo(file, ordinary=3)
    >>> low = cbc_screen.polars.scan(file).filter(pl.col("pattern") == "pancytopenia").select("row", "severity")
    >>> low.collect().columns
    ['row', 'severity']
    """
    from polars.io import plugins

    if not hasattr(plugins, "register_io_source"):
        raise UsageError("cbc_screen.polars.scan needs polars 1.36 or later: pip install -U polars")
    own = screener if screener is not None else Screener()
    described = source_of(source, options)
    asked = RowsAsked(_files(described), tuple(dict.fromkeys(keep)))
    adjust = parse_adjust(own.adjust_hemoglobin)
    opening = opening_of(described, own.engine.knowledge, units=own.units, adjust=adjust)
    schema = row_schema(own.engine, asked, opening)

    def rows(
        columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        needed = (
            None if columns is None else {*columns, *(predicate.meta.root_names() if predicate is not None else ())}
        )
        for table in each_row(own.engine, asked, opening, schema, schema.names if needed is None else needed):
            frame = to_polars(table)
            if n_rows is not None:
                frame, n_rows = frame.head(n_rows), n_rows - min(n_rows, len(frame))
            if predicate is not None:
                frame = frame.filter(predicate)
            yield frame if columns is None else frame.select(columns)
            if n_rows == 0:
                return

    return plugins.register_io_source(rows, schema=to_polars(schema.empty_table()).schema)


def _files(described: Source) -> tuple[str, ...]:
    """Return the names of the files, each of which is there now."""
    names = expand(names_of(described))
    for name in names:
        if name == STANDARD_STREAM:
            raise UsageError("a query may read its files twice: save standard input to a file")
        if not is_named(name):
            raise UsageError(f"the source {os.path.basename(name)!r} does not exist; check its name and folder")
    return tuple(names)


class Counts:
    """`frame.cbc`, of frames and lazy frames of polars, once `cbc_screen.polars` is imported."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    def screen(self, source: Source | None = None, *, detail: bool = False, **options: Unpack[EveryOption]) -> Any:
        """Return the flags of a frame of one count a row, in its order; see `cbc_screen.screen_frame`.

        Examples
        --------
        >>> import polars as pl
        >>> import cbc_screen.polars
        >>> frame = pl.DataFrame({"age": ["54 y"], "sex": ["F"], "HGB (g/dL)": [9.1]})
        >>> frame.cbc.screen()["red_line"].to_list()
        ['low']
        """
        given: Mapping[str, Any] = options
        return screen_frame(self._frame, source, detail=detail, **given)


def _register() -> None:
    import polars as pl

    pl.api.register_dataframe_namespace("cbc")(Counts)
    pl.api.register_lazyframe_namespace("cbc")(Counts)


_register()
