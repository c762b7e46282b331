"""--resume goes on with the same bytes and the same options, or not at all."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import cbc_screen as cbc
from cbc_screen.engines import fingerprint, journal, stream
from cbc_screen.engines.journal import Journal
from cbc_screen.engines.unchanged import InputHashes
from cbc_screen.ingest import csv as csv_reader
from cbc_screen.ingest.source import ReadOptions
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.declared import Declared

HEADER = "id,age,sex,HGB (g/dL),WBC (10^9/L),PLT (10^9/L)\n"
ROWS = "a,54 y,F,7.1,2.3,100\nb,30 y,M,15.0,6.0,250\n"
WHOLE = HEADER + ROWS * 400
LONG = "person,test,value,unit,day\n" + "".join(f"p{row},HGB,9.1,g/dL,2024-01-02\n" for row in range(60))
PROFILE = """
id: own
title: own
shape: long
source: made up
columns: {person: person, name: test, value: value, unit: unit, collected_at: day}
persons: {person: person, sex: sex}
"""


class Broken(BaseException):
    """A break that nothing handles, as a kill would be."""


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 2_048)
    monkeypatch.setattr("cbc_screen.engines.collected.BATCH_COUNTS", 10)


def broken(source: Path, after: int = 2, screener: cbc.Screener | None = None, **options: Any) -> Path:
    """Begin a scan and break it off after some batches."""
    out, whole, seen = source.with_name("flags.csv"), Journal.append, []

    def append(self: Journal, screened: Any) -> None:
        if len(seen) == after:
            raise Broken
        seen.append(1)
        whole(self, screened)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "append", append)
        with pytest.raises(Broken):
            (screener or cbc.Screener()).scan(source, out, **options)
    return out


def rewritten(path: Path, old: bytes, new: bytes) -> None:
    """Change the content, and put its size and time back."""
    before, content = path.stat(), path.read_bytes()
    assert len(old) == len(new)
    assert old in content
    path.write_bytes(content.replace(old, new))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


@pytest.mark.parametrize(
    ("old", "new"), [(b",7.1,", b",9.9,"), (b"15.0,6.0,250", b"15.0,6.0,150"), (b"a,54 y,F", b"a,54 y,M")]
)
def test_another_content_of_the_same_size_and_time_is_refused(tmp_path: Path, old: bytes, new: bytes) -> None:
    source = tmp_path / "export.csv"
    source.write_text(WHOLE, encoding="utf-8")
    out = broken(source)
    rewritten(source, old, new)
    with pytest.raises(cbc.UsageError, match="another scan"):
        cbc.scan(source, out, resume=True)
    assert not out.exists()


def test_a_change_of_the_last_row_alone_is_refused(tmp_path: Path) -> None:
    """No batch of the broken scan had it."""
    source = tmp_path / "export.csv"
    source.write_text(WHOLE + "z,61 y,F,9.9,6.0,250\n", encoding="utf-8")
    out = broken(source)
    rewritten(source, b"z,61 y,F,9.9", b"z,61 y,F,7.7")
    with pytest.raises(cbc.UsageError, match="content of a source has changed"):
        cbc.scan(source, out, resume=True)


@pytest.mark.parametrize("name", ["export.csv.gz", "export.parquet"])
def test_the_content_of_packed_and_binary_files_is_known_too(tmp_path: Path, name: str) -> None:
    source = tmp_path / name

    def write(text: str) -> None:
        if name.endswith(".gz"):
            source.write_bytes(gzip.compress(text.encode(), 0, mtime=0))
        else:
            pd.read_csv(io.StringIO(text)).to_parquet(source, compression=None)

    write(WHOLE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cbc_screen.ingest.parquet._SMALL_BATCH_ROWS", 50)
        out = broken(source)
        before = source.stat()
        write(WHOLE.replace("15.0", "11.0"))
        os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
        with pytest.raises(cbc.UsageError, match="another scan"):
            cbc.scan(source, out, resume=True)


def test_the_same_content_under_another_time_goes_on(tmp_path: Path) -> None:
    source = tmp_path / "export.csv"
    source.write_text(WHOLE, encoding="utf-8")
    cbc.scan(source, tmp_path / "whole.csv")
    out = broken(source)
    source.unlink()
    source.write_text(WHOLE, encoding="utf-8")
    os.utime(source, (1, 1))
    cbc.scan(source, out, resume=True)
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.parametrize(
    "other",
    [
        {"encoding": "latin-1"},
        {"delimiter": ","},
        {"skip_lines": 0},
        {"format": "csv"},
        {"sheet": "1"},
        {"decimal": ","},
        {"thousands": ","},
        {"age_unit": "y"},
        {"date_format": "%d/%m/%Y"},
        {"sex_codes": {"1": "M"}},
        {"pregnancy_codes": {"1": "T1"}},
        {"columns": {"hemoglobin": "HGB (g/dL)"}},
        {"keep": ["id"]},
        {"detail": True},
        {"received": True},
        {"rejects": "rejects.csv"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_option_is_refused(tmp_path: Path, other: Mapping[str, Any]) -> None:
    source = tmp_path / "export.csv"
    source.write_text(WHOLE, encoding="utf-8")
    out = broken(source)
    given = dict(other)
    if "rejects" in given:
        given["rejects"] = tmp_path / given["rejects"]
    with pytest.raises(cbc.UsageError, match="another scan"):
        cbc.scan(source, out, resume=True, **given)
    assert not out.exists()


@pytest.mark.parametrize(
    "other",
    [
        {"text_units": "us"}, {"definition": "clinical"}, {"grading": "ctcae_v5"}, {"ranges": "another"},
        {"units": "us"}, {"prefer_reported_ranges": False},
    ],
    ids=lambda other: next(iter(other)),
)  # fmt: skip
def test_another_screener_is_refused(tmp_path: Path, other: Mapping[str, Any]) -> None:
    source = tmp_path / "export.csv"
    source.write_text(WHOLE, encoding="utf-8")
    out = broken(source)
    if "ranges" in other:
        other = {"ranges": next(iter(load_knowledge().interval_sets))}
    with pytest.raises(cbc.UsageError, match="another scan"):
        cbc.Screener(**other).scan(source, out, resume=True)


@pytest.mark.parametrize("which", ["profile", "persons", "rules"])
def test_another_content_of_a_file_that_goes_with_the_source_is_refused(tmp_path: Path, which: str) -> None:
    source, persons, profile, rules = (tmp_path / name for name in ("l.csv", "p.csv", "own.yaml", "rules.yaml"))
    source.write_text(LONG, encoding="utf-8")
    persons.write_text("person,sex\np1,F\n", encoding="utf-8")
    profile.write_text(PROFILE, encoding="utf-8")
    rules.write_text("off: [rule_of_three]\n", encoding="utf-8")
    options = {"profile": str(profile), "persons": str(persons)}
    out = broken(source, screener=cbc.Screener(rules=str(rules)), **options)
    if which == "profile":
        profile.write_text(PROFILE + "units: {hemoglobin: g/L}\n", encoding="utf-8")
    elif which == "persons":
        rewritten(persons, b"p1,F", b"p1,M")
    else:
        rules.write_text("off: []\n", encoding="utf-8")
    with pytest.raises(cbc.UsageError, match="another scan"):
        cbc.Screener(rules=str(rules)).scan(source, out, resume=True, **options)


def test_what_may_differ(tmp_path: Path) -> None:
    """Where the other outputs go, and how many threads screen, changes no answer."""
    source = tmp_path / "export.csv"
    source.write_text(WHOLE, encoding="utf-8")
    cbc.scan(source, tmp_path / "whole.csv")
    out = broken(source, summary=tmp_path / "one.json")
    cbc.scan(source, out, resume=True, summary=tmp_path / "two.json", workers=2, progress=lambda rows, share: None)
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()


@pytest.mark.parametrize(
    ("options", "left_out"),
    [
        (
            stream.ScanRequest,
            ("sources", "out", "out_table", "summary", "force", "resume", "options_file"),
        ),  # of rejects, whether there are
        (ReadOptions, ("profile", "persons", "query", "table")),
        (Declared, ()),
        (cbc.Screener, ("units", "setting")),  # they are what is declared; a setting is there where it is stated
    ],
)
def test_every_option_is_in_the_fingerprint_or_on_the_list_of_those_that_change_no_answer(
    tmp_path: Path, options: type, left_out: tuple[str, ...]
) -> None:
    source = tmp_path / "export.csv"
    source.write_text(WHOLE, encoding="utf-8")
    screener, found = cbc.Screener(), []
    describe = fingerprint.described_options

    def kept(*given: Any) -> dict[str, Any]:
        found.append(describe(*given))
        return found[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "described_options", kept)
        screener.scan(source, tmp_path / "flags.csv")
    described = found[0]
    places = {
        stream.ScanRequest: described, ReadOptions: described["reading"], Declared: described["declared"],
        cbc.Screener: described,
    }  # fmt: skip
    missing = [entry.name for entry in fields(options) if entry.name not in places[options]]
    assert sorted(missing) == sorted(left_out)
    assert cbc.Screener(setting="ward").engine.described["setting"]
    assert {*fingerprint.NOT_OF_THE_REQUEST, *fingerprint.NOT_OF_THE_READING} == {
        "sources", "out", "rejects", "summary", "force", "resume", "options_file", "profile", "persons",
        "out_table", "query", "table",
    }  # fmt: skip


def test_a_field_of_a_kind_that_is_not_described_is_an_error() -> None:
    with pytest.raises(TypeError, match="not described"):
        fingerprint.plain({"option": object()})


def test_a_journal_that_does_not_know_its_inputs_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large input is hashed beside the scan: a kill before that leaves batches of nobody knows what."""
    source = tmp_path / "export.csv"
    source.write_text(WHOLE, encoding="utf-8")
    cbc.scan(source, tmp_path / "whole.csv")
    with monkeypatch.context() as patch:
        patch.setattr(InputHashes, "soon", property(lambda self: False))
        out = broken(source)
    source.write_text(WHOLE.replace("7.1", "9.9"), encoding="utf-8")
    cbc.scan(source, tmp_path / "other.csv")
    cbc.scan(source, out, resume=True)
    assert out.read_bytes() == (tmp_path / "other.csv").read_bytes() != (tmp_path / "whole.csv").read_bytes()


