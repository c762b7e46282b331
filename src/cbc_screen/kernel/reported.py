"""A range that was reported with a result: whether it can be one of that quantity."""

from __future__ import annotations

from cbc_screen.kernel.program import Builder, Op
from cbc_screen.knowledge.printed_limits import PrintedLimits


def reported_is_wrong(
    b: Builder, printed: PrintedLimits, analyte: str, theirs: tuple[int, int], ours: tuple[int, int]
) -> int:
    """Tell whether reported limits are upside down, or too far from those of the set; the nodes of lower and upper of each."""
    factor = b.number(printed.of(analyte))
    # A limit that came alone is laid beside the other one of the set, and must leave room between.
    laid = [b.select(b.present(r), r, o) for r, o in zip(theirs, ours, strict=True)]
    wrong = b.at_most(laid[1], laid[0])
    for limit, own in zip(theirs, ours, strict=True):
        near = b.both(
            b.at_most(own, b.arithmetic(Op.MULTIPLY, limit, factor)),
            b.at_most(limit, b.arithmetic(Op.MULTIPLY, own, factor)),
        )
        # A limit of 0 has no factor, and an absent one nothing to compare with.
        comparable = b.both(b.present(limit), b.less(b.number(0.0), own))
        if analyte in printed.few and limit is theirs[0]:
            comparable = b.both(comparable, b.less(b.number(0.0), limit))
        wrong = b.either(wrong, b.both(comparable, b.negate(near)))
    return wrong
