"""Published scores: the points of the count, as an interval where something is not known, and never 0 for it."""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.errors import KnowledgeError, UsageError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.parse import parse_yaml
from cbc_screen.knowledge.scores import load_scores

# By hand from the three limits: hemoglobin 92 g/L or less, white cells 5.0 or less, platelets 110 or less; two lines 24, three 34.
COUNTS: list[tuple[dict[str, str], tuple[int, int], tuple[int, int]]] = [
    ({"hemoglobin": "92 g/L", "wbc": "5.0 10^9/L", "platelets": "110 10^9/L", "neutrophils": "2.0 10^9/L"}, (34, 34), (0, 0)),
    ({"hemoglobin": "92.1 g/L", "wbc": "5.0 10^9/L", "platelets": "110 10^9/L", "neutrophils": "2.0 10^9/L"}, (24, 24), (0, 0)),
    ({"hemoglobin": "8.9 g/dL", "wbc": "4.0 10^9/L", "platelets": "99 10^9/L", "neutrophils": "0.9 10^9/L"}, (34, 34), (1, 1)),
    ({"hemoglobin": "89 g/L", "wbc": "4.0 10^9/L", "neutrophils": "2.0 10^9/L"}, (24, 34), (0, 1)),
    ({"hemoglobin": "89 g/L", "wbc": "4.0 10^9/L", "neutrophils": "2.0 10^9/L", "platelets": "CLUMPED"}, (24, 34), (0, 1)),
    ({"hemoglobin": "89 g/L", "platelets": "99 10^9/L"}, (24, 34), (1, 1)),
    ({"hemoglobin": "150 g/L", "wbc": "8.0 10^9/L", "platelets": "<10 10^9/L", "neutrophils": "4.0 10^9/L"}, (0, 0), (0, 0)),
    ({"hemoglobin": "150 g/L", "wbc": "<6.0 10^9/L", "platelets": "<120 10^9/L", "neutrophils": "4.0 10^9/L"}, (0, 24), (0, 0)),
    ({"hemoglobin": "60"}, (0, 34), (0, 1)),
    ({}, (0, 34), (0, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("count", "hscore", "hlh"), COUNTS, ids=str)
def test_the_points_of_the_count(count: dict[str, str], hscore: tuple[int, int], hlh: tuple[int, int]) -> None:
    own = cbc.score("hscore", count).items[0]
    assert (own.low, own.high) == hscore
    criterion = cbc.score("hlh_2004", count)
    assert (criterion.low, criterion.high) == hlh
    words = {(0, 0): "not_met", (1, 1): "met", (0, 1): "cannot_tell"}
    assert criterion.cutoffs[0].reached.value == words[hlh]


def test_the_cases_of_the_field(shared: Path) -> None:
    with (shared / "knowledge" / "more" / "score_interval_cases.csv").open(encoding="utf-8") as file:
        cases = list(csv.DictReader(file))
    assert len(cases) == 8
    units = {"hemoglobin_g_L": ("hemoglobin", "g/L")} | {
        name: (name, "10^9/L") for name in ("wbc", "platelets", "neutrophils")
    }
    for case in cases:
        count = {own: f"{case[column]} {unit}" for column, (own, unit) in units.items() if case[column] != "missing"}
        points = cbc.score("hscore", count).items[0]
        wanted = (int(case["hscore_cytopenia_points_min"]), int(case["hscore_cytopenia_points_max"]))
        assert (points.low, points.high) == wanted, case["case"]
        told = cbc.score("hlh_2004", count).cutoffs[0].reached.value
        assert told == case["hlh2004_cytopenia"].replace(" ", "_"), case["case"]


ALL = {
    "temperature": 39.4, "organomegaly": "both", "ferritin": 6000, "triglycerides": 4, "fibrinogen": 2.5, "ast": 30,
    "hemophagocytosis": "yes", "immunosuppression": True,
}  # fmt: skip


def test_every_item_known() -> None:
    """By hand: 34 + 33 + 38 + 35 + 44 + 30 + 19 + 35 + 18."""
    found = cbc.score("hscore", COUNTS[0][0], ALL)
    assert (found.low, found.high) == (286, 286)
    assert found.cutoffs[0].reached.value == "met"
    assert found.would_decide == ()
    assert found.notice == "For clinician review. Not a diagnosis."


@pytest.mark.parametrize(
    ("item", "value", "points"),
    [
        ("temperature", 38.3, (0, 0)), ("temperature", 38.4, (33, 33)), ("temperature", 39.4, (33, 33)),
        ("temperature", 39.5, (49, 49)), ("temperature", ">38", (0, 49)), ("temperature", ">=38.4", (33, 49)),
        ("temperature", "39.5 C", (49, 49)), ("temperature", None, (0, 49)),
        ("ferritin", 1999, (0, 0)), ("ferritin", 2000, (35, 35)), ("ferritin", 6001, (50, 50)), ("ferritin", "<2000", (0, 0)),
        ("triglycerides", "<1.5", (0, 0)), ("triglycerides", "<=1.5", (0, 44)), ("fibrinogen", "2.51 g/L", (0, 0)),
        ("fibrinogen", "<1", (30, 30)), ("ast", "<30", (0, 0)), ("ast", "30", (19, 19)),
    ],
)  # fmt: skip
def test_a_stated_number_beside_its_limits(item: str, value: Any, points: tuple[int, int]) -> None:
    [own] = [one for one in cbc.score("hscore", {}, {item: value}).items if one.id == item]
    assert (own.low, own.high) == points


def test_ferritin_of_the_record_counts_and_a_stated_one_stands_before_it() -> None:
    record = {"ferritin": "7000 ng/mL"}
    assert [one.low for one in cbc.score("hscore", record).items if one.id == "ferritin"] == [50]
    assert [one.high for one in cbc.score("hscore", record, {"ferritin": 10}).items if one.id == "ferritin"] == [0]


def test_what_would_decide_comes_first_by_what_it_can_move() -> None:
    found = cbc.score("hscore", COUNTS[0][0], {"temperature": 39.1, "organomegaly": "both"})
    assert (found.low, found.high) == (105, 321)
    assert found.would_decide[:2] == ("triglycerides", "ferritin")


def test_plasmic_in_its_own_points() -> None:
    count = {"platelets": "12 10^9/L", "mcv": "88 fL", "reticulocytes_percent": "6 %"}
    facts = {"no_active_cancer": "yes", "no_transplant": "yes", "inr": 1.1, "creatinine": 1.4}
    found = cbc.score("plasmic", count, facts)
    assert (found.low, found.high, found.cutoffs) == (7, 7, ())
    assert cbc.score("plasmic", count, {**facts, "creatinine": 2.0}).high == 6
    unsure = cbc.score("plasmic", {"platelets": "12 10^9/L", "mcv": "90 fL"}, facts)
    assert (unsure.low, unsure.high) == (5, 6)
    assert unsure.would_decide == (
        "hemolysis (reticulocytes above 2.5 %, no haptoglobin, or indirect bilirubin above 2 mg/dL)",
    )
    assert cbc.score("plasmic", {}, {"no_haptoglobin": "yes"}).items[1].low == 1


def test_results_that_contradict_are_no_points() -> None:
    count = {"hemoglobin": "60 g/L", "wbc": "1.0 10^9/L", "neutrophils": "5.0 10^9/L", "platelets": "200 10^9/L"}
    assert cbc.score("hlh_2004", count).cutoffs[0].reached.value == "cannot_tell"


@given(st.lists(st.sampled_from(sorted(ALL)), unique=True), st.sampled_from([count for count, _, _ in COUNTS]))
def test_what_becomes_known_never_leaves_the_interval(known: list[str], count: dict[str, str]) -> None:
    """Narrowing an unknown narrows the points, and a cut-off that was told stays as it was told."""
    wide = cbc.score("hscore", count, {name: ALL[name] for name in known[: len(known) // 2]})
    narrow = cbc.score("hscore", count, {name: ALL[name] for name in known})
    assert wide.low <= narrow.low <= narrow.high <= wide.high
    before, after = wide.cutoffs[0].reached.value, narrow.cutoffs[0].reached.value
    assert before in ("cannot_tell", after)


def test_no_probability_is_in_what_is_shown() -> None:
    for name in load_knowledge().scores.scores:
        text = json.dumps(cbc.score(name, COUNTS[2][0]).to_dict()).lower()
        for word in ("probab", "risk", "likel", "predict"):
            assert word not in text, name


# Small red cells --------------------------------------------------------------------------------

TRAIT = {
    "age": "30 y",
    "sex": "F",
    "mcv": "62 fL",
    "rbc": "5.6 10^12/L",
    "mch": "20 pg",
    "rdw_cv": "15 %",
    "hemoglobin": "112 g/L",
}


def test_the_indices_by_hand() -> None:
    """62/5.6; 62^2 x 20/100; 15/5.6; 62 - 5.6 - 0.3 x 112; 62^2 x 15/(10 x 112)."""
    found = {one.id: one for one in cbc.small_cell_indices(TRAIT)}
    wanted = {"mentzer": 11.0714, "shine_lal": 768.8, "ricerca": 2.67857, "sirdah": 22.8, "green_king": 51.48214}
    assert {name: one.low for name, one in found.items()} == pytest.approx(wanted, rel=1e-5)
    assert all(one.low == one.high for one in found.values())
    assert {one.side for one in found.values()} == {"more like thalassemia trait"}


@pytest.mark.parametrize(
    ("change", "side"),
    [
        ({"rbc": "4.0 10^12/L"}, "more like iron deficiency"),  # 15.5
        ({"mcv": "65 fL", "rbc": "5.0 10^12/L"}, "more like iron deficiency"),  # 13 is not below 13
        ({"mcv": "64.9 fL", "rbc": "5.0 10^12/L"}, "more like thalassemia trait"),
        ({"mcv": "90 fL"}, ""),  # not small: it says nothing
        ({"rbc": ">5.0 10^12/L"}, "more like thalassemia trait"),
        ({"rbc": "<5.0 10^12/L"}, ""),
        ({"age": "", "mcv": "76 fL", "rbc": "6.5 10^12/L"}, ""),  # small for an adult, and not for an infant
    ],
)
def test_the_side_of_mentzer(change: Mapping[str, str], side: str) -> None:
    assert cbc.small_cell_indices({**TRAIT, **change})[0].side == side


@given(st.integers(500, 790), st.integers(300, 700), st.integers(1, 40), st.integers(1, 40))
def test_a_bound_gives_an_interval_that_holds_every_number(mcv: int, rbc: int, above: int, below: int) -> None:
    unsure = {**TRAIT, "rbc": f">{(rbc - below) / 100:.2f} 10^12/L", "mcv": f"<{(mcv + above) / 10:.1f} fL"}
    exact = {**TRAIT, "rbc": f"{rbc / 100:.2f} 10^12/L", "mcv": f"{mcv / 10:.1f} fL"}
    for wide, narrow in zip(cbc.small_cell_indices(unsure), cbc.small_cell_indices(exact), strict=True):
        assert wide.low is None or (narrow.low is not None and wide.low <= narrow.low)
        assert wide.high is None or (narrow.high is not None and narrow.high <= wide.high)
        if wide.side and narrow.side:
            assert wide.side == narrow.side


# What is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "items", "said"),
    [
        (
            "h-score",
            {},
            "did you mean hscore. it must be one of hscore, hlh_2004, plasmic",
        ),
        ("hscore", {"temprature": 39.173}, "did you mean temperature"),
        ("hscore", {"organomegaly": "39.173"}, "organomegaly must be one of none, liver_or_spleen, both"),
        ("hscore", {"temperature": "39.173 F"}, "temperature must be a number in C"),
        ("hscore", {"temperature": True}, "temperature must be a number in C"),
        ("hscore", {"ast": "39.173,5"}, "ast must be a number in U/L"),
        ("plasmic", {"no_haptoglobin": "39.173"}, "no_haptoglobin must be yes or no"),
        # Beyond what anybody has: degrees Fahrenheit, milligrams, micromoles.
        (
            "hscore",
            {"temperature": 139.173},
            r"temperature must be a number in C \(25 to 45\); see that it is in this unit",
        ),
        ("hscore", {"temperature": ">139.173"}, r"temperature must be a number in C \(25 to 45\)"),
        ("hscore", {"triglycerides": 339.173}, r"triglycerides must be a number in mmol/L \(0 to 50\)"),
        ("hscore", {"fibrinogen": 239.173}, r"fibrinogen must be a number in g/L \(0 to 20\)"),
        ("plasmic", {"creatinine": 139.173}, r"creatinine must be a number in mg/dL \(0 to 40\)"),
        ("plasmic", {"indirect_bilirubin": 139.173}, r"indirect_bilirubin must be a number in mg/dL \(0 to 60\)"),
        ("plasmic", {"inr": 139.173}, r"inr must be a number in its own scale \(0.5 to 30\)"),
    ],
)
def test_what_cannot_be_read_is_said_without_the_value(name: str, items: Mapping[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        cbc.score(name, {}, items)
    assert "39.173" not in str(caught.value)


WELL_FORMED = {
    "id": "s", "name": "S", "about": "A score.", "source": "x", "cutoffs": [{"points": 1, "text": "t"}],
    "items": [{"id": "i", "text": "t", "points": [0, 1], "of": [{"analyte": "mcv", "below": 90}]}],
}  # fmt: skip
FORMULA = {"id": "f", "name": "F", "formula": "mcv / rbc", "below": 13}


@pytest.mark.parametrize(
    ("item", "formula", "key"),
    [
        ({"points": [0]}, {}, "points"),
        ({"of": [{"analyte": "mvc", "below": 90}]}, {}, "analyte"),
        ({"of": [{"analyte": "mcv"}]}, {}, "analyte"),
        ({"of": [{"analyte": "mcv", "stated": "x", "below": 1}]}, {}, "analyte"),
        ({"of": [{"analyte": "mcv", "below": 90, "above": 1}]}, {}, "above"),
        ({"of": [{"analyte": "mcv", "below": "90"}]}, {}, "below"),
        ({"bands": [{"points": 0}]}, {}, "id"),
        ({}, {"formula": "mcv / mcv"}, "formula"),
        ({}, {"formula": "mcv.__class__"}, "formula"),
        ({}, {"formula": "open('x')"}, "formula"),
        ({}, {"formula": "mcv / height"}, "formula"),
        ({}, {"below": True}, "below"),
    ],
)
def test_a_table_with_a_fault_is_refused_with_its_key(item: dict[str, Any], formula: dict[str, Any], key: str) -> None:
    own = {**WELL_FORMED, "items": [{**WELL_FORMED["items"][0], **item}]}
    indices = {
        "only_when_low": "mcv", "sides": {"thalassemia": "a", "iron": "b"}, "source": "x", "formulas": [{**FORMULA, **formula}],
    }  # fmt: skip
    text = json.dumps({"scores": [own], "indices": indices}, indent=1)
    with pytest.raises(KnowledgeError) as caught:
        load_scores(parse_yaml(text, "scores.yaml"), {"mcv", "rbc"}, {"x"})
    assert caught.value.key == key


# The command --------------------------------------------------------------------------------------


def test_the_command_says_points_items_and_what_would_decide() -> None:
    words = ["score", "hscore", "hemoglobin=89 g/L", "wbc=4.0 10^9/L", "platelets=99 10^9/L", "temperature=39.1"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert "For clinician review. Not a diagnosis." in done.output
    assert "HScore: 67 to 321 points" in done.output
    assert "triglycerides" in done.output
    told = json.loads(CliRunner().invoke(main, [*words, "--json"]).output)
    assert (told["low"], told["high"]) == (67, 321)
    wrong = CliRunner().invoke(main, ["score", "hscore", "temprature=39"])
    assert wrong.exit_code == 2


def test_the_page_says_what_happens() -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "scores.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    lines = [line for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]
    shown = 0
    for line, after in itertools.pairwise([*lines, ""]):
        code, _, said = line.partition("  # ")
        said = said or (after.removeprefix("# ") if after.startswith("# ") else "")
        if said and not line.startswith("# "):
            assert repr(eval(code, names)) == said, line
            shown += 1
        elif code and not code.startswith("#"):
            exec(code, names)  # noqa: S102
    assert shown == 4


def test_the_laws_hold_for_every_choice_of_facts() -> None:
    """The ends of the interval are reached: by the facts that give least, and by those that give most."""
    least = {"temperature": 37, "organomegaly": "none", "ferritin": 1, "triglycerides": 1, "fibrinogen": 3, "ast": 1}
    most = {"temperature": 40, "organomegaly": "both", "ferritin": 9000, "triglycerides": 5, "fibrinogen": 1, "ast": 99}
    open_score = cbc.score("hscore", COUNTS[0][0], {"hemophagocytosis": "no", "immunosuppression": "no"})
    found = [
        cbc.score("hscore", COUNTS[0][0], {**facts, "hemophagocytosis": "no", "immunosuppression": "no"})
        for facts in (least, most)
    ]
    assert [one.low for one in found] == [open_score.low, open_score.high]
    for names in itertools.combinations(least, 3):
        mixed = {**least, **{name: most[name] for name in names}, "hemophagocytosis": "no", "immunosuppression": "no"}
        one = cbc.score("hscore", COUNTS[0][0], mixed)
        assert open_score.low <= one.low == one.high <= open_score.high
