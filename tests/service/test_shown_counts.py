"""Which counts the cards of a hook are about: the last ones, and what those leave untold."""

from __future__ import annotations

import httpx
import pytest
from test_hooks import LOW, USUAL, cards_of

from cbc_screen.service.cards import markdown


def test_a_line_that_the_last_count_does_not_tell_is_shown_from_the_one_before(client: httpx.Client) -> None:
    bleeding = {"hemoglobin": "14.0 g/dL", "neutrophils": "4.1 10^9/L", "platelets": "8 10^9/L"}
    last, before = cards_of(client, {"2024-06-19": bleeding, "2024-06-20": {"hemoglobin": "14.0 g/dL"}})
    assert (last["indicator"], before["indicator"]) == ("info", "critical")
    assert "not the last count: the last that tells the platelet line" in before["detail"]
    assert f"Collected: {markdown('2024-06-19')}" in before["detail"]
    assert "not the last count" not in last["detail"]


@pytest.mark.parametrize(
    ("last", "cards"),
    [
        ({"hemoglobin": "13.5 g/dL", "neutrophils": "4.0 10^9/L", "platelets": "8 10^9/L"}, 1),  # all is told
        ({"hemoglobin": "13.5 g/dL", "neutrophils": "4.0 10^9/L", "platelets": "250 zorks"}, 2),  # sent, and not told
        ({"neutrophils": "4.0 10^9/L"}, 2),  # two lines of one count
    ],
)
def test_a_count_before_is_shown_once_and_only_for_what_is_not_told(
    client: httpx.Client, last: dict[str, str], cards: int
) -> None:
    assert len(cards_of(client, {"2024-06-19": LOW, "2024-06-20": last})) == cards


def test_a_line_that_was_not_low_is_left_where_it_was(client: httpx.Client) -> None:
    (card,) = cards_of(client, {"2024-06-19": USUAL, "2024-06-20": {"hemoglobin": "13.5 g/dL"}})
    assert "not the last count" not in card["detail"]


ZONES = [
    # When a count without anything to review was taken, when a low one, and whether a card must show it.
    ("2024-06-20T23:00:00", "2024-06-20T22:30:00Z", True),  # 23:00 in Berlin is 21:00 in UTC
    ("2024-06-20T22:30:00Z", "2024-06-20T23:00:00", True),
    ("2024-06-20T22:30:00Z", "2024-06-20T10:31:00", True),  # 10:31 twelve hours west of UTC is 22:31
    ("2024-06-20T22:30:00Z", "2024-06-20T10:29:00", False),  # nowhere on earth is it later
    ("2024-06-21T12:29:00", "2024-06-20T22:30:00Z", True),  # 14 hours east it was 22:29
    ("2024-06-21T12:31:00", "2024-06-20T22:30:00Z", False),
    ("2024-06-20T23:00:00", "2024-06-20T22:30:00", False),  # of one clock
]


@pytest.mark.parametrize(("usual", "low", "shown"), ZONES)
def test_an_hour_without_a_zone_hides_no_count_that_may_be_later(
    client: httpx.Client, usual: str, low: str, shown: bool
) -> None:
    assert (len(cards_of(client, {usual: USUAL, low: LOW})) >= 1) == shown


def test_a_count_of_no_known_time_tells_no_line_of_those_that_have_one(client: httpx.Client) -> None:
    """Platelets of 8 yesterday, hemoglobin alone today, and a count of some month with usual platelets."""
    counts = {
        "2024-06-19": {"hemoglobin": "14.0 g/dL", "neutrophils": "4.1 10^9/L", "platelets": "8 10^9/L"},
        "2024-06-20": {"hemoglobin": "14.0 g/dL"},
        "2024-06": USUAL,
    }
    shown = [card for card in cards_of(client, counts) if card["indicator"] == "critical"]
    assert ["not the last count: the last that tells the platelet line" in card["detail"] for card in shown] == [True]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("0001-01-01T05:00:00", "2024-06-20T22:30:00Z"),
        ("0001-01-01T05:00:00Z", "2024-06-20T22:30:00"),
        ("9999-12-31T23:00:00", "2024-06-20T22:30:00Z"),
        ("0001-01-01T00:00:00+14:00", "2024-06-20T22:30:00"),
    ],
)
def test_the_first_and_the_last_hours_of_the_calendar_are_compared(
    client: httpx.Client, first: str, second: str
) -> None:
    assert len(cards_of(client, {first: USUAL, second: LOW})) >= 1
