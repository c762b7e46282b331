"""follow beside a pandas groupby-apply and a polars plan of the same meaning, in one run; their answers are held equal.

Usage: python benchmarks/follow.py [PERSONS]
       python benchmarks/follow.py --curve
       python benchmarks/follow.py --slices SLICES PERSONS

The first times all three in turns, round by round, by the clock and by the processor (the time of all threads): on a machine
that others use the ratio of the processor is the steadier one. The second prints what a count costs over the rows, and over the
counts of a person. The third follows so many slices of so many persons one after another, each written as Parquet with its account checked, and
prints counts a second and the most memory: 10 slices of 100,000 persons are 10^7 counts of 10^6 persons.

Persons have ten counts each, of exact numbers in canonical units, and are adults of an age at which one limit holds: what
`follow` does besides (units, bounds, unknown results, ages, pregnancy, order that is not known, breaks) the other two do not
know. The plan of polars is as fast as its author could write it; pandas works on some of the persons, and its time is
told for each count. Equal: for each line persistence, days, last change, trend, robust trend, fast fall, own range and
nadir, and two count sets. All three may use every core, and pandas uses one. What `follow` tells besides (onset, grades, the last count screened with what earlier ones show,
its checklist) the others do not do.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

import cbc_screen as cbc  # noqa: E402
from cbc_screen.knowledge.serial import load_serial  # noqa: E402
from cbc_screen.serial.formulas import mann_kendall, reference_change, t_quantile  # noqa: E402

PERSONS, EACH, OF_PANDAS, ROUNDS = 20_000, 10, 300, 5
LINES = {"red": "hemoglobin", "white": "neutrophils", "platelet": "platelets"}
MDS = {
    "hemoglobin": {"F": 120.0, "M": 130.0},
    "neutrophils": {"F": 1.8, "M": 1.8},
    "platelets": {"F": 150.0, "M": 150.0},
}
SETS = {"mds_counts_4_months": 120, "mds_counts_6_months": 180}
WORDS = ("persistence", "days_min", "change", "trend", "robust_trend", "fast_fall", "own_range", "nadir")
RULES = load_serial()
SIGMA = {name: RULES.variation[name].sigma for name in LINES.values()}
CHANGE = {
    name: reference_change(own.within, own.measurement, RULES.change_z)
    for name, own in RULES.variation.items()
    if name in LINES.values()
}
DAYS, NAMES = [own.days for own in RULES.durations], [str(own.id) for own in RULES.durations]


def limits() -> dict[str, dict[str, float]]:
    """Return the lower limits of adults, which must not differ between the ages that are used."""
    found: dict[str, dict[str, float]] = {}
    for name in LINES.values():
        for sex in ("F", "M"):
            own = {cbc.reference_range(name, age=age, sex=sex).lower for age in ("25 y", "40 y")}
            assert len(own) == 1, name
            found.setdefault(name, {})[sex] = float(own.pop() or 0.0)
    return found


LIMITS = limits()


def counts(persons: int, seed: int = 11, each: int = EACH) -> pl.DataFrame:
    """Make counts: most persons in a steady state, some that fall, some that are low throughout."""
    chance = np.random.default_rng(seed)
    shape = (persons, each)
    steps = np.linspace(0, 1, each)
    fall = np.where(chance.random((persons, 1)) < 0.2, chance.uniform(0.3, 0.8, (persons, 1)), 0.0)
    columns: dict[str, Any] = {
        "person": np.repeat(np.arange(persons), each),
        "age": np.repeat(chance.integers(25, 40, persons), each),
        "sex": np.repeat(np.where(chance.random(persons) < 0.5, "F", "M"), each),
        "collected_at": np.datetime64("2018-01-01") + np.cumsum(chance.integers(3, 120, shape), axis=1).ravel(),
    }
    levels = (("hemoglobin", 135.0, 0.1, 0), ("neutrophils", 3.2, 0.3, 2), ("platelets", 220.0, 0.25, 0))
    for name, level, between, digits in levels:
        own = level * np.exp(chance.normal(0, between, (persons, 1)) + chance.normal(0, SIGMA[name], shape))
        columns[name] = np.round(own * (1 - fall) ** steps, digits).ravel()
    return pl.DataFrame(columns).sample(fraction=1.0, shuffle=True, seed=1)


def followed(frame: pl.DataFrame) -> pl.DataFrame:
    """Follow with this library."""
    units = {"hemoglobin": "g/L", "neutrophils": "10^9/L", "platelets": "10^9/L"}
    return cbc.Screener(units=units).follow(frame, age_unit="y")


# polars -----------------------------------------------------------------------------------


def planned(frame: pl.DataFrame) -> pl.DataFrame:
    """Follow with a plan of polars."""
    lazy = frame.lazy().sort("person", "collected_at").with_columns(
        t=pl.col("collected_at").dt.epoch("d").cast(pl.Float64), i=pl.int_range(pl.len()).over("person")
    )  # fmt: skip
    parts = [lazy.group_by("person", maintain_order=True).agg()]
    for line, name in LINES.items():
        parts += [_spells(lazy, name, LIMITS[name], line), _course(lazy, name, line), _robust(lazy, name, line)]
    sets = [_spells(lazy, name, MDS[name], f"mds_{line}") for line, name in LINES.items()]
    whole = parts[0]
    for part in (*parts[1:], *sets):
        whole = whole.join(part, on="person", how="left")
    return whole.sort("person").collect()


def _spells(lazy: pl.LazyFrame, name: str, limit: dict[str, float], line: str) -> pl.LazyFrame:
    own = pl.when(pl.col("sex") == "F").then(limit["F"]).otherwise(limit["M"])
    runs = (
        lazy.with_columns(low=pl.col(name) < own)
        .with_columns(run=pl.col("low").rle_id().over("person"))
        .group_by("person", "run")
        .agg(pl.col("low").first(), days=pl.col("t").max() - pl.col("t").min(), many=pl.len())
        .sort("person", "run")
    )
    found = runs.group_by("person", maintain_order=True).agg(
        now=pl.col("low").last(),
        days=pl.col("days").last(),
        many=pl.col("many").last(),
        over=pl.col("days").filter(pl.col("low")).max(),
    )
    word = pl.when(pl.col("many") == 1).then(pl.lit("single")).when(pl.col("days") < DAYS[0]).then(pl.lit("not_yet"))
    for days, own_word in zip(DAYS[1:], NAMES[:-1], strict=True):
        word = word.when(pl.col("days") < days).then(pl.lit(own_word))
    past = (
        pl.when(pl.col("over").is_null()).then(pl.lit("not_low"))
        .when(pl.col("over") >= DAYS[0]).then(pl.lit("recovered")).otherwise(pl.lit("transient"))
    )  # fmt: skip
    return found.select(
        "person",
        pl.when("now").then(word.otherwise(pl.lit(NAMES[-1]))).otherwise(past).alias(f"{line}_persistence"),
        pl.when("now").then(pl.col("days")).cast(pl.Int64).alias(f"{line}_days_min"),
        pl.when(pl.col("now") & (pl.col("many") > 1)).then("days").otherwise(-1.0).alias(f"{line}_lasts"),
    )


def _course(lazy: pl.LazyFrame, name: str, line: str) -> pl.LazyFrame:
    up, down = CHANGE[name]
    rule = RULES.baseline
    v, t, y = pl.col(name), pl.col("t"), pl.col(name).log()
    away = t - t.mean()
    recent = v.filter((t >= t.last() - RULES.fast_fall.days) & (t < t.last())).max()
    before = v.slice(0, pl.len() - 1)
    quantile = t_quantile(rule.quantile, EACH - 2)
    found = lazy.group_by("person", maintain_order=True).agg(
        ratio=v.last() / v.get(EACH - 2),
        z=(away * y).sum() / away.pow(2).sum().sqrt() / SIGMA[name],
        recent=v.last() / recent,
        last=v.last(),
        middle=before.mean(),
        half=quantile * before.std() * (1 + 1 / (EACH - 1)) ** 0.5,
        nadir=v.min(),
    )
    assert rule.own_spread_from < EACH
    three = lambda low, high, words: (  # noqa: E731
        pl.when(high).then(pl.lit(words[0])).when(low).then(pl.lit(words[1])).otherwise(pl.lit(words[2]))
    )
    z, last = pl.col("z"), pl.col("last")
    edge = min(1 - RULES.fast_fall.share, 1 + down)
    fall = (
        pl.when(pl.col("recent").is_null()).then(pl.lit("not_assessed"))
        .when(pl.col("recent") < edge).then(pl.lit("yes")).otherwise(pl.lit("no"))
    )  # fmt: skip
    outside = (last < pl.col("middle") - pl.col("half"), last > pl.col("middle") + pl.col("half"))
    return found.select(
        "person",
        three(pl.col("ratio") < 1 + down, pl.col("ratio") > 1 + up, ("up", "down", "none")).alias(f"{line}_change"),
        three(z < -RULES.trend.z, z > RULES.trend.z, ("rising", "falling", "none")).alias(f"{line}_trend"),
        fall.alias(f"{line}_fast_fall"),
        three(*outside, ("above", "below", "within")).alias(f"{line}_own_range"),
        pl.col("nadir").alias(f"{line}_nadir"),
    )


def _robust(lazy: pl.LazyFrame, name: str, line: str) -> pl.LazyFrame:
    own = lazy.select("person", "i", "t", y=pl.col(name).log())
    pairs = own.join(own, on="person", suffix="_b").filter(pl.col("i") < pl.col("i_b"))
    rise = pl.col("y_b") - pl.col("y")
    found = pairs.group_by("person").agg(slope=(rise / (pl.col("t_b") - pl.col("t"))).median(), score=rise.sign().sum())
    most = EACH * (EACH - 1) // 2
    p = {score: mann_kendall(score, EACH) for score in range(-most, most + 1)}
    table = pl.LazyFrame({"score": [float(score) for score in p], "p": list(p.values())})
    word = (
        pl.when(pl.col("p") >= RULES.trend.robust_p).then(pl.lit("none"))
        .when(pl.col("slope") < 0).then(pl.lit("falling")).otherwise(pl.lit("rising"))
    )  # fmt: skip
    return found.join(table, on="score", how="left").select("person", word.alias(f"{line}_robust_trend"))


# pandas -----------------------------------------------------------------------------------


def applied(frame: pd.DataFrame) -> pd.DataFrame:
    """Follow with a groupby-apply of pandas."""
    ordered = frame.sort_values(["person", "collected_at"])
    return ordered.groupby("person", sort=True)[list(frame.columns)].apply(_one).reset_index()


def _one(own: pd.DataFrame) -> pd.Series:
    days = own["collected_at"].to_numpy().astype("datetime64[D]").astype(np.int64)
    sex, found = own["sex"].iloc[0], {}
    for line, name in LINES.items():
        values = own[name].to_numpy()
        found |= _spells_of_one(days, values < LIMITS[name][sex], line)
        found |= _spells_of_one(days, values < MDS[name][sex], f"mds_{line}")
        found |= _course_of_one(days, values, name, line)
    return pd.Series(found)


def _spells_of_one(days: np.ndarray, low: np.ndarray, line: str) -> dict[str, Any]:
    runs: list[tuple[bool, int, int]] = []
    first = 0
    for place in range(1, len(low) + 1):
        if place == len(low) or low[place] != low[first]:
            runs.append((bool(low[first]), int(days[place - 1] - days[first]), place - first))
            first = place
    now, spell, many = runs[-1]
    if now:
        reached = [name for own, name in zip(DAYS, NAMES, strict=True) if spell >= own]
        word = "single" if many == 1 else reached[-1] if reached else "not_yet"
    else:
        past = [own for is_low, own, _ in runs if is_low]
        word = "not_low" if not past else "recovered" if max(past) >= DAYS[0] else "transient"
    lasts = spell if now and many > 1 else -1
    return {f"{line}_persistence": word, f"{line}_days_min": spell if now else None, f"{line}_lasts": lasts}


def _course_of_one(days: np.ndarray, values: np.ndarray, name: str, line: str) -> dict[str, Any]:
    up, down = CHANGE[name]
    y, away = np.log(values), days - days.mean()
    z = (away * y).sum() / np.sqrt((away**2).sum()) / SIGMA[name]
    first, second = np.triu_indices(len(y), 1)
    rise = y[second] - y[first]
    slope, p = np.median(rise / (days[second] - days[first])), mann_kendall(int(np.sign(rise).sum()), len(y))
    recent = values[(days >= days[-1] - RULES.fast_fall.days) & (days < days[-1])]
    edge = min(1 - RULES.fast_fall.share, 1 + down)
    before, ratio = values[:-1], values[-1] / values[-2]
    half = t_quantile(RULES.baseline.quantile, len(before) - 1) * before.std(ddof=1) * np.sqrt(1 + 1 / len(before))
    last = values[-1]
    return {
        f"{line}_change": "up" if ratio > 1 + up else "down" if ratio < 1 + down else "none",
        f"{line}_trend": "rising" if z > RULES.trend.z else "falling" if z < -RULES.trend.z else "none",
        f"{line}_fast_fall": "not_assessed" if not len(recent) else "yes" if last / recent.max() < edge else "no",
        f"{line}_own_range": "above" if last > before.mean() + half else "below" if last < before.mean() - half else "within",
        f"{line}_nadir": values.min(),
        f"{line}_robust_trend": "none" if p >= RULES.trend.robust_p else "falling" if slope < 0 else "rising",
    }  # fmt: skip


# Both -------------------------------------------------------------------------------------


def hold_equal(ours: pd.DataFrame, theirs: pd.DataFrame, who: str) -> None:
    """Fail where an answer differs."""
    ours = ours.sort_values("person").reset_index(drop=True)
    ours = ours[ours["person"].isin(theirs["person"])].reset_index(drop=True)
    assert list(ours["person"]) == list(theirs["person"])
    for column in (f"{line}_{word}" for line in LINES for word in WORDS):
        one, other = ours[column], theirs[column]
        if column.endswith(("days_min", "nadir")):
            same = np.isclose(one.astype(float), other.astype(float), rtol=1e-9, equal_nan=True)
        else:
            same = one.astype(str).to_numpy() == other.astype(str).to_numpy()
        assert same.all(), f"{who}: {column} differs in {int((~same).sum())} of {len(ours)}"
    for own, days in SETS.items():
        met = np.logical_or.reduce([theirs[f"mds_{line}_lasts"].to_numpy() >= days for line in LINES])
        told = (
            ours["lasting_definitions"].astype(str).str.split(";").map(lambda words, own=own: own in words).to_numpy()
        )
        assert (met == told).all(), f"{who}: {own}"


@dataclass
class Timed:
    """The least seconds of some rounds, by the clock and by the processor, and what was made."""

    work: Callable[[], Any]
    clock: float = np.inf
    processor: float = np.inf
    made: Any = None

    def run(self) -> None:
        """Work once."""
        clock, processor = time.perf_counter(), time.process_time()
        self.made = self.work()
        self.clock = min(self.clock, time.perf_counter() - clock)
        self.processor = min(self.processor, time.process_time() - processor)


def in_turns(*works: Callable[[], Any]) -> list[Timed]:
    """Time some works in turns: what else the machine does meets each of them."""
    found = [Timed(work) for work in works]
    for _ in range(ROUNDS):
        for own in found:
            own.run()
    return found


def curve() -> None:
    """Print what a count costs over the rows, and over the counts of a person."""
    followed(counts(20))  # compiling is left out
    print(f"{'persons':>10}{'each':>6}{'counts':>12}{'us a count, processor':>24}{'clock':>8}")
    sizes = [*((rows // EACH, EACH) for rows in (2_000, 20_000, 200_000, 2_000_000))]
    for persons, each in (*sizes, *((200_000 // each, each) for each in (1, 2, 5, 20, 50, 200))):
        frame = counts(persons, each=each)
        [own] = in_turns(partial(followed, frame))
        per = 1e6 / len(frame)
        print(f"{persons:>10,}{each:>6}{len(frame):>12,}{own.processor * per:>24.2f}{own.clock * per:>8.2f}")


def slices(many: int, persons: int) -> None:
    """Follow slices of persons one after another, in the memory of one."""
    rows = seconds = told = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(many):
            frame = counts(persons, seed=number)
            start = time.perf_counter()
            found = followed(frame)
            found.write_parquet(Path(folder) / f"{number}.parquet")
            seconds += time.perf_counter() - start
            rows, told = rows + len(frame), told + int(found["counts"].sum())
            assert len(found) == persons
            if number == 0:
                first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert rows == told, "rows in are not the rows that were told of"
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{many} slices of {persons:,} persons: {rows:,.0f} counts in, {told:,.0f} told of")
    print(
        f"{rows / seconds:,.0f} counts/s; most memory {most / 1024:,.0f} MB, after the first slice {first / 1024:,.0f} MB"
    )


def main() -> None:
    """Time all three, hold them equal, and print the ratios."""
    if sys.argv[1:2] == ["--slices"]:
        slices(int(sys.argv[2]), int(sys.argv[3]))
        return
    if sys.argv[1:2] == ["--curve"]:
        curve()
        return
    persons = int(sys.argv[1]) if len(sys.argv) > 1 else PERSONS
    frame = counts(persons)
    first = frame.filter(pl.col("person") < 20)
    followed(first)  # compiling is left out
    planned(first)
    few = frame.filter(pl.col("person") < OF_PANDAS).to_pandas()
    ours, plan, by_hand = in_turns(lambda: followed(frame), lambda: planned(frame), lambda: applied(few))
    hold_equal(ours.made.to_pandas(), plan.made.to_pandas(), "polars")
    hold_equal(ours.made.to_pandas(), by_hand.made, "pandas")
    rows = len(frame)
    print(f"{persons:,} persons, {rows:,} counts; answers equal ({len(LINES) * len(WORDS) + len(SETS)} columns)")
    for name, own, many in (
        ("follow", ours, rows),
        ("polars plan", plan, rows),
        ("pandas groupby-apply", by_hand, len(few)),
    ):
        clock, processor = (
            one / many / (mine / rows) for one, mine in ((own.clock, ours.clock), (own.processor, ours.processor))
        )
        print(
            f"{name:<22}{many / own.clock:>12,.0f} counts/s   follow is {clock:8.2f} times as fast by the clock, "
            f"{processor:8.2f} by the processor"
        )


if __name__ == "__main__":
    main()
