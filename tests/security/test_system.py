"""What the system refuses, and what tells a run to stop: one line, an exit code, nothing left behind (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

import pytest
from click.testing import CliRunner
from processes import COMMAND, HEADER, SICK, WELL, capped, names, one_line, run, table

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.engines import stream
from cbc_screen.errors import FileError, OutOfMemoryError
from cbc_screen.ingest import csv as csv_reader
from cbc_screen.ingest import lines

# Files that cannot be written ----------------------------------------------------------------------


def limited_to(size: int) -> Any:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("out", ["flags.csv", "flags.parquet", "flags.ndjson.gz"])
def test_a_limit_on_the_size_of_files_ends_in_one_line_and_leaves_nothing(tmp_path: Path, out: str) -> None:
    source = table(tmp_path / "export.csv", 4_000)
    done = run("scan", source, "-o", tmp_path / out, "--rejects", tmp_path / "r.csv", before=limited_to(2_048))
    assert done.returncode == 2
    assert "File too large" in one_line(done)
    assert names(tmp_path) == ["export.csv"]


def test_a_limit_while_standard_input_is_kept(tmp_path: Path) -> None:
    source = table(tmp_path / "export.csv", 4_000)
    with source.open("rb") as file:
        done = run("scan", "-", "-o", tmp_path / "flags.csv", before=limited_to(2_048), stdin=file)
    assert (done.returncode, "File too large" in one_line(done), names(tmp_path)) == (2, True, ["export.csv"])


@pytest.mark.parametrize("method", ["write", "flush", "fsync"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_no_room_at_any_moment_is_one_line_and_no_part_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, number: int
) -> None:
    from cbc_screen.report import writers

    class Full:
        def __init__(self, file: IO[bytes]) -> None:
            self._file = file

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

        def write(self, data: bytes) -> int:
            if method == "write":
                raise OSError(number, os.strerror(number))
            return self._file.write(data)

        def flush(self) -> None:
            if method == "flush" and not self._file.closed:
                raise OSError(number, os.strerror(number))
            self._file.flush()

    if method == "fsync":

        def refuse(descriptor: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(writers.os, "fsync", refuse)
    else:
        create = writers.create
        monkeypatch.setattr(writers, "create", lambda path: Full(create(path)))
    source = table(tmp_path / "export.csv", 20)
    with pytest.raises(FileError, match=os.strerror(number)) as caught:
        cbc.scan(source, tmp_path / "flags.ndjson", tmp_path / "r.csv", summary=tmp_path / "s.json")
    assert isinstance(caught.value, OSError)
    assert str(tmp_path) not in str(caught.value)
    assert [name for name in names(tmp_path) if not name.endswith(".journal")] == ["export.csv"]


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The superuser may write everywhere, so the system's answer is made up."""
    open_file = os.open

    def refuse(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if flags & os.O_CREAT and str(path).startswith(str(tmp_path)):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return open_file(path, flags, *more, **named)

    source = table(tmp_path / "export.csv")
    monkeypatch.setattr(os, "open", refuse)
    for command in (
        ["scan", str(source), "-o", str(tmp_path / "flags.csv")], ["profile", str(source), "-o", str(tmp_path / "o.yaml")],
    ):  # fmt: skip
        done = CliRunner().invoke(main, command)
        assert (done.exit_code, "Read-only file system" in done.stderr, done.stderr.count("\n")) == (2, True, 1)
    assert names(tmp_path) == ["export.csv"]


def test_force_onto_a_folder_is_refused_before_any_work(tmp_path: Path) -> None:
    source, progress = table(tmp_path / "export.csv"), list[int]()
    (tmp_path / "flags.csv").mkdir()
    with pytest.raises(cbc.UsageError, match=r"flags\.csv is a folder"):
        cbc.scan(source, tmp_path / "flags.csv", force=True, progress=lambda rows, share: progress.append(rows))
    assert (progress, names(tmp_path)) == ([], ["export.csv", "flags.csv"])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), OutOfMemoryError), (sqlite3.OperationalError("disk is full: CANARY"), FileError),
        (OSError(errno.ENOSPC, "No space left on device", "CANARY"), FileError), (RecursionError("CANARY"), cbc.UsageError),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), FileError), (OSError("CANARY"), FileError),
    ],
)  # fmt: skip
def test_what_the_system_refuses_is_an_error_of_this_package_without_the_first_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception]
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(stream, "screen_batch", fail)
    with pytest.raises(kind) as caught:
        cbc.scan(table(tmp_path / "export.csv"), tmp_path / "flags.csv")
    assert isinstance(caught.value, cbc.CBCScreenError)
    assert ("CANARY" in str(caught.value), caught.value.__context__, caught.value.__cause__) == (False, None, None)
    assert names(tmp_path) == ["export.csv"]


