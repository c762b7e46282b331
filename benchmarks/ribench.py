"""How near limits come that are estimated from routine results, on mixtures whose truth is known.

The mixtures are drawn here, as RIbench designs its test sets (Ammer and others, Clin Chem 2022, doi
10.1093/clinchem/hvac142; its parameters are facts, none of its code or data is here): healthy people of ten analytes,
normal after a Box-Cox transformation, with 0 to 60 % of sick below and above them that overlap more or less, one stray
result in a thousand, and rounded as a laboratory does. The error of a set is that of the paper: the difference between
estimated and true limit in standard deviations of the healthy, the mean of both limits (of CRP the upper one alone, which is the 95th percentile);
beyond 5 it is implausible and told apart.

RIbench draws the sick as normal, which suits a mixture of normals; `--sick skewed` draws them skewed, with the same
middle and spread, away from the healthy.

    python benchmarks/ribench.py                       # 160 sets of 1,000 and 5,000 results, some minutes
    python benchmarks/ribench.py --sick skewed
    python benchmarks/ribench.py --sets FOLDER --specification SpecificationTestSets.csv   # the published sets, as R wrote them
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist, fmean, median

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from cbc_screen.knowledge.verification import load_verification
from cbc_screen.verify.indirect import Estimate, estimate_limits
from cbc_screen.verify.tolerance import permissible
from cbc_screen.verify.verdicts import Side, of_routine, refusal
from cbc_screen.vocabulary import RangeVerdict

SHARES = (0.0, 0.05, 0.10, 0.20, 0.30, 0.40, 0.50, 0.60)  # of sick
IMPLAUSIBLE = 5.0


@dataclass(frozen=True)
class Scenario:
    """Where the sick lie: means below and above by growing overlap, their spreads, and how many below for those above."""

    below: tuple[float, ...]
    below_spread: float
    above: tuple[float, ...]
    above_spread: float
    ratio: tuple[float, float]


@dataclass(frozen=True)
class Design:
    """One analyte: the healthy on the transformed scale, the shift, the decimals, how far stray results go."""

    name: str
    kind: str
    power: float
    mean: float
    spread: float
    shift: float
    decimals: int
    stray_to: float
    scenarios: tuple[Scenario, Scenario]
    percentiles: tuple[float, float] = (2.5, 97.5)

    def value(self, scaled: np.ndarray) -> np.ndarray:
        """Return what was transformed."""
        if self.power == 0:
            return np.exp(scaled) + self.shift
        return np.maximum(scaled * self.power + 1, 0) ** (1 / self.power) + self.shift

    def scale(self, value: float) -> float:
        """Return the distance of a value from the middle of the healthy, in their standard deviations."""
        own = max(value - self.shift, 1e-6)
        scaled = math.log(own) if self.power == 0 else (own**self.power - 1) / self.power
        return (scaled - self.mean) / self.spread

    @property
    def ends(self) -> tuple[float, float]:
        """The limits of the healthy, in standard deviations from their middle."""
        low, high = (NormalDist().inv_cdf(share / 100) for share in self.percentiles)
        return low, high

    @property
    def truth(self) -> tuple[float, float]:
        """The limits of the healthy."""
        low, high = (float(self.value(np.array([self.mean + z * self.spread]))[0]) for z in self.ends)
        return low, high


def two(*given: float) -> Scenario:
    """Read a scenario: three means below, their spread, three means above, their spread, ratio below to above."""
    return Scenario(given[:3], given[3], given[4:7], given[7], (given[8], given[9]))


# Facts of the published design, analyte by analyte.
DESIGNS = (
    Design("Hb", "normal", 1, 13, 1.020427, 0, 1, 160, (
        two(10.18, 10.98, 11.78, 1.03, 17.82, 17.02, 16.22, 1.03, 1, 1),
        two(8.944, 9.664, 10.66, 1.6, 18.08, 17.36, 16.36, 1.1, 3, 1))),
    Design("Ca", "normal", 1, 1.3254, 0.0894, 0, 2, 25, (
        two(1.936, 2.006, 2.077, 0.118, 2.677, 2.607, 2.537, 0.099, 1, 1),
        two(1.663, 1.722, 1.81, 0.254, 2.802, 2.742, 2.655, 0.159, 2, 1))),
    Design("FT4", "normal", 0.432, 5.47089, 0.5171, 0, 1, 220, (
        two(8.104, 9.604, 11.6, 2.498, 27.86, 26.36, 24.36, 3.498, 1, 1),
        two(5.184, 6.684, 8.684, 3.988, 29.6, 28.1, 26.1, 4.388, 2, 1))),
    Design("AST", "skewed", 0, 3.09721, 0.233755, 0, 0, 350, (
        two(5.152, 8.302, 12.5, 5.05, 42.87, 39.72, 35.52, 4.55, 1, 1),
        two(-2.128, 1.442, 5.643, 8.55, 47.99, 44.42, 38.12, 6.95, 1, 2))),
    Design("LACT", "skewed", 0, 0.048, 0.378, 0, 1, 22, (
        two(-0.1988, -0.1137, 0.05627, 0.4, 3.096, 2.501, 2.16, 0.5, 1, 1),
        two(-1.017, -0.9317, -0.8127, 0.8, 4.383, 3.873, 3.192, 1.2, 1, 3))),
    Design("GGT", "skewed", 0, 3.107304, 0.410578, 0, 0, 500, (
        two(-1.72, 0.2803, 4.28, 7, 65.64, 51.64, 43.64, 9, 1, 1),
        two(-5.64, -1.64, 0.3603, 9, 71.52, 59.52, 45.52, 12, 1, 3))),
    Design("TSH", "heavily skewed", 0, -0.000006, 0.707308, 0, 2, 40, (
        two(-0.655, -0.355, 0.01999, 0.5, 5.772, 4.46, 3.71, 1, 1, 1),
        two(-1.635, -1.335, -0.96, 1, 7.732, 6.795, 5.67, 2, 1, 3))),
    Design("IgE", "heavily skewed", 0, 2.571, 1.104715, 0, 0, 1140, (
        two(-19.77, -16.39, -10.77, 12, 153.5, 102.8, 80.33, 23, 1, 1),
        two(-12.47, -9.099, -6.489, 10, 182.9, 149.1, 104.1, 38, 1, 3))),
    Design("CRP", "heavily skewed", 0, -1.1237, 1.661783, 0, 1, 50, (
        two(0, 0, 0, 0, 11.1, 9.412, 6.462, 2, 0, 1),
        two(0, 0, 0, 0, 15.02, 12.91, 8.695, 4, 0, 1)), (2.5, 95)),
    Design("LDH", "shifted", 0.0613, 4.73445, 0.38824, 100, 0, 2250, (
        two(99.78, 115.6, 127.4, 20, 253.2, 237.4, 217.6, 22, 1, 1),
        two(78.6, 88.07, 103.9, 30, 309.6, 300.2, 268.6, 50, 1, 2))),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A test set: its analyte, size and share of sick, and how its values come."""

    design: Design
    results: int
    sick: float
    values: Callable[[], np.ndarray]


