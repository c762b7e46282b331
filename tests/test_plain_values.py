"""Records as other programs give them: numbers of NumPy, decimals of a database, nothing as pandas has it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cbc_screen as cbc

BASE = {"age": "40 y", "sex": "F", "hemoglobin": "9 g/dL", "neutrophils": "4 10^9/L", "platelets": "250 10^9/L"}


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"hemoglobin": {"value": np.int64(9), "unit": "g/dL"}}, "low"),
        ({"hemoglobin": {"value": np.float32(13.5), "unit": "g/dL"}}, "not_low"),
        ({"hemoglobin": {"value": Decimal("13.50"), "unit": "g/dL"}}, "not_low"),
        ({"hemoglobin": {"value": np.str_("<5"), "unit": np.str_("g/dL")}}, "low"),
        ({"hemoglobin": pd.NA}, "cannot_tell"),
        ({"hemoglobin": {"value": pd.NA, "unit": "g/dL"}}, "cannot_tell"),
        ({"hemoglobin": float("nan")}, "cannot_tell"),
        ({"sex": float("nan")}, "low"),
        ({"birth_date": pd.NaT, "collected_at": pd.NaT}, "low"),
        ({"mcv": np.nan, "age": np.int64(40), "age_unit": "y"}, "low"),
    ],
)
def test_what_they_are_in_python(fields: dict[str, Any], line: str) -> None:
    assert cbc.screen({**BASE, **fields}).flags()["red_line"] == line


@pytest.mark.parametrize("value", [np.array([1, 2]), object(), [1], {"a": 1}])
def test_anything_else_is_refused_and_not_shown(value: object) -> None:
    with pytest.raises(cbc.RecordError) as refused:
        cbc.screen({**BASE, "hemoglobin": {"value": value, "unit": "g/dL"}})
    assert str(refused.value) == "hemoglobin: Measurement: value has the wrong type, or a word outside its list"


def test_a_row_of_a_frame_as_a_record() -> None:
    frame = pd.DataFrame({**{name: [value] for name, value in BASE.items()}, "birth_date": [pd.NaT], "mcv": [pd.NA]})
    assert cbc.screen(frame.to_dict("records")[0]).flags() == cbc.screen(BASE).flags()
