"""Arithmetic on value intervals of quantities that are 0 or more."""

from __future__ import annotations

from collections.abc import Callable

from cbc_screen.kernel.program import Builder, Interval, Op

_SELDOM_SENT = "basophils"  # many differentials have four kinds
_RARER = ("bands", "immature_granulocytes", "blasts")
_PLACES = 1e9
# Added and taken away, it leaves a whole number: beside it no fraction has a place. Infinity stays what it is.
_ROUNDS = float.fromhex("0x1.8p52")
DIFFERENTIAL = ("neutrophils", "lymphocytes", "monocytes", "eosinophils", "basophils")


def multiplied(b: Builder, x: Interval, y: Interval) -> Interval:
    """Return x y."""
    return Interval(b.arithmetic(Op.MULTIPLY, x.low, y.low), b.arithmetic(Op.MULTIPLY, x.high, y.high))


def divided(b: Builder, x: Interval, y: Interval) -> Interval:
    """Return x / y."""
    return Interval(b.arithmetic(Op.DIVIDE, x.low, y.high), b.arithmetic(Op.DIVIDE, x.high, y.low))


def scaled(b: Builder, x: Interval, op: Op, constant: float) -> Interval:
    """Return x times (or divided by) a constant of arithmetic."""
    return Interval(b.arithmetic(op, x.low, b.number(constant)), b.arithmetic(op, x.high, b.number(constant)))


def decimal(b: Builder, x: Interval, over: float = 1.0) -> Interval:
    """Return what was worked out, over a power of ten, as the nearest number to its decimal, where that has up to nine places.

    4.5 x 0.6 % of 10^12/L is 27, and not the 26.999999999999996 that two roundings leave, which would lie below a
    limit of 27. All that is worked out and compared with a limit passes here.
    """
    if b.absent(x.low) and b.absent(x.high):
        return x
    whole = scaled(b, x, Op.MULTIPLY, _PLACES)
    whole = scaled(b, scaled(b, whole, Op.ADD, _ROUNDS), Op.SUBTRACT, _ROUNDS)
    return scaled(b, whole, Op.DIVIDE, _PLACES * over)


def added(b: Builder, x: Interval, y: Interval) -> Interval:
    """Return x + y."""
    return Interval(b.arithmetic(Op.ADD, x.low, y.low), b.arithmetic(Op.ADD, x.high, y.high))


def differences(b: Builder, x: Interval, y: Interval) -> Interval:
    """Return |x - y|."""
    if b.absent(x.low) or b.absent(y.low):
        return Interval(b.nan(), b.nan())
    over = b.step(Op.SUBTRACT, x.low, y.high)
    under = b.step(Op.SUBTRACT, y.low, x.high)
    low = b.step(Op.LARGER, b.step(Op.LARGER, over, under), b.number(0.0))
    high = b.step(Op.LARGER, b.step(Op.SUBTRACT, x.high, y.low), b.step(Op.SUBTRACT, y.high, x.low))
    return Interval(low, high)


def gap(b: Builder, name: str, x: Interval, y: Interval) -> Interval:
    """Return how far two results of one quantity lie apart: the number, or its share of the larger."""
    return decimal(b, _gap(b, name, x, y))


def _gap(b: Builder, name: str, x: Interval, y: Interval) -> Interval:
    apart = differences(b, x, y)
    if name.endswith("_gap"):
        return apart
    if b.absent(apart.low):
        return apart
    larger = Interval(b.step(Op.LARGER, x.low, y.low), b.step(Op.LARGER, x.high, y.high))
    return scaled(b, divided(b, apart, larger), Op.MULTIPLY, 100.0)


def quantity(b: Builder, name: str, value: Callable[[str], Interval]) -> Interval:
    """Return a named quantity; the numbers here convert units and nothing else."""
    return decimal(b, _quantity(b, name, value))


def _quantity(b: Builder, name: str, value: Callable[[str], Interval]) -> Interval:
    match name:
        case "mentzer_index":
            return divided(b, value("mcv"), value("rbc"))
        case "mchc_from_counts":
            return divided(b, value("hemoglobin"), value("hematocrit"))
        case "rule_of_three_gap":
            tripled = scaled(b, scaled(b, value("hemoglobin"), Op.MULTIPLY, 3.0), Op.DIVIDE, 10.0)
            return differences(b, tripled, scaled(b, value("hematocrit"), Op.MULTIPLY, 100.0))
        case "mcv_gap":
            expected = divided(b, scaled(b, value("hematocrit"), Op.MULTIPLY, 1000.0), value("rbc"))
            return differences(b, expected, value("mcv"))
        case "differential_percent_sum":
            return _sum(b, [value(f"{cell}_percent") for cell in DIFFERENTIAL])
        case "differential_excess":
            return _excess(b, _differential(b, value), value("wbc"))
        case "neutrophils_excess":
            return _excess(b, value("neutrophils"), value("wbc"))
        case "lymphocytes_excess":
            return _excess(b, value("lymphocytes"), value("wbc"))
        case "differential_sum":
            return _differential(b, value)
        case "differential_missing":
            return _more(b, value("wbc"), _counted(b, value))
        case "differential_missing_share":
            return divided(b, scaled(b, _more(b, value("wbc"), _counted(b, value)), Op.MULTIPLY, 100.0), value("wbc"))
        case "differential_excess_count":
            return _more(b, _differential(b, value), value("wbc"))
    raise AssertionError(name)


def _excess(b: Builder, part: Interval, whole: Interval) -> Interval:
    """Return by how many percent a part exceeds its whole."""
    ratio = scaled(b, divided(b, part, whole), Op.MULTIPLY, 100.0)
    return Interval(
        b.arithmetic(Op.SUBTRACT, ratio.low, b.number(100.0)),
        b.arithmetic(Op.SUBTRACT, ratio.high, b.number(100.0)),
    )


def _more(b: Builder, x: Interval, y: Interval) -> Interval:
    """Return x - y."""
    return Interval(b.arithmetic(Op.SUBTRACT, x.low, y.high), b.arithmetic(Op.SUBTRACT, x.high, y.low))


def _counted(b: Builder, value: Callable[[str], Interval]) -> Interval:
    """Return the sum of all white cells that were told apart; the rarer kinds where they were sent."""
    return _with_sent(b, _differential(b, value), _RARER, value)


def _differential(b: Builder, value: Callable[[str], Interval]) -> Interval:
    """Return the sum of the kinds of a differential, the seldom one where it was sent."""
    common = [value(cell) for cell in DIFFERENTIAL if cell != _SELDOM_SENT]
    return _with_sent(b, _sum(b, common), (_SELDOM_SENT,), value)


def _with_sent(b: Builder, total: Interval, cells: tuple[str, ...], value: Callable[[str], Interval]) -> Interval:
    for cell in cells:
        part = value(cell)
        if not b.absent(part.low):
            there = b.present(part.low)
            low, high = (
                b.arithmetic(Op.ADD, end, own) for end, own in ((total.low, part.low), (total.high, part.high))
            )
            total = Interval(b.select(there, low, total.low), b.select(there, high, total.high))
    return total


def _sum(b: Builder, parts: list[Interval]) -> Interval:
    total = parts[0]
    for part in parts[1:]:
        total = added(b, total, part)
    return total
