"""Tables collected in columns give what the careful way gives, in everything that can be asked of them (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import csv
import math
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cbc_screen as cbc
from cbc_screen.collect import (
    besides,
    grouping,
    in_columns,
    moments,
    partitions,
    reading,
    simple_groups,
    spill,
    values,
)
from cbc_screen.collect.combine import combine
from cbc_screen.collect.digits import as_written, whole_numbers, without_numbers
from cbc_screen.collect.errors import NotInColumnsError
from cbc_screen.collect.moments import NO_MOMENT, MomentNumbers, written
from cbc_screen.engines import collected
from cbc_screen.engines.collected import CollectedSource
from cbc_screen.engines.inputs import open_inputs
from cbc_screen.engines.opening import Opening
from cbc_screen.ingest import csv as csv_reader
from cbc_screen.ingest import long, long_cells, texts
from cbc_screen.ingest.source import ReadOptions
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize import kept_persons
from cbc_screen.normalize.declared import Declared
from cbc_screen.normalize.moment import MomentReader, Placing
from test_long_tables import FILES

KNOWLEDGE = load_knowledge()
FIELDS = (
    "person", "collected_at", "code", "name", "value", "unit", "lower", "upper", "range", "status", "flag", "note",
    "specimen", "encounter", "specimen_key", "birth_date", "sex", "age",
)  # fmt: skip
OMOP = (
    "measurement_id", "person_id", "measurement_concept_id", "measurement_source_value", "measurement_datetime",
    "measurement_date", "operator_concept_id", "value_as_number", "value_source_value", "unit_concept_id",
    "unit_source_value", "range_low", "range_high",
)  # fmt: skip
# What stands most often comes first: most results are simple, some are not.
POOLS: dict[str, tuple[str, ...]] = {
    "person": ("1", "2", "3", "4", "5", "6", "7.0", " 8 ", "", "NA", "line 3", "x\x1fy", "Ä"),
    "collected_at": (
        "2024-01-02 08:00",
        "2024-01-03 08:00:00",
        "2024-01-02T08:00:00.000",
        "2024-01-04",
        "2024-01-02T08:00:00Z",
        "2024-01-02T09:00:00+01:00",
        "03/04/2024 08:00",
        "2024-01",
        "Visit 1",
        "",
        "1900-01-01 00:00:00",
        "2024-02-30 08:00:00",
        "2024-01-02 24:00:00",
        "unknown",
    ),
    "code": ("718-7", "777-3", "6690-2", "751-8", "26453-1", "2345-7", "XYZ", "", "30525-0", "9317-9"),
    "name": ("", "", "", "", "", "", "Hemoglobin", "Platelets", "Glucose", "PLT clumps", "Age", "Na\ufffdme"),
    "value": ("9.1", "7.0", "250", "4.5", "<5", "", "CLUMPED", "9.1 g/dL", "see note", "N/A", "platelet clumps seen"),
    "unit": ("", "", "", "", "", "", "g/dL", "10*3/uL", "K/uL", "mmol/L", "cells", "%"),
    "lower": ("", "4.0", "11.7"),
    "upper": ("", "11.0", "15.5"),
    "range": ("", "4.0-11.0", "<5", "", "", "", "F: 11.7-15.5 M: 13.2-17.3", "odd"),
    "status": ("F", "final", "", "F", "F", "F", "P", "C", "X", "D", "W", "corrected"),
    "flag": ("", "L", "H", "N"),
    "note": (
        "",
        "",
        "",
        "",
        "",
        "hemolyzed",
        "wrong patient",
        "disregard previous",
        "Platelet clumps seen",
        "no platelet clumps",
    ),
    "specimen": ("", "", "Blood", "Blood", "", "", "Urine", "CSF", "Control"),
    "encounter": ("", "e1", "e2"),
    "specimen_key": ("", "s1", "s2", "s3", "s4", "s5", "QC-1"),
    "birth_date": ("", "1960-05-01", "1961"),
    "sex": ("F", "M", "", "U"),
    "age": ("", "54", "61"),
    "measurement_id": ("1",),
    "person_id": ("1", "2", "3", "4", "5", "0", ""),
    "measurement_concept_id": ("3000963", "3007461", "3010813", "3013650", "3006504", "3004501", "0"),
    "measurement_source_value": ("", "", "718-7", "777-3", "PLT"),
    "measurement_datetime": ("2024-01-02 08:00:00", "2024-01-03 08:00:00", "", "2024-01-02 08:00:00.000000"),
    "measurement_date": ("2024-01-02", "2024-01-03"),
    "operator_concept_id": ("", "4172703", "4171756", "99"),
    "value_as_number": ("9.1", "250", "4.5", "7", ""),
    "value_source_value": ("", "9.1", "<5", "CLUMPED", "NA"),
    "unit_concept_id": ("8713", "8848", "0", "8554"),
    "unit_source_value": ("", "g/dL", "10*3/uL", "mmol/L"),
    "range_low": ("", "4.0"),
    "range_high": ("", "11.0"),
}


def rows_of(chance: random.Random, fields: Sequence[str], many: int) -> list[list[str]]:
    """Make rows in which what is odd is rare, now and then very rare, so that simple groups stand beside others."""
    odd = chance.choice([0.02, 0.15, 0.6])
    rows = []
    for _ in range(many):
        row = []
        for field in fields:
            pool = POOLS[field]
            row.append(chance.choice(pool) if chance.random() < odd else chance.choice(pool[:6]))
        rows.append(row)
    if chance.random() < 0.5:
        rows.sort(key=lambda row: row[:2])
    return rows


def write(path: Path, fields: Sequence[str], rows: list[list[str]]) -> Path:
    """Write rows as the name of the file says; a Parquet file has nulls for what is empty."""
    if path.suffix == ".parquet":
        columns = list(zip(*rows, strict=True)) or [()] * len(fields)
        own = [[text or None for text in column] for column in columns]
        pq.write_table(pa.table(dict(zip(fields, (pa.array(c, pa.string()) for c in own), strict=True))), path)
        return path
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([fields, *rows])
    return path


def asked(paths: Sequence[Path], columns: Mapping[str, str], persons: Path | None = None) -> dict[str, Any]:
    """Ask a collected source everything there is to ask, twice: it can be read again."""
    reading = ReadOptions(persons=str(persons) if persons is not None else None)
    with ExitStack() as undo:
        opening = Opening(KNOWLEDGE, Declared(), reading, columns)
        (entry,) = open_inputs([str(path) for path in paths], None, undo, opening)
        source = entry.source
        assert isinstance(source, CollectedSource)
        found = {"headers": source.headers, "counts": counts_of(source)}
        assert counts_of(source) == found["counts"]
        own = source.result_counts.to_dict()
        assert source.result_counts.balanced()
        found |= {
            "account": own, "sexes": source.sexes, "grouping": source.grouping, "people": source.people,
            "analytes": list(source.analyte_counts.items()), "left_out": list(source.left_out.items()),
            "units": {analyte: list(units.items()) for analyte, units in source.units_seen.items()},
            "possible": list(source.possible.items()), "aside": [asdict(row) for row in source.set_aside()],
            "plan": entry.plan,
        }  # fmt: skip
    return found


def counts_of(source: CollectedSource) -> list[Any]:
    """Return every count with all that stands in it, its place and its content, and what was rejected."""
    found: list[Any] = []
    for batch in source.batches(source.headers):
        columns = [batch.columns[name].to_pylist() for name in source.headers]
        contents = [batch.content(row) for row in range(len(batch.lines))]
        found += zip(batch.lines.tolist(), *columns, contents, strict=True)
        found += [asdict(row) for row in batch.rejected]
    return found


def both_ways(
    paths: Sequence[Path], columns: Mapping[str, str], persons: Path | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collected, "IN_COLUMNS", False)
        careful = asked(paths, columns, persons)
    return careful, asked(paths, columns, persons)


@pytest.fixture(autouse=True)
def never_the_careful_way_in_silence(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the simple groups that were collected in columns, so that no test compares a way with itself."""
    simple: list[int] = []
    real = in_columns.InColumns._part

    def noted(self: in_columns.InColumns, parts: partitions.Partitions) -> None:
        real(self, parts)
        simple.append(self.groups)

    monkeypatch.setattr(in_columns.InColumns, "_part", noted)
    return simple


