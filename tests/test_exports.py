"""Every export under tests/exports: what it must give stands in exports/expected.yaml, worked out by hand.

Each file goes through `scan`, through `read` and `screen_frame`, and through the command, and each door gives the same answers.
"""

from __future__ import annotations

import csv
import gzip
import io
import logging
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.vocabulary import NOTICE
from exports.write_binary import contents

FOLDER = Path(__file__).parent / "exports"
LARGEST = 6_000  # bytes; the files are there to be looked at
NOT_EXPORTS = {".py", ".yaml", ".pyc", ""}
LINES = ("red_line", "white_line", "platelet_line")
COMPARED = ("pattern", *LINES, "severity", "urgency", "guards")
# What `read` leaves to be declared again: how texts are written, and what mmol/L means.
OF_THE_TEXTS = ("decimal", "thousands", "date_format")


@dataclass(frozen=True)
class Export:
    """One file, how it is scanned, and what must come out."""

    file: str
    what: str
    private: tuple[str, ...]
    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    used: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    results: Mapping[str, int] = field(default_factory=dict)
    counts: tuple[Mapping[str, Any], ...] = ()
    refused: str = ""
    exit: int = 0

    @property
    def id(self) -> str:
        return self.name or self.file

    @property
    def path(self) -> Path:
        return FOLDER / self.file

    def source_options(self) -> dict[str, Any]:
        """Return the fields of a source, with the path of the table of persons."""
        given = dict(self.options)
        if "persons" in given:
            given["persons"] = FOLDER / given["persons"]
        return given

    def command_options(self) -> list[str]:
        """Return the same as options of the command."""
        found: list[str] = []
        for name, given in self.source_options().items():
            option = f"--{name.replace('_', '-')}"
            texts = [f"{key}={value}" for key, value in given.items()] if isinstance(given, dict) else [str(given)]
            found += [word for text in texts for word in (option, text)]
        return found


def listed() -> list[Export]:
    """Return the list, in its order."""
    cases = yaml.safe_load((FOLDER / "expected.yaml").read_text(encoding="utf-8"))
    return [
        Export(**{**case, "private": tuple(case["private"]), "counts": tuple(case.get("counts", ()))}) for case in cases
    ]


EXPORTS = {export.id: export for export in listed()}
READ = [name for name, export in EXPORTS.items() if not export.refused]
REFUSED = [name for name, export in EXPORTS.items() if export.refused]


class Heard(logging.Handler):
    """All that is logged, at any level."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage() + (record.exc_text or ""))


@dataclass(frozen=True)
class Scanned:
    """What a scan left: its account, rows by the line of the source, rejects, logs, and the files beside."""

    summary: cbc.ScanSummary | None
    rows: list[dict[str, str]]
    rejects: list[dict[str, str]]
    flags: bytes
    logs: str
    beside: str
    refusal: str = ""


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return what scans an export, each once for all tests."""

    @cache
    def scanned(name: str) -> Scanned:
        return scan(EXPORTS[name], tmp_path_factory.mktemp("scan"))

    return scanned


def scan(export: Export, folder: Path) -> Scanned:
    """Scan one export, and hear what is logged."""
    heard, root = Heard(), logging.getLogger()
    level = root.level
    root.addHandler(heard)
    root.setLevel(logging.DEBUG)
    flags, rejects, summary = folder / "flags.csv", folder / "rejects.csv", folder / "summary.json"
    try:
        found = cbc.scan(export.path, flags, rejects, summary=summary, **export.source_options())
    except cbc.CBCScreenError as problem:
        everything = "".join(traceback.format_exception(problem)) + repr(vars(problem)) + repr(problem.__context__)
        assert list(folder.iterdir()) == []
        return Scanned(None, [], [], b"", "\n".join(heard.said), everything, str(problem))
    finally:
        root.removeHandler(heard)
        root.setLevel(level)
    rows = sorted(table(flags.read_bytes()), key=lambda row: int(row["row"]))
    beside = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.json"))
    return Scanned(found, rows, table(rejects.read_bytes()), flags.read_bytes(), "\n".join(heard.said), beside)


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))


def words(cell: str) -> list[str]:
    return sorted(word for word in cell.split(";") if word)


# The list -----------------------------------------------------------------------------------


def test_every_file_is_in_the_list_and_small() -> None:
    there = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.suffix not in NOT_EXPORTS}
    persons = {export.options["persons"] for export in EXPORTS.values() if "persons" in export.options}
    assert {export.file for export in EXPORTS.values()} | persons == there
    assert len(there) >= 45
    assert {name for name in there if (FOLDER / name).stat().st_size > LARGEST} == set()


def test_every_kind_that_is_read_has_a_file(scans: Any) -> None:
    kinds = {cbc_format(EXPORTS[name]) for name in READ}
    assert kinds == {"csv", "ndjson", "parquet", "xlsx", "xpt", "hl7", "astm", "fhir", "ccda"}


