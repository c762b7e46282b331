"""CDS Hooks 2.0: what is offered, and the cards about the last blood count of a patient."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from cbc_screen.engines.each_count import ScreenedCounts
from cbc_screen.engines.urgent import NOTHING_TO_REVIEW
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.person_codes import GESTATION
from cbc_screen.result import ScreeningResult
from cbc_screen.screener import Screener
from cbc_screen.service.bodies import parse, text_of
from cbc_screen.service.cards import card_of, unread_card
from cbc_screen.service.cds_models import HookRequest
from cbc_screen.service.fhir import screen_bundle
from cbc_screen.service.limits import Limits
from cbc_screen.service.problems import ProblemCode, problem
from cbc_screen.service.records import part_of
from cbc_screen.service.shown_counts import ShownCount, shown_counts
from cbc_screen.service.spans import spans_of
from cbc_screen.service.versions import about
from cbc_screen.vocabulary import NOTICE, AnalyteGroup

HOOKS = {"cbc-screen-patient-view": "patient-view", "cbc-screen-order-sign": "order-sign"}
_MOST = 200  # Observations asked for: the last ones
_SERIOUS = ("fatal", "error")  # issues of an OperationOutcome
_INCOMPLETE = "the search for counts ended in an error: counts may be missing"
_PATIENT = 1  # entries before those of the client's Bundle


@lru_cache(maxsize=1)
def discovery() -> dict[str, Any]:
    """Return the services that are offered, with what a client is to send along.

    Examples
    --------
    >>> [service["hook"] for service in discovery()["services"]]
    ['patient-view', 'order-sign']
    """
    knowledge = load_knowledge()
    counted = [code for own in knowledge.analytes.values() if own.group is AnalyteGroup.COUNT for code in own.loinc]
    codes = [f"http://loinc.org|{code}" for code in (*counted, *knowledge.person_codes.of(GESTATION))]
    about_patient = "subject=Patient/{{context.patientId}}"
    prefetch = {
        "patient": "Patient/{{context.patientId}}",
        "counts": f"Observation?{about_patient}&code={','.join(codes)}&_sort=-date&_count={_MOST}",
    }
    services = [
        {
            "hook": hook,
            "id": name,
            "title": "Blood count screen",
            "description": f"Flags of the last complete blood count of the patient. {NOTICE}",
            "usageRequirements": "Send the prefetch: no FHIR server is called, and nothing is kept.",
            "prefetch": prefetch,
        }
        for name, hook in HOOKS.items()
    ]
    return {"services": services, "extension": {"cbc-screen": about()}}


def cards_for(screener: Screener, name: str, body: bytes, limits: Limits) -> tuple[dict[str, Any], ScreenedCounts]:
    """Return the cards of a hook, and what they were made of.

    Parameters
    ----------
    screener : Screener
    name : str
        Id of the service.
    body : bytes
        The request.
    limits : Limits

    Raises
    ------
    Problem
        412 where the prefetch is missing, 422 where the request is malformed or is about several persons.
    """
    request = part_of(HookRequest, parse(body, limits.depth))
    if request.hook != HOOKS[name]:
        raise problem(ProblemCode.MALFORMED, f"this service is of the hook {HOOKS[name]}", ("hook",))
    _require_prefetch(request)
    patient = request.context.patientId
    found = screen_bundle(screener, _bundle(body, _named(request, patient)), limits)
    persons = {count.person for count in found.counts}
    if len(persons) > 1:
        raise problem(
            ProblemCode.SEVERAL_PERSONS, "the Observations are of more than one person", ("prefetch", "counts")
        )
    if any(person != f"Patient/{patient}" for person in persons):
        raise problem(
            ProblemCode.SEVERAL_PERSONS,
            "the Observations are not of the patient of the context",
            ("prefetch", "counts"),
        )
    shown = shown_counts(found.counts)
    problems = _problems(_resources(request))
    remarks = [*_remarks(found, len(shown)), *([_INCOMPLETE] if problems else [])]
    cards = [card_of(own.count.result, [*_not_last(own), *remarks]) for own in shown if _is_to_review(own.count.result)]
    if not cards and (found.rejected or problems):
        cards = [unread_card(remarks)]
    rejections = [{"entry": row.line - _PATIENT, "reason": row.reason.value} for row in found.rejected]
    account = {"received": found.rows_in, "used": len(found.counts), "shown": len(shown), "rejections": rejections}
    return {"cards": cards, "extension": {"cbc-screen": {**about(), **account}}}, found


def _require_prefetch(request: HookRequest) -> None:
    for name, kind in (("patient", "Patient"), ("counts", "Bundle")):
        given = getattr(request.prefetch, name, None)
        if name == "counts" and given is None and name in getattr(request.prefetch, "model_fields_set", ()):
            continue  # a client that has no Observation says null; one that cannot look leaves the key out
        if given is None or given.get("resourceType") != kind:
            message = f"send the {kind} that the discovery asks for; no FHIR server is called"
            raise problem(ProblemCode.PREFETCH_MISSING, message, ("prefetch", name))
    entries = ((request.prefetch and request.prefetch.counts) or {}).get("entry")
    if entries is not None and not isinstance(entries, list):
        raise problem(ProblemCode.MALFORMED, "entry must be a list", ("prefetch", "counts", "entry"))
    patient = request.prefetch.patient if request.prefetch is not None else None
    if patient is not None and patient.get("id") != request.context.patientId:
        raise problem(
            ProblemCode.SEVERAL_PERSONS, "the Patient is not that of the context", ("prefetch", "patient", "id")
        )


def _named(request: HookRequest, patient: str) -> str:
    """Return the address by which Observations name the patient of the context: of the server that is told, else the only one."""
    if request.fhirServer is not None:
        return f"{request.fhirServer.rstrip('/')}/Patient/{patient}"
    subjects = [own.get("subject") for own in _resources(request)]
    texts = {own.get("reference") for own in subjects if isinstance(own, dict)}
    found = [text for text in texts if isinstance(text, str) and text.endswith(f"/Patient/{patient}") and "://" in text]
    return found[0] if len(found) == 1 else ""


def _resources(request: HookRequest) -> list[dict[str, Any]]:
    """Return the resources of the Bundle of counts."""
    counts = (request.prefetch and request.prefetch.counts) or {}
    entries = counts.get("entry")
    found = [own.get("resource") for own in entries if isinstance(own, dict)] if isinstance(entries, list) else []
    return [own for own in found if isinstance(own, dict)]


def _problems(resources: list[dict[str, Any]]) -> bool:
    """Tell whether the client's server says of its search that it failed."""
    outcomes = [own.get("issue") for own in resources if own.get("resourceType") == "OperationOutcome"]
    issues = [one for own in outcomes if isinstance(own, list) for one in own if isinstance(one, dict)]
    return any(issue.get("severity") in _SERIOUS for issue in issues)


