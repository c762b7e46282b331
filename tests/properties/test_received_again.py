"""A row that keeps its cells as received gives its own flags again, whatever it was read from.

`FlagFile.screen` compares every flag with that of the file and raises where one differs, so
screening a row again is the comparison; the tests below also see that it does find a difference.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import cbc_screen as cbc
from cbc_screen.engines.rescreen import FlagFile
from effort import share
from properties.test_doors_agree import Rows, ranged_rows, texts

FEW = share(400)


def screened_again(source: Path | list[Path], folder: Path, **options: Any) -> list[cbc.ScreeningResult]:
    """Scan with the cells as received, and screen every row again."""
    out = folder / "flags.parquet"
    summary = cbc.scan(source, out, received=True, force=True, **options)
    own = {name: options[name] for name in ("ranges", "rules") if name in options}
    file = FlagFile(out, cbc.Screener, **own)
    file.require_received()
    results = [file.screen(row)[0] for table in file.batches() for row in table.to_pylist()]
    assert len(results) == summary.screened
    assert summary.screened > 0
    return results


@pytest.mark.parametrize(
    "configuration",
    [{}, {"definition": "clinical", "grading": "ctcae_v5"}, {"adjust_hemoglobin": ("elevation", "smoking")}],
)
def test_messy_rows_of_a_csv_file(tmp_path: Path, configuration: dict[str, Any]) -> None:
    source = Rows(20_261_123)
    pyarrow.csv.write_csv(texts([source.row() for _ in range(FEW)]), tmp_path / "export.csv")
    screened_again(tmp_path / "export.csv", tmp_path, **configuration)


@pytest.mark.parametrize("attached", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_rows_with_reported_ranges(tmp_path: Path, attached: bool, packed: bool) -> None:
    rows = ranged_rows(8, FEW, attached=attached)
    rows[0] |= {"hemoglobin_lower": "n/a?", "platelets_upper": "1,000"}
    pq.write_table(texts(rows), tmp_path / "export.parquet")
    results = screened_again(tmp_path / "export.parquet", tmp_path, packed=packed)
    assert ("hemoglobin", cbc.Reason.RANGE_UNREADABLE) in results[0].reasons


def test_typed_columns_and_what_is_declared(tmp_path: Path) -> None:
    """Numbers, whole numbers, dates, times, booleans and codes, in declared units."""
    day = datetime.date(2024, 2, 29)
    table = pa.table(
        {
            "birth_date": pa.array([datetime.datetime(1970, 1, 2, 3), None, datetime.datetime(2023, 3, 1)] * 3),
            "collected_at": pa.array([day, day, None] * 3),
            "age": pa.array([None, 54.0, 7.5] * 3),
            "sex": pa.array([1, 2, None] * 3),
            "hemoglobin": pa.array([9.1, float("nan"), 15.0, 0.0, -1.0, float("inf"), 12.0, 7.0, None], pa.float32()),
            "platelets": pa.array([10, 250, None] * 3, pa.int32()),
            "wbc": pa.array(["<1", "4,5", "6.0"] * 3).dictionary_encode(),
            "platelet_clumps": pa.array([True, False, None] * 3),
        }
    )  # fmt: skip
    pq.write_table(table, tmp_path / "export.parquet")
    results = screened_again(
        tmp_path / "export.parquet", tmp_path, units="us", age_unit="y", sex_codes={"1": "F", "2": "M"},
        date_format="%d/%m/%Y",
    )  # fmt: skip
    assert [result.person.sex.value for result in results[:3]] == ["F", "M", "unknown"]
    assert results[0].person.years == (54, 54)


def test_a_decimal_comma_and_a_header_unit(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text("Alter;sex;HGB (g/dL);PLT (/uL)\n54;F;9,1;12.000\n30;M;15,0 g/dL;250000\n")
    (sick, well) = screened_again(
        tmp_path / "export.csv", tmp_path, decimal=",", thousands=".", age_unit="y", columns={"age": "Alter"}
    )
    found = {analyte.analyte: (analyte.received, analyte.unit_declared, analyte.low) for analyte in sick.analytes}
    assert found == {"hemoglobin": ("9,1", "g/dL", 91.0), "platelets": ("12.000", "/uL", 12.0)}
    assert [analyte.received for analyte in well.analytes] == ["15,0 g/dL", "250000"]


REAL = {
    "nhanes_cbc/nhanes_cbc_demo_2003-2004.csv.gz": {},
    "ehr_indonesia_lab/data-ori.csv": {"units": {"hemoglobin": "g/dL", "system": "us"}, "age_unit": "y"},
    "labelled_anemia_dhaka_aalok/Anemia_Dataset.xlsx": {"units": "us", "age_unit": "y"},
    "published_cases/cases.jsonl": {},
    "omop_synthea27nj/measurement.parquet": {"persons": "omop_synthea27nj/person.parquet"},
    "synthea_csv_fhir_pair/csv/observations.csv": {},
    "hl7v2_oru": {},
    "fhir_pathling_synthea/Observation.ndjson": {},
}


@pytest.mark.parametrize("name", REAL)
def test_rows_of_real_files(shared: Path, tmp_path: Path, name: str) -> None:
    data = shared / "data"
    options = dict(REAL[name])
    if "persons" in options:
        options["persons"] = data / str(options["persons"])
    source: Any = data / name
    if source.is_dir():
        source = sorted(str(path) for path in source.rglob("*") if path.suffix.lower() in (".hl7", ".txt", ".er7"))
    elif name.startswith("nhanes"):
        rows = cbc.read(source).head(FEW).drop(columns="row")
        rows.to_parquet(tmp_path / "some.parquet")
        source = tmp_path / "some.parquet"
    screened_again(source, tmp_path, **options)


def test_own_ranges_lie_where_one_says(tmp_path: Path) -> None:
    from cbc_screen.knowledge.files import reference_ranges_root

    own = tmp_path / "own.csv"
    shipped = (reference_ranges_root() / "intervals" / "default_v1.csv").read_text(encoding="utf-8")
    own.write_text(shipped.replace("default_v1", "ours"))
    (tmp_path / "export.csv").write_text("age,sex,HGB (g/dL)\n54 y,F,9.1\n")
    screened_again(tmp_path / "export.csv", tmp_path, ranges=str(own))
    moved = own.rename(tmp_path / "moved.csv")
    with pytest.raises(cbc.UsageError, match="say where the file lies"):
        cbc.screen_again(tmp_path / "flags.parquet", 2)
    assert cbc.screen_again(tmp_path / "flags.parquet", 2, ranges=str(moved)).pattern.value == "cannot_tell"
    moved.write_text(moved.read_text().replace("117", "118", 1))
    with pytest.raises(cbc.UsageError, match="are not the files that the scan used"):
        cbc.screen_again(tmp_path / "flags.parquet", 2, ranges=str(moved))


def changed(path: Path, change: Any) -> None:
    """Write a flags file again with one cell or a part of its metadata changed."""
    table = pq.read_table(path)
    metadata = {name.decode(): text.decode() for name, text in table.schema.metadata.items()}
    rows, metadata = change(table.to_pylist(), metadata)
    pq.write_table(pa.Table.from_pylist(rows, table.schema).replace_schema_metadata(metadata), path)


@pytest.fixture
def flags(tmp_path: Path) -> Path:
    (tmp_path / "export.csv").write_text("MRN,age,sex,HGB (g/dL)\nA,54 y,F,9.1\nB,30 y,M,15\nB,31 y,M,15\n")
    cbc.scan(tmp_path / "export.csv", tmp_path / "flags.parquet", received=True, keep=["MRN"])
    return tmp_path / "flags.parquet"


def test_flags_that_are_not_those_of_their_cells_are_found(flags: Path) -> None:
    def change(rows: list[dict[str, Any]], metadata: dict[str, str]) -> Any:
        rows[0]["received"] = json.dumps({"age": "54 y", "sex": "F", "hemoglobin": "CANARY_15"})
        return rows, metadata

    changed(flags, change)
    with pytest.raises(
        cbc.CBCScreenError, match=r"^row 2: screened again, lines_low_min, red_line, .* is not that of the file"
    ) as caught:
        cbc.screen_again(flags, 2)
    assert "CANARY" not in str(caught.value)


def test_flags_of_another_version_are_not_explained_by_this_one(flags: Path) -> None:
    changed(flags, lambda rows, metadata: (rows, {**metadata, "data_version": "2020.1.1"}))
    with pytest.raises(cbc.UsageError, match=r"written by cbc-screen \S+ with data 2020\.1\.1; this is .* scan again"):
        cbc.screen_again(flags, 2)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("9", "no row has this key"),
        ("MRN=B", "more than one row"),
        ("MRN=C", "no row has this key"),
        ("Name=B", "there is no such column"),
        ("first", "a row number, FILE:ROW, or COLUMN=VALUE"),
    ],
)
def test_a_key_that_is_not_of_one_row_is_refused(flags: Path, key: str, message: str) -> None:
    with pytest.raises(cbc.UsageError, match=message) as caught:
        cbc.screen_again(flags, key)
    assert not any(value in str(caught.value) for value in ("9.1", "MRN=B", "Name"))


def test_rows_are_found_by_number_file_and_kept_column(flags: Path, tmp_path: Path) -> None:
    assert cbc.screen_again(flags, 2) == cbc.screen_again(flags, "MRN=A")
    (tmp_path / "b.csv").write_text("MRN,age,sex,HGB (g/dL)\nA,54 y,F,15\n")
    cbc.scan([tmp_path / "export.csv", tmp_path / "b.csv"], tmp_path / "two.parquet", received=True)
    low = cbc.screen_again(tmp_path / "two.parquet", "export.csv:2")
    well = cbc.screen_again(tmp_path / "two.parquet", "b.csv:2")
    assert (low.lines[0].state.value, well.lines[0].state.value) == ("low", "not_low")
    with pytest.raises(cbc.UsageError, match="more than one row"):
        cbc.screen_again(tmp_path / "two.parquet", 2)


def test_flags_without_the_cells_say_how_to_get_them(flags: Path, tmp_path: Path) -> None:
    cbc.scan(tmp_path / "export.csv", tmp_path / "bare.parquet")
    with pytest.raises(cbc.UsageError, match="scan again with --received"):
        cbc.screen_again(tmp_path / "bare.parquet", 2)


def test_a_resumed_scan_keeps_the_cells(tmp_path: Path) -> None:
    """The column is part of what a journal belongs to."""
    (tmp_path / "export.csv").write_text("age,sex,HGB (g/dL)\n54 y,F,9.1\n")
    cbc.scan(tmp_path / "export.csv", tmp_path / "a.parquet", received=True, resume=True)
    cbc.scan(tmp_path / "export.csv", tmp_path / "b.parquet", received=True)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_received_is_a_name_of_the_output(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text("age,received,HGB (g/dL)\n54 y,x,9.1\n")
    with pytest.raises(cbc.UsageError, match="'received' is the name of a column of the output"):
        cbc.scan(tmp_path / "export.csv", tmp_path / "flags.parquet", keep=["received"], received=True)


def test_two_files_of_one_name_keep_their_own_units(tmp_path: Path) -> None:
    for folder, unit in (("a", "mg/L"), ("b", "mg/dL")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "lab.csv").write_text(f"age,sex,HGB (g/dL),CRP ({unit})\n54 y,F,9.1,20\n")
    results = screened_again([tmp_path / "a" / "lab.csv", tmp_path / "b" / "lab.csv"], tmp_path)
    # 20 mg/dL is 200 mg/L
    assert [{a.analyte: a.low for a in result.analytes}["crp"] for result in results] == [20.0, 200.0]
    assert cbc.screen_again(tmp_path / "flags.parquet", f"{tmp_path}/b/lab.csv:2") == results[1]


@pytest.mark.parametrize("ranges", ["sysmex_adult", "duffy_null_uk", "nosuch", "nosuch.csv"])
def test_a_shipped_set_is_not_exchanged_for_another(flags: Path, ranges: str) -> None:
    with pytest.raises(cbc.UsageError, match=r"the scan used the shipped ranges 'default'"):
        cbc.screen_again(flags, 2, ranges=ranges)


@pytest.mark.parametrize(("column", "packed"), [("file", False), ("pattern", False), ("pattern", True), ("row", False)])
def test_a_column_of_the_output_is_not_kept_under_its_name(tmp_path: Path, column: str, packed: bool) -> None:
    (tmp_path / "export.csv").write_text(f"{column},age,sex,HGB (g/dL)\nCANARY,54 y,F,9.1\n")
    with pytest.raises(cbc.UsageError, match="is the name of a column of the output") as caught:
        cbc.scan(tmp_path / "export.csv", tmp_path / "flags.parquet", keep=[column], received=True, packed=packed)
    assert "CANARY" not in str(caught.value)


DAMAGED = [
    "",
    "{",
    "null",
    "[]",
    "7",
    '"CANARY"',
    '{"birth_date":{"date":"CANARY"}}',
    '{"hemoglobin":{"CANARY":1}}',
    '{"age":{}}',
]


@pytest.mark.parametrize("text", [*DAMAGED, None])
def test_cells_that_cannot_be_read_back_are_told_without_their_content(flags: Path, text: str | None) -> None:
    def change(rows: list[dict[str, Any]], metadata: dict[str, str]) -> Any:
        rows[0]["received"] = text
        return rows, metadata

    changed(flags, change)
    with pytest.raises(
        cbc.CBCScreenError, match=r"^row 2: (its cells as received cannot be read back|screened again)"
    ) as caught:
        cbc.screen_again(flags, 2)
    found: BaseException | None = caught.value
    while found is not None:
        assert "CANARY" not in repr(found)
        found = found.__cause__ or found.__context__


def test_a_blank_age_unit_is_read_as_the_declared_one_in_both_doors(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text("age,age unit,sex,HGB (g/dL)\n54,y,F,9.1\n54,,F,9.1\n54, ,F,9.1\n")
    assert [result.person.age for result in screened_again(tmp_path / "export.csv", tmp_path, age_unit="y")] == [
        "54 y"
    ] * 3


def test_columns_of_unusual_types(tmp_path: Path) -> None:
    """Dates where limits stand, numbers where units and states stand, and what is no number."""
    table = pa.table(
        {
            "age": ["54 y"] * 3, "sex": ["F"] * 3, "hemoglobin": [9.1, 9.1, 9.1], "hemoglobin_unit": ["g/dL", "g/dL", None],
            "hemoglobin_lower": pa.array([datetime.date(2024, 1, 2), None, None]),
            "hemoglobin_upper": pa.array([None, float("inf"), 15.3]),
            "platelets": [10, 20, 30], "platelets_unit": pa.array([1.5, None, float("nan")]),
            "platelets_status": pa.array([float("nan"), 1.0, None]),
            "wbc": ["2 10^9/L", " " * 400 + "2 10^9/L", "2 10^9/L" + " " * 9_000],
        }
    )  # fmt: skip
    pq.write_table(table, tmp_path / "export.parquet")
    results = screened_again(tmp_path / "export.parquet", tmp_path)
    assert ("hemoglobin", cbc.Reason.RANGE_UNREADABLE) in results[0].reasons
    assert ("hemoglobin", cbc.Reason.RANGE_INSANE) in results[1].reasons


@pytest.mark.parametrize("key", ["9" * 20, "9" * 5000, "other.csv:2"])
def test_a_key_beyond_any_row_or_of_another_file_is_refused(flags: Path, key: str) -> None:
    with pytest.raises(cbc.UsageError, match="--row"):
        cbc.screen_again(flags, key)


def test_a_column_called_person_that_means_something_else_says_not_whose_count_it_is(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text("person,age,HGB (g/dL)\nF,54 y,9.1\n")
    cbc.scan(
        tmp_path / "export.csv", tmp_path / "flags.parquet", columns={"sex": "person"}, keep=["person"], received=True
    )
    file = FlagFile(tmp_path / "flags.parquet", cbc.Screener)
    (row,) = [row for table in file.batches() for row in table.to_pylist()]
    assert (file.screen(row)[1], file.screen(row)[0].person.sex.value) == ("", "F")


def test_white_cells_that_were_not_corrected_are_corrected_again(tmp_path: Path) -> None:
    """5 with 100 nucleated red cells to 100 white cells are 2.5 of white cells; corrected already they are 5."""
    (tmp_path / "export.csv").write_text(
        "age,sex,wbc,nrbc,wbc_uncorrected\n40 y,F,5 10^9/L,100 /100 WBC,yes\n40 y,F,5 10^9/L,100 /100 WBC,no\n",
        encoding="utf-8",
    )
    first, second = screened_again(tmp_path / "export.csv", tmp_path)
    assert [result.flags()["wbc_state"] for result in (first, second)] == ["low", "within"]
