"""The command as its users type it: every subcommand, its exit code and its one clear line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.engines import stream
from cbc_screen.vocabulary import NOTICE

SICK = "age,sex,HGB (g/dL),PLT (10^9/L),WBC (10^9/L)\n54 y,F,7.1,<10,1.1\nragged\n"


def run(*arguments: str, text: str | None = None):
    return CliRunner().invoke(main, list(arguments), input=text)


@pytest.mark.parametrize(
    "command",
    [
        ["scan"],
        ["profile"],
        ["follow"],
        ["one"],
        ["report"],
        ["explain"],
        ["validate"],
        ["grade"],
        ["ranges", "list"],
        ["ranges", "show"],
        ["ranges", "check"],
        ["demo"],
        ["version"],
    ],
)
def test_every_subcommand_has_help_with_an_example(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert f"Example: cbc-screen {' '.join(command)}" in " ".join(result.output.split())


def test_scan_prints_the_account_and_writes_the_files(tmp_path: Path) -> None:
    source = tmp_path / "export.csv"
    source.write_text(SICK)
    result = run(
        "scan",
        str(source),
        "-o",
        str(tmp_path / "f.csv"),
        "--rejects",
        str(tmp_path / "r.csv"),
        "--summary",
        str(tmp_path / "s.json"),
    )
    assert result.exit_code == 0
    assert "2 rows in = 1 screened + 1 rejected" in result.output
    assert NOTICE in result.output
    summary = json.loads((tmp_path / "s.json").read_text())
    assert (summary["rows_in"], summary["screened"], summary["rejected"]) == (2, 1, 1)
    assert summary["patterns"]["pancytopenia"] == 1
    assert summary["rejects"] == {"ROW_RAGGED": 1}
    assert summary["notice"] == NOTICE


def test_scan_refuses_what_it_cannot_do_with_exit_code_2(tmp_path: Path) -> None:
    source = tmp_path / "export.csv"
    source.write_text(SICK)
    for arguments, says in (
        (["scan", str(tmp_path / "none.csv")], "does not exist"),
        (["scan", str(source), "-o", str(tmp_path / "f.docx")], "must end in"),
        (["scan", str(source), "--units", "metric"], "units"),
        (["scan", str(source), "--units", "hemoglobin=furlong"], "hemoglobin"),
        (["scan", str(source), "--columns", "hemoglobin=nothing"], "no such column"),
        (["scan", str(source), "--definition", "strictest"], "definition"),
        (["scan", str(source), "-o", str(source)], "different files"),
        (["scan", str(source), "--workers", "0"], "workers: give 1 or more"),
    ):
        result = run(*arguments)
        assert result.exit_code == 2, arguments
        assert says in result.output
        assert len(result.output.strip().splitlines()) == 1


@pytest.mark.parametrize(("asked", "screening"), [([], 2), (["--workers", "1"], 1), (["--workers", "3"], 3)])
def test_scan_screens_in_as_many_threads_as_asked_for(
    asked: list[str], screening: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an answer the machine chooses; that any number gives the same bytes is in test_pipeline."""
    used, in_order = [], stream.in_order
    monkeypatch.setattr(stream, "worker_count", lambda: 2)
    monkeypatch.setattr(stream, "in_order", lambda *given: used.append(given[-1]) or in_order(*given))
    source = tmp_path / "export.csv"
    source.write_text(SICK)
    assert run("scan", str(source), "-o", str(tmp_path / "f.csv"), *asked).exit_code == 0
    assert used == [screening]