def test_a_journal_that_holds_a_batch_stays_where_there_is_no_room_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 512)
    source, write = table(tmp_path / "export.csv", 200), stream.FlagWriter.write

    def run_full(number: int, at: int) -> list[str]:
        seen = iter(range(1_000))

        def fail(self: stream.FlagWriter, flags: Any, share: float) -> None:
            if next(seen) == at:
                raise OSError(number, os.strerror(number))
            write(self, flags, share)

        with monkeypatch.context() as patch:
            patch.setattr(stream.FlagWriter, "write", fail)
            with pytest.raises(FileError):
                cbc.scan(source, tmp_path / "flags.csv")
        return names(tmp_path)

    assert run_full(errno.EFBIG, 3) == ["export.csv"]  # no room can be made
    assert run_full(errno.ENOSPC, 3) == ["export.csv", "flags.csv.journal"]
    cbc.scan(source, tmp_path / "flags.csv", resume=True)
    assert names(tmp_path) == ["export.csv", "flags.csv", "flags.csv.manifest.json"]


# Streams of the process --------------------------------------------------------------------------------


def test_a_full_device_as_standard_output(tmp_path: Path) -> None:
    source = table(tmp_path / "export.csv")
    with Path("/dev/full").open("w") as full:
        done = run("scan", source, "-o", "-", "--out-format", "csv", stdout=full)
        assert (done.returncode, "No space left on device" in one_line(done)) == (2, True)
        done = run("version", stdout=full)
        assert (done.returncode, "No space left on device" in one_line(done)) == (2, True)
    assert names(tmp_path) == ["export.csv"]


