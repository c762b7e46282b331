"""JSON schemas of bodies and answers, and the OpenAPI description made of them."""

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
from cbc_screen.service.versions import SCHEMA_VERSION
from cbc_screen.vocabulary import NOTICE

NAMED: Mapping[str, tuple[type[BaseModel], JsonSchemaMode]] = {
    "record": (CBCRecord, "validation"),
    "result": (ScreeningResult, "serialization"),
    "answer": (models.ScreeningAnswer, "serialization"),
    "compact": (models.CompactAnswer, "serialization"),
    "batch": (models.BatchAnswer, "serialization"),
    "fhir": (models.FHIRAnswer, "serialization"),
    "problem": (models.ProblemAnswer, "serialization"),
}
_REFERENCE = "#/components/schemas/{model}"
_ALL: tuple[tuple[type[BaseModel], JsonSchemaMode], ...] = (
    *NAMED.values(),
    *((model, "validation") for model in (models.RecordList, cds_models.HookRequest, cds_models.FeedbackRequest)),
    *(
        (model, "serialization")
        for model in (
            models.VersionAnswer,
            models.HealthAnswer,
            models.SchemasAnswer,
            cds_models.Services,
            cds_models.Cards,
            cds_models.FeedbackAnswer,
        )
    ),
)


@lru_cache(maxsize=len(NAMED))
def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON schema of one of `NAMED`.

    Examples
    --------
    >>> schema_of("problem")["title"]
    'ProblemAnswer'
    """
    model, mode = NAMED[name]
    schema = model.model_json_schema(mode=mode)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


@lru_cache(maxsize=1)
def _components() -> tuple[dict[Any, dict[str, str]], dict[str, Any]]:
    references, whole = models_json_schema(_ALL, ref_template=_REFERENCE)
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
