"""A laboratory's own rules: laid over the shipped ones, checked, and the same at every door (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import pickle
import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.errors import KnowledgeError
from strategies import answers

WOMAN = {"age": "40 y", "sex": "F"}
OWN = """\
policies: [islh, barnsley]
off: [rule_of_three, islh_mcv, itp_threshold]
guards:
  - id: mchc_out_of_reach
    text: mean cell hemoglobin concentration above our limit
    when: {analyte: mchc, above: 365, unit: g/L}
    threshold: local
    source: local
triggers:
  - id: our_platelets
    text: platelets below our telephone limit
    when: {analyte: platelets, below: 30, unit: 10^9/L}
    kind: notification
    urgency: immediate
    threshold: local
    source: local
  - id: notify_hemoglobin
    text: hemoglobin below our telephone limit
    when: {analyte: hemoglobin, below: 8, unit: g/dL}
    kind: notification
    urgency: immediate
    threshold: local
    source: local
cutoffs:
  - id: our_neutrophils
    text: neutrophils below a cut-off of ours
    when: {analyte: neutrophils, at_most: 0.3, unit: 10^9/L}
    threshold: local
    source: local
"""


def rules_file(folder: Path, text: str, name: str = "ours.yaml") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def fired(rules: str, column: str = "review_triggers", **results: Any) -> list[str]:
    flags = cbc.Screener(rules=rules).screen({**WOMAN, **results}, compact=True).flags()
    return [name for name in str(flags[column]).split(";") if name]


# What is then in use ---------------------------------------------------------------------


def test_an_empty_choice_is_the_shipped_one(tmp_path: Path) -> None:
    """A file that changes nothing gives the answers of no file at all."""
    sick = {**WOMAN, "wbc": "1 10^9/L", "hemoglobin": "65 g/L", "platelets": "9 10^9/L", "mcv": "110 fL"}
    for text in ("off: []\n", "guards: []\ntriggers: []\ncutoffs: []\n", "policies: [islh, notification]\n"):
        assert cbc.Screener(rules=rules_file(tmp_path, text)).screen(sick).flags() == cbc.screen(sick).flags()


@pytest.mark.parametrize(("value", "found"), [("364.9 g/L", []), ("365 g/L", []), ("365.1 g/L", ["mchc_out_of_reach"])])
def test_a_guard_with_a_shipped_id_is_replaced(tmp_path: Path, value: str, found: list[str]) -> None:
    """The shipped one begins above 375."""
    assert fired(rules_file(tmp_path, OWN), "guards", mchc=value) == found
    assert fired("default", "guards", mchc=value) == []
    assert fired("default", "guards", mchc="375.1 g/L") == ["mchc_out_of_reach"]


def test_a_replaced_guard_keeps_nothing_of_the_shipped_one(tmp_path: Path) -> None:
    """The shipped guard also looks at hemoglobin / hematocrit; ours does not."""
    counts = {"hemoglobin": "160 g/L", "hematocrit": "0.40 L/L"}
    assert "mchc_out_of_reach" in fired("default", "guards", **counts)
    assert "mchc_out_of_reach" not in fired(rules_file(tmp_path, OWN), "guards", **counts)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("30 10^9/L", ["islh_platelets", "barnsley_platelets"]),
        ("29.9 10^9/L", ["islh_platelets", "barnsley_platelets", "our_platelets"]),
        ("50 10^9/L", ["islh_platelets"]),
        ("100 10^9/L", []),
    ],
)
def test_a_trigger_with_a_new_id_is_added(tmp_path: Path, value: str, found: list[str]) -> None:
    assert fired(rules_file(tmp_path, OWN), platelets=value) == found


@pytest.mark.parametrize("urgency", ["none", "routine", "prompt", "immediate"])
def test_a_trigger_of_ours_counts_for_the_urgency(tmp_path: Path, urgency: str) -> None:
    """Nothing else is urgent about a hemoglobin of 150.1 g/L."""
    ours = OWN.replace("platelets, below: 30, unit: 10^9/L", "hemoglobin, above: 150, unit: g/L")
    rules = rules_file(tmp_path, ours.replace("urgency: immediate", f"urgency: {urgency}"))
    for value, found in (("150 g/L", "none"), ("150.1 g/L", urgency)):
        assert cbc.Screener(rules=rules).screen({**WOMAN, "hemoglobin": value}).flags()["urgency"] == found


@pytest.mark.parametrize(("value", "found"), [("8 g/dL", False), ("7.99 g/dL", True), ("80 g/L", False)])
def test_a_replaced_trigger_is_in_use_though_its_policy_is_not(tmp_path: Path, value: str, found: bool) -> None:
    """The policy "notification" is not chosen; the rule of ours with a shipped id is in use all the same."""
    assert ("notify_hemoglobin" in fired(rules_file(tmp_path, OWN), hemoglobin=value)) is found
    assert "notify_platelets" not in fired(rules_file(tmp_path, OWN), platelets="5 10^9/L")


def test_what_is_off_never_fires(tmp_path: Path) -> None:
    rules = rules_file(tmp_path, OWN)
    assert fired("default", mcv="106 fL") == ["islh_mcv"]
    assert fired(rules, mcv="106 fL") == []
    odd = {"hemoglobin": "120 g/L", "hematocrit": "0.45 L/L", "mcv": "90 fL"}
    assert "rule_of_three" in fired("default", "guards", **odd)
    assert "rule_of_three" not in fired(rules, "guards", **odd)
    assert "itp_threshold" in fired("default", "published_cutoffs", platelets="90 10^9/L")
    assert "itp_threshold" not in fired(rules, "published_cutoffs", platelets="90 10^9/L")


@pytest.mark.parametrize(("value", "found"), [("0.301", False), ("0.3", True), ("0.299", True)])
def test_a_cut_off_of_ours_is_added(tmp_path: Path, value: str, found: bool) -> None:
    names = fired(rules_file(tmp_path, OWN), "published_cutoffs", neutrophils=f"{value} 10^9/L")
    assert ("our_neutrophils" in names) is found
    assert "agranulocytosis" in names


def test_without_a_policy_only_our_triggers_are_left(tmp_path: Path) -> None:
    rules = rules_file(tmp_path, OWN.replace("policies: [islh, barnsley]", "policies: []"))
    sick = {"wbc": "1 10^9/L", "hemoglobin": "65 g/L", "platelets": "9 10^9/L", "neutrophils": "0.1 10^9/L"}
    assert sorted(fired(rules, **sick)) == ["notify_hemoglobin", "our_platelets"]


def test_a_finding_shows_its_mark_and_its_source(tmp_path: Path) -> None:
    result = cbc.Screener(rules=rules_file(tmp_path, OWN)).screen({**WOMAN, "platelets": "29 10^9/L"})
    ours = next(trigger for trigger in result.review_triggers if trigger.id == "our_platelets")
    assert (ours.text, ours.threshold, ours.source) == ("platelets below our telephone limit", "local", "local")
    assert "30" in ours.condition
    assert result.versions.rules.endswith("ours.yaml")
    assert "our_platelets" not in cbc.screen({**WOMAN, "platelets": "29 10^9/L"}).flags()["review_triggers"]


# The policies ----------------------------------------------------------------------------

# From the published lists (shared/knowledge/review_rules.md): a policy, its trigger, an
# analyte, a value at which it fires and its neighbor at which it does not.
POLICIES = [
    ("roland_2022", "roland_2022_wbc", "wbc", "0.499 10^9/L", "0.5 10^9/L"),
    ("roland_2022", "roland_2022_wbc", "wbc", "30.1 10^9/L", "30 10^9/L"),
    ("roland_2022", "roland_2022_neutrophils", "neutrophils", "0.999 10^9/L", "1.0 10^9/L"),
    ("roland_2022", "roland_2022_neutrophils", "neutrophils", "30.1 10^9/L", "30 10^9/L"),
    ("roland_2022", "roland_2022_neutrophils_critical", "neutrophils", "0.499 10^9/L", "0.5 10^9/L"),
    ("pathologist_list", "pathologist_list_neutrophils", "neutrophils", "1.499 10^9/L", "1.5 10^9/L"),
    ("pathologist_list", "pathologist_list_neutrophils", "neutrophils", "20.1 10^9/L", "20 10^9/L"),
    ("pathologist_list", "pathologist_list_lymphocytes", "lymphocytes", "10.1 10^9/L", "10 10^9/L"),
    ("pathologist_list", "pathologist_list_monocytes", "monocytes", "2.1 10^9/L", "2 10^9/L"),
    ("pathologist_list", "pathologist_list_eosinophils", "eosinophils", "1.1 10^9/L", "1 10^9/L"),
    ("pathologist_list", "pathologist_list_basophils", "basophils", "1.1 10^9/L", "1 10^9/L"),
    ("pathologist_list", "pathologist_list_platelets", "platelets", "49.9 10^9/L", "50 10^9/L"),
    ("pathologist_list", "pathologist_list_platelets", "platelets", "1000.1 10^9/L", "1000 10^9/L"),
    ("pathologist_list", "pathologist_list_film", "nrbc", "1 /100 WBC", "0 /100 WBC"),
    ("pathologist_list", "pathologist_list_film", "blasts_percent", "1 %", "0 %"),
    ("homerton_film", "homerton_film_hemoglobin", "hemoglobin", "80 g/L", "80.1 g/L"),
    ("homerton_film", "homerton_film_mcv", "mcv", "64.9 fL", "65 fL"),
    ("homerton_film", "homerton_film_mcv", "mcv", "105.1 fL", "105 fL"),
    ("homerton_film", "homerton_film_wbc", "wbc", "2 10^9/L", "2.001 10^9/L"),
    ("homerton_film", "homerton_film_wbc", "wbc", "30.1 10^9/L", "30 10^9/L"),
    ("homerton_film", "homerton_film_neutrophils", "neutrophils", "0.999 10^9/L", "1.0 10^9/L"),
    ("homerton_film", "homerton_film_lymphocytes", "lymphocytes", "6.1 10^9/L", "6 10^9/L"),
    ("homerton_film", "homerton_film_monocytes", "monocytes", "2.1 10^9/L", "2 10^9/L"),
    ("homerton_film", "homerton_film_eosinophils", "eosinophils", "2.1 10^9/L", "2 10^9/L"),
    ("homerton_film", "homerton_film_platelets", "platelets", "99.9 10^9/L", "100 10^9/L"),
    ("homerton_film", "homerton_film_platelets", "platelets", "800.1 10^9/L", "800 10^9/L"),
    ("homerton_film", "homerton_film_reticulocytes", "reticulocytes", "9.9 10^9/L", "10 10^9/L"),
    ("homerton_film", "homerton_film_reticulocytes", "reticulocytes", "150.1 10^9/L", "150 10^9/L"),
    ("slide_policy", "slide_policy_wbc", "wbc", "3.499 10^9/L", "3.5 10^9/L"),
    ("slide_policy", "slide_policy_wbc", "wbc", "30.1 10^9/L", "30 10^9/L"),
    ("slide_policy", "slide_policy_hemoglobin", "hemoglobin", "79.9 g/L", "80 g/L"),
    ("slide_policy", "slide_policy_hemoglobin", "hemoglobin", "200.1 g/L", "200 g/L"),
    ("slide_policy", "slide_policy_platelets", "platelets", "99.9 10^9/L", "100 10^9/L"),
    ("slide_policy", "slide_policy_platelets", "platelets", "800.1 10^9/L", "800 10^9/L"),
    ("slide_policy", "slide_policy_mcv", "mcv", "74.9 fL", "75 fL"),
    ("slide_policy", "slide_policy_mcv", "mcv", "105.1 fL", "105 fL"),
    ("slide_policy", "slide_policy_mchc", "mchc", "249.9 g/L", "250 g/L"),
    ("slide_policy", "slide_policy_mchc", "mchc", "365.1 g/L", "365 g/L"),
    ("slide_policy", "slide_policy_neutrophils", "neutrophils", "1.499 10^9/L", "1.5 10^9/L"),
    ("slide_policy", "slide_policy_neutrophils", "neutrophils", "18.1 10^9/L", "18 10^9/L"),
    ("slide_policy", "slide_policy_lymphocytes", "lymphocytes", "4.501 10^9/L", "4.5 10^9/L"),
    ("slide_policy", "slide_policy_monocytes", "monocytes", "2.1 10^9/L", "2 10^9/L"),
    ("slide_policy", "slide_policy_eosinophils", "eosinophils", "2.1 10^9/L", "2 10^9/L"),
    ("slide_policy", "slide_policy_basophils", "basophils", "0.601 10^9/L", "0.6 10^9/L"),
    ("south_tees", "south_tees_hemoglobin", "hemoglobin", "74.9 g/L", "75 g/L"),
    ("south_tees", "south_tees_platelets", "platelets", "49.9 10^9/L", "50 10^9/L"),
    ("south_tees", "south_tees_wbc", "wbc", "30.1 10^9/L", "30 10^9/L"),
    ("south_tees", "south_tees_neutrophils", "neutrophils", "0.999 10^9/L", "1.0 10^9/L"),
    ("barnsley", "barnsley_hemoglobin", "hemoglobin", "69.9 g/L", "70 g/L"),
    ("barnsley", "barnsley_hemoglobin", "hemoglobin", "200.1 g/L", "200 g/L"),
    ("barnsley", "barnsley_platelets", "platelets", "49.9 10^9/L", "50 10^9/L"),
    ("barnsley", "barnsley_platelets", "platelets", "1000.1 10^9/L", "1000 10^9/L"),
    ("barnsley", "barnsley_neutrophils", "neutrophils", "0.999 10^9/L", "1.0 10^9/L"),
    ("barnsley", "barnsley_neutrophils", "neutrophils", "30.1 10^9/L", "30 10^9/L"),
    ("heft_gp", "heft_gp_hemoglobin", "hemoglobin", "69.9 g/L", "70 g/L"),
    ("heft_gp", "heft_gp_platelets", "platelets", "69.9 10^9/L", "70 10^9/L"),
    ("heft_gp", "heft_gp_platelets", "platelets", "1000.1 10^9/L", "1000 10^9/L"),
    ("heft_gp", "heft_gp_wbc", "wbc", "40.1 10^9/L", "40 10^9/L"),
    ("heft_gp", "heft_gp_neutrophils", "neutrophils", "0.499 10^9/L", "0.5 10^9/L"),
    ("homerton", "homerton_hemoglobin", "hemoglobin", "70 g/L", "70.1 g/L"),
    ("homerton", "homerton_hemoglobin", "hemoglobin", "200.1 g/L", "200 g/L"),
    ("homerton", "homerton_platelets", "platelets", "20 10^9/L", "20.1 10^9/L"),
    ("homerton", "homerton_platelets", "platelets", "1000.1 10^9/L", "1000 10^9/L"),
    ("homerton", "homerton_wbc", "wbc", "2 10^9/L", "2.001 10^9/L"),
    ("homerton", "homerton_wbc", "wbc", "30.1 10^9/L", "30 10^9/L"),
    ("homerton", "homerton_neutrophils", "neutrophils", "0.499 10^9/L", "0.5 10^9/L"),
    ("north_bristol", "north_bristol_hemoglobin", "hemoglobin", "69.9 g/L", "70 g/L"),
    ("north_bristol", "north_bristol_platelets", "platelets", "29.9 10^9/L", "30 10^9/L"),
    ("north_bristol", "north_bristol_wbc", "wbc", "50.1 10^9/L", "50 10^9/L"),
    ("north_bristol", "north_bristol_neutrophils", "neutrophils", "0.499 10^9/L", "0.5 10^9/L"),
    ("rmh_melbourne", "rmh_melbourne_hemoglobin", "hemoglobin", "69.9 g/L", "70 g/L"),
    ("rmh_melbourne", "rmh_melbourne_platelets", "platelets", "49.9 10^9/L", "50 10^9/L"),
    ("rmh_melbourne", "rmh_melbourne_wbc", "wbc", "1.099 10^9/L", "1.1 10^9/L"),
    ("rmh_melbourne", "rmh_melbourne_neutrophils", "neutrophils", "0.999 10^9/L", "1.0 10^9/L"),
    ("hawkes_bay", "hawkes_bay_hemoglobin", "hemoglobin", "69.9 g/L", "70 g/L"),
    ("hawkes_bay", "hawkes_bay_platelets", "platelets", "49.9 10^9/L", "50 10^9/L"),
    ("hawkes_bay", "hawkes_bay_wbc", "wbc", "50.1 10^9/L", "50 10^9/L"),
    ("hawkes_bay", "hawkes_bay_neutrophils", "neutrophils", "0.499 10^9/L", "0.5 10^9/L"),
    ("us_laboratory_list", "us_laboratory_list_hemoglobin", "hemoglobin", "69.9 g/L", "70 g/L"),
    ("us_laboratory_list", "us_laboratory_list_platelets", "platelets", "19.9 10^9/L", "20 10^9/L"),
    ("us_laboratory_list", "us_laboratory_list_platelets", "platelets", "1000.1 10^9/L", "1000 10^9/L"),
    ("us_laboratory_list", "us_laboratory_list_wbc", "wbc", "1.999 10^9/L", "2 10^9/L"),
    ("us_laboratory_list", "us_laboratory_list_wbc", "wbc", "50.1 10^9/L", "50 10^9/L"),
    ("us_laboratory_list", "us_laboratory_list_neutrophils", "neutrophils", "1.499 10^9/L", "1.5 10^9/L"),
    ("sepehr_lab", "sepehr_lab_hemoglobin", "hemoglobin", "69.9 g/L", "70 g/L"),
    ("sepehr_lab", "sepehr_lab_hemoglobin", "hemoglobin", "200.1 g/L", "200 g/L"),
    ("sepehr_lab", "sepehr_lab_platelets", "platelets", "29.9 10^9/L", "30 10^9/L"),
    ("sepehr_lab", "sepehr_lab_platelets", "platelets", "1000.1 10^9/L", "1000 10^9/L"),
    ("sepehr_lab", "sepehr_lab_wbc", "wbc", "1.999 10^9/L", "2 10^9/L"),
    ("sepehr_lab", "sepehr_lab_wbc", "wbc", "30.1 10^9/L", "30 10^9/L"),
    ("sepehr_lab", "sepehr_lab_neutrophils", "neutrophils", "0.499 10^9/L", "0.5 10^9/L"),
    ("hakimi_lab", "hakimi_lab_hemoglobin", "hemoglobin", "70 g/L", "70.1 g/L"),
    ("hakimi_lab", "hakimi_lab_hemoglobin", "hemoglobin", "200 g/L", "199.9 g/L"),
    ("hakimi_lab", "hakimi_lab_platelets", "platelets", "20 10^9/L", "20.1 10^9/L"),
    ("hakimi_lab", "hakimi_lab_platelets", "platelets", "1000 10^9/L", "999.9 10^9/L"),
    ("hakimi_lab", "hakimi_lab_wbc", "wbc", "2 10^9/L", "2.001 10^9/L"),
    ("hakimi_lab", "hakimi_lab_wbc", "wbc", "100 10^9/L", "99.9 10^9/L"),
    ("hakimi_lab", "hakimi_lab_neutrophils", "neutrophils", "0.499 10^9/L", "0.5 10^9/L"),
    ("hakimi_lab", "hakimi_lab_neutrophils", "neutrophils", "50.1 10^9/L", "50 10^9/L"),
]


@pytest.fixture(scope="module")
def policy_screeners(tmp_path_factory: pytest.TempPathFactory) -> dict[str, cbc.Screener]:
    folder = tmp_path_factory.mktemp("policies")
    names = dict.fromkeys(policy for policy, *_ in POLICIES)
    return {name: cbc.Screener(rules=rules_file(folder, f"policies: [{name}]\n", f"{name}.yaml")) for name in names}


@pytest.mark.parametrize(("policy", "trigger", "analyte", "fires", "silent"), POLICIES)
def test_a_chosen_policy_fires_at_its_numbers(
    policy_screeners: dict[str, cbc.Screener], policy: str, trigger: str, analyte: str, fires: str, silent: str
) -> None:
    chosen = policy_screeners[policy]

    def triggers(value: str) -> list[str]:
        flags = chosen.screen({**WOMAN, analyte: value}, compact=True).flags()
        return [name for name in flags["review_triggers"].split(";") if name]

    assert trigger in triggers(fires)
    assert trigger not in triggers(silent)
    assert all(name.startswith(policy) for name in (*triggers(fires), *triggers(silent)))


@pytest.mark.parametrize(
    ("hemoglobin", "mcv", "found"),
    [
        ("79.9 g/L", "90 fL", True),
        ("80 g/L", "90 fL", False),
        ("79.9 g/L", "60 fL", False),
        ("69.9 g/L", "60 fL", True),
    ],
)
def test_a_limit_for_red_cells_of_normal_size(
    policy_screeners: dict[str, cbc.Screener], hemoglobin: str, mcv: str, found: bool
) -> None:
    """Below 80 g/L where the red cells are of normal size, below 70 g/L where they are not."""
    flags = policy_screeners["heft_gp"].screen({**WOMAN, "hemoglobin": hemoglobin, "mcv": mcv}).flags()
    assert ("heft_gp_hemoglobin" in flags["review_triggers"]) is found


@pytest.mark.parametrize(("age", "found"), [("2 d", True), ("3 d", False), ("40 y", False)])
def test_a_smear_before_the_third_day(policy_screeners: dict[str, cbc.Screener], age: str, found: bool) -> None:
    flags = policy_screeners["roland_2022"].screen({"age": age, "sex": "F", "hemoglobin": "170 g/L"}).flags()
    assert ("roland_2022_age" in flags["review_triggers"]) is found


@pytest.mark.parametrize("policy", ["sepehr_lab", "hakimi_lab"])
def test_a_list_for_adults_says_nothing_of_a_child(policy_screeners: dict[str, cbc.Screener], policy: str) -> None:
    sick = {"wbc": "1 10^9/L", "hemoglobin": "60 g/L", "platelets": "9 10^9/L", "neutrophils": "0.1 10^9/L"}
    found = {
        age: policy_screeners[policy].screen({"age": age, "sex": "F", **sick}).flags()["review_triggers"]
        for age in ("17 y", "18 y")
    }
    assert found["17 y"] == ""
    assert found["18 y"] == ";".join(f"{policy}_{name}" for name in ("hemoglobin", "platelets", "wbc", "neutrophils"))


# A file with a fault ---------------------------------------------------------------------

RULE = "  - {id: our_platelets, text: ours, when: {analyte: platelets, below: 30, unit: 10^9/L}, kind: film_review, threshold: local, source: local}\n"
CUTOFF = RULE.replace("kind: film_review, ", "")

# A name, the file, the line and the key that the error must name, and a word it must say.
FAULTS: list[tuple[str, str, int, str, str]] = [
    ("an unknown key", "off: []\ncolor: red\n", 2, "color", "not a known key"),
    ("an unknown key in a rule", "triggers:\n" + RULE.replace("id:", "weight: 3, id:"), 2, "weight", "not a known key"),
    ("a missing key", "triggers:\n" + RULE.replace("text: ours, ", ""), 2, "text", "required"),
    ("no kind", "triggers:\n" + CUTOFF, 2, "kind", "required"),
    ("a kind for a guard", "guards:\n" + RULE, 2, "kind", "not a known key"),
    ("a key given twice", "off: []\noff: []\n", 2, "off", "twice"),
    ("one id for two guards", "off: []\nguards:\n" + CUTOFF + CUTOFF, 2, "guards", "same id"),
    ("one id for two triggers", "triggers:\n" + RULE + RULE, 1, "triggers", "same id"),
    ("one id for two cut-offs", "cutoffs:\n" + CUTOFF + CUTOFF, 1, "cutoffs", "same id"),
    ("an unknown policy", "off: []\npolicies: [islh, our_policy]\n", 2, "policies", "our_policy"),
    ("a policy of a rule that is none", "triggers:\n" + RULE.replace("kind:", "policy: nosuch, kind:"), 1, "triggers", "nosuch is none"),
    ("a kind that is none", "triggers:\n" + RULE.replace("film_review", "telephone"), 2, "kind", "one of"),
    ("a tag on a list", "off: !!python/object:os.system []\n", 1, "yaml", "tag"),
    ("a tag on a mapping", "triggers:\n  - !!python/dict {id: ours}\n", 2, "yaml", "tag"),
    ("policies as one word", "policies: islh\n", 1, "policies", "list of texts"),
    ("an unknown id that is off", "\noff: [rule_of_three, rule_of_four]\n", 2, "off", "rule_of_four"),
    ("an urgency rule that is off", "off: [one_line_low]\n", 1, "off", "one_line_low"),
    ("off as one word", "off: rule_of_three\n", 1, "off", "list of texts"),
    ("off with nothing in it", "off:\n", 1, "off", "list of texts"),
    ("rules as a mapping", "guards: {id: ours}\n", 1, "guards", "list of mappings"),
    ("rules as words", "guards: [ours]\n", 1, "guards", "list of mappings"),
    ("an unknown unit", "triggers:\n" + RULE.replace("10^9/L", "furlong"), 2, "unit", "closed table"),
    ("a look-alike unit", "triggers:\n" + RULE.replace("10^9/L", "g/dL"), 2, "unit", "not a unit"),
    ("no unit", "triggers:\n" + RULE.replace(", unit: 10^9/L", ""), 2, "unit", "required"),
    ("an unknown analyte", "triggers:\n" + RULE.replace("platelets,", "thrombos,"), 2, "analyte", "analytes.yaml"),
    ("an unknown comparison", "triggers:\n" + RULE.replace("below", "under"), 2, "analyte", "needs one of below"),
    ("a number that is a text", "triggers:\n" + RULE.replace("30,", '"30",'), 2, "below", "finite number"),
    ("a number that is none", "triggers:\n" + RULE.replace("30,", ".nan,"), 2, "below", "finite number"),
    ("a source that is not listed", "triggers:\n" + RULE.replace("source: local", "source: me"), 2, "source", "sources.csv"),
    ("an unknown mark", "triggers:\n" + RULE.replace("threshold: local", "threshold: sure"), 2, "threshold", "one of"),
    ("an unknown urgency", "triggers:\n" + RULE.replace("kind:", "urgency: now, kind:"), 2, "urgency", "one of"),
    ("an unknown finding", "guards:\n" + CUTOFF.replace("{analyte: platelets, below: 30, unit: 10^9/L}", "{finding: clumsy}"), 2, "finding", "findings.yaml"),
    ("a line that is none", "guards:\n" + CUTOFF.replace("id:", "contradicts: blue, id:"), 2, "contradicts", "one of"),
    ("an empty file", "", 1, "yaml", "mapping"),
    ("a list", "- off\n", 1, "yaml", "mapping"),
    ("a word", "rules\n", 1, "yaml", "mapping"),
    ("not YAML", "off: []\nguards: [}\n", 2, "yaml", "did not find"),
    ("a tab", "guards:\n\t- {}\n", 2, "yaml", "cannot start"),
    ("a tag that makes an object", "off: [!!python/name:os.system rule_of_three]\n", 1, "yaml", "tag"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "key", "says"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_fault_names_file_line_and_key(tmp_path: Path, text: str, line: int, key: str, says: str) -> None:
    rules = rules_file(tmp_path, text)
    with pytest.raises(KnowledgeError) as caught:
        cbc.Screener(rules=rules)
    error = caught.value
    assert (error.file, error.line, error.key) == ("ours.yaml", line, key)
    assert str(error).startswith(f"ours.yaml:{line}: {key}: ")
    assert says in str(error)
    checked = CliRunner().invoke(main, ["ranges", "check", rules])
    assert (checked.exit_code, checked.output.strip()) == (2, f"cbc-screen: {error}")


def test_the_faults_differ_from_a_sound_file_by_the_fault_alone(tmp_path: Path) -> None:
    """Without this, every fault above might be a fault of the rule it is planted in."""
    for text in ("triggers:\n" + RULE, "guards:\n" + CUTOFF, "cutoffs:\n" + CUTOFF):
        assert cbc.Screener(rules=rules_file(tmp_path, text)).screen(WOMAN).versions.rules.endswith("ours.yaml")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("none.yaml", "does not exist; check its name and folder"),
        ("none.yml", "does not exist; check its name and folder"),
        ("folder.yaml", "cannot be read: is a directory"),
        ("latin.yaml", "cannot be read as UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "latin.yaml").write_bytes("off: [] # für\n".encode("latin-1"))
    with pytest.raises(KnowledgeError, match=rf"^{name}: file: {why}$") as caught:
        cbc.Screener(rules=str(tmp_path / name))
    assert (caught.value.file, caught.value.line, caught.value.key) == (name, None, "file")


@pytest.mark.parametrize("rules", ["", "islh", "rules.txt", "rules.csv", "Default"])
def test_what_is_no_yaml_file_is_refused(rules: str) -> None:
    with pytest.raises(cbc.UsageError, match=r'^rules: must be "default", or a path that ends in \.yaml$'):
        cbc.Screener(rules=rules)


# The command -----------------------------------------------------------------------------


def test_check_says_what_is_then_in_use(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["ranges", "check", rules_file(tmp_path, OWN)])
    assert done.exit_code == 0
    said = dict(line.strip().split(": ", 1) for line in done.output.strip().split("\n"))
    assert said["ours.yaml"] == "format, vocabulary, units and sources are sound"
    assert said["policies in use"] == "islh, barnsley"
    added = {"barnsley_hemoglobin", "barnsley_platelets", "barnsley_neutrophils", "our_platelets", "our_neutrophils"}
    assert set(said["added"].split(", ")) == added
    assert set(said["changed"].split(", ")) == {"mchc_out_of_reach", "notify_hemoglobin"}
    off = {
        "rule_of_three", "islh_mcv", "itp_threshold", "notify_platelets", "notify_neutrophils", "notify_wbc",
        "notify_blasts",
    }  # fmt: skip
    assert set(said["switched off"].split(", ")) == off


def test_the_command_screens_with_the_rules_and_the_adjustment(tmp_path: Path) -> None:
    rules = rules_file(tmp_path, OWN)
    counts = ["hemoglobin=79.9 g/L", "platelets=29.9 10^9/L", "elevation=2600 m", "--age", "40 y", "--sex", "F"]
    done = CliRunner().invoke(main, ["one", *counts, "--rules", rules, "--adjust-hemoglobin", "elevation"])
    assert done.exit_code == 0
    assert "platelets below our telephone limit" in done.output
    assert "adjusted 61.9" in done.output
    assert "our telephone limit" not in CliRunner().invoke(main, ["one", *counts]).output


CHOSEN = "policies: [islh, recalled, notification]\n"
RECALLED = [
    # Any nucleated red cell; reticulocytes above 100; MCHC more than 20 above a woman's 351.
    ({"nrbc": "0.1 /100 WBC", "reticulocytes": "100.1 10^9/L", "mchc": "371.1 g/L"},
     "recalled_nrbc;recalled_reticulocytes;recalled_mchc_high"),
    ({"nrbc": "0 /100 WBC", "reticulocytes": "100 10^9/L", "mchc": "371 g/L"}, ""),
    ({"wbc": "3.999 10^9/L"}, "recalled_wbc"), ({"wbc": "4.0 10^9/L"}, ""),
    ({"wbc": "30.0 10^9/L"}, ""), ({"wbc": "30.001 10^9/L"}, "recalled_wbc"),
    ({"film": {"schistocytes_on_film": "present", "atypical_lymphocytes": "present", "platelet_clumps": "present"}},
     "recalled_schistocytes;recalled_atypical_lymphocytes;recalled_platelet_clumps"),
]  # fmt: skip


@pytest.mark.parametrize(("results", "triggers"), RECALLED)
def test_recalled_rules_fire_where_they_are_chosen(tmp_path: Path, results: dict[str, Any], triggers: str) -> None:
    record = {"age": "40 y", "sex": "F", "hemoglobin": "130 g/L", **results}
    chosen = cbc.Screener(rules=rules_file(tmp_path, CHOSEN)).screen(record).flags()["review_triggers"]
    assert chosen == triggers
    assert "recalled" not in cbc.screen(record).flags()["review_triggers"]


# Doors and copies ------------------------------------------------------------------------


def made_rows(count: int) -> list[dict[str, str | None]]:
    pick = random.Random(5)
    numbers = {
        "hemoglobin": ("65 g/L", "69.9 g/L", "79.9 g/L", "80 g/L", "130 g/L", "201 g/L"),
        "platelets": ("9 10^9/L", "29.9 10^9/L", "30 10^9/L", "<50 10^9/L", "99.9 10^9/L", "1001 10^9/L", "CLUMPED"),
        "neutrophils": ("0.1 10^9/L", "0.3 10^9/L", "0.5 10^9/L", "4 10^9/L", "31 10^9/L"),
        "mchc": ("300 g/L", "365 g/L", "365.1 g/L", "376 g/L"),
        "mcv": ("60 fL", "90 fL", "106 fL"),
        "hematocrit": ("0.25 L/L", "0.4 L/L"),
        "elevation": ("0 m", "2600 m", "5000 m", "<1000 m"),
    }
    return [
        {
            "age": pick.choice(("40 y", "17 y", "8 mo", None)),
            "sex": pick.choice(("F", "M", None)),
            **{name: pick.choice((*values, None)) for name, values in numbers.items()},
        }
        for _ in range(count)
    ]


def as_record(row: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in row.items() if value is not None}


@pytest.mark.parametrize("adjust", [(), ("elevation",), ("elevation", "smoking")])
def test_records_and_frames_agree_under_own_rules(tmp_path: Path, adjust: tuple[str, ...]) -> None:
    rows = made_rows(400)
    chosen = cbc.Screener(definition="clinical", rules=rules_file(tmp_path, OWN), adjust_hemoglobin=adjust)
    alone = [chosen.screen(as_record(row), compact=True).flags() for row in rows]
    assert answers(chosen.screen_frame(pd.DataFrame(rows))) == alone
    seen = ";".join(f"{row['guards']};{row['review_triggers']};{row['published_cutoffs']}" for row in alone)
    for name in ("mchc_out_of_reach", "our_platelets", "notify_hemoglobin", "our_neutrophils", "barnsley_platelets"):
        assert name in seen
    for name in ("rule_of_three", "islh_mcv", "itp_threshold", "recalled_", "notify_platelets"):
        assert name not in seen


CUTOFFS = """\
cutoffs:
  - id: few_reticulocytes_by_machine
    text: few reticulocytes, counted by a machine
    when: {all: [{reticulocyte_method: automated}, {analyte: reticulocytes, below: 60, unit: 10^9/L}]}
    threshold: local
    source: local
  - id: mcv_far_below
    text: mean cell volume far below the reference range
    when: {analyte: mcv, below_lower_limit_by: 5, unit: fL}
    threshold: local
    source: local
  - id: crp_low
    text: an analyte of which the set has no range
    when: {analyte: crp, state: low}
    threshold: local
    source: local
