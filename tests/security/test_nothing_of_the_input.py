"""Nothing of an input in an error, on a terminal that asked for none of it, or in a file that stays."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import threading
import time
import traceback
from pathlib import Path

import pytest
from click.testing import CliRunner
from processes import COMMAND, HEADER, SICK, capped, names, run, table

import cbc_screen as cbc
from cbc_screen.cli import main

CANARY = "CANARY_NAME_7Q"


def everything_about(error: BaseException) -> str:
    listed = error.errors() if hasattr(error, "errors") else ""
    return "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error)) + repr(listed)


@pytest.mark.parametrize(
    "text",
    [
        f'{{"sex": "{CANARY}', f'{{"hemoglobin": {CANARY}}}', CANARY, f'["{CANARY}"]', f'{{"{CANARY}": 1}}',
        f'{{"hemoglobin": "{CANARY}"}} {CANARY}', f"\x00{CANARY}", f'{{"film": {{"{CANARY}": "present"}}',
        f'{{"hemoglobin": {{"value": 1, "{CANARY}": ', "[" * 5_000 + CANARY, f'{{"sex": "{CANARY}", "age": 1e}}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("model", [cbc.CBCRecord, cbc.Measurement])
@pytest.mark.parametrize("as_bytes", [False, True])
def test_broken_json_is_named_and_not_shown(text: str, model: type[cbc.CBCRecord], as_bytes: bool) -> None:
    with pytest.raises(cbc.RecordError) as caught:
        model.model_validate_json(text.encode() if as_bytes else text)
    assert CANARY not in everything_about(caught.value)
    assert caught.value.__context__ is caught.value.__cause__ is None


def test_bytes_that_are_no_text_and_json_that_is_sound() -> None:
    with pytest.raises(cbc.RecordError, match="no JSON"):
        cbc.CBCRecord.model_validate_json(b'{"sex": "\xff' + CANARY.encode() + b'"}')
    assert cbc.CBCRecord.model_validate_json('{"sex": "F"}').sex == "F"
    assert cbc.Measurement.model_validate_json('"9.1 g/dL"').value == "9.1 g/dL"


@pytest.mark.parametrize("content", [f'{{"sex": "{CANARY}', f'["{CANARY}"]', f'{{"sex": 1, "sex": "{CANARY}"}}', ""])
def test_the_command_shows_nothing_of_a_broken_record(tmp_path: Path, content: str) -> None:
    (tmp_path / "record.json").write_text(content, encoding="utf-8")
    for arguments, given in ((str(tmp_path / "record.json"), ""), ("-", content)):
        done = CliRunner().invoke(main, ["one", "--record", arguments], input=given)
        assert (done.exit_code, done.stderr.count("\n"), CANARY in done.output) == (2, 1, False)


def message(identifier: str, unit: str, name: str, value: str = "9.1", note: str = "") -> str:
    return (
        f"MSH|^~\\&|a|b|c|d|20240102||ORU^R01|1|P|2.5\rPID|1||{identifier}||{CANARY}\rOBR|1|||58410-2^{CANARY}|||20240102\r"
        f"OBX|1|NM|718-7^Hemoglobin^LN||{value}|{unit}|||||F\rNTE|1||{note}\rOBX|2|ST|{name}||{CANARY}||||||F\r"
    )


@pytest.mark.parametrize(
    ("unit", "name", "value"),
    [(CANARY, "X1^Other", "9.1"), ("g/dL", f"{CANARY}^x", "9.1"), ("g/dL", f"X1^{CANARY}", "9.1"),
     (f"g/{CANARY}", "X1^Other", "9.1"), ("g/dL", "X1^Other", CANARY)],
)  # fmt: skip
def test_profile_shows_no_text_of_a_message_that_stands_once(tmp_path: Path, unit: str, name: str, value: str) -> None:
    source = tmp_path / "feed.hl7"
    source.write_text(message("1", unit, name, value, CANARY) + message("2", "g/dL", "X1^Other"), encoding="utf-8")
    done = CliRunner().invoke(main, ["profile", str(source)])
    assert (done.exit_code, done.exception) == (0, None)
    assert CANARY not in done.output
    assert "hemoglobin" in done.output


def test_profile_names_what_stands_often(tmp_path: Path) -> None:
    """Else nobody could say what a local code means."""
    source = tmp_path / "feed.hl7"
    source.write_text("".join(message(str(n), "gm%x", "LOC7^Local thing") for n in range(3)), encoding="utf-8")
    done = CliRunner().invoke(main, ["profile", str(source)])
    lines = [" ".join(line.split()) for line in done.output.splitlines()]
    assert "LOC7 Local thing (3)" in lines
    assert "hemoglobin 3 results gm%x (3)" in lines


def test_a_draft_of_a_profile_is_its_owners_only(tmp_path: Path) -> None:
    table(tmp_path / "export.csv")
    done = CliRunner().invoke(main, ["profile", str(tmp_path / "export.csv"), "-o", str(tmp_path / "own.yaml")])
    assert (done.exit_code, os.stat(tmp_path / "own.yaml").st_mode & 0o777) == (0, 0o600)
    assert names(tmp_path) == ["export.csv", "own.yaml"]


# Streams ---------------------------------------------------------------------------------------------


def test_a_kill_while_standard_input_is_kept_leaves_no_file(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "scan", "-", "-o", str(tmp_path / "flags.csv")],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=capped(),
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:  # fmt: skip
        assert process.stdin is not None
        process.stdin.write((HEADER + SICK * 50_000).encode())  # more than a pipe holds: it is being read
        process.stdin.flush()
        until = time.monotonic() + 20
        while not [link for link in _open_files(process.pid) if str(tmp_path) in link] and time.monotonic() < until:
            time.sleep(0.02)
        kept = [link for link in _open_files(process.pid) if str(tmp_path) in link]
        assert kept
        assert all("deleted" in link for link in kept)  # it has no name from the start
        assert names(tmp_path) == []
        process.send_signal(signal.SIGKILL)
    assert names(tmp_path) == []


def _open_files(pid: int) -> list[str]:
    folder, found = Path(f"/proc/{pid}/fd"), []
    for link in list(folder.iterdir()):
        try:
            found.append(os.readlink(link))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("packed", [False, True])
def test_a_named_pipe_is_read_as_a_file_is(tmp_path: Path, packed: bool) -> None:
    import gzip

    source = table(tmp_path / "export.csv", 40)
    cbc.scan(source, tmp_path / "whole.csv")
    pipe = tmp_path / ("pipe.csv.gz" if packed else "pipe.csv")
    os.mkfifo(pipe)
    content = gzip.compress(source.read_bytes()) if packed else source.read_bytes()
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    cbc.scan(pipe, tmp_path / "flags.csv")
    writer.join()
    assert (tmp_path / "flags.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_a_named_pipe_that_nobody_writes_into_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cbc_screen.ingest.spool.WAIT_SECONDS", 0.2)
    os.mkfifo(tmp_path / "pipe.csv")
    for command in (["scan"], ["profile"]):
        done = CliRunner().invoke(main, [*command, str(tmp_path / "pipe.csv")])
        assert (done.exit_code, "nobody writes into" in done.stderr, done.stderr.count("\n")) == (2, True, 1)


@pytest.mark.parametrize("content", [b"", b"\x1f\x8bnot gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff"])
def test_a_named_pipe_of_nothing_or_of_damage_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr("cbc_screen.ingest.spool.WAIT_SECONDS", 0.3)
    os.mkfifo(tmp_path / "pipe.csv.gz")
    writer = threading.Thread(target=(tmp_path / "pipe.csv.gz").write_bytes, args=(content,))
    writer.start()
    with pytest.raises(cbc.UsageError) as caught:
        cbc.scan(tmp_path / "pipe.csv.gz", tmp_path / "flags.csv")
    writer.join()
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == ["pipe.csv.gz"]


@pytest.mark.parametrize("source", ["/dev/null", "socket"])
def test_a_device_or_a_socket_is_refused(tmp_path: Path, source: str) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(tmp_path / "socket"))
        path = source if source.startswith("/") else str(tmp_path / source)
        for command in (["scan", path], ["profile", path], ["scan", str(table(tmp_path / "a.csv")), "--persons", path]):
            done = CliRunner().invoke(main, command)
            assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.stderr


def test_a_device_without_end_is_refused(tmp_path: Path) -> None:
    """In a process whose memory is capped."""
    done = run("scan", "/dev/zero", "-o", tmp_path / "flags.csv")
    assert (done.returncode, done.stderr.count("\n"), names(tmp_path)) == (2, 1, [])


@pytest.mark.parametrize("option", ["--previous", "--rules", "--profile", "--ranges"])
def test_no_file_beside_a_source_is_a_device_or_a_pipe(tmp_path: Path, option: str) -> None:
    """In a process whose memory is capped."""
    source = table(tmp_path / "export.csv")
    path = tmp_path / {"--ranges": "own.csv", "--previous": "own.json"}.get(option, "own.yaml")
    path.symlink_to("/dev/zero")
    done = run("scan", source, option, path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr


def test_answers_and_flags_are_no_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for command in (
        ["validate", str(tmp_path / "pipe")], ["report", str(tmp_path / "pipe"), "-o", str(tmp_path / "w.html")],
        ["explain", str(tmp_path / "pipe"), "--row", "1"], ["one", "--record", str(tmp_path / "pipe")],
    ):  # fmt: skip
        done = CliRunner().invoke(main, command)
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.stderr


def test_standard_input_by_itself_is_as_a_file_is(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        main, ["scan", "-", "-o", str(tmp_path / "flags.csv")], input=io.BytesIO((HEADER + SICK).encode())
    )
    assert (done.exit_code, names(tmp_path)) == (0, ["flags.csv", "flags.csv.manifest.json"])
