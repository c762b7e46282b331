"""An input that changes while it is read is noticed: one line, and no output under its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from processes import names, table

import cbc_screen as cbc
from cbc_screen.engines import unchanged
from cbc_screen.engines.unchanged import InputHashes, SourceFile, looked_at_twice, require_unchanged

Change = Callable[[Path], None]


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"z,54 y,F,7.1,2.3,9\n")


def shrink(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 10)


def rewrite(path: Path) -> None:
    """Put other bytes in the place of some, and size and time back."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(-5, os.SEEK_END)
        file.write(b",999\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(path: Path) -> None:
    """Put another file of the same size and time under its name."""
    before, other = path.stat(), path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def vanish(path: Path) -> None:
    path.unlink()


CHANGES = {
    grow: "grew", shrink: "shrank", rewrite: "was written to", replace: "was replaced", vanish: "vanished",
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("kind", ["csv", "parquet", "hl7", "stdout", "none"])
def test_a_change_while_a_file_is_read_ends_the_scan(
    tmp_path: Path, change: Change, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source, folder = tmp_path / f"export.{'csv' if kind in ('stdout', 'none') else kind}", tmp_path / "out"
    folder.mkdir()
    table(source, 50)
    if kind == "parquet":
        pd.read_csv(source).to_parquet(source.with_name("whole"))
        source.with_name("whole").replace(source)
    if kind == "hl7":
        source.write_text(
            "MSH|^~\\&|a|b|c|d|20240102||ORU^R01|1|P|2.5\rPID|1||77||X\rOBR|1|||58410-2|||20240102\r"
            "OBX|1|NM|718-7^Hemoglobin^LN||9.1|g/dL|||||F\r",
            encoding="utf-8",
        )
    done: list[int] = []

    def once(rows: int, share: float) -> None:
        if not done:
            done.append(1)
            change(source)

    outputs = {"stdout": {"out": "-", "out_format": "csv"}, "none": {}}.get(kind, {"out": folder / "flags.csv"})
    with pytest.raises(cbc.UsageError, match=f"{CHANGES[change]} while it was read") as caught:
        cbc.scan(source, progress=once, **outputs)
    assert str(caught.value).startswith(source.name)
    assert caught.value.__context__ is caught.value.__cause__ is None
    assert names(folder) == []
    capsys.readouterr()


def test_the_table_of_persons_and_every_one_of_several_files_are_watched(tmp_path: Path) -> None:
    one, two = table(tmp_path / "one.csv"), table(tmp_path / "two.csv")
    with pytest.raises(cbc.UsageError, match=r"^two\.csv grew while it was read"):
        cbc.scan([one, two], tmp_path / "flags.csv", progress=lambda rows, share: grow(two))
    assert names(tmp_path) == ["one.csv", "two.csv"]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_read_notices_it_too(tmp_path: Path, change: Change, monkeypatch: pytest.MonkeyPatch) -> None:
    from cbc_screen.engines import read

    source, frame = table(tmp_path / "export.csv", 20), read._table

    done: list[int] = []

    def changed(*given: object, **more: object) -> object:
        if not done:
            done.append(1)
            change(source)
        return frame(*given, **more)

    monkeypatch.setattr(read, "_table", changed)
    with pytest.raises(cbc.UsageError, match="while it was read"):
        cbc.read(source)


@pytest.mark.parametrize("door", ["read", "scan", "scan to a file"])
def test_a_file_that_grows_as_fast_as_it_is_read_is_not_read_without_end(
    tmp_path: Path, door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cbc_screen.engines import read

    source, frame = table(tmp_path / "export.csv", 20), read._table
    times: list[int] = []

    def grown(*_: object) -> None:
        times.append(1)
        assert len(times) < 20
        grow(source)

    monkeypatch.setattr(read, "_table", lambda *given, **more: (grown(), frame(*given, **more))[1])
    doors = {
        "read": lambda: cbc.read(source),
        "scan": lambda: cbc.scan(source, progress=grown),
        "scan to a file": lambda: cbc.scan(source, tmp_path / "flags.csv", progress=grown),
    }
    with pytest.raises(cbc.UsageError, match="grew while it was read"):
        doors[door]()


def test_a_change_that_no_time_tells_of_is_found_by_the_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two writings within one tick of the file system's clock have one time; so the clock is made to stand still."""
    source = table(tmp_path / "export.csv", 50)
    first = unchanged._identify(source)
    monkeypatch.setattr(unchanged, "_identify", lambda path: first)
    with pytest.raises(cbc.UsageError, match="was written to while it was read"):
        cbc.scan(source, tmp_path / "flags.csv", progress=lambda rows, share: rewrite(source))
    assert names(tmp_path) == ["export.csv"]


def test_which_files_are_hashed_a_second_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = SourceFile(table(tmp_path / "export.csv"), "export.csv")
    assert looked_at_twice([file]) == [True]  # small, and just written
    monkeypatch.setattr(unchanged, "_SMALL", 1)
    assert looked_at_twice([file]) == [True]  # just written
    object.__setattr__(file, "seen", file.identity.changed + 2_000_000_001)
    assert looked_at_twice([file]) == [False]  # its time of change proves that it is what it was
    object.__setattr__(file, "seen", file.identity.changed - 1)
    assert looked_at_twice([file]) == [True]  # a clock that goes wrong proves nothing


def test_small_files_are_hashed_again_as_long_as_all_of_them_are_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = []
    for size in (5, 3, 4, 9):
        path = tmp_path / f"{size}.csv"
        path.write_bytes(b"x" * size)
        files.append(SourceFile(path, path.name))
    for file in files:
        object.__setattr__(file, "seen", file.identity.changed + 2_000_000_001)
    monkeypatch.setattr(unchanged, "_SMALL", 7)
    assert looked_at_twice(files) == [False, True, True, False]
    object.__setattr__(files[3], "seen", files[3].identity.changed)  # just written, however large
    assert looked_at_twice(files) == [False, True, True, True]


def test_a_hash_of_what_cannot_be_read_is_no_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: InputHashes, path: Path) -> str:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(InputHashes, "_hash", refuse)
    with pytest.raises(cbc.UsageError, match="can no longer be read"):
        cbc.scan(table(tmp_path / "export.csv"), tmp_path / "flags.csv")
    assert names(tmp_path) == ["export.csv"]


def test_what_is_left_alone_is_unchanged(tmp_path: Path) -> None:
    file = SourceFile(table(tmp_path / "export.csv"), "export.csv")
    file.path.read_bytes()
    require_unchanged([file])
