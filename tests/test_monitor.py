"""What a whole file tells: an analyte that is gone, and a unit that looks like another one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main


def export(path: Path, rows: int, *, platelets: int | None = None, hemoglobin: str = "140") -> Path:
    """Write counts of which the first so many have platelets."""
    many = rows if platelets is None else platelets
    lines = [f"54,F,{hemoglobin},{'250' if place < many else ''}" for place in range(rows)]
    path.write_text("\n".join(["age,sex,hemoglobin (g/L),platelets (10^9/L)", *lines]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("platelets", "expected"),
    [(100, {}), (50, {}), (49, {"platelets": "49 results (100 before)"}), (0, {"platelets": "no result (100 before)"})],
)
def test_an_analyte_that_fell_by_more_than_half_is_named(
    tmp_path: Path, platelets: int, expected: dict[str, str]
) -> None:
    cbc.scan(export(tmp_path / "before.csv", 100), tmp_path / "before.parquet", age_unit="y")
    summary = cbc.scan(
        export(tmp_path / "now.csv", 100, platelets=platelets), tmp_path / "now.parquet", age_unit="y",
        previous=tmp_path / "before.parquet.manifest.json",
    )  # fmt: skip
    assert summary.vanished == expected
    manifest = json.loads((tmp_path / "now.parquet.manifest.json").read_text(encoding="utf-8"))
    assert manifest["counts"]["vanished"] == expected


def test_the_command_ends_with_3_where_an_expected_analyte_is_missing(tmp_path: Path) -> None:
    (tmp_path / "us.csv").write_text("age,sex,hemoglobin,wbc\n54,F,14,5\n", encoding="utf-8")
    done = CliRunner().invoke(
        main, ["scan", str(tmp_path / "us.csv"), "--profile", "generic_us", "--age-unit", "y"]
    )  # fmt: skip
    assert done.exit_code == 3
    assert "expected and missing: platelets" in done.stderr


def test_a_manifest_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "note.json").write_text("{}", encoding="utf-8")
    with pytest.raises(cbc.UsageError, match="previous must be the manifest") as caught:
        cbc.scan(export(tmp_path / "now.csv", 3), previous=tmp_path / "note.json")
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("hemoglobin", "platelets", "rows", "expected"),
    [
        ("140", "250", 20, []),
        ("14", "250", 20, ["hemoglobin"]),  # g/dL: 14 g/L cannot be believed
        ("14", "250", 2, ["hemoglobin"]),
        ("14", "250", 1, []),  # one row says nothing of a column
        # Ten times as many would be usual, in people whose hemoglobin is.
        ("140", "25", 20, ["platelets"]),
        ("140", "25", 6, []),  # too few to tell
        ("140", "12", 20, []),  # 120 would not be usual either
        ("70", "25", 20, []),  # the hemoglobin does not look healthy
    ],
)
def test_a_file_whose_unit_is_doubted_is_said_and_neither_used_nor_converted(
    tmp_path: Path, hemoglobin: str, platelets: str, rows: int, expected: list[str]
) -> None:
    source = tmp_path / "odd.csv"
    lines = [f"54,F,{hemoglobin},{platelets}"] * rows
    source.write_text("\n".join(["age,sex,hemoglobin (g/L),platelets (10^9/L)", *lines]) + "\n", encoding="utf-8")
    summary = cbc.scan(source, tmp_path / "flags.csv", age_unit="y")
    assert list(summary.unit_suspect) == expected
    assert summary.analytes["platelets"].used == (0 if "platelets" in expected else rows)
    done = CliRunner().invoke(main, ["scan", str(source), "--age-unit", "y"])
    assert ("UNIT_SUSPECT" in done.output) is bool(expected)
    assert done.exit_code == (3 if expected else 0)
