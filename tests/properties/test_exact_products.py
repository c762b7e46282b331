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
