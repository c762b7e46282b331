"""A library of CQL, run by the in-memory engine of ms-cql-sdk over FHIR resources.

The engine's own reader of JSON leaves the comparator and the system of a Quantity out, so resources are given to it as
elements with attributes.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from cql_sdk.api import load_library_from_cql_text
from cql_sdk.runtime.context import RuntimeContext

_DATES = ("effectiveDateTime", "birthDate")


class Element:
    """A FHIR element: its parts as attributes, a choice by its root (`value` of valueQuantity)."""

    def __init__(self, parts: Mapping[str, Any]) -> None:
        for name, part in parts.items():
            root = next((r for r in ("value", "effective") if name.startswith(r) and name != r), name)
            setattr(self, root, _date(part) if name in _DATES else _element(part))


def _element(part: Any) -> Any:
    if isinstance(part, Mapping):
        return Element(part)
    return [_element(own) for own in part] if isinstance(part, list) else part


def _date(text: str | None) -> datetime.date | datetime.datetime | None:
    if text is None:
        return None
    return datetime.datetime.fromisoformat(text) if "T" in text else datetime.date.fromisoformat(text)


class Patient:
    """The resources of one patient, as what the engine retrieves from."""

    def __init__(self, patient: Mapping[str, Any], observations: Iterable[Mapping[str, Any]]) -> None:
        self.patient = Element(patient)
        self.observations: dict[str, list[Element]] = {}
        for one in observations:
            for coding in one["code"]["coding"]:
                self.observations.setdefault(coding["code"], []).append(Element(one))

    def retrieve(self, *, data_type: str, codes: Iterable[Any] | None = None, **_: Any) -> Iterator[Any]:
        """Yield the patient, or the observations of some codes."""
        if data_type == "Patient":
            yield self.patient
            return
        for code in codes or []:
            yield from self.observations.get(code.code, [])


@functools.cache
def compiled(text: str) -> Any:
    return load_library_from_cql_text(text)


def answers(text: str, patient: Patient, names: Iterable[str], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of some definitions for a patient."""
    context = RuntimeContext.default(data_source=patient, subject=patient.patient)
    context = context.with_library(compiled(text)).with_parameters(dict(parameters))
    return {name: context.evaluate_definition(name) for name in names}


def decimal(value: float) -> Decimal:
    return Decimal(repr(value))
