"""What every command prints: for people at 80 columns, for programs as one JSON document, for a nightly job nothing.

The commands are walked: one that is new fails here until it has a case below.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.demo import write_demo
from cbc_screen.report import terminal
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION

NARROW, WIDE = 80, 300
HEADER = "Patient ID,Collection date,Age,Sex,HGB (g/dL),HGB flag,NEUT# (10^9/L),Neutrophils %,PLT (10^9/L),Ward\n"
ROWS = (
    "a,2024-02-03,61 y,F,7.93,L,0.647,12,31,east\n"
    "a,2024-06-03,61 y,F,8.21,,0.713,13,1238,west\n"
    "b,2024-02-03,45 y,M,15.31,L,4.17,61,238,east\n"
)
# command -> what is typed behind it; FLAGS and the like are files of the folder
CASES = {
    "scan": "plain.csv -o again.parquet --force --keep Ward",
    "profile": "plain.csv",
    "follow": "plain.csv",
    "audit": "plain.csv",
    "one": 'hemoglobin="7.9 g/dL" wbc="1.2 10^9/L" platelets="31 10^9/L" mcv="104 fL" --age "61 y" --sex F',
    "report": "flags.parquet -o page.html --force",
    "explain": "flags.parquet --row 2",
    "validate": "answers.csv",
    "compare": "flags.parquet other.parquet",
    "grade": 'hemoglobin 79.3 "g/L" --age "61 y" --sex F --elevation "2600 m" --scheme who_2024',
    "score": 'hscore hemoglobin="89 g/L" wbc="4.0 10^9/L" temperature=39.1',
    "ranges list": "",
    "ranges show": "hemoglobin",
    "ranges new": "-o mine.csv --force",
    "ranges check": "ranges.csv",
    "ranges verify": "people.csv --analyte hemoglobin",
    "sql": "-o flags.sql --force",
    "cql": "-o cql --force",
    "admiral": "ctcae_v5 -o criteria.json --force",
    "schema": "result",
    "demo": "--folder demo",
    "version": "",
}
NOT_RUN = {"serve": "it does not end; tests/service has it"}
EXIT = {"compare": 3}
# What is to be read by a program, or copied as it stands, is not folded.
COPIED = {"profile", "demo", "schema"}
# At 112 columns all of its table is shown; below, the first columns, whole.
SHORTENED = {"validate"}


def walked(group: click.Group = main, before: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from walked(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


COMMANDS = dict(walked())
QUIET = [name for name, command in COMMANDS.items() if any(param.name == "quiet" for param in command.params)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("terminal")
    (found / "plain.csv").write_text(HEADER + ROWS)
    (found / "other.csv").write_text(HEADER + ROWS.replace("7.93", "13.93"))
    people = "".join(f"p{number},40 y,F,{12.1 + number % 40 / 10:.1f}\n" for number in range(240))
    (found / "people.csv").write_text(f"Patient ID,Age,Sex,HGB (g/dL)\n{people}")
    (found / "unknown.csv").write_text("Age,Sex,HGB (g/dL)\n61 y,F,7.9\n")
    (found / "answers.csv").write_text("row,rule,flag,answer,instead,comment\n2,line:red,low,agree,,\n3,x,y,z,,\n")
    (found / "ranges.csv").write_text(
        "analyte,sex,age_low,age_high,lower,upper,unit\nhemoglobin,F,18 y,,117,153,g/L\nhemoglobin,M,18 y,,132,166,g/L\n"
    )
    for name in ("plain", "other"):
        out = found / f"{'flags' if name == 'plain' else name}.parquet"
        cbc.scan(found / f"{name}.csv", out, received=True, keep=["Ward"])
    return found


@pytest.fixture(autouse=True)
def _in_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def run(command: str, *more: str) -> Result:
    return CliRunner().invoke(main, [*command.split(), *shlex.split(CASES[command]), *more])


def test_every_command_has_a_case() -> None:
    assert CASES.keys() | NOT_RUN.keys() == COMMANDS.keys()


@pytest.mark.parametrize("command", CASES)
def test_as_json_it_is_one_document_with_the_notice(command: str) -> None:
    done = run(command, "--json")
    assert done.exit_code == EXIT.get(command, 0), done.output
    document = json.loads(done.stdout)
    assert document["notice"] == NOTICE
    assert len(document) > 1
    assert done.stderr == ""


def test_what_the_documents_say_is_what_was_asked() -> None:
    def told(command: str, *more: str) -> dict:
        return json.loads(run(command, *more, "--json").stdout)

    head = {"notice": NOTICE, "schema_version": SCHEMA_VERSION}
    assert told("version") == {**head, "code_version": cbc.__version__, "data_version": cbc.__data_version__}
    scanned = told("scan")
    assert (scanned["rows_in"], scanned["screened"], scanned["patterns"]["pancytopenia"]) == (3, 3, 1)
    assert {(row["sex"], row["lower"]) for row in told("ranges show")["rows"] if row["age"] == "18 y and over"} == {
        ("F", 117.0), ("M", 132.0),
    }  # fmt: skip
    followed = told("follow")
    assert (followed["persons"], followed["counts"], followed["rejected"]) == (2, 3, 0)
    # four months to the day between two counts with both lines low
    assert (followed["persistence"]["red"]["persistent_4_months"], followed["persistence"]["red"]["not_low"]) == (1, 1)
    graded = told("grade")
    # 79.3 is grade 3 (under 80), and under 80 still where 2600 m take 13 g/L and more away from it
    assert (graded["grade"], graded["unadjusted"], graded["severity"]) == (3, 3, "severe")
    assert told("report") == {**head, "to_review": 2, "page": "page.html"}
    checked = told("ranges check")
    assert (checked["sound"], checked["faults"]) == (True, [])


def test_a_set_with_faults_is_a_document_and_an_exit_code(folder: Path) -> None:
    text = (folder / "ranges.csv").read_text()
    (folder / "broken.csv").write_text(text.replace("117,153", "153,117"))
    done = CliRunner().invoke(main, ["ranges", "check", "broken.csv", "--json"])
    assert done.exit_code == 2
    document = json.loads(done.stdout)
    assert (document["sound"], document["faults"][0]["line"]) == (False, 2)


def test_the_word_of_earlier_versions_is_understood() -> None:
    assert run("explain", "--as-json").output == run("explain", "--json").output


def test_json_and_flags_do_not_share_standard_output() -> None:
    done = CliRunner().invoke(main, ["scan", "plain.csv", "-o", "-", "--json"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--summary FILE" in done.stderr


@pytest.mark.parametrize("group", [[], ["ranges"]])
def test_the_list_of_commands_is_whole(group: list[str]) -> None:
    done = CliRunner().invoke(main, [*group, "--help"], terminal_width=NARROW)
    listed = done.output.partition("Commands:")[2]
    own = {name.split()[len(group)] for name in COMMANDS if name.split()[: len(group)] == group}
    assert {line.split()[0] for line in listed.strip().splitlines()} == own
    assert "..." not in listed


def test_help_has_options_in_the_order_they_are_thought_of() -> None:
    said = CliRunner().invoke(main, ["scan", "--help"]).output
    places = [
        said.index(f"  {option} ") for option in ("--units", "--columns", "--profile", "--definition", "--grading")
    ]
    assert places == sorted(places)


def numbers(text: str) -> Counter[str]:
    return Counter(re.findall(r"\d[\d.,]*\d|\d", text))


@pytest.mark.parametrize(
    "command", [name for name in CASES if name not in ("sql", "cql", "admiral", "schema", "explain")]
)
def test_at_80_columns_no_number_and_no_word_is_broken(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {}
    for width in (NARROW, WIDE):
        monkeypatch.setattr(terminal, "PLAIN_WIDTH", width)
        done = run(command)
        assert done.exit_code == EXIT.get(command, 0), done.output
        # how long it took is another number each time
        said[width] = re.sub(r"\(\d+\.\d s\)", "", done.output)
    narrow, wide = said[NARROW], said[WIDE]
    assert "…" not in narrow
    if command in SHORTENED:
        assert numbers(narrow) - numbers("112" + wide) == Counter()
    else:
        assert numbers(narrow) == numbers(wide)
    whole = set(wide.split()) | {f"{word};" for word in wide.split()}
    broken = {word for word in narrow.split() if re.search(r"\w", word) and word not in whole}
    assert {word for word in broken if not any(word in own for own in ADDED.get(command, ()))} == set()
    if command not in COPIED:
        assert [line for line in narrow.splitlines() if len(line) > NARROW] == []


# Words that stand only where a table has no room.
ADDED = {
    "one": ("strongest finding for it: settled by: to consider",),
    "demo": ("strongest finding for it: settled by: to consider",),
    "validate": ("A terminal of 112 columns shows all of the table.",),
}


def test_the_chain_of_a_row_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "PLAIN_WIDTH", NARROW)
    done = run("explain")
    assert [line for line in done.output.splitlines() if len(line) > NARROW] == []
    assert "7.93" in done.output


@pytest.mark.parametrize("command", QUIET)
def test_quiet_is_silent_and_does_the_same(command: str) -> None:
    done = run(command, "--quiet")
    assert done.exit_code == EXIT.get(command, 0), done.output
    assert (done.stdout, done.stderr) == ("", "")
    assert json.loads(run(command, "-q", "--json").stdout)["notice"] == NOTICE


def test_quiet_leaves_errors_and_alarms() -> None:
    done = CliRunner().invoke(main, ["scan", "nowhere.csv", "-q"])
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    done = CliRunner().invoke(main, ["scan", "unknown.csv", "-q", "--max-cannot-tell", "0"])
    assert (done.exit_code, done.stdout) == (3, "")
    assert "pattern unknown in" in done.stderr


def test_demo_names_its_folder_and_what_it_prints_works_as_typed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "empty").mkdir()
    monkeypatch.chdir(folder / "empty")
    done = CliRunner().invoke(main, ["demo"])
    assert done.exit_code == 0, done.output
    assert "The files stay in cbc-screen-demo" in done.output
    typed = [line[2:] for line in done.output.replace("\\\n    ", "").splitlines() if line.startswith("$ ")]
    assert [line.split()[:2] for line in typed] == [
        ["cd", "cbc-screen-demo"], ["cbc-screen", "scan"], ["cd", "cbc-screen-demo"], ["cbc-screen", "explain"],
    ]  # fmt: skip
    monkeypatch.chdir("cbc-screen-demo")
    before = Path("flags.parquet").read_bytes()
    for line in typed:
        if line.startswith("cbc-screen "):
            assert CliRunner().invoke(main, shlex.split(line)[1:]).exit_code == 0, line
    assert len(Path("flags.parquet").read_bytes()) == len(before)
    assert CliRunner().invoke(main, ["demo", "--folder", "."]).exit_code == 0


def test_demo_leaves_other_files_alone(tmp_path: Path) -> None:
    export = tmp_path / "export.csv"
    export.write_text("mine\n")
    done = CliRunner().invoke(main, ["demo", "--folder", str(tmp_path)])
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert "--folder" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["export.csv"]
    assert export.read_text() == "mine\n"
    write_demo(export)
    assert CliRunner().invoke(main, ["demo", "--folder", str(tmp_path)]).exit_code == 0


def test_python_m_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "cbc_screen", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"cbc-screen {cbc.__version__}, data {cbc.__data_version__}", NOTICE]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("cbc-screen sc", {"scan", "schema", "score"}),
        ("cbc-screen scan --publ", {"--published-sets"}),
        ("cbc-screen scan --text-units ", {"si", "us"}),
        ("cbc-screen scan --grading ctcae", {"ctcae_v4", "ctcae_v5", "ctcae_v6"}),
        ("cbc-screen one --definition m", {"mds"}),
        ("cbc-screen ranges sh", {"show"}),
    ],
)
def test_a_shell_completes_commands_options_and_words(typed: str, offered: set[str]) -> None:
    words = typed.split(" ")
    asked = {
        **os.environ, "_CBC_SCREEN_COMPLETE": "bash_complete", "COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1),
    }  # fmt: skip
    code = "from cbc_screen.cli import main; main(prog_name='cbc-screen')"
    done = subprocess.run([sys.executable, "-c", code], env=asked, capture_output=True, text=True, check=False)
    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == offered
