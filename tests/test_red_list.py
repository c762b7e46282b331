"""The red list, tests/cases/red_list/: counts that must not be missed, through every door.

A miss is a fault of the library or of the case; it is never a reason to expect less.
"""

from __future__ import annotations

import csv
import gzip
import re
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.knowledge import load_knowledge
from oracle.results import LOINC
from red_list import (
    FEEDS,
    TABLES,
    Count,
    by_record,
    by_screener,
    documents,
    edge_counts,
    missed,
    misses,
    record_counts,
    unit_counts,
    write_wide,
)
from test_red_files import write

FILES: dict[str, dict[str, Any]] = {
    case["id"]: case for document in documents().values() for case in document.get("files", ())
}
KEYS = {
    "cases": {"id", "name", "source", "screener", "record", "expect", "urgency_at_least", "listed", "contains", "lacks", "not", "only"},
    "edges": {"id", "name", "source", "person", "line", "days", "ages"},
    "files": {"id", "name", "source", "file", "written_as", "encoding", "options", "text", "persons", "rows", "rejects"},
}  # fmt: skip
ANSWERS = {"expect", "urgency_at_least", "listed", "contains", "lacks", "not"}
NO_UNIT_OF_ASTM = "1"  # what some analyzers write where there is none (docs/reading.md)


def shown(found: list[str]) -> str:
    return f"{len(found)} misses:\n" + "\n".join(found[:40])


# The list ------------------------------------------------------------------------------------


def test_the_list_is_well_formed() -> None:
    """Every case has an id of its own, says what a clinician sees, where its answer is from, and has one."""
    ids: list[str] = []
    for document in documents().values():
        for case in document.get("cases", ()):
            kind = "cases" if "record" in case else "edges"
            assert set(case) <= KEYS[kind], case["id"]
            assert case["name"], case["id"]
            assert case["source"], case["id"]
            assert ANSWERS & set(case) or case.get("days") or case.get("ages"), case["id"]
            ids.append(case["id"])
        for case in document.get("files", ()):
            assert set(case) <= KEYS["files"], case["id"]
            assert case["name"], case["id"]
            assert case["source"], case["id"]
            assert case.get("rows") or case.get("rejects"), case["id"]
            for row in case.get("rows", ()):
                assert ANSWERS & {key for key, value in row.items() if value}, case["id"]
            ids.append(case["id"])
        ids += [block["id"] for key in ("blocks", "refused") for block in document.get(key, ())]
    assert len(ids) == len(set(ids))


def test_there_are_enough_counts() -> None:
    """500 at least that are written out one by one, without the edges of age bands and the units."""
    rows = sum(max(1, len(case.get("rows", ()))) for case in FILES.values())
    assert len(record_counts()) + rows >= 500
    assert len(edge_counts()) >= 700
    assert len({count.id for count in record_counts()}) == len(record_counts())


def test_every_edge_of_an_age_band_is_there() -> None:
    """Of what decides a line, for both sexes where they differ, the day before, on and after, and by age."""
    rows = [row for row in load_knowledge().intervals("default") if row.pregnancy == "none"]
    for analyte in ("hemoglobin", "neutrophils", "platelets", "wbc"):
        own = [row.age_low for row in rows if row.analyte == analyte]
        edges = {f"{edge.count}{edge.unit}" if edge.unit == "d" else edge.count for edge in own if edge.count}
        for prefix, document in (("edge", "age_edges_by_date"), ("age", "age_edges_by_age")):
            listed = [c["id"].split("-")[2] for c in documents()[document]["cases"] if c["id"].split("-")[1] == analyte]
            found = {text if text.endswith("d") else _months(text) for text in listed}
            assert edges <= found, (prefix, analyte, edges - found)
    for case in documents()["age_edges_by_date"]["cases"]:
        born, taken = zip(*(day[:2] for day in case["days"]), strict=True)
        assert len(set(born)) == 1
        assert [(day - taken[0]).days for day in taken] == [0, 1, 2], case["id"]


