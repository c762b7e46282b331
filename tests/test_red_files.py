"""The files under tests/cases/red_files.yaml: written, scanned, and held to what must come out."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.errors import CBCScreenError

CASES_FOLDER = Path(__file__).parent / "cases"
KEYS = {"name", "kind", "source", "why", "file", "text", "encoding", "options", "repeat"}
OUTCOMES = {"rows", "rejects", "refused", "exit_code", "not_suspected"}


def read_files() -> dict[str, dict[str, Any]]:
    listed = yaml.safe_load((CASES_FOLDER / "red_files.yaml").read_text(encoding="utf-8"))["files"]
    return {case["name"]: case for case in listed}


FILES = read_files()


def write(case: dict[str, Any], folder: Path) -> Path:
    """Write the file of a case; a segment of a message ends with a carriage return."""
    path, text = folder / case["file"], case["text"]
    if "repeat" in case:
        header, _, rows = text.partition("\n")
        text = f"{header}\n{rows * case['repeat']}"
    if path.suffix in (".hl7", ".astm"):
        text = text.replace("\n", "\r")
    path.write_bytes(text.encode(case.get("encoding", "utf-8")))
    return path


def words(cell: str) -> list[str]:
    return [word for word in cell.split(";") if word]


def check(expected: dict[str, Any], row: dict[str, str]) -> None:
    """Check one row of a CSV output, where every cell is a text."""
    wanted = {column: str(value) for column, value in expected.get("expect", {}).items()}
    assert {column: row[column] for column in wanted} == wanted
    for column, some in expected.get("contains", {}).items():
        assert set(some) <= set(words(row[column])), column
    for column, wrong in expected.get("not", {}).items():
        assert row[column] != wrong, column


def test_files_are_well_formed() -> None:
    for name, case in FILES.items():
        assert set(case) <= KEYS | OUTCOMES, name
        assert set(case) & OUTCOMES, name
        assert case["why"], name
        assert case["source"], name


@pytest.mark.parametrize("name", FILES)
def test_file(name: str, tmp_path: Path) -> None:
    case = FILES[name]
    source, out, rejects = write(case, tmp_path), tmp_path / "flags.csv", tmp_path / "rejects.csv"
    if "exit_code" in case:
        result = CliRunner().invoke(main, ["scan", str(source), "-o", str(out)])
        assert result.exit_code == case["exit_code"], result.output
        return
    options = dict(case.get("options", {}))
    screener = cbc.Screener(units=options.pop("units", None))
    refusal = None
    try:
        summary = screener.scan(source, out, rejects, **options)
    except CBCScreenError as problem:
        refusal = str(problem)
    if refusal is not None:
        assert "refused" in case, refusal
        assert case["refused"] in refusal
        assert "\n" not in refusal.strip()
        return
    assert set(case) & (OUTCOMES - {"refused"}), "read, where it was to be refused"
    assert summary.rows_in == summary.screened + summary.rejected
    assert not set(summary.unit_suspect) & set(case.get("not_suspected", ()))
    if "rows" in case:
        with out.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(case["rows"])
        for expected, row in zip(case["rows"], rows, strict=True):
            check(expected, row)
    for reason in case.get("rejects", ()):
        counted = {**summary.rejects, **summary.results["rejected"]}  # rows of tables, results of messages
        assert counted.get(reason), (reason, counted)
        assert reason in rejects.read_text(encoding="utf-8")


# Every kind --------------------------------------------------------------------------------

KINDS = [f"A{n}" for n in range(1, 20)] + [f"R{n}" for n in range(1, 41)]
# What neither a record nor one file can hold, and where its test is.
ELSEWHERE = {
    "A19": "sources of the default scheme: tests/knowledge/test_sources.py",
    "A16": "women that the profile of NHANES knows to be pregnant: tests/test_nhanes.py",
    "R20": "encodings that fit are named: tests/test_encodings.py",
    "R35": "answers to queries: tests/ingest/test_hl7_kinds.py",
    "A18": "the grade of lymphocytes by HIV status: tests/test_grade_daids.py",
    "R9": "tables of visits, days and offsets: tests/test_grouping.py",
    "R31": "a draft profile that gives the same answers: the command `profile`",
    "R32": "two scans, the second with --previous",
}

# Kinds that are read wrongly or not at all still; each gets its case with what mends it.
OPEN: set[str] = set()


def test_every_kind_of_fault_has_a_case() -> None:
    listed = yaml.safe_load((CASES_FOLDER / "red_list.yaml").read_text(encoding="utf-8"))["cases"]
    found = {case["kind"] for case in [*listed, *FILES.values()] if "kind" in case}
    assert found == set(KINDS) - set(ELSEWHERE) - OPEN
