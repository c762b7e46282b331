"""FHIR: the sex whose ranges are to be used, as a patient's record says it: in one place, or in several that may differ."""

from __future__ import annotations

from collections.abc import Iterator

from cbc_screen.ingest.fhir_json import Resource, as_object, as_objects, as_text
from cbc_screen.ingest.fhir_scope import only_one

_CLINICAL_SEX = "http://hl7.org/fhir/StructureDefinition/patient-sexParameterForClinicalUse"
# The last part of the address of an extension that tells a sex: at birth, as it was recorded, in a profile of a country.
_TOLD = frozenset((
    "us-core-birthsex", "us-core-sex", "argo-birthsex", "patient-birthSex", "individual-recordedSexOrGender",
    "patient-recordedSexOrGender",
))  # fmt: skip
_SEXES = {"male-typical": "male", "female-typical": "female"}
# Codes of HL7 and of SNOMED CT.
_SAID = {"male": "male", "female": "female", "m": "male", "f": "female", "248153007": "male", "248152002": "female"}


def sexes_of(patient: Resource) -> tuple[str, ...]:
    """Return what a record says of the sex: the one for clinical use alone, else the gender, and the other sex where it is told.

    Two are of a record that contradicts itself; a gender identity is no sex.
    """
    extensions = as_objects(patient.get("extension"))
    stated = [one for one in extensions if one.get("url") == _CLINICAL_SEX]
    if stated:
        return (_SEXES.get(only_one(_codes_within(stated)), "unknown"),)
    gender = as_text(patient.get("gender"))
    told = [one for one in extensions if as_text(one.get("url")).rpartition("/")[2] in _TOLD]
    said = {_SAID[word] for one in told for text in _texts(one) if (word := text.strip().lower()) in _SAID}
    own = _SAID.get(gender.strip().lower())
    others = sorted(said - {own})
    return (gender, *others) if own is not None else (gender,)


def _codes_within(stated: list[Resource]) -> set[str]:
    values = [part for one in stated for part in as_objects(one.get("extension")) if part.get("url") == "value"]
    concepts = [as_object(part.get("valueCodeableConcept")) for part in values]
    return {as_text(coding.get("code")) for concept in concepts for coding in as_objects(concept.get("coding"))}


def _texts(extension: Resource) -> Iterator[str]:
    """Yield the codes and texts of the value of an extension: its own, or of its part of that name."""
    parts = [part for part in as_objects(extension.get("extension")) if part.get("url") == "value"]
    for one in (extension, *parts):
        yield from (as_text(one.get(name)) for name in ("valueCode", "valueString"))
        concept = as_object(one.get("valueCodeableConcept"))
        yield as_text(concept.get("text"))
        for coding in (as_object(one.get("valueCoding")), *as_objects(concept.get("coding"))):
            yield from (as_text(coding.get(name)) for name in ("code", "display"))