def in_small_pieces(patch: pytest.MonkeyPatch, chance: random.Random) -> None:
    """Make parts, stretches, batches and blocks small, and keep nothing in memory."""
    patch.setattr(partitions, "PART_ROWS", 7)
    patch.setattr(partitions, "AT_ONCE", 5)
    patch.setattr(spill.Spill.__init__, "__defaults__", (chance.choice([0, 2_000]),))
    patch.setattr(simple_groups, "SEGMENT_RESULTS", 9)
    patch.setattr(collected, "BATCH_COUNTS", chance.choice([1, 3, 50]))
    patch.setattr(csv_reader, "BLOCK_BYTES", 900)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@given(seed=st.integers(0, 2**32))
def test_the_careful_way_alone_gives_the_same(kind: str, seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    chance = random.Random(seed)
    some = chance.random() < 0.5
    fields = [field for field in FIELDS if field in FIELDS[:6] or chance.random() < 0.6]
    if some:
        fields = [field for field in fields if field not in ("birth_date", "sex", "age")]
    folder = tmp_path_factory.mktemp("t")
    path = write(folder / f"t.{kind}", fields, rows_of(chance, fields, chance.randrange(1, 80)))
    with pytest.MonkeyPatch.context() as patch:
        if chance.random() < 0.6:
            in_small_pieces(patch, chance)
        careful, own = both_ways([path], {field: field for field in fields})
    assert own == careful


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@given(seed=st.integers(0, 2**32))
def test_a_profile_with_numbers_operators_and_persons(
    kind: str, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("t")
    fields = [field for field in OMOP if field[:5] in ("measu", "perso", "value") or chance.random() < 0.7]
    path = write(folder / f"t.{kind}", fields, rows_of(chance, fields, chance.randrange(1, 80)))
    persons = None
    if chance.random() < 0.6:
        header = ["person_id", "year_of_birth", "gender_concept_id", "species"]
        own = [[str(person), "1960", chance.choice(["8507", "8532"]), ""] for person in range(4)]
        own += [["2", "1971", "8507", chance.choice(["", "dog"])]]
        persons = write(folder / f"p.{kind}", header, own)
    with pytest.MonkeyPatch.context() as patch:
        if chance.random() < 0.6:
            in_small_pieces(patch, chance)
        careful, found = both_ways([path], {}, persons)
    assert found == careful


def test_most_generated_groups_are_simple_and_some_are_not(
    tmp_path: Path, never_the_careful_way_in_silence: list[int]
) -> None:
    """The property says something only where both ways have something to do."""
    simple, every = 0, 0
    for seed in range(30):
        chance = random.Random(seed)
        path = write(tmp_path / f"{seed}.csv", FIELDS, rows_of(chance, FIELDS, 60))
        found = asked([path], {field: field for field in FIELDS})
        simple += never_the_careful_way_in_silence[-1]
        every += found["grouping"]["counts"]
    assert 0.2 * every < simple < 0.9 * every


def test_two_files_are_the_counts_of_both(tmp_path: Path) -> None:
    fields = FIELDS[:6]
    chance = random.Random(3)
    paths = [write(tmp_path / f"{name}.csv", fields, rows_of(chance, fields, 50)) for name in "ab"]
    careful, own = both_ways(paths, {field: field for field in fields})
    assert own == careful


@pytest.mark.parametrize("name", ["long_us_dates.csv", "one_person_vertical.csv"])
def test_tables_from_the_field_give_the_same(name: str, shared: Path) -> None:
    careful, own = both_ways([shared / "field" / "exports" / name], {})
    assert own == careful
    assert own["counts"]


@pytest.mark.parametrize("name", FILES)
def test_real_tables_give_the_same_flags_rows_and_rejects(name: str, shared: Path, tmp_path: Path) -> None:
    persons = FILES[name][0]
    tables, summaries, rejects = [], [], []
    for way in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(collected, "IN_COLUMNS", way)
            out, refused = tmp_path / f"{way}.parquet", tmp_path / f"{way}.csv"
            summary = cbc.scan(
                shared / "data" / name, out, refused, received=True,
                persons=shared / "data" / persons if persons is not None else None,
            )  # fmt: skip
        tables.append(pq.read_table(out))
        rejects.append(refused.read_bytes())
        summaries.append({**summary.to_dict(), "out": "", "rejects_file": "", "seconds": 0})
    assert tables[0].equals(tables[1])
    assert tables[0].num_rows > 0
    assert (summaries[0], rejects[0]) == (summaries[1], rejects[1])


def test_columns_of_numbers_and_times_are_read_as_texts_are(tmp_path: Path) -> None:
    """A person of 7.0, a time of nanoseconds, a value that is no number: as the careful way has them."""
    table = pa.table(
        {
            "person": pa.array([7.0, 7.0, 8.0, None, 8.0]),
            "collected_at": pa.array([0, 0, 10**18, 10**18, 10**18], pa.timestamp("ns")),
            "code": pa.array(["718-7", "777-3", "718-7", "718-7", "6690-2"]).dictionary_encode(),
            "value": pa.array([9.1, 250.0, float("nan"), 9.0, 1e10]),
            "unit": ["g/dL", "10*3/uL", "g/dL", "g/dL", "10*3/uL"],
        }
    )
    path = tmp_path / "t.parquet"
    pq.write_table(table, path)
    careful, own = both_ways([path], {name: name for name in table.column_names})
    assert own == careful
    assert [count[1] for count in own["counts"]] == ["7", "8", ""]


@given(st.integers(0, 2**32))
def test_moments_are_equal_as_numbers_where_their_keys_are(seed: int) -> None:
    chance = random.Random(seed)
    digits = [str(chance.randrange(60)).zfill(2) for _ in range(3)]
    days = (
        "2024-01-02",
        "2024-02-30",
        "0000-00-00",
        "1900-01-01",
        "9999-12-31",
        "1969-12-31",
        "0001-01-01",
        "2024-1-2",
    )
    made = []
    for _ in range(12):
        clock = ":".join(chance.choice([digits, ["23", "59", "59"], ["24", "00", "00"]])[: chance.choice([2, 3])])
        fraction = chance.choice(["", ".0", ".5", ".123456", ".1234567", ".123456789", ".000000", ".", ".x"])
        zone = chance.choice(
            ["", "", "Z", "+00:00", "+01:00", "-05:30", "-23:59", "+24:00", "-01:60", "+1:00", "z", " UTC"]
        )
        made.append(chance.choice(days) + chance.choice(["", chance.choice(" T") + clock + fraction + zone]))
    made += ["Day 3", "", "2024", "Mar-24", "03/04/2024", "20240102", "20240102080000"]
    for counted in (False, True):
        reader = MomentReader(KNOWLEDGE.moments)
        own = texts.texts_of(pa.array(made))
        numbers, forms = MomentNumbers(reader, counted).of(own)
        found = dict(zip(own.list(), numbers.tolist(), strict=True))
        others = without_numbers(own.values, abs(forms).astype("int64") - 1)
        assert written(numbers, forms, others).to_pylist() == own.list()
        moments = {text: reader.read(text, counted) for text in found}
        for text, moment in moments.items():
            assert (found[text] != NO_MOMENT) == (moment.placing is Placing.MOMENT), text
            for other, own in moments.items():
                if moment.placing is own.placing is Placing.MOMENT:
                    assert (found[text] == found[other]) == (moment.key == own.key), (text, other)


@given(
    st.lists(st.one_of(st.none(), st.sampled_from(["", "NA", "na", " x ", "\u00a0y", "ß", "7.0", "8", "<na>", "-"])))
)
def test_texts_in_columns_are_cleaned_as_one_by_one(cells: list[str | None]) -> None:
    nothing = {"NA", "-", "<NA>", "SS"}
    plain = [(cell or "").strip() for cell in cells]
    column = texts.texts_of(pa.array(cells, pa.string()))
    assert [column.list()[code] for code in column.codes] == plain
    emptied = ["" if text.upper() in nothing else text for text in plain]
    found = texts.without(column, nothing)
    assert [found.list()[code] for code in found.codes] == emptied
    assert [texts.keys(found).list()[code] for code in found.codes] == long_cells.whole_keys(emptied)
    other = texts.texts_of(pa.array(list(reversed(cells)), pa.string()))
    first = texts.first_of([found, other])
    expected = [one or two for one, two in zip(emptied, reversed(plain), strict=True)]
    assert [first.list()[code] for code in first.codes] == expected


@given(
    st.lists(st.one_of(st.integers(-5, 10**20).map(str), st.text(max_size=4), st.sampled_from(["007", "0", "", "٣"])))
)
def test_keys_that_are_numbers_are_written_as_they_were(keys: list[str]) -> None:
    values = pa.array(keys, pa.string())
    numbers = whole_numbers(values)
    assert as_written(pa.array(numbers), without_numbers(values, numbers)).to_pylist() == keys
    assert [n for n in numbers.tolist() if n >= 0] == [int(k) for k in keys if k.isascii() and k.isdecimal() and str(int(k)) == k and len(k) < 19]  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5000), st.integers(0, 2_000_000)), min_size=1))