def test_a_reader_of_standard_output_that_stops_reading(tmp_path: Path) -> None:
    source = table(tmp_path / "export.csv", 3_000)
    with subprocess.Popen(
        [*COMMAND, "scan", str(source), "-o", "-", "--out-format", "ndjson"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=capped(), text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(100)
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (2, "cbc-screen: the scan ended: what reads its output has stopped reading\n")


@pytest.mark.parametrize(
    ("closed", "arguments", "code"),
    [(0, ["-", "-o", "flags.csv"], 2), (1, ["export.csv", "-o", "-", "--out-format", "csv"], 2),
     (1, ["export.csv", "-o", "flags.csv"], 0), (2, ["export.csv", "-o", "flags.csv"], 0)],
)  # fmt: skip
def test_a_standard_stream_that_is_closed(tmp_path: Path, closed: int, arguments: list[str], code: int) -> None:
    """No output may get its number: what a library prints would go into it."""
    table(tmp_path / "export.csv")
    done = run("scan", *arguments, before=lambda: os.close(closed), cwd=tmp_path)
    assert done.returncode == code, done.stderr
    whole = ["flags.csv", "flags.csv.manifest.json"] if code == 0 else []
    assert names(tmp_path) == ["export.csv", *whole]
    if code:
        assert "is closed" in one_line(done)
    else:
        assert (tmp_path / "flags.csv").read_text(encoding="utf-8").startswith("row,pattern")


# Signals -------------------------------------------------------------------------------------------------

SLOW = """
import sys, time
from cbc_screen.engines.journal import Journal
from cbc_screen.ingest import csv
csv.BLOCK_BYTES = 2_048
append = Journal.append
def slow(self, screened):
    append(self, screened)
    print("batch", file=sys.stderr, flush=True)
    time.sleep(0.05)
Journal.append = slow
from cbc_screen.cli import main
main()
"""


def begun(source: Path, *more: str) -> subprocess.Popen[str]:
    """Begin a slow scan, and return when its first batch is in the journal."""
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "scan", str(source), "-o", str(source.with_name("flags.csv")), *more],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=capped(), text=True,
    )  # fmt: skip
    assert process.stderr is not None
    assert process.stderr.readline() == "batch\n"
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_to_end_cleans_up_keeps_the_journal_and_names_resume(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    source = table(tmp_path / "export.csv", 4_000)
    with begun(source, "--rejects", str(tmp_path / "r.csv"), "--summary", str(tmp_path / "s.json")) as process:
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert process.returncode == code
    assert [line for line in said.splitlines() if line != "batch"] == [
        f"cbc-screen: stopped by {number.name}; what was done is kept: the same command with --resume goes on from there"
    ]
    assert names(tmp_path) == ["export.csv", "flags.csv.journal"]
    if number is signal.SIGTERM:
        cbc.scan(source, tmp_path / "whole.csv")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(csv_reader, "BLOCK_BYTES", 2_048)
            done = CliRunner().invoke(
                main, ["scan", str(source), "-o", str(tmp_path / "flags.csv"), "--rejects", str(tmp_path / "r.csv"),
                       "--summary", str(tmp_path / "s.json"), "--resume"],
            )  # fmt: skip
        assert (done.exit_code, done.stderr) == (0, "")
        assert (tmp_path / "flags.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_more_signals_while_it_cleans_up_leave_nothing_either(tmp_path: Path) -> None:
    source = table(tmp_path / "export.csv", 4_000)
    with begun(source) as process:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process.send_signal(number)
            time.sleep(0.01)
        process.communicate(timeout=30)
    assert process.returncode in (143, 130)  # that of the first of those that came together
    assert names(tmp_path) == ["export.csv", "flags.csv.journal"]


def test_a_second_signal_ends_a_process_that_waits_for_the_system(tmp_path: Path) -> None:
    """The handler of the first cannot run while the main thread waits within a library."""
    os.mkfifo(tmp_path / "pipe")
    code = (
        "import sys, pyarrow as pa\nfrom cbc_screen.stopping import stopping_on_signals\n"
        "from cbc_screen.private_files import create\nfrom pathlib import Path\n"
        "with stopping_on_signals():\n"
        "    create(Path(sys.argv[2]))\n    print('waits', flush=True)\n    pa.OSFile(sys.argv[1])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "pipe"), str(tmp_path / "flags.csv.part")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, preexec_fn=capped(),
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "waits\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=8)
    assert process.returncode in (143, 1)
    assert names(tmp_path) == ["pipe"] or process.returncode == 1


def test_a_signal_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    """As under nohup."""
    source = table(tmp_path / "export.csv", 200)
    signal_before = signal.getsignal(signal.SIGHUP)
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with begun(source) as process:
            process.send_signal(signal.SIGHUP)
            process.communicate(timeout=30)
    finally:
        signal.signal(signal.SIGHUP, signal_before)
    assert process.returncode == 0
    assert names(tmp_path) == ["export.csv", "flags.csv", "flags.csv.manifest.json"]


def test_the_handlers_of_a_program_that_calls_the_command_are_its_own_again() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    CliRunner().invoke(main, ["version"])
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


# What is too large ---------------------------------------------------------------------------------------

NUMBERS = ["9" * 100_000, "-" + "9" * 100_000, "0." + "0" * 100_000 + "1", "1" + "0" * 100_000, "1e" + "9" * 100_000]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:4])
def test_a_number_of_100_000_digits_is_oversize_through_every_door(tmp_path: Path, number: str) -> None:
    (tmp_path / "a.csv").write_text(HEADER + f"a,54 y,F,{number},2.3,250\n" + WELL, encoding="utf-8")
    resource_of = (
        '{"resourceType":"Observation","status":"final","subject":{"reference":"Patient/1"},"effectiveDateTime":'
        '"2024-01-02","code":{"coding":[{"system":"http://loinc.org","code":"718-7"}]},"valueQuantity":{"value":%s,'
        '"unit":"g/dL","system":"http://unitsofmeasure.org","code":"g/dL"}}\n'
    )
    (tmp_path / "b.ndjson").write_text(resource_of % number, encoding="utf-8")
    (tmp_path / "c.json").write_text(resource_of % number, encoding="utf-8")
    for name in ("a.csv", "b.ndjson", "c.json"):
        summary = cbc.scan(tmp_path / name)
        assert (summary.rejected, summary.reasons["hemoglobin:OVERSIZE"]) == (0, 1), name
    (tmp_path / "d.ndjson").write_text(
        f'{{"age": "54 y", "HGB (g/dL)": {number}}}\n{{"HGB (g/dL)": 9}}\n', encoding="utf-8"
    )
    summary = cbc.scan(tmp_path / "d.ndjson", age_unit="y")
    assert (summary.screened, summary.rejects) == (1, {"OVERSIZE": 1})
    record = {
        "age": "54 y",
        "sex": "F",
        "hemoglobin": f"{number} g/dL",
        "platelets": {"value": number, "unit": "10^9/L"},
    }
    reasons = dict(cbc.screen(record).reasons)
    assert (reasons["hemoglobin"], reasons["platelets"]) == ("OVERSIZE", "OVERSIZE")
    (tmp_path / "e.json").write_text(
        f'{{"age": "54 y", "hemoglobin": {{"value": {number}, "unit": "g/dL"}}}}', encoding="utf-8"
    )
    done = CliRunner().invoke(main, ["one", "--record", str(tmp_path / "e.json"), "--json"])
    if "." in number or "e" in number:
        return  # a fraction is the number that it stands for in JSON: too small or too large to be one
    assert {entry[0]: entry[1] for entry in json.loads(done.stdout)["reasons"]}["hemoglobin"] == "OVERSIZE"


def test_a_long_text_of_blanks_around_a_number_is_that_number() -> None:
    found = cbc.screen({"age": "54 y", "sex": "F", "hemoglobin": " " * 20_000 + "9.1 g/dL" + " " * 20_000})
    assert "hemoglobin" not in dict(found.reasons)


@pytest.fixture
def short_lines(monkeypatch: pytest.MonkeyPatch) -> int:
    """Make the longest line short, so that a longer one is quickly made."""
    for module in (lines,):
        monkeypatch.setattr(module, "LONGEST_LINE", 1 << 17)
        monkeypatch.setattr(module, "_STEP", 1 << 12)
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 1 << 12)
    return 1 << 17


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
@pytest.mark.parametrize("kind", ["digits", "cells", "quoted", "open mark", "in a record"])
def test_a_line_longer_than_any_row_is_one_rejected_row(
    tmp_path: Path, short_lines: int, end: str, encoding: str, kind: str
) -> None:
    long = {
        "digits": "9" * 400_000, "cells": "1," * 200_000, "quoted": 'a,54 y,F,"' + "9" * 400_000 + '",2.3,9',
        "open mark": '"' + "9" * 400_000, "in a record": 'a,54 y,F,"x' + end + "9" * 400_000,
    }[kind]  # fmt: skip
    text = end.join([HEADER.strip(), SICK.strip(), long, WELL.strip(), SICK.strip(), ""])
    (tmp_path / "export.csv").write_bytes(text.encode(encoding))
    summary = cbc.scan(tmp_path / "export.csv", tmp_path / "f.csv", tmp_path / "r.csv", encoding=encoding)
    assert (summary.rows_in, summary.screened) == (3 + summary.rejected, 3)
    # A mark that does not close takes the long line into its record: both are rejected, each by itself.
    assert summary.rejects == {"OVERSIZE": 2 if kind == "in a record" else 1}
    assert (tmp_path / "r.csv").stat().st_size < 10_000
    rows = [line.split(",")[0] for line in (tmp_path / "f.csv").read_text(encoding="utf-8").splitlines()[1:]]
    after = 1 if kind == "in a record" else 0
    assert rows == ["2", str(4 + after), str(5 + after)]


