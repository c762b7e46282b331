"""The address of a database, and what it is called where a password must not stand."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from cbc_screen.errors import UsageError

_SCHEMES = ("postgresql:/", "postgres:/")
_ENDINGS = (".duckdb", ".ddb")
_MAGIC, _MAGIC_AT = b"DUCK", 8
_TABLE = "table"


class Database(StrEnum):
    """The databases that are read and written."""

    POSTGRESQL = "PostgreSQL"
    DUCKDB = "DuckDB"


@dataclass(frozen=True)
class Address:
    """Where a database is; `where` may hold a password, and goes to the database's own driver only."""

    database: Database
    where: str = field(repr=False)
    name: str  # without user and password
    table: str | None = None

    @property
    def called(self) -> str:
        """What to call it, with its table."""
        return self.name if self.table is None else f"{self.name}: {self.table}"


def address_of(text: str | Path) -> Address | None:
    """Return the address that a source or an output names, or None where it is a file of another kind.

    `postgresql://USER@HOST/DATABASE?table=NAME` with whatever else libpq reads, or `FILE.duckdb?table=NAME`.
    """
    text = str(text)
    if text.startswith(_SCHEMES):
        return _postgresql(text)
    path, _, asked = (text, "", "") if os.path.lexists(text) else text.partition("?")
    if Path(path).suffix.lower() not in _ENDINGS and not _is_duckdb(path):
        return None
    pairs = parse_qsl(asked, keep_blank_values=True)
    if any(name != _TABLE for name, _ in pairs) or len(pairs) > 1:
        raise UsageError("behind a file of DuckDB goes ?table=NAME and nothing else")
    return Address(Database.DUCKDB, path, Path(path).name, _named([table for _, table in pairs]))


def _postgresql(text: str) -> Address:
    base, _, asked = text.partition("?")
    _, strokes, rest = base.partition("://")
    if not strokes:
        raise UsageError("give the address of a database as text: a Path leaves a stroke of it out")
    parts = [part for part in asked.split("&") if part]
    pairs = [(name, unquote(value)) for name, _, value in (part.partition("=") for part in parts)]
    own = "&".join(part for part, (name, _) in zip(parts, pairs, strict=True) if name != _TABLE)
    network, _, path = rest.partition("/")
    host = network.rpartition("@")[2]
    database = unquote(path) or dict(pairs).get("dbname", "") or str(Database.POSTGRESQL)
    where = f"{base}?{own}" if own else base
    tables = [value for name, value in pairs if name == _TABLE]
    return Address(Database.POSTGRESQL, where, f"{host}/{database}" if host else database, _named(tables))


def _named(tables: list[str]) -> str | None:
    if not tables:
        return None
    if len(tables) > 1 or not tables[0]:
        raise UsageError("the address of a database names one table: ?table=NAME")
    return tables[0]


def _is_duckdb(path: str) -> bool:
    """Tell a file of DuckDB by what it holds; a pipe is not opened."""
    with suppress(OSError, ValueError):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                return file.read(_MAGIC_AT + len(_MAGIC))[_MAGIC_AT:] == _MAGIC
    return False


def quoted(table: str) -> str:
    """Return a table's name, SCHEMA.TABLE or TABLE, as SQL writes it, whatever stands in it."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts_of(table))


def parts_of(table: str) -> tuple[str, ...]:
    """Return schema and table, or the table alone."""
    parts = tuple(part.strip() for part in table.split("."))
    if not all(parts) or len(parts) > 2 or "\0" in table:
        raise UsageError("a table is named NAME or SCHEMA.NAME")
    return parts