def test_combinations_are_those_of_the_rows(rows: list[tuple[int, int, int]]) -> None:
    columns = [
        (np.array(column, dtype=np.int32), size)
        for column, size in zip(zip(*rows, strict=True), (3, 5001, 2_000_001), strict=True)
    ]
    found = combine(len(rows), columns)
    numbers: dict[tuple[int, int, int], int] = {}
    for row, code in zip(rows, found.codes.tolist(), strict=True):
        assert numbers.setdefault(row, code) == code
    assert len(set(numbers.values())) == len(numbers) == len(found.first)
    assert {row: rows[found.first[code]] for row, code in numbers.items()} == {row: row for row in numbers}
    assert sorted(found.first.tolist()) == sorted(rows.index(row) for row in numbers)


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Say each time that a table goes the careful way after all."""
    refused: list[bool] = []
    real = in_columns.InColumns.__init__

    def noted(*given: Any) -> None:
        try:
            real(*given)
        except NotInColumnsError:
            refused.append(True)
            raise

    monkeypatch.setattr(in_columns.InColumns, "__init__", noted)
    return refused


@pytest.mark.parametrize(
    ("modules", "limit"),
    [
        ([reading], "KINDS"),  # names and codes of tests
        ([besides], "_MOST"),  # units, limits and flags
        ([moments], "_MOST_WORDS"),
        ([in_columns, kept_persons], "KINDS"),  # words for sex
        ([in_columns], "MOST_ANALYTES"),
    ],
)
def test_too_many_different_words_go_the_careful_way(
    modules: list[Any], limit: str, refused: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in modules:
        monkeypatch.setattr(module, limit, 3)
    fields = [*FIELDS[:6], "sex"]
    codes = ["718-7", *(f"L{n}" for n in range(4))]
    rows = [["1", f"0{n + 1}/04/2024 08:00", codes[n], "", "5", f"g{n}", f"s{n}"] for n in range(5)]
    rows += [["1", f"0{n + 1}/04/2024 08:00", "718-7", "", "9.1", f"g{n}", f"s{n}"] for n in range(5)]
    careful, own = both_ways([write(tmp_path / "t.csv", fields, rows)], {field: field for field in fields})
    assert refused == [True]
    assert own == careful


def test_rows_that_come_out_of_order_go_the_careful_way(
    refused: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands, and in which order counts come, is told by the lines."""
    real = long.LongSource.in_columns
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 200)
    monkeypatch.setattr(long.LongSource, "in_columns", lambda source: iter(list(real(source))[::-1]))
    rows = [[str(n), "2024-01-02", "718-7", "", "9.1", "g/dL"] for n in range(40)]
    careful, own = both_ways([write(tmp_path / "t.csv", FIELDS[:6], rows)], {field: field for field in FIELDS[:6]})
    assert refused == [True]
    assert own == careful


