"""How far a stated lower limit may lie from those of the set: of all ages and sexes, and of an analyte that has none."""

from __future__ import annotations

from cbc_screen.kernel.configuration import Configuration
from cbc_screen.kernel.configure import build_kernel
from cbc_screen.knowledge import load_knowledge


def test_from_the_least_to_the_most_of_the_set() -> None:
    limits = build_kernel(load_knowledge(), Configuration()).limits
    lower = [
        row.lower
        for row in load_knowledge().intervals("default")
        if row.analyte == "platelets" and row.lower is not None
    ]
    assert limits.believed_lower("platelets", 2.0) == (min(lower) / 2, max(lower) * 2)


def test_where_the_set_has_no_limit_there_is_none_to_believe() -> None:
    assert build_kernel(load_knowledge(), Configuration()).limits.believed_lower("gestation_at_birth", 2.0) is None
