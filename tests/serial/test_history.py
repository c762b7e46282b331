"""What is said of earlier counts, in each form, and that nothing is said or changed without them."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cbc_screen as cbc
from cbc_screen.engines.opening import opening_of
from cbc_screen.errors import RecordError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.predicates import of_history
from cbc_screen.serial.context import ScreenedBlock
from cbc_screen.serial.follow import FollowRequest, _block, _blocks, _understood
from cbc_screen.serial.histories import Histories
from cbc_screen.serial.last_counts import courses_of
from cbc_screen.serial.lines import line_courses
from cbc_screen.source import Source

WOMAN = {"age": "61 y", "sex": "F", "context": {"bleeding": "present"}}
BEFORE = {**WOMAN, "collected_at": "2024-05-01T08:00:00", "hemoglobin": "12.4 g/dL", "platelets": ">200 10^9/L"}
NOW = {**WOMAN, "collected_at": "2024-05-03T09:30:00", "hemoglobin": "104 g/L", "platelets": "180 10^9/L"}
NO, YES, OPEN, SILENT = range(4)


def test_without_earlier_counts_there_is_no_history_and_no_rule_asks_for_one() -> None:
    result = cbc.Screener().screen(NOW)
    assert result.history is None
    assert result.to_dict()["history"] is None
    assert "EARLIER COUNTS" not in result.explain()
    assert "Earlier counts" not in result._repr_html_()
    rules = cbc.Screener().kernel.rules
    every = [rule for own in rules.conditions for rule in (*own.findings, *own.urgency)] + list(rules.urgency)
    assert every
    assert not any(of_history(rule.when) for rule in every)


def test_an_empty_history_is_none() -> None:
    assert cbc.Screener().screen(NOW, history=[]).to_dict() == cbc.Screener().screen(NOW).to_dict()


def test_every_form_says_what_was_used() -> None:
    result = cbc.Screener(text_units="us").screen(NOW, history=[BEFORE])
    assert result.history is not None
    assert result.history.used
    assert [count.hemoglobin for count in result.history.counts] == [(124.0, 124.0), (104.0, 104.0)]
    assert [count.platelets for count in result.history.counts] == [(200.0, None), (180.0, 180.0)]
    text, page, data = result.explain(), result._repr_html_(), result.to_dict()["history"]
    for said in ("hemoglobin fell by 20 g/L or more within 90 days", "1 earlier count takes part", "12.4", "from 200"):
        assert said in " ".join(text.split()), said
        assert said in page, said
    assert "bleeding, and hemoglobin fell by 20 g/L or more within 90 days" in " ".join(text.split())
    assert page.count("<circle") >= 3
    assert data["counts"][0]["day"] == "2024-05-01"
    assert {own["id"]: own["answer"] for own in data["courses"]}["hemoglobin_fell_20"] == "yes"
    assert cbc.ScreeningResult.model_validate_json(result.model_dump_json()) == result


def test_a_later_count_takes_no_part_and_says_so() -> None:
    later = {**BEFORE, "collected_at": "2024-05-09"}
    result = cbc.Screener().screen(NOW, history=[later])
    assert result.history is not None
    assert not result.history.used
    assert result.history.reasons[0] == "count:LATER_COUNT"
    assert [count.why for count in result.history.counts] == ["", "LATER_COUNT"]
    assert result.flags() == cbc.Screener().screen(NOW).flags()
    assert "collected after the one that is screened" in result.history.summary


def test_a_count_without_a_time_has_no_before() -> None:
    undated = {name: own for name, own in NOW.items() if name != "collected_at"}
    result = cbc.Screener().screen(undated, history=[BEFORE])
    assert result.history is not None
    assert not result.history.used
    assert result.flags() == cbc.Screener().screen(undated).flags()


def test_another_birth_date_is_another_person() -> None:
    now, before = {**NOW, "birth_date": "1963-02-01"}, {**BEFORE, "birth_date": "1971-07-07"}
    result = cbc.Screener().screen(now, history=[before])
    assert result.history is not None
    assert "person:PERSON_CONFLICT" in result.history.reasons
    assert result.flags() == cbc.Screener().screen(now).flags()


def test_no_blood_takes_no_part() -> None:
    result = cbc.Screener().screen(NOW, history=[{**BEFORE, "specimen": "quality control"}])
    assert result.history is not None
    assert [count.why for count in result.history.counts] == ["NOT_BLOOD", ""]
    assert result.flags() == cbc.Screener().screen(NOW).flags()


def test_records_under_the_names_of_columns() -> None:
    named = {"Age": "61 y", "Sex": "F", "collected_at": "2024-05-03", "HGB (g/dL)": 10.4, "bleeding": "yes"}
    earlier = {**named, "collected_at": "2024-05-01", "HGB (g/dL)": 12.4}
    assert cbc.Screener().screen(named).urgency == "prompt"
    assert cbc.Screener().screen(named, history=[earlier, BEFORE]).urgency == "immediate"
    with pytest.raises(RecordError):
        cbc.Screener().screen(NOW, history=["no record"])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("now", "other", "later"),
    [
        ("2024-05-03T15:00:00Z", "2024-05-03T20:00:00", False),  # 20:00 of a place 14 hours ahead is 06:00 UTC
        (
            "2024-05-03T15:00:00",
            "2024-05-03T20:00:00Z",
            False,
        ),  # 15:00 of a place 12 hours behind is 03:00 UTC of the 4th
        ("2024-05-03T15:00:00Z", "2024-05-04T05:00:00", False),  # 15:00 UTC at the earliest
        ("2024-05-03T15:00:00Z", "2024-05-04T05:00:01", True),
        ("2024-05-03T15:00:00", "2024-05-04T03:00:00Z", False),
        ("2024-05-03T15:00:00", "2024-05-04T03:00:01Z", True),
        ("2024-05-03T15:00:00", "2024-05-03T15:00:01", True),  # clocks of one wall
        ("2024-05-03T15:00:00Z", "2024-05-03T17:00:00+02:00", False),
        ("2024-05-03T15:00:00Z", "2024-05-03T17:00:01+02:00", True),
        ("2024-05-03", "2024-05-03", False),
        ("2024-05-03", "2024-05-04", True),
    ],
)
def test_a_count_is_later_where_it_surely_is(now: str, other: str, later: bool) -> None:
    result = cbc.Screener().screen({**NOW, "collected_at": now}, history=[{**BEFORE, "collected_at": other}])
    assert result.history is not None
    assert ("count:LATER_COUNT" in result.history.reasons) is later
    assert not result.history.used
    assert result.flags() == cbc.Screener().screen({**NOW, "collected_at": now}).flags()


def test_a_count_of_a_second_before_is_an_earlier_one() -> None:
    record = {**NOW, "collected_at": "2024-05-03T15:00:00Z"}
    result = cbc.Screener().screen(record, history=[{**BEFORE, "collected_at": "2024-05-03T16:59:59+02:00"}])
    assert result.history is not None
    assert result.history.used
    assert not {"count:LATER_COUNT", "time:ZONES_MIXED"} & set(result.history.reasons)


def test_a_clock_of_another_wall_takes_no_earlier_count_away() -> None:
    """A later count with a zone widens nothing among the others: 16:00 without a zone stays later than 15:00."""
    times = ("2024-05-01T10:00:00", "2024-05-03T16:00:00", "2024-05-09T10:00:00Z")
    history = [{**BEFORE, "collected_at": time} for time in times]
    result = cbc.Screener().screen({**NOW, "collected_at": "2024-05-03T15:00:00"}, history=history)
    assert result.history is not None
    assert [count.why for count in result.history.counts] == ["", "", "LATER_COUNT", "LATER_COUNT"]
    assert result.urgency == "immediate"


@pytest.mark.parametrize(
    ("now", "before", "conflict"),
    [
        ({"age": "71 y"}, {"age": "3 y"}, True),
        ({"birth_date": "1950-01-01"}, {"age": "3 y"}, True),
        ({"age": "3 y"}, {"birth_date": "1950-01-01"}, True),
        ({"age": "4 d"}, {"age": "2 mo"}, True),
        ({"age": "61 y"}, {"age": "60 y"}, False),
        ({"birth_date": "1963-02-01"}, {"age": "61 y"}, False),
        ({"age": "61 y"}, {}, False),
        ({"age": "61 y"}, {"age": ">=60 y"}, False),
        ({"age": "70 y"}, {"age": ">89 y"}, True),
        ({"age": "95 y"}, {"age": ">89 y"}, False),
        ({"age": "56 y"}, {"age": "60-69 y"}, True),
        ({"age": "58 y"}, {"age": "60-69 y"}, False),  # each may be off by a year
        ({"age": "5 wk"}, {"age": "34 d"}, False),
    ],
)
def test_ages_that_no_birth_explains_are_of_two_persons(
    now: dict[str, str], before: dict[str, str], conflict: bool
) -> None:
    one, other = ({key: own for key, own in record.items() if key != "age"} for record in (NOW, BEFORE))
    result = cbc.Screener().screen({**one, **now}, history=[{**other, **before}])
    assert result.history is not None
    assert ("person:PERSON_CONFLICT" in result.history.reasons) is conflict
    assert result.history.used is not conflict
    assert ("birth date or age" in result.history.summary) is conflict


@pytest.mark.parametrize(
    ("age", "days", "conflict"),
    [
        ("3 d", ("2024-01-01", "2025-02-01"), True),  # nobody is three days old for a year
        ("3 d", ("2024-01-01", "2024-01-02"), False),  # off by a day
        ("7 mo", ("2024-01-01", "2024-06-01"), True),
        ("7 mo", ("2024-01-01", "2024-01-20"), False),
        ("11 mo", ("2024-01-01", "2025-01-01"), True),
        ("2 y", ("2024-01-01", "2026-11-01"), False),  # the age of one day, beside every count
        ("54 y", ("2024-01-01", "2029-01-01"), False),
    ],
)
def test_an_infant_is_another_one_a_few_weeks_later(age: str, days: tuple[str, str], conflict: bool) -> None:
    """An age that all counts state alike may be of any of their days, but for an infant, whose ranges change."""
    rows = [
        {"person": "p", "age": age, "sex": "F", "collected_at": day, "hemoglobin": "90", "hemoglobin_unit": "g/L"}
        for day in days
    ]
    found = cbc.follow(pd.DataFrame(rows))
    assert ("person:PERSON_CONFLICT" in found["reasons"][0]) is conflict
    before, now = ({key: own for key, own in row.items() if key not in ("person", "hemoglobin_unit")} for row in rows)
    result = cbc.Screener(units={"hemoglobin": "g/L"}).screen(now, history=[before])
    assert result.history is not None
    assert result.history.used is not conflict


@pytest.mark.parametrize(
    ("history", "said"),
    [
        ([{"Jane Doe": "SECRET"}], "history[0]: CBCRecord: one key is not a field of it"),
        ([BEFORE, {**BEFORE, "age": ["SECRET"]}], "history[1]: CBCRecord: age has the wrong type"),
        ([BEFORE, BEFORE, {**BEFORE, "context": {"SECRET": "present"}}], "history[2]: CBCRecord: context: one key"),
        ([BEFORE, None], "history[1]: screen takes a CBCRecord or a mapping of its fields"),
        (["SECRET"], "history[0]: screen takes"),
        ("SECRET", "history takes a sequence of records; give one earlier count as [record]"),
        (BEFORE, "history takes a sequence of records"),
        (5, "history takes a sequence of records"),
    ],
)
def test_an_error_says_which_earlier_count_and_no_value(history: Any, said: str) -> None:
    with pytest.raises(RecordError) as caught:
        cbc.Screener().screen(NOW, history=history)
    assert str(caught.value).startswith(said)
    assert "SECRET" not in str(caught.value)
    assert "Jane" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_an_error_of_the_record_itself_names_no_earlier_count() -> None:
    with pytest.raises(RecordError) as caught:
        cbc.Screener().screen({"hemoglobinx": "9 g/dL"}, history=[BEFORE])
    assert str(caught.value).startswith("CBCRecord: one key is not a field of it")


def test_the_order_of_earlier_counts_says_nothing() -> None:
    days = ("2024-01-02", "2024-02-20", "2024-04-01", "2024-04-30")
    history = [
        {**BEFORE, "collected_at": day, "hemoglobin": f"{140 - 5 * place} g/L"} for place, day in enumerate(days)
    ]
    one = cbc.Screener().screen(NOW, history=history)
    other = cbc.Screener().screen(NOW, history=history[::-1])
    assert one.flags() == other.flags()
    assert one.history is not None
    assert other.history is not None
    assert one.history.courses == other.history.courses


def test_a_screener_of_other_settings_has_its_own() -> None:
    screener = cbc.Screener(definition="mds", grading="ctcae_v5")
    result = screener.screen(NOW, history=[BEFORE])
    assert cbc.screen(NOW, history=[BEFORE], definition="mds", grading="ctcae_v5") == result
    assert result.versions.definition == "mds"
    assert result.urgency == "immediate"


# Laws -----------------------------------------------------------------------------------------


def persons(rng: random.Random, many: int) -> list[dict[str, Any]]:
    """Return the counts of many persons, of whom lines fall, recover, cycle and stay."""
    rows = []
    for person in range(many):
        day, level = (
            rng.randrange(60),
            [rng.choice((90, 115, 140)), rng.choice((0.3, 1.2, 3.0)), rng.choice((60, 120, 260))],
        )
        for _ in range(rng.randrange(1, 7)):
            rows.append(
                {
                    "person": person,
                    "age": "50 y",
                    "sex": "F" if person % 2 else "M",
                    "collected_at": str(np.datetime64("2024-01-01") + day),
                    "HGB (g/L)": f"{level[0]:.0f}",
                    "NEUT (10^9/L)": f"{level[1]:.1f}",
                    "PLT (10^9/L)": f"{level[2]:.0f}",
                }
            )
            day += rng.choice((0, 2, 7, 14, 21, 40, 100, 200))
            level = [value * rng.choice((0.4, 0.75, 0.95, 1.0, 1.05, 1.6)) for value in level]
    return rows


def answers(rows: list[dict[str, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    """Return the answer of each course of each person."""
    screener = cbc.Screener()
    frame = pd.DataFrame(rows)
    opening = opening_of(Source(), screener.engine.knowledge)
    source, context = _understood(
        screener.engine, screener.follow_kernels, screener.definition, frame, opening, FollowRequest()
    )
    found: dict[str, list[Any]] = {}
    for block, whose in _blocks(source):
        followed = _block(source, context, block, whose)
        screened = ScreenedBlock(context, followed.counts)
        told = courses_of(Histories(followed, screened, line_courses(followed, screened)), load_knowledge())
        for name, own in told.items():
            found.setdefault(name, []).append(own)
    return {name: np.concatenate(own) for name, own in found.items()}


@pytest.mark.parametrize("seed", range(6))
def test_a_result_that_is_not_known_turns_no_answer_into_its_opposite(seed: int) -> None:
    """Unknown is never normal: what is told with less known is told, or left open, with more known as well."""
    rng = random.Random(seed)
    rows = persons(rng, 300)
    fewer = [dict(row) for row in rows]
    for row in fewer:
        for name in ("HGB (g/L)", "NEUT (10^9/L)", "PLT (10^9/L)"):
            if rng.random() < 0.15:
                value = float(row[name])
                row[name] = rng.choice(("unusable", f"<{value * 1.3 + 0.1:.2f}", f">{value * 0.8:.2f}", "clotted"))
    known, less = answers(rows), answers(fewer)
    assert sum(int((own == YES).sum()) for own in known.values()) > 300
    for name, own in less.items():
        assert not ((own == YES) & np.isin(known[name], (NO,))).any(), name
        assert not ((own == NO) & (known[name] == YES)).any(), name


def test_the_order_of_rows_and_a_row_twice_change_nothing() -> None:
    rng = random.Random(11)
    rows = persons(rng, 200)
    shuffled = sorted(rows, key=lambda row: (row["person"], rng.random()))
    twice = [own for row in rows for own in (row, row)]
    one = answers(rows)
    for other in (answers(shuffled), answers(twice)):
        assert {name: own.tolist() for name, own in other.items()} == {name: own.tolist() for name, own in one.items()}


@pytest.mark.parametrize(
    ("hemoglobin", "neutrophils", "platelets", "against"),
    [
        ("80", "0.5", "50", True),
        ("79", "0.5", "50", False),
        ("80", "0.4", "50", False),
        ("80", "0.5", "49", False),
        ("80", "0.5", ">20", False),  # may be 49
        ("80", "0.5", ">60", True),
        ("80", "<0.6", "50", False),
        ("80", "0.5", "clumped", False),
    ],
)
def test_a_rise_speaks_against_acute_leukemia_where_no_line_is_severely_low(
    hemoglobin: str, neutrophils: str, platelets: str, against: bool
) -> None:
    person = {"age": "64 y", "sex": "M"}
    nadir = {"hemoglobin": "60 g/L", "neutrophils": "0.1 10^9/L", "platelets": "8 10^9/L", "wbc": "3 10^9/L"}
    now = {
        "hemoglobin": f"{hemoglobin} g/L",
        "neutrophils": f"{neutrophils} 10^9/L",
        "platelets": f"{platelets} 10^9/L",
        "wbc": "3 10^9/L",
    }
    result = cbc.Screener().screen(
        {**person, **now, "collected_at": "2024-06-01"}, history=[{**person, **nadir, "collected_at": "2024-05-20"}]
    )
    assert result.history is not None
    assert "recovering" in {own.id for own in result.history.courses if own.answer == "yes"}
    (leukemia,) = (own for own in result.checklist if own.id == "acute_leukemia")
    assert ("rises_again" in {own.id for own in leukemia.findings_against}) is against
