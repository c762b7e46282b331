"""The faults that tools/plant_faults.py plants are still faults of the code as it is."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
FAULTS = runpy.run_path(str(ROOT / "tools" / "plant_faults.py"))["FAULTS"]


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.promise for fault in FAULTS])
def test_a_fault_changes_one_place(fault: Any) -> None:
    assert (ROOT / fault.file).read_text(encoding="utf-8").count(fault.before) == 1
    assert fault.after != fault.before
