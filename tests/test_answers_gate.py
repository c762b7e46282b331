"""Answers change only with a new data version and an entry that says whose; tools/answers_gate.py holds them."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import cbc_screen as cbc

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import answers_gate as gate  # noqa: E402

OPEN = "# Changelog\n\n## 0.9.0, data 2030.1.1 (2030-01-01)\n\n- Clinical: men of 80.\n\n## 0.8.0, data 2029.1.1\n\n- Faster.\n"
SILENT = OPEN.replace("- Clinical: men of 80.", "- Clinical reviewers are welcome.")
UNDER_A_HEADING = SILENT.replace("- Clinical reviewers", "### Clinical\n\n- Men of 80; reviewers")


def answers(**other: str) -> gate.Answers:
    return gate.Answers({"a": other.get("a", "1"), "b": "2"}, {"case": ("asked", other.get("case", "told"))})


def kept(version: str) -> dict[str, Any]:
    return {"data_version": version, "versions": {version: "x"}, "answers": answers().to_dict()}


def test_the_answers_are_those_kept_of_the_data_version() -> None:
    """Red? See the head of tools/answers_gate.py for what to do."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = gate.faults(gate.kept(), gate.answers(), cbc.__data_version__, changelog)
    assert not found, "\n".join(found)


def test_equal_answers_pass() -> None:
    assert gate.faults(kept("2030.1.1"), answers(), "2030.1.1", SILENT) == []


@pytest.mark.parametrize(
    ("other", "named"), [({"a": "9"}, "changed: column a"), ({"case": "other"}, "changed: case case")]
)
def test_an_answer_that_changes_without_a_new_version_fails_and_is_named(other: dict[str, str], named: str) -> None:
    found = gate.faults(kept("2030.1.1"), answers(**other), "2030.1.1", OPEN)
    assert "needs a new data version" in found[0]
    assert named in found
    with pytest.raises(SystemExit, match="may not change"):
        gate.renewed(kept("2030.1.1"), answers(**other), "2030.1.1", OPEN, unreleased=False)


@pytest.mark.parametrize(("changelog", "said"), [(OPEN, True), (UNDER_A_HEADING, True), (SILENT, False), ("", False)])
def test_a_new_version_needs_its_clinical_entry(changelog: str, said: bool) -> None:
    """Somebody's clinical entry of an earlier version is not enough, and neither is the word."""
    found = gate.faults(kept("2029.1.1"), answers(a="9"), "2030.1.1", changelog)
    assert ("needs a heading" in found[0]) is not said
    if said:
        renewed = gate.renewed(kept("2029.1.1"), answers(a="9"), "2030.1.1", changelog, unreleased=False)
        assert gate.faults(renewed, answers(a="9"), "2030.1.1", changelog) == []
        assert list(renewed["versions"]) == ["2029.1.1", "2030.1.1"]
    else:
        with pytest.raises(SystemExit, match="whose results change"):
            gate.renewed(kept("2029.1.1"), answers(a="9"), "2030.1.1", changelog, unreleased=False)


def test_the_version_that_is_open_may_be_kept_again_and_a_released_one_never() -> None:
    again = gate.renewed(kept("2030.1.1"), answers(a="9"), "2030.1.1", OPEN, unreleased=True)
    assert again["answers"]["columns"]["a"] == "9"
    with pytest.raises(SystemExit, match="another version open"):
        gate.renewed(kept("2029.1.1"), answers(a="9"), "2029.1.1", OPEN, unreleased=True)


def test_a_new_column_and_a_new_case_change_no_answer_and_are_to_be_kept() -> None:
    more = gate.Answers({**answers().columns, "c": "3"}, {**answers().cases, "new": ("q", "a")})
    assert gate.changes(kept("2030.1.1")["answers"], more) == []
    found = gate.faults(kept("2030.1.1"), more, "2030.1.1", SILENT)
    assert found[1:] == ["new: column c", "new or asked otherwise: case new"]
    assert gate.renewed(kept("2030.1.1"), more, "2030.1.1", SILENT, unreleased=False)["answers"] == more.to_dict()


def test_a_column_that_is_gone_is_a_change() -> None:
    less = gate.Answers({"a": "1"}, answers().cases)
    assert "gone: column b" in gate.faults(kept("2030.1.1"), less, "2030.1.1", OPEN)


def test_the_table_is_the_same_everywhere() -> None:
    """Worked out once; another digest means that the questions changed, and with them every answer."""
    table = gate.rows(50)
    assert gate.digest(table.to_pydict()) == "75d7cedb4008067f"
    assert table.num_columns == 3 + len(gate.RESULTS)


def test_the_table_has_every_pattern_many_times() -> None:
    flags = cbc.screen_frame(gate.rows(4_000))
    counts = flags.column("pattern").value_counts().to_pylist()
    assert min(entry["counts"] for entry in counts) >= 50
    assert len(counts) == 5


def test_one_answer_of_one_row_moves_the_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    flags = cbc.screen_frame(gate.rows(30))
    monkeypatch.setattr(gate, "SETTINGS", ({},))
    monkeypatch.setattr(gate, "cbc", SimpleNamespace(Screener=lambda: SimpleNamespace(screen_frame=lambda _: flags)))
    before = gate.of_columns(gate.rows(30))
    place = flags.column_names.index("urgency")
    words = flags.column("urgency").to_pylist()
    words[17] = "none" if words[17] != "none" else "routine"
    import pyarrow as pa

    flags = flags.set_column(place, "urgency", pa.array(words))
    after = gate.of_columns(gate.rows(30))
    assert [name for name in before if before[name] != after[name]] == ["default+default: urgency"]


def test_the_command_is_the_one_that_the_page_names() -> None:
    page = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
    assert "python tools/answers_gate.py --renew" in page
    assert runpy.run_path(str(ROOT / "tools" / "answers_gate.py"), run_name="tools")["ROWS"] == 20_000
