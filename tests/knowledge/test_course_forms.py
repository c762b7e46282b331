"""Courses of earlier counts as their table writes them, and the numbers that a course may not have."""

from __future__ import annotations

import pytest
from small_tables import analytes, table

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge.courses import Course, CourseRule, Cycles, Difference, SerialNames, load_courses
from cbc_screen.vocabulary import Threshold

NAMES = SerialNames("made_up_band", frozenset())


def courses(form: str) -> dict[str, Course]:
    text = f"findings: []\ncourses:\n  - {{id: made_up, text: made up, {form}, threshold: project, source: own}}\n"
    found, shown = load_courses(table(text), analytes(), {}, {"own"}, NAMES)
    assert shown == {}
    return found


@pytest.mark.parametrize(
    ("form", "rule"),
    [
        ("fall: {analyte: hemoglobin, by: 2, unit: g/dL, days: 9}", Difference("hemoglobin", False, 20.0, None, 9)),
        ("rise: {analyte: hemoglobin, by: 2, unit: g/L, days: 9}", Difference("hemoglobin", True, 2.0, None, 9)),
        ("fall: {analyte: wbc, share: 0.25, days: 1}", Difference("wbc", False, None, 0.25, 1)),
        ("rise: {analyte: wbc, share: 1, days: 1}", Difference("wbc", True, None, 1.0, 1)),
        (
            "cycles: {analyte: wbc, below: 1, between: 2, unit: 10^9/L, troughs: 3, at_least: 1, at_most: 1}",
            Cycles("wbc", 1.0, 2.0, 3, 1, 1),
        ),
    ],
)
def test_a_course_as_its_table_writes_it(form: str, rule: CourseRule) -> None:
    assert courses(form) == {"made_up": Course("made_up", "made up", rule, Threshold.PROJECT, "own")}


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("fall: {analyte: wbc, share: 0, days: 1}", "share: must be above 0"),
        ("rise: {analyte: wbc, share: 0, days: 1}", "share: must be above 0"),
        ("fall: {analyte: wbc, share: 1, days: 1}", "share: must be above 0, and of a fall below 1"),
        (
            "cycles: {analyte: wbc, below: 1, between: 2, unit: 10^9/L, troughs: 3, at_least: 0, at_most: 5}",
            "at_least: must be a day or more, and no more than at_most",
        ),
        (
            "cycles: {analyte: wbc, below: 1, between: 2, unit: 10^9/L, troughs: 3, at_least: 6, at_most: 5}",
            "at_least: must be a day or more, and no more than at_most",
        ),
    ],
)
def test_numbers_that_a_course_may_not_have(form: str, told: str) -> None:
    with pytest.raises(KnowledgeError, match=told):
        courses(form)
