"""Results as answers: whole, as the library writes them, or compact, as a program branches on them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from cbc_screen.result import ScreeningResult
from cbc_screen.service.versions import about, data_version
from cbc_screen.vocabulary import SCHEMA_VERSION, Line


class Detail(StrEnum):
    """How much of a result an answer has."""

    FULL = "full"
    COMPACT = "compact"


_GRADES = {Line.RED: "hemoglobin_grade", Line.WHITE: "white_grade", Line.PLATELET: "platelets_grade"}
_PLAIN = ("pattern", "lines_low_min", "lines_low_max", "white_line_basis", "severity", "severity_min", "urgency")


def result_json(result: ScreeningResult, detail: Detail) -> bytes:
    """Return a result as JSON: all of it as `ScreeningResult.to_dict` has it, or the compact flags."""
    if detail is Detail.COMPACT:
        return json.dumps(compact(result)).encode()
    return result.model_dump_json().encode()


def compact(result: ScreeningResult) -> dict[str, Any]:
    """Return pattern, lines, grades, urgency and reasons of a result.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> compact(cbc.screen({"age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL"}))["lines"]["red"]
    {'state': 'low', 'grade': 2}
    """
    flags = result.flags(checklist=False)
    lines = {line.value: {"state": flags[f"{line}_line"], "grade": flags[grade]} for line, grade in _GRADES.items()}
    return {
        "notice": flags["notice"],
        "schema_version": SCHEMA_VERSION,
        **{name: flags[name] for name in _PLAIN},
        "lines": lines,
        "urgency_reasons": _listed(flags["urgency_reasons"]),
        "guards": _listed(flags["guards"]),
        "reasons": [reason.split(":", 1) for reason in _listed(flags["reasons"])],
    }


def _listed(flag: Any) -> list[str]:
    """Return the words of a flag column that holds several."""
    return str(flag).split(";") if flag else []


def with_data_version(answer: bytes) -> bytes:
    """Put the version of the data before the fields of a result, which has notice and schema version already."""
    first = json.dumps({"data_version": data_version()}).encode()
    return first[:-1] + b", " + answer[1:]


def many(account: Mapping[str, Any], key: str, entries: Iterable[bytes]) -> bytes:
    """Return an answer about several counts: the account of all, and each of them."""
    first = json.dumps({**about(), **account}).encode()
    return b"%b, %b: [%b]}" % (first[:-1], json.dumps(key).encode(), b", ".join(entries))


def entry(place: Mapping[str, Any], result: bytes) -> bytes:
    """Return one count of several with its place."""
    return b'%b, "result": %b}' % (json.dumps(place).encode()[:-1], result)
