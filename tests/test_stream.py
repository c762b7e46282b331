"""scan as a stream: several files, patterns, standard input and output, packing, and going on after a break (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import bz2
import csv
import gzip
import hashlib
import io
import json
import lzma
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.engines.journal import Journal
from cbc_screen.ingest import csv as ingest_csv
from cbc_screen.ingest import parquet as ingest_parquet

HEADER = "id,age,sex,HGB (g/dL),WBC (10^9/L),PLT (10^9/L)\n"
ROWS = [
    "a,54 y,F,9.1,2.3,<10\n",
    "b,30 y,M,15.0,6.0,250\n",
    "c,61 y,F,,,\n",  # no result: rejected
    "d,40 y,M,14.0\n",  # ragged: rejected
    "e,7 y,F,CLUMPED,7.1,310\n",
]


def export(rows: int) -> str:
    return HEADER + "".join(ROWS[place % len(ROWS)] for place in range(rows))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_csv, "BLOCK_BYTES", 4_096)
    monkeypatch.setattr(ingest_parquet, "BATCH_ROWS", 100)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


# Columns kept --------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("packed", [False, True])
def test_a_kept_column_coded_in_few_bits_comes_back_whole(tmp_path: Path, packed: bool) -> None:
    # Each row group has 40 words of its own: together more than codes of 8 bits can count.
    groups = [
        pa.table(
            {
                "age": ["54 y"] * 40,
                "sex": ["F"] * 40,
                "hemoglobin": ["9.1 g/dL"] * 40,
                "ward": pa.array([f"ward {40 * group + row}" for row in range(40)]).cast(
                    pa.dictionary(pa.int8(), pa.string())
                ),
            }
        )
        for group in range(10)
    ]
    with pq.ParquetWriter(tmp_path / "in.parquet", groups[0].schema) as writer:
        for group in groups:
            writer.write_table(group)
    cbc.scan(tmp_path / "in.parquet", tmp_path / "out.parquet", keep=["ward"], packed=packed)
    flags = cbc.read_flags(tmp_path / "out.parquet")
    assert flags["ward"].tolist() == [f"ward {row}" for row in range(400)]


# Several inputs ----------------------------------------------------------------------------


def test_several_files_are_one_scan_and_each_row_says_which_it_is_of(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(export(5), encoding="utf-8")
    (tmp_path / "two.csv").write_text(HEADER + ROWS[1] + ROWS[2], encoding="utf-8")
    out, rejects = tmp_path / "flags.csv", tmp_path / "rejects.csv"
    summary = cbc.scan([tmp_path / "one.csv", tmp_path / "two.csv"], out, rejects, keep=["id"])
    assert (summary.rows_in, summary.screened, summary.rejected) == (7, 4, 3)
    assert [(row["file"], row["row"], row["id"]) for row in read(out)] == [
        ("one.csv", "2", "a"), ("one.csv", "3", "b"), ("one.csv", "6", "e"), ("two.csv", "2", "b"),
    ]  # fmt: skip
    assert [(row["file"], row["line"], row["reason"]) for row in read(rejects)] == [
        ("one.csv", "4", "NO_RESULT"), ("one.csv", "5", "ROW_RAGGED"), ("two.csv", "3", "NO_RESULT"),
    ]  # fmt: skip


def test_a_pattern_is_expanded_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("2024-02.csv", "2024-01.csv", "2023-12.csv"):
        (tmp_path / name).write_text(HEADER + ROWS[0], encoding="utf-8")
    summary = cbc.scan(str(tmp_path / "2024-*.csv"), tmp_path / "flags.csv")
    assert summary.source == "2024-01.csv, 2024-02.csv"
    assert [row["file"] for row in read(tmp_path / "flags.csv")] == ["2024-01.csv", "2024-02.csv"]


def test_files_of_different_kinds_and_columns(tmp_path: Path) -> None:
    """The second names its columns otherwise, and has no platelets: they are unknown, not normal."""
    (tmp_path / "one.csv").write_text(HEADER + ROWS[1], encoding="utf-8")
    frame = pd.DataFrame({"age": ["30 y"], "sex": ["M"], "hemoglobin (g/L)": [150.0], "WBC (10^3/uL)": [6.0]})
    frame.to_parquet(tmp_path / "two.parquet")
    cbc.scan([tmp_path / "one.csv", tmp_path / "two.parquet"], tmp_path / "flags.csv")
    found = read(tmp_path / "flags.csv")
    assert [(row["pattern"], row["platelet_line"]) for row in found] == [
        ("none", "not_low"), ("cannot_tell", "cannot_tell"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sources", "says"),
    [
        (["one.csv", "one.csv"], "named twice"),
        (["nothing-*.csv"], "no file matches"),
        (["one.csv", "missing.csv"], "the source 'missing.csv' does not exist"),
        (["one.csv", "two.csv"], "two.csv: no column reads"),
    ],
)
def test_a_fault_of_any_input_is_told_before_anything_is_written(tmp_path: Path, sources: list[str], says: str) -> None:
    (tmp_path / "one.csv").write_text(export(5), encoding="utf-8")
    (tmp_path / "two.csv").write_text("name,address\nx,y\n", encoding="utf-8")
    with pytest.raises(cbc.UsageError, match=says.replace("*", r"\*")):
        cbc.scan([tmp_path / name for name in sources], tmp_path / "flags.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.csv", "two.csv"]


# Standard input and output -------------------------------------------------------------------


def test_standard_input_to_standard_output() -> None:
    done = CliRunner().invoke(main, ["scan", "-", "-o", "-", "--out-format", "ndjson"], input=export(5))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.exit_code == 0
    assert [line["pattern"] for line in lines] == ["pancytopenia", "none", "cannot_tell"]
    assert all(line["notice"] == "For clinician review. Not a diagnosis." for line in lines)
    assert "5 rows in = 3 screened + 2 rejected" in done.stderr


def test_standard_output_is_csv_where_it_is_asked_for() -> None:
    done = CliRunner().invoke(main, ["scan", "-", "-o", "-", "--out-format", "csv"], input=export(5))
    assert [row["pattern"] for row in csv.DictReader(io.StringIO(done.stdout))] == [
        "pancytopenia",
        "none",
        "cannot_tell",
    ]


def test_standard_output_needs_a_format() -> None:
    done = CliRunner().invoke(main, ["scan", "-", "-o", "-"], input=export(5))
    assert (done.exit_code, "--out-format" in done.stderr, done.stdout) == (2, True, "")


# Packing, NDJSON -----------------------------------------------------------------------------


PACK = {
    ".gz": gzip.compress,
    ".zst": lambda text: pa.compress(text, "zstd", asbytes=True),
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
}


@pytest.mark.parametrize("ending", PACK)
def test_a_packed_export_gives_what_the_plain_one_gives(tmp_path: Path, ending: str) -> None:
    text = export(500).encode()
    (tmp_path / "plain.csv").write_bytes(text)
    packed = tmp_path / f"packed.csv{ending}"
    packed.write_bytes(PACK[ending](text))
    summary = cbc.scan(tmp_path / "plain.csv", tmp_path / "a.csv", tmp_path / "ra.csv")
    again = cbc.scan(packed, tmp_path / "b.csv", tmp_path / "rb.csv")
    assert (summary.rows_in, summary.rejected) == (again.rows_in, again.rejected) == (500, 200)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert (tmp_path / "ra.csv").read_bytes() == (tmp_path / "rb.csv").read_bytes()


@pytest.mark.parametrize("ending", [".csv.gz", ".csv.zst", ".ndjson.gz", ".ndjson.zst"])
def test_a_packed_output_holds_what_the_plain_one_holds(tmp_path: Path, ending: str) -> None:
    (tmp_path / "export.csv").write_text(export(50), encoding="utf-8")
    plain = tmp_path / f"flags{Path(ending).stem}"
    cbc.scan(tmp_path / "export.csv", plain)
    cbc.scan(tmp_path / "export.csv", tmp_path / f"packed{ending}")
    with pa.input_stream(
        str(tmp_path / f"packed{ending}"), compression="gzip" if ending.endswith("gz") else "zstd"
    ) as file:
        assert file.read() == plain.read_bytes()


@pytest.mark.parametrize("ending", [".zst", ".xz", ".bz2"])
def test_a_cut_packed_file_is_damaged_after_a_line(tmp_path: Path, ending: str) -> None:
    whole = PACK[ending](export(200_000).encode())
    (tmp_path / f"cut.csv{ending}").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(cbc.UsageError, match="cut short or damaged"):
        cbc.scan(tmp_path / f"cut.csv{ending}", tmp_path / "flags.csv")
    assert not (tmp_path / "flags.csv").exists()


def test_ndjson_is_read_line_by_line(tmp_path: Path) -> None:
    lines = [
        '{"age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL", "wbc": "2.3 10^9/L", "platelets": "<10 10^9/L"}',
        '{"age": "30 y", "sex": "M", "hemoglobin": "15.00 g/dL"}',
        "",
        '{"age": "30 y", ',
        '["a list"]',
        '{"age": "30 y", "hemoglobin": "9.1 g/dL", "hemoglobin": "15 g/dL"}',
        '{"age": "30 y", "sex": "M", "hemoglobin": {"value": 150}}',
        '{"age": "30 y", "sex": null}',
    ]
    (tmp_path / "export.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
    summary = cbc.scan(tmp_path / "export.ndjson", tmp_path / "flags.csv", tmp_path / "rejects.csv")
    assert (summary.rows_in, summary.screened, summary.rejected) == (7, 3, 4)
    found = [(row["row"], row["pattern"], row["hemoglobin_state"]) for row in read(tmp_path / "flags.csv")]
    assert found == [("1", "pancytopenia", "low"), ("2", "cannot_tell", "within"), ("7", "cannot_tell", "cannot_tell")]
    assert [(row["line"], row["reason"]) for row in read(tmp_path / "rejects.csv")] == [
        ("4", "ROW_RAGGED"), ("5", "ROW_RAGGED"), ("6", "ROW_RAGGED"), ("8", "NO_RESULT"),
    ]  # fmt: skip


def test_a_key_that_comes_late_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cbc_screen.ingest.ndjson.FIRST_LINES", 1)
    late = '{"hemoglobin": "9.1 g/dL"}\n{"hemoglobin": "9.1 g/dL", "platelets": "4 10^9/L"}\n'
    (tmp_path / "late.ndjson").write_text(late, encoding="utf-8")
    with pytest.raises(cbc.UsageError, match="line 2 has a key"):
        cbc.scan(tmp_path / "late.ndjson", tmp_path / "flags.csv")


# The manifest ----------------------------------------------------------------------------------


def test_the_manifest_says_what_went_in_and_what_was_counted(tmp_path: Path) -> None:
    source = tmp_path / "export.csv"
    source.write_text(export(5), encoding="utf-8")
    cbc.scan(source, tmp_path / "flags.parquet", definition="clinical")
    manifest = json.loads((tmp_path / "flags.parquet.manifest.json").read_text(encoding="utf-8"))
    assert manifest["notice"] == "For clinician review. Not a diagnosis."
    assert manifest["inputs"] == [
        {
            "name": "export.csv",
            "bytes": source.stat().st_size,
            "sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        }
    ]
    assert manifest["options"]["definition"] == "clinical"
    counts = manifest["counts"]
    assert (counts["rows_in"], counts["screened"], counts["rejected"]) == (5, 3, 2)
    assert counts["analytes"]["platelets"]["results"] == 3
    assert counts["rejects"] == {"NO_RESULT": 1, "ROW_RAGGED": 1}


def test_the_same_scan_gives_the_same_bytes_of_every_file(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(export(50), encoding="utf-8")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        cbc.scan(tmp_path / "export.csv", tmp_path / name / "flags.parquet", tmp_path / name / "rejects.csv")
    for file in ("flags.parquet", "rejects.csv", "flags.parquet.manifest.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes(), file


# Going on after a break ------------------------------------------------------------------------


class Broken(BaseException):
    """A break that nothing handles, as a kill would be."""


def broken_scan(source: Path, out: Path, rejects: Path, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scan and break off after so many batches, leaving the journal as a kill would."""
    whole = Journal.append
    seen: list[int] = []

    def append(self: Journal, screened: object) -> None:
        if len(seen) == after:
            raise Broken
        seen.append(1)
        whole(self, screened)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", append)
        with pytest.raises(Broken):
            cbc.scan(source, out, rejects)


