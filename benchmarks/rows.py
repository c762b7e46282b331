"""Synthetic counts for the plans of plans.py, and the limits of everybody in them.

Everybody is old enough that all edges in days are passed, and of known sex, age in whole
months and pregnancy, so that one demographic key is known for each row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from workloads import SHAPES, coherent

from cbc_screen.ages import MONTHS_IN_YEAR, fewest_days, most_days, span_of_months
from cbc_screen.kernel.configuration import Configuration
from cbc_screen.kernel.configure import build_kernel
from cbc_screen.kernel.screen import Kernel
from cbc_screen.kernel_batch import Batch
from cbc_screen.kernel_inputs import PREGNANCIES, SEXES, Person
from cbc_screen.knowledge import Knowledge, load_knowledge
from cbc_screen.knowledge.intervals import IntervalRow
from cbc_screen.knowledge.predicates import Compare, walk
from cbc_screen.vocabulary import Pregnancy, Sex

ANALYTES = tuple(SHAPES)
STAGES = (Pregnancy.NONE, Pregnancy.T1, Pregnancy.T2, Pregnancy.T3)
PREGNANT = 0.1  # of the women of an age at which pregnancy is possible
SMALLEST = 0.01  # of the numbers made: nothing is divided by zero
JOINED = ("months", "male", "stage")
PEOPLE = ("row", *JOINED)
# Results that only the checklist asks for, besides those of `SHAPES`; used by the check.
MORE = ("ferritin", "vitamin_b12", "crp", "transferrin_saturation")


def default_kernel() -> Kernel:
    """Return the kernel of the default configuration."""
    return build_kernel(load_knowledge(), Configuration())


def youngest_month(kernel: Kernel) -> int:
    """Return the least age in months at which every edge in days is passed."""
    return next(
        months for months in range(kernel.limits.grid.last_month) if fewest_days(months) >= kernel.limits.grid.last_day
    )


def limit_rows(kernel: Kernel, months: Iterable[int]) -> dict[str, NDArray[Any]]:
    """Return the limits of each age, sex and stage of pregnancy: the key, and a column for each limit."""
    situations = [(0, stage) for stage in range(len(STAGES))] + [(1, STAGES.index(Pregnancy.NONE))]
    found = [(age, *situation) for age in months for situation in situations]
    people = [Person(span_of_months(age, age), (Sex.FEMALE, Sex.MALE)[male], STAGES[s]) for age, male, s in found]
    keys = [kernel.limits.keys(person)[0] for person in people]
    table = kernel.limits.table
    ages, males, stages = (np.array(column, dtype=np.int32) for column in zip(*found, strict=True))
    columns: dict[str, NDArray[Any]] = {
        "key": (ages * 2 + males) * len(STAGES) + stages,
        "months": ages,
        "male": males.astype(np.int8),
        "stage": stages.astype(np.int8),
    }
    wanted = [name for name in table.columns if name.startswith(("lower:", "upper:", "grade:", "cut:"))]
    return {**columns, **{name: table.column(name)[keys] for name in wanted}}


def key_limits(kernel: Kernel) -> dict[str, NDArray[Any]]:
    """Return limits for a join on an integer: one row for each month up to the last edge, sex and stage."""
    return limit_rows(kernel, range(youngest_month(kernel), kernel.limits.grid.last_month + 1))


def band_limits(kernel: Kernel) -> dict[str, NDArray[Any]]:
    """Return limits for an as-of join: one row for each band of age, sex and stage."""
    youngest = youngest_month(kernel)
    return limit_rows(kernel, sorted({youngest, *(m for m in kernel.limits.grid.month_edges if m > youngest)}))


def analyte_limits(kernel: Kernel, analytes: Iterable[str]) -> dict[str, dict[str, NDArray[Any]]]:
    """Return the limits of each analyte, in its own bands of age by sex and stage."""
    every, found = band_limits(kernel), {}
    for analyte in analytes:
        names = [name for name, c in every.items() if _analyte_of(name, kernel) == analyte and not np.isnan(c).all()]
        if names:
            rows = _first_of_bands(every, names)
            found[analyte] = {name: every[name][rows] for name in (*JOINED, *names)}
    return found


def _analyte_of(name: str, kernel: Kernel) -> str | None:
    """Return the analyte that a limit is of."""
    kind, *words = name.split(":")
    if kind == "cut":
        return str(getattr(kernel.rules.definitions[words[0]], words[1]).analyte)
    return {"lower": words[-1:], "upper": words[-1:], "grade": words[1:2]}.get(kind, [None])[0]


def _first_of_bands(every: dict[str, NDArray[Any]], names: Sequence[str]) -> list[int]:
    """Return the rows at which some limit of a sex and stage is no longer that of the month before."""
    last: dict[tuple[int, int], bytes] = {}
    rows = []
    for place, person in enumerate(zip(every["male"].tolist(), every["stage"].tolist(), strict=True)):
        limits = b"".join(every[name][place].tobytes() for name in names)
        if last.get(person) != limits:
            last[person] = limits
            rows.append(place)
    return rows


def wrong_limits(kernel: Kernel, knowledge: Knowledge) -> list[str]:
    """Compare the reference limits of every month and sex with the rows of the set itself."""
    columns, sexes, wrong = key_limits(kernel), (Sex.FEMALE.value, Sex.MALE.value), []
    rows = [row for row in knowledge.intervals("default") if row.pregnancy == Pregnancy.NONE]
    for analyte in sorted({row.analyte for row in rows}):
        own = [row for row in rows if row.analyte == analyte]
        nobody = columns["stage"] == STAGES.index(Pregnancy.NONE)
        for place in np.flatnonzero(nobody).tolist():
            month, male = columns["months"][place], columns["male"][place]
            found = [row for row in own if row.sex in ("any", sexes[male]) and _covers(row, month)]
            for side in ("lower", "upper"):
                told = {getattr(row, side) for row in found} or {None}
                kept = columns[f"{side}:{analyte}"][place]
                if told != {None if np.isnan(kept) else kept}:
                    wrong.append(f"{side} limit of {analyte} at {month} months, {sexes[male]}: {told}, {kept}")
    return wrong


def _covers(row: IntervalRow, month: int) -> bool:
    """Tell whether a row holds an age in months at which every edge in days is passed."""
    reached = row.age_low.unit == "d" or row.age_low.count <= month
    return reached and (row.age_high is None or (row.age_high.unit == "mo" and month < row.age_high.count))


def _people(chance: np.random.Generator, rows: int, kernel: Kernel, oldest: int) -> dict[str, NDArray[Any]]:
    months = chance.integers(youngest_month(kernel), oldest * MONTHS_IN_YEAR, rows).astype(np.int32)
    male = chance.integers(0, 2, rows).astype(np.int8)
    youngest, oldest_pregnant = (edge.count for edge in kernel.limits.pregnancy_ages)
    pregnant = (male == 0) & (months >= youngest) & (months < oldest_pregnant) & (chance.random(rows) < PREGNANT)
    stage = np.where(pregnant, chance.integers(1, len(STAGES), rows), 0).astype(np.int8)
    return {"row": np.arange(rows, dtype=np.int64), "months": months, "male": male, "stage": stage}


def counts(rows: int, kernel: Kernel, knowledge: Knowledge, seed: int = 1) -> pa.Table:
    """Make full counts of 15 analytes, as benchmarks/kernel.py does."""
    chance = np.random.default_rng(seed)
    columns = _people(chance, rows, kernel, knowledge.age_implausible_from)
    results = coherent({name: np.abs(chance.normal(*shape, rows)).round(2) for name, shape in SHAPES.items()})
    return pa.table({**columns, **{name: _possible(own, name, knowledge) for name, own in results.items()}})


def _possible(values: NDArray[np.float64], analyte: str, knowledge: Knowledge) -> NDArray[np.float64]:
    """Keep numbers above zero, and within what is plausible of an analyte."""
    least, most = knowledge.analytes[analyte].plausible or (SMALLEST, np.inf)
    return values.clip(max(least, SMALLEST), most)


def hard_counts(rows: int, kernel: Kernel, knowledge: Knowledge, seed: int = 2) -> pa.Table:
    """Make counts on and beside every limit, a twentieth absent, with other results and findings."""
    chance = np.random.default_rng(seed)
    table = counts(rows, kernel, knowledge, seed)
    columns: dict[str, Any] = {name: table[name] for name in PEOPLE}
    limits = _all_limits(kernel, knowledge)
    for name in (*ANALYTES, *MORE):
        on = chance.choice(limits[name], rows)
        near = np.where(chance.random(rows) < 0.5, on, (on * chance.uniform(0.5, 1.5, rows)).round(2))
        values = np.where(chance.random(rows) < 0.5, table[name].to_numpy(), near) if name in ANALYTES else near
        columns[name] = pa.array(_possible(values, name, knowledge), mask=chance.random(rows) < 0.05)
    for name in sorted(kernel.rules.findings - {kernel.rules.preterm_finding}):
        columns[name] = pa.array(chance.integers(0, 2, rows).astype(np.int8), mask=chance.random(rows) < 0.4)
    return pa.table(columns)


def _all_limits(kernel: Kernel, knowledge: Knowledge) -> dict[str, NDArray[np.float64]]:
    """Return every number of the tables that a result of an analyte is compared with."""
    found: dict[str, set[float]] = {}
    for name, column in limit_rows(kernel, band_limits(kernel)["months"].tolist()).items():
        kind, *words = name.split(":")
        if kind in ("lower", "upper", "grade") and words:
            found.setdefault(words[-1] if kind != "grade" else words[1], set()).update(
                column[~np.isnan(column)].tolist()
            )
    rules = [*kernel.rules.guards, *kernel.rules.triggers, *kernel.rules.cutoffs]
    for condition in kernel.rules.conditions:
        rules += [*condition.findings_for, *condition.findings_against, *condition.urgency]
    for part in (part for rule in rules for part in walk(rule.when)):
        if isinstance(part, Compare):
            found.setdefault(part.subject, set()).add(part.value)
    return {name: np.array(sorted(numbers)) for name, numbers in found.items()}


def result_names(table: pa.Table, knowledge: Knowledge) -> list[str]:
    """Return the columns of results."""
    return [name for name in table.column_names if name in knowledge.analytes]


def finding_names(table: pa.Table, knowledge: Knowledge) -> list[str]:
    """Return the columns of findings."""
    return [name for name in table.column_names if name in knowledge.findings]


def to_batch(table: pa.Table, knowledge: Knowledge) -> Batch:
    """Return the rows as the kernel takes them."""
    months = table["months"].to_numpy().astype(np.int64)
    least, most = (
        np.array([days(m) for m in range(int(months.max(initial=0)) + 2)]) for days in (fewest_days, most_days)
    )
    low = {name: table[name].to_numpy().astype(np.float64) for name in result_names(table, knowledge)}
    findings = {name: _presence(table[name]) for name in finding_names(table, knowledge)}
    stages = np.array([PREGNANCIES.index(stage) for stage in STAGES], dtype=np.int8)
    sexes = np.array([SEXES.index(Sex.FEMALE), SEXES.index(Sex.MALE)], dtype=np.int8)
    return Batch(
        len(table), low, dict(low), findings, {}, None, None, least[months], most[months + 1] - 1, months, months,
        np.ones(len(table), dtype=np.bool_), sexes[table["male"].to_numpy()],
        stages[table["stage"].to_numpy()],
    )  # fmt: skip


def _presence(column: pa.ChunkedArray) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    codes = column.fill_null(-1).to_numpy()
    return codes == 1, codes == 0


def slices(table: pa.Table, rows: int) -> Sequence[pa.Table]:
    """Part a table."""
    return [table.slice(start, rows) for start in range(0, len(table), rows)]


def to_export(table: pa.Table, knowledge: Knowledge) -> pa.Table:
    """Return the rows as an export has them: age in months, sex as a letter, results in canonical units."""
    columns = {"Age": table["months"], "Sex": _letters(table["male"])}
    for name in result_names(table, knowledge):
        columns[name] = table[name]
    return pa.table(columns)


def _letters(male: pa.ChunkedArray) -> pa.Array:
    return pa.array(np.where(male.to_numpy() == 1, Sex.MALE.value, Sex.FEMALE.value))
