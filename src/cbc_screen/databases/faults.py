"""What a database says goes wrong, as one line: never its own words, which may quote a value or the query."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cbc_screen.databases.address import Address
from cbc_screen.errors import CBCScreenError, UsageError

Made = TypeVar("Made")

_LOST = "the database went away; nothing was written: run it again when it answers"
# By SQLSTATE, or its class of two characters.
_STATES = {
    "42P01": "there is no table of that name that this user sees; names are read as they are written, as SCHEMA.NAME or NAME",
    "42P07": "a table of that name exists, and none is overwritten; name another one",
    "42703": "the query names a column that is not there",
    "42501": "this user has no permission for it; GRANT SELECT on what is read, CREATE in the schema that is written to",
    "3F000": "there is no schema of that name",
    "25006": "the query would change the database; give one SELECT",
    "57014": "the database canceled the query (statement_timeout?)",
    "57P": _LOST,
    "08": _LOST,
    "42": "the query is not one SELECT that the database understands; try it in psql",
    "22": "the query meets a value that it cannot convert, or a text that the database cannot hold",
    "53": "the database has no room, or no connection, left",
    "54": "the table would have more than the database can hold",
}
_CLASSES = {
    "CatalogException": "there is no table of that name (or no such function); names are read as SCHEMA.NAME or NAME",
    "BinderException": "the query names a column that is not there, or types that do not go together",
    "ParserException": "the query is not one SELECT that DuckDB understands",
    "ConversionException": "the query meets a value that it cannot convert",
    "OutOfMemoryException": "DuckDB had not enough memory for the query",
    "PermissionException": "DuckDB has no permission for it",
    "TransactionException": "another connection changed the database in between; run it again",
    "ConnectionException": "this process has the file open in another way; close that connection first",
}
# What libpq says of a connection that it could not make; it has no code for it.
_CONNECTING = (
    ("password", "the database refused the password; give it in PGPASSWORD or in ~/.pgpass"),
    ("no pg_hba.conf entry", "the database lets no such user in from here (pg_hba.conf)"),
    ('" does not exist', "the database, or the user, does not exist on this server"),
    ("URI", "the address of the database cannot be read: postgresql://USER@HOST:PORT/DATABASE"),
    ("connection option", "the address of the database has a setting that libpq does not know"),
    ("starting up", "the database is starting up; try again"),
    ("too many", "the database has no connection left"),
    ("SSL", "the connection could not be encrypted as asked (sslmode)"),
)


def said(error: BaseException) -> str:
    """Return what an error of a database means, and what to do."""
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str) and state:
        known = next((_STATES[state[:length]] for length in (5, 3, 2) if state[:length] in _STATES), None)
        return known or f"the database refused (SQLSTATE {state})"
    name = type(error).__name__
    if name in _CLASSES:
        return _CLASSES[name]
    if name == "IOException":
        if "lock" in str(error):
            return "another process has the file open; close it there, or copy the file"
        return "it cannot be opened as a file of DuckDB (no such file, or of a newer version), or the disk is full"
    if type(error).__module__.startswith(("pyarrow", "adbc")) or isinstance(error, OSError):
        return _LOST
    return f"the database refused ({name})"


def not_connected(error: BaseException) -> str:
    """Return why there is no connection to PostgreSQL."""
    text = str(error)
    known = next((sentence for words, sentence in _CONNECTING if words in text), None)
    return known or "nothing answers there; is the address right, and does the server run?"


def told(address: Address, make: Callable[[], Made], words: Callable[[BaseException], str] = said) -> Made:
    """Do something with a database; what goes wrong is one line with the name of the database, and nothing else of it."""
    try:
        return make()
    except (CBCScreenError, MemoryError):
        raise
    except Exception as error:
        message = words(error)
    # Outside the except block: nothing of the first error is attached.
    raise UsageError(f"{address.called}: {message}")
