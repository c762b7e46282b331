"""What a spreadsheet or a terminal would act on stays text, in cells and in names, and comes back as it was."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from processes import HEADER, names

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.ingest.labels import read_label_lines
from cbc_screen.printable import clean, clean_line, json_text
from cbc_screen.spreadsheet import csv_line, escaped, unescaped

SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫−⁺⁻⁼"
BEFORE = ["", " ", "  ", "\t", "\r", "\n", "\r\n", "\xa0", "\u3000", "\u200b", "\u200e", "\u202e", "\u2060", "\ufeff",
          "\xad", "\u034f", "\u2800", "\u3164", "\U000e0020", "\x00", "\x1b", "\x85", "'", '"', "''", '"\'', ";", ",",
          "|", "; ", " \u200b\t"]  # fmt: skip
EVIL = ["=HYPERLINK(1)", "=cmd|' /C calc'!A0", "+1+1", "-2+3+cmd|' /C calc'!A0", "@SUM(1)", "＝1+1"]


def parsed(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def runs(cell: str) -> bool:
    """Tell whether a cell may run: its first character that is seen, and is no quotation mark, is a sign."""
    seen = [c for c in cell if c.isprintable() and not c.isspace() and c not in '"\u034f\u2800\u3164']
    return bool(seen) and seen[0] in SIGNS


@pytest.mark.parametrize("before", BEFORE, ids=ascii)
def test_whatever_stands_before_a_sign_the_cell_is_escaped_and_comes_back(before: str) -> None:
    for sign in SIGNS:
        cell = f"{before}{sign}1"
        assert escaped(cell).startswith("'"), ascii(cell)
        assert unescaped(escaped(cell)) == cell
        assert parsed(csv_line(["a", cell, "b"])) == [["a", escaped(cell), "b"]]


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize(
    "before", ["", ";", "a;", "a; ", "a;\u200b", "a\t", "a|", "a\r", "a\n", "a\r\n ", 'a;"', "a;'"]
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_program_that_expects_another_delimiter_finds_no_formula(evil: str, before: str, delimiter: str) -> None:
    for row in parsed(csv_line(["2", f"{before}{evil}", "b"]), delimiter):
        assert not any(runs(cell) for cell in row), row


@pytest.mark.parametrize(
    "cell",
    ["", "9.1", "<10", "2024-01-02", "a-b", "a=b", "x; -5", "x; 1.5", "aniso; ++", "a;-", "12-15", "don't", "'", "a, =1",
     "1 + 1", "e@mail", "a|b"],
)  # fmt: skip
def test_what_is_no_formula_is_as_received(cell: str) -> None:
    assert escaped(cell) == unescaped(cell) == cell


def test_what_is_escaped_by_hand() -> None:
    assert [escaped(cell) for cell in ["=1", " =1", ";=1", "\r=1", "'=1", "a;=1", "\ttext", "'\ttext"]] == [
        "'=1", "' =1", "';'=1", "'\r'=1", "''=1", "a;'=1", "'\ttext", "''\ttext",
    ]  # fmt: skip


@given(st.text(alphabet="=+-@;|,\t\r\n'\" a1\u200b＝\ufeff.−", max_size=12))
def test_every_text_comes_back(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert parsed(csv_line(["1", text])) == [["1", escaped(text)]]


# Through a scan ----------------------------------------------------------------------------------

KEPT = ["\r=1", "=HYPERLINK(1)", " =1", ";=1", "\u200b=1", "＝1", "\t=1", '"=1', "+1", "-1", "@1", "a\n=1", "\u202e=1"]


@pytest.mark.parametrize("kept", KEPT, ids=ascii)
def test_kept_cells_names_and_rejected_rows_are_escaped_and_no_row_is_broken(tmp_path: Path, kept: str) -> None:
    name = kept if kept.strip() == kept and kept.isprintable() else "=HYPERLINK(2)"
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow([name, *HEADER.strip().split(",")])
    writer.writerow([kept, "a", "54 y", "F", "7.1", "2.3", "<10"])
    writer.writerow([kept, "b", "54 y", "F", "", "", ""])
    source = tmp_path / "export.csv"
    source.write_bytes(text.getvalue().encode())
    summary = cbc.scan(source, tmp_path / "flags.csv", tmp_path / "rejects.csv", keep=[name])
    assert (summary.screened, summary.rejected) == (1, 1)
    for file, row_count in (("flags.csv", 2), ("rejects.csv", 2)):
        rows = parsed((tmp_path / file).read_bytes().decode())
        assert [len(row) for row in rows] == [len(rows[0])] * row_count
        assert not any(runs(cell) for row in rows for cell in row)
    header, row = parsed((tmp_path / "flags.csv").read_bytes().decode())
    assert (unescaped(header[1]), unescaped(row[1])) == (name, kept)


def test_the_name_of_a_source_is_escaped_too(tmp_path: Path) -> None:
    for name in ("=1.csv", "+2.csv"):
        (tmp_path / name).write_text(HEADER + "a,54 y,F,7.1,2.3,<10\nragged\n", encoding="utf-8")
    out, rejects = tmp_path / "flags.csv", tmp_path / "rejects.csv"
    cbc.scan([tmp_path / "=1.csv", tmp_path / "+2.csv"], out, rejects)
    for file in (out, rejects):
        assert [row[0] for row in parsed(file.read_text(encoding="utf-8"))][1:] == ["'=1.csv", "'+2.csv"]


def test_answers_that_a_spreadsheet_gives_back_are_read_as_they_were(tmp_path: Path) -> None:
    reviewers = ["=A", "\r=1", " =1", ";=1", "\u200b=1", "'=1", "Dr. O'Neill", "a;=1"]
    lines = [csv_line(["row", "rule", "flag", "answer", "reviewer"])]
    lines += [csv_line(["2", "line:red", "low", "agree", reviewer]) for reviewer in reviewers]
    (tmp_path / "answers.csv").write_text("".join(lines), encoding="utf-8", newline="")
    assert [line.cells["reviewer"] for line in read_label_lines(tmp_path / "answers.csv")] == reviewers


def test_the_script_of_the_worklist_escapes_as_python_does(tmp_path: Path) -> None:
    """Its patterns are those of Python, written into the page."""
    from cbc_screen.report.html import source
    from cbc_screen.spreadsheet import INSIDE, START

    script = source("worklist.js")
    assert 'replace(new RegExp(inside, "gu"), "$1\'").replace(new RegExp(start, "u"), "\'")' in script
    assert json.loads(json.dumps([START, INSIDE])) == [START, INSIDE]
    assert not any(part in START + INSIDE for part in ("(?<", "\\Z", "\\A", "(?P", "(?i"))  # what only Python knows


# On a terminal -------------------------------------------------------------------------------------

HIDDEN = ["\x1b[2J", "\x1b]0;x\x07", "\x9b31m", "\x08", "\r", "\u202e", "\u2066", "\u200f", "\u061c", "\u2028", "\x7f"]


@pytest.mark.parametrize("hidden", HIDDEN, ids=ascii)
def test_nothing_that_a_terminal_acts_on_is_left_in_a_text(hidden: str) -> None:
    assert clean_line(f"a{hidden}b\nc").isprintable()
    assert hidden[0] not in clean(f"a{hidden}b\nc")
    assert clean("a\nb") == "a\nb"
    written = json_text({"a": hidden})
    assert written.isprintable()
    assert json.loads(written) == {"a": hidden}


def test_letters_of_every_script_stay() -> None:
    for text in ("Müller", "血色素", "نوتروفيل", "می‌خواهم", "Γιώργος", "🩸"):
        assert clean(text) == clean_line(text) == text


@pytest.mark.parametrize("hidden", HIDDEN, ids=ascii)
def test_the_command_shows_none_of_it_from_headers_and_names(tmp_path: Path, hidden: str) -> None:
    header = HEADER.strip() + f',"ward{hidden}x","HbA1c{hidden}y"\n'
    source = tmp_path / f"export{hidden.replace('/', '')}.csv"
    source.write_bytes((header + "a,54 y,F,7.1,2.3,<10,1,2\n").encode())
    for arguments in (["scan", str(source)], ["profile", str(source)], ["scan", str(source), "--keep", f"no{hidden}"]):
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code in (0, 2)
        shown = done.stdout + done.stderr
        assert all(line.isprintable() for line in shown.split("\n")), ascii(shown)


def test_a_name_whose_bytes_are_no_text_is_shown_and_written(tmp_path: Path) -> None:
    names_given = [tmp_path / "a\udcff.csv", tmp_path / "b.csv"]
    for path in names_given:
        path.write_text(HEADER + "a,54 y,F,7.1,2.3,<10\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["scan", *map(str, names_given), "-o", str(tmp_path / "flags.csv")])
    assert (done.exit_code, done.exception) == (0, None)
    assert [row[0] for row in parsed((tmp_path / "flags.csv").read_text(encoding="utf-8"))] == [
        "file",
        "a?.csv",
        "b.csv",
    ]
    done = CliRunner().invoke(main, ["scan", str(tmp_path / "c\udcff.csv")])
    assert (done.exit_code, done.stderr) == (
        2,
        "cbc-screen: the source 'c\\udcff.csv' does not exist; check its name and folder\n",
    )
    assert "flags.csv.manifest.json" in names(tmp_path)


def test_markup_in_a_header_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    source = tmp_path / "export.csv"
    source.write_text(HEADER.strip() + ",[red]ward[/red],[/]\na,54 y,F,7.1,2.3,<10,1,2\n", encoding="utf-8")
    for command in ("scan", "profile"):
        done = CliRunner().invoke(main, [command, str(source)])
        assert (done.exit_code, "[red]ward[/red]" in done.stdout) == (0, True)
