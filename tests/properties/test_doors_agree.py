"""One record and one row of a frame get the same answer, for many made-up rows.

The rows come from a seeded generator and not from hypothesis: one frame of many
rows mixes cells that one record never has beside it.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge
from effort import share
from strategies import (
    ANALYTES,
    KNOWLEDGE,
    PREGNANCY_WORDS,
    SEX_WORDS,
    UNREADABLE,
    accepted,
    answers,
    factor_of,
    in_unit,
    limits_of,
    months_before,
    numbers_beside,
    refused_units,
)

MANY = share(10_000)
SOME = share(2_000)
FEW = share(500)
FINDINGS = (
    "platelet_clumps",
    "schistocytes_on_film",
    "blasts_on_film",
    "fever",
    "spleen_enlarged",
    "recent_chemotherapy",
)
FILM = KNOWLEDGE.finding_groups["film"]
WITH_UNIT_COLUMN = (
    "hemoglobin",
    "wbc",
    "neutrophils",
    "platelets",
    "hematocrit",
    "rbc",
    "neutrophils_percent",
    "reticulocytes",
)
# fmt: off
AGES = (
    *("54", "17", "6", "0", "11", "2", "90", "30.5", "13", "35", "54 y", "15 y", "7 mo", "3 d", "5 y 3 mo"),
    *("> 89", "90+", "<2", ">= 65", "151", "-1", "abc", ""),
)
# fmt: on
AGE_UNITS = ("y", "y", "y", "years", "mo", "mo", "d", "wk", "h", "", None, "moon")


class Rows:
    """A seeded source of rows, each a mapping of column to text or None."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def row(self) -> dict[str, str | None]:
        pick = self.random
        row: dict[str, str | None] = {}
        for analyte in ANALYTES:
            row |= self.result(analyte, often=analyte in WITH_UNIT_COLUMN)
        row["age"] = pick.choice(AGES) if pick.random() < 0.9 else None
        row["age_unit"] = pick.choice(AGE_UNITS)
        row["birth_date"], row["collected_at"] = self.dates() if pick.random() < 0.6 else (None, None)
        row["sex"] = pick.choice((*("F", "M") * 6, "unknown", None, "1", pick.choice(SEX_WORDS)))
        row["pregnancy"] = pick.choice((*[None] * 12, "none", "T2", "T3", "maybe", pick.choice(PREGNANCY_WORDS)))
        # Half of the rows say nothing but results: a record then takes a shorter program.
        said = pick.random() < 0.5
        row["reticulocyte_method"] = pick.choice(("automated", "manual", "unknown", None)) if said else None
        row["wbc_uncorrected"] = pick.choice(("true", "false", None)) if said else None
        for finding in FINDINGS:
            row[finding] = pick.choice(("present", "absent", "unknown", None)) if said else None
        return row

    def result(self, analyte: str, *, often: bool) -> dict[str, str | None]:
        pick = self.random
        cell: dict[str, str | None] = {analyte: None}
        if often:
            cell[f"{analyte}_unit"] = None
        kind = pick.random()
        if kind < (0.15 if often else 0.75):
            return cell
        unit = pick.choice(accepted(analyte))[0]
        number = in_unit(pick.choice(numbers_beside(analyte)), factor_of(analyte, unit))
        if kind > 0.95:
            number = pick.choice(UNREADABLE)
        elif kind > 0.92:
            unit = pick.choice(refused_units(analyte))
        elif kind > 0.84:
            number = pick.choice(("<", "<=", ">", ">=", "< ")) + number
        if often and pick.random() < 0.7:
            cell[analyte], cell[f"{analyte}_unit"] = number, unit or pick.choice(("", None))
        else:
            cell[analyte] = f"{number} {unit}"
        return cell

    def dates(self) -> tuple[str, str]:
        pick = self.random
        collected = datetime.date(2000, 1, 1) + datetime.timedelta(days=pick.randrange(9_800))
        months = pick.choice((0, 1, 2, 5, 6, 12, 24, 60, 72, 144, 180, 216, 480, 720, 792, 1080))
        born = months_before(collected, months) + datetime.timedelta(days=pick.choice((-1, 0, 1, -4, -20, 0, 0)))
        form = pick.choice(("%Y-%m-%d", "%Y-%m-%d", "%Y-%m-%d", "%Y-%m", "%Y", "%Y%m%d", "%d/%m/%Y"))
        return born.strftime(form), collected.strftime(
            pick.choice(("%Y-%m-%d", "%Y-%m-%d", "%Y-%m-%dT10:30:00", "%Y-%m", ""))
        )


