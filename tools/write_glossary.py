"""Write docs/glossary.md: the words of this project, what they mean, and what abbreviations stand for.

Usage: python tools/write_glossary.py
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from cbc_screen.knowledge import Knowledge, load_knowledge  # noqa: E402
from cbc_screen.vocabulary import NOTICE  # noqa: E402

PAGE = ROOT / "docs" / "glossary.md"


def page(knowledge: Knowledge) -> str:
    """Return the whole page."""
    own = knowledge.glossary
    return "\n".join(
        [
            "# Words",
            "",
            f"Written from `reference_ranges/glossary.yaml` by `tools/write_glossary.py`. {NOTICE}",
            "",
            "One word has one meaning, in code, data, messages and pages. What each column and each of its words says stands in "
            "[Columns and words](columns.md).",
            "",
            *_table("Terms", "word", "meaning here", own.terms),
            *_table("Abbreviations in sentences", "abbreviation", "written out", own.written_out),
            *_table("Words that are not used here", "word", "in its place", own.not_used),
        ]
    )


def _table(title: str, first: str, second: str, rows: Mapping[str, str]) -> list[str]:
    order = sorted(rows, key=str.casefold)
    return [f"## {title}", "", f"| {first} | {second} |", "|---|---|", *(f"| {n} | {rows[n]} |" for n in order), ""]


if __name__ == "__main__":
    PAGE.write_text(page(load_knowledge()), encoding="utf-8")
