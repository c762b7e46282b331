"""Write docs/reasons.md: why something is unknown, in the words of an answer, and what can be done about it.

Usage: python tools/write_reasons.py
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from cbc_screen.knowledge import Knowledge, load_knowledge  # noqa: E402
from cbc_screen.knowledge.answer_texts import ReasonText  # noqa: E402
from cbc_screen.vocabulary import NOTICE, Reason  # noqa: E402

PAGE = ROOT / "docs" / "reasons.md"
_BEGINNING = f"""# Reasons

Written from `reference_ranges/answer_texts.yaml` by `tools/write_reasons.py`. {NOTICE}

`reasons` says of each row what is unknown and why, as `hemoglobin:UNIT_MISSING`; the same words are in the summary of a scan and beside
rejected rows. A result of one record has them as sentences too (`remarks`). A reason is not an answer: a result that has one is carried on
as every value that it may be. In Python they are `cbc_screen.Reason`.
"""


def page(knowledge: Knowledge) -> str:
    """Return the whole page."""
    groups = knowledge.answer_texts.reasons
    return "\n".join([_BEGINNING, *(line for of, own in groups.items() for line in _table(of, own))])


def _table(of: str, own: Mapping[Reason, ReasonText]) -> list[str]:
    does = any(text.to_do for text in own.values())
    head = (
        ["| reason | what it says | what to do |", "|---|---|---|"]
        if does
        else ["| reason | what it says |", "|---|---|"]
    )
    rows = [_row(reason, text, does=does) for reason, text in own.items()]
    return [f"## Of {of}", "", *head, *rows, ""]


def _row(reason: Reason, text: ReasonText, *, does: bool) -> str:
    said = f"{text.text} ({text.more})" if text.more else text.text
    return f"| `{reason}` | {said} |" + (f" {text.to_do} |" if does else "")


if __name__ == "__main__":
    PAGE.write_text(page(load_knowledge()), encoding="utf-8")