def record_of(row: Mapping[str, str | None]) -> dict[str, Any]:
    """Write a row as the record it stands for."""
    record: dict[str, Any] = {"film": {}, "context": {}}
    for name, text in row.items():
        if name in ANALYTES and text is None and f"{name}_unit" not in row:
            continue  # an empty cell is a result that is not there
        if name in ANALYTES:
            measurement: dict[str, Any] = {"value": text, "unit": row.get(f"{name}_unit")}
            sides = [row.get(f"{name}_lower"), row.get(f"{name}_upper")]
            if any(side is not None for side in sides):
                measurement["range"] = {"lower": sides[0], "upper": sides[1]}
            record[name] = measurement
        elif name in FINDINGS:
            if text is not None:
                record["film" if name in FILM else "context"][name] = text
        elif name == "wbc_uncorrected":
            record[name] = None if text is None else text == "true"
        elif name in ("age", "age_unit", "birth_date", "collected_at", "sex", "pregnancy") or (
            name == "reticulocyte_method" and text is not None
        ):
            record[name] = text
    return record


def differences(screener: cbc.Screener, rows: Sequence[Mapping[str, str | None]], frame: Any) -> list[str]:
    """Screen each row by itself and within the frame, and list what differs."""
    # The units of a column are doubted for its rows together, which no record has: each row has a unit of its own.
    accepted_units = list(load_knowledge().analytes)
    return records_that_differ(screener, rows, answers(screener.screen_frame(frame, accept_units=accepted_units)))


def records_that_differ(
    screener: cbc.Screener, rows: Sequence[Mapping[str, str | None]], found: Sequence[Mapping[str, Any]]
) -> list[str]:
    """Screen each row by itself, and list what differs from the answers of the frame."""
    assert len(found) == len(rows)
    unequal = []
    for place, (row, framed) in enumerate(zip(rows, found, strict=True)):
        single = screener.screen(record_of(row), compact=True).flags()
        if single != framed:
            names = [name for name in single if single[name] != framed.get(name)]
            values = {name: (single[name], framed.get(name)) for name in names}
            given = {name: text for name, text in row.items() if text is not None}
            unequal.append(f"row {place}: (record, frame) {values}\n    of {given}")
    return unequal


def texts(rows: Sequence[Mapping[str, str | None]]) -> pa.Table:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: pa.array([row.get(name) for row in rows], type=pa.string()) for name in columns})


def report(unequal: Sequence[str]) -> str:
    return f"{len(unequal)} rows differ:\n" + "\n".join(unequal[:3])


@pytest.mark.parametrize(
    ("definition", "grading", "seed"), [("reference", "clinical", 20_260_101), ("clinical", "ctcae_v5", 20_260_102)]
)
def test_many_rows_through_both_doors(definition, grading, seed):
    source = Rows(seed)
    rows = [source.row() for _ in range(MANY)]
    unequal = differences(cbc.Screener(definition=definition, grading=grading), rows, texts(rows))
    assert not unequal, report(unequal)


@pytest.mark.parametrize(
    ("definition", "grading"), [("mds", "who_2024"), ("strict", "who_2011"), ("aplastic", "ctcae_v6")]
)
def test_other_configurations_through_both_doors(definition, grading):
    source = Rows(len(definition))
    rows = [source.row() for _ in range(FEW)]
    unequal = differences(cbc.Screener(definition=definition, grading=grading), rows, texts(rows))
    assert not unequal, report(unequal)


