"""Presentations that a hematologist would judge at once: how many come out as expected.

Usage: python benchmarks/presentations.py FILE

FILE is a YAML list: `name`, `record`, and `expect` with any of `condition` (one or several
names) with `place_at_most`, `shown`, `not_listed`, `not_in_fits`, `checklist: empty`, and
`urgency`, `pattern`, `severity`, `blood_criteria`, `borderline`. A place is the index in
`checklist`; shown is before the fold. Prints each presentation that does not come out, with why.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from answers import Answer, heading, screen

import cbc_screen as cbc

OR_WORSE = " or worse"
SEVERITIES = ("none", "mild", "moderate", "severe", "very_severe")


def names_of(expected: Any) -> list[str]:
    """Return one name, or several, as a list."""
    return [expected] if isinstance(expected, str) else list(expected)


def wrong_places(expect: Mapping[str, Any], answer: Answer) -> Iterator[str]:
    """Say what is not as expected in the list."""
    wanted = names_of(expect.get("condition", []))
    place = answer.place(wanted)
    if "place_at_most" in expect and (place is None or place > expect["place_at_most"]):
        before = ", ".join(answer.listed[:3]) or "nothing"
        yield f"{' or '.join(wanted)} at {place or 'no place'}, not within {expect['place_at_most']} (first: {before})"
    if wanted and "place_at_most" not in expect and expect.get("shown") is not True:
        raise SystemExit(f"a condition needs place_at_most or shown: {wanted}")
    shown = wanted if expect.get("shown") is True else names_of(expect.get("shown", []))
    for name in shown:
        if name not in answer.before_fold:
            yield f"{name} is not before the fold"
    for name in names_of(expect.get("not_listed", [])):
        if name in answer.listed:
            yield f"{name} is listed"
    for name in names_of(expect.get("not_in_fits", [])):
        # Without groups, what stands first is what fits.
        if answer.groups.get(name, "fits" if name in answer.listed[:5] else "") == "fits":
            yield f"{name} is among what fits"
    if expect.get("checklist") == "empty" and answer.listed:
        yield f"the list is not empty: {', '.join(answer.listed[:5])}"


def wrong_words(expect: Mapping[str, Any], answer: Answer) -> Iterator[str]:
    """Say what is not as expected beside the list."""
    for name in ("urgency", "pattern", "blood_criteria", "borderline", "severity"):
        if name not in expect:
            continue
        wanted, found = expect[name], answer.flags.get(name)
        if name == "severity" and wanted.endswith(OR_WORSE):
            least = SEVERITIES.index(wanted.removesuffix(OR_WORSE))
            right = found in SEVERITIES[least:]
        else:
            right = found == wanted
        if not right:
            yield f"{name} is {found}, not {wanted}"


def main() -> None:
    """Print what does not come out, and how many do."""
    presentations = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
    screener = cbc.Screener()
    heading(f"{len(presentations)} presentations")
    right = 0
    for presentation in presentations:
        answer = screen(screener, presentation["record"])
        wrong = [*wrong_places(presentation["expect"], answer), *wrong_words(presentation["expect"], answer)]
        right += not wrong
        if wrong:
            print(f"  {presentation['name']}: {'; '.join(wrong)}")
    print(f"as expected: {right} of {len(presentations)}")


if __name__ == "__main__":
    main()
