"""Every documented value of each option of each command, run once on a small file as its users would (one file: one subject, whose cases share what they build).

The commands are walked: an option that is new, or a value, fails here until it has a case below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import click
import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from cbc_screen.cli import main
from cbc_screen.source import AgeUnit, DecimalMark, ThousandsMark
from cbc_screen.vocabulary import NOTICE, Pregnancy
from exports.write_binary import transport

ROOT = Path(__file__).resolve().parents[1]
EXPORTS = Path(__file__).parent / "exports"
NAMES = (
    "Patient ID", "Collection date", "Age", "Sex", "Pregnancy", "HGB (g/dL)", "HGB flag", "NEUT# (10^9/L)", "PLT (10^9/L)", "Ward",
)  # fmt: skip
ROWS = [
    ("a", "2024-02-03", "61 y", "F", "", "7.93", "L", "0.647", "31", "east"),
    ("a", "2024-06-03", "61 y", "F", "", "8.21", "L", "0.713", "38", "west"),
    ("b", "2024-02-03", "45 y", "M", "", "15.31", "", "4.17", "238", "east"),
]
RULES = "policies: [islh, barnsley]\n"
RANGES = (
    "analyte,sex,age_low,age_high,lower,upper,unit\nhemoglobin,F,18 y,,117,153,g/L\nhemoglobin,M,18 y,,132,166,g/L\n"
)
BEHIND_HELP = {  # an option whose values its help names in words: where they are listed
    "--age-unit": get_args(AgeUnit),
    "--decimal": get_args(DecimalMark),
    "--thousands": get_args(ThousandsMark),
    "--sex": ("F", "M", "unknown"),
    "--pregnancy": tuple(stage.value for stage in Pregnancy if stage is not Pregnancy.NOT_STATED),
    "--language": ("de", "es", "tr"),
    "--delimiter": (",", ";", "\t", "|"),
    "--text-units": ("si", "us"),
}
ALL_OF_SCAN = {
    "--profile": tuple(sorted(path.stem for path in (ROOT / "reference_ranges/profiles").glob("*.yaml"))),
    "-o": (".parquet", ".csv", ".ndjson", ".csv.gz", ".csv.zst", ".ndjson.gz", ".ndjson.zst", "-"),
}


@dataclass(frozen=True)
class Case:
    """One value of one option: with what else it is given, on which file, and how the command ends."""

    values: tuple[str, ...] = ()
    file: str = "plain.csv"
    also: tuple[str, ...] = ()
    exit: int = 0
    scanned: int = 0  # how a scan ends, where it is not so
    says: str = ""


def each(*values: str, **given: Any) -> list[Case]:
    return [Case((value,), **given) for value in values]


# The files -----------------------------------------------------------------------------------


def text(delimiter: str = ",", change: Callable[[str], str] = str, names: tuple[str, ...] = NAMES) -> str:
    lines = [names, *[tuple(map(change, row)) for row in ROWS]]
    return "".join(delimiter.join(line) + "\n" for line in lines)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one small table, in every form that an option is about."""
    found = tmp_path_factory.mktemp("options")
    bare = tuple(re.sub(r" \(.*\)", "", name) for name in NAMES)
    texts = {
        "plain.csv": text(),
        "bare.csv": text(names=bare),
        "ages.csv": text().replace(" y,", ","),
        "codes.csv": text().replace(",F,,", ",1,9,").replace(",M,,", ",1,9,"),
        "semicolon.csv": text(";"),
        "tab.csv": text("\t"),
        "bar.csv": text("|"),
        "comma.csv": text(";", lambda cell: cell.replace(".", ",")),
        "dates.csv": text(change=lambda cell: re.sub(r"(\d+)-(\d+)-(\d+)", r"\3/\2/\1", cell)),
        "above.csv": "a,b,c,d,e,f,g,h,i,j\n" + text(),
        "spelled.csv": text().replace("10^9/L", "furlong"),
        "renamed.csv": text().replace("HGB (g/dL)", "the red one (g/dL)"),
        "latin.csv": text().replace("Ward", "Straße"),
        "marks.csv": text(";").replace("31\n", "31.000\n").replace("10^9/L", "/uL").replace("0.647", "647"),
        "rules.yaml": RULES,
        "ranges.csv": RANGES,
        "answers.csv": "row,rule,flag,answer,instead,comment\n2,line:red,low,agree,,\n",
        "people.csv": "".join(
            [
                "Patient ID,Age,Sex,HGB (g/dL)\n",
                *(f"p{number},40 y,F,{12.1 + number / 10:.1f}\n" for number in range(24)),
            ]
        ),
        "none_rejected.csv": "line,reason,content,notice\n",
        "earlier.json": '[{"age": "61 y", "sex": "F", "collected_at": "2024-01-03", "hemoglobin": "12.9 g/dL"}]',
        "record.json": '{"age": "61 y", "sex": "F", "hemoglobin": "7.93 g/dL"}',
        "plain.ndjson": "".join(
            "{" + ", ".join(f'"{name}": "{cell}"' for name, cell in zip(NAMES, row, strict=True)) + "}\n"
            for row in ROWS
        ),
    }
    for mark in get_args(ThousandsMark):
        cells = {
            "31": f"31{mark}000",
            "38": f"38{mark}000",
            "238": f"238{mark}000",
            "0.647": "647",
            "0.713": "713",
            "4.17": f"4{mark}170",
        }
        changed = text(";", lambda cell, cells=cells: cells.get(cell, cell)).replace("10^9/L", "/uL")
        texts[f"thousands_{ord(mark) if mark else 0}.csv"] = changed.replace("7.93", "7,93") if mark == "." else changed
    for name, content in texts.items():
        (found / name).write_bytes(content.encode("latin-1" if name == "latin.csv" else "utf-8"))
    pq.write_table(
        pa.table({name: [row[place] for row in ROWS] for place, name in enumerate(NAMES)}), found / "plain.parquet"
    )
    book = openpyxl.Workbook()
    book.active.title = "Counts"
    for row in (NAMES, *ROWS):
        book.active.append(row)
    book.create_sheet("Empty")
    book.save(found / "plain.xlsx")
    columns = [("USUBJID", 8), ("AGE", 8), ("SEX", 8), ("HGB", 8), ("PLT", 8)]
    (found / "plain.xpt").write_bytes(
        transport(columns, [("a", 61.0, "F", 7.93, 31.0), ("b", 45.0, "M", 15.31, 238.0)])
    )
    scanned = CliRunner().invoke(
        main,
        ["scan", str(found / "plain.csv"), "-o", str(found / "flags.parquet"), "--received", "--keep", "Patient ID"],
    )
    assert scanned.exit_code == 0, scanned.output
    table = pq.read_table(found / "plain.parquet")
    with duckdb.connect(str(found / "plain.duckdb")) as base:
        base.register("given", table)
        base.execute("CREATE TABLE counts AS SELECT * FROM given")
    return found