"""


@pytest.fixture(scope="module")
def by_our_cutoffs(tmp_path_factory: pytest.TempPathFactory) -> cbc.Screener:
    return cbc.Screener(rules=rules_file(tmp_path_factory.mktemp("own"), CUTOFFS))


@pytest.mark.parametrize(
    ("results", "found"),
    [
        ({"reticulocytes": "59 10^9/L", "reticulocyte_method": "automated"}, ["few_reticulocytes_by_machine"]),
        ({"reticulocytes": "59 10^9/L", "reticulocyte_method": "manual"}, []),
        ({"reticulocytes": "59 10^9/L"}, []),
        ({"reticulocytes": "60 10^9/L", "reticulocyte_method": "automated"}, []),
        ({"mcv": "74.9 fL"}, []),  # the range begins at 79.9
        ({"mcv": "74.8 fL"}, ["mcv_far_below"]),
        ({"crp": "0.1 mg/L"}, []),
    ],
)
def test_a_cut_off_by_method_and_by_distance_from_the_range(
    by_our_cutoffs: cbc.Screener, results: dict[str, str], found: list[str]
) -> None:
    alone = by_our_cutoffs.screen({**WOMAN, **results}, compact=True).flags()
    own = [name for name in str(alone["published_cutoffs"]).split(";") if name in CUTOFFS and name]
    assert own == found
    assert answers(by_our_cutoffs.screen_frame(pd.DataFrame([{**WOMAN, **results}]))) == [alone]


def test_a_changed_file_is_read_again_by_a_new_screener(tmp_path: Path) -> None:
    rules = rules_file(tmp_path, OWN)
    old = cbc.Screener(rules=rules)
    record = {**WOMAN, "platelets": "35 10^9/L"}
    assert "our_platelets" not in old.screen(record).flags()["review_triggers"]
    rules_file(tmp_path, OWN.replace("below: 30", "below: 40"))
    assert "our_platelets" in cbc.Screener(rules=rules).screen(record).flags()["review_triggers"]
    # One that has compiled its rules keeps them: it is immutable.
    assert "our_platelets" not in old.screen(record).flags()["review_triggers"]
    rules_file(tmp_path, "off: [nothing_of_ours]\n")
    with pytest.raises(KnowledgeError, match="nothing_of_ours"):
        cbc.Screener(rules=rules)
    rules_file(tmp_path, OWN)
    assert "our_platelets" not in cbc.Screener(rules=rules).screen(record).flags()["review_triggers"]


def test_two_files_with_one_content_and_two_contents_do_not_mix(tmp_path: Path) -> None:
    first = cbc.Screener(rules=rules_file(tmp_path, OWN, "first.yaml"))
    second = cbc.Screener(rules=rules_file(tmp_path, OWN.replace("below: 30", "below: 40"), "second.yaml"))
    record = {**WOMAN, "platelets": "35 10^9/L"}
    for screener, found in ((first, False), (second, True), (cbc.Screener(), False)):
        flags = screener.screen(record).flags()
        assert ("our_platelets" in flags["review_triggers"]) is found


def test_a_screener_with_rules_and_adjustments_survives_pickling(tmp_path: Path) -> None:
    chosen = cbc.Screener(
        definition="clinical",
        grading="who_2011",
        prefer_reported_ranges=False,
        units={"platelets": "/uL"},
        rules=rules_file(tmp_path, OWN),
        adjust_hemoglobin=("smoking", "elevation"),
    )
    copy = pickle.loads(pickle.dumps(chosen))
    assert copy == chosen
    assert (copy.rules, copy.adjust_hemoglobin) == (chosen.rules, ("elevation", "smoking"))
    rows = [{**as_record(row), "platelets": 29_900} for row in made_rows(50)]
    found = [copy.screen(row).flags() for row in rows]
    assert found == [chosen.screen(row).flags() for row in rows]
    assert all("our_platelets" in row["review_triggers"] for row in found)
    assert answers(copy.screen_frame(pd.DataFrame(rows))) == found


def test_one_id_in_two_groups_is_refused(tmp_path: Path) -> None:
    """`off` would not know which of the two is meant."""
    with pytest.raises(KnowledgeError, match="rules in two groups"):
        cbc.Screener(rules=rules_file(tmp_path, "triggers:\n" + RULE + "cutoffs:\n" + CUTOFF))