def cbc_format(export: Export) -> str:
    from cbc_screen.ingest.detect import detect

    return detect(export.path).value


def test_each_count_says_why() -> None:
    for export in EXPORTS.values():
        assert export.what, export.id
        assert bool(export.refused) or len(export.counts) == export.used, export.id
        for count in export.counts:
            assert set(count) - {"reasons", "guards"} == {"is", "lines", "pattern", "urgency", "why"}, export.id


@pytest.mark.parametrize("name", list(contents()))
def test_what_no_editor_shows_is_what_its_script_writes(name: str) -> None:
    ours, written = (FOLDER / name).read_bytes(), contents()[name]
    if name.startswith("broken/"):  # cut in the middle: how far depends on the version of what packs
        assert name.rpartition("/")[2].startswith("cut_short")
        return
    assert shown(name, ours) == shown(name, written)


def shown(name: str, content: bytes) -> Any:
    """Return what a reader sees of a file: versions of the libraries stand in some."""
    if name.endswith(".gz"):
        return gzip.decompress(content)
    if name.endswith(".parquet"):
        return pq.read_table(io.BytesIO(content)).to_pydict()
    if name.endswith(".xlsx"):
        book = openpyxl.load_workbook(io.BytesIO(content))
        return {sheet.title: list(sheet.values) for sheet in book.worksheets}
    return content


# What comes out -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", READ)
def test_the_answers_are_those_worked_out_by_hand(name: str, scans: Any) -> None:
    found = scans(name)
    assert found.summary is not None, found.refusal
    assert len(found.rows) == len(EXPORTS[name].counts)
    for wanted, row in zip(EXPORTS[name].counts, found.rows, strict=True):
        said = " ".join(row[line] for line in LINES)
        assert (said, row["pattern"], row["urgency"]) == (wanted["lines"], wanted["pattern"], wanted["urgency"]), wanted
        assert words(row["reasons"]) == sorted(wanted.get("reasons", [])), wanted
        assert words(row["guards"]) == sorted(wanted.get("guards", [])), wanted


@pytest.mark.parametrize("name", READ)
def test_what_went_in_is_used_or_rejected_with_its_reason(name: str, scans: Any) -> None:
    export, found = EXPORTS[name], scans(name)
    summary, results = found.summary, found.summary.results
    of_results = results["rejected"]
    assert (summary.screened, len(found.rows)) == (export.used, export.used)
    assert summary.rows_in == summary.screened + summary.rejected
    assert summary.rejected == sum(summary.rejects.values())
    assert dict(Counter(summary.rejects) + Counter(of_results)) == dict(export.rejected)
    assert dict(Counter(row["reason"] for row in found.rejects)) == dict(export.rejected)
    assert all(row["content"] for row in found.rejects)
    placed = results["used"] + results["unusable"] + results["superseded"] + results["not_count"]
    assert results["read"] == placed + sum(of_results.values())
    assert {key: results[key] for key in export.results} == dict(export.results)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_line(name: str, scans: Any) -> None:
    found = scans(name)
    assert found.summary is None, "read, where it was to be refused"
    assert EXPORTS[name].refused in found.refusal
    assert "\n" not in found.refusal.strip()


@pytest.mark.parametrize("name", READ)
def test_a_frame_of_it_gives_the_same_answers(name: str, scans: Any) -> None:
    export, rows = EXPORTS[name], scans(name).rows
    frame = cbc.read(export.path, **export.source_options(), as_received=True)
    if not len(frame):
        assert rows == []
        return
    said = {option: export.options[option] for option in OF_THE_TEXTS if option in export.options}
    units = export.options.get("units")
    if isinstance(units, dict):
        said["units"] = units
    flags = cbc.screen_frame(frame, **said).astype("string").fillna("")
    found = dict(zip(frame["row"].astype(str), flags.to_dict("records"), strict=True))
    assert len(found) == len(frame)
    for row in rows:
        answer = found.pop(row["row"])
        assert {column: answer[column] for column in COMPARED} == {column: row[column] for column in COMPARED}
        assert words(answer["reasons"]) == words(row["reasons"])
        assert answer["notice"] == NOTICE
    # A frame keeps the rows that a scan rejects: of no patient's blood, or without a result. Each says so and tells nothing.
    for line, answer in found.items():
        (reason,) = (row["reason"] for row in scans(name).rejects if row["line"] == line)
        assert reason in answer["reasons"]
        assert (answer["pattern"], *(answer[one] for one in LINES)) == ("cannot_tell",) * 4


@pytest.mark.parametrize("name", REFUSED)
def test_read_refuses_what_scan_refuses(name: str, scans: Any) -> None:
    with pytest.raises(cbc.UsageError) as caught:
        cbc.read(EXPORTS[name].path, **EXPORTS[name].source_options())
    assert EXPORTS[name].refused in str(caught.value)


