"""A result that stands in several cells of a row: a number and the text it was made of, a sign beside it, remarks."""

from __future__ import annotations

from collections.abc import Collection

APART = " | "  # between two values of one result that differ: no reader takes them for one


def same_value(first: str, second: str, nothing: Collection[str]) -> str:
    """Return what two cells say of one result: a text stands over the number made of it; two that differ stay two.

    >>> same_value("200", "<200", {""}), same_value("8", "250", {""}), same_value("8.0", "8", {""})
    ('<200', '8 | 250', '8.0')
    """
    if second.upper() in nothing or first == second:
        return first
    if first.upper() in nothing:
        return second
    numbers = number_of(first), number_of(second)
    if numbers[0] is None and numbers[1] is None:
        return first if _plain(first) == _plain(second) else f"{first}{APART}{second}"
    if numbers[0] is None or numbers[1] is None:
        return second if numbers[1] is None else first
    return first if numbers[0] == numbers[1] else f"{first}{APART}{second}"


def signed(value: str, sign: str, signs: Collection[str]) -> str:
    """Return a value with the sign that stands in a cell of its own; what is no sign stands behind it, as a remark would.

    >>> signed("200", "<", ["<"]), signed("200", "see film", ["<"]), signed("", "<", ["<"])
    ('< 200', '200 see film', '')
    """
    if not value or not sign:
        return value
    return f"{sign} {value}" if sign.upper() in signs else f"{value} {sign}"


def both_remarks(first: str, second: str) -> str:
    """Return two remarks as one."""
    return "\n".join(filter(None, dict.fromkeys((first, second))))


def number_of(text: str) -> float | None:
    """Return the number that a text is and no more, or None."""
    try:
        return float(text) if text.isascii() else None
    except ValueError:
        return None


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()
