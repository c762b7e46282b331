"""What the default answers rest on: guidelines and studies, or a value of this project that says so."""

from __future__ import annotations

import re

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge
from cbc_screen.vocabulary import Verification

# Pages that a clinician would not accept as the reason for a number.
WEBSITES = re.compile(
    r"wiki|medscape|droracle|msd manual|uptodate|webmd|healthline|iliveok|mussenhealth", re.IGNORECASE
)


def default_sources() -> set[str]:
    """Return the sources of the default scheme, the definitions and the rules that are on."""
    knowledge = load_knowledge()
    found = {row.source for rows in knowledge.scheme("clinical").tables.values() for row in rows}
    found |= {source for definition in knowledge.definitions.values() for source in definition.sources}
    found |= {rule.source for rule in (*knowledge.checks.guards, *knowledge.checks.active, *knowledge.urgency)}
    return found


def test_no_default_number_rests_on_a_website() -> None:
    sources = load_knowledge().sources
    assert not {name for name in default_sources() if WEBSITES.search(sources[name].citation)}


def test_a_band_without_a_guideline_says_whose_it_is() -> None:
    result = cbc.screen(
        {"age": "40 y", "sex": "F", "hemoglobin": "130 g/L", "neutrophils": "0.4 10^9/L", "platelets": "40 10^9/L"}
    )
    cited = {source.id: source for source in result.sources}
    assert cited["thrombocytopenia_convention"].verification is Verification.PROJECT
    assert cited["thrombocytopenia_convention"].citation.startswith("This project: ")
    assert "ASCO and IDSA" in cited["neutropenia_convention"].citation
