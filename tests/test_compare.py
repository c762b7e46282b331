"""Two scans compared: what changed, for which rows, the most serious first, and nothing lost."""

from __future__ import annotations

import json
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.comparison import Comparison, Seriousness, Transition
from cbc_screen.engines import matching
from cbc_screen.engines.seriousness import WORDS, seriousness
from cbc_screen.vocabulary import NOTICE

HEADER = "id,age,sex,HGB (g/dL),NEUT (10^9/L),PLT (10^9/L)\n"
SICK = "a,54 y,F,6.8,0.9,40"
WELL = "b,30 y,M,15.0,4.0,250"
ANEMIC = "c,30 y,M,12.0,4.0,250"
KINDS = ["f.parquet", "packed.parquet", "f.csv", "f.csv.gz", "f.ndjson", "f.ndjson.zst"]
LONG = "person,test,value,unit,collected,sex,age\n"


def scanned(folder: Path, name: str, rows: list[str], **options: Any) -> Path:
    folder.mkdir(exist_ok=True)
    source, out = folder / "export.csv", folder / name
    source.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    screener = cbc.Screener(
        definition=options.pop("definition", "reference"), grading=options.pop("grading", "clinical")
    )
    screener.scan(
        source, out, folder / "rejects.csv", force=True, keep=["id"], packed=name.startswith("packed"), **options
    )
    return out


def only(found: Comparison, column: str) -> Transition:
    (one,) = (one for one in found.transitions if one.column == column)
    return one


# What changed ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other"), list(product(KINDS, KINDS)))
def test_the_same_answers_are_the_same_in_every_form(tmp_path: Path, one: str, other: str) -> None:
    rows = [SICK, WELL, "d,,,9,,", "e,40 y,F,x,1.1,<10", ANEMIC]
    found = cbc.compare(scanned(tmp_path / "old", one, rows), scanned(tmp_path / "new", other, rows))
    assert found.same
    assert (found.matched, found.changed, found.transitions, found.columns) == (5, 0, (), {})


@pytest.mark.parametrize(("one", "other"), [*[(kind, kind) for kind in KINDS], ("packed.parquet", "f.csv.gz")])
def test_a_pancytopenia_that_is_lost_stands_first_with_its_row(tmp_path: Path, one: str, other: str) -> None:
    old = scanned(tmp_path / "old", one, [WELL, SICK, ANEMIC])
    new = scanned(tmp_path / "new", other, [WELL, "a,54 y,F,13.5,4.0,250", ANEMIC])
    found = cbc.compare(old, new)
    assert (found.matched, found.changed) == (3, 1)
    lost = [(one.column, one.old, one.new, one.rows) for one in found.transitions[:5]]
    assert lost == [
        ("red_line", "low", "not_low", 1),
        ("white_line", "low", "not_low", 1),
        ("platelet_line", "low", "not_low", 1),
        ("pattern", "pancytopenia", "none", 1),
        ("urgency", "immediate", "none", 1),
    ]
    assert {one.seriousness for one in found.transitions[:5]} == {Seriousness.LOST}
    assert [asdict(one) for one in only(found, "pattern").examples] == [{"old": "3", "new": "3"}]
    assert only(found, "first_condition").new == ""


def test_what_became_unknown_is_told_with_the_reason_that_came(tmp_path: Path) -> None:
    old = scanned(tmp_path / "old", "f.parquet", [WELL, SICK])
    new = scanned(tmp_path / "new", "f.parquet", [WELL, SICK.replace("40", "forty")])
    found = cbc.compare(old, new)
    one = only(found, "platelet_line")
    assert (one.old, one.new, one.seriousness) == ("low", "cannot_tell", Seriousness.LOST)
    assert (one.came, one.went) == ({"platelets:TEXT_RESULT": 1}, {})
    assert (found.came, found.went) == ({"platelets:TEXT_RESULT": 1}, {})
    assert found.columns["reasons"] == 1
    back = only(cbc.compare(new, old), "platelet_line")
    assert (back.seriousness, back.went) == (Seriousness.MORE, {"platelets:TEXT_RESULT": 1})


