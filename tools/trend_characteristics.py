"""How often a trend is told where there is none, and how many falls are found; how often two counts are called changed.

Usage: python tools/trend_characteristics.py [SERIES]

Series of counts at equal steps are made with the variation of reference_ranges/serial/variation.csv, of a level that
falls evenly on the logarithm by a share from the first count to the last, and printed as laboratories print them. The
same rule as in `follow` judges them. "times 1.3" has a person vary 1.3 times as much as is assumed: what is then
called a fall without one is printed, and not hidden. The last table asks how often two counts of a person in a steady
state are called changed; the reference change value says 5 %.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from cbc_screen.knowledge.serial import load_serial  # noqa: E402
from cbc_screen.serial.change import DOWN, UP, compare  # noqa: E402
from cbc_screen.serial.counts import AnalyteValues  # noqa: E402
from cbc_screen.serial.formulas import reference_change  # noqa: E402
from cbc_screen.serial.trend import FALLING, slopes, verdicts  # noqa: E402

SERIES = 20_000
COUNTS, FALLS, TIMES = (3, 4, 5, 8), (0.0, 0.2, 0.3, 0.4), (1.0, 1.3)
DAYS = 360.0


@dataclass(frozen=True)
class Line:
    """A level that is common in adults, and the decimals with which it is printed."""

    analyte: str
    level: float
    decimals: int


LINES = (Line("hemoglobin", 135.0, 0), Line("neutrophils", 4.0, 2), Line("platelets", 250.0, 0))
MORE = (Line("wbc", 6.5, 2), Line("mcv", 90.0, 1), Line("lymphocytes", 2.0, 2), Line("rbc", 4.5, 2))


def made(line: Line, shares: NDArray[np.float64], sigma: float, chance: np.random.Generator) -> NDArray[np.float64]:
    """Return results around a level that has the given shares, as they are printed."""
    spread = chance.normal(0.0, sigma, shares.shape)
    return np.round(line.level * shares * np.exp(spread), line.decimals)


def told_falling(line: Line, counts: int, fall: float, times: float, series: int = SERIES, seed: int = 1) -> float:
    """Return the share of series that are told to fall."""
    rules, chance = load_serial(), np.random.default_rng([seed, counts, int(100 * fall), int(10 * times)])
    sigma = rules.variation[line.analyte].sigma
    steps = np.linspace(0.0, 1.0, counts)
    values = made(line, np.tile((1 - fall) ** steps, (series, 1)), times * sigma, chance).ravel()
    owner = np.repeat(np.arange(series), counts)
    found = slopes(owner, np.tile(DAYS * steps, series), AnalyteValues(values, values), sigma)
    return float((verdicts(found, rules.trend) == FALLING).mean())


def told_changed(line: Line, times: float, series: int = SERIES, seed: int = 1) -> float:
    """Return the share of pairs of counts of a person in a steady state that are called changed."""
    rules, chance = load_serial(), np.random.default_rng([seed, int(10 * times)])
    own = rules.variation[line.analyte]
    pairs = made(line, np.ones((series, 2)), times * own.sigma, chance)
    now, before = (AnalyteValues(pairs[:, place], pairs[:, place]) for place in (1, 0))
    code = compare(now, before, reference_change(own.within, own.measurement, rules.change_z))
    return float(np.isin(code, [UP, DOWN]).mean())


def main() -> None:
    """Print the tables."""
    series = int(sys.argv[1]) if len(sys.argv) > 1 else SERIES
    rules = load_serial()
    print(f"falls told, % of {series:,} series a cell; the first row of each block is false alarms")
    for line in LINES:
        for times in TIMES:
            print(
                f"\n{line.analyte}, sigma of the logarithm {rules.variation[line.analyte].sigma:.4f}, varies {times:g} times as assumed"
            )
            print("fall      " + "".join(f"{counts} counts".rjust(12) for counts in COUNTS))
            for fall in FALLS:
                shares = (told_falling(line, counts, fall, times, series) for counts in COUNTS)
                print(f"{100 * fall:>3.0f} %     " + "".join(f"{100 * share:12.2f}" for share in shares))
    print("\ncalled changed, % of pairs of counts in a steady state (the value says 5 %)")
    for line in (*LINES, *MORE):
        shares = (told_changed(line, times, series) for times in TIMES)
        print(
            f"{line.analyte:<14}" + "".join(f"{100 * share:8.2f}" for share in shares) + "   as assumed, and 1.3 times"
        )


if __name__ == "__main__":
    main()