def test_a_table_of_nothing_but_broken_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", FIELDS[:6], [["1", "2024-01-02"], ["1"]])
    careful, own = both_ways([path], {field: field for field in FIELDS[:6]})
    assert own == careful
    assert [row["line"] for row in own["counts"]] == [2, 3]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_what_is_forgotten_on_the_way_is_read_again(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many different texts only so many are remembered; the answers are the same."""
    for module in (reading, values, moments):
        monkeypatch.setattr(module, "_REMEMBERED", 1)
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 900)
    fields = FIELDS[:12]
    path = write(tmp_path / f"t.{kind}", fields, rows_of(random.Random(3), fields, 80))
    careful, own = both_ways([path], {field: field for field in fields})
    assert own == careful


def test_groups_of_many_numbers_keep_the_order_of_their_rows() -> None:
    numbers = np.array([70_000, 1, 65_536, 70_000, 1, 0, 65_535], dtype=np.int32)
    assert grouping._sorted(numbers).tolist() == [5, 1, 4, 6, 2, 0, 3]


def test_collecting_tells_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of it is reading; the other half is reading again what is doubtful."""
    told: list[float] = []
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 200)
    rows = [[str(n % 20), "2024-01-02", "718-7", "", f"9.{n // 20}", "g/dL"] for n in range(40)]
    path = write(tmp_path / "t.csv", FIELDS[:6], rows)
    with ExitStack() as undo:
        opening = Opening(KNOWLEDGE, Declared(), ReadOptions(), {field: field for field in FIELDS[:6]})
        open_inputs([str(path)], None, undo, opening, notice=told.append)
    assert told == sorted(told)
    assert len([share for share in told if share <= collected.COLLECTING / 2]) > 2
    assert told[-1] == collected.COLLECTING


