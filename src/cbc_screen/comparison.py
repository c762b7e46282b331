"""What changed between two files of flags: words and counts, and no value of a patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION

NO_ROW = "no_row"  # in place of a word, where a file does not have the row


class Seriousness(StrEnum):
    """What a change of a word means for whoever reviews the flags. The order is the order of the table.

    `LOST`: a low line is no longer low, a pancytopenia is none any more, an urgency is lower or unknown.
    `LESS`: another word is less, or unknown, where something was flagged. `CLEARED`: what was unknown is not
    flagged now. `MORE`: more is flagged. `OTHER`: neither more nor less.
    """

    LOST = "lost"
    LESS = "less"
    CLEARED = "cleared"
    MORE = "more"
    OTHER = "other"


class Unmatched(StrEnum):
    """Why a row of one file was not held against one of the other, where no file of rejects says it."""

    NOT_THERE = "not_in_the_other_file"
    REPEATED = "key_not_as_often_in_both"
    NO_KEY = "key_empty"


@dataclass(frozen=True)
class FlagsVersion:
    """How a file of flags was made; "" where neither the file nor its manifest says so.

    Attributes
    ----------
    file : str
        The name of the file, without its folder.
    code, data : versions of cbc-screen and of its tables
    ranges : the set of reference ranges
    definition, scheme : when a line is low, and the grading scheme
    rows : int
    """

    file: str
    code: str
    data: str
    ranges: str
    definition: str
    scheme: str
    rows: int


@dataclass(frozen=True)
class Example:
    """A row that changed: its number in each file, with the source file where there are several; None where it is not."""

    old: str | None
    new: str | None


@dataclass(frozen=True)
class Transition:
    """One word of one column that became another.

    Attributes
    ----------
    column : str
    old, new : str
        The words; "" where there is none, "no_row" where the file does not have the row.
    seriousness : Seriousness
    rows : int
    came, went : mapping of "field:REASON" to rows
        Reasons that only the new, or only the old row has, the most frequent first.
    examples : tuple of Example, by row number alone
    """

    column: str
    old: str
    new: str
    seriousness: Seriousness
    rows: int
    came: Mapping[str, int]
    went: Mapping[str, int]
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Comparison:
    """What changed between two files of flags; every row of both is accounted for.

    Attributes
    ----------
    old, new : FlagsVersion
    key : str
        What rows were matched by.
    matched, changed : int
        Rows in both files, and those of them in which some flag differs.
    in_order : int
        Rows of those in both that share their key with others, and were taken in their order (that of source file
        and row number): where that order differs between the files, a change of them may be none.
    only_old, only_new : mapping of reason to rows
        Rows that have no partner; `old.rows == matched + sum(only_old.values())`, and so for `new`.
    columns : mapping of column to matched rows in which it changed, in the order of the file
    came, went : mapping of "field:REASON" to matched rows
        Reasons that only the new, or only the old row has.
    transitions : tuple of Transition, the most serious first
    columns_only_old, columns_only_new : tuple of str
        Flag columns that one file alone has.
    columns_in_neither : tuple of str
        Columns that say most, of which nothing could be compared: a line, the pattern, the urgency, the reasons.

    Examples
    --------
    >>> import tempfile
    >>> import cbc_screen as cbc
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = cbc.sample().to_csv(f"{folder}/counts.csv", index=False)
    ...     _ = cbc.scan(f"{folder}/counts.csv", f"{folder}/old.parquet")
    ...     _ = cbc.scan(f"{folder}/counts.csv", f"{folder}/new.parquet", definition="clinical")
    ...     found = cbc.compare(f"{folder}/old.parquet", f"{folder}/new.parquet")
    >>> found.matched, found.same, found.transitions[0].column, found.transitions[0].seriousness.value
    (141, False, 'red_line', 'lost')
    """

    old: FlagsVersion
    new: FlagsVersion
    key: str
    matched: int
    changed: int
    only_old: Mapping[str, int]
    only_new: Mapping[str, int]
    columns: Mapping[str, int]
    came: Mapping[str, int]
    went: Mapping[str, int]
    transitions: tuple[Transition, ...]
    columns_only_old: tuple[str, ...] = ()
    columns_only_new: tuple[str, ...] = ()
    columns_in_neither: tuple[str, ...] = ()
    in_order: int = 0
    notice: str = field(default=NOTICE)
    schema_version: str = SCHEMA_VERSION

    @property
    def same(self) -> bool:
        """Whether every row is in both files with the same flags."""
        return not (self.changed or self.only_old or self.only_new or self.columns_only_old or self.columns_only_new)

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python types, ready for JSON."""
        return {**asdict(self), "same": self.same}