# Ends with 3 in a scan: the profiles expect white cells, which the table does not have.
EXPECTING = each("generic_us", "generic_si", scanned=3)
FORMATS = [
    *each("auto", "csv"),
    *each("ndjson", file="plain.ndjson"), *each("parquet", file="plain.parquet"), *each("xlsx", file="plain.xlsx"),
    *each("xpt", file="plain.xpt", also=("--units", "us", "--age-unit", "y")),
    *each("hl7", file="hl7/loinc_251.hl7"), *each("astm", file="astm/framed.astm"), *each("fhir", file="fhir/bundle.json"),
    *each("ccda", file="ccda/results.xml"),
]  # fmt: skip
BARE = {"file": "bare.csv"}
SOURCE: dict[str, list[Case]] = {
    "--units": [
        *each("us", **BARE),
        *each("hemoglobin=g/dL", scanned=3, **BARE),  # the other lines are without a unit: an alarm
        *each("si", file="bare.csv", also=("--units", "hemoglobin=g/dL")),
        *each("per_ul", file="thousands_0.csv"),
    ],
    "--unit-spelling": each("furlong=10^9/L", file="spelled.csv"),
    "--columns": each("hemoglobin=the red one (g/dL)", file="renamed.csv"),
    "--age-unit": each(*get_args(AgeUnit), file="ages.csv"),
    "--sex-codes": each("1=F", "1=M", "1=unknown", file="codes.csv", also=("--pregnancy-codes", "9=none")),
    "--pregnancy-codes": each(
        *(f"9={stage.value}" for stage in Pregnancy if stage is not Pregnancy.NOT_STATED), file="codes.csv", also=("--sex-codes", "1=F")
    ),
    "--decimal": [*each("."), *each(",", file="comma.csv")],
    "--thousands": [
        *each("", file="thousands_0.csv"), *each(",", file="thousands_44.csv"), *each(" ", file="thousands_32.csv"),
        *each("'", file="thousands_39.csv"), *each(".", file="thousands_46.csv", also=("--decimal", ",")),
    ],
    "--date-format": [*each("%d/%m/%Y", file="dates.csv"), *each("collected_at=%d/%m/%Y", file="dates.csv")],
    "--encoding": [*each("utf-8"), *each("latin-1", file="latin.csv")],
    "--delimiter": [
        *each(","), *each(";", file="semicolon.csv"), *each("\t", file="tab.csv"), *each("|", file="bar.csv"),
    ],
    "--format": FORMATS,
    "--profile": EXPECTING,
    "--persons": each(str(EXPORTS / "long/omop_person.csv"), file="long/omop_measurement.csv"),
    "--skip-lines": [*each("0"), *each("1", file="above.csv")],
    "--sheet": each("Counts", file="plain.xlsx"),
    "--language": each("de", "es", "tr"),
    "--accept-units": each("platelets", "platelets,wbc"),
    "--table": each("counts", file="plain.duckdb"),
    "--query": each("SELECT * FROM counts", file="plain.duckdb"),
}  # fmt: skip
SCREENING: dict[str, list[Case]] = {
    "--definition": each("reference", "clinical", "mds", "strict", "aplastic"),
    "--grading": each("clinical", "who_2024", "who_2011", "ctcae_v4", "ctcae_v5", "ctcae_v6", "daids_v2_1"),
    "--ranges": each("default", "china_wst405_adult", "FOLDER/ranges.csv"),
    "--rules": each("default", "FOLDER/rules.yaml"),
    "--adjust-hemoglobin": each("elevation", "smoking"),
    "--text-units": each("si", "us"),
    "--no-reported-ranges": [Case()],
    "--published-sets": [Case()],
    "--setting": each("primary_care", "ward", "marrow_clinic", "endemic_area"),
}
OWN_FILES: dict[str, list[Case]] = {
    "--ranges": each("FOLDER/ranges.csv", file="flags.parquet", exit=2, says="ranges"),
    "--rules": each("FOLDER/rules.yaml", file="flags.parquet", exit=2, says="rules"),
    "--text-units": each("si", "us", file="flags.parquet"),
}
FLAG = [Case()]
VERIFIED = ("--set", "nhanes_dxh800")
PERSON = ("--columns", "age=age", "--columns", "sex=sex")
CASES: dict[str, dict[str, list[Case]]] = {
    "scan": {
        **SOURCE,
        **SCREENING,
        "--profile": [
            *EXPECTING, *each("nhanes", file="columnar/survey.xpt"),
            *each("omop_5_4", file="long/omop_measurement.csv"), *each("mimic_iv", file="long/mimic_labevents.csv"),
            *each("cdisc_lb", file="long/cdisc_lb.xpt"), *each("synthea", file="long/synthea_observations.csv"),
            *each("sysmex_xn", file="wide/analyzer_list.csv"), *each("eicu_crd", file="long/eicu_lab.csv"),
            *each("meds", file="long/meds.parquet"),
        ],
        "-o": [
            *each("FOLDER/o.parquet", "FOLDER/o.csv", "FOLDER/o.ndjson", "FOLDER/o.csv.gz", "FOLDER/o.csv.zst", "FOLDER/o.ndjson.gz",
                  "FOLDER/o.ndjson.zst", also=("--force",)), *each("-", also=("--out-format", "csv")),
        ],
        "--out-format": each("csv", "ndjson", "fhir", also=("-o", "-")),
        "--packed": [Case(also=("-o", "FOLDER/packed.parquet", "--force"))],
        "--received": [Case(also=("-o", "FOLDER/received.parquet", "--force"))],
        "--report": each("FOLDER/page.html", also=("-o", "FOLDER/listed.parquet", "--force")),
        "--resume": [Case(also=("-o", "FOLDER/resumed.csv", "--force"))],
        "--rejects": each("FOLDER/rejects.csv", also=("--force",)),
        "--summary": each("FOLDER/summary.json", also=("--force",)),
        "--keep": each("Patient ID"),
        "--previous": each("FOLDER/flags.parquet.manifest.json"),
        "--detail": FLAG,
        "--workers": each("1", "2"),
        "--force": [Case(also=("-o", "FOLDER/forced.csv"))],
        "--max-rejects": each("0", "1"),
        "--max-cannot-tell": each("0", "1"),
        "--follow": [Case(also=("-o", "FOLDER/followed.parquet", "--force"))],
        "--person": each("Patient ID", also=("--follow", "-o", "FOLDER/followed.parquet", "--force")),
        "--laboratory": each("Ward", also=("--follow", "-o", "FOLDER/followed.parquet", "--force")),
    },
    "follow": {
        **SOURCE,
        **SCREENING,
        "--published-sets": [Case(exit=2, says="single counts")],
        "-o": each("FOLDER/f.parquet", "FOLDER/f.csv", "FOLDER/f.ndjson", "FOLDER/f.csv.gz", "FOLDER/f.ndjson.zst", also=("--force",)),
        "--each-count": FLAG,
        "--person": each("Patient ID"),
        "--laboratory": each("Ward"),
        "--force": [Case(also=("-o", "FOLDER/again.csv"))],
    },
    "audit": {
        **SOURCE,
        "--ranges": SCREENING["--ranges"],
        "-o": each("FOLDER/findings.csv", "FOLDER/audit.json", also=("--force",)),
        "--report": each("FOLDER/audit.html", also=("--force",)),
        "--force": [Case(also=("-o", "FOLDER/findings_again.csv"))],
    },
    "profile": {
        **SOURCE,
        "-o": each("FOLDER/draft.yaml", also=("--force",)),
        "--force": [Case(also=("-o", "FOLDER/draft_again.yaml"))],
    },
    "one": {
        **SCREENING,
        "--units": each("us", "si", "per_ul", "hemoglobin=g/dL"),
        "--unit-spelling": each("zz=10^9/L"),
        "--age": each("54 y", "7 mo", "3 d"),
        "--birth-date": each("1962-05-14", also=("--collected-at", "2024-02-03")),
        "--collected-at": each("2024-02-03", "2024-02-03T08:10:00"),
        "--sex": each("F", "M", "unknown"),
        "--pregnancy": each("none", "T1", "T2", "T3", "trimester_unknown", "postpartum", "unknown"),
        "--record": each("FOLDER/record.json", file=""),
        "--history": each("FOLDER/earlier.json", also=("--collected-at", "2024-02-03")),
        "--full": FLAG,
    },
    "report": {
        **{name: [Case(case.values, case.file, ("-o", "FOLDER/own.html", "--force"), case.exit, case.says) for case in cases]
           for name, cases in OWN_FILES.items()},
        "-o": each("FOLDER/worklist.html", file="flags.parquet", also=("--force",)),
        "--person": each("Patient ID", file="flags.parquet", also=("-o", "FOLDER/persons.html", "--force")),
        "--most": each("1", file="flags.parquet", also=("-o", "FOLDER/most.html", "--force")),
        "--force": [Case((), "flags.parquet", ("-o", "FOLDER/force.html"))],
    },
    "explain": {
        **{name: [Case(case.values, case.file, ("--row", "2"), case.exit, case.says) for case in cases]
           for name, cases in OWN_FILES.items()},
        "--row": each("2", "Patient ID=b", file="flags.parquet"),
    },
    "compare": {
        "--key": each("Patient ID", file="flags.parquet"),
        "--old-rejects": each("FOLDER/none_rejected.csv", file="flags.parquet"),
        "--new-rejects": each("FOLDER/none_rejected.csv", file="flags.parquet"),
        "--examples": each("0", "5", file="flags.parquet"),
    },
    "ranges verify": {
        **{name: [replace(case, exit=2) for case in cases] for name, cases in SOURCE.items()},
        "--set": each("nhanes_dxh800", file="people.csv"),
        "--results-of": each("routine", "reference", file="people.csv", also=VERIFIED),
        "--analyte": each("hemoglobin", file="people.csv", also=VERIFIED),
        "--person": each("Patient ID", file="people.csv", also=VERIFIED),
        "--stated-people": each("240", file="people.csv", also=VERIFIED),
        "--stated-percentiles": each("2.5-97.5", file="people.csv", also=VERIFIED),
        "-o": each("FOLDER/limits.csv", "FOLDER/limits.json", file="people.csv", also=(*VERIFIED, "--force")),
        "--report": each("FOLDER/verified.html", file="people.csv", also=(*VERIFIED, "--force")),
        "--text-units": each("si", "us", file="people.csv", also=VERIFIED),
        "--force": [Case((), "people.csv", (*VERIFIED, "-o", "FOLDER/limits_again.csv"))],
    },
    "sql": {
        **{name: SCREENING[name] for name in ("--definition", "--grading", "--ranges", "--rules")},
        "--adjust-hemoglobin": [
            *each("elevation", also=("--grading", "who_2024", "--columns", "hemoglobin=hb", "--columns", "elevation=height", *PERSON)),
            *each("smoking", also=("--grading", "who_2024", "--columns", "hemoglobin=hb", "--columns", "smoker=smoker", *PERSON)),
        ],
        "--table": each("lab.counts"),
        "--dialect": each("duckdb", "postgresql", "spark"),
        "--columns": each("hemoglobin=hb", also=("--columns", "age=age", "--columns", "sex=sex")),
        "--keep": each("count_id"),
        "--age-unit": each("y", "mo", "wk", "d", "h"),
        "--sex-codes": each("1=F", "1=M", "1=unknown"),
        "--view": each("flags"),
        "-o": each("FOLDER/flags.sql", also=("--force",)),
        "--force": [Case(also=("-o", "FOLDER/flags_again.sql"))],
    },
    "cql": {
        **{name: SCREENING[name] for name in ("--definition", "--grading", "--ranges", "--rules")},
        "-o": each("FOLDER/cql", also=("--force",)),
        "--force": [Case(also=("-o", "FOLDER/cql_again"))],
    },
    "admiral": {
        "--pregnancy-column": each("PREGST"),
        "-o": each("FOLDER/criteria.json", also=("--force",)),
        "--force": [Case(also=("-o", "FOLDER/criteria_again.json"))],
    },
    "grade": {
        "--scheme": each("clinical", "who_2024", "who_2011", "ctcae_v4", "ctcae_v5", "ctcae_v6", "daids_v2_1", also=("--lower-limit", "117")),
        "--lower-limit": each("117"),
        "--age": each("54 y", "7 mo", "3 d"),
        "--sex": each("F", "M", "unknown"),
        "--pregnancy": each("none", "T1", "T2", "T3", "trimester_unknown", "postpartum", "unknown"),
        "--elevation": each("2600 m"),
        "--cigarettes-per-day": each("20"),
        "--smoker": each("present", "absent", "unknown"),
    },
    "ranges show": {"--sex": each("F", "M"), "--ranges": SCREENING["--ranges"]},
    "ranges new": {"-o": each("FOLDER/mine.csv", also=("--force",)), "--force": [Case((), "", ("-o", "FOLDER/mine_again.csv"))]},
    "demo": {"--folder": each("FOLDER/demo")},
    "serve": {
        **SCREENING,
        "--units": each("us", "si", "per_ul", "hemoglobin=g/dL"),
        "--unit-spelling": each("zz=10^9/L"),
        "--host": each("127.0.0.1", "0.0.0.0"),
        "--port": each("0", "8000"),
        "--max-body": each("1000"),
        "--timeout": each("0.1"),
        "--max-counts": each("1"),
        "--max-connections": each("1"),
        "--answers": each("FOLDER/feedback.csv"),
        "--log-seconds": each("1"),
    },
}  # fmt: skip
# These are run for every command in test_terminal.py and test_options_file.py.
OF_EVERY_COMMAND = {"as_json", "quiet", "config", "no_config"}
# What a command takes besides: files lead where it reads some.
ARGUMENTS = {
    "one": ("hemoglobin=7.93 g/dL", "platelets=31 10^9/L"),
    "grade": ("hemoglobin", "79.3", "g/L"),
    "score": ("plasmic", "platelets=20 10^9/L"),
    "ranges show": ("hemoglobin",),
    "admiral": ("who_2024",),
    "compare": ("FOLDER/flags.parquet",),
}
READS = {"scan", "follow", "audit", "profile", "report", "explain", "validate", "compare", "ranges verify"}
WITHOUT_NOTICE = {"ranges new"}
# An audit needs what a sender said of its results, and these files hold results alone.
NOTHING_TO_AUDIT = {"plain.xpt", "ccda/results.xml", "long/omop_measurement.csv"}