def _bundle(body: bytes, address: str) -> bytes:
    """Return patient and Observations as one Bundle, from the text: its numbers stay as they are written."""
    prefetch = spans_of(spans_of(text_of(body))["prefetch"])
    counts = prefetch["counts"]
    sent = spans_of(counts).get("entry", "[]") if counts != "null" else "[]"
    # What is no list of entries is an entry that cannot be read.
    entries = sent[1:-1].strip() if sent.startswith("[") else sent
    url = f'"fullUrl": {json.dumps(address)}, ' if address else ""
    every = ", ".join(filter(None, (f'{{{url}"resource": {prefetch["patient"]}}}', entries)))
    return f'{{"resourceType": "Bundle", "type": "collection", "entry": [{every}]}}'.encode()


def _is_to_review(result: ScreeningResult) -> bool:
    flags = result.flags(checklist=False)
    return any(flags[name] != nothing for name, nothing in NOTHING_TO_REVIEW)


def _not_last(shown: ShownCount) -> list[str]:
    """Say of a count that is not the last one why it is shown."""
    return [f"not the last count: the last that tells the {' and the '.join(shown.lines)} line"] if shown.lines else []


def _remarks(found: ScreenedCounts, shown: int) -> list[str]:
    """Return what a card says of what it does not show."""
    earlier, rejected = len(found.counts) - shown, len(found.rejected)
    said = [f"earlier counts that were sent and are not shown: {earlier}"] if earlier else []
    said += [f"entries or results that could not be used: {rejected}"] if rejected else []
    return [*said, *(f"{analyte}: {why}" for analyte, why in found.suspect_units.items())]


def as_json(answer: dict[str, Any]) -> bytes:
    """Return an answer as JSON."""
    return json.dumps(answer).encode()
