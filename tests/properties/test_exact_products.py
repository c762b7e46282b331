"""A count worked out from others is the decimal it stands for: a product that lands on a limit lies on it."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cbc_screen as cbc

PERSON = {"age": "40 y", "sex": "F"}
COUNTS = st.integers(20, 30_000).map(lambda n: Decimal(n) / 1000)
PERCENTAGES = st.integers(1, 9_999).map(lambda n: Decimal(n) / 100)
SCREENER = cbc.Screener()


def used(record: dict[str, str]) -> dict[str, float]:
    """Return the numbers that one record gives, worked-out ones among them."""
    return {entry.analyte: entry.low for entry in SCREENER.screen({**PERSON, **record}).analytes}


@pytest.mark.parametrize(
    ("rbc", "percentage", "reticulocytes"), [("4.5", "0.6", 27.0), ("4.500", "0.600", 27.0), ("3.9", "0.7", 27.3), ("5.01", "1.43", 71.643)]
)  # fmt: skip
def test_reticulocytes_from_a_percentage(rbc: str, percentage: str, reticulocytes: float) -> None:
    assert used({"rbc": f"{rbc} 10^12/L", "reticulocytes_percent": f"{percentage} %"})["reticulocytes"] == reticulocytes


@pytest.mark.parametrize(
    ("wbc", "percentage", "neutrophils"), [("2.4", "75", 1.8), ("4.3", "41.3", 1.7759), ("0.7", "71.5", 0.5005)]
)
def test_neutrophils_from_a_percentage(wbc: str, percentage: str, neutrophils: float) -> None:
    assert used({"wbc": f"{wbc} 10^9/L", "neutrophils_percent": f"{percentage} %"})["neutrophils"] == neutrophils


@given(st.lists(st.tuples(COUNTS, PERCENTAGES), min_size=1, max_size=5))
def test_every_product_is_the_nearest_number_to_its_decimal(pairs: list[tuple[Decimal, Decimal]]) -> None:
    rows = [{**PERSON, "wbc": f"{wbc} 10^9/L", "neutrophils_percent": f"{share} %"} for wbc, share in pairs]
    framed = SCREENER.screen_frame(pd.DataFrame(rows), detail=True)
    for (wbc, share), row, low in zip(pairs, rows, framed["neutrophils_low"], strict=True):
        assert used(row)["neutrophils"] == low == float(wbc * share / 100)


# Quotients, differences and limits that are worked out ------------------------------------------------------


@given(
    st.lists(
        st.tuples(st.integers(1, 40_000).map(lambda n: Decimal(n) / 1000), st.integers(1, 400).map(Decimal)),
        min_size=1,
        max_size=5,
    )
)
def test_white_cells_without_nucleated_red_cells_are_the_decimal_they_stand_for(
    pairs: list[tuple[Decimal, Decimal]],
) -> None:
    """Whoever has `own` white cells beside `n` nucleated red cells to a hundred was counted own times (100 + n) / 100."""
    rows = [
        {**PERSON, "wbc": f"{own * (100 + n) / 100} 10^9/L", "nrbc": f"{n} /100 WBC", "wbc_uncorrected": True}
        for own, n in pairs
    ]
    framed = SCREENER.screen_frame(pd.DataFrame(rows), detail=True)
    for (own, _), row, low in zip(pairs, rows, framed["wbc_low"], strict=True):
        assert used(row)["wbc"] == low == float(own)


def test_a_corrected_count_on_a_limit_is_not_below_it() -> None:
    """2.03 with 1.5 to a hundred is 203 / 101.5 = 2.0: grade 2 of CTCAE (from 2.0), not 3 (below 2.0)."""
    record = {**PERSON, "wbc": "2.03 10^9/L", "nrbc": "1.5 /100 WBC", "wbc_uncorrected": True}
    flags = cbc.Screener(definition="clinical", grading="ctcae_v6").screen(record).flags()
    assert flags["white_grade"] == 2


@pytest.mark.parametrize(
    ("record", "guard", "beyond"),
    [
        # 129 g/L / 0.344 is 375 g/L, and the check asks for more than 375.
        ({"hemoglobin": "12.9 g/dL", "hematocrit": "34.4 %"}, "mchc_out_of_reach", {"hemoglobin": "13.0 g/dL"}),
        # 3 x 11.2 is 33.6, and 3 more than 30.6; the check asks for more than 3.
        (
            {"hemoglobin": "11.2 g/dL", "hematocrit": "30.6 %", "mcv": "90 fL"},
            "rule_of_three",
            {"hematocrit": "30.5 %"},
        ),
        # 2.31 is 110 % of 2.1; the check asks for more than 10 % beyond the whole.
        (
            {"wbc": "2.1 10^9/L", "lymphocytes": "2.31 10^9/L"},
            "lymphocytes_exceed_wbc",
            {"lymphocytes": "2.32 10^9/L"},
        ),
    ],
)
def test_a_check_on_its_limit_does_not_fire(record: dict[str, str], guard: str, beyond: dict[str, str]) -> None:
    for own, fires in ((record, False), (record | beyond, True)):
        rows = [{**PERSON, **own}]
        assert (guard in SCREENER.screen(rows[0]).flags()["guards"].split(";")) is fires
        assert (guard in SCREENER.screen_frame(pd.DataFrame(rows))["guards"][0].split(";")) is fires


@pytest.mark.parametrize(("platelets", "borderline"), [("151.1", False), ("151.2", True), ("167.9", True)])
def test_nine_tenths_of_a_limit_are_no_more_than_that(platelets: str, borderline: bool) -> None:
    """A boy of 14, whose limit is 168: nine tenths of it are 151.2 (and not 151.20000000000002)."""
    blood = {"hemoglobin": "150 g/L", "wbc": "6 10^9/L", "neutrophils": "3 10^9/L"}
    record = {"age": "14 y", "sex": "M", **blood, "platelets": f"{platelets} 10^9/L"}
    for flags in (
        SCREENER.screen(record).flags(),
        SCREENER.screen_frame(pd.DataFrame([record])).iloc[0],
    ):
        assert (flags["platelet_line"], bool(flags["borderline"])) == ("low", borderline)