@pytest.mark.parametrize(("chosen", "kept"), [(None, "0"), ("1", "1")])
def test_scan_takes_memory_as_it_is_used_unless_the_user_chose(
    chosen: str | None, kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set before pyarrow is loaded, which reads it once."""
    name = "MIMALLOC_ARENA_EAGER_COMMIT"
    # First set, so that what the command sets is undone after the test.
    monkeypatch.setenv(name, chosen or "")
    if chosen is None:
        monkeypatch.delenv(name)
    source = tmp_path / "export.csv"
    source.write_text(SICK)
    assert run("scan", str(source), "-o", str(tmp_path / "f.parquet")).exit_code == 0
    assert os.environ[name] == kept


def test_too_many_rejects_is_exit_code_4(tmp_path: Path) -> None:
    source = tmp_path / "export.csv"
    source.write_text(SICK)
    assert run("scan", str(source), "--max-rejects", "0.4").exit_code == 4
    assert run("scan", str(source), "--max-rejects", "0.5").exit_code == 0


def test_one_prints_a_report_and_json() -> None:
    arguments = [
        "one",
        "--age",
        "54 y",
        "--sex",
        "F",
        "hemoglobin=9.1 g/dL",
        "neutrophils=0.9 10^9/L",
        "platelets=<10 10^9/L",
        "blasts_on_film=absent",
    ]
    text = run(*arguments)
    assert text.exit_code == 0
    assert text.output.startswith(NOTICE)
    assert "pancytopenia: red, white and platelet lines low" in text.output
    as_json = json.loads(run(*arguments, "--json").output)
    assert (as_json["pattern"], as_json["notice"]) == ("pancytopenia", NOTICE)
    same = run(
        "one",
        "--record",
        "-",
        "--json",
        text=json.dumps(
            {
                "age": "54 y",
                "sex": "F",
                "hemoglobin": "9.1 g/dL",
                "neutrophils": "0.9 10^9/L",
                "platelets": "<10 10^9/L",
                "film": {"blasts_on_film": "absent"},
            }
        ),
    )
    assert json.loads(same.output) == as_json


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"hemglobin": "9.1 g/dL"}', "[" * 5_000])
def test_one_refuses_what_is_no_record(text: str) -> None:
    result = run("one", "--record", "-", text=text)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


EARLIER = [{"age": "54 y", "sex": "F", "collected_at": "2026-05-01", "platelets": "210 10^9/L"}]


def test_one_with_earlier_counts_says_what_they_show(tmp_path: Path) -> None:
    """210, then 60 half a year later: previously normal, and down by more than the change value."""
    earlier = tmp_path / "earlier.json"
    earlier.write_text(json.dumps(EARLIER), encoding="utf-8")
    now = ("one", "--age", "54 y", "--sex", "F", "--collected-at", "2026-11-01", "platelets=60 10^9/L")
    told = " ".join(run(*now, "--history", str(earlier)).output.split())
    assert "1 earlier count takes part" in told
    assert "change from the result before: down" in told
    assert "earlier count" not in run(*now).output
    as_json = json.loads(run(*now, "--history", str(earlier), "--json").output)
    record = {"age": "54 y", "sex": "F", "collected_at": "2026-11-01", "platelets": "60 10^9/L"}
    assert as_json["history"] == cbc.Screener().screen(record, history=EARLIER).to_dict()["history"]


@pytest.mark.parametrize("text", ["", "{}", "null", "[1]", "[{}]", '[{"hemglobin": "9.1 g/dL"}]'])
def test_one_refuses_what_is_no_list_of_earlier_counts(text: str) -> None:
    result = run("one", "--history", "-", "hemoglobin=9.1 g/dL", text=text)
    assert (result.exit_code, "history" in result.output) == (2, True)
    assert "Traceback" not in result.output


def test_grade_names_scheme_and_version() -> None:
    result = run("grade", "platelets", "24", "10^9/L", "--scheme", "ctcae_v5", "--lower-limit", "150")
    assert result.output.splitlines()[0] == "platelets: grade 4; very severe; ctcae_v5 5.0"
    assert "cannot tell (UNIT_MISSING)" in run("grade", "platelets", "24").output
    assert run("grade", "platelet", "24", "10^9/L").exit_code == 2
    assert run("grade", "platelets", "24", "10^9/L", "--scheme", "ctcae_v9").exit_code == 2


def test_ranges_list_show_and_check(tmp_path: Path) -> None:
    assert "default_pregnancy_v1" in run("ranges", "list").output
    shown = run("ranges", "show", "hemoglobin", "--sex", "F").output
    assert "18 y and over" in shown
    assert "117" in shown
    assert run("ranges", "show", "blood").exit_code == 2
    released = Path(__file__).resolve().parents[1] / "reference_ranges/intervals/default_v1.csv"
    assert run("ranges", "check", str(released)).exit_code == 0
    broken = tmp_path / "mine.csv"
    broken.write_text(released.read_text().replace("117,153", "153,117"))
    result = run("ranges", "check", str(broken))
    assert result.exit_code == 2
    assert "mine.csv:17: lower" in result.output


def test_demo_shows_every_trap_and_one_worked_row(tmp_path: Path) -> None:
    from cbc_screen.demo import TRAPS

    result = run("demo", "--folder", str(tmp_path / "demo"))
    assert result.exit_code == 0
    assert "503 rows in = 501 screened + 2 rejected" in result.output
    for trap in TRAPS:
        assert trap[0] in result.output
    assert "at least bicytopenia; pancytopenia not excluded: platelet line unknown" in result.output
    again = run("demo", "--folder", str(tmp_path / "again"))
    assert (tmp_path / "demo/export.csv").read_bytes() == (tmp_path / "again/export.csv").read_bytes()
    assert again.exit_code == 0


def test_version_names_code_and_data() -> None:
    result = run("version")
    assert result.output.startswith("cbc-screen 0.")
    assert "data 20" in result.output


@pytest.fixture
def flags(tmp_path: Path) -> Path:
    (tmp_path / "export.csv").write_text(
        "MRN,age,sex,HGB (g/dL),PLT (10^9/L),WBC (10^9/L)\nA,54 y,F,7.1,<10,1.1\nB,30 y,M,15,250,6\n"
    )
    done = run(
        "scan", str(tmp_path / "export.csv"), "-o", str(tmp_path / "flags.parquet"), "--keep", "MRN", "--received"
    )
    assert done.exit_code == 0
    return tmp_path / "flags.parquet"


def test_explain_gives_the_chain_of_one_row(flags: Path) -> None:
    done = run("explain", str(flags), "--row", "MRN=A")
    assert done.exit_code == 0
    lines = [" ".join(line.split()) for line in done.output.replace("\n      ", " ").splitlines()]
    assert lines[:2] == [NOTICE, ""]
    assert lines[2].startswith("Pancytopenia: red, white and platelet lines low, with hemoglobin 71 g/L (severe)")
    assert "pancytopenia: red, white and platelet lines low" in lines
    # received 7.1 under a header in g/dL; 71 g/L used; limit, set and source; the grade
    assert "Hemoglobin 7.1 (declared g/dL) 71 g/L low 117 to 153 (default_v1, F 18 y and over; nhanes)" in lines
    assert "red low hemoglobin 71 g/L below 117 g/L grade 3, severe" in lines
    assert "grades of hemoglobin in g/L: 0: 120 and over; 1: 110 to under 120; 2: 80 to under 110; 3: under 80" in lines
    told = json.loads(run("explain", str(flags), "--row", "2", "--json").output)
    assert (told["notice"], told["pattern"]) == (NOTICE, "pancytopenia")
    us = run("explain", str(flags), "--row", "2", "--text-units", "us").output
    assert "7.1 g/dL" in us


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain", "FLAGS", "--row", "77"], "no row has this key"),
        (["explain", "export.csv", "--row", "2"], "flags are read from a Parquet file that scan wrote"),
        (["report", "FLAGS", "-o", "worklist.pdf"], "a worklist must end in .html"),
        (["report", "FLAGS", "-o", "w.html", "--person", "Name"], "there is no column 'Name' in the flags"),
        (["report", "FLAGS", "-o", "missing/w.html"], "the folder of w.html does not exist"),
        (["report", "export.csv", "-o", "w.html"], "flags are read from a Parquet file that scan wrote"),
        (["validate", "export.csv"], ""),
    ],
)
def test_what_a_reviewer_asks_wrongly_is_one_clear_line(
    flags: Path, arguments: list[str], message: str, monkeypatch
) -> None:
    monkeypatch.chdir(flags.parent)
    done = run(*[str(flags) if word == "FLAGS" else word for word in arguments])
    assert done.exit_code == 2
    assert message in done.output
    assert done.output.count("\n") == 1
    assert not (flags.parent / "w.html").exists()


def test_report_writes_a_page_and_never_over_another(flags: Path) -> None:
    page = flags.parent / "worklist.html"
    done = run("report", str(flags), "-o", str(page))
    assert (done.exit_code, done.output) == (0, f"1 counts to review, most urgent first, in worklist.html\n{NOTICE}\n")
    text = page.read_text(encoding="utf-8")
    assert NOTICE in text
    assert "http://" not in text
    assert "https://" not in text
    assert page.stat().st_mode & 0o077 == 0  # it is about patients
    assert run("report", str(flags), "-o", str(page)).exit_code == 2
    assert run("report", str(flags), "-o", str(page), "--force").exit_code == 0


def test_scan_writes_the_worklist_beside_the_flags(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(SICK)
    out, page = str(tmp_path / "flags.parquet"), str(tmp_path / "worklist.html")
    done = run("scan", str(tmp_path / "export.csv"), "-o", out, "--report", page)
    assert done.exit_code == 0
    assert "2 rows in = 1 screened + 1 rejected" in (tmp_path / "worklist.html").read_text(encoding="utf-8")
    assert run("explain", out, "--row", "2").exit_code == 0
    for wrong, message in (
        (["-o", str(tmp_path / "f.csv")], "report is made of a .parquet output"),
        ([], "report is made of"),
    ):
        done = run("scan", str(tmp_path / "export.csv"), *wrong, "--report", page, "--force")
        assert done.exit_code == 2
        assert message in done.output


def test_validate_turns_answers_into_agreement(tmp_path: Path) -> None:
    lines = ["row,rule,flag,answer,instead,comment"]
    lines += [f"{row},line:red,low,agree,," for row in range(3)]
    lines += [
        "3,line:red,not_low,disagree,,seen on the film",
        "4,pattern:pattern,none,disagree,pancytopenia,",
        "5,x,y,z,,",
    ]
    (tmp_path / "answers.csv").write_text("\n".join(lines) + "\n")
    done = run("validate", str(tmp_path / "answers.csv"))
    assert done.exit_code == 0
    assert NOTICE in done.output
    assert "6 lines in = 5 used + 0 unanswered + 0 repeated + 1 rejected" in done.output
    found = json.loads(run("validate", str(tmp_path / "answers.csv"), "--json").output)
    rules = {rule["rule"]: rule for rule in found["rules"]}
    # 3 of 4 with low hemoglobin were flagged, one was missed
    assert (rules["line:red"]["true_positive"], rules["line:red"]["false_negative"]) == (3, 1)
    assert rules["pattern:pancytopenia"]["false_negative"] == 1
    assert (found["lines"], found["used"], found["rejected"]) == (6, 5, 1)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("one", "hemoglobin=9.1 g/dL", "hemoglobin=15 g/dL", "--age", "30 y"), "one: hemoglobin is given twice"),
        (("one", "hemoglobin=9.1 g/dL", "age=30 y", "--age", "3 d"), "one: age is given twice"),
        (("one", "fever=present", "fever=absent", "hemoglobin=9.1 g/dL"), "one: fever is given twice"),
        (("one", "hemoglobin=9", "--units", "hemoglobin=g/dL", "--units", "hemoglobin=g/L"), "--units: hemoglobin is"),
        (("one", "hemoglobin=9", "--units", "us", "--units", "si"), "--units: system is given twice"),
        (("score", "hscore", "temperature=36", "temperature=41"), "score: temperature is given twice"),
    ],
)
def test_what_is_given_twice_is_refused_and_not_quoted(arguments: tuple[str, ...], named: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert named in " ".join(done.output.split())
    assert "15 g/dL" not in done.output


def test_what_is_given_twice_with_one_value_is_one_thing() -> None:
    done = run("one", "hemoglobin=9.1 g/dL", "hemoglobin=9.1 g/dL", "--age", "30 y", "--sex", "F")
    assert done.exit_code == 0
    assert "At least single-line cytopenia" in done.output


def test_a_field_of_the_record_and_of_the_command_is_refused(tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    record.write_text('{"hemoglobin": "9.1 g/dL", "age": "30 y"}', encoding="utf-8")
    done = run("one", "--record", str(record), "hemoglobin=15 g/dL")
    assert (done.exit_code, "hemoglobin is given twice" in done.output) == (2, True)
