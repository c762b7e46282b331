"""Moments are numbers: twice the microseconds since 1970, and the form tells how they were written."""

from __future__ import annotations

import pytest

from cbc_screen.arrays import from_texts
from cbc_screen.collect.moments import NO_MOMENT, MomentNumbers
from cbc_screen.ingest.texts import texts_of
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.moment import MomentReader

KNOWLEDGE = load_knowledge()


def numbers_and_forms(*texts: str) -> list[tuple[int, int]]:
    numbers, forms = MomentNumbers(MomentReader(KNOWLEDGE.moments), counted=False).of(texts_of(from_texts(texts)))
    return list(zip(numbers.tolist(), forms.tolist(), strict=True))


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("1970-01-02", -10),
        ("1970-01-02 00:00", 16),
        ("1970-01-02T00:00", -16),
        ("1970-01-02 00:00:00", 19),
        ("1970-01-02T00:00:00", -19),
        ("1970-01-02 00:00:00.0", 21),
        ("1970-01-02T00:00:00.000000", -26),
    ],
)
def test_a_time_in_iso_form_is_told_by_its_number_and_its_length(text: str, form: int) -> None:
    """A day has 86,400,000,000 microseconds; the length is negative where no blank parts the day from the time."""
    assert numbers_and_forms(text) == [(172_800_000_000, form)]


@pytest.mark.parametrize(
    "text", ["19700102000000", "02-Jan-1970 00:00:00", "1970/01/02", "1970-01-02 12:00 AM", "1970-01-02 0:00"]
)
def test_the_same_moment_in_another_form_has_the_same_number(text: str) -> None:
    assert numbers_and_forms(text) == [(172_800_000_000, 0)]


@pytest.mark.parametrize(
    "text", ["1970-01-02T00:00:00Z", "1970-01-02T01:00:00+01:00", "19700101230000-0100", "1970-01-02 1:00 AM +01:00"]
)
def test_a_moment_with_a_zone_is_odd(text: str) -> None:
    assert numbers_and_forms(text) == [(172_800_000_001, 0)]


@pytest.mark.parametrize(
    ("text", "next_hour"), [("2024-01-02 08:60", "2024-01-02 09:00"), ("2024-01-02 08:59:60", "2024-01-02 09:00:00")]
)
def test_sixty_minutes_or_seconds_are_not_the_next_hour(text: str, next_hour: str) -> None:
    (number, form), (other, _) = numbers_and_forms(text, next_hour)
    assert (form, number != other) == (0, True)


def test_moments_in_words_are_moments_and_have_numbers_of_their_own() -> None:
    """They count up from minus the 62nd power of two, where no time of a clock is."""
    found = numbers_and_forms("03/04/2024 08:00", "03/04/2024 09:00")
    assert found == [(-4_611_686_018_427_387_904, 0), (-4_611_686_018_427_387_903, 0)]


@pytest.mark.parametrize("text", ["", "2024", "2024-01", "1900-01-01 00:00:00"])
def test_what_is_not_told_to_the_day_is_no_moment(text: str) -> None:
    assert numbers_and_forms(text) == [(int(NO_MOMENT), 0)]
