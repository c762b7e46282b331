"""The address of a database, and what it is called where a password must not stand."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from cbc_screen.errors import UsageError

# What is meant as the address of a server, however it is written, a Path of it too: one of PostgreSQL, settings with a password,
# a user of another kind of server.
_MEANT = re.compile(
    r"postgres(ql)?(\+\w+)?:|(?<![\w/\\])(pass|password|passwd|pwd)\s*=|\b[a-z][\w+.-]+:/.*@",
    re.IGNORECASE | re.DOTALL,
)
_BYTE = "%[0-9A-Fa-f]{2}"
_HOST = rf"(?:(?:[\w.~-]|{_BYTE})+|\[[0-9A-Fa-f:.%\w]+\])?(?::[0-9]{{0,5}})?"
# Nothing that ends a part stands in another one, so that no part of a password is taken for a host, a database or a setting.
_WRITTEN = re.compile(
    rf"postgres(?:ql)?://"
    rf"(?:(?:[^@/?#%\[\]\s\x00-\x1f]|{_BYTE})*@)?"
    rf"(?P<host>{_HOST}(?:,{_HOST})*)"
    rf"(?:/(?P<database>(?:[\w.~ $+,!-]|{_BYTE})*))?"
    rf"(?:\?(?P<asked>(?:\w+=(?:[^&@?#=;%\x00-\x1f]|{_BYTE})*(?:&|$))*))?"
)
_NO_DATABASE = re.compile(r"[=;&:@/?#%\\\x00-\x1f]")
_MALFORMED = (
    "the address of a database cannot be read, and nothing of it is shown here; write postgresql://USER@HOST:PORT/DATABASE?table=NAME, "
    "each of / ? @ # = % [ ] and a space in a password or a name as %2F %3F %40 %23 %3D %25 %5B %5D %20, and better the password in "
    "PGPASSWORD or in ~/.pgpass"
)
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
    text, is_path = str(text), isinstance(text, Path)
    if is_meant(text):
        return _postgresql(text, is_path=is_path)
    path, _, asked = (text, "", "") if os.path.lexists(text) else text.partition("?")
    if Path(path).suffix.lower() not in _ENDINGS and not _is_duckdb(path):
        return None
    pairs = parse_qsl(asked, keep_blank_values=True)
    if any(name != _TABLE for name, _ in pairs) or len(pairs) > 1:
        raise UsageError("behind a file of DuckDB goes ?table=NAME and nothing else")
    return Address(Database.DUCKDB, path, Path(path).name, _named([table for _, table in pairs]))


def is_meant(text: str) -> bool:
    """Tell what is meant as the address of a server, well written or not, and is no file that is there."""
    return _MEANT.search(text) is not None and not os.path.lexists(text)


def require_file(path: Path) -> None:
    """Refuse what is meant as the address of a server where a file is read: its name may be a password, and is not shown."""
    if is_meant(str(path)):
        raise UsageError("this is read from a file that scan wrote, and not from a database; name the file")


def _postgresql(text: str, *, is_path: bool) -> Address:
    if is_path:
        raise UsageError("give the address of a database as text: a Path leaves a stroke of it out")
    found = _WRITTEN.fullmatch(text)
    if found is None:
        raise UsageError(_MALFORMED)
    parts = [part for part in (found["asked"] or "").split("&") if part]
    pairs = [(name, unquote(value)) for name, _, value in (part.partition("=") for part in parts)]
    own = "&".join(part for part, (name, _) in zip(parts, pairs, strict=True) if name != _TABLE)
    database = unquote(found["database"] or "") or dict(pairs).get("dbname", "") or str(Database.POSTGRESQL)
    host = unquote(found["host"])
    if _NO_DATABASE.search(database):
        raise UsageError(_MALFORMED)
    base = text.partition("?")[0]
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
    return quoted_parts(*parts_of(table))


def quoted_parts(*parts: str) -> str:
    """Return a name of several parts as SQL writes it."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def parts_of(table: str) -> tuple[str, ...]:
    """Return schema and table, or the table alone."""
    parts = tuple(part.strip() for part in table.split("."))
    if not all(parts) or len(parts) > 2 or "\0" in table:
        raise UsageError("a table is named NAME or SCHEMA.NAME")
    return parts