def ranged_rows(seed: int, count: int, *, attached: bool) -> list[dict[str, str | None]]:
    """Rows whose results carry a range: sane, one-sided, too far off, or with ends exchanged."""
    source = Rows(seed)
    pick = source.random
    rows = []
    for _ in range(count):
        row: dict[str, str | None] = {
            "age": f"{pick.randrange(90)} y",
            "sex": pick.choice(("F", "M", None)),
            "pregnancy": None,
        }
        for analyte in ("hemoglobin", "neutrophils", "platelets", "wbc", "basophils", "mcv"):
            unit = pick.choice(accepted(analyte))[0]
            number = in_unit(pick.choice(numbers_beside(analyte)), factor_of(analyte, unit))
            sign = pick.choice(("", "", "", "<", ">"))
            if attached:
                row[analyte] = f"{sign}{number} {unit}"
            else:
                row[analyte], row[f"{analyte}_unit"] = sign + number, unit
            own = cbc.reference_range(analyte, age="54 y", sex="F")
            scale = pick.choice((1, 1, 1, 1.1, 0.9, 1.6, 2.5, 0.3, 0))
            sides = [
                None if s is None else in_unit(_rounded(s * scale), factor_of(analyte, unit))
                for s in (own.lower, own.upper)
            ]
            if pick.random() < 0.1:
                sides.reverse()
            for side, limit in zip(("lower", "upper"), sides, strict=True):
                row[f"{analyte}_{side}"] = limit if pick.random() < 0.8 else None
        if pick.random() < 0.3:
            # Neutrophils derived from WBC and a percentage, beside a range for neutrophils.
            row["neutrophils"] = None
            row["neutrophils_percent"] = f"{pick.randrange(100)} %"
        rows.append(row)
    return rows


def _rounded(value: float) -> Decimal:
    return Decimal(repr(round(value, 4)))


@pytest.mark.parametrize("attached", [False, True], ids=["unit_column", "unit_in_the_text"])
def test_reported_ranges_through_both_doors(attached):
    rows = ranged_rows(7, SOME, attached=attached)
    unequal = differences(cbc.Screener(), rows, texts(rows))
    assert not unequal, report(unequal)


ADULT = {"age": "54 y", "sex": "F"}


@pytest.mark.parametrize(
    "row",
    [
        # The range is in the unit of the result it came with, wherever that unit stands.
        {"hemoglobin": "12.5 g/dL", "hemoglobin_lower": "13", "hemoglobin_upper": "17"},
        # A limit beyond what a value can be is a range that is not sane, in one reading.
        {"mcv": "100", "mcv_unit": "fL", "mcv_lower": "156", "mcv_upper": "127"},
        {"hemoglobin": "160", "hemoglobin_unit": "g/L", "hemoglobin_lower": "117", "hemoglobin_upper": "260"},
        {"hemoglobin": "160", "hemoglobin_unit": "g/L", "hemoglobin_lower": "0", "hemoglobin_upper": "153"},
        # Neutrophils derived, with a range beside the empty cell.
        {
            "wbc": "5 10^9/L", "neutrophils_percent": "40 %", "neutrophils": None, "neutrophils_unit": "10^9/L",
            "neutrophils_lower": "2.5", "neutrophils_upper": "7",
        },
    ],
    ids=["unit_in_the_text", "exchanged_limits", "limit_above_reach", "limit_below_reach", "derived"],
)  # fmt: skip
def test_one_reported_range_through_both_doors(row):
    unequal = differences(cbc.Screener(), [{**ADULT, **row}], texts([{**ADULT, **row}]))
    assert not unequal, report(unequal)


