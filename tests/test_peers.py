"""The table of agreement with other programs notices what differs: criteria written as admiral writes them."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
PEERS = runpy.run_path(str(ROOT / "tools" / "peers.py"), run_name="tools")
NEWBORN = 'compute_duration(start_date = B, end_date = A, trunc_out = TRUE, out_unit = "days", add_one = FALSE) <= 7 | is.na(B)'


def criterion(term: str, limits: dict[int, str], told: str = "") -> dict[str, Any]:
    codes = {
        f"GRADE_{grade}_CODE": f'signif(AVAL, signif_dig) < {limit} ~ "{grade}"' for grade, limit in limits.items()
    }
    return {"TERM": term, "FILTER": told, **codes}


def differences(folder: Path, platelets: dict[int, str]) -> dict[str, int]:
    """Hold criteria for platelets beside CTCAE 5 and the others, which are left without a term that is known."""
    for name in ("ncictcaev4", "ncictcaev6", "DAIDS"):
        (folder / f"{name}.json").write_text(json.dumps([criterion("Weight loss", {1: "5"})]), encoding="utf-8")
    (folder / "ncictcaev5.json").write_text(
        json.dumps([criterion("Platelet count decreased", platelets)]), encoding="utf-8"
    )
    found: dict[str, int] = PEERS["grades"](folder)
    return found


CTCAE = {1: "signif(ANRLO, signif_dig)", 2: "75", 3: "50", 4: "25"}


def test_equal_criteria_do_not_differ(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """12 limits and numbers beside them, for two sexes and 17 ages."""
    assert differences(tmp_path, CTCAE) == {}
    assert "ctcae_v5     platelets         408      408" in capsys.readouterr().out


def test_a_limit_that_is_another_is_told(tmp_path: Path) -> None:
    """50 is grade 2 and not 3 below 50; a table that says 51 differs at 50 alone."""
    found = differences(tmp_path, {**CTCAE, 3: "51"})
    assert {name.split(" ", 3)[-1] for name in found if name.startswith("ctcae_v5 platelets: 40 y")} == {
        "y 50: ours 2, theirs 3"
    }


def test_a_filter_says_for_whom() -> None:
    """Up to seven days; 7 of 365.25 days are no year."""
    rows = PEERS["Criterion"](None, tuple((u, s, float(n)) for u, s, n in PEERS["_AGE"].findall(NEWBORN)), ())
    assert (rows.covers("F", "7 d"), rows.covers("F", "8 d")) == (True, False)
