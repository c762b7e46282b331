"""A set of reference ranges that was released says the same for ever."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))

import freeze_sets  # noqa: E402

# Worked out with sha256sum, apart from the file of frozen sets.
KNOWN = {
    "arup": "788e5672208e1754096cabe95744af66ac13bb78dbfe68aa1c71fac51ad46376",
    "default_v1": "c37ce300ec3924f8d0c4174add77f95a088fe70478a71a20259c16b4daf29e55",
}


def test_released_sets_keep_their_hashes() -> None:
    """A set that is to say something else gets another id: see tools/freeze_sets.py."""
    found = freeze_sets.faults(freeze_sets.frozen(), freeze_sets.hashes())
    assert not found, "\n".join(found)


def test_what_is_frozen_is_not_frozen_anew() -> None:
    frozen = freeze_sets.frozen()
    assert {name: frozen[name] for name in KNOWN} == KNOWN
    assert len(frozen) >= 45


def test_every_set_that_the_default_stands_on_is_frozen() -> None:
    sets = yaml.safe_load((ROOT / "reference_ranges" / "intervals" / "sets.yaml").read_text(encoding="utf-8"))
    used = {*sets["default"], *(entry["set"] for entry in (*sets["closer"], *sets["differing"]))}
    assert used <= set(freeze_sets.frozen()), "a set of the default is not frozen: python tools/freeze_sets.py --add"


def test_a_changed_a_missing_and_a_new_set(tmp_path: Path) -> None:
    folder = tmp_path / "intervals"
    shutil.copytree(freeze_sets.SETS, folder)
    before = freeze_sets.hashes(folder)
    text = (folder / "arup.csv").read_text(encoding="utf-8")
    (folder / "arup.csv").write_text(text + "\n", encoding="utf-8")
    (folder / "lima.csv").unlink()
    (folder / "lima_v2.csv").write_text("new", encoding="utf-8")
    found = freeze_sets.faults(before, freeze_sets.hashes(folder))
    assert [fault.split(":")[0] for fault in found] == ["arup", "lima"]
    assert "another id" in found[0]