def test_one_person_with_very_many_results(tmp_path: Path) -> None:
    rows = [["1", f"2024-01-{1 + n % 28:02} {n // 28 % 24:02}:{n // 672 % 60:02}", code, "", str(n % 90), ""]
            for n in range(4_000) for code in ("718-7", "777-3", "6690-2")]  # fmt: skip
    path = write(tmp_path / "t.csv", FIELDS[:6], rows)
    with pytest.MonkeyPatch.context() as patch:
        in_small_pieces(patch, random.Random(1))
        patch.setattr(collected, "BATCH_COUNTS", 500)
        with ExitStack() as undo:
            opening = Opening(KNOWLEDGE, Declared(), ReadOptions(), {field: field for field in FIELDS[:6]})
            (entry,) = open_inputs([str(path)], None, undo, opening)
            assert isinstance(entry.source, CollectedSource)
            lines = [line for batch in entry.source.batches(["hemoglobin"]) for line in batch.lines.tolist()]
            account = entry.source.result_counts
    assert lines == list(range(2, 12_002, 3))
    assert (account.read, account.used) == (12_000, 12_000)


def test_what_is_spilled_has_no_name_and_is_its_owners_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    kept = spill.Spill(budget=0)
    batch = pa.RecordBatch.from_arrays([pa.array(["Jane Roe"])], names=["person"])
    kept.add("a", batch)
    kept.add("b", batch)
    assert list(tmp_path.iterdir()) == []
    assert kept.batches("a")[0].equals(batch)
    assert [one.num_rows for one in kept.take("a")] == [1]
    assert kept.batches("a") == []
    kept.close()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_collecting_in_columns_loads_no_pandas(kind: str, tmp_path: Path) -> None:
    """It would cost half a second and 45 MB, for nothing."""
    rows = [["1", "2024-01-02", "718-7", "", "9.1", "g/dL"], ["2", "", "718-7", "", "9.1", "g/dL"]]
    path = write(tmp_path / "t.csv", FIELDS[:6], rows)
    if kind == "parquet":  # with numbers that are not there, as NaN and as null
        _, at, code, name, _, unit = zip(*rows, strict=True)
        columns = [[1.0, 2.0], at, code, name, [9.1, math.nan], unit]
        pq.write_table(pa.table(dict(zip(FIELDS[:6], columns, strict=True))), path := tmp_path / "t.parquet")
    code = (
        "import sys, cbc_screen as cbc\n"
        "cbc.scan(sys.argv[1], sys.argv[2], columns={name: name for name in sys.argv[3].split()})\n"
        "print('cbc_screen.collect.simple_groups' in sys.modules, 'pandas' in sys.modules)"
    )
    given = [str(path), str(tmp_path / "flags.parquet"), " ".join(FIELDS[:6])]
    done = subprocess.run([sys.executable, "-c", code, *given], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True False"
