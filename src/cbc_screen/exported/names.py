"""Names of tables and columns that a caller gives, checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from cbc_screen.errors import UsageError
from cbc_screen.exported.dialects import DialectWords


def check_names(
    words: DialectWords, *, table: str, view: str | None, keep: Sequence[str], columns: Mapping[str, str] | None
) -> None:
    """Refuse what is no name, and a view that would take the place of its own table.

    Raises
    ------
    UsageError
        If a name is no text, is blank or holds NUL, or the view may be the table.
    """
    if isinstance(keep, str):
        raise UsageError("keep takes a list of columns")
    for name in keep:
        _check_name(words, "keep", name)
    for field, column in (columns or {}).items():
        _check_name(words, f"columns: {field}", column)
    own = _check_table(words, "table", table)
    if view is not None:
        other = _check_table(words, "view", view)
        shared = min(len(own), len(other))  # one without a schema may be that of any
        if own[-shared:] == other[-shared:]:
            raise UsageError("view: may be the table itself, which it would replace; give it another name")


def check_kept(words: DialectWords, keep: Sequence[str], answers: Collection[str]) -> None:
    """Refuse kept columns that have the name of an answer, and one named twice.

    Raises
    ------
    UsageError
        Says which.
    """
    names = [_folded(words, name) for name in keep]
    if taken := [name for name in names if name in answers]:
        raise UsageError(f"keep: {taken[0]} is the name of an answer; rename it in a view")
    if len(set(names)) < len(names):
        raise UsageError("keep: a column is named twice")


def check_hidden(words: DialectWords, table: str, parts: Collection[str]) -> None:
    """Refuse a table without schema that has the name of a part of the statement, which would hide it."""
    if _folded(words, table) in parts:
        raise UsageError("table: a part of the statement has this name; give the table with its schema")


def _check_table(words: DialectWords, where: str, name: object) -> list[str]:
    whole = _check_name(words, where, name)
    return [_folded(words, _check_name(words, where, part)) for part in words.parts(whole)]


def _check_name(words: DialectWords, where: str, name: object) -> str:
    if not isinstance(name, str) or not words.unquoted(name).strip() or "\0" in name:
        raise UsageError(f"{where}: a name must be a text that is not blank, without NUL")
    return name


def _folded(words: DialectWords, name: str) -> str:
    return words.unquoted(name).casefold()
