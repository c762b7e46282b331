"""Errors say what, where, why and what to do; never a value from the input."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")


class CBCScreenError(Exception):
    """Base of every error this package raises on purpose; its message is one line that a terminal can show."""

    def __init__(self, message: str = "") -> None:
        if not message.isprintable():
            from cbc_screen.printable import clean_line

            message = clean_line(message)
        super().__init__(message)


class CBCScreenWarning(UserWarning):
    """Something of the input is not used until its user declares what it is; `warnings.filterwarnings` may make it an error."""


class UsageError(CBCScreenError):
    """The call cannot be carried out as asked; the message is one clear line."""


class FileError(UsageError, OSError):
    """The system refused to read or write: no room, no permission, a stream that was closed."""


class OutOfMemoryError(CBCScreenError, MemoryError):
    """There was not enough memory."""


class KnowledgeError(CBCScreenError):
    """A file under reference_ranges/ (or a user's own set) breaks its format."""

    def __init__(self, file: str, line: int | None, key: str, problem: str) -> None:
        self.file, self.line, self.key, self.problem = file, line, key, problem
        place = f"{file}:{line}" if line is not None else file
        super().__init__(f"{place}: {key}: {problem}")


class SeveralFaults(KnowledgeError):
    """A user's own file has several faults; `faults` has all of them, in the order of the file."""

    def __init__(self, faults: Sequence[KnowledgeError]) -> None:
        self.faults = tuple(faults)
        first, more = self.faults[0], len(self.faults) - 1
        hint = f" (and {more} more; cbc-screen ranges check lists all)" if more else ""
        super().__init__(first.file, first.line, first.key, f"{first.problem}{hint}")


class RecordError(CBCScreenError):
    """A record does not have the shape of a record (an unknown field, a wrong type).

    Not a ValueError: pydantic would wrap it in an error that carries the input.
    """


class RangeNotFound(CBCScreenError, LookupError):
    """No row of the chosen sets covers this analyte, age, sex and pregnancy."""


def did_you_mean(word: str, known: Iterable[str], said: str = "{}") -> str:
    """Return what names the known word that is nearest to an unknown one, to go behind a message; else nothing.

    >>> did_you_mean("hemglobin", ["hemoglobin", "platelets"])
    '; did you mean hemoglobin?'
    """
    from difflib import get_close_matches

    folded = {name.casefold(): name for name in known}
    close = get_close_matches(word.casefold(), folded, n=1)
    if not close:  # a beginning is near too: "nhanes" of "nhanes_dxh800"
        close = [name for name in folded if len(word) > 2 and name.startswith(word.casefold())][:1]
    return f"; did you mean {said.format(folded[close[0]])}?" if close else ""


def one_line_errors(what: str) -> Callable[[Callable[Given, Result]], Callable[Given, Result]]:
    """Let a function say in one line what the system refuses: no room, no permission, no memory, a closed stream.

    A context manager could not: what is raised at its end carries the first error, and that may quote the input.
    """

    def decorate(function: Callable[Given, Result]) -> Callable[Given, Result]:
        @wraps(function)
        def guarded(*given: Given.args, **named: Given.kwargs) -> Result:
            problem: CBCScreenError | None
            try:
                return function(*given, **named)
            except CBCScreenError as error:
                # The frames below hold cells, which a log that shows the locals of a traceback would show.
                problem = error.with_traceback(None)
            except Exception as error:
                problem = _in_one_line(what, error)
                if problem is None:
                    raise
            # Outside the except block: nothing of the first error is attached.
            raise problem

        return guarded

    return decorate


def _in_one_line(what: str, error: Exception) -> CBCScreenError | None:
    """Return the error to raise instead; None for one that is not the system's."""
    if isinstance(error, MemoryError):
        return OutOfMemoryError(f"{what} ended: there was not enough memory")
    if isinstance(error, RecursionError):
        return UsageError(f"{what} ended: the input is nested too deeply")
    if isinstance(error, BrokenPipeError):
        return FileError(f"{what} ended: what reads its output has stopped reading")
    if isinstance(error, OSError):
        # What the system says only: the error holds a name, too, and one of Arrow's a whole message.
        said = error.strerror or (os.strerror(error.errno) if error.errno else type(error).__name__)
        return FileError(f"{what} ended: {said}")
    if type(error).__module__ == "sqlite3":  # not imported for a single record
        return FileError(f"{what} ended: its temporary database failed ({type(error).__name__}); is the disk full?")
    return None
