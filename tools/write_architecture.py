"""Write the table of rooms and the walk into docs/architecture.md.

Usage: python tools/write_architecture.py
"""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/architecture.md"


def page(text: str) -> str:
    """Return the page with its two parts as the code has them."""
    walk = runpy.run_path(str(ROOT / "tools/walk.py"), run_name="tools")["walk"]
    text = between(text, "rooms", "\n".join(rooms()))
    return between(text, "walk", "\n".join(["```text", *walk(), "```"]))


def rooms() -> Iterator[str]:
    """Write the table of rooms, from the ground up."""
    house = runpy.run_path(str(ROOT / "tests/test_architecture.py"), run_name="tests")["HOUSE"]
    for part, own in house.items():
        yield from ("", f"**{part}**", "", "| room | holds | imports |", "|---|---|---|")
        for name, entry in own.items():
            yield f"| `{name}` | {entry.holds} | {', '.join(sorted(entry.imports))} |"
    yield ""


def between(text: str, name: str, own: str) -> str:
    """Put a part between its two marks."""
    begin, end = f"<!-- {name} -->\n", f"\n<!-- end of {name} -->"
    before, _, rest = text.partition(begin)
    return f"{before}{begin}{own}{end}{rest.partition(end)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
