"""Ages that are not exact: a span where the text says one, and a reason where the ranges tried disagree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cbc_screen as cbc
from cbc_screen.kernel import joining
from cbc_screen.kernel import screen as kernel_screen
from cbc_screen.normalize.age import parse_age
from cbc_screen.vocabulary import Reason
from strategies import answers

OLDEST = 130


@pytest.mark.parametrize(
    ("text", "unit", "months"),
    [
        ("10-12 y", None, (120, 155)), ("10-12", "y", (120, 155)), ("10 to 12 years", None, (120, 155)), ("70-79", "y", (840, 959)),
        ("6-9 mo", None, (6, 9)), ("0-1 y", None, (0, 23)), ("10\u201312 y", None, (120, 155)), ("40 - 44", "y", (480, 539)),
    ],
)  # fmt: skip
def test_an_age_from_one_to_another_is_a_span(text: str, unit: str | None, months: tuple[int, int]) -> None:
    span, reason = parse_age(text, unit, OLDEST)
    assert span is not None
    assert ((span.months_low, span.months_high), reason) == (months, Reason.AGE_APPROXIMATE)


@pytest.mark.parametrize(
    ("text", "unit", "reason"),
    [
        ("10-12", None, Reason.AGE_UNIT_MISSING), ("12-10 y", None, Reason.AGE_UNREADABLE), ("10-12 moons", None, Reason.AGE_UNREADABLE),
        ("10-12-14 y", None, Reason.AGE_UNREADABLE), ("2010-12", "y", Reason.AGE_UNREADABLE), ("140-150 y", None, Reason.AGE_IMPLAUSIBLE),
        ("12-Oct", "y", Reason.AGE_UNREADABLE), ("-10 y", None, Reason.AGE_NEGATIVE),
        ("<0 d", None, Reason.AGE_NEGATIVE), ("<0 y", None, Reason.AGE_NEGATIVE),  # nobody is younger than nothing
    ],
)  # fmt: skip
def test_what_is_no_span_has_its_reason(text: str, unit: str | None, reason: Reason) -> None:
    assert parse_age(text, unit, OLDEST) == (None, reason)


@pytest.mark.parametrize(
    ("text", "days", "months"),
    [
        ("31y 1m", None, (373, 373)), ("21y 1w", None, (252, 252)), ("1m 5d", (33, 36), (1, 1)), ("1m 2w 3d", (45, 48), (1, 1)),
        ("1m 2w", (42, 51), (1, 1)),  # 28 to 31 days, and two to three weeks
        ("1y 2m 3w 4d", None, (14, 14)), ("0 years 3 months", (89, 122), (3, 3)), ("3 months 23 days", (112, 115), (3, 3)),
        ("32 Y 4 M 2 D", None, (388, 388)), ("3 w 2 d", (23, 23), (0, 0)), ("2 years, 3 months and 4 days", None, (27, 27)),
        # in other words, and in other languages
        ("31 Year(s)", None, (372, 383)), ("45 years old", None, (540, 551)), ("70岁", None, (840, 851)), ("8个月", None, (8, 8)),
        ("70 Jahre", None, (840, 851)), ("5 jours", (5, 5), (0, 0)), ("70 лет", None, (840, 851)), ("8 мес.", None, (8, 8)),
        ("3 años", None, (36, 47)), ("3 ay", None, (3, 3)), ("3 nap", (3, 3), (0, 0)),
    ],
)  # fmt: skip
def test_an_age_in_parts_or_in_words(text: str, days: tuple[int, int] | None, months: tuple[int, int]) -> None:
    span, reason = parse_age(text, None, OLDEST)
    assert span is not None
    assert reason is None
    assert (span.months_low, span.months_high) == months
    if days is not None:
        assert (span.days_low, span.days_high) == days


@pytest.mark.parametrize("text", ["5m", "18M", "12 minutes", "1d 1y", "1y 1y", "5 moons", "1y 2", "45 y/d", "y 45"])
def test_an_age_that_may_mean_several_things(text: str) -> None:
    assert parse_age(text, "y", OLDEST) == (None, Reason.AGE_UNREADABLE)


def doors(age: str, **results: Any) -> list[dict[str, Any]]:
    """Return the flags of one count as a record and as a row of a frame."""
    record = {"age": age, "sex": "F", **results}
    frame = pd.DataFrame({"age": [age], "sex": ["F"], **{name: [value] for name, value in results.items()}})
    return [cbc.screen(record).flags(), dict(cbc.screen_frame(frame).iloc[0])]


@pytest.mark.parametrize(
    ("age", "hemoglobin"),
    [
        ("0 y", "120 g/L"),
        ("0.076 y", "140 g/L"),
        ("0-1 y", "120 g/L"),
        ("1 mo", "110 g/L"),
        ("0.5 y", "105 g/L"),
        ("0 mo", "150 g/L"),
    ],
)
def test_an_age_within_which_the_ranges_disagree_says_so(age: str, hemoglobin: str) -> None:
    for flags in doors(age, hemoglobin=hemoglobin, wbc="9 10^9/L", neutrophils="4 10^9/L", platelets="300 10^9/L"):
        unknown = [name for name, word in flags.items() if str(word) == "cannot_tell"]
        assert ("age:AGE_APPROXIMATE" in str(flags["reasons"]).split(";")) is bool(unknown), unknown


def test_an_age_of_years_is_no_reason_where_every_range_agrees() -> None:
    for flags in doors("54 y", hemoglobin="140 g/L", wbc="6 10^9/L", neutrophils="4 10^9/L", platelets="250 10^9/L"):
        assert (flags["pattern"], flags["reasons"]) == ("none", "")


def test_the_reason_of_a_scan_is_that_of_a_record(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(
        "age,sex,HGB (g/L),WBC (10^9/L),PLT (10^9/L)\n0 y,F,120,9,300\n54 y,F,140,6,250\n", encoding="utf-8"
    )
    for packed in (False, True):
        summary = cbc.scan(
            tmp_path / "export.csv", tmp_path / "flags.parquet", packed=packed, received=True, force=True
        )
        assert summary.reasons.get("age:AGE_APPROXIMATE") == 1
        assert ("age", cbc.Reason.AGE_APPROXIMATE) in cbc.screen_again(tmp_path / "flags.parquet", 2).reasons


AGES = st.one_of(
    st.builds("{} {}".format, st.integers(0, 120), st.sampled_from(["y", "mo", "wk", "d", "h"])),
    st.builds("{:.3f} y".format, st.floats(0, 20)),
    st.builds("{}-{} y".format, st.integers(0, 15), st.integers(0, 90)),
    st.sampled_from(["", "> 89 y", "< 1 y", "ten", "-3 y", "54", "2 y 3 mo", "0 y", "0.076 y"]),
)
RESULTS = st.fixed_dictionaries(
    {},
    optional={
        "hemoglobin": st.builds("{} g/L".format, st.integers(40, 220)), "wbc": st.builds("{:.1f} 10^9/L".format, st.floats(0.1, 30)),
        "neutrophils": st.builds("{:.1f} 10^9/L".format, st.floats(0, 20)) | st.sampled_from(["<0.5 10^9/L", "CLOTTED", "3", ""]),
        "platelets": st.builds("{} 10^9/L".format, st.integers(1, 900)) | st.sampled_from(["10-20 10^9/L", "CLUMPED", ">100 10^9/L"]),
    },
)  # fmt: skip


@given(
    AGES, st.sampled_from(["F", "M", "", "x", "1"]), st.sampled_from(["", "none", "T2", "yes", "unknown", "?"]), RESULTS
)
def test_whatever_a_line_pattern_or_severity_cannot_tell_has_a_reason(
    age: str, sex: str, pregnancy: str, results: dict[str, str]
) -> None:
    flags = cbc.screen({"age": age, "sex": sex, "pregnancy": pregnancy, **results}).flags()
    told = ("pattern", "severity", "red_line", "white_line", "platelet_line")
    if any(flags[name] == "cannot_tell" for name in told):
        assert flags["reasons"]


def test_many_rows_of_which_nothing_is_known_are_answered_as_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without age and sex a row may be anybody's: rows of the same persons that are possible are worked out together."""
    monkeypatch.setattr(kernel_screen, "_ALIKE", 8)
    monkeypatch.setattr(kernel_screen, "_EXPANDED_AT_ONCE", 20)
    monkeypatch.setattr(joining, "_AT_ONCE", 64)
    counts = [
        {"hemoglobin": f"{80 + 5 * n} g/L", "platelets": f"{9 * n} 10^9/L", "mcv": f"{70 + n} fL"} for n in range(30)
    ]
    rows = [{"sex": sex, **count} for count in counts for sex in ("", "F")]
    screener = cbc.Screener()
    alone = [screener.screen(row, compact=True).flags() for row in rows]
    assert answers(screener.screen_frame(pd.DataFrame(rows))) == alone
    assert {row["red_line"] for row in alone} == {"low", "not_low", "cannot_tell"}
