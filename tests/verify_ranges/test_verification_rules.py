"""Faults of verification.yaml name file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.parse import parse_yaml
from cbc_screen.knowledge.verification import FILE, VerificationRules, read_verification
from cbc_screen.vocabulary import RangeReason

TEXT = (Path(__file__).resolve().parents[2] / "reference_ranges" / FILE).read_text(encoding="utf-8")


def read(text: str) -> VerificationRules:
    return read_verification(parse_yaml(text, FILE), load_knowledge().sources, "1")


def test_the_shipped_file_is_sound() -> None:
    found = read(TEXT)
    assert (found.confidence, found.direct_people, found.direct_confidence) == (0.95, 120, 0.90)
    assert found.sources == ("clsi_ep28", "project", "reflimr", "haeckel_2015")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("adopt_at_most: 2", "adopt_at_most: 4", "repeat_at_most: must lie between"),
        ("repeat_at_most: 4", "repeat_at_most: 20", "repeat_at_most: must lie between"),
        ("shares: [0.05,", "shares: [0,", "shares: must be shares"),
        ("shares: [0.05, 0.10, 0.15, 0.20, 0.25]", "shares: some", "shares: must be a list of numbers"),
        ("right_outside: 0.05", "right_outside: 5", "shares: must be shares"),
        ("z: 1.959964", "z: 1.645", "z: must be the two-sided normal quantile"),
        ("confidence: 0.90", "confidence: 90", "confidence: must be a share"),
        ("source: clsi_ep28", "source: nobody", "source: is not in sources.csv"),
        ("of_upper: 0.15", "of_upper: 15", "of_upper: must be a share"),
        ("people: 40", "people: 30", "people: must be more than the square"),
        ("bins: 160", "bins: 0", "bins: must be 1 or more"),
        ("flattening: 3", "flattening: 0", "flattening: must be more than 0"),
        ("stray_at_first: 0.005", "stray_at_first: 0.03", "stray_at_first: must be no more than stray_at_most"),
        ("component_there: 0.003", "component_there: 3", "component_there: must be a share"),
        ("fewest_healthy: 0.02", "fewest_healthy: 0", "fewest_healthy: must be a share"),
        ("healthy_beside: 0.8", "healthy_beside: 80", "healthy_beside: must be a share"),
        ("powers: [0,", "powers: [-1,", "powers: must be numbers from 0 to 1"),
        ("- [0.3, 0.3]", "- [0.6, 0.6]", "cuts: must be pairs"),
        ("- [0.3, 0.3]", "- 0.3", "cuts: must be pairs"),
        ("- [0.3, 0.3]", "- [0.3, low]", "cuts: must be pairs"),
        ("lower: 2.5, upper: 97.5}", "lower: 97.5, upper: 2.5}", "lower: must be a percentile below"),
        ("  adopt: adopt\n", "", "adopt: is required"),
        ("  rule_kept:", "  rule_keept:", "rule_kept: is required"),
        ("  no_band:", "  nobody:", "no_band: is required"),
        ("  no_column:", "  no_colum:", "no_column: is required"),
        ("threshold: sourced", "threshold: guessed", "threshold: must be one of"),
    ],
)
def test_a_fault_is_named(before: str, after: str, said: str) -> None:
    assert before in TEXT
    with pytest.raises(KnowledgeError, match=rf"^verification\.yaml:\d+: {said}"):
        read(TEXT.replace(before, after, 1))


@pytest.mark.parametrize(
    ("words", "percentiles"),
    [
        ("mean +/- 1.96 SD (limits as printed)", (2.5, 97.5)),
        ("mean +/- 2 SD", (2.5, 97.5)),
        ("mean - 2 SD published; upper = 2*mean - lower (derived)", (2.5, 97.5)),
        ("95% reference range", (2.5, 97.5)),
        ("95% confidence limits", None),  # of what, it does not say
        ("5-95 (neonatal convention)", (5, 95)),
        ("not stated (believed 2.5-97.5)", None),
    ],
)
def test_what_the_words_of_a_basis_mean(words: str, percentiles: tuple[float, float] | None) -> None:
    assert read(TEXT).percentiles(words) == percentiles


@pytest.mark.parametrize(("lower", "upper"), [("0.5", "99.5"), ("1", "99"), ("0.1", "99.9")])
def test_a_basis_may_be_any_percentiles_between_0_and_100(lower: str, upper: str) -> None:
    begins = "95% reference range"
    found = read(TEXT.replace("lower: 2.5, upper: 97.5}", f"lower: {lower}, upper: {upper}}}"))
    assert found.percentiles(begins) == (float(lower), float(upper))


@pytest.mark.parametrize(("lower", "upper"), [("0", "97.5"), ("2.5", "100"), ("50", "50"), ("-1", "97.5")])
def test_a_basis_is_no_percentile_from_0_or_to_100(lower: str, upper: str) -> None:
    with pytest.raises(KnowledgeError, match=r"lower: must be a percentile below the upper one"):
        read(TEXT.replace("lower: 2.5, upper: 97.5}", f"lower: {lower}, upper: {upper}}}", 1))


def test_a_sentence_about_a_number_of_the_table_does_not_repeat_it() -> None:
    found = read(TEXT.replace("healthy_at_all: 0.5", "healthy_at_all: 0.6"))
    assert "half" not in found.reasons[RangeReason.FEW_HEALTHY]