def _months(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(mo|y)", text).groups()  # type: ignore[union-attr]
    return int(number) * (12 if unit == "y" else 1)


def test_every_unit_of_what_decides_a_line_is_there() -> None:
    """A spelling that is added to the units is added to the list, with the answer it must give."""
    found: dict[str, set[str]] = {}
    for count in unit_counts():
        for analyte, value in count.record.items():
            if isinstance(value, dict):
                found.setdefault(analyte, set()).add(_plain(value["unit"]))
    for analyte in ("hemoglobin", "neutrophils", "platelets", "wbc", "neutrophils_percent"):
        units = load_knowledge().analytes[analyte].units
        spellings = {_plain(spelling) for spelling in units.accepted}
        assert spellings <= found[analyte], (analyte, sorted(spellings - found[analyte])[:20])


def _plain(unit: str) -> str:
    return cbc.knowledge.quantities.normalized_unit(unit)


# Doors ---------------------------------------------------------------------------------------


def test_every_record_by_itself(tmp_path: Path) -> None:
    found = missed(by_record, record_counts(), tmp_path)
    assert not found, shown(found)


def test_every_edge_by_itself(tmp_path: Path) -> None:
    found = missed(by_record, edge_counts(), tmp_path)
    assert not found, shown(found)


@pytest.mark.parametrize("door", TABLES)
def test_every_count_in_a_table(door: str, tmp_path: Path) -> None:
    counts = [c for c in (*record_counts(), *edge_counts(), *unit_counts()) if c.in_table]
    found = missed(TABLES[door], counts, tmp_path)
    assert len(counts) > 5_000
    assert not found, shown(found)


@pytest.mark.parametrize("door", FEEDS)
def test_every_count_in_a_feed(door: str, tmp_path: Path) -> None:
    """Reasons may be told otherwise there; lines, patterns, urgencies and the list are the same."""
    counts = [c for c in (*record_counts(), *edge_counts(), *units_of(door)) if c.in_feed]
    if door in ("fhir", "ccda"):
        counts = [c for c in counts if c.in_one_text]
    found = missed(FEEDS[door], counts, tmp_path, reasons=False)
    assert len(counts) > 900
    assert not found, shown(found)


def units_of(door: str) -> list[Count]:
    """Choose spellings of units: all for tables and HL7, every seventh where a file or a resource is made of each."""
    counts = list(unit_counts())
    if door == "astm":
        counts = [c for c in counts if c.id.split(" ")[-1] != NO_UNIT_OF_ASTM]
    return counts if door in ("long", "hl7") else counts[::7] if door == "fhir" else counts[::31]


def test_every_record_by_the_command(tmp_path: Path) -> None:
    """The command gives the rows of the library, and does not end with a failure."""
    counts = by_screener(c for c in record_counts() if c.in_table)["{}"]
    source, out = write_wide(counts, tmp_path / "wide.csv"), tmp_path / "flags.csv"
    accept = [word for analyte in LOINC for word in ("--accept-units", analyte)]
    result = CliRunner().invoke(main, ["scan", str(source), "-o", str(out), *accept])
    assert result.exit_code == 0, result.output
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    pairs = zip(counts, rows, strict=True)
    found = [f"{count.id}: {miss}" for count, row in pairs for miss in misses(count.case, row)]
    assert not found, shown(found)


# Files ---------------------------------------------------------------------------------------


def written(case: dict[str, Any], folder: Path) -> Path:
    """Write the file of a case, in the form that it names."""
    path = write(case, folder)
    form = case.get("written_as")
    if form is None:
        return path
    if form == "gz":
        packed = path.with_suffix(".csv.gz")
        packed.write_bytes(gzip.compress(path.read_bytes()))
        return packed
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    if form == "parquet":
        pd.DataFrame(rows[1:], columns=rows[0]).to_parquet(path.with_suffix(".parquet"))
        return path.with_suffix(".parquet")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([float(cell) if re.fullmatch(r"\d+(\.\d+)?", cell) else cell for cell in row])
    book.save(path.with_suffix(".xlsx"))
    return path.with_suffix(".xlsx")


@pytest.mark.parametrize("name", FILES)
def test_file(name: str, tmp_path: Path) -> None:
    case = FILES[name]
    options = dict(case.get("options", {}))
    if "persons" in case:
        options["persons"] = tmp_path / "persons.csv"
        options["persons"].write_text(case["persons"], encoding="utf-8")
    screener = cbc.Screener(units=options.pop("units", None))
    source, out, rejects = written(case, tmp_path), tmp_path / "flags.csv", tmp_path / "rejects_of_scan.csv"
    summary = screener.scan(source, out, rejects, **options)
    assert summary.rows_in == summary.screened + summary.rejected
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    wanted = case.get("rows", [])
    assert len(rows) == len(wanted), [row["pattern"] for row in rows]
    found = [miss for expected, row in zip(wanted, rows, strict=True) for miss in misses(expected, row)]
    assert not found, shown(found)
    for reason in case.get("rejects", ()):
        counted = {**summary.rejects, **summary.results["rejected"]}
        assert counted.get(reason), (reason, counted)
        assert reason in rejects.read_text(encoding="utf-8")
