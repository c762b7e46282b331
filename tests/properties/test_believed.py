"""Implausible red cell indices: a record and a row of a frame believe the same ones, as numbers and as texts."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

import cbc_screen as cbc

UNITS = {
    "hemoglobin": "g/L",
    "hematocrit": "L/L",
    "rbc": "10^12/L",
    "mcv": "fL",
    "mch": "pg",
    "mchc": "g/L",
    "platelets": "10^9/L",
}
SCREENER = cbc.Screener(units=UNITS)
TIMES = st.sampled_from((1, 1, 1, 1, 0.95, 1.06, 0.1, 10, 0.001, 1000))


@st.composite
def rows(draw: st.DrawFn) -> dict[str, object]:
    """A count whose indices fit together, with some results off, missing, bounds or not final."""
    red = draw(st.floats(0.05, 14))
    volume, load = draw(st.floats(30, 200)), draw(st.floats(5, 70))
    count: dict[str, float] = {
        "rbc": red,
        "mcv": volume,
        "mch": load,
        "hematocrit": red * volume / 1000,
        "hemoglobin": red * load,
        "mchc": 1000 * load / volume,
        "platelets": draw(st.sampled_from((250.0, 9000.0))),
    }
    row: dict[str, object] = {"age": "40 y", "sex": draw(st.sampled_from(("F", "M")))}
    for name, value in count.items():
        number = round(value * draw(TIMES), 4)
        row[name] = draw(st.sampled_from((number, number, number, str(number), f"<{number}", f"{number} H", None)))
        row[f"{name}_status"] = draw(st.sampled_from(("F", "F", "F", "P")))
    return row


def as_record(row: dict[str, object]) -> dict[str, object]:
    record = {name: row[name] for name in ("age", "sex")}
    return record | {name: {"value": row[name], "status": row[f"{name}_status"]} for name in UNITS}


@given(st.lists(rows(), min_size=1, max_size=2))
def test_both_doors_believe_the_same(given_rows: list[dict[str, object]]) -> None:
    frame = SCREENER.screen_frame(pd.DataFrame(given_rows), accept_units=list(UNITS))
    for place, row in enumerate(given_rows):
        flags = SCREENER.screen(as_record(row)).flags()
        framed = frame.iloc[place].to_dict()
        assert {name: str(framed[name]) for name in framed if not pd.isna(framed[name])} == {
            name: str(flag) for name, flag in flags.items() if name in framed and flag is not None
        }


@given(st.floats(0.25, 11), st.floats(30, 200), st.floats(10, 50))
def test_a_count_that_fits_together_is_believed_beyond_the_limits(red: float, volume: float, load: float) -> None:
    """Of a count with plausible red cells, hematocrit and hemoglobin, the mean volume and load follow."""
    record = {
        "rbc": red,
        "hematocrit": red * volume / 1000,
        "hemoglobin": red * load,
        "mcv": volume,
        "mch": load,
    }
    reasons = SCREENER.screen({"age": "40 y", "sex": "F", **record}).flags()["reasons"].split(";")
    if 0.04 <= red * volume / 1000 <= 0.85:
        assert "mcv:NUMBER_IMPLAUSIBLE" not in reasons
    if 20 <= red * load <= 250:
        assert "mch:NUMBER_IMPLAUSIBLE" not in reasons


def test_a_bound_of_nothing_confirms_nothing():
    """Hematocrit worked out over an MCHC of "<=0" would be without end, and agree with anything."""
    row = {"age": "40 y", "sex": "F", "hemoglobin": "100 g/L", "hematocrit": "0.9 L/L", "mchc": "<=0 g/L"}
    told = {"hematocrit:NUMBER_IMPLAUSIBLE", "mchc:CENSORED_LOW"}
    assert told <= set(str(cbc.screen(row).flags()["reasons"]).split(";"))
    assert told <= set(cbc.screen_frame(pd.DataFrame([row])).loc[0, "reasons"].split(";"))
