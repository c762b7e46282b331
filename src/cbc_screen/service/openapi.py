"""The operations of the service, as OpenAPI describes them; references to models are filled in by `schemas`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cbc_screen.service.answers import Detail
from cbc_screen.service.hooks import HOOKS

_DETAIL = {
    "name": "detail",
    "in": "query",
    "required": False,
    "description": "full: the whole result. compact: pattern, lines, grades, urgency and reasons only.",
    "schema": {"type": "string", "enum": [*Detail], "default": Detail.FULL.value},
    "example": Detail.COMPACT.value,
}
_SERVICE = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "Id of the service, as the discovery has it.",
    "schema": {"type": "string", "enum": list(HOOKS)},
    "example": next(iter(HOOKS)),
}
_BUNDLE = {
    "type": "object",
    "description": "A FHIR Bundle of Patient and Observation resources (DSTU2 to R5).",
    "required": ["resourceType"],
    "properties": {
        "resourceType": {"const": "Bundle", "description": "That it is a Bundle.", "examples": ["Bundle"]},
        "entry": {"type": "array", "items": {}, "description": "The resources.", "examples": [[{"resource": {}}]]},
    },
}
_FHIR = "application/fhir+json"
_ANSWERS = {
    "type": "object",
    "description": "Where FHIR is accepted: a Bundle of derived Observations, reports and what is missing (docs/fhir.md).",
    "required": ["resourceType", "type"],
    "properties": {
        "resourceType": {"const": "Bundle", "description": "That it is a Bundle.", "examples": ["Bundle"]},
        "type": {"enum": ["collection", "batch-response"], "description": "Its type.", "examples": ["collection"]},
    },
}
_OUTCOME = {
    "type": "object",
    "description": "Where FHIR is accepted: an OperationOutcome, each issue with the path.",
    "required": ["resourceType", "issue"],
    "properties": {
        "resourceType": {
            "const": "OperationOutcome",
            "description": "That it is one.",
            "examples": ["OperationOutcome"],
        },
        "issue": {
            "type": "array",
            "items": {"type": "object"},
            "description": "What is wrong.",
            "examples": [[{"severity": "error"}]],
        },
    },
}
_REFUSED = {
    "400": "The body is no JSON in UTF-8, has a key twice, or is nested too deeply.",
    "408": "The body did not come in time.",
    "413": "The body is too large, or holds too many counts.",
    "415": "The body is not said to be JSON.",
    "422": "The body is malformed; the answer has the path.",
    "503": "The answer takes too long, or too many clients are served.",
}


def _model(name: str) -> dict[str, Any]:
    return {"$ref": f"model:{name}"}


def _operation(
    summary: str,
    answer: Any,
    body: Any = None,
    parameters: Any = (),
    refused: Mapping[str, str] | None = None,
    *,
    fhir: bool = False,
) -> dict[str, Any]:
    problems = {} if body is None else _REFUSED
    problems = {**problems, **(refused or {})}
    as_fhir = {_FHIR: {"schema": _ANSWERS}} if fhir else {}
    found: dict[str, Any] = {
        "summary": summary,
        "operationId": summary.lower().replace(" ", "_"),
        "responses": {
            "200": {"description": "The answer.", "content": {"application/json": {"schema": answer}, **as_fhir}},
            **{
                status: {
                    "description": said,
                    "content": {"application/json": {"schema": _model("ProblemAnswer")}, _FHIR: {"schema": _OUTCOME}},
                }
                for status, said in problems.items()
            },
        },
    }
    if parameters:
        found["parameters"] = list(parameters)
    if body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return found


_LIST = {"type": "array", "items": _model("CBCRecord"), "description": "The records."}
_NOT_FOUND = {"404": "There is none of this name."}
_TEXT = {"description": "The counts.", "content": {"text/plain": {"schema": {"type": "string"}}}}

OPERATIONS: Mapping[str, Any] = {
    "/screen": {
        "post": _operation(
            "Screen a record",
            {"anyOf": [_model("ScreeningAnswer"), _model("CompactAnswer")]},
            _model("CBCRecord"),
            [_DETAIL],
            fhir=True,
        )
    },
    "/screen/history": {
        "post": _operation(
            "Screen a record with earlier counts",
            {"anyOf": [_model("ScreeningAnswer"), _model("CompactAnswer")]},
            _model("RecordInTime"),
            [_DETAIL],
            fhir=True,
        )
    },
    "/screen/batch": {
        "post": _operation(
            "Screen a batch", _model("BatchAnswer"), {"anyOf": [_LIST, _model("RecordList")]}, [_DETAIL], fhir=True
        )
    },
    "/screen/fhir": {"post": _operation("Screen a Bundle", _model("FHIRAnswer"), _BUNDLE, [_DETAIL], fhir=True)},
    "/version": {"get": _operation("Read the versions", _model("VersionAnswer"))},
    "/health": {"get": _operation("Read the health", _model("HealthAnswer"))},
    "/schemas": {"get": _operation("List the schemas", _model("SchemasAnswer"))},
    "/schemas/{name}": {
        "get": _operation(
            "Read a schema",
            {"type": "object"},
            parameters=[
                {
                    "name": "name",
                    "in": "path",
                    "required": True,
                    "description": "Name of the schema.",
                    "schema": {"type": "string"},
                    "example": "record",
                }
            ],
            refused=_NOT_FOUND,
        )
    },
    "/metrics": {"get": {"summary": "Read the counts", "operationId": "read_the_counts", "responses": {"200": _TEXT}}},
    "/cds-services": {"get": _operation("Discover the hooks", _model("Services"))},
    "/cds-services/{name}": {
        "post": _operation(
            "Call a hook",
            _model("Cards"),
            _model("HookRequest"),
            [_SERVICE],
            {**_NOT_FOUND, "412": "The prefetch is missing."},
        )
    },
    "/cds-services/{name}/feedback": {
        "post": _operation("Give feedback", _model("FeedbackAnswer"), _model("FeedbackRequest"), [_SERVICE], _NOT_FOUND)
    },
}
