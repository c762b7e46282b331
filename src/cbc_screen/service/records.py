"""A record of a request: checked by the library's model, and what is wrong named by its path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from cbc_screen.errors import RecordError
from cbc_screen.record import CBCRecord, Measurement, ReportedRange
from cbc_screen.result import ScreeningResult
from cbc_screen.screener import Screener
from cbc_screen.service.problems import Fault, Path, Problem, ProblemCode, problem

Part = TypeVar("Part", bound=BaseModel)
_RECORD = TypeAdapter(CBCRecord)
_EARLIER = re.compile(r"history\[(\d+)\]: ")
_KNOWN = frozenset(name for model in (CBCRecord, Measurement, ReportedRange) for name in model.model_fields)


def record_of(given: Any, path: Path = ()) -> CBCRecord:
    """Return what was sent as a record.

    Parameters
    ----------
    given : what JSON said
    path : where it stands in the body

    Raises
    ------
    Problem
        422, each fault with its path. A part of a path that is no field may be a value that slipped, and is left out.

    Examples
    --------
    >>> record_of({"age": "54 y"}).age
    '54 y'
    """
    try:
        return _RECORD.validate_python(given)
    except ValidationError as invalid:
        faults = [_fault(error["loc"], error["msg"], path, _KNOWN) for error in _errors(invalid)]
    raise Problem(*dict.fromkeys(faults))


def screened(screener: Screener, given: Any) -> ScreeningResult:
    """Screen what was sent as a record.

    Raises
    ------
    Problem
        422; see `record_of`. A finding that the data do not know is told only when the record is screened.

    Examples
    --------
    >>> from cbc_screen import Screener
    >>> screened(Screener(), {"age": "54 y"}).pattern.value
    'cannot_tell'
    """
    return _screened(screener, record_of(given))


def screened_in_time(screener: Screener, given: Any, most: int) -> ScreeningResult:
    """Screen what was sent as a record with earlier counts, of which there are at most so many.

    Raises
    ------
    Problem
        422, or 413 for too many; see `screened`.

    Examples
    --------
    >>> from cbc_screen import Screener
    >>> screened_in_time(Screener(), {"record": {"age": "54 y"}, "history": []}, 10).history is None
    True
    """
    if not isinstance(given, dict) or set(given) != {"record", "history"} or not isinstance(given["history"], list):
        raise problem(ProblemCode.MALFORMED, 'send {"record": {...}, "history": [...]}')
    if len(given["history"]) > most:
        raise problem(ProblemCode.TOO_MANY, f"more than {most} earlier counts; send the latest", ("history",))
    record = record_of(given["record"], ("record",))
    earlier = [record_of(one, ("history", place)) for place, one in enumerate(given["history"])]
    return _screened(screener, record, earlier, ("record",))


def _screened(
    screener: Screener, record: CBCRecord, history: Sequence[CBCRecord] = (), path: Path = ()
) -> ScreeningResult:
    try:
        return screener.screen(record, history=history)
    except RecordError as refused:
        said = str(refused).removeprefix(f"{CBCRecord.__name__}: ")
    if (earlier := _EARLIER.match(said)) is not None:
        path, said = ("history", int(earlier[1])), said[earlier.end() :].removeprefix(f"{CBCRecord.__name__}: ")
    place = said.partition(":")[0]
    raise Problem(Fault(ProblemCode.MALFORMED, said, (*path, place) if place in _KNOWN else tuple(path)))


def part_of(model: type[Part], given: Any, path: Path = ()) -> Part:
    """Return what was sent as a model of the service's own; see `record_of`."""
    try:
        return model.model_validate(given)
    except ValidationError as invalid:
        errors = [(error["loc"], _said(error["type"])) for error in _errors(invalid)]
    raise Problem(*dict.fromkeys(_fault(place, said, path, _names(model)) for place, said in errors))


def _errors(invalid: ValidationError) -> Iterable[Mapping[str, Any]]:
    return invalid.errors(include_input=False, include_url=False, include_context=False)


def _said(kind: str) -> str:
    return "is missing" if kind == "missing" else "has the wrong type, or a word outside its list"


def _fault(place: Path, said: str, path: Path, known: frozenset[str]) -> Fault:
    within = [part for part in place if isinstance(part, int) or part in known]
    return Fault(ProblemCode.MALFORMED, said, (*path, *within))


@cache
def _names(model: type[BaseModel]) -> frozenset[str]:
    """Return the names of the fields of a model and of its parts."""
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return frozenset(name for part in parts for name in part.get("properties", ()))
