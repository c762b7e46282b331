"""What is time-critical never leaves the front because something is not known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import cbc_screen as cbc
from cbc_screen.vocabulary import CheckGroup, Tier
from strategies import KNOWLEDGE, ages, counts, pancytopenic_counts, remarks, written

CRITICAL = {condition.id for condition in KNOWLEDGE.conditions if condition.tier is Tier.TIME_CRITICAL}
FINDINGS = sorted(name for names in KNOWLEDGE.finding_groups.values() for name in names)
MOST = KNOWLEDGE.ordering.not_to_miss_most
FRONT = (CheckGroup.FITS, CheckGroup.NOT_TO_MISS)
results = st.one_of(counts(), pancytopenic_counts())
stated = st.dictionaries(st.sampled_from(FINDINGS), st.sampled_from(("present", "absent")), max_size=4)


def with_findings(record: dict[str, Any], findings: dict[str, str]) -> dict[str, Any]:
    """Return a record that states findings."""
    groups = {
        group: {name: findings[name] for name in names if name in findings}
        for group, names in KNOWLEDGE.finding_groups.items()
    }
    return {**record, **{group: own for group, own in groups.items() if own}}


def front(record: dict[str, Any], findings: dict[str, str]) -> tuple[set[str], int]:
    """Return what is time-critical before the fold, and how many stand with what must not be missed."""
    listed = cbc.screen(with_findings(record, findings)).checklist
    shown = {entry.id for entry in listed if entry.group in FRONT}
    return shown & CRITICAL, sum(entry.group is CheckGroup.NOT_TO_MISS for entry in listed)


WITNESSES = [
    (f"{condition.id} {kind}", record)
    for condition in KNOWLEDGE.conditions
    for kind, record in condition.witnesses.items()
]


@pytest.mark.parametrize(("name", "record"), WITNESSES, ids=[name for name, _ in WITNESSES])
def test_nothing_that_is_left_out_of_a_typical_count_takes_it_away(name: str, record: dict[str, Any]) -> None:
    findings = {key: said for group in KNOWLEDGE.finding_groups for key, said in record.get(group, {}).items()}
    plain = {key: value for key, value in record.items() if key not in KNOWLEDGE.finding_groups}
    cases = [({**plain, "sex": "F"}, findings, {**plain, "sex": "M"}, findings, {**plain, "sex": None}, findings)]
    for asked in findings:
        others = {key: said for key, said in findings.items() if key != asked}
        cases.append((plain, {**others, asked: "present"}, plain, {**others, asked: "absent"}, plain, others))
    for one, said, other, said_other, unknown, said_unknown in cases:
        either = front(one, said)[0] & front(other, said_other)[0]
        found, with_them = front(unknown, said_unknown)
        assert either <= found or with_them == MOST


def test_a_line_that_is_low_for_one_sex_alone_takes_nothing_away() -> None:
    """A hemoglobin of 131 g/L is low for him and not for her; infection and leukemia stand before the fold for both."""
    count = {
        "age": "18 y",
        "hemoglobin": "131 g/L",
        "wbc": "5.2 10^9/L",
        "neutrophils": "1.1 10^9/L",
        "lymphocytes": "3.6 10^9/L",
        "platelets": "112 10^9/L",
    }
    said = {"atypical_lymphocytes": "present", "cytopenia_under_4_weeks": "present", "recent_viral_illness": "present"}
    for sex in ("F", "M", None):
        assert {"acute_leukemia", "apl", "infection"} <= front({**count, "sex": sex}, said)[0]


@given(results, ages(), remarks(), stated)
def test_what_stands_there_for_both_sexes_stands_there_for_an_unknown_one(
    given_results: Any, age: dict[str, Any], said: dict[str, Any], findings: dict[str, str]
) -> None:
    record = {**age, **said, **written(given_results)}
    either = front({**record, "sex": "F"}, findings)[0] & front({**record, "sex": "M"}, findings)[0]
    unknown, with_them = front(record, findings)
    assume(with_them < MOST)  # there is room for so many
    assert either <= unknown


@given(results, ages(), st.sampled_from(("F", "M")), stated, st.sampled_from(FINDINGS))
def test_what_stands_there_with_a_finding_and_without_it_stands_there_where_nobody_looked(
    given_results: Any, age: dict[str, Any], sex: str, findings: dict[str, str], asked: str
) -> None:
    record = {**age, "sex": sex, **written(given_results)}
    others = {name: said for name, said in findings.items() if name != asked}
    either = front(record, {**others, asked: "present"})[0] & front(record, {**others, asked: "absent"})[0]
    unknown, with_them = front(record, others)
    assume(with_them < MOST)
    assert either <= unknown
