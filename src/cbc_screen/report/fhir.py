"""Answers as FHIR (R4, R4B, R5): derived Observations that are preliminary, with what is missing asked for; never a Condition.

Shapes: the workflow of a derived Observation (`derivedFrom`, `component`, `dataAbsentReason`) and GuidanceResponse of HL7 FHIR;
docs/fhir.md says what each element holds.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from math import inf, nextafter
from uuid import uuid4

from cbc_screen.errors import UsageError
from cbc_screen.kernel.rules import LINE_ANALYTE
from cbc_screen.knowledge import Knowledge, load_knowledge
from cbc_screen.report.fhir_observation import (
    HowScreened,
    Resource,
    code_of,
    derived_observation,
    fhir_moment,
    in_order,
    is_date,
    without_control,
)
from cbc_screen.report.wording import level_words
from cbc_screen.result import AnalyteResult, ScreeningResult
from cbc_screen.vocabulary import NOTICE, Comparator, Line, LineState, Reason, Sex

_UCUM, _LOINC = "http://unitsofmeasure.org", "http://loinc.org"
_AGE, _PREGNANCY = "30525-0", "82810-3"
_ORIGINAL = "http://hl7.org/fhir/StructureDefinition/originalText"
_PLAIN = re.compile(r"(?P<sign><=?|>=?)?\s*(?P<number>\d+(\.\d+)?)\s*(?P<unit>\D.*)?", re.ASCII)
_GENDER = {Sex.FEMALE: "female", Sex.MALE: "male", Sex.UNKNOWN: "unknown"}


def fhir_bundle(result: ScreeningResult, *, subject: str = "", effective: str = "") -> Resource:
    """Return a result as a FHIR Bundle (R4, R4B, R5): what was received, the derived Observation, a report, and what is missing.

    Parameters
    ----------
    result : ScreeningResult
        The answers for one count.
    subject : str, optional
        A reference to the person in your system ("Patient/123"); without it the Bundle has a Patient of its own.
    effective : str, optional
        When the sample was taken: "2026-03-01", or a moment with its offset. By default what the record says, where FHIR can hold
        it.

    Returns
    -------
    dict
        A Bundle of the type collection. The Observations of the count hold the results as they were received, and read in again
        they give the same answers. The derived Observation and the report are preliminary. No Condition and no order
        is ever in it.

    Raises
    ------
    UsageError
        If `effective` is of neither form.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> result = cbc.screen({"age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL", "platelets": "<10 10^9/L"})
    >>> bundle = cbc.fhir_bundle(result)
    >>> sorted({entry["resource"]["resourceType"] for entry in bundle["entry"]})
    ['DiagnosticReport', 'GuidanceResponse', 'Observation', 'Patient']
    """
    if effective and fhir_moment(effective) != effective:
        raise UsageError("effective must be a day (2026-03-01) or a moment with its offset (2026-03-01T08:00:00+01:00)")
    return _Bundle(result, load_knowledge(), subject, effective).build()


def patient_of(result: ScreeningResult) -> Resource:
    """Return the person of a result as a Patient: sex and birth date as they were used."""
    born = result.person.birth_date or ""
    return {
        "resourceType": "Patient",
        "gender": _GENDER[result.person.sex],
        **({"birthDate": born} if is_date(born) else {}),
    }


class _Bundle:
    def __init__(self, result: ScreeningResult, knowledge: Knowledge, subject: str, effective: str) -> None:
        self._result, self._knowledge, self._names = result, knowledge, knowledge.fhir
        # Names of entries are new each time: those of two Bundles never meet.
        self._urls: defaultdict[str, str] = defaultdict(lambda: f"urn:uuid:{uuid4()}")
        self._own_patient = not subject
        self._subject = {"reference": subject or self._urls["patient"]}
        self._effective = effective or fhir_moment(result.person.collected_at or "")

    def build(self) -> Resource:
        """Return the Bundle."""
        received = [*self._person(), *self._received()]
        derived = self._derived([key for key, _ in received])
        report = self._report([key for key, _ in received])
        resources = [*received, ("derived", derived), ("report", report), ("guidance", self._guidance())]
        if self._own_patient:
            resources.insert(0, ("patient", patient_of(self._result)))
        return {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"fullUrl": self._urls[key], "resource": in_order(own)} for key, own in resources],
        }

    def _references(self, keys: Iterable[str]) -> list[Resource]:
        return [{"reference": self._urls[key]} for key in keys]

    def _of_count(self, code: Resource) -> Resource:
        return {
            "resourceType": "Observation",
            "status": "final",
            "code": code,
            "subject": self._subject,
            **({"effectiveDateTime": self._effective} if self._effective else {}),
        }

    def _person(self) -> Iterator[tuple[str, Resource]]:
        """Yield age and pregnancy as they were received."""
        person = self._result.person
        if person.age_received:
            code = {"coding": [{"system": _LOINC, "code": _AGE}], "text": "Age"}
            yield "age", {**self._of_count(code), "valueString": person.age_received}
        if person.pregnancy_received:
            code = {"coding": [{"system": _LOINC, "code": _PREGNANCY}], "text": "Pregnancy status"}
            yield "pregnancy", {**self._of_count(code), "valueString": person.pregnancy_received}

    def _received(self) -> Iterator[tuple[str, Resource]]:
        """Yield the results as they were received, with the first code of their quantity."""
        for analyte in self._result.analytes:
            if analyte.received is None:
                continue
            codes = self._knowledge.analytes[analyte.analyte].loinc or self._knowledge.person_codes.of(analyte.analyte)
            coding = [{"coding": [{"system": _LOINC, "code": codes[0]}]}] if codes else [{}]
            observation = self._of_count({**coding[0], "text": analyte.label})
            observation["status"] = _status(analyte)
            yield analyte.analyte, {**observation, **self._value(analyte), **self._range(analyte)}

    def _value(self, analyte: AnalyteResult) -> Resource:
        """Return a number and its unit as they were received, else as they were understood; else the text alone."""
        received = without_control(analyte.received or "")
        understood = _understood(analyte)
        if understood is None:
            return {"valueString": received}
        found = _PLAIN.fullmatch(received.strip())
        sign, number = understood
        if found is not None and analyte.reported_range is None and found["sign"] == sign:
            unit = (found["unit"] or "").strip() or analyte.unit_declared or ""
            if unit in self._names.ucum and _printed(found["number"]) == found["number"]:
                own = float(found["number"]) if "." in found["number"] else int(found["number"])
                return {"valueQuantity": self._quantity(own, unit, sign)}
        # Of a range that came along the numbers are in this unit.
        original = [{"url": _ORIGINAL, "valueString": received}]
        return {"valueQuantity": {"extension": original, **self._quantity(number, analyte.unit, sign)}}

    def _quantity(self, number: float, unit: str, sign: str | None) -> Resource:
        coded = self._names.ucum.get(unit)
        return {
            "value": number,
            **({"comparator": sign} if sign else {}),
            "unit": unit,
            **({"system": _UCUM, "code": coded} if coded else {}),
        }

    def _range(self, analyte: AnalyteResult) -> Resource:
        if analyte.reported_range is None:
            return {}
        ends = zip(("low", "high"), analyte.reported_range, strict=True)
        own = {name: {"value": end, "unit": analyte.unit} for name, end in ends if end is not None}
        return {"referenceRange": [own]} if own else {}

    def _derived(self, received: Sequence[str]) -> Resource:
        own = self._result.versions
        how = HowScreened(own.ranges, own.definition, own.grading, own.grading_version, own.data)
        observation = derived_observation(self._result.flags(), self._names, how)
        observation["note"] += [{"text": self._result.summary}]
        return {
            **observation,
            "subject": self._subject,
            **({"effectiveDateTime": self._effective} if self._effective else {}),
            "derivedFrom": self._references(received),
        }

    def _report(self, received: Sequence[str]) -> Resource:
        result, names = self._result, self._names
        return {
            "resourceType": "DiagnosticReport",
            "text": {"status": "generated", "div": self._narrative()},
            "status": "preliminary",
            "code": code_of(names, "report"),
            "subject": self._subject,
            **({"effectiveDateTime": self._effective} if self._effective else {}),
            "result": self._references([*received, "derived"]),
            "conclusion": f"{result.summary} {NOTICE}".strip(),
        }

    def _narrative(self) -> str:
        """Return the report as a reader sees it: what is low, when to look and why, what to consider, what to do next."""
        result, texts = self._result, self._names.texts
        urgency = f"{texts['urgency']}: {level_words(result)}"
        parts = [NOTICE, result.summary, urgency, *result.urgency_reasons]
        body = "".join(f"<p>{escape(part)}</p>" for part in parts if part)
        listed = [f"{one.name}. {one.summary}" if one.summary else one.name for one in result.checklist]
        within = f" ({result.setting.text})" if result.setting is not None else ""
        for title, items in (
            (f"{texts['consider']}{within}", listed[: result.checklist_shown]),
            (texts["next_tests"], [test.text for test in result.next_tests]),
        ):
            if items:
                body += f"<p>{escape(title)}</p><ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"
        return f'<div xmlns="http://www.w3.org/1999/xhtml">{body}</div>'

    def _guidance(self) -> Resource:
        required = list(self._required())
        return {
            "resourceType": "GuidanceResponse",
            "moduleUri": self._names.module,
            "status": "data-required" if required else "success",
            "subject": self._subject,
            "note": [{"text": NOTICE}],
            **({"dataRequirement": required} if required else {}),
        }

    def _required(self) -> Iterator[Resource]:
        """Yield what would let the lines be told: their counts, and who the person is."""
        unknown = [line for line in self._result.lines if line.state is LineState.CANNOT_TELL]
        for line in unknown:
            codes = self._knowledge.analytes[LINE_ANALYTE[Line(line.line)]].loinc
            coding = [{"system": _LOINC, "code": code} for code in codes]
            yield {"type": "Observation", "codeFilter": [{"path": "code", "code": coding}]}
        about = {field for field, _ in self._result.reasons}
        fields = [path for field, path in (("age", "birthDate"), ("sex", "gender")) if field in about]
        if unknown and fields:
            yield {"type": "Patient", "mustSupport": fields}


def _status(analyte: AnalyteResult) -> str:
    """Return how far a result has come; a number that was not used is not given as one that may be."""
    if Reason.STATUS_NOT_FINAL in analyte.reasons:
        return "preliminary"
    unknown = analyte.low is None or (analyte.high is None and not analyte.low)
    found = _PLAIN.fullmatch((analyte.received or "").strip())
    return "unknown" if unknown and found is not None and found["unit"] else "final"


def _understood(analyte: AnalyteResult) -> tuple[str | None, float] | None:
    """Return the bound and the number that a result was used as; None where it was not used, or lies between two."""
    if analyte.low is None or analyte.derived or Reason.NUMBER_ROUNDED in analyte.reasons:
        return None
    if analyte.low == analyte.high:
        return None, analyte.low
    sign = analyte.comparator
    if sign in (Comparator.BELOW, Comparator.AT_MOST) and analyte.high is not None and not analyte.low:
        # An open bound is the number just below it.
        return sign.value, nextafter(analyte.high, inf) if sign is Comparator.BELOW else analyte.high
    if sign in (Comparator.ABOVE, Comparator.AT_LEAST) and analyte.high is None:
        return sign.value, nextafter(analyte.low, -inf) if sign is Comparator.ABOVE else analyte.low
    return None


def _printed(number: str) -> str:
    return repr(float(number)) if "." in number else str(int(number))
