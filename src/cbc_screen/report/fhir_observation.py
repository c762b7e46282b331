"""A row of flags as a derived FHIR Observation: preliminary, with what it was made with, and nothing where nothing can be told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from cbc_screen._version import __version__
from cbc_screen.knowledge.fhir_names import FHIRNames
from cbc_screen.vocabulary import ANSWER_SYSTEM, NOTICE, SCHEMA_VERSION

Resource = dict[str, Any]
_WORDS = ("red_line", "white_line", "platelet_line", "white_line_basis", "severity", "severity_min", "urgency")
_NUMBERS = ("lines_low_min", "lines_low_max", "hemoglobin_grade", "white_grade", "platelets_grade")
_TEXTS = ("urgency_reasons", "guards", "review_triggers", "reasons")
_UNKNOWN = "cannot_tell"
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
# A day, or a moment with its offset, as FHIR has them.
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?", re.ASCII)
_TIME = re.compile(r"[T ]\d\d:\d\d(:\d\d(\.\d+)?)?", re.ASCII)
_DAY = len("2026-03-01")
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)
_ID_DIGITS = 40
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_GRADED = ("hemoglobin_grade", "white_grade", "platelets_grade", "severity", "severity_min")
SCHEME_SYSTEM, SCHEMA_SYSTEM = "urn:cbc-screen:scheme", "urn:cbc-screen:schema-version"


def observation_of_row(
    row: Mapping[str, Any], names: FHIRNames, how: HowScreened, *, kept: Sequence[str] = ()
) -> Resource:
    """Return a row of flags as a derived Observation.

    Parameters
    ----------
    row : mapping
        The flag columns of one count, with `row` and the columns kept.
    names : FHIRNames
        Codes and texts (`reference_ranges/fhir.yaml`).
    how : HowScreened
        What the answers were made with.
    kept : list of columns
        They become identifiers; `person` is the subject and `collected_at` the time, where FHIR can hold it.

    Returns
    -------
    dict
    """
    beside = {name: row[name] for name in kept if row.get(name) is not None and without_control(str(row[name]))}
    person, moment = beside.pop("person", None), str(beside.get("collected_at", ""))
    observation = derived_observation(row, names, how)
    observation["id"] = _id_of([str(row[name]) for name in ("file", "row") if row.get(name) is not None])
    if fhir_moment(moment):
        observation["effectiveDateTime"] = fhir_moment(moment)
        if fhir_moment(moment) == moment:
            del beside["collected_at"]
    if person is not None:
        observation["subject"] = {"identifier": {"value": str(person)}}
    if beside:
        system = ANSWER_SYSTEM.rpartition(":")[0]
        observation["identifier"] = [
            {"system": f"{system}:column:{quote(name, safe='')}", "value": without_control(str(value))}
            for name, value in beside.items()
        ]
    return in_order(observation)


@dataclass(frozen=True)
class HowScreened:
    """What answers were made with: they mean nothing without it."""

    ranges: str
    definition: str
    grading: str
    grading_version: str
    data: str

    @property
    def text(self) -> str:
        """Everything of it, for a reader."""
        return f"definition {self.definition}; grading {self.grading} {self.grading_version}; data {self.data}"

    @property
    def scheme(self) -> Resource:
        """The scheme of the grades, beside their own code."""
        return {"system": SCHEME_SYSTEM, "version": self.grading_version, "code": self.grading}


def _id_of(parts: Sequence[str]) -> str:
    """Return the id of a row: as it is written where FHIR can hold that, else what no other row has."""
    plain = "-".join(("count", *parts))
    if _ID.fullmatch(plain):
        return plain
    return "count-" + sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:_ID_DIGITS]


def without_control(text: str) -> str:
    """Return a text without the signs that FHIR cannot hold, and without blanks around it."""
    return _CONTROL.sub("", text).strip()


def derived_observation(flags: Mapping[str, Any], names: FHIRNames, how: HowScreened) -> Resource:
    """Return the flags of one count as a derived Observation, that names nobody."""
    basis = str(flags["white_line_basis"])
    components = [_word(names, code, str(flags[code]), basis) for code in _WORDS]
    components += [_number(names, code, flags[code]) for code in _NUMBERS]
    components += [
        {"code": code_of(names, code), "valueString": str(flags[code])} for code in _TEXTS if flags.get(code)
    ]
    for component in components:
        if component["code"]["coding"][0]["code"] in _GRADED:
            component["code"]["coding"].append(how.scheme)
    pattern = _word(names, "pattern", str(flags["pattern"]), basis)
    return {
        "resourceType": "Observation",
        "meta": {"tag": [{"system": SCHEMA_SYSTEM, "code": SCHEMA_VERSION}]},
        "status": "preliminary",
        "category": [{"coding": [{"system": _CATEGORY, "code": "laboratory"}]}],
        **pattern,
        "note": [{"text": NOTICE}],
        "method": {"text": f"{names.texts['method']}: {how.ranges}; {how.text}"},
        "device": {"display": f"cbc-screen {__version__}"},
        "component": components,
    }


def code_of(names: FHIRNames, code: str) -> Resource:
    """Return one of this project's own codes."""
    text = names.texts[code]
    return {"coding": [{"system": ANSWER_SYSTEM, "code": code, "display": text}], "text": text}


def _word(names: FHIRNames, code: str, word: str, basis: str) -> Resource:
    """Return a word of an answer; what cannot be told has no value, and is never a normal one."""
    if word == _UNKNOWN:
        return {"code": code_of(names, code), "dataAbsentReason": _absent()}
    terms = [{"system": term.system, "code": term.term} for term in names.terms(code, word, basis)]
    text = word.replace("_", " ")
    value = {"coding": [{"system": f"{ANSWER_SYSTEM}:{code}", "code": word, "display": text}, *terms], "text": text}
    return {"code": code_of(names, code), "valueCodeableConcept": value}


def _number(names: FHIRNames, code: str, number: int | None) -> Resource:
    if number is None:
        return {"code": code_of(names, code), "dataAbsentReason": _absent()}
    return {"code": code_of(names, code), "valueInteger": int(number)}


def _absent() -> Resource:
    """Return why there is no value: it cannot be told."""
    return {"coding": [{"system": _ABSENT, "code": "unknown", "display": "Unknown"}], "text": "cannot tell"}


def in_order(resource: Resource) -> Resource:
    """Put what names a resource first."""
    first = ("resourceType", "id", "meta", "identifier", "status", "category", "code", "subject")
    return {name: resource[name] for name in (*first, *resource) if name in resource}


def fhir_moment(text: str) -> str:
    """Return a moment as FHIR can hold it: one without an offset is told to the day; "" where it is none."""
    if not is_date(text[:_DAY]) or len(text) < _DAY:
        return ""
    if _MOMENT.fullmatch(text) and _is_moment(text):
        return text
    return text[:_DAY] if _TIME.fullmatch(text[_DAY:]) else ""


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_date(text: str) -> bool:
    """Tell whether a date, or a year or a month, is one that there is."""
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat((text + "-01-01")[:_DAY] if len(text) < _DAY else text)
    except ValueError:
        return False
    return True
