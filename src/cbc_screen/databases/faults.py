"""What a database says goes wrong, as one line: never its own words, which may quote a value or the query."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cbc_screen.databases.address import Address
from cbc_screen.errors import CBCScreenError, UsageError

Made = TypeVar("Made")
Words = Callable[[BaseException], str]

_LOST = "the database went away; nothing was written: run it again when it answers"
_EXISTS = "a table (or a type) of that name exists, and none is overwritten; name another one"
_NO_PERMISSION = (
    "this user has no permission for it; GRANT SELECT on what is read, CREATE in the schema that is written to"
)
_CANCELED = "the database canceled the query (statement_timeout?); let it run longer, or ask for less"
_NO_VALUE = "the query meets a value that it cannot convert, or a text that the database cannot hold; cast or leave it out in the query"
_TOO_LARGE = "the table would have more columns, or larger ones, than the database can hold; keep fewer"
_NOT_HELD = "a row has what the database cannot hold (a day far outside its years, a text with the sign NUL); leave that column out of keep"
_NO_TYPE = (
    "the database has no type for one of the columns (a list, a record?); leave it out of keep, or write to a file"
)
_PASSWORD = "the database refused the password; give it in PGPASSWORD or in ~/.pgpass"
_TRY = "try the query, or the table, in a program of the database's own"
# By SQLSTATE, or its class of two characters.
_STATES = {
    "42P01": "there is no table of that name that this user sees; names are read as they are written, as SCHEMA.NAME or NAME",
    "42P07": _EXISTS,
    "42710": _EXISTS,
    "42701": "two columns of the new table would have one name; rename one of them in the source",
    "42703": "the query names a column that is not there; look at the columns of the table",
    "42501": _NO_PERMISSION,
    "42939": "a schema of the database's own takes no table; name another one",
    "3F000": "there is no schema of that name; CREATE SCHEMA, or name another one",
    "25006": "the query would change the database, which is read only; give one SELECT, and write to another database",
    "57014": _CANCELED,
    "57P": _LOST,
    "08": _LOST,
    "42": "the query is not one SELECT that the database understands; try it in psql",
    "22": _NO_VALUE,
    "53": "the database has no room, or no connection, left; run it again when it has",
    "54": _TOO_LARGE,
}
_OF_A_TYPE = ("NOT_IMPLEMENTED", "INTERNAL")
_NOT_CONVERTED = ("ConversionException", "ArrowInvalid")
_NO_REASON = "writing COPY data:"
# What the driver says where it has no SQLSTATE: of a table that it makes, and of rows that it reads or sends.
_STATUS = {
    "NOT_FOUND": "there is no schema, or no table, of that name that this user sees; names are read as they are written, as "
    "SCHEMA.NAME or NAME",
    "ALREADY_EXISTS": _EXISTS,
    "UNAUTHORIZED": _NO_PERMISSION,
    "UNAUTHENTICATED": _PASSWORD,
    "INVALID_DATA": _NO_VALUE,
    "INTEGRITY": "the database has a rule that a row breaks (a constraint or a trigger); write to another schema",
    **dict.fromkeys(
        _OF_A_TYPE, "its driver does not carry a type of one of the columns; cast it to text, or leave it out"
    ),
    "CANCELLED": _CANCELED,
    "TIMEOUT": _CANCELED,
}
# What the server says in the middle of rows, of which the driver gives only the words, which may be in another language.
_IN_THE_MIDDLE = (
    ("canceling statement", _CANCELED),
    ("at most 1600 columns", _TOO_LARGE),
)
_ENDED = (
    "the database ended the statement with an error (a value that it cannot convert, a division by zero, its time is over?); try "
    "the query in psql"
)
_CLASSES = {
    "CatalogException": "there is no table of that name (or no such function); names are read as SCHEMA.NAME or NAME",
    "BinderException": "the query names a column that is not there, or types that do not go together; try it in DuckDB",
    "ParserException": "the query is not one SELECT that DuckDB understands; try it in DuckDB",
    "ConversionException": _NO_VALUE,
    "OutOfRangeException": _NO_VALUE,
    "InvalidInputException": "the query asks for what it is not given (a parameter: ? or $1), or ends itself with an error; write "
    "the values into it, and try it in DuckDB",
    "InvalidTypeException": _NO_VALUE,
    "OutOfMemoryException": "DuckDB had not enough memory for the query; ask for less, or sort less",
    "PermissionException": "DuckDB has no permission for it; look at the rights of the file",
    "TransactionException": "another connection changed the database in between; run it again",
    "ConnectionException": "this process has the file open in another way; close that connection first",
}
_NO_ANSWER = "nothing answers there; is the address right, and does the server run?"
# Of a server that words its errors in another language.
_NOT_LET_IN = (
    "the server answers, and lets nobody in with this address; look at the user, the database, the password (PGPASSWORD or "
    "~/.pgpass) and its pg_hba.conf"
)
# What libpq says of a connection that it could not make; it has no code for it.
_CONNECTING = (
    ("password", _PASSWORD),
    ("no pg_hba.conf entry", "the database lets no such user in from here; ask for a line in its pg_hba.conf"),
    ('" does not exist', "the database, or the user, does not exist on this server; look at the address"),
    ("URI", "the address of the database cannot be read: postgresql://USER@HOST:PORT/DATABASE"),
    (
        "connection option",
        "the address of the database has a setting that libpq does not know; look at what stands behind its ?",
    ),
    ("starting up", "the database is starting up; try again"),
    ("too many", "the database has no connection left; run it again when it has"),
    ("SSL", "the connection could not be encrypted as asked; look at its sslmode"),
)


def said(error: BaseException, *, answers: bool = False) -> str:
    """Return what an error of a database means, and what to do; `answers` says that the connection is there."""
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str) and state:
        known = next((_STATES[state[:length]] for length in (5, 3, 2) if state[:length] in _STATES), None)
        return known or f"the database refused (SQLSTATE {state}); {_TRY}"
    name = type(error).__name__
    if name in _CLASSES:
        return _CLASSES[name]
    if name == "IOException":  # of DuckDB, while rows come: the file is open
        return (
            "DuckDB cannot read a file that the query names, or what it writes beside the database has no room; look at the "
            "names in the query, and at the disk"
        )
    status = getattr(getattr(error, "status_code", None), "name", None)
    if status in _STATUS:
        return _STATUS[status]
    if status == "IO" or type(error).__module__.startswith("pyarrow") or isinstance(error, OSError):
        known = next((sentence for words, sentence in _IN_THE_MIDDLE if words in str(error)), None)
        return known or (_ENDED if answers else _LOST)
    return f"the database refused ({status or name}); {_TRY}"


def not_written(error: BaseException, *, answers: bool = False) -> str:
    """Return why rows cannot be put into a new table; `answers` says that the connection is there."""
    state, status = getattr(error, "sqlstate", None) or "", getattr(getattr(error, "status_code", None), "name", None)
    # Without a word of the server: the driver could not write a day as the server counts days.
    unwritten = status == "IO" and str(error).rstrip().endswith(_NO_REASON)
    if state.startswith("22") or status == "INVALID_DATA" or type(error).__name__ in _NOT_CONVERTED or unwritten:
        return _NOT_HELD
    return _NO_TYPE if status in _OF_A_TYPE else said(error, answers=answers)


def not_opened(error: BaseException) -> str:
    """Return why a file of DuckDB cannot be opened."""
    if type(error).__name__ != "IOException":
        return said(error)
    if "lock" in str(error):
        return "another process has the file open; close it there, or copy the file"
    return "it cannot be opened as a file of DuckDB (another kind of file, one of a newer version, or no permission); look at it in DuckDB"


def not_connected(error: BaseException) -> str:
    """Return why there is no connection to PostgreSQL."""
    text = str(error)
    known = next((sentence for words, sentence in _CONNECTING if words in text), None)
    nobody = _NOT_LET_IN if "FATAL" in text else _NO_ANSWER
    return known or nobody


def exists(address: Address, table: str) -> UsageError:
    """Return the error for a name that is taken."""
    return UsageError(f"{address.name}: a table {table} exists, and none is overwritten; name another one")


def no_schema(address: Address, table: str) -> UsageError:
    """Return the error for a schema that is not there."""
    return UsageError(f"{address.name}: there is no schema for {table}; CREATE SCHEMA, or name another one")


def told(address: Address, make: Callable[[], Made], words: Words = said) -> Made:
    """Do something with a database; what goes wrong is one line with the name of the database, and nothing else of it."""
    try:
        return make()
    except (CBCScreenError, MemoryError):
        raise
    except Exception as error:
        message = words(error)
    # Outside the except block: nothing of the first error is attached.
    raise UsageError(f"{address.called}: {message}")
