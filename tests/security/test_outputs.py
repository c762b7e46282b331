"""What a run makes: new files of its owner alone, no link followed, and one run at a time."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner
from processes import names, one_line, run, table

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.private_files import Lock, create, unfinished

BESIDE = [
    "flags.csv.part", "flags.csv.manifest.json.part", "flags.csv.journal", "flags.csv.lock", "rejects.csv.part",
    "rejects.csv.lock", "summary.json.part", "summary.json.lock",
]  # fmt: skip


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    return table(tmp_path / "in" / "export.csv", 20)


def scan(source: Path, *, force: bool = False) -> Path:
    folder = source.parents[1] / "out"
    cbc.scan(source, folder / "flags.csv", folder / "rejects.csv", summary=folder / "summary.json", force=force)
    return folder


WHOLE = ["flags.csv", "flags.csv.manifest.json", "rejects.csv", "summary.json"]


def test_nothing_but_the_outputs_stays_and_they_are_their_owners_only(source: Path) -> None:
    folder = scan(source)
    assert names(folder) == WHOLE
    assert {stat.S_IMODE(os.stat(folder / name).st_mode) for name in WHOLE} == {0o600}
    assert unfinished == set()


# Files that are there already ------------------------------------------------------------------


@pytest.mark.parametrize("name", BESIDE)
@pytest.mark.parametrize("kind", ["symbolic", "hard", "dangling", "pipe", "folder"])
def test_a_file_that_is_none_of_ours_is_neither_followed_nor_removed(source: Path, name: str, kind: str) -> None:
    folder = source.parents[1] / "out"
    target, path = source.parent / "target", folder / name
    target.write_text("mine", encoding="utf-8")
    if kind == "symbolic":
        path.symlink_to(target)
    elif kind == "hard":
        path.hardlink_to(target)
    elif kind == "dangling":
        path.symlink_to(source.parent / "nothing")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(cbc.UsageError) as caught:
        scan(source)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert names(folder) == [name]  # a file that is not ours stays as it was
    assert target.read_text(encoding="utf-8") == "mine"
    assert not (source.parent / "nothing").exists()


@pytest.mark.parametrize("name", BESIDE)
def test_what_a_killed_run_left_does_not_block_and_its_mode_is_not_kept(source: Path, name: str) -> None:
    left = source.parents[1] / "out" / name
    left.write_text("left", encoding="utf-8")
    left.chmod(0o666)
    folder = scan(source)
    assert names(folder) == WHOLE
    assert {stat.S_IMODE(os.stat(folder / found).st_mode) for found in WHOLE} == {0o600}
    assert "left" not in (folder / "flags.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["open to others", "hard", "symbolic"])
def test_a_journal_that_others_may_have_written_is_not_resumed(source: Path, kind: str) -> None:
    folder = source.parents[1] / "out"
    path, other = folder / "flags.csv.journal", folder / "other"
    other.write_bytes(b"CBCJ2\n")
    other.chmod(0o600)
    if kind == "open to others":
        other.rename(path)
        path.chmod(0o666)
    elif kind == "hard":
        path.hardlink_to(other)
    else:
        path.symlink_to(other)
    with pytest.raises(cbc.UsageError, match=r"flags\.csv\.journal is there and is no file"):
        cbc.scan(source, folder / "flags.csv", resume=True)
    assert path.exists()


def test_a_link_of_the_final_name_is_replaced_and_what_it_leads_to_stays(source: Path) -> None:
    folder, target = source.parents[1] / "out", source.parent / "target"
    target.write_text("mine", encoding="utf-8")
    (folder / "flags.csv").symlink_to(target)
    with pytest.raises(cbc.UsageError, match="exists"):
        scan(source)
    assert not (scan(source, force=True) / "flags.csv").is_symlink()
    assert target.read_text(encoding="utf-8") == "mine"


def test_a_dangling_link_of_the_final_name_is_there(source: Path) -> None:
    folder = source.parents[1] / "out"
    (folder / "flags.csv").symlink_to(folder / "nothing")
    with pytest.raises(cbc.UsageError, match="exists"):
        scan(source)


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket", "link to a pipe"])
def test_what_is_no_file_is_not_overwritten_even_with_force(source: Path, kind: str) -> None:
    """As the superuser, a device would be gone for every program of the machine."""
    folder = source.parents[1] / "out"
    path = folder / "summary.json"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path))
    else:
        os.mkfifo(source.parent / "pipe")
        path.symlink_to(source.parent / "pipe")
    mode = os.lstat(path).st_mode
    with pytest.raises(cbc.UsageError, match=r"summary\.json is a (folder|device)"):
        scan(source, force=True)
    assert os.lstat(path).st_mode == mode
    assert names(folder) == ["summary.json"]


@pytest.mark.parametrize("name", ["/dev/cbc-screen-test.csv", "/proc/cbc-screen-test.csv", "/proc/self/x.csv"])
def test_nothing_is_written_among_the_devices(source: Path, name: str) -> None:
    with pytest.raises(cbc.UsageError, match="devices"):
        cbc.scan(source, name, force=True)
    assert not Path(name).exists()


@pytest.mark.parametrize(
    "more",
    [
        {"summary": "flags.csv.manifest.json"}, {"summary": "flags.csv.part"}, {"summary": "flags.csv.lock"},
        {"summary": "flags.csv.journal"}, {"rejects": "flags.csv"}, {"summary": "rejects.csv.part", "rejects": "rejects.csv"},
    ],
)  # fmt: skip
def test_an_output_is_never_one_that_is_written_beside_another(source: Path, more: dict[str, str]) -> None:
    folder = source.parents[1] / "out"
    with pytest.raises(cbc.UsageError, match="different files"):
        cbc.scan(source, folder / "flags.csv", force=True, **{name: folder / path for name, path in more.items()})
    assert names(folder) == []


def test_a_source_is_never_one_that_is_written_beside_an_output(source: Path) -> None:
    source = source.rename(source.with_name("flags.csv.part"))
    with pytest.raises(cbc.UsageError, match="different files"):
        cbc.scan(source, source.with_name("flags.csv"), format="csv")
    assert source.exists()


def test_a_part_that_is_replaced_while_it_is_written_gets_no_name(source: Path) -> None:
    folder, target = source.parents[1] / "out", source.parent / "target"
    target.write_text("mine", encoding="utf-8")

    def replace(rows: int, share: float) -> None:
        part = folder / "flags.csv.part"
        if not part.is_symlink():
            part.unlink()
            part.symlink_to(target)

    with pytest.raises(cbc.UsageError, match="was replaced or linked"):
        cbc.scan(source, folder / "flags.csv", progress=replace)
    assert target.read_text(encoding="utf-8") == "mine"
    assert not (folder / "flags.csv").exists()


@pytest.mark.parametrize("name", [".", "..", "out", "x" * 300 + ".csv", "nowhere/flags.csv", "a\0b.csv"])
def test_a_name_that_cannot_be_a_file_is_one_clear_line(source: Path, name: str) -> None:
    with pytest.raises(cbc.UsageError) as caught:
        cbc.scan(source, source.parents[1] / name if name not in (".", "..") else Path(name), force=True)
    assert "\n" not in str(caught.value)


# Two runs ----------------------------------------------------------------------------------------


def test_a_second_run_on_one_output_ends_with_one_line_and_the_first_is_whole(source: Path) -> None:
    folder = source.parents[1] / "out"
    second: list[str] = []

    def begin_another(rows: int, share: float) -> None:
        if not second:
            done = run("scan", source, "-o", folder / "flags.csv", "--force")
            second.extend([str(done.returncode), one_line(done)])

    cbc.scan(source, folder / "flags.csv", progress=begin_another)
    assert second[0] == "2"
    assert "another run is writing flags.csv" in second[1]
    assert names(folder) == ["flags.csv", "flags.csv.manifest.json"]
    assert (folder / "flags.csv").read_text(encoding="utf-8").count("\n") == 21


@pytest.mark.parametrize("shared", ["rejects", "summary"])
def test_a_second_run_on_one_file_of_rejects_or_one_summary_is_refused_too(source: Path, shared: str) -> None:
    folder = source.parents[1] / "out"
    path, said = folder / {"rejects": "shared.csv", "summary": "shared.json"}[shared], []

    def begin_another(rows: int, share: float) -> None:
        with pytest.raises(cbc.UsageError, match="another run is writing shared") as caught:
            cbc.scan(source, folder / "other.csv", force=True, **{shared: path})
        said.append(str(caught.value))

    cbc.scan(source, folder / "flags.csv", progress=begin_another, **{shared: path})
    assert said
    assert names(folder) == sorted(["flags.csv", "flags.csv.manifest.json", path.name])


def test_many_runs_at_once_leave_the_whole_output_of_one_of_them(source: Path) -> None:
    folder, said = source.parents[1] / "out", list[str]()

    def scan_once() -> None:
        try:
            cbc.scan(source, folder / "flags.csv", force=True)
            said.append("whole")
        except cbc.UsageError as problem:
            said.append(str(problem))

    threads = [threading.Thread(target=scan_once) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "whole" in said
    assert all(word == "whole" or "another run is writing" in word for word in said), said
    assert names(folder) == ["flags.csv", "flags.csv.manifest.json"]


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom cbc_screen.private_files import Lock\n"
        "Lock(Path(sys.argv[1])); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "flags.csv")], check=True)
    assert names(tmp_path) == ["flags.csv.lock"]
    with Lock(tmp_path / "flags.csv"):
        assert stat.S_IMODE(os.stat(tmp_path / "flags.csv.lock").st_mode) == 0o600
    assert names(tmp_path) == []


def test_a_lock_that_is_held_is_refused_and_stays(tmp_path: Path) -> None:
    with (tmp_path / "flags.csv.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(cbc.UsageError, match="another run is writing flags"):
            Lock(tmp_path / "flags.csv")
    assert names(tmp_path) == ["flags.csv.lock"]


def test_a_file_is_made_new_or_not_at_all(tmp_path: Path) -> None:
    os.umask(os.umask(0))  # whatever it is
    with create(tmp_path / "one") as file:
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600
        assert os.get_inheritable(file.fileno()) is False
    unfinished.discard(tmp_path / "one")


def test_the_worklist_and_a_draft_are_made_as_carefully(tmp_path: Path) -> None:
    source = table(tmp_path / "export.csv")
    cbc.scan(source, tmp_path / "flags.parquet")
    target = tmp_path / "target"
    target.write_text("mine", encoding="utf-8")
    for name, command in (
        ("w.html", ["report", str(tmp_path / "flags.parquet"), "-o"]), ("own.yaml", ["profile", str(source), "-o"]),
    ):  # fmt: skip
        (tmp_path / f"{name}.part").symlink_to(target)
        done = CliRunner().invoke(main, [*command, str(tmp_path / name)])
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.stderr
        (tmp_path / f"{name}.part").unlink()
        with Lock(tmp_path / name):
            done = CliRunner().invoke(main, [*command, str(tmp_path / name)])
            assert (done.exit_code, "another run" in done.stderr) == (2, True)
        assert CliRunner().invoke(main, [*command, str(tmp_path / name)]).exit_code == 0
        assert stat.S_IMODE(os.stat(tmp_path / name).st_mode) == 0o600
    assert target.read_text(encoding="utf-8") == "mine"
