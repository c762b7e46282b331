"""Properties that hold for every series of counts."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cbc_screen as cbc
from cbc_screen.vocabulary import Persistence

RANK = {
    word.value: place
    for place, word in enumerate(
        (
            Persistence.NOT_LOW,
            Persistence.TRANSIENT,
            Persistence.RECOVERED,
            Persistence.SINGLE,
            Persistence.NOT_YET,
            Persistence.PERSISTENT_3_MONTHS,
            Persistence.PERSISTENT_4_MONTHS,
            Persistence.PERSISTENT_6_MONTHS,
            Persistence.PERSISTENT_12_MONTHS,
        )
    )
}
LASTS = RANK["persistent_3_months"]
START = datetime.date(2020, 1, 1)
PLATELETS = st.one_of(
    st.integers(5, 400).map(str), st.sampled_from(("<10", "<50", "<200", ">100", "clumped", "", "157", "156"))
)
HEMOGLOBIN = st.one_of(st.integers(60, 180).map(str), st.sampled_from(("<80", "see note", "")))


@st.composite
def people(draw: st.DrawFn, *, timed: bool = True) -> pd.DataFrame:
    """Some persons with some counts each, in order of time."""
    rows = []
    for person in range(draw(st.integers(1, 3))):
        day = 0
        for _ in range(draw(st.integers(1, 7))):
            day += draw(st.sampled_from((0, 1, 14, 45, 89, 90, 130, 400)))
            when = (START + datetime.timedelta(days=day)).isoformat()
            at = when if timed else draw(st.sampled_from((when, when, when, None)))
            row = {"person": f"p{person}", "age": "40 y", "sex": "F", "collected_at": at}
            rows.append({**row, "platelets (10^9/L)": draw(PLATELETS), "hemoglobin (g/L)": draw(HEMOGLOBIN)})
    return pd.DataFrame(rows)


def without_rows(found: pd.DataFrame) -> pd.DataFrame:
    """Leave out the places of rows, and that rows were out of order."""
    kept = found[[name for name in found.columns if not name.endswith("_row")]].copy()
    kept["reasons"] = [
        ";".join(part for part in str(cell).split(";") if not part.endswith("OUT_OF_ORDER")) for cell in kept["reasons"]
    ]
    return kept.sort_values("person").reset_index(drop=True).astype(object)


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(without_rows(one), without_rows(other), check_dtype=False)


@given(people())
def test_a_later_normal_result_never_lengthens_persistence(frame: pd.DataFrame) -> None:
    before = cbc.follow(frame)
    last = frame.groupby("person", sort=False)["collected_at"].max()
    normal = [
        {"person": person, "age": "40 y", "sex": "F", "platelets (10^9/L)": "250", "hemoglobin (g/L)": "135",
         "collected_at": (datetime.date.fromisoformat(when) + datetime.timedelta(days=30)).isoformat()}
        for person, when in last.items()
    ]  # fmt: skip
    after = cbc.follow(pd.concat([frame, pd.DataFrame(normal)], ignore_index=True))
    for line in ("platelet", "red"):
        for was, now in zip(before[f"{line}_persistence"], after[f"{line}_persistence"], strict=True):
            assert RANK.get(now, -1) < LASTS, (was, now)
        assert after[f"{line}_days_min"].isna().all()
    assert not after["lasting_definitions"].astype(str).str.contains("months").any()


@given(people(timed=False), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(frame: pd.DataFrame, chance: object) -> None:
    places = list(range(len(frame)))
    chance.shuffle(places)  # type: ignore[attr-defined]
    mixed = frame.iloc[places]
    same(cbc.follow(frame), cbc.follow(mixed))
    rows, again = cbc.follow(frame, each_count=True), cbc.follow(mixed, each_count=True)
    for column in ("platelets_change", "hemoglobin_change"):
        assert list(again[column]) == list(rows[column].iloc[places])
        assert list(again.index) == list(mixed.index)


@given(people(timed=False))
def test_splitting_by_person_changes_nothing(frame: pd.DataFrame) -> None:
    whole = cbc.follow(frame)
    parts = [cbc.follow(own) for _, own in frame.groupby("person", sort=False)]
    same(whole, pd.concat(parts, ignore_index=True))


@given(people())
def test_units_change_nothing(frame: pd.DataFrame) -> None:
    def times(cell: str, factor: float) -> str:
        sign = cell[:1] if cell[:1] in "<>" else ""
        number = cell.removeprefix(sign)
        return f"{sign}{float(number) * factor:g}" if number.isdecimal() else cell

    other = frame.rename(columns={"platelets (10^9/L)": "platelets (/uL)", "hemoglobin (g/L)": "hemoglobin (g/dL)"})
    other["platelets (/uL)"] = [times(cell, 1000) for cell in other["platelets (/uL)"]]
    other["hemoglobin (g/dL)"] = [times(cell, 0.1) for cell in other["hemoglobin (g/dL)"]]
    accepted = ("platelets", "hemoglobin")
    same(cbc.follow(frame, accept_units=accepted), cbc.follow(other, accept_units=accepted))


SETTLED = {"cannot_tell", "not_assessed"}
VERDICTS = (
    "platelet_line", "platelet_persistence", "platelet_onset", "platelet_change", "platelet_trend", "platelet_own_range",
    "platelet_fast_fall", "platelets_under_100",
)  # fmt: skip


@given(people(), st.data())
def test_narrowing_an_interval_never_reverses_a_verdict(frame: pd.DataFrame, data: st.DataObject) -> None:
    """What was told with a bound or an unknown result stands with every number that it may have been."""

    def narrowed(cell: str) -> str:
        if cell.startswith("<"):
            return str(data.draw(st.integers(1, int(cell[1:]) - 1)))
        if cell.startswith(">"):
            return str(data.draw(st.integers(int(cell[1:]) + 1, 900)))
        return str(data.draw(st.integers(1, 900))) if cell == "clumped" else cell

    sure = frame.assign(**{"platelets (10^9/L)": [narrowed(cell) for cell in frame["platelets (10^9/L)"]]})
    accepted = ("platelets", "hemoglobin")
    before, after = cbc.follow(frame, accept_units=accepted), cbc.follow(sure, accept_units=accepted)
    for column in VERDICTS:
        for was, now in zip(before[column], after[column], strict=True):
            assert was in SETTLED or now == was, (column, was, now)
    for was, now in zip(before["lasting_definitions"], after["lasting_definitions"], strict=True):
        assert set(str(was).split(";")) - {""} <= set(str(now).split(";"))
    rows, again = (cbc.follow(own, each_count=True, accept_units=accepted) for own in (frame, sure))
    for was, now in zip(rows["platelets_change"], again["platelets_change"], strict=True):
        assert was in SETTLED or now == was, (was, now)


@given(people(), HEMOGLOBIN, PLATELETS, st.booleans(), st.sampled_from((-400, -1, 1, 13, 40, 100, 300, 1500)))
def test_a_count_without_a_time_leaves_only_what_holds_at_every_time(
    frame: pd.DataFrame, hemoglobin: str, platelets: str, bleeding: bool, day: int
) -> None:
    """What is told of the last count beside an untimed one stands with every day that this one may be of."""
    frame = frame[frame["person"] == "p0"].assign(bleeding="present" if bleeding else None)
    own = {**frame.iloc[-1], "platelets (10^9/L)": platelets, "hemoglobin (g/L)": hemoglobin, "collected_at": None}
    dated = {**own, "collected_at": (START + datetime.timedelta(days=day)).isoformat()}
    before, after = (
        cbc.follow(pd.concat([frame, pd.DataFrame([row])], ignore_index=True), accept_units=("platelets", "hemoglobin"))
        for row in (own, dated)
    )
    for column in ("last_pattern", "last_severity", "last_urgency"):
        was, now = before[column][0], after[column][0]
        assert was == "cannot_tell" or now == was, (column, was, now)
    assert set(str(before["course"][0]).split(";")) - {""} <= set(str(after["course"][0]).split(";"))


@given(people(timed=False))
def test_every_row_is_accounted_for(frame: pd.DataFrame) -> None:
    frame = frame.assign(person=[None if place % 5 == 4 else own for place, own in enumerate(frame["person"])])
    found = cbc.follow(frame)
    assert found["counts"].sum() == len(frame)
    assert (found["counts_used"] <= found["counts"]).all()
    assert len(cbc.follow(frame, each_count=True)) == len(frame)


def test_the_same_kind_of_frame_comes_back() -> None:
    frame = pd.DataFrame(
        {
            "person": ["a", "a"],
            "age": ["40 y"] * 2,
            "sex": ["F"] * 2,
            "collected_at": ["2024-01-01", "2024-06-01"],
            "platelets (10^9/L)": [90, 80],
        },
        index=[7, 3],
    )
    table, other = pa.Table.from_pandas(frame, preserve_index=False), pl.from_pandas(frame)
    words = [cbc.follow(frame), cbc.follow(table), cbc.follow(other)]
    assert [type(own).__module__.partition(".")[0] for own in words] == ["pandas", "pyarrow", "polars"]
    assert (
        words[1].to_pandas()["platelet_persistence"][0] == words[0]["platelet_persistence"][0] == "persistent_4_months"
    )
    assert words[2]["platelet_persistence"].to_list() == ["persistent_4_months"]
    rows = cbc.follow(frame, each_count=True)
    assert list(rows.index) == [7, 3]
    assert cbc.follow(other, each_count=True)["platelets_change"].to_list() == list(rows["platelets_change"])


def test_times_as_such_and_as_texts_agree() -> None:
    days = pd.date_range("2024-01-01", periods=4, freq="50D")
    frame = pd.DataFrame(
        {"person": "a", "age": "40 y", "sex": "F", "collected_at": days, "platelets (10^9/L)": [90, 80, 70, 60]}
    )
    same(cbc.follow(frame), cbc.follow(frame.assign(collected_at=days.strftime("%Y-%m-%d"))))
    zoned = frame.assign(collected_at=days.tz_localize("Europe/Berlin"))
    assert cbc.follow(zoned)["platelet_persistence"][0] == cbc.follow(frame)["platelet_persistence"][0]


def test_blocks_hold_whole_persons(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many blocks tell the same as one."""
    from cbc_screen.serial import person_frame as source

    chance = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "person": [f"p{own}" for own in chance.integers(0, 60, 400)],
            "age": "40 y",
            "sex": "F",
            "collected_at": [str(START + datetime.timedelta(days=int(day))) for day in chance.integers(0, 900, 400)],
            "platelets (10^9/L)": chance.integers(20, 300, 400),
            "hemoglobin (g/L)": chance.integers(70, 150, 400),
        }
    )
    whole, rows = cbc.follow(frame), cbc.follow(frame, each_count=True)
    monkeypatch.setattr(source, "BLOCK", 17)
    pd.testing.assert_frame_equal(cbc.follow(frame).astype(object), whole.astype(object))
    pd.testing.assert_frame_equal(cbc.follow(frame, each_count=True).astype(object), rows.astype(object))