def test_a_batch_read_after_a_change_is_never_written_down(tmp_path: Path) -> None:
    source = tmp_path / "export.csv"
    source.write_text(WHOLE, encoding="utf-8")

    def change(rows: int, share: float) -> None:
        if b",7.1," in source.read_bytes():
            rewritten(source, b",7.1,", b",9.9,")

    with pytest.raises(cbc.UsageError, match="while it was read"):
        cbc.scan(source, tmp_path / "flags.csv", progress=change)
    assert sorted(os.listdir(tmp_path)) == ["export.csv"]


def test_a_named_pipe_is_not_resumed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(cbc.UsageError, match="named pipe; save it to a file"):
        cbc.scan(tmp_path / "pipe.csv", tmp_path / "flags.csv", resume=True)


def test_a_journal_of_an_older_form_is_of_another_scan(tmp_path: Path) -> None:
    source = tmp_path / "export.csv"
    source.write_text(WHOLE, encoding="utf-8")
    out = broken(source)
    left = tmp_path / "flags.csv.journal"
    content = left.read_bytes()
    assert content.startswith(journal._MAGIC)
    left.write_bytes(b"CBCJ1\n" + content[6:])
    with pytest.raises(cbc.UsageError, match="another scan"):
        cbc.scan(source, out, resume=True)


def test_a_journal_of_before_a_late_letter_for_sex_is_begun_anew_and_not_refused(tmp_path: Path) -> None:
    """The first pass came to "d" only late, and the scan was begun again with that reading; a break before is no other scan."""
    out = tmp_path / "flags.parquet"
    asked = {"version": 1, "units": "us"}
    before = Journal(out, {**asked, "sex_read": [{}], "sex_doubt": [[]]})
    before.begin()
    before.note_inputs(["hash"])
    before.close()
    after = Journal(out, {**asked, "sex_read": [{"d": "unknown"}], "sex_doubt": [[]]})
    assert list(after.resume(lambda: ["hash"])) == []
    after.close()
    assert Journal.fingerprint(out)["sex_read"] == [{"d": "unknown"}]
    other = Journal(out, {**asked, "units": "si", "sex_read": [{}], "sex_doubt": [[]]})
    with pytest.raises(cbc.UsageError, match="another scan"):
        list(other.resume(lambda: ["hash"]))
    other.close()
