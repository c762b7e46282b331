"""What `follow` found: counts of persons on a terminal, and the rows as a file. No value and no name is printed."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from cbc_screen.private_files import Lock
from cbc_screen.report.wording import words
from cbc_screen.report.writers import FlagWriter
from cbc_screen.vocabulary import NOTICE, Answer, Change, Line, Onset, Persistence, Trend

if TYPE_CHECKING:
    from rich.console import Console

_SEPARATOR = ";"
_MOST = 20
_BY_LINE = (("persistence", Persistence), ("onset", Onset), ("trend", Trend), ("fast_fall", Answer))


def print_followed(console: Console, found: Any, *, each_count: bool) -> None:
    """Print how many persons, or counts, each word was told of."""
    console.print(Text(NOTICE, style="bold"))
    rejected = len(found.attrs.get("rejected", ()))
    if each_count:
        console.print(f"{len(found):,} counts; {rejected:,} rows rejected")
        changes = [name for name in found.columns if name.endswith("_change")]
        _table(console, "change", [name.removesuffix("_change") for name in changes], Change, found, changes)
        _listing(console, "identity checks, counts", found["identity_checks"])
    else:
        nobody = int(found["person"].isna().sum())
        rows, used = int(found["counts"].sum()), int(found["counts_used"].sum())
        console.print(
            f"{len(found) - nobody:,} persons of {rows:,} counts, {used:,} moments; {rejected:,} rows rejected"
        )
        for part, own in _BY_LINE:
            _table(console, words(part), [str(line) for line in Line], own, found, [f"{line}_{part}" for line in Line])
        _listing(console, "lasting, persons", found["lasting_definitions"])
        _listing(console, "cannot tell whether lasting, persons", found["lasting_cannot_tell"])
        _listing(console, "identity checks, persons", found["identity_checks"])
    _listing(console, "what was in the way", found["reasons"])


def _table(console: Console, title: str, heads: list[str], own: type[Any], found: Any, columns: list[str]) -> None:
    table = Table(title, *heads, box=None, pad_edge=False, title_justify="left")
    counts = [Counter(map(str, found[column])) for column in columns]
    for word in own:
        if any(count[str(word)] for count in counts):
            table.add_row(words(str(word)), *(f"{count[str(word)]:,}" for count in counts))
    console.print()
    console.print(table)


def _listing(console: Console, title: str, cells: Any) -> None:
    """Print how often each part of joined words stands in a column."""
    counts: Counter[str] = Counter()
    for text, many in Counter(map(str, cells)).items():
        for part in filter(None, text.split(_SEPARATOR)):
            counts[part] += many
    if counts:
        console.print(Text(f"\n{title}", style="bold"))
        for part, many in counts.most_common(_MOST):
            console.print(Text(f"  {many:>9,}  {part}"))


def write_followed(found: Any, path: Path, *, force: bool) -> None:
    """Write the rows under their name when they are whole."""
    import pyarrow as pa

    table = pa.Table.from_pandas(found, preserve_index=False).replace_schema_metadata(None)
    with Lock(path):
        writer = FlagWriter(path, {}, force=force)
        try:
            writer.write(table)
            writer.close()
            file = writer.file
            assert file is not None
            with closing(file):
                file.finish()
                file.commit()
        finally:
            writer.discard()