@pytest.mark.parametrize("name", EXPORTS)
def test_the_command_writes_the_same_and_nothing_of_a_person_elsewhere(name: str, scans: Any, tmp_path: Path) -> None:
    export, found = EXPORTS[name], scans(name)
    flags = tmp_path / "flags.csv"
    arguments = ["scan", str(export.path), "-o", str(flags), "--rejects", str(tmp_path / "rejects.csv")]
    done = CliRunner().invoke(main, [*arguments, *export.command_options()])
    assert done.exit_code == (2 if export.refused else export.exit), done.output
    if export.refused:
        assert len(done.output.strip().splitlines()) == 1
        assert list(tmp_path.iterdir()) == []
    else:
        assert flags.read_bytes() == found.flags
        assert NOTICE in done.output
        assert (
            f"{found.summary.rows_in} rows in = {found.summary.screened} screened + {found.summary.rejected} rejected"
            in done.output
        )
    told = done.output + found.logs + found.beside + found.refusal + "".join(path.name for path in tmp_path.iterdir())
    assert [text for text in export.private if text in told] == []


@pytest.mark.parametrize("name", READ)
def test_what_is_private_stands_in_the_file(name: str) -> None:
    """Else the test above would look for nothing."""
    export = EXPORTS[name]
    assert export.private
    if export.file.endswith((".gz", ".parquet", ".xlsx", ".xpt")):
        held = cbc.read(export.path, **export.source_options(), as_received=True).to_csv()
    else:
        held = export.path.read_bytes().decode(held_in(export))
    assert [text for text in export.private if text not in held] == []


def held_in(export: Export) -> str:
    """Return the encoding of a text file."""
    if export.file == "wide/russian_utf16.csv":
        return "utf-16"
    return export.options.get("encoding", "latin-1")


# What leaves ---------------------------------------------------------------------------------

ONE_OF_EACH = [
    "wide/plain.csv",
    "long/omop_measurement.csv",
    "hl7/loinc_251.hl7",
    "fhir/bundle.json",
    "astm/plain.astm",
]


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_every_output_says_what_it_is(name: str, scans: Any, tmp_path: Path) -> None:
    export = EXPORTS[name]
    options = export.source_options()
    outputs = ["flags.parquet", "flags.ndjson", "answers.ndjson"]
    cbc.scan(export.path, tmp_path / outputs[0], report=tmp_path / "list.html", **options)
    cbc.scan(export.path, tmp_path / outputs[1], **options)
    cbc.scan(export.path, tmp_path / outputs[2], out_format="fhir", **options)
    assert {row["notice"] for row in scans(name).rows} == {NOTICE}
    assert set(cbc.read_flags(tmp_path / "flags.parquet")["notice"]) == {NOTICE}
    for file in ("flags.ndjson", "answers.ndjson"):
        lines = (tmp_path / file).read_text(encoding="utf-8").splitlines()
        assert len(lines) >= export.used
        assert all(NOTICE in line for line in lines)
    assert NOTICE in (tmp_path / "list.html").read_text(encoding="utf-8")
    assert NOTICE in scans(name).beside


@pytest.mark.parametrize(
    ("gone", "line"), [("hemoglobin", "red_line"), ("neutrophils", "white_line"), ("platelets", "platelet_line")]
)
def test_a_count_without_one_line_never_has_a_pattern(gone: str, line: str, scans: Any) -> None:
    """Taking a line away leaves the number of low lines among the possible ones (as for the published cases)."""
    frame = cbc.read(EXPORTS["wide/plain.csv"].path).drop(columns=[gone, f"{gone}_unit", "wbc", "wbc_unit"])
    flags = cbc.screen_frame(frame)
    assert set(flags["pattern"].astype(str)) == {"cannot_tell"}
    assert set(flags[line].astype(str)) == {"cannot_tell"}
    for row, before in zip(flags.to_dict("records"), scans("wide/plain.csv").rows, strict=True):
        low = sum(before[one] == "low" for one in LINES)
        assert row["lines_low_max"] - row["lines_low_min"] == 1
        assert row["lines_low_min"] <= low <= row["lines_low_max"]


def test_several_files_of_different_kinds_are_one_scan(tmp_path: Path, scans: Any) -> None:
    """Each row says of which file it is, and nothing is lost between them."""
    names = ["wide/plain.csv", "columnar/counts.xlsx", "columnar/survey.xpt"]
    summary = cbc.scan([EXPORTS[name].path for name in names], tmp_path / "flags.csv")
    rows = table((tmp_path / "flags.csv").read_bytes())
    assert Counter(row["file"] for row in rows) == {EXPORTS[name].path.name: EXPORTS[name].used for name in names}
    assert summary.rows_in == sum(EXPORTS[name].used for name in names)
    for name in names:
        own = [row for row in rows if row["file"] == EXPORTS[name].path.name]
        assert [row["pattern"] for row in own] == [row["pattern"] for row in scans(name).rows]
        assert pd.Series([row["reasons"] for row in own]).tolist() == [row["reasons"] for row in scans(name).rows]
