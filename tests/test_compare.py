"""Two scans compared: what changed, for which rows, the most serious first, and nothing lost (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
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
    assert lines[lines.index("pattern pancytopenia none 1") + 1] == "rows such as 3"
    assert "CANARY" not in done.output
    assert "6.8" not in done.output
    done = CliRunner().invoke(main, ["compare", str(old), str(old)])
    assert (done.exit_code, "No flag changed." in done.output) == (0, True)


def test_the_command_as_json_is_what_the_function_returns(tmp_path: Path) -> None:
    old, new = scanned(tmp_path / "o", "f.parquet", [SICK]), scanned(tmp_path / "n", "f.parquet", [WELL])
    done = CliRunner().invoke(main, ["compare", str(old), str(new), "--json"])
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


# Columns that are not there ----------------------------------------------------------------------


def without(path: Path, *columns: str) -> Path:
    """Take columns out of a file of flags, which stays one."""
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        pq.write_table(table.drop_columns(list(columns)), path)
    elif path.suffix == ".csv":
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        frame.drop(columns=list(columns)).to_csv(path, index=False)
    else:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        kept = [{name: cell for name, cell in row.items() if name not in columns} for row in rows]
        path.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["f.parquet", "f.csv", "f.ndjson"])
@pytest.mark.parametrize("column", ["reasons", "urgency", "checklist", "red_line"])
def test_a_column_that_one_file_lacks_is_named_and_the_rest_is_compared(tmp_path: Path, name: str, column: str) -> None:
    whole = scanned(tmp_path / "old", name, [WELL, SICK])
    changed = scanned(tmp_path / "new", name, [WELL, SICK.replace("40", "forty")])
    found, back = cbc.compare(whole, without(changed, column)), cbc.compare(changed, whole)
    assert (found.matched, found.changed) == (2, 1)
    assert (found.columns_only_old, found.columns_only_new) == ((column,), ())
    assert (back.columns_only_old, back.columns_only_new) == ((), (column,))
    assert not [one for one in found.transitions if one.column == column]
    one = only(found, "platelet_line")
    assert (one.old, one.new) == ("low", "cannot_tell")
    assert (one.came == found.came == {"platelets:TEXT_RESULT": 1}) is (column != "reasons")
    assert (one.came == found.came == {}) is (column == "reasons")


def test_a_missing_column_is_a_difference_though_nothing_else_is(tmp_path: Path) -> None:
    old, new = scanned(tmp_path / "o", "f.csv", [SICK]), scanned(tmp_path / "n", "f.csv", [SICK])
    done = CliRunner().invoke(main, ["compare", str(old), str(without(new, "urgency"))])
    assert (done.exit_code, "columns only in old: urgency" in done.output) == (3, True)
    assert "columns in neither" not in done.output


def test_what_says_most_and_is_in_neither_is_named(tmp_path: Path) -> None:
    files = [without(scanned(tmp_path / one, "f.csv", [SICK]), "urgency", "reasons") for one in ("old", "new")]
    found = cbc.compare(*files)
    assert (found.columns_in_neither, found.columns_only_old, found.same) == (("urgency", "reasons"), (), True)
    done = CliRunner().invoke(main, ["compare", *map(str, files)])
    assert "columns in neither: urgency, reasons" in done.output


@pytest.mark.parametrize("column", ["id", "borderline", "pattern", "reasons", "row", "notice"])
def test_a_column_named_twice_is_refused_in_one_line(tmp_path: Path, column: str) -> None:
    flags, twice = scanned(tmp_path, "f.parquet", [SICK]), scanned(tmp_path, "f.csv", [SICK])
    header, *rows = twice.read_text(encoding="utf-8").splitlines()
    twice.write_text("".join(f"{line}\n" for line in [f"{header},{column}", *(f"{row},CANARY" for row in rows)]))
    for key in ([], ["--key", "id"]):
        done = CliRunner().invoke(main, ["compare", str(flags), str(twice), *key])
        assert done.exit_code == 2, done.output
        assert done.stderr == "cbc-screen: f.csv names a column twice; compare what scan wrote, or scan again\n"


def test_a_parquet_file_that_names_a_column_twice_is_refused(tmp_path: Path) -> None:
    flags = scanned(tmp_path, "f.parquet", [SICK])
    table = pq.read_table(flags)
    pq.write_table(table.append_column("pattern", table.column("pattern")), flags)
    with pytest.raises(cbc.UsageError, match=r"f\.parquet names a column twice"):
        cbc.compare(flags, flags)


def test_columns_in_another_order_are_refused_and_not_taken_for_no_flag(tmp_path: Path) -> None:
    """Flags are what stands from the pattern to the notice: sorted by name there would be none, and no change."""
    flags = scanned(tmp_path, "f.csv", [SICK])
    frame = pd.read_csv(flags, dtype=str, keep_default_na=False)
    frame[sorted(frame.columns)].to_csv(flags, index=False)
    with pytest.raises(cbc.UsageError, match=r"f\.csv has its columns in another order"):
        cbc.compare(flags, flags)


def test_a_line_of_ndjson_that_lacks_a_column_is_named_by_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = scanned(tmp_path, "f.ndjson", [SICK, WELL, ANEMIC])
    first, second, third = flags.read_text(encoding="utf-8").splitlines()
    cells = json.loads(third)
    del cells["urgency"]
    flags.write_text(f"{first}\n{second}\n{json.dumps(cells)}\n", encoding="utf-8")
    for batch in (2, 8_192):
        monkeypatch.setattr("cbc_screen.engines.written_flags._AT_ONCE", batch)
        with pytest.raises(cbc.UsageError, match=r"f\.ndjson: line 3 is damaged"):
            cbc.compare(flags, flags)


# Files that cannot be read -----------------------------------------------------------------------


def cut(path: Path, share: float = 0.6) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def spoiled(path: Path) -> None:
    """Turn bytes over between the start and the end of a file, which both stay what they are."""
    content = bytearray(path.read_bytes())
    middle = slice(len(content) // 50, len(content) // 3)
    content[middle] = bytes(byte ^ 0x5A for byte in content[middle])
    path.write_bytes(bytes(content))


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


FILE_FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "not there": (Path.unlink, "no such file or directory; check its name"),
    "a folder": (folder, "it is a folder; name a file"),
    "a pipe": (pipe, "it is a pipe or a device, and not a file; name another"),
    "cut short": (cut, "cut short"),
}
CANARIES = [row.replace(",", "CANARY,", 1) for row in (SICK, WELL, ANEMIC) * 20]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("fault", FILE_FAULTS)
@pytest.mark.parametrize("second", [False, True])
def test_one_line_says_which_file_cannot_be_read_why_and_what_to_do(
    tmp_path: Path, name: str, fault: str, second: bool
) -> None:
    sound, broken = scanned(tmp_path / "a", "sound.parquet", CANARIES), scanned(tmp_path / "b", name, CANARIES)
    FILE_FAULTS[fault][0](broken)
    files = [sound, broken] if second else [broken, sound]
    done = CliRunner().invoke(main, ["compare", *map(str, files), "--key", "id"])
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.output
    assert done.stderr.startswith(f"cbc-screen: {name}")
    assert FILE_FAULTS[fault][1] in done.stderr
    assert "CANARY" not in done.stderr
    assert str(tmp_path) not in done.stderr
    with pytest.raises(cbc.UsageError) as caught:
        cbc.compare(*files)
    assert caught.value.__cause__ is None
    assert "CANARY" not in repr(caught.value.__context__)


@pytest.mark.parametrize("name", ["f.parquet", "packed.parquet", "f.csv.gz", "f.ndjson.zst"])
def test_a_file_that_is_damaged_within_is_named(tmp_path: Path, name: str) -> None:
    sound, broken = scanned(tmp_path / "a", "sound.parquet", CANARIES), scanned(tmp_path / "b", name, CANARIES)
    spoiled(broken)
    done = CliRunner().invoke(main, ["compare", str(sound), str(broken)])
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.output
    assert done.stderr.startswith(f"cbc-screen: {name} cannot be read: it is damaged, cut short")
    assert "CANARY" not in done.stderr


@pytest.mark.parametrize("left", range(1, len(NOTICE) + 2))
def test_a_csv_that_is_cut_within_its_last_cell_is_not_taken_for_whole(tmp_path: Path, left: int) -> None:
    flags = scanned(tmp_path, "f.csv", [SICK, WELL])
    content = flags.read_text(encoding="utf-8")
    flags.write_text(content[:-left], encoding="utf-8")
    if left == 1:  # the end of the line alone
        assert cbc.compare(flags, flags).same
        return
    with pytest.raises(cbc.UsageError, match=r"f\.csv is cut short within its last row"):
        cbc.compare(flags, flags)


def test_ndjson_that_is_cut_in_the_middle_says_the_line(tmp_path: Path) -> None:
    flags = scanned(tmp_path, "f.ndjson", [SICK, WELL, ANEMIC])
    lines = flags.read_text(encoding="utf-8").splitlines(keepends=True)
    flags.write_text("".join([*lines[:2], lines[2][:100]]), encoding="utf-8")
    with pytest.raises(cbc.UsageError, match=r"f\.ndjson: line 3 is damaged, cut short"):
        cbc.compare(flags, flags)


def test_a_file_without_a_right_to_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flags, opened = scanned(tmp_path, "f.csv", [SICK]), os.open

    def refused(path: Any, *given: Any, **named: Any) -> int:
        if Path(path).name == "f.csv":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *given, **named)

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(
        cbc.UsageError, match=r"^f\.csv cannot be read: permission denied; ask for the right to read it$"
    ):
        cbc.compare(flags, flags)


def test_a_name_that_is_not_packed_as_it_says_is_refused(tmp_path: Path) -> None:
    flags = scanned(tmp_path, "f.csv", [SICK])
    (tmp_path / "g.csv.gz").write_bytes(flags.read_bytes())
    (tmp_path / "h.csv").write_bytes(gzip.compress(flags.read_bytes()))
    for name in ("g.csv.gz", "h.csv"):
        done = CliRunner().invoke(main, ["compare", str(flags), str(tmp_path / name)])
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.output
        assert done.stderr.startswith(f"cbc-screen: {name} ")


@pytest.mark.parametrize("option", ["--old-rejects", "--new-rejects"])
@pytest.mark.parametrize("fault", FILE_FAULTS)
def test_a_file_of_rejects_that_cannot_be_read_is_named(tmp_path: Path, option: str, fault: str) -> None:
    flags = scanned(tmp_path, "f.parquet", [SICK, f"{WELL},CANARY"])
    rejects = (tmp_path / "rejects.csv").rename(tmp_path / "r.csv")
    if fault == "cut short":
        cut(rejects, 0.3)  # within the header
    else:
        FILE_FAULTS[fault][0](rejects)
    done = CliRunner().invoke(main, ["compare", str(flags), str(flags), option, str(rejects)])
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.output
    assert done.stderr.startswith("cbc-screen: r.csv ")
    assert FILE_FAULTS[fault][1] in done.stderr
    assert "CANARY" not in done.stderr


@pytest.mark.parametrize("fault", FILE_FAULTS)
def test_other_readers_of_flags_name_the_file_too(tmp_path: Path, fault: str) -> None:
    flags = scanned(tmp_path, "f.parquet", CANARIES)
    FILE_FAULTS[fault][0](flags)
    with pytest.raises(cbc.UsageError, match=r"^f\.parquet cannot be read: ") as caught:
        cbc.read_flags(flags)
    assert FILE_FAULTS[fault][1] in str(caught.value)


# Keys that rows share ----------------------------------------------------------------------------


def visits(folder: Path, name: str, *rows: str) -> Path:
    """Scan rows of "person hemoglobin", all else of them normal."""
    cells = [row.split(" ") for row in rows]
    return scanned(folder, name, [f"{person},30 y,M,{value},4.0,250" for person, value in cells])


@pytest.mark.parametrize("name", ["f.parquet", "packed.parquet", "f.csv", "f.ndjson.zst"])
@pytest.mark.parametrize(
    ("old", "new", "in_order", "changed"),
    [
        (("a 15", "b 15"), ("b 15", "a 15"), 0, 0),
        (("a 15", "a 7", "b 15"), ("a 15", "a 7", "b 15"), 2, 0),
        (("a 15", "a 7", "b 15"), ("a 7", "b 15", "a 15"), 2, 2),  # one person's counts, in another order
        (("a 15", "b 7", "a 7", "b 15"), ("b 7", "a 15", "b 15", "a 7"), 4, 0),
        (("a 15", "a 7", "a 7"), ("a 15", "a 7"), 0, 0),  # not as often: not held against each other
        ((" 15", " 7", "b 15"), (" 7", " 15", "b 15"), 0, 0),  # no key is no shared key
    ],
)
def test_rows_that_share_their_key_are_counted(
    tmp_path: Path, name: str, old: tuple[str, ...], new: tuple[str, ...], in_order: int, changed: int
) -> None:
    found = cbc.compare(visits(tmp_path / "o", name, *old), visits(tmp_path / "n", name, *new), key="id")
    assert (found.in_order, found.changed) == (in_order, changed)
    assert found.to_dict()["in_order"] == in_order


def test_a_key_with_nulls_matches_no_null(tmp_path: Path) -> None:
    """A null of Parquet is no key, as an empty cell is."""
    files = [visits(tmp_path / name, "f.parquet", "a 15", "b 7", "c 7", "a 7") for name in ("old", "new")]
    for file in files:
        table = pq.read_table(file)
        ids = pa.array(["a", None, None, "a"], pa.string())
        pq.write_table(table.set_column(table.column_names.index("id"), "id", ids), file)
    found = cbc.compare(*files, key="id")
    assert (found.matched, found.in_order, found.changed) == (2, 2, 0)
    assert (found.only_old, found.only_new) == ({"key_empty": 2}, {"key_empty": 2})


def test_rows_that_share_their_key_are_taken_in_the_order_of_their_source(tmp_path: Path) -> None:
    """Flags that somebody sorted otherwise are of the same source all the same: its row numbers say the order."""
    old = visits(tmp_path / "o", "f.csv", "a 15", "a 7", "b 15", "a 12")
    new = visits(tmp_path / "n", "f.csv", "a 15", "a 7", "b 15", "a 12")
    header, *rows = new.read_text(encoding="utf-8").splitlines()
    new.write_text("".join(f"{line}\n" for line in [header, *reversed(rows)]), encoding="utf-8")
    found = cbc.compare(old, new, key="id")
    assert (found.matched, found.in_order, found.changed) == (4, 3, 0)


def test_row_numbers_order_as_numbers_and_files_by_name(tmp_path: Path) -> None:
    for name, first in (("one", 7), ("two", 15)):
        values = [first, *[15] * 9, 7]  # rows 2 and 12: as texts 12 stands before 2
        (tmp_path / f"{name}.csv").write_text(HEADER + "".join(f"a,30 y,M,{value},4.0,250\n" for value in values))
    names = [tmp_path / "one.csv", tmp_path / "two.csv"]
    cbc.scan(names, tmp_path / "old.parquet", keep=["id"])
    cbc.scan(list(reversed(names)), tmp_path / "new.parquet", keep=["id"])
    found = cbc.compare(tmp_path / "old.parquet", tmp_path / "new.parquet", key="id")
    assert (found.matched, found.in_order, found.changed) == (22, 22, 0)


def test_rows_that_share_their_number_are_counted_too(tmp_path: Path) -> None:
    """Row numbers that repeat are no place of one row either."""
    flags = visits(tmp_path, "f.csv", "a 15", "a 7", "b 15")
    flags.write_text(flags.read_text(encoding="utf-8").replace("\n3,", "\n2,"), encoding="utf-8")
    found = cbc.compare(flags, flags)
    assert (found.matched, found.in_order, found.same) == (3, 2, True)


def test_the_command_says_how_many_rows_share_their_key(tmp_path: Path) -> None:
    old, new = visits(tmp_path / "o", "f.csv", "a 15", "a 7"), visits(tmp_path / "n", "f.csv", "a 7", "a 15")
    done = CliRunner().invoke(main, ["compare", str(old), str(new), "--key", "id"])
    assert done.exit_code == 3
    assert "2 rows share their key and were taken in their order\n" in done.output
    assert (
        json.loads(CliRunner().invoke(main, ["compare", str(old), str(new), "--key", "id", "--json"]).output)[
            "in_order"
        ]
        == 2
    )
    assert "share their key" not in CliRunner().invoke(main, ["compare", str(old), str(new)]).output


# Sources that are not the same -------------------------------------------------------------------


def one_and_two(folder: Path, name: str) -> tuple[Path, Path]:
    for own, person in (("one", "a"), ("two", "z")):
        text = HEADER + f"{SICK}\n".replace("a,", f"{person},", 1)
        (folder / f"{own}.csv").write_text(text, encoding="utf-8")
    single, both = folder / f"single{name}", folder / f"both{name}"
    cbc.scan(folder / "one.csv", single, keep=["id"])
    cbc.scan([folder / "one.csv", folder / "two.csv"], both, keep=["id"])
    return single, both


@pytest.mark.parametrize("name", [".parquet", ".csv.gz", ".ndjson"])
@pytest.mark.parametrize("turned", [False, True])
def test_one_source_against_several_is_refused_without_a_key(tmp_path: Path, name: str, turned: bool) -> None:
    files = one_and_two(tmp_path, name)
    files = files[::-1] if turned else files
    done = CliRunner().invoke(main, ["compare", *map(str, files)])
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.output
    assert f"both{name} says which source file each row is of and single{name} does not" in done.stderr
    assert "(--key)" in done.stderr
    found = cbc.compare(*files, key="id")
    assert (found.matched, found.changed) == (1, 0)
    assert (found.only_old, found.only_new)[0 if turned else 1] == {"not_in_the_other_file": 1}


def test_a_scan_of_no_row_names_no_column_and_is_compared(tmp_path: Path) -> None:
    both, none = one_and_two(tmp_path, ".parquet")[1], tmp_path / "none.ndjson"
    none.write_text("", encoding="utf-8")
    assert cbc.compare(both, none).only_old == {"not_in_the_other_file": 2}


@pytest.mark.parametrize("keyed", [[], ["--key", "id"]])
def test_that_no_row_is_in_both_stands_above_everything(tmp_path: Path, keyed: list[str]) -> None:
    """Source files of other names: every row is only in one."""
    files = []
    for folder_name, person in (("old", "a"), ("new", "b")):
        own = tmp_path / folder_name
        own.mkdir()
        names = [own / f"{folder_name}_{part}.csv" for part in (1, 2)]
        for name in names:
            name.write_text(HEADER + f"{SICK}\n".replace("a,", f"{person},", 1), encoding="utf-8")
        files.append(own / "flags.csv")
        cbc.scan(names, files[-1], keep=["id"])
    done = CliRunner().invoke(main, ["compare", *map(str, files), *keyed])
    assert done.exit_code == 3
    lines = " ".join(done.output.split())
    assert lines.startswith(f"{NOTICE} No row of one file is in the other: see that both are scans of the same source")
    same = CliRunner().invoke(main, ["compare", str(files[0]), str(files[0]), *keyed])
    assert "No row of one file" not in same.output


@pytest.mark.parametrize("key", [None, "id"])
def test_a_row_without_a_number_is_refused_with_the_name_of_the_file(tmp_path: Path, key: str | None) -> None:
    flags = scanned(tmp_path, "f.csv", [SICK, WELL])
    other = tmp_path / "o.csv"
    other.write_text(flags.read_text(encoding="utf-8").replace("\n3,", "\n,"), encoding="utf-8")
    with pytest.raises(cbc.UsageError, match=r"^o\.csv: some rows have no number in the column 'row'"):
        cbc.compare(flags, other, key=key)


def test_a_column_of_the_source_is_not_taken_for_the_name_of_its_file(tmp_path: Path) -> None:
    """Its cells would stand among the rows that are named as examples."""
    (tmp_path / "export.csv").write_text(HEADER.replace("id", "source_file") + f"{SICK}\n", encoding="utf-8")
    with pytest.raises(cbc.UsageError, match="'source_file' is the name of a column of the output"):
        cbc.scan(tmp_path / "export.csv", tmp_path / "f.parquet", keep=["source_file"])
    assert not (tmp_path / "f.parquet").exists()