def commands() -> Iterator[tuple[str, click.Command]]:
    def walk(group: click.Group, before: str) -> Iterator[tuple[str, click.Command]]:
        for name, command in group.commands.items():
            if isinstance(command, click.Group):
                yield from walk(command, f"{before}{name} ")
            else:
                yield f"{before}{name}", command

    return walk(main, "")


COMMANDS = dict(commands())


def options(command: str) -> dict[str, click.Option]:
    return {
        param.opts[0]: param
        for param in COMMANDS[command].params
        if isinstance(param, click.Option) and param.name not in OF_EVERY_COMMAND
    }


def documented(command: str, name: str, option: click.Option) -> set[str]:
    """Return the values that are told of an option: its choices, those of its metavar, or of its help."""
    if isinstance(option.type, click.Choice):
        return set(map(str, option.type.choices))
    _, sign, words = (option.metavar or "").rpartition("CODE=")
    if sign or "|" in words:
        return {word for word in words.split("|") if word != "WORD" and "=" not in word}
    if command == "scan" and name in ALL_OF_SCAN:
        return set(ALL_OF_SCAN[name])
    return set(BEHIND_HELP.get(name, ()))


def is_given(value: str, given: set[str]) -> bool:
    """Say whether a value is given: alone, for a code or a field, or as the ending of an output."""
    return any(own == value or own.endswith(f"={value}") or (value[:1] == "." and own.endswith(value)) for own in given)


