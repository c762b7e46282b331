"""The exports that the pages of these tests are made of. All of it is synthetic."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

SEED = 20261124

# Answers: three counts whose flags are known by hand.
ANSWERED = [
    ["Sample", "age", "sex", "HGB (g/dL)", "Neutrophils (10^9/L)", "PLT (10^9/L)"],
    ["A", "61 y", "M", "6.8", "0.2", "8"],  # row 2: pancytopenia, immediate
    ["B", "40 y", "F", "9.0", "4.0", "250"],  # row 3: one line, the red one
    ["C", "40 y", "M", "9.0", "4.0", "CLUMPED"],  # row 4: the red line at least; platelets unknown
]

# History: P1 has three counts to review, out of order and around one that has nothing to review.
HISTORY = [
    ["MRN", "collected", "age", "sex", "HGB (g/dL)", "Neutrophils (10^9/L)", "PLT (10^9/L)"],
    ["P1", "2025-03-01", "61 y", "M", "7.5", "0.4", "15"],  # row 2, the newest
    ["P2", "2025-01-15", "35 y", "F", "9.9", "4.0", "250"],  # row 3, somebody else
    ["P1", "2024-06-01", "60 y", "M", "11.0", "4.0", "250"],  # row 4, the oldest
    ["P1", "2024-09-01", "60 y", "M", "14.9", "4.4", "240"],  # row 5, nothing to review
    ["P1", "2024-12-01", "60 y", "M", "9.0", "1.0", "90"],  # row 6, in between
    ["", "2025-01-20", "50 y", "M", "9.0", "4.0", "250"],  # rows 7 and 8: nobody says whose they are
    ["", "2025-02-20", "50 y", "M", "9.0", "4.0", "250"],
]

HOSTILE = [
    "</script><script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    '"><svg onload=window.hacked=1 class=pwned>',
    "' onmouseover='window.hacked=1' id='pwned",
    "<b id=pwned>bold</b>",
    "<a class=pwned href=javascript:window.hacked=1>go</a>",
    "<style>body{display:none}</style>",
    "<iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
    "<form action=https://example.com/><input name=pwned></form>",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\u202e9.1 g/dL\u202c",
    "\u2066left\u2069\u200f\u061cmark",
    "bell\x07escape\x1b[31mred",
    "{{7*7}}",
    "{% raw %}${7*7}#{7*7}",
    "]]>",
    "<!--",
    "--><plaintext>",
    "&lt;b&gt;&#60;",
    "__proto__",
    "W" * 300,
]
HOSTILE_HEADERS = ["<img src=x onerror=window.hacked=1>", "\u202etxt.eltit", "__proto__"]
HOSTILE_FILE = "<img src=x onerror=window.hacked=1 id=pwned>\u202e{{7*7}}"


def write_table(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write a table as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def write_hostile(path: Path) -> None:
    """Write two rows for each hostile text: in every column but the platelets, then in theirs."""
    people = ["Age", "Age unit", "Sex", "Pregnancy", "Birth date", "Collected", "Sample", "MRN"]
    result = ["HGB", "HGB unit", "HGB lower limit", "HGB upper limit", "HGB status"]
    film = ["Blasts on film"]
    header = [*people, *result, *film, *HOSTILE_HEADERS, "PLT (10^9/L)", "WBC (10^9/L)"]
    rows: list[list[str]] = []
    for text in HOSTILE:
        others = len(header) - 2
        rows.append([*[text] * others, "5", "1.0"])
        rows.append(["54", "y", "F", "", "", "2025-01-01", "plain", "plain", "6.0", "g/dL", "11", "15", "final", ""])
        rows[-1] += [text] * len(HOSTILE_HEADERS) + [text, "1.0"]
    write_table(path, [header, *rows])


def write_large(path: Path, rows: int) -> None:
    """Write low counts of many people: every one of them has something to review."""
    chance = random.Random(SEED)
    header = ["Sample", "age", "sex", "HGB (g/dL)", "WBC (10^9/L)", "PLT (10^9/L)"]
    table = [
        [
            f"L{number:05d}",
            f"{chance.randint(18, 90)} y",
            chance.choice("FM"),
            f"{chance.uniform(5, 11):.1f}",
            f"{chance.uniform(0.5, 3.5):.1f}",
            str(chance.randint(5, 130)),
        ]
        for number in range(rows)
    ]
    write_table(path, [header, *table])


def hostile_message() -> str:
    """Return an HL7 message whose every free field is hostile."""
    text = r"<img src=x onerror=window.hacked=1 id=pwned>\T\lt;</script>"
    segments = [
        rf"MSH|^~\&|{text}|{text}|EHR|SITE|20260105||ORU^R01^ORU_R01|1|P|2.5.1",
        f"PID|1||{text}^^^{text}^MR||{text}^{text}||19600229|{text}",
        f"OBR|1|{text}|{text}|CBC^{text}|||202601050915",
        f"OBX|1|NM|HGB^{text}^L||6.1|g/dL|{text}|L|||F",
        f"OBX|2|ST|PLT^{text}^L||{text}|10*9/L|150-400|L|||F",
        "OBX|3|NM|WBC^White cells^L||0.9|10*9/L|4.0-11.0|L|||F",
        f"NTE|1||{text}",
    ]
    return "\r".join(segments) + "\r"