def test_a_column_beside_the_words_counts_too(tmp_path: Path) -> None:
    """Hematocrit is in no line: its state alone differs."""
    paths = []
    for name, percent in (("old", "41"), ("new", "60")):
        paths.append(tmp_path / f"{name}.parquet")
        source = tmp_path / f"{name}.csv"
        source.write_text(f"age,sex,HCT (%),PLT (10^9/L)\n30 y,M,{percent},250\n", encoding="utf-8")
        cbc.scan(source, paths[-1])
    found = cbc.compare(*paths)
    assert found.columns["hematocrit_state"] == 1
    assert not found.same


@pytest.mark.parametrize(
    ("column", "old", "new", "expected"),
    [
        ("red_line", "low", "not_low", "lost"),
        ("white_line", "low", "cannot_tell", "lost"),
        ("platelet_line", "low", "no_row", "lost"),
        ("red_line", "cannot_tell", "not_low", "cleared"),
        ("red_line", "not_low", "low", "more"),
        ("red_line", "cannot_tell", "low", "more"),
        ("red_line", "not_low", "cannot_tell", "other"),
        ("pattern", "pancytopenia", "bicytopenia", "lost"),
        ("pattern", "pancytopenia", "cannot_tell", "lost"),
        ("pattern", "bicytopenia", "single_line", "less"),
        ("pattern", "single_line", "pancytopenia", "more"),
        ("pattern", "no_row", "pancytopenia", "more"),
        ("pattern", "cannot_tell", "none", "cleared"),
        ("urgency", "immediate", "prompt", "lost"),
        ("urgency", "routine", "none", "lost"),
        ("urgency", "prompt", "cannot_tell", "lost"),
        ("urgency", "cannot_tell", "none", "cleared"),
        ("urgency", "routine", "immediate", "more"),
        ("hemoglobin_grade", "3", "2", "less"),
        ("hemoglobin_grade", "3", "", "less"),
        ("hemoglobin_grade", "", "0", "cleared"),
        ("hemoglobin_grade", "", "3", "more"),
        ("white_grade", "0", "1", "more"),
        ("severity", "severe", "mild", "less"),
        ("blood_criteria", "met", "not_met", "less"),
        ("first_condition", "acute_leukemia", "b12_folate", "other"),
        ("pattern", "a word of another version", "none", "other"),
    ],
)
def test_how_serious_a_change_is(column: str, old: str, new: str, expected: str) -> None:
    assert seriousness(column, old, new).value == expected


def test_every_column_of_words_that_flags_have_is_told_word_by_word(tmp_path: Path) -> None:
    table = cbc.read_flags(scanned(tmp_path, "f.parquet", [SICK]))
    told = {name for name in table.columns if name.endswith(("_line", "_grade"))} | {"pattern", "severity", "urgency"}
    assert told <= set(WORDS)


# Rows without a partner --------------------------------------------------------------------------


def test_a_row_that_the_other_scan_rejected_is_counted_by_its_reason(tmp_path: Path) -> None:
    old = scanned(tmp_path / "old", "f.parquet", [WELL, SICK, ANEMIC])
    new = scanned(tmp_path / "new", "f.parquet", [WELL, SICK + ",more,cells", ANEMIC])
    found = cbc.compare(old, new)
    assert (found.matched, found.only_old, found.only_new) == (2, {"not_in_the_other_file": 1}, {})
    lost = only(found, "pattern")
    assert (lost.old, lost.new, lost.seriousness, lost.examples[0].old) == ("pancytopenia", "no_row", "lost", "3")
    told = cbc.compare(old, new, new_rejects=tmp_path / "new" / "rejects.csv")
    assert told.only_old == {"ROW_RAGGED": 1}
    assert cbc.compare(new, old, old_rejects=tmp_path / "new" / "rejects.csv").only_new == {"ROW_RAGGED": 1}


def test_a_file_that_is_no_file_of_rejects_is_refused_without_its_content(tmp_path: Path) -> None:
    flags = scanned(tmp_path, "f.parquet", [SICK])
    (tmp_path / "r.csv").write_text("line,reason\n2,CANARY\n", encoding="utf-8")
    with pytest.raises(cbc.UsageError, match=r"r\.csv is no file of rejects") as caught:
        cbc.compare(flags, flags, old_rejects=tmp_path / "r.csv")
    assert "CANARY" not in repr(caught.value) + repr(caught.value.__context__)