def test_every_option_of_every_command_has_a_case() -> None:
    found = {command: set(options(command)) for command in COMMANDS if options(command)}
    assert {command: set(cases) for command, cases in CASES.items()} == found


@pytest.mark.parametrize("command", CASES)
def test_every_value_that_is_documented_has_a_case(command: str) -> None:
    for name, option in options(command).items():
        given = {value for case in CASES[command][name] for value in case.values}
        missing = {value for value in documented(command, name, option) if not is_given(value, given)}
        assert missing == set(), name
        assert given or option.is_flag, name


RUNS = [
    pytest.param(command, name, case, id=f"{command} {name} {' '.join(case.values)}")
    for command, cases in CASES.items()
    for name, own in cases.items()
    for case in own
]


@pytest.mark.parametrize(("command", "name", "case"), RUNS)
def test_a_value_of_an_option(
    command: str, name: str, case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Any] = []
    monkeypatch.setattr("cbc_screen.service.command._run", lambda *given: served.append(given))
    file = case.file if command in READS else ""
    lead = [str(EXPORTS / file if "/" in file else folder / file)] if file else []
    rest = () if case.file == "" and command == "one" else ARGUMENTS.get(command, ())
    given = [word.replace("FOLDER", str(folder)) for word in (*rest, name, *case.values, *case.also)]
    done = CliRunner().invoke(main, [*command.split(), *lead, *given])
    said = done.output
    if command == "audit" and file in NOTHING_TO_AUDIT:
        assert (done.exit_code, said.count("\n")) == (2, 1), said
        return
    assert done.exit_code == (case.exit or (case.scanned if command == "scan" else 0)), said
    assert case.says in said
    if case.exit:
        assert said.count("\n") == 1
    elif command == "serve":
        ((screener, *_),) = served
        assert screener.screen({"age": "61 y", "sex": "F", "platelets": "31 10^9/L"}).notice == NOTICE
    elif command not in WITHOUT_NOTICE:
        assert NOTICE in said