@pytest.mark.parametrize("end", ["\n", "\r"])
def test_a_long_file_of_short_lines_is_whole(tmp_path: Path, short_lines: int, end: str) -> None:
    """Lines may end with CR alone: such a file is no single line."""
    text = end.join([HEADER.strip(), *[SICK.strip(), WELL.strip()] * 8_000, ""])
    assert len(text) > 2 * short_lines
    (tmp_path / "export.csv").write_text(text, encoding="utf-8", newline="")
    summary = cbc.scan(tmp_path / "export.csv")
    assert (summary.rows_in, summary.screened, summary.rejected) == (16_000, 16_000, 0)


def test_a_header_or_a_line_above_it_that_is_too_long(tmp_path: Path, short_lines: int) -> None:
    (tmp_path / "a.csv").write_text("x," * 200_000 + "\n1\n", encoding="utf-8")
    with pytest.raises(cbc.UsageError, match="the header line is too long"):
        cbc.scan(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("report " * 100_000 + "\n" + HEADER + SICK, encoding="utf-8")
    assert cbc.scan(tmp_path / "b.csv", skip_lines=1).screened == 1


def test_a_line_of_100_mb_takes_no_memory_of_its_size(tmp_path: Path) -> None:
    block = b"9" * (1 << 20)
    with (tmp_path / "export.csv").open("wb") as file:
        file.write((HEADER + "a,54 y,F,").encode())
        for _ in range(100):
            file.write(block)
        file.write(("\n" + WELL).encode())
    code = (
        "import re, sys, cbc_screen as cbc\nsummary = cbc.scan(sys.argv[1])\n"
        # Of this program alone: what getrusage tells begins with the size of the process it was forked from.
        "peak = re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1]\n"
        "print(summary.screened, summary.rejects, int(peak) // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "export.csv")], capture_output=True, text=True, check=True,
        preexec_fn=capped(),
    )  # fmt: skip
    said = done.stdout.rsplit(" ", 1)
    assert said[0] == "1 {'OVERSIZE': 1}"
    assert int(said[1]) < 400