def at_least_0(draw: Callable[[int], np.ndarray], many: int) -> np.ndarray:
    """Draw until there are enough numbers that are not negative; there are no others in a laboratory."""
    found = np.empty(0)
    while len(found) < many:
        some = draw(3 * many)
        found = np.append(found, some[some >= 0])
    return found[:many]


def drawn(
    design: Design,
    scenario: Scenario,
    overlap: tuple[int, int],
    results: int,
    sick: float,
    generator: np.random.Generator,
    *,
    skewed: bool,
) -> np.ndarray:
    """Draw one mixture."""

    def of_sick(mean: float, spread: float, away: float) -> Callable[[int], np.ndarray]:
        if not skewed:
            return lambda many: generator.normal(mean, spread, many)
        # A gamma distribution of shape 4 is as wide as it is high above 0, halved: mean 4, spread 2.
        return lambda many: mean + away * spread * (generator.gamma(4, 1, many) - 4) / 2

    below, above = (sick * part / sum(scenario.ratio) for part in scenario.ratio)
    healthy = at_least_0(
        lambda many: design.value(generator.normal(design.mean, design.spread, many)),
        round(results * (1 - sick - 0.001)),
    )
    parts = [healthy, generator.uniform(0, design.stray_to, round(results * 0.001))]
    parts.append(at_least_0(of_sick(scenario.below[overlap[0]], scenario.below_spread, -1), round(results * below)))
    parts.append(at_least_0(of_sick(scenario.above[overlap[1]], scenario.above_spread, 1), round(results * above)))
    return np.round(np.concatenate(parts), design.decimals)


def own_cases(per: int, sizes: tuple[int, ...], seed: int, *, skewed: bool) -> Iterator[Case]:
    """Yield `per` sets of every analyte, size and share of sick, with scenarios and overlaps by chance."""
    generator = np.random.default_rng(seed)
    for design in DESIGNS:
        for results in sizes:
            for sick in SHARES:
                for _ in range(per):
                    scenario = design.scenarios[int(generator.integers(2))]
                    overlap = (int(generator.integers(3)), int(generator.integers(3)))
                    values = drawn(design, scenario, overlap, results, sick, generator, skewed=skewed)
                    yield Case(design, results, sick, lambda values=values: values)


def published_cases(folder: Path, specification: Path, sizes: tuple[int, ...], every: int) -> Iterator[Case]:
    """Yield the sets that the R package wrote: FOLDER/Data/ANALYTE/INDEX_ANALYTE_seed_SEED.csv, one number a line."""
    known = {design.name: design for design in DESIGNS}
    with specification.open(encoding="utf-8", newline="") as file:
        for place, row in enumerate(csv.DictReader(file)):
            results = int(float(row["N"]))
            path = folder / "Data" / row["Analyte"] / f"{row['Index']}_{row['Analyte']}_seed_{row['startSeed']}.csv"
            if results in sizes and place % every == 0 and path.is_file():
                design, sick = known[row["Analyte"]], float(row["fractionPathol"])
                yield Case(design, results, sick, lambda path=path: np.loadtxt(path))


