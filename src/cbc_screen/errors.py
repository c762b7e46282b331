"""Errors say what, where, why and what to do; never a value from the input."""

from __future__ import annotations


class CBCScreenError(Exception):
    """Base of every error this package raises on purpose."""


class UsageError(CBCScreenError):
    """The call cannot be carried out as asked; the message is one clear line."""


class KnowledgeError(CBCScreenError):
    """A file under reference_ranges/ (or a user's own set) breaks its format."""

    def __init__(self, file: str, line: int | None, key: str, problem: str) -> None:
        self.file, self.line, self.key, self.problem = file, line, key, problem
        place = f"{file}:{line}" if line is not None else file
        super().__init__(f"{place}: {key}: {problem}")


class RecordError(CBCScreenError):
    """A record does not have the shape of a record (an unknown field, a wrong type).

    Not a ValueError: pydantic would wrap it in an error that carries the input.
    """


class RangeNotFound(CBCScreenError, LookupError):
    """No row of the chosen sets covers this analyte, age, sex and pregnancy."""
