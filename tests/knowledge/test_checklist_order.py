"""The order of the checklist, worked out a second time from the files: points, tiers, groups, tests."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import cbc_screen as cbc
from cbc_screen.knowledge.ordering import questions_in
from cbc_screen.knowledge.predicates import MethodIs
from cbc_screen.vocabulary import ReticulocyteMethod
from strategies import KNOWLEDGE

FILM = KNOWLEDGE.finding_groups["film"]
TABLES = Path(__file__).resolve().parents[2] / "reference_ranges"
# The tiers in their order, each with its conditions by rank: what must not be missed first.
ORDER = {
    "time_critical": [
        "apl", "acute_leukemia", "ttp", "hus", "hlh", "dic", "hellp", "infection", "bleeding", "drug_agranulocytosis",
        "drug_immune_thrombocytopenia", "neonatal_causes", "aiha", "ehrlichiosis",
    ],
    "artifact": ["pseudothrombocytopenia", "cold_agglutinin_artifact"],
    "serious": [
        "aplastic_anemia", "mds", "pnh", "transplant_car_t", "leishmaniasis", "tuberculosis_brucellosis",
        "viral_hepatitis", "myeloma", "lymphoma_marrow", "cml", "mpn", "cmml", "vexas", "metastatic_carcinoma",
        "myelofibrosis", "antiphospholipid", "tafro",
    ],
    "common": [
        "b12_folate", "iron_deficiency", "drug_toxin", "itp", "hiv", "pregnancy_anemia", "inflammation_anemia",
        "copper_deficiency", "hypersplenism_liver", "ckd_anemia", "hemolysis_other", "parvovirus", "alcohol", "ebv_cmv",
        "sle", "thalassemia_trait", "gestational_thrombocytopenia", "malnutrition", "hypothyroid_endocrine",
        "duffy_null", "chronic_neutropenia", "reactive_thrombocytosis", "secondary_erythrocytosis", "eosinophilia",
    ],
    "rare": [
        "hairy_cell", "lgl", "prca", "inherited_any", "inherited_thrombocytopenia", "fanconi", "telomere", "sds", "dba",
        "gata2", "dada2", "storage_disease",
    ],
}  # fmt: skip
TIER_OF = {name: tier for tier, names in ORDER.items() for name in names}
RANK = {name: place for place, name in enumerate(TIER_OF)}
GROUPS = ["fits", "not_to_miss", "also_possible", "unlikely"]


def conditions() -> dict[str, dict[str, Any]]:
    files = sorted((TABLES / "checklist").glob("*.yaml"))
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in files}


def tiers() -> dict[tuple[str, str], dict[str, str]]:
    with (TABLES / "starting_tiers.csv").open(encoding="utf-8", newline="") as file:
        return {(row["condition"], row["ages"]): row for row in csv.DictReader(file)}


CONDITIONS, TIERS = conditions(), tiers()
ORDERING = yaml.safe_load((TABLES / "ordering.yaml").read_text(encoding="utf-8"))
QUESTIONS = {q["id"]: q for q in yaml.safe_load((TABLES / "questions.yaml").read_text(encoding="utf-8"))["questions"]}
WITNESSES = [(name, kind) for name, entry in CONDITIONS.items() for kind in entry["witnesses"]]


def test_the_tiers_and_the_ranks_are_the_written_order() -> None:
    assert {name: entry["tier"] for name, entry in CONDITIONS.items()} == TIER_OF
    assert sorted(CONDITIONS, key=lambda name: CONDITIONS[name]["rank"]) == list(TIER_OF)


def test_the_sizes_are_those_of_the_method() -> None:
    assert ORDERING["fits"] == {"least": 2, "within": 4, "most": 5}
    assert ORDERING["not_to_miss"] == {"least": 1, "most": 3}
    assert ORDERING["next_tests"] == {
        "most": 8,
        "first": "film",
        "unsent_line": "rest_of_count",
        "unclear_line": "usable_count",
        "red_line_low": "reticulocyte_count",
    }
    assert ORDERING["without_tier"] == {"least": 4}


# A second writing of the order --------------------------------------------------------------


def combination(flags: Mapping[str, Any]) -> str | None:
    """Return the column of the starting tiers; None where the lines are not all known."""
    states = [flags[f"{line}_line"] for line in ("red", "white", "platelet")]
    if "cannot_tell" in states:
        return None
    low = [line for line, state in zip(("red", "white", "platelet"), states, strict=True) if state == "low"]
    if low != ["red"]:
        return "pancytopenia" if len(low) == 3 else "_".join(low)
    sizes = {"low": "microcytic", "within": "normocytic", "high": "macrocytic"}
    return f"red_{sizes.get(flags['mcv_state'], 'mcv_unknown')}"


def age_class(record: Mapping[str, Any]) -> str:
    """Return the class of ages of a record whose age is in whole days, months or years."""
    count, unit = record["age"].split()
    days = int(count) * {"d": 1, "mo": 31, "y": 366}[unit]
    if days < 28:
        return "newborn"
    return "infant" if days < 2 * 366 else "child" if days < 18 * 366 else "any"


def start(name: str, cell: str, ages: str) -> int | None:
    """Return the starting tier of a condition, or None where it has none."""
    wanted = [ages] if ages == "newborn" else [ages, "any"]
    row = next((TIERS[name, own] for own in wanted if (name, own) in TIERS), None)
    return None if row is None or not row[cell] else int(row[cell])


def weight(entries: list[dict[str, Any]], holding: set[str]) -> int:
    """Add the points of the findings of a side that hold; of those that go together the largest, and one more."""
    found = [entry for entry in entries if entry["id"] in holding]
    together: dict[str, list[int]] = {}
    total = 0
    for entry in found:
        if entry.get("together") and entry["points"]:
            together.setdefault(entry["together"], []).append(entry["points"])
        else:
            total += entry["points"]
    for points in together.values():
        largest = max(points, key=abs)
        total += largest + (0 if len(points) == 1 else 1 if largest > 0 else -1)
    return total


def points_of(entry: cbc.result.ConditionResult, cell: str, ages: str) -> tuple[int, int]:
    """Return the points and the starting tier of a listed condition."""
    own = CONDITIONS[entry.id]
    found = weight(own["findings_for"], {finding.id for finding in entry.findings_for})
    found += weight(own["findings_against"], {finding.id for finding in entry.findings_against})
    tier = start(entry.id, cell, ages) if cell else 0
    return found + (tier or 0), tier or 0


def check_order(record: Mapping[str, Any], result: cbc.ScreeningResult) -> bool:
    """Hold one checklist to the order of the files; return whether it could be."""
    flags = result.flags()
    cell = combination(flags)
    if cell is None:
        return False
    ages = age_class(record)
    found = {entry.id: points_of(entry, cell, ages) for entry in result.checklist}

    def place(entry: cbc.result.ConditionResult) -> tuple[int, bool, int, int]:
        points, tier = found[entry.id]
        speaks = TIER_OF[entry.id] == "time_critical" and bool(entry.findings_for)
        return -points, not speaks, -tier, RANK[entry.id]

    ordered = sorted(result.checklist, key=place)
    top = found[ordered[0].id][0] if ordered else 0
    fits = [e for e in ordered[:5] if found[e.id][0] >= 2 and found[e.id][0] >= top - 4]
    rest = [entry for entry in ordered if entry not in fits]
    miss = [entry for entry in rest if entry.group == "not_to_miss"]
    # What is unknown may keep a time-critical condition here; what is known must not leave one out.
    assert {TIER_OF[entry.id] for entry in miss} <= {"time_critical"}
    assert len(miss) <= 3
    if len(miss) < 3:
        open_ones = [e.id for e in rest if TIER_OF[e.id] == "time_critical" and found[e.id][0] >= 1]
        assert set(open_ones) <= {entry.id for entry in miss}
    possible = [entry for entry in rest if entry not in miss and found[entry.id][0] >= 0]
    unlikely = [entry for entry in rest if entry not in miss and found[entry.id][0] < 0]
    wanted = [*fits, *miss, *possible, *unlikely]
    assert [entry.id for entry in result.checklist] == [entry.id for entry in wanted]
    groups = [[g] * len(part) for g, part in zip(GROUPS, (fits, miss, possible, unlikely), strict=True)]
    assert [str(entry.group) for entry in result.checklist] == [group for part in groups for group in part]
    assert result.checklist_shown == (0 if result.borderline else len(fits) + len(miss)) <= 8
    return True


def check_words(result: cbc.ScreeningResult) -> None:
    """Hold the columns, the tests and the marks of a result to its list."""
    flags = result.flags()
    assert flags["checklist"] == ";".join(entry.id for entry in result.checklist)
    assert flags["checklist_groups"] == ";".join(entry.group for entry in result.checklist)
    assert flags["checklist_shown"] == result.checklist_shown
    assert flags["next_tests"] == ";".join(test.id for test in result.next_tests)
    assert flags["borderline"] is result.borderline
    assert len(result.next_tests) <= 8
    shown = [entry.id for entry in result.checklist[: result.checklist_shown]]
    for place, test in enumerate(result.next_tests):
        assert test.text == QUESTIONS[test.id]["text"]
        assert list(test.settles) == [name for name in shown if test.id in CONDITIONS[name]["settled_by"]]
        assert test.id != "film" or place == 0
    for entry in result.checklist:
        decisive_for = any(finding.decisive for finding in entry.findings_for)
        decisive_against = any(finding.decisive for finding in entry.findings_against)
        assert (entry.support == "supported") == (decisive_for and not decisive_against), entry.id
        for side in (entry.findings_for, entry.findings_against):
            assert all(finding.basis in ("measured", "derived", "judgment") for finding in side)


@pytest.mark.parametrize(("name", "kind"), WITNESSES)
def test_the_checklist_of_each_witness_is_in_order(name: str, kind: str) -> None:
    record = CONDITIONS[name]["witnesses"][kind]
    result = cbc.screen(record)
    check_order(record, result)
    check_words(result)
    compact = cbc.screen(record, compact=True)
    assert [entry.place_reason for entry in compact.checklist] == [entry.place_reason for entry in result.checklist]


def test_the_witnesses_reach_every_group_and_every_tier() -> None:
    """Without this, the order might never be asked about some of them."""
    listed = [entry for name, kind in WITNESSES for entry in cbc.screen(CONDITIONS[name]["witnesses"][kind]).checklist]
    assert {str(entry.group) for entry in listed} == set(GROUPS)
    assert {TIER_OF[entry.id] for entry in listed} == set(ORDER)
    assert {str(entry.support) for entry in listed} == {"supported", "consider", "cannot_assess", "less_likely"}


@given(
    st.fixed_dictionaries(
        {
            "hemoglobin": st.sampled_from(["60 g/L", "90 g/L", "115 g/L", "140 g/L", "210 g/L"]),
            "neutrophils": st.sampled_from(["0.1 10^9/L", "0.9 10^9/L", "4 10^9/L"]),
            "wbc": st.sampled_from(["5 10^9/L", "9 10^9/L", "85 10^9/L"]),
            "platelets": st.sampled_from(["5 10^9/L", "45 10^9/L", "120 10^9/L", "300 10^9/L", "1500 10^9/L"]),
            "mcv": st.sampled_from(["65 fL", "88 fL", "112 fL"]),
            "age": st.sampled_from(["2 d", "5 mo", "4 y", "30 y", "75 y"]),
            "sex": st.sampled_from(["F", "M"]),
        }
    ),
    st.dictionaries(st.sampled_from(sorted(KNOWLEDGE.findings)), st.sampled_from(["present", "absent"]), max_size=12),
)
def test_every_checklist_is_in_order(record: dict[str, Any], findings: dict[str, str]) -> None:
    film = {name: answer for name, answer in findings.items() if name in FILM}
    context = {name: answer for name, answer in findings.items() if name not in FILM}
    record = {**record, "film": film, "context": context}
    result = cbc.screen(record)
    check_order(record, result)
    check_words(result)


def keys_of(value: Any) -> Iterator[str]:
    """Yield every key of nested mappings."""
    for own in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
        yield from keys_of(own)
    yield from value if isinstance(value, dict) else ()


def numbers_of(text: str) -> Iterator[str]:
    yield from (word for word in text.split() if word.lstrip("+-").isdigit())


def test_no_points_and_no_order_to_act_in_any_output() -> None:
    record = {"age": "54 y", "sex": "F", "hemoglobin": "71 g/L", "neutrophils": "0.4 10^9/L", "platelets": "9 10^9/L"}
    result = cbc.screen(record)
    assert "net finding" not in result.explain() + result.model_dump_json()
    assert not {"points", "start", "cell", "probability"} & set(keys_of(result.to_dict()))
    for entry in result.checklist:
        assert not list(numbers_of(entry.place_reason))


def test_the_explanation_says_why_each_has_its_place() -> None:
    record = {"age": "54 y", "sex": "F", "hemoglobin": "71 g/L", "neutrophils": "0.4 10^9/L", "platelets": "9 10^9/L"}
    result = cbc.screen(record)
    assert result.checklist_shown >= 3
    text = " ".join(result.explain().split())
    assert result.summary in text
    for entry in result.checklist[: result.checklist_shown]:
        assert f"place {entry.place_reason}" in text


def test_a_missing_line_takes_the_higher_tier_less_one() -> None:
    """Platelets unknown beside anemia and neutropenia: all three lines may be low, so less than in pancytopenia."""
    record = {"age": "40 y", "sex": "M", "hemoglobin": "88 g/L", "mcv": "90 fL", "neutrophils": "0.9 10^9/L"}
    unknown = cbc.screen(record)
    assert unknown.pattern == "cannot_tell"
    assert unknown.checklist[0].id == "drug_toxin"  # 5 for three lines, 3 for two: 4, more than any other
    assert "acute_leukemia" in [entry.id for entry in unknown.checklist[: unknown.checklist_shown]]


@pytest.mark.parametrize("sent", ["reticulocytes", "reticulocytes_percent"])
def test_a_test_that_is_done_is_not_missing(sent: str) -> None:
    """A reticulocyte count is one test, however it was reported; without it, it is asked for."""
    record = {"age": "24 y", "sex": "M", "hemoglobin": "62 g/L", "neutrophils": "0.2 10^9/L", "platelets": "9 10^9/L"}
    value = {"reticulocytes": "8 10^9/L", "reticulocytes_percent": "0.4 %"}[sent]
    without, done = (
        next(entry for entry in cbc.screen(own).checklist if entry.id == "aplastic_anemia")
        for own in (record, {**record, sent: value})
    )
    assert "reticulocyte count" in without.missing
    assert "reticulocyte count" not in done.missing


def test_a_method_of_counting_is_asked_for_as_such() -> None:
    assert questions_in(MethodIs(ReticulocyteMethod.AUTOMATED)) == ("reticulocyte_method",)