WRONG = {
    "--units": "metric", "--age-unit": "furlong", "--sex-codes": "1=woman", "--pregnancy-codes": "9=perhaps", "--decimal": ";",
    "--thousands": ";", "--encoding": "latin-99", "--date-format": "dd/mm/yyyy", "--delimiter": "::", "--format": "doc", "--profile": "none_such",
    "--persons": "none_such.csv", "--skip-lines": "-1", "--sheet": "Nowhere", "--language": "german", "--accept-units": "plt",
    "--columns": "hemoglobin=nowhere", "--unit-spelling": "zz=furlong", "--definition": "strictest", "--grading": "ctcae_v9",
    "--ranges": "none_such", "--rules": "none_such", "--adjust-hemoglobin": "weight", "--setting": "home", "--text-units": "metric", "--workers": "0",
    "--keep": "nowhere", "--previous": "none_such.json", "--out-format": "xml", "-o": "flags.docx", "--max-rejects": "2",
    "--max-cannot-tell": "2", "--report": "page.pdf",
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_value_that_is_none_is_refused_and_named(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By one line of ours, or by the parser of options behind its line of usage."""
    monkeypatch.chdir(folder)
    before = sorted(path.name for path in folder.iterdir())
    file = "plain.xlsx" if name == "--sheet" else "plain.csv"
    done = CliRunner().invoke(main, ["scan", file, name, WRONG[name]])
    assert done.exit_code == 2, done.output
    said = done.output.strip().splitlines()
    assert (len(said) == 1 and said[0].startswith("cbc-screen: ")) or f"Error: Invalid value for '{name}'" in said[
        -1
    ], said
    assert sorted(path.name for path in folder.iterdir()) == before
