"""Whether acute leukemia stands before the fold wherever a hematologist would want to see it.

Usage: python benchmarks/leukemia.py

Synthetic counts: every combination of a hemoglobin, white cells, platelets, MCV, age and sex. Acute
leukemia has to be shown: wherever blasts are stated (film, percent or count); wherever two lines are low and no
other entry is supported; in a child with one line at least moderately low that small red cells
do not explain. Other counts are for comparison ("not asked"): borderline ones, whose list stays folded, among
them. Prints what is missed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import product
from typing import Any

from answers import Answer, answer_of, heading, percent

import cbc_screen as cbc

NAME = "acute_leukemia"
HEMOGLOBINS = (60, 85, 105, 118, 140)
WHITE_CELLS = ((0.8, 0.2), (2.4, 0.8), (3.6, 1.3), (7.0, 4.0), (24.0, 14.0))  # WBC, neutrophils
PLATELETS = (8, 35, 80, 130, 250)
VOLUMES = (68, 84, 96)
PEOPLE = (("1 y", "M"), ("4 y", "F"), ("10 y", "M"), ("16 y", "F"), ("30 y", "F"), ("48 y", "M"), ("72 y", "F"))
BLASTS: dict[str, dict[str, Any]] = {
    "on the film": {"film": {"blasts_on_film": "present"}},
    "as a percentage": {"blasts_percent": "30 %"},
    "as a count": {"blasts": "2 10^9/L"},
}
CHILD = 18
MODERATE_OR_WORSE = ("moderate", "severe", "very_severe")
NOT_ASKED = " (not asked)"
LOW_LINES = ("red_line", "white_line", "platelet_line")


def records() -> Iterator[dict[str, Any]]:
    """Yield the counts."""
    for hemoglobin, (wbc, neutrophils), platelets, mcv, (age, sex) in product(
        HEMOGLOBINS, WHITE_CELLS, PLATELETS, VOLUMES, PEOPLE
    ):
        yield {
            "age": age, "sex": sex, "hemoglobin": f"{hemoglobin} g/L", "wbc": f"{wbc} 10^9/L", "mcv": f"{mcv} fL",
            "neutrophils": f"{neutrophils} 10^9/L", "platelets": f"{platelets} 10^9/L",
        }  # fmt: skip


def rules_of(record: dict[str, Any], result: cbc.ScreeningResult, answer: Answer) -> Iterator[str]:
    """Name what makes acute leukemia to be shown in a count without a finding."""
    lines = [line for line in LOW_LINES if answer.flags[line] == "low"]
    if len(lines) >= 2:
        others = [entry.id for entry in result.checklist if entry.support == "supported" and entry.id != NAME]
        yield (
            "two or three lines low, nothing else supported"
            if not others
            else "two or three lines low, another supported"
        )
    elif lines and int(record["age"].split()[0]) < CHILD and answer.flags["severity"] in MODERATE_OR_WORSE:
        small = lines == ["red_line"] and answer.flags["mcv_state"] == "low"
        yield "a child, one line moderately low" + (", small red cells" + NOT_ASKED if small else "")


def main() -> None:
    """Print the shares, and examples of what is missed."""
    screener = cbc.Screener()
    heading("Acute leukemia before the fold")
    asked: Counter[str] = Counter()
    shown: Counter[str] = Counter()
    missed: dict[str, list[str]] = defaultdict(list)
    for number, record in enumerate(records()):
        result = screener.screen(record)
        answer = answer_of(result.flags())
        found = [(rule, answer) for rule in rules_of(record, result, answer)]
        if number % 5 == 0:
            for title, blasts in BLASTS.items():
                found.append((f"blasts {title}", answer_of(screener.screen({**record, **blasts}).flags())))
        for rule, of in found:
            rule += ", borderline" + NOT_ASKED if of.flags.get("borderline") is True else ""
            asked[rule] += 1
            if NAME in of.before_fold:
                shown[rule] += 1
            elif NOT_ASKED not in rule:
                given = " ".join(str(value) for value in record.values())
                missed[rule].append(f"{given}: {', '.join(of.before_fold[:8])}")
    for rule in sorted(asked):
        print(f"{rule:<64}{percent(shown[rule], asked[rule])}")
        for example in missed[rule][:: max(1, len(missed[rule]) // 4)][:4]:
            print(f"    missed: {example}")


if __name__ == "__main__":
    main()