@pytest.mark.parametrize("name", ["flags.parquet", "flags.csv", "flags.ndjson.gz"])
@pytest.mark.parametrize(("after", "torn"), [(0, 0), (1, 0), (3, 0), (3, 1), (3, 17), (3, 400)])
@pytest.mark.usefixtures("small_blocks")
def test_a_resumed_scan_gives_the_bytes_of_an_unbroken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, after: int, torn: int
) -> None:
    """`torn` bytes are missing at the end of the journal: the last record is dropped and made again."""
    source = tmp_path / "export.csv"
    source.write_text(export(1_200), encoding="utf-8")
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir(), broken.mkdir()
    cbc.scan(source, whole / name, whole / "rejects.csv")
    broken_scan(source, broken / name, broken / "rejects.csv", after, monkeypatch)
    journal = broken / f"{name}.journal"
    assert journal.exists()
    if torn:
        journal.write_bytes(journal.read_bytes()[:-torn])
    summary = cbc.scan(source, broken / name, broken / "rejects.csv", resume=True)
    assert (summary.rows_in, summary.screened, summary.rejected) == (1_200, 720, 480)
    assert sorted(path.name for path in broken.iterdir()) == sorted(path.name for path in whole.iterdir())
    for path in whole.iterdir():
        assert (broken / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.usefixtures("small_blocks")
def test_a_journal_of_another_scan_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "export.csv"
    source.write_text(export(1_200), encoding="utf-8")
    broken_scan(source, tmp_path / "flags.csv", tmp_path / "rejects.csv", 2, monkeypatch)
    with pytest.raises(cbc.UsageError, match="another scan"):
        cbc.scan(source, tmp_path / "flags.csv", tmp_path / "rejects.csv", resume=True, definition="clinical")
    assert (tmp_path / "flags.csv.journal").exists()  # it is still there for its own scan
    source.write_text(export(1_300), encoding="utf-8")
    with pytest.raises(cbc.UsageError, match="another scan"):
        cbc.scan(source, tmp_path / "flags.csv", tmp_path / "rejects.csv", resume=True)


def test_standard_input_is_not_resumed(tmp_path: Path) -> None:
    """Another stream of the same length could not be told from the first."""
    done = CliRunner().invoke(main, ["scan", "-", "-o", str(tmp_path / "flags.csv"), "--resume"], input=export(5))
    assert (done.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert "save it to a file" in done.stderr


def test_a_gzip_cut_within_a_quoted_record_is_one_clear_line(tmp_path: Path) -> None:
    """The record goes over the end of a block, and the file ends in the middle of it."""
    remark = '"' + "".join(f"line {place}\n" for place in range(2_000))
    text = HEADER.replace("\n", ",remark\n") + "".join(f"{row.rstrip()},x\n" for row in ROWS[:2] * 400)
    whole = gzip.compress((text + f"a,54 y,F,9.1,2.3,100,{remark}").encode(), 0)
    (tmp_path / "cut.csv.gz").write_bytes(whole[:-6_000])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest_csv, "BLOCK_BYTES", len(text))
        with pytest.raises(cbc.UsageError, match="cut short or damaged") as caught:
            cbc.scan(tmp_path / "cut.csv.gz", tmp_path / "flags.csv")
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_resume_without_a_break_is_a_scan(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(export(50), encoding="utf-8")
    cbc.scan(tmp_path / "export.csv", tmp_path / "flags.csv", resume=True)
    assert len(read(tmp_path / "flags.csv")) == 30
    with pytest.raises(cbc.UsageError, match="exists"):
        cbc.scan(tmp_path / "export.csv", tmp_path / "flags.csv", resume=True)


@pytest.mark.parts  # processes are killed
@pytest.mark.parametrize("wait", [0.3, 0.9])
def test_a_scan_killed_with_signal_9_goes_on(tmp_path: Path, wait: float) -> None:
    """A real process, really killed, at a moment nobody chose."""
    source = tmp_path / "export.csv"
    source.write_text(export(60_000), encoding="utf-8")
    script = (
        "import cbc_screen as cbc, sys, time\n"
        "from cbc_screen.ingest import csv\n"
        "from cbc_screen.engines.journal import Journal\n"
        "csv.BLOCK_BYTES = 16_384\n"
        "whole = Journal.append\n"
        "def append(self, screened):\n"
        "    whole(self, screened); print('.', flush=True); time.sleep(0.02)\n"
        "Journal.append = append\n"
        "cbc.scan(*sys.argv[1:4])\n"
    )
    out, rejects = tmp_path / "flags.parquet", tmp_path / "rejects.csv"
    command = [sys.executable, "-c", script, str(source), str(out), str(rejects)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ) as process:
        assert process.stdout is not None
        process.stdout.readline()  # the first batch is in the journal
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
    assert not out.exists()
    whole, whole_rejects = tmp_path / "whole.parquet", tmp_path / "whole.csv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ingest_csv, "BLOCK_BYTES", 16_384)
        cbc.scan(source, whole, whole_rejects)
        cbc.scan(source, out, rejects, resume=True)
    assert out.read_bytes() == whole.read_bytes()
    assert rejects.read_bytes() == whole_rejects.read_bytes()
    assert pq.read_table(out).num_rows == 36_000


# Packed flags ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_blocks")
def test_packed_flags_read_as_the_readable_ones(tmp_path: Path) -> None:
    """Among the rows are unknown ages and sexes, which are worked out apart."""
    rows = [
        f"{row},{place}\n" for place, row in enumerate(("a,,F,9.1,2.3,<10", "b,30 y,,12.5,6.0,250", "c,3 d,M,150,9,8"))
    ]
    text = "id,age,sex,HGB (g/dL),WBC (10^9/L),PLT (10^9/L),kept\n" + "".join(rows * 200)
    (tmp_path / "export.csv").write_text(text, encoding="utf-8")
    plain = cbc.scan(tmp_path / "export.csv", tmp_path / "plain.parquet", keep=["kept"])
    packed = cbc.scan(tmp_path / "export.csv", tmp_path / "packed.parquet", keep=["kept"], packed=True)
    assert (packed.patterns, packed.reasons, packed.screened) == (plain.patterns, plain.reasons, 600)
    expected, found = (cbc.read_flags(tmp_path / name) for name in ("plain.parquet", "packed.parquet"))
    assert list(found.columns) == list(expected.columns)
    assert list(found["kept"][:4]) == ["0", "1", "2", "0"]
    pd.testing.assert_frame_equal(found.astype(str), expected.astype(str))
    assert pq.read_schema(tmp_path / "packed.parquet").metadata[b"notice"] == b"For clinician review. Not a diagnosis."


def test_packed_flags_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(HEADER + ROWS[2], encoding="utf-8")
    cbc.scan(tmp_path / "export.csv", tmp_path / "plain.parquet")
    cbc.scan(tmp_path / "export.csv", tmp_path / "packed.parquet", packed=True)
    expected, found = (cbc.read_flags(tmp_path / name, kind="pyarrow") for name in ("plain.parquet", "packed.parquet"))
    assert found.num_rows == 0
    assert found.column_names == expected.column_names


@pytest.mark.parametrize(
    ("out", "options", "says"),
    [
        ("flags.csv", {"packed": True}, "to a .parquet file"),
        ("flags.parquet", {"packed": True, "detail": True}, "without detail"),
    ],
)
def test_packed_flags_need_parquet(tmp_path: Path, out: str, options: dict[str, bool], says: str) -> None:
    (tmp_path / "export.csv").write_text(export(5), encoding="utf-8")
    with pytest.raises(cbc.UsageError, match=says):
        cbc.scan(tmp_path / "export.csv", tmp_path / out, **options)


def test_read_flags_refuses_what_scan_did_not_write(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(cbc.UsageError, match="does not hold flags"):
        cbc.read_flags(tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("no", encoding="utf-8")
    with pytest.raises(cbc.UsageError, match="flags are read from a Parquet file"):
        cbc.read_flags(tmp_path / "text.parquet")


def test_packed_flags_of_other_words_are_refused(tmp_path: Path) -> None:
    """Codes are numbers: where a word was added since, they stand for something else."""
    (tmp_path / "export.csv").write_text(export(5), encoding="utf-8")
    cbc.scan(tmp_path / "export.csv", tmp_path / "packed.parquet", packed=True)
    table = pq.read_table(tmp_path / "packed.parquet")
    metadata = dict(table.schema.metadata)
    metadata[b"cbc_screen.layout"] = metadata[b"cbc_screen.layout"].replace(b'"mild"', b'"slight"')
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "old.parquet")
    with pytest.raises(cbc.UsageError, match="another version"):
        cbc.read_flags(tmp_path / "old.parquet")
