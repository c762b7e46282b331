"""Which remarks take a result back, by a few made-up words: what is denied, how far a denial goes, where it ends."""

from __future__ import annotations

import pytest

from cbc_screen.knowledge.parse import parse_yaml
from cbc_screen.knowledge.taken_back import TakenBack, load_taken_back

WORDS = """
phrases: [do not use]
of_an_earlier_one: [disregard previous]
words: [clots, clotted, fibrin]
subjects: [sample, tube]
found: [seen]
denied: ["no", not]
between: [in, the, were]
turning: [but]
joining: [or]
of_all: [wrong tube]
samples: [sample, tube]
asked: [check for]
most_words: 2
whole: [froz]
"""


def taken_back() -> TakenBack:
    return load_taken_back(
        parse_yaml(WORDS, "text_results.yaml"), {"凝固": "clotted", "QNS": "insufficient", "溶血": "hemolyzed"}
    )


@pytest.mark.parametrize(
    "remark",
    [
        "Do not use",
        "FROZ",
        "Clots",
        "Sample clotted",
        "Sample hemolyzed or clotted",  # nothing was denied before the "or"
        "No clots in the tube but fibrin",
        "No clots, fibrin in the tube",  # no "or" behind the comma: the denial ends there
        "凝固",
        "tube 凝固(+), 再採血",
        "please redraw, qns",
    ],
)
def test_a_remark_takes_its_result_back(remark: str) -> None:
    assert taken_back().says(remark) is True


@pytest.mark.parametrize(
    "remark",
    [
        "Disregard previous",
        "No clots in the tube",
        "No clots, fibrin or clumps in the tube",  # the denial goes on to "or"
        "Clots in the tube were not seen",
        "Tube: clots not seen",
        "Check for clots in the tube",
        "凝固(-)",
        "凝固なし",
        "凝固 -",
        "溶血",
    ],
)
def test_a_remark_leaves_its_result(remark: str) -> None:
    assert taken_back().says(remark) is False
