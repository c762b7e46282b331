"""Every reason is said in words, in each form that a person reads: an unexplained flag is the second worst."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge
from cbc_screen.vocabulary import Reason

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/reasons.md"
CLOTTED = {
    "age": "45 y",
    "hemoglobin": "88 g/L",
    "neutrophils": "0.8",
    "platelets": "12 10^9/L",
    "specimen": "clotted",
}
SAID = (
    "hemoglobin, neutrophils and platelets: marked by its sender as unreliable (clotted, clumped, hemolyzed, too little blood, "
    "somebody else's sample) or taken back (SPECIMEN_SUSPECT)"
)


def test_every_reason_is_said_once_and_no_other() -> None:
    rows = [line.split("|")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    told = [name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)]
    assert sorted(told) == sorted(Reason)


def test_the_page_is_the_table() -> None:
    """Stale? Run python tools/write_reasons.py."""
    names = runpy.run_path(str(ROOT / "tools/write_reasons.py"), run_name="tools")
    assert PAGE.read_text(encoding="utf-8") == names["page"](load_knowledge())


@pytest.mark.parametrize("reason", list(Reason))
def test_what_is_said_goes_behind_a_colon(reason: Reason) -> None:
    said = load_knowledge().answer_texts.reason(reason)
    assert said.strip() == said
    assert not said.endswith(".")
    assert ": " not in said
    assert not said[0].isupper()


def test_a_reason_is_said_once_with_all_that_it_is_about() -> None:
    remarks = cbc.screen(CLOTTED).remarks
    assert remarks[0] == SAID
    assert remarks[-1] == "sex: not given, so both were tried (SEX_MISSING)"


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"age": "45 y", "sex": "F", "platelets": "<10"}, "hemoglobin and neutrophils: nothing was sent (NO_RESULT)"),
        ({"sex": "F", "platelets": "80 10^9/L"}, "age: not given, and no date of birth, so every age was tried (AGE_MISSING)"),
        (
            {"age": "45", "sex": "F", "platelets": "80 10^9/L"},
            "age: a number without days, weeks, months or years (AGE_UNIT_MISSING)",
        ),
        (
            {"age": "45 y", "sex": "M", "pregnancy": "T2", "platelets": "80 10^9/L"},
            "pregnancy: stated of a man (PREGNANCY_CONFLICT)",
        ),
        (
            {"age": "45 y", "sex": "M", "hemoglobin": "8.8 g/dL", "platelets": "80 mg/dL"},
            "platelets: its unit does not fit this quantity, or can mean two different things (UNIT_CONFUSABLE)",
        ),
        (
            {"age": "45 y", "sex": "M", "hemoglobin": "8.8 g/dL", "platelets": "80 zorks"},
            "platelets: its unit is not known for this quantity (UNIT_UNKNOWN)",
        ),
        (
            {"age": "45 y", "sex": "M", "hemoglobin": "8.8", "platelets": "80"},
            "hemoglobin and platelets: sent without a unit, and none is guessed (UNIT_MISSING)",
        ),
        ({"age": "45 y", "sex": "F"}, "record: nothing was sent (NO_RESULT)"),
    ],
)  # fmt: skip
def test_why_something_is_unknown_is_said(record: dict[str, str], said: str) -> None:
    assert said in cbc.screen(record).remarks


def test_every_form_says_it() -> None:
    result = cbc.screen(CLOTTED)
    assert SAID in " ".join(result.explain().split())
    assert SAID.replace("'", "&#39;") in result._repr_html_()
    assert SAID in result.to_dict()["remarks"]


def test_a_count_of_which_all_is_known_has_no_remark() -> None:
    whole = {"age": "45 y", "sex": "F", "hemoglobin": "130 g/L", "neutrophils": "3.2 10^9/L", "platelets": "210 10^9/L"}
    assert cbc.screen(whole).remarks == ()


def test_a_compact_result_has_the_reasons_alone() -> None:
    result = cbc.screen(CLOTTED, compact=True)
    assert result.remarks == ()
    assert ("platelets", Reason.SPECIMEN_SUSPECT) in result.reasons


def test_where_no_line_can_be_told_the_summary_says_why() -> None:
    summary = cbc.screen({**CLOTTED, "sex": "M"}).summary
    assert summary == (
        "No line is definitely low; pancytopenia not excluded: red, white and platelet lines unknown. "
        "Hemoglobin, neutrophils and platelets: marked by its sender as unreliable (clotted, clumped, hemolyzed, too little "
        "blood, somebody else's sample) or taken back."
    )
    without = cbc.screen({"age": "45 y", "sex": "M", "mcv": "90 fL"}).summary
    assert without == "No line is definitely low; pancytopenia not excluded: red, white and platelet lines unknown."
