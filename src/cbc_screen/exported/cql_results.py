"""The results of a patient in CQL: those of the latest moment, in units that are known."""

from __future__ import annotations

from cbc_screen.exported.cells import SIGNS
from cbc_screen.exported.cql_text import decimal, in_quotes
from cbc_screen.exported.sources import TableOfCounts
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.quantities import Analyte, Factor

Definition = tuple[str, str]
_FINAL = ("final", "amended", "corrected")
# What the model's own types are is said, where a system has to compare them.
_MOMENT = "FHIRHelpers.ToDateTime(O.effective as FHIR.dateTime)"
_UCUM = "http://unitsofmeasure.org"


def fields(knowledge: Knowledge, source: TableOfCounts) -> list[str]:
    """Say what is read of each result."""
    return [
        f"{name} of LOINC {', '.join(analyte.loinc)} in {', '.join(_units(knowledge, analyte))}"
        for name, analyte in source.analytes.items()
    ]


def result_definitions(knowledge: Knowledge, source: TableOfCounts) -> list[Definition]:
    """Return the definitions that give, of each result, its number, its sign and whether it was sent and is not usable."""
    found: list[Definition] = []
    for name, analyte in source.analytes.items():
        retrieved = ", ".join(f'[Observation: "LOINC {code}"]' for code in analyte.loinc)
        found.append((f'"{name} results"', f"flatten({{{retrieved}}})"))
    every = ", ".join(f'"{name} results"' for name in source.analytes)
    found += [
        ('"Results"', f"flatten({{{every}}})"),
        ('"Moments"', f'"Results" O where {_MOMENT} is not null return {_MOMENT}'),
        ("Moment", 'First("Moments" M where not (exists ("Moments" L where L after M)))'),
    ]
    for name, analyte in source.analytes.items():
        found += _one(knowledge, name, analyte)
    return found


def _one(knowledge: Knowledge, name: str, analyte: Analyte) -> list[Definition]:
    units = _units(knowledge, analyte)
    number = " ".join(
        f'when "{name} unit" = {in_quotes(unit)} then "{name} quantity".value{_converted(factor)}'
        for unit, factor in units.items()
    )
    signs = ", ".join(f"'{sign}'" for sign in SIGNS)
    final = ", ".join(f"'{status}'" for status in _FINAL)
    first = f'First("{name} sent")'
    return [
        # One without a moment may be of this count, and is then not usable.
        (
            f'"{name} sent"',
            f'"{name} results" O where Coalesce({_MOMENT} = Moment, true)',
        ),
        (f'"{name} quantity"', f"{first}.value as FHIR.Quantity"),
        (f'"{name} sign"', f'FHIRHelpers.ToString("{name} quantity".comparator)'),
        (f'"{name} unit"', f'FHIRHelpers.ToString("{name} quantity".code)'),
        (
            f'"{name} usable"',
            f'Count("{name} sent") = 1 and Coalesce(FHIRHelpers.ToString({first}.status) in {{{final}}}, false)'
            f" and FHIRHelpers.ToDateTime({first}.effective as FHIR.dateTime) is not null"
            f" and Coalesce(FHIRHelpers.ToString(\"{name} quantity\".system) = '{_UCUM}', false)"
            f' and ("{name} sign" is null or Coalesce("{name} sign" in {{{signs}}}, false))',
        ),
        (f'"{name} value"', f'if "{name} usable" then (case {number} else null end) else null'),
        (f'"{name} not usable"', f'exists ("{name} sent") and "{name} value" is null'),
    ]


def _units(knowledge: Knowledge, analyte: Analyte) -> dict[str, Factor]:
    """Return the UCUM codes of units of a result, and what each is worth in the canonical one."""
    found = {}
    for unit, code in knowledge.fhir.ucum.items():
        factor = analyte.units.find(unit)
        if isinstance(factor, Factor):
            found[code] = factor
    return found


def _converted(factor: Factor) -> str:
    over = "" if factor.denominator == 1 else f" / {decimal(float(factor.denominator))}"
    return f" * {decimal(float(factor.numerator))}{over}"
