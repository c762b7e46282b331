"""Rows of a frame or a file with what is true of each, in the layouts that exports have."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from oracle.cells import FINISHED, NOTHING, QUANTITIES, UNKNOWN_UNITS, Cell, Cells, written
from oracle.contradictions import SENT, contradict, worlds_of
from oracle.persons import FIELDS, People, Written
from oracle.tables import Tables
from oracle.truth import ANYTHING, HUNDRED, ONE, Number, Truth, exact

LAYOUTS = ("beside", "beside", "header", "declared", "comma", "numbers")
MAIN = ("hemoglobin", "wbc", "neutrophils", "platelets")
OFTEN = (*MAIN, "neutrophils_percent")
SELDOM = tuple(a for a in QUANTITIES if a not in OFTEN)
WITH_RANGE = ("hemoglobin", "wbc", "neutrophils", "platelets", "lymphocytes", "mcv")
FINDINGS = ("blasts_on_film", "schistocytes_on_film", "platelet_clumps", "fever", "recent_chemotherapy")
PRESENCE = ("present", "absent", "unknown", "", None, "perhaps", "yes", "no")
METHODS: Mapping[str | None, frozenset[str]] = {
    "automated": frozenset(("automated",)),
    "manual": frozenset(("manual",)),
    "unknown": frozenset(("automated", "manual")),
    "by hand": frozenset(("automated", "manual")),
    None: frozenset(("automated", "manual")),
}
CUTS = ("0.2", "0.5", "1", "1.5", "1.8", "1.76", "1.79", "0.8", "0.6", "0.4", "1.25")
SHARES = ("80", "62.5", "50", "40", "25", "20", "12.5", "10", "5")  # a hundred divided by them goes out
RANGE_TEXTS_THAT_SAY_NOTHING = ("see chart", "10^3", "--", "low", "1.2.3")


@dataclass
class Row:
    """One count: its cells, its person, and the truth."""

    cells: dict[str, Cell]
    written: Written
    truth: Truth
    others: dict[str, str | None]
    ranges: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)
    contradicted: str = ""  # how, where results contradict each other

    def kinds(self) -> dict[str, str]:
        """Return what kind of cell each field is, without those that are plain or nothing."""
        dull = ("plain", "nothing")
        return {"person": self.written.kind} | {a: c.kind for a, c in self.cells.items() if c.kind not in dull}


@dataclass
class Slice:
    """Rows of one layout, and what has to be declared of them."""

    rows: list[Row]
    layout: str
    units: dict[str, tuple[str, int]]
    decimal: str
    bad_header: tuple[str, str] | None = None  # an analyte whose header names a unit that nobody knows


class RowMaker:
    """A seeded source of slices."""

    def __init__(self, tables: Tables, seed: int) -> None:
        self.tables, self.pick = tables, random.Random(seed)
        self.numeric: set[str] = set()  # columns of numbers alone

    def slice(self, many: int, layout: str = "beside", *, dated: bool = False, alone: bool = False) -> Slice:
        """Make so many rows; `dated` for doors where a person is a birth date and a sex, `alone` for one row by one."""
        pick = self.pick
        decimal = "," if layout == "comma" else "."
        units = {} if layout == "beside" else {a: pick.choice(q.units) for a, q in QUANTITIES.items()}
        cells = Cells(self.tables, pick, decimal=decimal, objects=layout == "numbers")
        # Letters of a sex mean what the others of their column say: nothing that one row can show.
        strange = many > 1 and not (dated or alone) and pick.random() < 0.06
        people = People(self.tables, pick, dated=dated, strange_letters=strange)
        seldom = set(pick.sample(SELDOM, pick.choice((3, 6, len(SELDOM)))))
        bad = None
        if layout == "header" and pick.random() < 0.3:
            bad = pick.choice(("neutrophils", "platelets", "hemoglobin", "wbc")), pick.choice(UNKNOWN_UNITS[:4])
        self.numeric = {a for a in QUANTITIES if layout == "numbers" and pick.random() < 0.5}
        rows = [self._row(cells, people, units, seldom, bad, dated=dated) for _ in range(many)]
        return Slice(rows, layout, units, decimal, bad)

    def _row(
        self,
        cells: Cells,
        people: People,
        units: Mapping[str, tuple[str, int]],
        seldom: set[str],
        bad: tuple[str, str] | None,
        *,
        dated: bool,
    ) -> Row:
        pick = self.pick
        person = people.person()
        garbled = pick.choice((0.0, 0.1, 0.3, 0.3, 0.6))
        values, contradiction = self._values(cells, seldom, with_bands="bands_percent" in seldom and not dated)
        uncorrected = not dated and not contradiction and "nrbc" in seldom and pick.random() < 0.15
        if uncorrected:
            # What is given is the count with the nucleated red cells in it.
            whole = values["wbc"] * (HUNDRED + values["nrbc"])
            values["wbc"] = (whole // HUNDRED // 10**7 + 1) * 10**7
            values["neutrophils_percent"] = values["bands_percent"] = values["lymphocytes_percent"] = -1
        found: dict[str, Cell] = {}
        for analyte in QUANTITIES:
            chance = pick.random()
            if analyte == "bands_percent":  # they are part of the neutrophils: sent where there are any
                chance = 1.0 if values[analyte] > 0 else 0.0
            if analyte == "nrbc" and uncorrected:
                chance = 1.0
            left_out = analyte not in OFTEN and (analyte not in seldom or chance < 0.5)
            if values[analyte] < 0 or (left_out and analyte not in SENT.get(contradiction or "", ())):
                found[analyte] = NOTHING
            elif analyte in self.numeric and not contradiction:
                found[analyte] = cells.number(analyte, values[analyte], garbled, units[analyte])
            elif chance < (0.6 if analyte == "neutrophils_percent" else 0.12) and not contradiction:
                found[analyte] = cells.missing()
            else:
                spoiled = 0.0 if contradiction else garbled
                found[analyte] = cells.cell(analyte, values[analyte], spoiled, units.get(analyte))
        self._lonely(found)
        if bad is not None and found[bad[0]].truth is not None:
            found[bad[0]] = found[bad[0]]._replace(truth=ANYTHING, kind="unit of the header unknown", power=None)
        truth = Truth(person.person, {a: c.truth for a, c in found.items() if c.truth is not None})
        others = self._others(truth, uncorrected=uncorrected, dated=dated)
        row = Row(found, person, truth, others)
        if contradiction and bad is None:
            truth.neutrophil_worlds = worlds_of(contradiction, truth)
        row.contradicted = contradiction or ("an unknown unit of the header" if bad is not None else "")
        self._ranges(row)
        if cells.decimal != ".":
            row.ranges = {a: tuple(t and t.replace(".", ",") for t in pair) for a, pair in row.ranges.items()}  # type: ignore[misc]
        return row

    def _values(self, cells: Cells, seldom: set[str], *, with_bands: bool) -> tuple[dict[str, int], str | None]:
        """Draw true values that fit together, and now and then such that cannot both be true.

        A percentage of the white cells is exactly the count beside it: either may be the one
        that is read.
        """
        pick = self.pick
        values = {a: cells.value(a) if a in OFTEN or a in seldom else -1 for a in QUANTITIES}
        share, neutrophils = exact(pick.choice(SHARES)), values["neutrophils"]
        if pick.random() < 0.1:
            neutrophils = exact(pick.choice(CUTS))  # a product that lands on a limit
        wbc = max(neutrophils * HUNDRED // share, 10**7)
        neutrophils = wbc * share // HUNDRED
        if pick.random() < 0.3:  # the white cells near a limit of their own
            wbc = max(values["wbc"], 10**7)
            neutrophils = wbc * share // HUNDRED
        bands = share // 5 if with_bands and pick.random() < 0.3 else 0
        rest = HUNDRED - share - 9 * ONE  # the others are 5, 3 and 1 %
        values |= {
            "wbc": wbc,
            "neutrophils": neutrophils,
            "neutrophils_percent": share - bands,
            "bands_percent": bands,
            "lymphocytes": wbc * rest // HUNDRED,
            "lymphocytes_percent": rest,
        }
        if pick.random() < 0.95:
            for analyte, part in (("monocytes", 5), ("eosinophils", 3), ("basophils", 1)):
                values[analyte] = wbc * part // 100 // 10**6 * 10**6
        if pick.random() < 0.5 and values["rbc"] >= 0 and values["reticulocytes_percent"] >= 0:
            values["reticulocytes"] = values["rbc"] * values["reticulocytes_percent"] * 10 // ONE
        else:
            values[pick.choice(("reticulocytes", "reticulocytes_percent"))] = -1
        assert wbc * share % HUNDRED == wbc * rest % HUNDRED == 0
        if pick.random() > 0.03:
            return values, None
        return values, contradict(values, pick)

    def _lonely(self, found: dict[str, Cell]) -> None:
        """Take away what could make a number beyond belief believable: the other indices."""
        if found["hemoglobin"].kind == "beyond belief":
            found |= dict.fromkeys(("rbc", "hematocrit", "mchc"), NOTHING)
        if any(found[a].kind == "beyond belief" for a in ("mcv", "mch", "rbc", "hematocrit")):
            kept = [a for a in ("mcv", "mch", "rbc", "hematocrit") if found[a].kind == "beyond belief"]
            found |= {a: NOTHING for a in ("mcv", "mch", "mchc", "rbc", "hematocrit") if a not in kept}

    def _others(self, truth: Truth, *, uncorrected: bool, dated: bool) -> dict[str, str | None]:
        pick = self.pick
        others: dict[str, str | None] = {"wbc_uncorrected": None, "reticulocyte_method": None}
        if dated:
            return others
        others["wbc_uncorrected"] = pick.choice(("true", "yes")) if uncorrected else pick.choice((None, "false", ""))
        others["reticulocyte_method"] = pick.choice(list(METHODS))
        truth.uncorrected = uncorrected
        truth.methods = METHODS[others["reticulocyte_method"]]
        return others | {name: pick.choice(PRESENCE) for name in FINDINGS}

    def _ranges(self, row: Row) -> None:
        """Report a range with some results, sane or not; it is in the unit of the result."""
        pick, reported = self.pick, {}
        for analyte in WITH_RANGE:
            cell = row.cells[analyte]
            if cell.power is None or cell.truth is None or pick.random() > 0.12:
                continue
            if analyte in ("neutrophils", "lymphocytes") and cell.kind != "plain":
                continue  # where the count is refused, a percentage stands in, and the range goes with the count
            limits = [
                p for key in ((0, 0), (len(self.tables.ages.places) - 1, 1)) for p in self.tables.limits(key, analyte)
            ]
            lower, upper = pick.choice(limits)
            places = QUANTITIES[analyte].places

            def text(number: Number | None, percent: int, power: int = cell.power, places: int = places) -> Any:
                if number is None:
                    return None, None
                moved = int(number) * percent // 100 // 10 ** (9 - places) * 10 ** (9 - places)
                return written(moved, power, places), moved

            low, high = text(lower, pick.choice((100, 80, 120, 95, 103))), text(upper, pick.choice((100, 90, 110)))
            kind = pick.random()
            if kind < 0.1:
                low = None, None
            elif kind < 0.2:
                high = None, None
            elif kind < 0.3:
                low, high = high, low
            elif kind < 0.4:
                low, high = text(lower, 900), text(upper, 900)
            row.ranges[analyte], reported[analyte] = (low[0], high[0]), (low[1], high[1])
            if kind > 0.92:
                row.ranges[analyte] = pick.choice(RANGE_TEXTS_THAT_SAY_NOTHING), high[0]
                del reported[analyte]
        row.truth.reported = reported


def header(analyte: str, made: Slice) -> str:
    """Return the header of an analyte in the layout of a slice."""
    if made.layout in ("header", "numbers"):
        unit = made.bad_header[1] if made.bad_header and made.bad_header[0] == analyte else made.units[analyte][0]
        return f"{analyte.replace('_', ' ')} ({unit})"
    return analyte


def columns_of(made: Slice) -> dict[str, list[Any]]:
    """Write a slice as columns of texts."""
    columns: dict[str, list[Any]] = {name: [row.written.fields[name] for row in made.rows] for name in FIELDS}
    for name in made.rows[0].others:
        columns[name] = [row.others[name] for row in made.rows]
    for analyte in QUANTITIES:
        own = [row.cells[analyte] for row in made.rows]
        if analyte not in OFTEN and all(cell is NOTHING for cell in own):
            continue
        columns[header(analyte, made)] = [cell.text for cell in own]
        if made.layout == "beside":
            columns[f"{analyte}_unit"] = [cell.unit for cell in own]
        if any(cell.status for cell in own):
            columns[f"{analyte}_status"] = [
                cell.status if cell.status else FINISHED[place % len(FINISHED)] for place, cell in enumerate(own)
            ]
        if any(analyte in row.ranges for row in made.rows):
            for side, name in enumerate(("lower", "upper")):
                columns[f"{analyte} {name}"] = [row.ranges.get(analyte, (None, None))[side] for row in made.rows]
    return columns
