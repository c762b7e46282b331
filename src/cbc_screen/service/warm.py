"""What the first request would wait for: tables, the compiled screen, and the readers of messages."""

from __future__ import annotations

import json
from typing import Any

from cbc_screen.knowledge import load_knowledge
from cbc_screen.model_schema import RECORD
from cbc_screen.screener import Screener
from cbc_screen.service.answers import compact
from cbc_screen.service.fhir import screen_bundle
from cbc_screen.service.limits import Limits

_PATIENT = {"resourceType": "Patient", "id": "1", "birthDate": "1970-03-02", "gender": "female"}
# Records of few, of usual and of all inputs: for each the screen is another program. What is left (no sex, ranges
# of the laboratory) costs its first request part of a second.
_USUAL = ("age", "sex", "hemoglobin", "mcv", "wbc", "lymphocytes", "platelets", "reticulocytes")
_FEW = ("age", "sex", "hemoglobin", "wbc", "platelets")


def warm_up(screener: Screener) -> None:
    """Answer records and a Bundle, whole and compact."""
    for names in (_FEW, _USUAL, tuple(RECORD)):
        result = screener.screen({name: RECORD[name] for name in names})
        compact(result)
        result.to_dict()
    found = screen_bundle(screener, _bundle(), Limits())
    for count in found.counts:
        count.result.to_dict()


def _bundle() -> bytes:
    """Return a Bundle of one count."""
    resources: list[dict[str, Any]] = [_PATIENT]
    for analyte in load_knowledge().analytes.values():
        if analyte.loinc and isinstance(sent := RECORD.get(analyte.id), str):
            value, _, unit = sent.removeprefix("<").partition(" ")
            resources.append(
                {
                    "resourceType": "Observation",
                    "status": "final",
                    "code": {"coding": [{"system": "http://loinc.org", "code": analyte.loinc[0]}]},
                    "subject": {"reference": "Patient/1"},
                    "effectiveDateTime": RECORD["collected_at"],
                    "valueQuantity": {"value": float(value), "unit": unit},
                }
            )
    entries = [{"resource": resource} for resource in resources]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()