@dataclass(frozen=True)
class Scored:
    """What was found of a set: its error, that of each limit, whether each is told and held, and the verdicts."""

    case: Case
    error: float
    sides: tuple[tuple[float, bool, bool, RangeVerdict, RangeVerdict], ...]
    seconds: float


def scored(case: Case) -> Scored:
    """Estimate the limits of a set, and hold them against the truth."""
    rules = load_verification()
    values = case.values()
    began = time.process_time()
    found = estimate_limits(values, rules.indirect, case.design.percentiles)
    seconds = time.process_time() - began
    truth = case.design.truth
    if found is None:
        return Scored(case, math.inf, (), seconds)
    allowed = permissible(*truth, case.design.percentiles, rules.uncertainty)
    sides = []
    for place in (1,) if case.design.name == "CRP" else (0, 1):
        limit, interval = (found.lower, found.lower_interval) if place == 0 else (found.upper, found.upper_interval)
        error = abs(case.design.scale(limit) - case.design.ends[place])
        told = refusal(found, lower=place == 0, rules=rules) is None
        off = allowed[place] or 0.0
        right, wrong = (
            verdict_on(found, truth[place] + move * off, off, lower=place == 0) for move in (0, 3 if place else -3)
        )
        sides.append((error, told, interval[0] <= truth[place] <= interval[1], right, wrong))
    return Scored(case, fmean(side[0] for side in sides), tuple(sides), seconds)


def verdict_on(found: Estimate, limit: float, off: float, *, lower: bool) -> RangeVerdict:
    """Return the verdict on a limit with this permissible uncertainty."""
    side = Side(limit, (limit - off, limit + off), None)
    return of_routine(side, found, lower=lower, rules=load_verification())[0]


def told_of(name: str, scores: list[Scored]) -> None:
    """Print the mean error of some sets."""
    fine = [own.error for own in scores if own.error <= IMPLAUSIBLE]
    if fine:
        print(f"  {name:<28}{len(scores):>5} sets  mean {fmean(fine):.3f}  median {median(fine):.3f}  "
              f"implausible {len(scores) - len(fine)}")  # fmt: skip


def report(scores: list[Scored]) -> None:
    """Print what was found."""
    print("error before any refusal, in standard deviations of the healthy")
    of_nine = [own for own in scores if own.case.design.kind != "shifted"]
    told_of("all but shifted", of_nine)
    told_of("all", scores)
    for kind in dict.fromkeys(design.kind for design in DESIGNS):
        told_of(kind, [own for own in scores if own.case.design.kind == kind])
    for sick in SHARES:
        told_of(f"{100 * sick:.0f} % sick", [own for own in scores if own.case.sick == sick])
    for results in sorted({own.case.results for own in scores}):
        told_of(f"{results:,} results", [own for own in scores if own.case.results == results])
    sides = [(own.case, side) for own in scores for side in own.sides]
    kept = [side for _, side in sides if side[1]]
    print(f"limits refused: {1 - len(kept) / len(sides):.1%}; error of the rest: {fmean(side[0] for side in kept):.3f}, "
          f"of the refused: {fmean([side[0] for _, side in sides if not side[1]] or [0.0]):.3f}")  # fmt: skip
    for name, low, high in (("0 to 20 % sick", 0.0, 0.2), ("30 to 60 % sick", 0.3, 0.6)):
        own = [side for case, side in sides if low <= case.sick <= high]
        told = [side for side in own if side[1]]
        print(f"{name}: refused {1 - len(told) / len(own):.1%}; of those told the interval holds the truth in "
              f"{fmean(side[2] for side in told or own):.1%}")  # fmt: skip
        for what, place in (("a limit that is right", 3), ("one that is 3 permissible uncertainties too wide", 4)):
            shares = ", ".join(f"{one.value} {fmean(side[place] is one for side in own):.1%}" for one in RangeVerdict)
            print(f"  verdict on {what}: {shares}")
    print(
        f"{fmean(own.seconds for own in scores):.2f} s of processor time a set with its intervals, {max(own.seconds for own in scores):.2f} s at most"
    )


def main() -> None:
    """Score drawn sets, or the published ones."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per", type=int, default=1, help="sets of every analyte, size and share of sick")
    parser.add_argument("--sizes", default="1000,5000", help="results in a set")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--sick", choices=["normal", "skewed"], default="normal")
    parser.add_argument("--sets", type=Path, help="folder that the R package wrote, with Data/ in it")
    parser.add_argument("--specification", type=Path, help="the package's table of all sets")
    parser.add_argument("--every", type=int, default=1, help="of the published sets only each so many'th")
    asked = parser.parse_args()
    sizes = tuple(int(size) for size in asked.sizes.split(","))
    if asked.sets is not None and asked.specification is not None:
        cases = published_cases(asked.sets, asked.specification, sizes, asked.every)
    else:
        cases = own_cases(asked.per, sizes, asked.seed, skewed=asked.sick == "skewed")
    scores = [scored(case) for case in cases]
    if not scores:
        sys.exit("no set was found: FOLDER/Data/ANALYTE/INDEX_ANALYTE_seed_SEED.csv")
    report(scores)


if __name__ == "__main__":
    main()