@pytest.mark.parametrize(
    ("old", "new", "matched", "only_old", "only_new"),
    [
        (["a", "b", "c"], ["c", "a", "b"], 3, {}, {}),
        (["a", "a"], ["a", "a"], 2, {}, {}),
        (["a", "a", "b"], ["a", "b"], 1, {"key_not_as_often_in_both": 2}, {"key_not_as_often_in_both": 1}),
        (["a", ""], ["", "a"], 1, {"key_empty": 1}, {"key_empty": 1}),
        (["a", "b"], ["b", "c"], 1, {"not_in_the_other_file": 1}, {"not_in_the_other_file": 1}),
    ],
)
def test_rows_are_matched_by_a_kept_column(
    tmp_path: Path, old: list[str], new: list[str], matched: int, only_old: dict[str, int], only_new: dict[str, int]
) -> None:
    files = [
        scanned(tmp_path / name, "f.csv", [WELL.replace("b,", f"{own},", 1) for own in ids])
        for name, ids in (("old", old), ("new", new))
    ]
    found = cbc.compare(*files, key="id")
    assert (found.matched, found.only_old, found.only_new) == (matched, only_old, only_new)
    assert found.changed == 0
    assert (found.old.rows, found.new.rows) == (len(old), len(new))


def test_a_key_that_a_spreadsheet_would_run_is_matched_from_csv_to_parquet(tmp_path: Path) -> None:
    rows = [WELL.replace("b,", "=1+1,", 1)]
    found = cbc.compare(scanned(tmp_path, "f.csv", rows), scanned(tmp_path, "f.parquet", rows), key="id")
    assert (found.matched, found.same) == (1, True)


@pytest.mark.parametrize("batch", [1, 2, 7, 1000])
def test_batches_of_any_size_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    old = scanned(tmp_path / "old", "f.ndjson", [SICK, WELL] * 20)
    new = scanned(tmp_path / "new", "f.ndjson", [WELL, WELL, SICK + ",ragged", *[SICK, WELL] * 18, WELL])
    whole = cbc.compare(old, new)
    monkeypatch.setattr("cbc_screen.engines.written_flags._AT_ONCE", batch)
    assert cbc.compare(old, new) == whole
    assert (whole.matched, whole.only_old, whole.only_new) == (39, {"not_in_the_other_file": 1}, {})
    assert whole.changed == 37  # the first row, and 36 that stand one row further on


