"""What the first request would wait for: tables, the compiled screen, and the readers of messages."""

from __future__ import annotations

import json

from cbc_screen.model_schema import RECORD
from cbc_screen.screener import Screener
from cbc_screen.service.fhir import screen_bundle
from cbc_screen.service.limits import Limits

_PATIENT = {"resourceType": "Patient", "id": "1", "birthDate": "1970-03-02", "gender": "female"}


def warm_up(screener: Screener) -> None:
    """Answer one record, whole, compact and as FHIR."""
    result = screener.screen(RECORD)
    result.flags()
    result.to_dict()
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": _PATIENT}]}
    screen_bundle(screener, json.dumps(bundle).encode(), Limits())
