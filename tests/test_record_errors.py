"""A malformed record: one error of this library, or of pydantic with its path where the record is a part of a body."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from typing import Any

import numpy as np
import pydantic
import pytest

import cbc_screen as cbc


class Body(pydantic.BaseModel):
    record: cbc.CBCRecord


@pytest.mark.parametrize(
    ("record", "place", "said"),
    [
        ({"hemoglobine": "9 g/dL"}, ("hemoglobine",), "CBCRecord: one key is not a field of it (is hemoglobin meant?)"),
        ({"Jane Doe": 1}, (), "CBCRecord: one key is not a field of it"),
        ({"hemoglobin": [1]}, ("hemoglobin",), "Measurement: the whole has the wrong type, or a word outside its list"),
        ({"hemoglobin": True}, ("hemoglobin",), "Measurement: value must be a number or a text"),
        ({"hemoglobin": {"value": 1, "units": "g/L"}}, ("hemoglobin", "units"), "Measurement: one key is not a field of it (is unit meant?)"),
        ({"platelets": {"value": 1, "range": {"lower": [1]}}}, ("platelets", "range", "lower"), "ReportedRange: lower has the wrong type, or a word outside its list"),
        ({"film": {"blasts_on_film": "perhaps"}}, ("film",), "CBCRecord: film has the wrong type, or a word outside its list"),
        ({"age": True}, ("age",), "CBCRecord: age must be a number or a text"),
        ({"platelets": {"value": True, "unit": "10^9/L"}}, ("platelets",), "Measurement: value must be a number or a text"),
        ({"platelets": {"value": 8, "range": [True, 400]}}, ("platelets", "range", "lower"), "ReportedRange: a limit must be a number or a text"),
        ({"film": {"nonsense": "present"}}, ("film",), "CBCRecord: film: one key is not a finding; see reference_ranges/findings.yaml"),
        ({"context": {"fever": "present", "Jane Doe": "present"}}, ("context",), "CBCRecord: context: one key is not a finding; see reference_ranges/findings.yaml"),
        ([1, 2], (), "CBCRecord: the whole has the wrong type, or a word outside its list"),
    ],
)  # fmt: skip
def test_an_error_has_its_path_and_no_value(record: Any, place: tuple[str, ...], said: str) -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        Body.model_validate({"record": record})
    (error,) = caught.value.errors()
    assert (error["loc"], error["msg"], error["input"]) == (("record", *place), said, None)
    with pytest.raises(cbc.RecordError) as own:
        cbc.CBCRecord.model_validate(record)
    assert str(own.value).endswith(said)
    assert (own.value.__cause__, own.value.__context__) == (None, None)


def test_json_that_is_none() -> None:
    with pytest.raises(cbc.RecordError, match="no JSON that can be read"):
        cbc.CBCRecord.model_validate_json("{broken")
    with pytest.raises(cbc.RecordError, match="is hemoglobin meant"):
        cbc.CBCRecord.model_validate_json('{"hemoglobine": 9}')


@pytest.mark.parametrize("command", [["-m", "cbc_screen", "--version"], ["-m", "cbc_screen", "version"]])
def test_the_command_as_a_module(command: list[str]) -> None:
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True)
    assert cbc.__version__ in done.stdout
    assert cbc.NOTICE in done.stdout


@pytest.mark.parametrize("field", ["birth_date", "collected_at"])
@pytest.mark.parametrize("number", [20240620, 45463, 5.5, -1, True, np.int64(20240620), Decimal("20240620")])
def test_a_number_is_no_date(field: str, number: Any) -> None:
    """Read as seconds since 1970 it would make a woman of 59 a child of 5."""
    dates = {"birth_date": "1965-03-02", "collected_at": "2024-06-20", field: number}
    with pytest.raises(cbc.RecordError, match=f"{field} must be a date or a text"):
        cbc.screen({**dates, "sex": "F", "hemoglobin": "13 g/dL"})
