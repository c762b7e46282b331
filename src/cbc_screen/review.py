"""What is done with the flags that a scan wrote: a worklist of them, one row screened again, two scans compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cbc_screen.comparison import Comparison
from cbc_screen.result import ScreeningResult
from cbc_screen.vocabulary import TextUnitSystem


def worklist(
    flags: str | Path,
    out: str | Path,
    *,
    person: str | None = None,
    text_units: TextUnitSystem = "si",
    ranges: str | None = None,
    rules: str | None = None,
    force: bool = False,
    most: int | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> int:
    """Write the worklist of a scan: one self-contained page of what to review, most urgent first.

    Parameters
    ----------
    flags : path
        A Parquet file that `scan` wrote. With `received=True` it shows every person in full;
        without, only the flags.
    out : path
        The page, .html; it holds the counts listed, so treat it as a patient's record.
    person : str, optional
        A kept column that says whose count it is, where the source has no person of its own.
    text_units : "si" or "us"
        Units of the texts.
    ranges, rules : str, optional
        Where your own files lie now, if the scan used some.
    force : bool
        Overwrite an existing page.
    most : int, optional
        How many counts are listed, 100,000 unless told; the page links to the flags beyond.
    progress : function of (counts, share), optional

    Returns
    -------
    int
        How many counts have something to review.

    Raises
    ------
    UsageError
        If the file is none that `scan` wrote, was written by another version, or `out` exists.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> from cbc_screen.demo import write_demo
    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> write_demo(folder / "export.csv", ordinary=3)
    >>> _ = cbc.scan(folder / "export.csv", folder / "flags.parquet", received=True)
    >>> cbc.worklist(folder / "flags.parquet", folder / "worklist.html") > 0
    True
    """
    from cbc_screen.engines.rescreen import FlagFile
    from cbc_screen.engines.worklist import MOST_LISTED, write_worklist
    from cbc_screen.screener import Screener

    file = FlagFile(flags, Screener, ranges=ranges, rules=rules, text_units=text_units)
    counts = write_worklist(
        file, Path(out), force=force, most=MOST_LISTED if most is None else most, person=person, progress=progress
    )
    return counts.flagged


def screen_again(
    flags: str | Path,
    row: str | int,
    *,
    text_units: TextUnitSystem = "si",
    ranges: str | None = None,
    rules: str | None = None,
) -> ScreeningResult:
    """Screen one row of a scan again, from its cells as received; the flags must be those of the file.

    Parameters
    ----------
    flags : path
        A Parquet file that `scan` wrote with `received=True`.
    row : int or str
        A row number, "FILE:ROW", or "COLUMN=VALUE" of a kept column.
    text_units, ranges, rules
        As in `worklist`.

    Returns
    -------
    ScreeningResult, whose `explain()` gives the chain from received text to flag.

    Raises
    ------
    UsageError
        If there is no such row or more than one, or the cells as received are not in the file.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> from cbc_screen.demo import write_demo
    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> write_demo(folder / "export.csv", ordinary=3)
    >>> _ = cbc.scan(folder / "export.csv", folder / "flags.parquet", keep=["Sample"], received=True)
    >>> cbc.screen_again(folder / "flags.parquet", "Sample=T01").pattern.value
    'pancytopenia'
    """
    from cbc_screen.engines.rescreen import FlagFile, find_row
    from cbc_screen.screener import Screener

    file = FlagFile(flags, Screener, ranges=ranges, rules=rules, text_units=text_units)
    file.require_received()
    return file.screen(find_row(file, str(row)))[0]


def compare(
    old: str | Path,
    new: str | Path,
    *,
    key: str | None = None,
    examples: int = 5,
    old_rejects: str | Path | None = None,
    new_rejects: str | Path | None = None,
) -> Comparison:
    """Compare the flags of two scans of one source: what changed, for which rows, the most serious first.

    Parameters
    ----------
    old, new : path
        What `scan` wrote: Parquet (packed or not), CSV or NDJSON, compressed or not.
    key : str, optional
        A kept column that rows are matched by; else their number, with the source file where there
        are several. Rows of a key that both files have equally often are matched in the order of
        their source (`Comparison.in_order` counts them), so take what one row has: a sample's number.
    examples : int
        How many rows of each change are named, by their number alone.
    old_rejects, new_rejects : path, optional
        Files of rejects of the two scans: a row that the other scan rejected is counted by its reason.

    Returns
    -------
    Comparison, in which every row of both files is accounted for.

    Raises
    ------
    UsageError
        If a file is none that `scan` wrote, cannot be read, or is packed by another version; or, without
        a key, if one is of several source files and the other of one.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> from cbc_screen.demo import write_demo
    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> write_demo(folder / "export.csv", ordinary=3)
    >>> _ = cbc.scan(folder / "export.csv", folder / "old.parquet")
    >>> _ = cbc.scan(folder / "export.csv", folder / "new.parquet", definition="clinical")
    >>> found = cbc.compare(folder / "old.parquet", folder / "new.parquet")
    >>> found.same, found.old.definition, found.new.definition
    (False, 'reference', 'clinical')
    """
    from cbc_screen.engines.comparing import compare_flags

    rejects = tuple(None if path is None else Path(path) for path in (old_rejects, new_rejects))
    return compare_flags(Path(old), Path(new), key=key, examples=examples, rejects=(rejects[0], rejects[1]))
