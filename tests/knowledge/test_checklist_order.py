"""The order of the checklist: tiers, ranks within them, and the reason given for each place."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import cbc_screen as cbc
from strategies import KNOWLEDGE

FILM = KNOWLEDGE.finding_groups["film"]
FOLDER = Path(__file__).resolve().parents[2] / "reference_ranges" / "checklist"
# The tiers in their order, each with its conditions by rank: what must not be missed first.
ORDER = {
    "time_critical": ["apl", "acute_leukemia", "ttp", "hus", "hlh", "dic", "hellp", "drug_agranulocytosis", "aiha"],
    "artifact": ["pseudothrombocytopenia", "cold_agglutinin_artifact"],
    "serious": [
        "aplastic_anemia", "mds", "pnh", "leishmaniasis", "viral_hepatitis", "myeloma", "lymphoma_marrow",
        "metastatic_carcinoma", "myelofibrosis",
    ],
    "common": [
        "b12_folate", "iron_deficiency", "drug_toxin", "itp", "hiv", "pregnancy_anemia", "inflammation_anemia",
        "copper_deficiency", "hypersplenism_liver", "ckd_anemia", "parvovirus", "alcohol", "ebv_cmv", "sle",
        "thalassemia_trait", "gestational_thrombocytopenia", "malnutrition", "duffy_null", "chronic_neutropenia",
    ],
    "rare": ["hairy_cell", "lgl", "inherited_any", "fanconi", "telomere", "sds", "dba", "gata2", "storage_disease"],
}  # fmt: skip
TIER_OF = {name: tier for tier, names in ORDER.items() for name in names}
PLACE = {name: place for place, name in enumerate(TIER_OF)}
TIER_WORDS = {
    "time_critical": "time-critical if missed",
    "artifact": "a spurious count, quick to exclude",
    "serious": "serious, and told by further tests",
    "common": "common",
    "rare": "rare or inherited",
}
SUPPORTS = ["supported", "consider", "cannot_assess", "less_likely"]
SUPPORT_WORDS = {
    "supported": "supported",
    "consider": "consider",
    "cannot_assess": "cannot assess",
    "less_likely": "less likely",
}


def conditions() -> dict[str, dict[str, Any]]:
    files = sorted(FOLDER.glob("*.yaml"))
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in files}


def test_the_tiers_and_the_ranks_are_the_written_order() -> None:
    found = conditions()
    assert {name: entry["tier"] for name, entry in found.items()} == TIER_OF
    assert sorted(found, key=lambda name: found[name]["rank"]) == list(TIER_OF)
    assert len({entry["rank"] for entry in found.values()}) == len(found)


PLACE_REASON = re.compile(
    r"(?P<support>[a-z ]+); (?P<net>net \d+ findings? (?:for|against)|as many findings for as against, or none)"
    r"; (?P<tier>[a-z, -]+) \(order (?P<rank>\d+)\)"
)


def net_words(net: int) -> str:
    if net == 0:
        return "as many findings for as against, or none"
    return f"net {abs(net)} finding{'' if abs(net) == 1 else 's'} {'for' if net > 0 else 'against'}"


def check_order(result: cbc.ScreeningResult) -> None:
    """Hold one checklist to its order, and each entry to its reason."""
    ranks = {name: entry["rank"] for name, entry in CONDITIONS.items()}
    for entry in result.checklist:
        said = PLACE_REASON.fullmatch(entry.place_reason)
        assert said is not None, entry.place_reason
        assert said["support"] == SUPPORT_WORDS[entry.support]
        assert said["net"] == net_words(entry.net_findings)
        assert said["tier"] == TIER_WORDS[TIER_OF[entry.id]]
        assert int(said["rank"]) == ranks[entry.id]
    for above, below in itertools.pairwise(result.checklist):
        better = SUPPORTS.index(below.support) - SUPPORTS.index(above.support)
        more = above.net_findings - below.net_findings
        # Better supported, or as well with more net findings, or all equal and first in the written order.
        assert (better, more, PLACE[below.id] - PLACE[above.id]) > (0, 0, 0), (above.id, below.id)


CONDITIONS = conditions()
WITNESSES = [(name, kind) for name, entry in CONDITIONS.items() for kind in entry["witnesses"]]


@pytest.mark.parametrize(("name", "kind"), WITNESSES)
def test_the_checklist_of_each_witness_is_in_order(name: str, kind: str) -> None:
    record = CONDITIONS[name]["witnesses"][kind]
    result = cbc.screen(record)
    check_order(result)
    assert [entry.id for entry in result.checklist] == [
        word for word in str(result.flags()["checklist"]).split(";") if word
    ]
    compact = cbc.screen(record, compact=True)
    assert [entry.place_reason for entry in compact.checklist] == [entry.place_reason for entry in result.checklist]


def test_the_witnesses_reach_every_support_and_every_tier() -> None:
    """Without this, the order might never be asked about some of them."""
    listed = [entry for name, kind in WITNESSES for entry in cbc.screen(CONDITIONS[name]["witnesses"][kind]).checklist]
    assert {str(entry.support) for entry in listed} == set(SUPPORTS)
    assert {TIER_OF[entry.id] for entry in listed} == set(ORDER)
    assert {min(max(entry.net_findings, -1), 1) for entry in listed} == {-1, 0, 1}


@given(
    st.fixed_dictionaries(
        {
            "hemoglobin": st.sampled_from(["60 g/L", "90 g/L", "115 g/L", "140 g/L"]),
            "neutrophils": st.sampled_from(["0.1 10^9/L", "0.9 10^9/L", "4 10^9/L"]),
            "platelets": st.sampled_from(["5 10^9/L", "45 10^9/L", "120 10^9/L", "300 10^9/L"]),
            "mcv": st.sampled_from(["65 fL", "88 fL", "112 fL"]),
            "age": st.sampled_from(["4 y", "30 y", "75 y"]),
            "sex": st.sampled_from(["F", "M"]),
        }
    ),
    st.dictionaries(st.sampled_from(sorted(KNOWLEDGE.findings)), st.sampled_from(["present", "absent"]), max_size=12),
)
def test_every_checklist_is_in_order(record: dict[str, str], findings: dict[str, str]) -> None:
    film = {name: answer for name, answer in findings.items() if name in FILM}
    context = {name: answer for name, answer in findings.items() if name not in FILM}
    check_order(cbc.screen({**record, "film": film, "context": context}, compact=True))


def test_the_explanation_says_why_each_has_its_place() -> None:
    record = {"age": "54 y", "sex": "F", "hemoglobin": "71 g/L", "neutrophils": "0.4 10^9/L", "platelets": "9 10^9/L"}
    result = cbc.screen(record)
    assert result.checklist
    text = " ".join(result.explain().split())
    for entry in result.checklist:
        assert f"place {entry.place_reason}" in text
