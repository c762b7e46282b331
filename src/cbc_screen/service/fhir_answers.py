"""Answers as FHIR, where a client accepts `application/fhir+json`: Bundles of answers, and refusals as OperationOutcome."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any
from uuid import uuid4

from cbc_screen.engines.each_count import ScreenedCount, ScreenedCounts
from cbc_screen.report.fhir import fhir_bundle, patient_of
from cbc_screen.report.fhir_observation import Resource
from cbc_screen.result import ScreeningResult
from cbc_screen.service.problems import STATUS, Fault, Problem, ProblemCode, problem_body
from cbc_screen.service.versions import about

FHIR_JSON = "application/fhir+json"
_SYSTEM = "urn:cbc-screen"
# What is wrong, in the words of HL7's value set of issue types.
_TYPES = {
    ProblemCode.BODY_TOO_LARGE: "too-long",
    ProblemCode.BODY_TOO_SLOW: "timeout",
    ProblemCode.CONTENT_TYPE: "not-supported",
    ProblemCode.NOT_TEXT: "structure",
    ProblemCode.NOT_HTTP: "structure",
    ProblemCode.NOT_JSON: "structure",
    ProblemCode.NOT_FINITE: "value",
    ProblemCode.KEY_TWICE: "structure",
    ProblemCode.TOO_DEEP: "too-costly",
    ProblemCode.TOO_MANY: "too-costly",
    ProblemCode.MALFORMED: "invalid",
    ProblemCode.NOT_FHIR: "invalid",
    ProblemCode.PREFETCH_MISSING: "required",
    ProblemCode.SEVERAL_PERSONS: "business-rule",
    ProblemCode.NOT_FOUND: "not-found",
    ProblemCode.METHOD: "not-supported",
    ProblemCode.TOO_LONG: "timeout",
    ProblemCode.BUSY: "throttled",
    ProblemCode.INTERNAL: "exception",
}
_REFERENCE = re.compile(r"(?P<server>https?://[^\s#|]+/)?Patient/(?P<id>[A-Za-z0-9.-]{1,64})", re.ASCII)
_IDENTIFIER = "identifier "  # begins the key of a person who has no other name in a Bundle


def wants_fhir(accept: str) -> bool:
    """Tell whether FHIR is what a client would rather have than plain JSON.

    >>> wants_fhir("application/fhir+json; fhirVersion=4.0"), wants_fhir("application/json, application/fhir+json;q=0.5")
    (True, False)
    """
    if "fhir" not in accept.lower():  # most requests
        return False
    wishes: dict[str, float] = {}
    for one in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in one.split(";"))
        weights = [part.removeprefix("q=") for part in parameters if part.startswith("q=")]
        wishes.setdefault(kind, _weight(weights[0]) if weights else 1.0)
    fhir, plain = wishes.get(FHIR_JSON, 0.0), wishes.get("application/json", 0.0)
    first = next((kind for kind in wishes if kind in (FHIR_JSON, "application/json")), "")
    return fhir > 0 and (fhir > plain or (fhir == plain and first == FHIR_JSON))


def _weight(text: str) -> float:
    return float(text) if re.fullmatch(r"[01](\.\d{0,3})?", text, re.ASCII) else 0.0


# Refusals ----------------------------------------------------------------------------------------


def outcome_of(faults: Sequence[Fault]) -> Resource:
    """Return why something is refused, each fault with the path to it.

    >>> outcome_of([Fault(ProblemCode.MALFORMED, "age is missing", ("records", 0, "age"))])["issue"][0]["expression"]
    ['records[0].age']
    """
    return _outcome(
        _issue(
            "fatal" if fault.code is ProblemCode.INTERNAL else "error",
            _TYPES[fault.code],
            ("problem", fault.code.value),
            fault.message,
            _expression(fault.path),
        )
        for fault in faults
    )


def refused_as(faults: Sequence[Fault], *, fhir: bool) -> tuple[bytes, str]:
    """Return the answer that says why a request is refused, and what it is."""
    if fhir:
        return json.dumps(_marked(outcome_of(faults))).encode(), FHIR_JSON
    return problem_body(faults), "application/json"


def _outcome(issues: Iterable[Resource]) -> Resource:
    found = list(issues)
    said = "".join(f"<p>{escape(issue['details']['text'])}</p>" for issue in found)
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{escape(about()["notice"])}</p>{said}</div>'
    return {"resourceType": "OperationOutcome", "text": {"status": "generated", "div": div}, "issue": found}


def _issue(severity: str, kind: str, code: tuple[str, str], text: str, expression: str = "") -> Resource:
    system, word = code
    return {
        "severity": severity,
        "code": kind,
        "details": {"coding": [{"system": f"{_SYSTEM}:{system}", "code": word}], "text": text},
        **({"expression": [expression]} if expression else {}),
    }


def _expression(path: Sequence[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def _marked(resource: Resource) -> Resource:
    """Return a resource with notice and versions as tags."""
    own = about()
    tags = [
        {"system": f"{_SYSTEM}:notice", "code": "for-clinician-review", "display": own["notice"]},
        {"system": f"{_SYSTEM}:schema-version", "code": own["schema_version"]},
        {"system": f"{_SYSTEM}:data-version", "code": own["data_version"]},
    ]
    return {"resourceType": resource["resourceType"], "meta": {"tag": tags}, **resource}


# Records -----------------------------------------------------------------------------------------


def record_answer(result: ScreeningResult) -> bytes:
    """Return the answer about one record: the Bundle of `fhir_bundle`."""
    return json.dumps(_marked(fhir_bundle(result))).encode()


def batch_answer(answers: Iterable[ScreeningResult | Problem]) -> bytes:
    """Return the answers about a batch, in its order: a Bundle for each record, or why there is none."""
    entries: list[Resource] = []
    for place, answer in enumerate(answers):
        if isinstance(answer, Problem):
            own = [Fault(fault.code, fault.message, ("records", place, *fault.path)) for fault in answer.faults]
            status = STATUS[own[0].code]
            entries.append({"response": {"status": str(status), "outcome": outcome_of(own)}})
        else:
            entries.append({"resource": fhir_bundle(answer), "response": {"status": "200"}})
    return _bundle("batch-response", entries)


def _bundle(kind: str, entries: list[Resource]) -> bytes:
    # An empty list is no FHIR.
    return json.dumps(
        _marked({"resourceType": "Bundle", "type": kind, **({"entry": entries} if entries else {})})
    ).encode()


# Bundles -----------------------------------------------------------------------------------------


def counts_answer(found: ScreenedCounts) -> bytes:
    """Return the answers about a Bundle: those of every count, and what could not be used as an OperationOutcome."""
    entries: list[Resource] = []
    subjects: dict[str, str] = {}
    for count in found.counts:
        if count.person not in subjects:
            subjects[count.person], patient = _patient(count)
            entries.append(patient)
        entries += fhir_bundle(count.result, subject=subjects[count.person])["entry"]
        if not count.person:
            del subjects[""]  # counts that name nobody are of as many persons
    return _bundle("collection", [*entries, {"fullUrl": _new_url(), "resource": _outcome(_account(found))}])


def _new_url() -> str:
    return f"urn:uuid:{uuid4()}"


def _patient(count: ScreenedCount) -> tuple[str, Resource]:
    """Return how the person of a count is referred to, as the client does, and the entry of the person."""
    patient, named = patient_of(count.result), _REFERENCE.fullmatch(count.person)
    if named is not None:
        full = {"fullUrl": count.person} if named["server"] else {}
        return count.person, {**full, "resource": {"resourceType": "Patient", "id": named["id"], **patient}}
    url = _new_url()
    if count.person.startswith(_IDENTIFIER):
        system, _, value = count.person.removeprefix(_IDENTIFIER).rpartition("|")
        patient["identifier"] = [{**({"system": system} if system else {}), "value": value}]
    return url, {"fullUrl": url, "resource": patient}


def _account(found: ScreenedCounts) -> Iterator[Resource]:
    used = f"received {found.rows_in}, used {len(found.counts)}, rejected {found.rejected_rows}"
    yield _issue("information", "informational", ("account", "counts"), used)
    if found.results:
        yield _issue("information", "informational", ("account", "results"), _told(found.results))
    for analyte, why in found.suspect_units.items():
        yield _issue("warning", "value", ("account", "suspect-unit"), f"{analyte}: {why}")
    for row in found.rejected:
        yield _issue(
            "error", "invalid", ("reason", row.reason.value), row.reason.value, f"Bundle.entry[{row.line - 1}]"
        )


def _told(results: Any) -> str:
    """Return the account of single results as words."""
    parts = []
    for name, number in results.items():
        inner = (
            ", ".join(f"{word} {many}" for word, many in number.items()) if isinstance(number, dict) else str(number)
        )
        parts += [f"{name} {inner}"] if inner else []
    return "results: " + "; ".join(parts)
