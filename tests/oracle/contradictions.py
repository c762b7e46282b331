"""Results of one count that cannot all be true, and what the neutrophils can then be."""

from __future__ import annotations

import random
from collections.abc import Sequence

from oracle.truth import ANYTHING, HUNDRED, ONE, Interval, Truth, at_most, point, times

ABOVE, PERCENTAGE, TOO_FEW, TOO_MANY, AS_COUNTS = KINDS = (
    "neutrophils above white cells",
    "another percentage",
    "parts that add up to far less",
    "parts that add up to far more",
    "percentages as counts",
)
OTHER_PARTS = ("lymphocytes", "monocytes", "eosinophils", "basophils")
SENT = {TOO_FEW: OTHER_PARTS, TOO_MANY: OTHER_PARTS, AS_COUNTS: OTHER_PARTS}  # besides neutrophils and white cells
# Of the white cells in tenths of a percent: neutrophils, and the other parts in their order.
SHARES = {TOO_FEW: (50, 100, 20, 10, 5), TOO_MANY: (300, 1500, 100, 40, 10)}
HUNDREDTHS = (62, 30, 5, 2, 1)


def contradict(values: dict[str, int], pick: random.Random) -> str:
    """Change drawn values so that they contradict each other in one of the ways there are."""
    kind = pick.choice(KINDS)
    # Neither beyond belief, where a result says nothing and others stand in, nor near 100, where parts that add up
    # to 100 may be counts after all.
    wbc = min(values["wbc"] if kind == ABOVE else max(values["wbc"], 6 * ONE), 50 * ONE)
    values |= {"wbc": wbc, "bands_percent": 0, "lymphocytes_percent": -1}
    if kind == ABOVE:
        values["neutrophils"] = wbc * pick.choice((130, 200, 500)) // 100
    elif kind == PERCENTAGE:
        few = pick.random() < 0.5
        values |= {"lymphocytes": -1, "neutrophils": wbc * (5 if few else 90) // 100}
        values["neutrophils_percent"] = (80 if few else 10) * ONE
    else:
        wholes = [ONE * share for share in HUNDREDTHS]
        parts = wholes if kind == AS_COUNTS else [wbc * share // 1_000 for share in SHARES[kind]]
        values |= dict(zip(("neutrophils", *OTHER_PARTS), parts, strict=True)) | {"neutrophils_percent": -1}
    return kind


def worlds_of(kind: str, truth: Truth) -> Sequence[Interval] | None:
    """Return what the neutrophils can be; None where the judge sees it by itself."""
    # Many differentials have four kinds: basophils that were not sent are none.
    asked = [name for name in SENT.get(kind, ()) if name != "basophils" or name in truth.values]
    needed = [truth.values.get(name) for name in ("neutrophils", "wbc", *asked)]
    if any(value is None or value.low != value.high for value in needed):
        return None  # one of them says too little to contradict the others
    neutrophils, wbc = truth.values["neutrophils"], truth.values["wbc"]
    if kind == PERCENTAGE:
        return [neutrophils, times(wbc, truth.values["neutrophils_percent"], HUNDRED)]
    if kind == TOO_FEW:  # cells were told apart that are not listed, neutrophils perhaps among them
        return [Interval(neutrophils.low, wbc.high)]
    if kind == TOO_MANY:
        return [at_most(ANYTHING, wbc.high), point(neutrophils.low)]
    return [ANYTHING] if kind == AS_COUNTS else None
