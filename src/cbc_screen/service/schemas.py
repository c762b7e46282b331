"""The bodies and answers of the service by name, and the OpenAPI description made of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from cbc_screen._version import __version__
from cbc_screen.record import CBCRecord
from cbc_screen.result import ScreeningResult
from cbc_screen.service import cds_models, models
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION

NAMED: Mapping[str, tuple[type[BaseModel], JsonSchemaMode]] = {
    "record": (CBCRecord, "validation"),
    "result": (ScreeningResult, "serialization"),
    "answer": (models.ScreeningAnswer, "serialization"),
    "compact": (models.CompactAnswer, "serialization"),
    "batch": (models.BatchAnswer, "serialization"),
    "fhir": (models.FHIRAnswer, "serialization"),
    "problem": (models.ProblemAnswer, "serialization"),
    "records": (models.RecordList, "validation"),
    "record_in_time": (models.RecordInTime, "validation"),
    "hook_request": (cds_models.HookRequest, "validation"),
    "feedback_request": (cds_models.FeedbackRequest, "validation"),
    "discovery": (cds_models.Services, "serialization"),
    "cards": (cds_models.Cards, "serialization"),
    "feedback": (cds_models.FeedbackAnswer, "serialization"),
    "version": (models.VersionAnswer, "serialization"),
    "health": (models.HealthAnswer, "serialization"),
    "schemas": (models.SchemasAnswer, "serialization"),
}
_REFERENCE = "#/components/schemas/{model}"


@lru_cache(maxsize=1)
def _components() -> tuple[dict[Any, dict[str, str]], dict[str, Any]]:
    references, whole = models_json_schema(list(NAMED.values()), ref_template=_REFERENCE)
    return references, whole["$defs"]


def described(paths: Mapping[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI description of the service, of which FastAPI knows the paths.

    A reference to a model ("model:CBCRecord") becomes one to its schema.
    """
    references, components = _components()
    by_name = {model.__name__: reference for (model, _), reference in references.items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "cbc-screen",
            "version": __version__,
            "summary": "Flags for clinician review from complete blood counts.",
            "description": f"{NOTICE} Answers have schema version {SCHEMA_VERSION}.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": _resolved(paths, by_name),
        "components": {"schemas": components},
    }


def _resolved(part: Any, by_name: Mapping[str, Mapping[str, str]]) -> Any:
    if isinstance(part, Mapping):
        if (name := str(part.get("$ref", ""))).startswith("model:"):
            return dict(by_name[name.removeprefix("model:")])
        return {key: _resolved(inner, by_name) for key, inner in part.items()}
    return [_resolved(inner, by_name) for inner in part] if isinstance(part, list) else part
