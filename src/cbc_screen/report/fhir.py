"""Answers as FHIR (R4, R4B, R5): derived Observations that are preliminary, with what is missing asked for; never a Condition.

Shapes: the workflow of a derived Observation (`derivedFrom`, `component`, `dataAbsentReason`) and GuidanceResponse of HL7 FHIR;
docs/fhir.md says what each element holds.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from html import escape
from math import inf, nextafter
from typing import Any
from uuid import uuid4

from cbc_screen._version import __version__
from cbc_screen.errors import UsageError
from cbc_screen.kernel.rules import LINE_ANALYTE
from cbc_screen.knowledge import Knowledge, load_knowledge
from cbc_screen.knowledge.fhir_names import FHIRNames
from cbc_screen.result import AnalyteResult, ScreeningResult
from cbc_screen.vocabulary import ANSWER_SYSTEM, NOTICE, Comparator, Line, LineState, Reason, Sex

Resource = dict[str, Any]
_WORDS = ("red_line", "white_line", "platelet_line", "white_line_basis", "severity", "severity_min", "urgency")
_NUMBERS = ("lines_low_min", "lines_low_max", "hemoglobin_grade", "white_grade", "platelets_grade")
_TEXTS = ("urgency_reasons", "guards", "review_triggers", "reasons")
_UNKNOWN = "cannot_tell"
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_UCUM, _LOINC = "http://unitsofmeasure.org", "http://loinc.org"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_AGE, _PREGNANCY = "30525-0", "82810-3"
# A day, or a moment with its offset, as FHIR has them.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?", re.ASCII)
_TIME = re.compile(r"[T ]\d\d:\d\d(:\d\d(\.\d+)?)?", re.ASCII)
_ORIGINAL = "http://hl7.org/fhir/StructureDefinition/originalText"
_DAY = len("2026-03-01")
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?", re.ASCII)
_PLAIN = re.compile(r"(?P<sign><=?|>=?)?\s*(?P<number>\d+(\.\d+)?)\s*(?P<unit>\D.*)?", re.ASCII)
_BAD_ID = re.compile(r"[^A-Za-z0-9.-]")
_GENDER = {Sex.FEMALE: "female", Sex.MALE: "male", Sex.UNKNOWN: "unknown"}


# One row of flags --------------------------------------------------------------------------------


def observation_of_row(
    row: Mapping[str, Any], names: FHIRNames, *, ranges: str = "", kept: Sequence[str] = ()
) -> Resource:
    """Return a row of flags as a derived Observation.

    Parameters
    ----------
    row : mapping
        The flag columns of one count, with `row` and the columns kept.
    names : FHIRNames
        Codes and texts (`reference_ranges/fhir.yaml`).
    ranges : str
        The set of reference ranges, for `method`.
    kept : list of columns
        They become identifiers; `person` is the subject and `collected_at` the time, where FHIR can hold it.

    Returns
    -------
    dict
    """
    beside = {name: row[name] for name in kept if row.get(name) not in (None, "")}
    person, moment = beside.pop("person", None), str(beside.get("collected_at", ""))
    observation = _observation(row, names, ranges)
    number = "-".join(_BAD_ID.sub("-", str(row[name])) for name in ("file", "row") if row.get(name) is not None)
    observation["id"] = f"count-{number}"[-64:].lstrip("-.")
    if _moment(moment):
        observation["effectiveDateTime"] = _moment(moment)
        if _moment(moment) == moment:
            del beside["collected_at"]
    if person is not None:
        observation["subject"] = {"identifier": {"value": str(person)}}
    if beside:
        system = ANSWER_SYSTEM.rpartition(":")[0]
        observation["identifier"] = [
            {"system": f"{system}:column:{name}", "value": str(value)} for name, value in beside.items()
        ]
    return _in_order(observation)


def _observation(flags: Mapping[str, Any], names: FHIRNames, ranges: str) -> Resource:
    basis = str(flags["white_line_basis"])
    components = [_word(names, code, str(flags[code]), basis) for code in _WORDS]
    components += [_number(names, code, flags[code]) for code in _NUMBERS]
    components += [{"code": _code(names, code), "valueString": str(flags[code])} for code in _TEXTS if flags.get(code)]
    pattern = _word(names, "pattern", str(flags["pattern"]), basis)
    return {
        "resourceType": "Observation",
        "status": "preliminary",
        "category": [{"coding": [{"system": _CATEGORY, "code": "laboratory"}]}],
        **pattern,
        "note": [{"text": NOTICE}],
        **({"method": {"text": f"{names.texts['method']}: {ranges}"}} if ranges else {}),
        "device": {"display": f"cbc-screen {__version__}"},
        "component": components,
    }


def _code(names: FHIRNames, code: str) -> Resource:
    text = names.texts[code]
    return {"coding": [{"system": ANSWER_SYSTEM, "code": code, "display": text}], "text": text}


def _word(names: FHIRNames, code: str, word: str, basis: str) -> Resource:
    """Return a word of an answer; what cannot be told has no value, and is never a normal one."""
    if word == _UNKNOWN:
        return {"code": _code(names, code), "dataAbsentReason": _absent()}
    terms = [{"system": term.system, "code": term.term} for term in names.terms(code, word, basis)]
    text = word.replace("_", " ")
    value = {"coding": [{"system": f"{ANSWER_SYSTEM}:{code}", "code": word, "display": text}, *terms], "text": text}
    return {"code": _code(names, code), "valueCodeableConcept": value}


def _number(names: FHIRNames, code: str, number: int | None) -> Resource:
    if number is None:
        return {"code": _code(names, code), "dataAbsentReason": _absent()}
    return {"code": _code(names, code), "valueInteger": int(number)}


def _absent() -> Resource:
    return {"coding": [{"system": _ABSENT, "code": "unknown", "display": "Unknown"}], "text": "cannot tell"}


def _in_order(resource: Resource) -> Resource:
    """Put what names a resource first."""
    first = ("resourceType", "id", "meta", "identifier", "status", "category", "code", "subject")
    return {name: resource[name] for name in (*first, *resource) if name in resource}


# One result --------------------------------------------------------------------------------------


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
    if effective and _moment(effective) != effective:
        raise UsageError("effective must be a day (2026-03-01) or a moment with its offset (2026-03-01T08:00:00+01:00)")
    return _Bundle(result, load_knowledge(), subject, effective).build()


def patient_of(result: ScreeningResult) -> Resource:
    """Return the person of a result as a Patient: sex and birth date as they were used."""
    born = result.person.birth_date or ""
    return {
        "resourceType": "Patient",
        "gender": _GENDER[result.person.sex],
        **({"birthDate": born} if _is_date(born) else {}),
    }


class _Bundle:
    def __init__(self, result: ScreeningResult, knowledge: Knowledge, subject: str, effective: str) -> None:
        self._result, self._knowledge, self._names = result, knowledge, knowledge.fhir
        # Names of entries are new each time: those of two Bundles never meet.
        self._urls: defaultdict[str, str] = defaultdict(lambda: f"urn:uuid:{uuid4()}")
        self._own_patient = not subject
        self._subject = {"reference": subject or self._urls["patient"]}
        self._effective = effective or _moment(result.person.collected_at or "")

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
            "entry": [{"fullUrl": self._urls[key], "resource": _in_order(own)} for key, own in resources],
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
            codes = self._knowledge.analytes[analyte.analyte].loinc
            coding = [{"coding": [{"system": _LOINC, "code": codes[0]}]}] if codes else [{}]
            observation = self._of_count({**coding[0], "text": analyte.label})
            observation["status"] = _status(analyte)
            yield analyte.analyte, {**observation, **self._value(analyte), **self._range(analyte)}

    def _value(self, analyte: AnalyteResult) -> Resource:
        """Return a number and its unit as they were received, else as they were understood; else the text alone."""
        received = analyte.received or ""
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
        observation = _observation(self._result.flags(), self._names, self._result.versions.ranges)
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
            "code": _code(names, "report"),
            "subject": self._subject,
            **({"effectiveDateTime": self._effective} if self._effective else {}),
            "result": self._references([*received, "derived"]),
            "conclusion": f"{result.summary} {NOTICE}".strip(),
        }

    def _narrative(self) -> str:
        """Return the report as a reader sees it: what is low, when to look and why, what to consider, what to do next."""
        result, texts = self._result, self._names.texts
        urgency = f"{texts['urgency']}: {result.urgency.value.replace('_', ' ')}"
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


def _moment(text: str) -> str:
    """Return a moment as FHIR can hold it: one without an offset is told to the day; "" where it is none."""
    if not _is_date(text[:_DAY]) or len(text) < _DAY:
        return ""
    if _MOMENT.fullmatch(text):
        return text
    return text[:_DAY] if _TIME.fullmatch(text[_DAY:]) else ""


def _is_date(text: str) -> bool:
    """Tell whether a date, or a year or a month, is one that there is."""
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat((text + "-01-01")[:_DAY] if len(text) < _DAY else text)
    except ValueError:
        return False
    return True


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
