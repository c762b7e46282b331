"""Renew what is written from the data: the manifest, and every generated page.

Usage: python tools/renew.py DATA_VERSION

DATA_VERSION is the one that stands in reference_ranges/manifest.yaml, or the next one where an answer changes. The answers that
are kept for their version are renewed by themselves (tools/answers_gate.py --renew), and names by tools/write_names.py.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
PAGES = (
    "reference",
    "glossary",
    "conditions",
    "columns",
    "reasons",
    "open_questions",
    "hazards",
    "architecture",
    "schemas",
)


def main(arguments: list[str]) -> int:
    """Run one after another; stop at the first that fails."""
    if len(arguments) != 1:
        raise SystemExit(__doc__)
    steps = [["update_manifest.py", *arguments], *([f"write_{page}.py"] for page in PAGES)]
    return next((code for step in steps if (code := _run(step))), 0)


def _run(step: list[str]) -> int:
    return subprocess.run([sys.executable, str(TOOLS / step[0]), *step[1:]], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
