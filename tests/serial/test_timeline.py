"""The timeline: its data, and what is drawn of it."""

from __future__ import annotations

import datetime

import matplotlib as mpl
import pandas as pd
import pytest

import cbc_screen as cbc
from cbc_screen.vocabulary import NOTICE

mpl.use("Agg")

COUNTS = pd.DataFrame(
    {
        "person": ["a"] * 6 + ["b"] * 2 + ["c"],
        "age": "54 y",
        "sex": ["F"] * 6 + ["F", "M"] + ["F"],
        "collected_at": ["2023-01-05", "2023-03-01", "2023-05-01", "2023-07-01", "2023-09-01", None, "2023-01-01", "2023-02-01", None],
        "platelets (10^9/L)": ["240", "250", "clumped", "150", "<35", "90", "200", "200", "200"],
        "laboratory": ["A", "A", "A", "B", "B", "B", "A", "A", "A"],
        "transfused": [None, None, None, "yes", None, None, None, None, None],
    }
)  # fmt: skip


def test_what_is_drawn_is_data() -> None:
    found = cbc.timeline(COUNTS, "a", "platelets")
    assert [(point.low, point.high and round(point.high, 6)) for point in found.points] == [
        (240.0, 240.0), (250.0, 250.0), (None, None), (150.0, 150.0), (None, 35.0),
    ]  # fmt: skip
    assert found.points[0].at == datetime.datetime(2023, 1, 5)
    assert {(point.lower_limit, point.upper_limit) for point in found.points} == {(157.0, 377.0)}
    assert [(event.at, event.text) for event in found.events] == [
        (datetime.datetime(2023, 7, 1), "laboratory changed"),
        (datetime.datetime(2023, 7, 1), "transfusion"),
    ]
    assert [(str(band.severity), band.lower, band.upper) for band in found.bands] == [
        ("mild", 100.0, 150.0), ("moderate", 50.0, 100.0), ("severe", 20.0, 50.0), ("very_severe", None, 20.0),
    ]  # fmt: skip
    assert (found.unit, found.undated, found.notice) == ("10^9/L", 1, NOTICE)
    assert found.verdict == "platelet line: low; persistence: cannot tell; trend: not assessed"


def test_the_own_range_is_that_of_follow() -> None:
    frame = COUNTS.iloc[:2]
    found, told = cbc.timeline(frame, "a", "platelets"), cbc.follow(frame).iloc[0]
    assert found.own == pytest.approx((told["platelet_own_low"], told["platelet_own_high"]), abs=1e-4)


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_the_figure(style: str) -> None:
    import matplotlib.pyplot as plt

    with plt.style.context(style):
        axes = cbc.timeline(COUNTS, "a", "platelets").plot()
        assert NOTICE in axes.get_title(loc="left")
        texts = [text.get_text().strip() for text in axes.texts]
        assert "laboratory changed, transfusion" in texts
        assert {"mild", "moderate", "severe", "very severe", "reference range", "?"} <= set(texts)
        assert axes.get_ylabel() == "Platelets, ×10⁹/L"
        lines = [line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_linestyle() == "-"]
        assert [list(line.get_ydata()) for line in lines] == [[240.0, 250.0]]  # none leads over what is not known
        ink = {line.get_color() for line in lines}
        assert ink == ({"#1c2733"} if style == "default" else {"#f1f4f7"})
        plt.close(axes.figure)


def test_units_of_the_reader() -> None:
    import matplotlib.pyplot as plt

    frame = COUNTS.iloc[:2].assign(**{"hemoglobin (g/L)": [130, 128]})
    axes = cbc.timeline(frame, "a", "hemoglobin").plot(text_units="us")
    assert axes.get_ylabel() == "Hemoglobin, g/dL"
    assert 12.8 in [float(line.get_ydata()[0]) for line in axes.lines if len(line.get_ydata()) == 1]
    plt.close(axes.figure)


def test_what_cannot_be_drawn_is_said_without_the_key() -> None:
    for key, analyte, why in (
        ("SECRET-1", "platelets", "no row is of this person"),
        ("a", "ferritin", "a timeline is of one of platelets"),
        ("b", "platelets", "differ in sex, birth date or age"),
    ):
        with pytest.raises(cbc.UsageError, match=why) as caught:
            cbc.timeline(COUNTS, key, analyte)
        assert key not in str(caught.value).split() or len(key) == 1
    with pytest.raises(cbc.UsageError, match="no result with a time"):
        cbc.timeline(COUNTS, "c", "platelets").plot()
