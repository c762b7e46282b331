"""The scripts that measure the order of the checklist count what they say they count."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


def flags(checklist: str, **more: Any) -> dict[str, Any]:
    return {"checklist": checklist, "urgency": "prompt", "severity": "moderate", **more}


def test_a_list_without_a_fold_is_shown_whole(script: Any) -> None:
    answer = script("answers").answer_of(flags("itp;hiv;mds"))
    assert answer.before_fold == ("itp", "hiv", "mds")
    assert answer.place({"mds", "hiv"}) == 2
    assert answer.place({"ttp"}) is None


def test_a_fold_and_groups_are_read_from_the_columns(script: Any) -> None:
    answer = script("answers").answer_of(
        flags("itp;ttp;mds", checklist_shown=2, checklist_groups="fits;not_to_miss;also_possible")
    )
    assert answer.before_fold == ("itp", "ttp")
    assert answer.groups == {"itp": "fits", "ttp": "not_to_miss", "mds": "also_possible"}


@pytest.mark.parametrize(
    ("expect", "wrong"),
    [
        ({"condition": "itp", "place_at_most": 1}, 0),
        ({"condition": "ttp", "place_at_most": 1}, 1),
        ({"condition": ["ttp", "itp"], "place_at_most": 1}, 0),
        ({"condition": "hellp", "place_at_most": 40}, 1),
        ({"condition": "mds", "shown": True}, 1),
        ({"shown": ["itp", "ttp"]}, 0),
        ({"shown": ["itp", "mds"]}, 1),
        ({"not_listed": ["hellp"]}, 0),
        ({"not_listed": ["mds"]}, 1),
        ({"not_in_fits": ["ttp"]}, 0),
        ({"not_in_fits": ["itp"]}, 1),
        ({"checklist": "empty"}, 1),
    ],
)
def test_a_presentation_names_each_wrong_place(script: Any, expect: dict[str, Any], wrong: int) -> None:
    answer = script("answers").answer_of(
        flags("itp;ttp;mds", checklist_shown=2, checklist_groups="fits;not_to_miss;also_possible")
    )
    assert len(list(script("presentations").wrong_places(expect, answer))) == wrong


@pytest.mark.parametrize(
    ("expect", "wrong"),
    [
        ({"urgency": "prompt"}, 0),
        ({"urgency": "immediate"}, 1),
        ({"severity": "moderate or worse"}, 0),
        ({"severity": "severe or worse"}, 1),
        ({"borderline": True, "urgency": "routine"}, 2),
    ],
)
def test_a_presentation_names_each_wrong_word(script: Any, expect: dict[str, Any], wrong: int) -> None:
    answer = script("answers").answer_of(flags("itp"))
    assert len(list(script("presentations").wrong_words(expect, answer))) == wrong


def test_a_published_case_is_fed_with_every_value_that_has_a_unit(script: Any) -> None:
    case = {
        "id": "made-up", "age": 40, "age_unit": "y", "sex": "F", "pregnant": True, "units": {"wbc": "/uL"},
        "si": {"hb_g_L": 70, "alc_10e9_L": 0.4}, "other": {"mono": 300, "inr": 1.1, "ldh_U_L": 900, "neut": 29},
    }  # fmt: skip
    assert script("checklist").record_of(case) == {
        "age": "40 y", "sex": "F", "pregnancy": "pregnant", "hemoglobin": "70 g/L", "lymphocytes": "0.4 10^9/L",
        "monocytes": "300 /uL", "film": {},
        "context": {"coagulation_abnormal": "absent", "ldh_raised": "present", "ldh_above_1_5_uln": "present"},
    }  # fmt: skip


def test_every_value_of_the_published_cases_has_a_place(script: Any, shared: Path) -> None:
    checklist: ModuleType = script("checklist")
    lines = (shared / "data" / "published_cases" / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [checklist.json.loads(line) for line in lines]
    assert len([checklist.record_of(case) for case in cases]) == 38
    assert {case["dx_group"] for case in cases} - {checklist.CONTROL} == set(checklist.CONDITIONS)


def test_the_admissions_have_an_age_by_two_digits_of_a_year_or_a_hidden_one(script: Any) -> None:
    admissions = script("admissions")
    assert admissions.two_digits("3/5/94 0:00") == 94
    assert admissions.two_digits("1844-07-18 00:00:00") is None