def test_rows_in_any_order_are_matched_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row numbers that do not rise are parted, to a file where memory is short, and nothing else changes."""
    old = scanned(tmp_path / "old", "f.parquet", [SICK, WELL, ANEMIC] * 30)
    new = scanned(tmp_path / "new", "f.parquet", [WELL, WELL, ANEMIC] * 30)
    sorted_rows = cbc.compare(old, new, examples=0)
    table = pq.read_table(new)
    pq.write_table(table.take(pa.array(list(reversed(range(90))))), new)
    monkeypatch.setattr("cbc_screen.collect.spill.BUDGET", 1)
    monkeypatch.setattr(matching, "_PARTS", 3)
    assert cbc.compare(old, new, examples=0) == sorted_rows
    assert sorted_rows.changed == 30


def test_rows_of_several_files_are_matched_by_file_and_number(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.csv").write_text(HEADER + f"{SICK}\n{WELL}\n", encoding="utf-8")
    names = [tmp_path / "one.csv", tmp_path / "two.csv"]
    cbc.scan(names, tmp_path / "old.parquet")
    (tmp_path / "two.csv").write_text(HEADER + f"{WELL}\n{WELL}\n", encoding="utf-8")
    cbc.scan(list(reversed(names)), tmp_path / "new.parquet")
    found = cbc.compare(tmp_path / "old.parquet", tmp_path / "new.parquet")
    assert (found.matched, found.changed) == (4, 1)
    assert only(found, "pattern").examples[0].old == "two.csv:2"


def test_counts_of_single_results_are_compared(tmp_path: Path) -> None:
    paths = []
    for name, value in (("old", "7.1"), ("new", "14.1")):
        rows = "".join(f"p{person},HGB,{value},g/dL,2024-01-02,F,54 y\n" for person in range(5))
        (tmp_path / f"{name}.csv").write_text(LONG + rows, encoding="utf-8")
        paths.append(tmp_path / f"{name}.parquet")
        cbc.scan(tmp_path / f"{name}.csv", paths[-1])
    found = cbc.compare(*paths)
    assert (found.matched, only(found, "red_line").rows) == (5, 5)


# Versions, forms, ends ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_both_files_say_how_they_were_made(tmp_path: Path, name: str) -> None:
    old = scanned(tmp_path / "old", name, [SICK])
    new = scanned(tmp_path / "new", name, [SICK], definition="clinical", grading="who_2024")
    found = cbc.compare(old, new)
    assert (found.old.code, found.old.data) == (cbc.__version__, cbc.__data_version__)
    assert (found.old.ranges, found.old.definition, found.old.scheme) == ("default", "reference", "clinical")
    assert (found.new.definition, found.new.scheme) == ("clinical", "who_2024")


def test_a_manifest_of_other_flags_says_nothing_of_these(tmp_path: Path) -> None:
    flags = scanned(tmp_path, "f.csv", [SICK])
    text = flags.read_text(encoding="utf-8").splitlines(keepends=True)
    flags.write_text("".join([*text, text[-1].replace("2,", "3,", 1)]), encoding="utf-8")
    assert cbc.compare(flags, flags).old.data == ""


def test_the_command_prints_counts_and_ends_with_its_status(tmp_path: Path) -> None:
    old = scanned(tmp_path / "old", "f.parquet", [WELL, SICK.replace("a,", "CANARY,", 1)])
    new = scanned(tmp_path / "new", "f.csv", [WELL, WELL])
    done = CliRunner().invoke(main, ["compare", str(old), str(new)])
    assert done.exit_code == 3, done.output
    assert done.output.startswith(NOTICE)
    assert "2 rows of old = 2 matched + 0 only in old" in done.output
    lines = [" ".join(line.split()) for line in done.output.splitlines()]
    assert "pattern pancytopenia none 1 3" in lines
    assert "CANARY" not in done.output
    assert "6.8" not in done.output
    done = CliRunner().invoke(main, ["compare", str(old), str(old)])
    assert (done.exit_code, "No flag changed." in done.output) == (0, True)


def test_the_command_as_json_is_what_the_function_returns(tmp_path: Path) -> None:
    old, new = scanned(tmp_path / "o", "f.parquet", [SICK]), scanned(tmp_path / "n", "f.parquet", [WELL])
    done = CliRunner().invoke(main, ["compare", str(old), str(new), "--as-json"])
    assert done.exit_code == 3
    assert json.loads(done.output) == json.loads(json.dumps(cbc.compare(old, new).to_dict()))
    assert json.loads(done.output)["notice"] == NOTICE


@pytest.mark.parametrize("content", ["", "CANARY\n", "row,pattern\n2,CANARY\n", '{"CANARY": 1}\n', '{"row":\n'])
@pytest.mark.parametrize("name", ["other.csv", "other.ndjson", "other.parquet", "other.txt", "other.csv.gz"])
def test_what_is_no_file_of_flags_ends_in_one_line(tmp_path: Path, name: str, content: str) -> None:
    flags, other = scanned(tmp_path, "f.parquet", [SICK]), tmp_path / name
    other.write_text(content, encoding="utf-8")
    if name == "other.ndjson" and not content:
        assert cbc.compare(flags, other).only_old == {"not_in_the_other_file": 1}  # a scan of no row leaves this
        return
    done = CliRunner().invoke(main, ["compare", str(flags), str(other)])
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "CANARY" not in done.stderr


def test_answers_as_fhir_are_no_flags(tmp_path: Path) -> None:
    flags = scanned(tmp_path, "f.parquet", [SICK])
    cbc.scan(tmp_path / "export.csv", tmp_path / "fhir.ndjson", out_format="fhir")
    with pytest.raises(cbc.UsageError, match="holds answers as FHIR"):
        cbc.compare(flags, tmp_path / "fhir.ndjson")


@pytest.mark.parametrize(("options", "said"), [({"key": "MRN"}, "no column 'MRN'"), ({"examples": -1}, "0 or more")])
def test_what_cannot_be_asked(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    flags = scanned(tmp_path, "f.parquet", [SICK])
    with pytest.raises(cbc.UsageError, match=said):
        cbc.compare(flags, flags, **options)
