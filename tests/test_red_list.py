"""The red list, tests/cases/red_list/: counts that must not be missed, through every door.

A miss is a fault of the library or of the case; it is never a reason to expect less.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.errors import UsageError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.quantities import normalize_unit
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
    screener_of,
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
    "files": {"id", "name", "source", "file", "written_as", "encoding", "options", "text", "persons", "rows", "rejects", "may_be_refused"},
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
        ids += [block["id"] for key in ("blocks", "refused", "names") for block in document.get(key, ())]
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
    return normalize_unit(unit)


# Doors ---------------------------------------------------------------------------------------


def test_every_record_by_itself(tmp_path: Path) -> None:
    found = missed(by_record, record_counts(), tmp_path)
    assert not found, shown(found)


def test_every_edge_by_itself(tmp_path: Path) -> None:
    found = missed(by_record, edge_counts(), tmp_path)
    assert not found, shown(found)


# Of the spellings of units, one in so many goes through a door that makes much of each row; the others take all.
ONE_IN = {"pandas": 20, "excel": 5, "packed": 5, "parquet": 5, "ndjson": 5}
ONE_IN |= {"long": 20, "hl7": 5, "fhir": 9, "astm": 9, "ccda": 60}


def counts_for(door: str) -> list[Count]:
    edges = edge_counts()[::3] if door == "ccda" else edge_counts()  # a document for each
    return [*record_counts(), *edges, *unit_counts()[:: ONE_IN.get(door, 1)]]


@pytest.mark.parametrize("door", TABLES)
def test_every_count_in_a_table(door: str, tmp_path: Path) -> None:
    counts = [count for count in counts_for(door) if count.in_table]
    found = missed(TABLES[door], counts, tmp_path)
    assert len(counts) > 1_400
    assert not found, shown(found)


@pytest.mark.parametrize("door", FEEDS)
def test_every_count_in_a_feed(door: str, tmp_path: Path) -> None:
    """Reasons may be told otherwise there; lines, patterns, urgencies and the list are the same."""
    counts = [count for count in counts_for(door) if count.in_feed]
    if door in ("fhir", "ccda"):
        counts = [count for count in counts if count.in_one_text]
    if door == "astm":
        counts = [count for count in counts if not count.id.endswith(f" {NO_UNIT_OF_ASTM}")]
    found = missed(FEEDS[door], counts, tmp_path, reasons=False)
    assert len(counts) > 600
    assert not found, shown(found)


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


NAMES = documents()["names"]["names"]
LINES = ("red", "white", "platelet")
# What stands in the place of a line that no name is tried for.
BESIDE = {"red": ("HGB (g/L)", "130"), "white": ("ANC (10^9/L)", "4"), "platelet": ("PLT (10^9/L)", "250")}


def names_by_language() -> Iterator[dict[str, tuple[str, dict[str, Any]]]]:
    """Choose the first name of each quantity in each language, those of one line never in one frame."""
    for language in dict.fromkeys(language for block in NAMES for language in block["languages"]):
        own = {
            block["analyte"]: (block["languages"][language][0], block)
            for block in NAMES
            if language in block["languages"]
        }
        white = own.pop("wbc", None)
        yield {block["line"]: (name, block) for name, block in own.values()}
        if white is not None:
            yield {"white": white}


def test_every_first_name_as_a_column() -> None:
    """A name that is not read leaves its line unknown, and that is a miss here."""
    found, tried = [], 0
    for chosen in names_by_language():
        row = {"age": "40 y", "sex": "F", **dict(value for line, value in BESIDE.items() if line not in chosen)}
        row |= {f"{name} ({block['unit']})": block["result"] for name, block in chosen.values()}
        (flags,) = cbc.screen_frame(pd.DataFrame([row])).to_dict("records")
        found += [
            f"{name} ({flags['reasons']})" for line, (name, _) in chosen.items() if flags[f"{line}_line"] != "low"
        ]
        tried += len(chosen)
    assert tried >= 100
    assert not found, shown(found)


def test_every_everyday_name_as_a_test(tmp_path: Path) -> None:
    """The same names in one table of a row a result, each of a person of its own."""
    named = [(name, block) for block in NAMES for names in block["languages"].values() for name in names]
    source, out = tmp_path / "export.csv", tmp_path / "flags.csv"
    with source.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["PatientID", "DOB", "Sex", "Collected", "Test", "Result", "Units"])
        for place, (name, block) in enumerate(named):
            person = [f"P{place}", "1984-01-01", "F", "2024-03-01"]
            writer.writerow([*person, "MCV", "90", "fL"])  # so that there is a count, whatever becomes of the name
            writer.writerow([*person, name, block["result"], block["unit"]])
    cbc.scan(source, out, tmp_path / "rejects.csv", keep=["person"], accept_units=list(LOINC))
    with out.open(encoding="utf-8", newline="") as file:
        rows = {row["person"]: row for row in csv.DictReader(file)}
    pairs = [(name, block, rows[f"P{place}"]) for place, (name, block) in enumerate(named)]
    found = [f"{name} ({row['reasons']})" for name, block, row in pairs if row[f"{block['line']}_line"] != "low"]
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
    screener = screener_of(json.dumps({"units": options.pop("units", None)}))
    source, out, rejects = written(case, tmp_path), tmp_path / "flags.csv", tmp_path / "rejects_of_scan.csv"
    try:
        summary = screener.scan(source, out, rejects, **options)
    except UsageError:
        assert case.get("may_be_refused"), "refused, where it was to be read"
        return
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
