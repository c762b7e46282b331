"""Write docs/hazards.md from tests/hazards.yaml.

Usage: python tools/write_hazards.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "hazards.yaml"
PAGE = ROOT / "docs" / "hazards.md"
HEAD = """# Hazards

What could harm a patient through this program, what stands against it, and which test fails where that is lost. Written from
`tests/hazards.yaml` by `tools/write_hazards.py`; `tests/test_hazards.py` holds every file and every test to what is there. It is a
project's own list: whoever puts the program into use adds those of the place.

| hazard | cause | control | where | test |
|---|---|---|---|---|
"""


def hazards() -> list[dict[str, Any]]:
    """Return the hazards as they are kept."""
    found: list[dict[str, Any]] = yaml.safe_load(DATA.read_text(encoding="utf-8"))["hazards"]
    return found


def page() -> str:
    """Return the page."""
    rows = []
    for one in hazards():
        files = "<br>".join(f"`{name}`" for name in one["files"])
        tests = "<br>".join(f"`{name}`" for name in one["tests"])
        rows.append(f"| {one['hazard']} | {one['cause']} | {one['control']} | {files} | {tests} |\n")
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
