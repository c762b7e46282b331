"""A program for one record that has fewer inputs gives the answers of the one that has all.

Records with a short count are screened by a smaller program: sooner, and never otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import assume, given

import cbc_screen as cbc
from cbc_screen.engines.kept_kernel import record_kernel
from cbc_screen.kernel.configuration import Configuration
from cbc_screen.kernel.one_record import One
from cbc_screen.kernel_inputs import SHORT_COUNT, InputScope, scope_of
from cbc_screen.knowledge import load_measures
from cbc_screen.normalize.declared import make_declared
from cbc_screen.normalize.record import NormalizedRecord, RecordNormalizer
from cbc_screen.vocabulary import Adjust
from strategies import CONFIGURATIONS, records

MEASURES = load_measures()
CHOSEN = [Configuration(definition=definition, grading=grading) for definition, grading in CONFIGURATIONS]
CHOSEN.append(Configuration(definition="clinical", grading="who_2024", adjust=tuple(Adjust)))
PERSON = {"age": "30 y", "sex": "F"}


def normalized(record: Mapping[str, Any], adjust: Sequence[Adjust] = ()) -> NormalizedRecord:
    """Normalize a record, with the ranges that came with its results."""
    normalizer = RecordNormalizer(MEASURES, make_declared(MEASURES, adjust=adjust))
    return normalizer.normalize(cbc.CBCRecord.model_validate(record), use_reported=True)


def numbers(one: One) -> dict[str, float]:
    """Return the derived and corrected numbers that are there."""
    return {name: value for name, value in one.values.items() if value == value}


def assert_same(one: One, other: One) -> None:
    """Compare all that a result is made of. NaN is no limit in both."""
    assert one.keys == other.keys
    assert one.codes == other.codes
    assert one.facts == other.facts
    assert numbers(one) == numbers(other)
    assert repr(one.limits) == repr(other.limits)


def assert_same_in_wider_scopes(record: NormalizedRecord, chosen: Configuration) -> None:
    """Compare the answers of the program a record is screened by with those of every program that has more."""
    kernel = record_kernel(chosen)
    own = kernel.screen_one(record.inputs, record.person, record.scope, record.reported)
    for scope in InputScope:
        if scope > record.scope:
            assert_same(own, kernel.screen_one(record.inputs, record.person, scope, record.reported))


@pytest.mark.parametrize("chosen", CHOSEN, ids=str)
@given(record=records())
def test_every_program_that_has_the_inputs_gives_the_same_answers(chosen, record) -> None:
    assert_same_in_wider_scopes(normalized(record, chosen.adjust), chosen)


@pytest.mark.parametrize("chosen", CHOSEN, ids=str)
@given(record=records())
def test_a_short_count_is_answered_as_any_other(chosen, record) -> None:
    short = normalized(
        {name: cell for name, cell in record.items() if scope_of_field(name) in (None, InputScope.SHORT)}
    )
    assume(short.scope is InputScope.SHORT)  # no text of a result that is a finding
    assert_same_in_wider_scopes(short, chosen)


def scope_of_field(name: str) -> InputScope | None:
    """Return the least scope that has a field of a record; None for the person."""
    if name in MEASURES.analytes:
        return scope_of(name, MEASURES.analytes[name].counted)
    return InputScope.ALL if name in ("film", "context", "reticulocyte_method", "wbc_uncorrected") else None


@pytest.mark.parametrize("analyte", sorted(MEASURES.analytes))
def test_the_program_of_a_result_reads_it(analyte: str) -> None:
    definition = MEASURES.analytes[analyte]
    record = normalized({**PERSON, analyte: {"value": 1.0, "unit": definition.unit}}, tuple(Adjust))
    assert {f"{analyte}.low", f"{analyte}.high"} <= record.inputs.keys()
    assert record.scope is scope_of(analyte, definition.counted)


def test_the_short_count_is_of_known_analytes_of_a_blood_count() -> None:
    assert all(MEASURES.analytes[name].counted for name in SHORT_COUNT)


@pytest.mark.parametrize(
    ("given_too", "scope"),
    [
        ({}, InputScope.SHORT),
        ({"neutrophils": "0.9 10^9/L", "lymphocytes": "<0.5 10^9/L"}, InputScope.SHORT),
        ({"monocytes": "0.1 10^9/L"}, InputScope.COUNT),
        ({"neutrophils_percent": "41 %"}, InputScope.COUNT),
        ({"monocytes": ""}, InputScope.SHORT),
        ({"monocytes": "HEMOLYZED"}, InputScope.COUNT),
        ({"platelets": "CLUMPED"}, InputScope.ALL),
        ({"ferritin": "8 ng/mL"}, InputScope.ALL),
        ({"film": {"blasts_on_film": "unknown"}}, InputScope.SHORT),
        ({"film": {"schistocytes_on_film": "present"}}, InputScope.ALL),
        ({"reticulocyte_method": "manual"}, InputScope.ALL),
        ({"wbc_uncorrected": True}, InputScope.ALL),
    ],
    ids=str,
)
def test_the_scope_of_a_record(given_too: Mapping[str, Any], scope: InputScope) -> None:
    assert normalized({**PERSON, "hemoglobin": "9.1 g/dL", **given_too}).scope is scope
