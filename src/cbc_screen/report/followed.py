"""What `follow` found: counts of persons on a terminal, and the rows as a file. No value and no name is printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from cbc_screen.private_files import Lock
from cbc_screen.report.terminal import print_hanging
from cbc_screen.report.wording import words
from cbc_screen.report.writers import FlagWriter
from cbc_screen.vocabulary import NOTICE, Answer, Change, Line, Onset, Persistence, Trend

if TYPE_CHECKING:
    from rich.console import Console

_SEPARATOR = ";"
_MOST = 20
_COLUMN = 15  # characters: room for a count of a thousand millions
_BY_LINE = (("persistence", Persistence), ("onset", Onset), ("trend", Trend), ("fast_fall", Answer))


@dataclass(frozen=True)
class FollowedCounts:
    """What `follow` counted; no value and no name is in it.

    Attributes
    ----------
    counted : mapping of what to how many
    tables : mapping of a title to a mapping of a column ("red", "hemoglobin") to a mapping of word to how many
    listings : mapping of a title to a mapping of word to how many
    """

    counted: Mapping[str, int]
    tables: Mapping[str, Mapping[str, Mapping[str, int]]]
    listings: Mapping[str, Mapping[str, int]]

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python types, ready for JSON."""
        listings = {name.replace(",", "").replace(" ", "_"): own for name, own in self.listings.items()}
        return {**self.counted, **self.tables, **listings}


def counted(found: Any, *, each_count: bool) -> FollowedCounts:
    """Count how many persons, or counts, each word was told of."""
    rejected = len(found.attrs.get("rejected", ()))
    if each_count:
        changes = [name for name in found.columns if name.endswith("_change")]
        table = {name.removesuffix("_change"): _words_of(Change, found[name]) for name in changes}
        listings = {"identity checks, counts": _parts(found["identity_checks"])}
        tables, head = {"change": table}, {"counts": len(found), "rejected": rejected}
    else:
        nobody = int(found["person"].isna().sum())
        head = {
            "persons": len(found) - nobody,
            "counts": int(found["counts"].sum()),
            "moments": int(found["counts_used"].sum()),
            "rejected": rejected,
        }
        tables = {part: {str(line): _words_of(own, found[f"{line}_{part}"]) for line in Line} for part, own in _BY_LINE}
        listings = {
            "lasting, persons": _parts(found["lasting_definitions"]),
            "cannot tell whether lasting, persons": _parts(found["lasting_cannot_tell"]),
            "identity checks, persons": _parts(found["identity_checks"]),
        }
    listings["what was in the way"] = _parts(found["reasons"])
    return FollowedCounts(head, tables, listings)


def _words_of(own: type[Any], cells: Any) -> dict[str, int]:
    counts = Counter(map(str, cells))
    return {str(word): counts[str(word)] for word in own}


def _parts(cells: Any) -> dict[str, int]:
    """Count each part of joined words, the most frequent first."""
    counts: Counter[str] = Counter()
    for text, many in Counter(map(str, cells)).items():
        for part in filter(None, text.split(_SEPARATOR)):
            counts[part] += many
    return dict(counts.most_common())


def print_followed(console: Console, found: FollowedCounts) -> None:
    """Print what was counted."""
    console.print(Text(NOTICE, style="bold"))
    own = found.counted
    whole = f"{own['counts']:,} counts"
    if "persons" in own:
        whole = f"{own['persons']:,} persons of {whole}, {own['moments']:,} moments"
    console.print(f"{whole}; {own['rejected']:,} rows rejected")
    for title, table in found.tables.items():
        _print_table(console, words(title), table)
    for title, counts in found.listings.items():
        if counts:
            console.print(Text(f"\n{title}", style="bold"))
        for part, many in list(counts.items())[:_MOST]:
            print_hanging(console, f"  {many:>9,}  ", part)


def _print_table(console: Console, title: str, columns: Mapping[str, Mapping[str, int]]) -> None:
    """Print a table of words; columns that a terminal has no room for follow in a table of their own."""
    told = [word for word in next(iter(columns.values()), {}) if any(own[word] for own in columns.values())]
    room = max(1, (console.width - max(map(len, (title, *told)), default=0)) // _COLUMN)
    names = list(columns)
    for start in range(0, len(names), room):
        table = Table(title, box=None, pad_edge=False, title_justify="left")
        for name in names[start : start + room]:
            table.add_column(words(name), justify="right", overflow="fold", max_width=_COLUMN - 2)
        for word in told:
            table.add_row(words(word), *(f"{columns[name][word]:,}" for name in names[start : start + room]))
        console.print()
        console.print(table)


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
