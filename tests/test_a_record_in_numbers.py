"""A record as numbers: flags beside its results, a specimen of another kind, units that are accepted, and ways that confirm."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest

from cbc_screen.errors import UsageError
from cbc_screen.knowledge.agreement import Way
from cbc_screen.knowledge.loaded import load_measures
from cbc_screen.normalize.agreement import confirmed
from cbc_screen.normalize.declared import Declared
from cbc_screen.normalize.record import RecordNormalizer
from cbc_screen.normalize.suspect import parse_accepted
from cbc_screen.record import CBCRecord, Measurement
from cbc_screen.vocabulary import Reason

MEASURES = load_measures()
NORMALIZER = RecordNormalizer(MEASURES, Declared())
TWICE = Way(2.0, ("one",), (), 0.5)  # the value is twice the other, and may be half as far from it


@pytest.mark.parametrize(
    ("text", "flagged"), [("250 LL 10^9/L", True), ("250 (LL) 10^9/L", True), ("250 10^9/L", False), ("LL", False)]
)
def test_a_flag_in_the_text_of_a_number_is_stated(text: str, flagged: bool) -> None:
    found = NORMALIZER.normalize(CBCRecord(platelets=text), use_reported=False)
    assert found.inputs.get("platelets_flagged_low.present", False) is flagged


@pytest.mark.parametrize(("specimen", "reported"), [("venous blood", True), ("QC", False)])
def test_limits_that_came_with_what_is_no_blood_are_not_used(specimen: str, reported: bool) -> None:
    platelets = Measurement(value="250", unit="10^9/L", range=(150, 400))
    found = NORMALIZER.normalize(CBCRecord(specimen=specimen, platelets=platelets), use_reported=True)
    assert found.reported is reported
    assert ("platelets.reported_lower" in found.inputs) is reported


def test_of_a_control_every_result_is_unknown() -> None:
    found = NORMALIZER.normalize(CBCRecord(specimen="QC", platelets="250 10^9/L"), use_reported=False)
    assert found.inputs == {"platelets.low": 0.0, "platelets.high": inf}
    assert ("specimen", Reason.SPECIMEN_CONTROL) in found.reasons


@pytest.mark.parametrize(
    ("given", "accepted"),
    [
        (None, set()),
        ((), set()),
        ("platelets, wbc", {"platelets", "wbc"}),
        (["platelets", "wbc"], {"platelets", "wbc"}),
        (["platelets,wbc"], {"platelets", "wbc"}),
    ],
)
def test_units_are_accepted_of_the_analytes_that_are_named(given: str | list[str] | None, accepted: set[str]) -> None:
    assert parse_accepted(MEASURES, given) == accepted


def test_a_unit_is_accepted_of_no_analyte_that_is_not_known() -> None:
    with pytest.raises(UsageError, match="accept_units"):
        parse_accepted(MEASURES, ["plateletz"])


@pytest.mark.parametrize(
    ("value", "other", "expected"),
    [
        (20.0, 10.0, True),
        (30.0, 10.0, True),  # just as far as it may be
        (10.0, 10.0, True),
        (30.5, 10.0, False),
        (9.5, 10.0, False),
        (20.0, nan, False),  # nothing to confirm it by
    ],
)
def test_a_value_is_confirmed_up_to_its_tolerance(value: float, other: float, expected: bool) -> None:
    assert bool(confirmed([TWICE], value, {"one": other})) is expected
    assert confirmed([TWICE], np.array([value]), {"one": np.array([other])}).tolist() == [expected]


def test_one_way_that_contradicts_outweighs_one_that_agrees() -> None:
    same = Way(1.0, ("two",), (), 0.5)
    assert not confirmed([TWICE, same], 20.0, {"one": 10.0, "two": 100.0})
    assert confirmed([TWICE, same], 20.0, {"one": 10.0, "two": nan})