def test_what_is_not_there_is_said_at_once() -> None:
    frame = pd.DataFrame({"age": ["40 y"], "sex": ["F"], "platelets (10^9/L)": [90]})
    with pytest.raises(cbc.UsageError, match="person="):
        cbc.follow(frame)
    with pytest.raises(cbc.UsageError, match="no such column"):
        cbc.follow(frame, person="MRN")
    with pytest.raises(cbc.UsageError, match="no such column"):
        cbc.follow(frame.assign(person="a"), laboratory="site")


def test_a_frame_without_rows_has_the_columns() -> None:
    frame = pd.DataFrame(
        {"person": ["a"], "age": ["40 y"], "sex": ["F"], "collected_at": ["2024-01-01"], "platelets (10^9/L)": [90]}
    )
    assert list(cbc.follow(frame.iloc[:0]).columns) == list(cbc.follow(frame).columns)
    assert not len(cbc.follow(frame.iloc[:0]))


def test_every_analyte_that_is_followed_at_once() -> None:
    """All that have a variation, with all that may be in the way."""
    units = {
        "hemoglobin": "g/L", "hematocrit": "L/L", "rbc": "10^12/L", "mcv": "fL", "mch": "pg", "mchc": "g/L", "wbc": "10^9/L",
        "neutrophils": "10^9/L", "lymphocytes": "10^9/L", "monocytes": "10^9/L", "eosinophils": "10^9/L",
        "platelets": "10^9/L", "mpv": "fL",
    }  # fmt: skip
    well = (130, 0.39, 4.3, 90, 30, 333, 6, 3.5, 1.8, 0.5, 0.2, 250, 9)
    rows = [
        {"person": "a", "age": "40 y", "sex": "F", "collected_at": f"2024-0{month}-01"}
        | {f"{name} ({unit})": value for (name, unit), value in zip(units.items(), well, strict=True)}
        for month in (1, 2, 3)
    ]
    rows[2] |= {"eosinophils (10^9/L)": "<0.05", "mpv (fL)": "no result"}
    found = cbc.follow(pd.DataFrame(rows), each_count=True).iloc[2]
    changes = {name: found[f"{name}_change"] for name in units}
    assert changes.pop("eosinophils") == "down"
    assert changes.pop("mpv") == "cannot_tell"
    assert set(changes.values()) == {"none"}
    assert found["reasons"] == "eosinophils:RESULT_UNKNOWN;mpv:RESULT_UNKNOWN"
