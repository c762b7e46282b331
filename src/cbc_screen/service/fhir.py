"""FHIR Bundles: read and collected to counts by the library, each screened."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from cbc_screen.engines.each_count import ScreenedCounts
from cbc_screen.errors import CBCScreenError, UsageError
from cbc_screen.screener import Screener
from cbc_screen.service.answers import Detail, entry, many, result_json
from cbc_screen.service.bodies import text_of
from cbc_screen.service.limits import Limits
from cbc_screen.service.memory_file import as_file
from cbc_screen.service.problems import Problem, ProblemCode, problem


def screen_bundle(screener: Screener, body: bytes, limits: Limits) -> ScreenedCounts:
    """Screen every count of a Bundle.

    Raises
    ------
    Problem
        400 where the body is no JSON, 413 where it holds more counts than a request may, 422 where it is no Bundle.
    """
    _require_bundle(body)
    refused: Problem | None = None
    try:
        with as_file(body) as path:
            found = screener.screen_each(path, format="fhir")
    except UsageError as fault:
        refused = problem(ProblemCode.NOT_FHIR, str(fault))
    except CBCScreenError:
        refused = problem(ProblemCode.INTERNAL, "the account of the Bundle does not balance; please report this")
    if refused is not None:
        raise refused
    if len(found.counts) > limits.counts:
        raise problem(ProblemCode.TOO_MANY, f"the Bundle holds more than {limits.counts} counts; send it in parts")
    return found


def _require_bundle(body: bytes) -> None:
    """Refuse what is no Bundle; what is wrong inside one costs the entry that holds it, and is told with the answer."""
    text, found = text_of(body), None
    with suppress(ValueError, RecursionError):
        found = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    if found is None:
        raise problem(ProblemCode.NOT_JSON, "the body is no JSON that can be read, or is nested too deeply")
    if not isinstance(found, dict) or found.get("resourceType") != "Bundle":
        raise problem(
            ProblemCode.NOT_FHIR, "send a FHIR Bundle of Patient and Observation resources", ("resourceType",)
        )
    if not isinstance(found.get("entry", []), list):
        raise problem(ProblemCode.NOT_FHIR, "the entries of a Bundle are a list", ("entry",))


def bundle_json(found: ScreenedCounts, detail: Detail) -> bytes:
    """Return the answer about a Bundle: each count, and every entry or result that could not be used."""
    account: dict[str, Any] = {
        "received": found.rows_in,
        "used": len(found.counts),
        "rejected": found.rejected_rows,
        "rejections": [{"entry": row.line, "reason": row.reason.value} for row in found.rejected],
        "results": dict(found.results),
        "suspect_units": dict(found.suspect_units),
    }
    counts = (
        entry({"entry": count.line, "person": count.person}, result_json(count.result, detail))
        for count in found.counts
    )
    return many(account, "counts", counts)