def test_negative_zero_through_both_doors():
    """A float of -0.0 is a count of 0."""
    screener = cbc.Screener(units="us")
    row = {
        "sex": "F",
        "wbc": -0.0,
        "neutrophils": 0.0,
        "lymphocytes": 1.0,
        "monocytes": 0.0,
        "eosinophils": 0.0,
        "basophils": 0.0,
    }
    single = screener.screen(row, compact=True).flags()
    assert screener.screen({**row, "wbc": 0.0}, compact=True).flags() == single
    assert answers(screener.screen_frame(pd.DataFrame([{**row, "wbc": 0.0}]))) == [single]
    assert answers(screener.screen_frame(pd.DataFrame([row]))) == [single]


def test_number_columns_through_both_doors():
    """Numbers as floats with missing cells, in declared units: the array arithmetic is the scalar one."""
    pick = random.Random(11)
    screener = cbc.Screener(units="us")
    names = [name for name in ANALYTES if KNOWLEDGE.analytes[name].counted]
    rows: list[dict[str, Any]] = []
    for _ in range(SOME):
        row: dict[str, Any] = {"age": float(pick.randrange(95)), "sex": pick.choice(("F", "M"))}
        for name in names:
            factor = factor_of(name, KNOWLEDGE.unit_systems["us"][KNOWLEDGE.analytes[name].units.dimension])
            number = float(in_unit(pick.choice(numbers_beside(name)), factor))
            row[name] = pick.choice((number, number, number, float("nan"), -number, number * 1000, float("inf")))
        rows.append(row)
    # Numbers drawn beside limits may look like those of another unit.
    found = answers(screener.screen_frame(pd.DataFrame(rows), age_unit="y", accept_units=names))
    for row, framed in zip(rows, found, strict=True):
        assert screener.screen({**row, "age_unit": "y"}, compact=True).flags() == framed, row


def test_number_columns_with_a_unit_beside_each_cell():
    pick = random.Random(12)
    screener = cbc.Screener()
    rows: list[dict[str, Any]] = []
    for _ in range(SOME):
        row: dict[str, Any] = {"age": "54 y", "sex": pick.choice(("F", "M"))}
        for name in ("hemoglobin", "wbc", "neutrophils", "platelets", "hematocrit"):
            unit, factor = pick.choice(accepted(name))
            row[name] = float(in_unit(pick.choice(numbers_beside(name)), factor))
            row[f"{name}_unit"] = pick.choice((unit, unit, unit, unit, pick.choice(refused_units(name)), None))
        rows.append(row)
    found = answers(screener.screen_frame(pd.DataFrame(rows)))
    for row, framed in zip(rows, found, strict=True):
        record = {"age": row["age"], "sex": row["sex"]}
        record |= {name: {"value": row[name], "unit": row[f"{name}_unit"]} for name in row if f"{name}_unit" in row}
        assert screener.screen(record, compact=True).flags() == framed, row


def test_the_generator_reaches_every_limit():
    """The made-up numbers stand on each limit of the line analytes, and on both sides of it."""
    for analyte in ("hemoglobin", "neutrophils", "wbc", "platelets"):
        found = set(numbers_beside(analyte))
        low, high = KNOWLEDGE.analytes[analyte].plausible or (0, 10**9)
        for limit in limits_of(analyte):
            assert limit in found
            assert any(0 < limit - number < 1 for number in found) or limit <= low
            assert any(0 < number - limit < 1 for number in found) or limit >= high


def test_a_row_alone_says_what_it_says_among_others() -> None:
    """A frame of one row has neutrophils in every row; beside segmented cells the other white cells bound them all the same."""
    source, accepted = Rows(1_000_000), list(load_knowledge().analytes)
    rows = [source.row() for _ in range(300)]
    screener = cbc.Screener()
    among = answers(screener.screen_frame(texts(rows), accept_units=accepted))
    for place in (14, 295, *range(0, 300, 25)):
        (alone,) = answers(screener.screen_frame(texts([rows[place]]), accept_units=accepted))
        assert alone == among[place], place
