"""No value, name or identifier of the input in a log line, an exception or a file name."""

from __future__ import annotations

import logging
import os
import traceback
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main

CANARY = "CANARY_NAME_7Q"
FIELDS = [
    "age",
    "age_unit",
    "sex",
    "pregnancy",
    "birth_date",
    "collected_at",
    "HGB (g/dL)",
    "PLT (10^9/L)",
    "WBC (10^9/L)",
]


def everything_about(error: BaseException) -> str:
    """All that a log with a traceback would show, causes and attributes included."""
    return "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error)) + repr(error.__context__)


@pytest.mark.parametrize(
    "record",
    [
        {"hemoglobin": {"value": [CANARY]}},
        {"hemoglobin": {"value": "9 g/dL", "comparator": CANARY}},
        {"hemoglobin": {CANARY: 1}},
        {CANARY: 1},
        {"film": {CANARY: "present"}},
        {"film": {"blasts_on_film": CANARY}},
        {"reticulocyte_method": CANARY},
        {"birth_date": {CANARY: 1}},
        {"sex": [CANARY]},
        {"platelets": {"value": 9, "range": {"lower": [CANARY]}}},
        CANARY,
        [CANARY],
    ],
)
def test_no_exception_of_a_record_holds_the_input(record: object) -> None:
    with pytest.raises(cbc.RecordError) as caught:
        cbc.screen(record)
    assert CANARY not in everything_about(caught.value)


@pytest.mark.parametrize("build", [cbc.CBCRecord, lambda **fields: cbc.Measurement(value=[fields["name"]])])
def test_building_a_model_by_hand_does_not_leak_either(build) -> None:
    with pytest.raises(cbc.RecordError) as caught:
        build(name=CANARY)
    assert CANARY not in everything_about(caught.value)


def test_the_repr_of_a_record_and_of_a_result_holds_no_value() -> None:
    record = cbc.CBCRecord(age="54 y", sex="F", hemoglobin=f"{CANARY}", platelets={"value": 7.125, "unit": "10^9/L"})
    assert CANARY not in repr(record) + str(record) + repr(record.hemoglobin)
    assert "7.125" not in repr(record.platelets) + repr(cbc.screen(record))


def test_unreadable_cells_everywhere_are_reasons_and_no_exception_or_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    frame = pd.DataFrame({name: [CANARY, CANARY] for name in FIELDS})
    flags = cbc.screen_frame(frame)
    assert set(flags["pattern"]) == {"cannot_tell"}
    assert CANARY not in flags.to_csv() + caplog.text
    mixed = pd.DataFrame({"HGB (g/dL)": [7.1, CANARY, None, object()], "age": [54, CANARY, None, 1.5]}, dtype=object)
    assert len(cbc.screen_frame(mixed, age_unit="y")) == 4


def test_a_scan_leaves_the_canary_only_in_the_kept_column_and_the_rejects(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "export.csv"
    row = ",".join([CANARY] * (len(FIELDS) + 1))
    source.write_text("id," + ",".join(FIELDS) + "\n" + row + "\n" + CANARY + "\n" + CANARY + "," * len(FIELDS) + "\n")
    result = CliRunner().invoke(
        main,
        [
            "scan",
            str(source),
            "-o",
            str(tmp_path / "f.csv"),
            "--rejects",
            str(tmp_path / "r.csv"),
            "--summary",
            str(tmp_path / "s.json"),
            "--keep",
            "id",
        ],
    )
    assert result.exit_code == 3, "every line of every row is unknown, which a scan says"
    assert CANARY not in result.output
    assert CANARY not in (tmp_path / "s.json").read_text()
    assert (tmp_path / "f.csv").read_text().count(CANARY) == 1
    assert (tmp_path / "r.csv").read_text().count(CANARY) == 2
    assert all(CANARY not in name for name in os.listdir(tmp_path))


def test_a_damaged_parquet_file_is_reported_without_its_content(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = tmp_path / "export.parquet"
    pq.write_table(pa.table({"HGB (g/dL)": [CANARY] * 1000}), path, compression="none", use_dictionary=False)
    content = bytearray(path.read_bytes())
    content[200:1200] = b"\xff" * 1000
    path.write_bytes(bytes(content))
    with pytest.raises(cbc.CBCScreenError) as caught:
        cbc.scan(path, tmp_path / "flags.csv")
    assert CANARY not in everything_about(caught.value)
    assert not (tmp_path / "flags.csv").exists()
