"""Why a request is refused: a code, where in the body, and what to do; never anything of the body itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cbc_screen.service.versions import about

Path = Sequence[str | int]


class ProblemCode(StrEnum):
    """Why a request, or one record of it, is refused. Closed."""

    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    BODY_TOO_SLOW = "BODY_TOO_SLOW"
    CONTENT_TYPE = "CONTENT_TYPE"
    NOT_TEXT = "NOT_TEXT"
    NOT_HTTP = "NOT_HTTP"
    NOT_JSON = "NOT_JSON"
    NOT_FINITE = "NOT_FINITE"
    KEY_TWICE = "KEY_TWICE"
    TOO_DEEP = "TOO_DEEP"
    TOO_MANY = "TOO_MANY"
    MALFORMED = "MALFORMED"
    NOT_FHIR = "NOT_FHIR"
    PREFETCH_MISSING = "PREFETCH_MISSING"
    SEVERAL_PERSONS = "SEVERAL_PERSONS"
    NOT_FOUND = "NOT_FOUND"
    METHOD = "METHOD"
    TOO_LONG = "TOO_LONG"
    BUSY = "BUSY"
    INTERNAL = "INTERNAL"


STATUS = {
    ProblemCode.BODY_TOO_LARGE: 413,
    ProblemCode.BODY_TOO_SLOW: 408,
    ProblemCode.CONTENT_TYPE: 415,
    ProblemCode.NOT_TEXT: 400,
    ProblemCode.NOT_HTTP: 400,
    ProblemCode.NOT_JSON: 400,
    ProblemCode.NOT_FINITE: 400,
    ProblemCode.KEY_TWICE: 400,
    ProblemCode.TOO_DEEP: 400,
    ProblemCode.TOO_MANY: 413,
    ProblemCode.MALFORMED: 422,
    ProblemCode.NOT_FHIR: 422,
    ProblemCode.PREFETCH_MISSING: 412,
    ProblemCode.SEVERAL_PERSONS: 422,
    ProblemCode.NOT_FOUND: 404,
    ProblemCode.METHOD: 405,
    ProblemCode.TOO_LONG: 503,
    ProblemCode.BUSY: 503,
    ProblemCode.INTERNAL: 500,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: its code, what to do, and the path to it."""

    code: ProblemCode
    message: str
    path: tuple[str | int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python types, ready for JSON."""
        return {"code": self.code.value, "message": self.message, "path": list(self.path)}


class Problem(Exception):
    """A request that is refused.

    Parameters
    ----------
    faults : Fault
        What is wrong, one or more; the first one gives the status.
    """

    def __init__(self, *faults: Fault) -> None:
        super().__init__(faults[0].code.value)
        self.faults = faults

    @property
    def status(self) -> int:
        """The status of HTTP."""
        return STATUS[self.faults[0].code]


def problem(code: ProblemCode, message: str, path: Path = ()) -> Problem:
    """Return the refusal of a request for one reason.

    >>> problem(ProblemCode.TOO_DEEP, "nested too deeply").status
    400
    """
    return Problem(Fault(code, message, tuple(path)))


def not_found() -> Problem:
    """Return the refusal of a path that is none; the path itself is not told."""
    return problem(ProblemCode.NOT_FOUND, "there is nothing here; see /openapi.json")


def failure() -> Problem:
    """Return what is said of an error of this program."""
    return problem(ProblemCode.INTERNAL, "an error of this program; please report it")


def problem_body(faults: Sequence[Fault]) -> bytes:
    """Return the answer that says why a request is refused."""
    return json.dumps({**about(), "errors": [fault.to_dict() for fault in faults]}).encode()
