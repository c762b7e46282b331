"""Neutrophils told as segmented and band cells: laws that tie two screenings together."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import cbc_screen as cbc

SCREENER = cbc.Screener()
SHARES = st.integers(0, 60)
WHITE = st.sampled_from(("0.4", "1.9", "2.4", "3.5", "6", "11.2", "80"))
PERSON = {"age": "40 y", "sex": "F", "hemoglobin": "120 g/L", "platelets": "250 10^9/L"}
# What says on what neutrophils rest, and not what they are.
BASIS = ("white_line_basis", "guards")


def flags_of(wbc: str, **shares: int) -> dict[str, Any]:
    given = {f"{name}_percent": f"{share} %" for name, share in shares.items()}
    return SCREENER.screen({**PERSON, "wbc": f"{wbc} 10^9/L", **given}).flags()


@given(WHITE, SHARES, st.integers(0, 40))
def test_their_sum_is_what_the_percentage_of_neutrophils_with_bands_is(wbc: str, segmented: int, bands: int) -> None:
    parts = flags_of(wbc, segmented=segmented, bands=bands)
    whole = flags_of(wbc, neutrophils=segmented, bands=bands)
    assert {name: parts[name] for name in parts if name not in BASIS} == {
        name: whole[name] for name in whole if name not in BASIS
    }


@given(WHITE, SHARES, st.integers(0, 40))
def test_without_the_bands_nothing_is_sure_that_some_number_of_bands_denies(
    wbc: str, segmented: int, bands: int
) -> None:
    alone, known = flags_of(wbc, segmented=segmented), flags_of(wbc, segmented=segmented, bands=bands)
    if alone["white_line"] != "cannot_tell":
        assert known["white_line"] == alone["white_line"]
    if alone["white_grade"] is not None:
        assert known["white_grade"] == alone["white_grade"]
    assert alone["lines_low_min"] <= known["lines_low_min"] <= known["lines_low_max"] <= alone["lines_low_max"]


@given(st.lists(st.tuples(WHITE, SHARES, SHARES), min_size=1, max_size=5))
def test_a_frame_says_what_the_records_say(rows: list[tuple[str, int, int]]) -> None:
    import pandas as pd

    frame = pd.DataFrame(
        [{**PERSON, "wbc": f"{wbc} 10^9/L", "Segs %": str(seg), "Bands %": str(bands)} for wbc, seg, bands in rows]
    )
    flags = cbc.screen_frame(frame)
    own = [flags_of(wbc, segmented=seg, bands=bands) for wbc, seg, bands in rows]
    for name in ("white_line", "pattern", "urgency", "white_line_basis", "reasons"):
        assert list(flags[name].astype(str)) == [one[name] for one in own]
