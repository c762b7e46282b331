"""A whole column in another unit than it is read in: what is suspected, what is not, and what becomes of it (one file: one subject, whose cases share what they build).

The tables are made up and held small: a healthy staff check-up, and wards and clinics of the
sick, whose true counts are as odd as a wrong unit would make them.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.engines.journal import Journal
from cbc_screen.engines.rescreen import FlagFile
from cbc_screen.ingest import csv as ingest_csv

NAMES = ("hemoglobin", "wbc", "neutrophils", "platelets")
UNITS = {"hemoglobin": "g/dL", "wbc": "10^3/uL", "neutrophils": "10^3/uL", "platelets": "10^3/uL"}
# fmt: off
HEALTHY = [
    (13.2, 6.1, 3.4, 231), (14.8, 7.4, 4.2, 264), (12.6, 5.2, 2.9, 198), (15.3, 8.0, 4.9, 287), (13.9, 4.6, 2.3, 212),
    (14.1, 6.7, 3.8, 305), (12.9, 9.1, 5.8, 342), (15.9, 5.8, 3.1, 176), (13.5, 7.0, 4.0, 248), (14.4, 6.3, 3.5, 221),
    (12.4, 5.5, 3.0, 259), (16.1, 7.7, 4.6, 190), (13.0, 4.9, 2.5, 274), (14.9, 8.6, 5.2, 318), (13.7, 6.0, 3.3, 237),
]
SICK = {
    "aplastic anemia": [
        (6.8, 1.9, 0.4, 12), (7.4, 2.2, 0.6, 9), (5.9, 1.1, 0.2, 5), (8.8, 2.9, 0.9, 31), (6.1, 1.6, 0.3, 8),
        (7.9, 2.4, 0.7, 22), (9.4, 3.1, 1.1, 46), (5.2, 0.9, 0.1, 3), (8.1, 1.7, 0.5, 17), (6.6, 2.0, 0.4, 14),
    ],
    "acute leukemia": [
        (8.9, 62.0, 1.1, 34), (7.1, 2.1, 0.3, 12), (9.8, 118.0, 3.0, 61), (6.4, 0.8, 0.1, 22), (8.2, 31.5, 0.9, 18),
        (10.4, 4.4, 0.7, 88), (7.7, 240.0, 5.1, 40), (9.1, 15.2, 1.3, 9), (5.8, 1.4, 0.2, 27), (11.2, 9.7, 2.2, 104),
    ],
    "chemotherapy": [
        (8.1, 0.4, 0.1, 21), (8.9, 1.1, 0.4, 34), (7.8, 0.2, 0.0, 11), (9.4, 2.6, 1.3, 58), (8.5, 0.7, 0.2, 17),
        (8.8, 0.3, 0.1, 28), (10.1, 3.4, 2.0, 92), (7.5, 0.1, 0.0, 14), (8.3, 0.9, 0.3, 26), (9.0, 1.8, 0.8, 43),
    ],
    "newborns": [
        (18.2, 18.1, 9.9, 251), (16.4, 12.4, 5.8, 302), (19.6, 22.7, 14.2, 188), (15.1, 9.8, 4.1, 334),
        (17.7, 15.5, 8.0, 270), (20.3, 26.1, 17.5, 214), (16.9, 11.2, 5.5, 288), (18.8, 19.3, 11.1, 226),
    ],
    "essential thrombocythemia": [
        (13.8, 9.1, 6.0, 812), (14.2, 8.3, 5.2, 1240), (12.9, 11.6, 8.1, 655), (15.0, 7.4, 4.6, 930),
        (13.1, 10.2, 6.9, 1510), (14.6, 8.8, 5.7, 748), (13.4, 9.9, 6.5, 1066), (12.7, 12.1, 8.4, 590),
        (14.9, 7.9, 5.0, 882), (13.6, 8.5, 5.4, 3000),
    ],
    "immune thrombocytopenia": [
        (13.2, 6.9, 4.0, 8), (14.1, 8.2, 5.1, 41), (12.7, 5.6, 3.0, 3), (13.9, 7.3, 4.3, 112), (12.9, 9.4, 6.2, 19),
        (14.6, 6.1, 3.5, 62), (13.5, 7.7, 4.6, 2), (12.3, 5.2, 2.8, 27), (13.0, 8.8, 5.6, 75), (14.3, 6.4, 3.7, 11),
    ],
    "chronic lymphocytic leukemia": [
        (12.8, 21.4, 4.1, 188), (13.9, 64.0, 3.2, 154), (11.7, 132.0, 2.8, 121), (14.2, 15.1, 4.6, 231),
        (12.1, 38.8, 3.9, 172), (13.4, 88.0, 3.0, 143), (10.9, 210.0, 2.1, 98), (13.0, 27.6, 4.4, 206),
    ],
    "chronic myeloid leukemia": [
        (11.2, 84.0, 48.0, 412), (10.4, 156.0, 90.0, 655), (12.6, 38.0, 25.0, 388), (9.8, 310.0, 170.0, 240),
        (11.9, 61.0, 36.0, 720), (10.8, 205.0, 118.0, 510), (12.2, 27.5, 18.9, 333), (9.1, 402.0, 210.0, 190),
    ],
    "agranulocytosis": [
        (13.1, 2.2, 0.1, 244), (12.6, 1.6, 0.0, 301), (14.0, 2.9, 0.3, 198), (11.9, 1.1, 0.0, 267),
        (13.4, 2.4, 0.2, 222), (12.2, 1.9, 0.1, 310), (13.8, 3.2, 0.4, 189), (12.9, 1.4, 0.0, 254),
    ],
    "thalassemia": [
        (8.4, 7.2, 4.1, 340), (7.9, 8.1, 4.9, 412), (9.2, 6.4, 3.6, 298), (8.8, 9.0, 5.3, 377), (7.1, 10.2, 6.0, 455),
        (9.6, 5.9, 3.2, 281), (8.1, 7.7, 4.4, 366), (10.3, 6.8, 3.9, 310),
    ],
}
# fmt: on


def frame_of(rows: list[tuple[float, ...]], times: dict[str, float] | None = None) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(NAMES)).assign(age="40 y", sex="F")
    for name, factor in (times or {}).items():
        frame[name] = frame[name] * factor
    return frame


def screened(frame: pd.DataFrame, units: Any = "us", **options: Any) -> pd.DataFrame:
    return cbc.screen_frame(frame, units=units, **options)


def suspected(flags: pd.DataFrame) -> set[str]:
    return {
        part.partition(":")[0]
        for reasons in flags["reasons"]
        for part in reasons.split(";")
        if part.endswith("UNIT_SUSPECT")
    }


def write(path: Path, frame: pd.DataFrame) -> Path:
    frame.to_csv(path, index=False)
    return path


# What is suspected ---------------------------------------------------------------------------


@pytest.mark.parametrize("cells", [8, 15])
@pytest.mark.parametrize("factor", [0.001, 0.01, 0.1, 10, 100, 1000])
def test_platelets_in_another_unit_are_not_used(cells: int, factor: float) -> None:
    flags = screened(frame_of(HEALTHY[:cells], {"platelets": factor}))
    assert set(flags["platelet_line"]) == {"cannot_tell"}
    assert set(flags["red_line"]) == set(flags["white_line"]) == {"not_low"}


@pytest.mark.parametrize("factor", [0.001, 0.1, 10, 1000])
def test_white_cells_and_their_parts_in_another_unit_are_not_used(factor: float) -> None:
    flags = screened(frame_of(HEALTHY, {"wbc": factor, "neutrophils": factor}))
    assert set(flags["white_line"]) == {"cannot_tell"}
    assert set(flags["platelet_line"]) == {"not_low"}


def test_a_low_count_that_would_look_normal_is_unknown() -> None:
    """Platelets of 24 among healthy ones, all of them ten times too large: 240 would be not low."""
    rows = [*HEALTHY, (13.1, 6.0, 3.3, 24)]
    flags = screened(frame_of(rows, {"platelets": 10}))
    assert flags["platelet_line"].iloc[-1] == "cannot_tell"
    assert screened(frame_of(rows))["platelet_line"].iloc[-1] == "low"


def test_japanese_units_read_as_thousands() -> None:
    """Platelets in 10^4, white cells in 10^2, red cells in 10^4 per microliter: everyone would look very ill."""
    frame = frame_of(HEALTHY, {"platelets": 0.1, "wbc": 10, "neutrophils": 10}).assign(rbc=[420.0, 480.0, 455.0] * 5)
    flags = screened(frame)
    assert set(flags["pattern"]) == {"cannot_tell"}
    declared = {**UNITS, "platelets": "10^4/uL", "wbc": "10^2/uL", "neutrophils": "10^2/uL", "rbc": "10^4/uL"}
    assert set(screened(frame, declared)["pattern"]) == {"none"}


def test_two_rows_are_enough_beside_another_column_of_the_same_units() -> None:
    frame = pd.DataFrame(
        {"age": "45 y", "sex": ["F", "M"], "wbc": [21, 70], "rbc": [255, 533], "hemoglobin": [7.9, 15.9],
         "hematocrit": [24.1, 48.0], "platelets": [3.1, 24.2]}
    )  # fmt: skip
    flags = screened(frame)
    assert flags["red_line"].tolist() == ["low", "not_low"]
    assert set(flags["white_line"]) == set(flags["platelet_line"]) == {"cannot_tell"}


def test_a_differential_in_percent_under_the_names_of_counts() -> None:
    parts = {"neutrophils": [58, 31, 44], "lymphocytes": [33, 60, 47], "monocytes": [5, 6, 6], "eosinophils": [4, 3, 3]}
    frame = pd.DataFrame({"age": "50 y", "sex": "F", "hemoglobin": [12.4, 8.3, 9.9], "wbc": [4.1, 1.9, 2.6], **parts})
    flags = screened(frame)
    assert suspected(flags) == set(parts)
    # Neutrophils are no more than the white cells: what can be told from these is told.
    assert flags["white_line"].tolist() == ["cannot_tell", "cannot_tell", "cannot_tell"]


def test_a_single_part_in_percent() -> None:
    frame = frame_of(HEALTHY).assign(neutrophils=[58, 61, 52, 66, 55, 49, 70, 57, 63, 60, 51, 68, 54, 59, 62])
    assert suspected(screened(frame)) == {"neutrophils"}
    assert suspected(screened(frame.drop(columns="wbc"))) == {"neutrophils"}


def test_percentages_as_fractions() -> None:
    parts = {
        "neutrophils_percent": [0.58, 0.61, 0.52],
        "lymphocytes_percent": [0.33, 0.29, 0.38],
        "monocytes_percent": [0.09, 0.10, 0.10],
    }
    frame = pd.DataFrame({"age": "50 y", "sex": "F", "wbc": [6.1, 7.0, 5.2], **parts})
    flags = screened(frame)
    assert suspected(flags) == set(parts)
    assert set(flags["white_line"]) == {"cannot_tell"}


def test_hemoglobin_in_mmol_does_not_fit_its_hematocrit() -> None:
    """8.7 mmol/L is 140 g/L; as g/dL it is 87 g/L, which a hematocrit of 42 % contradicts."""
    frame = pd.DataFrame(
        {"age": "40 y", "sex": "M", "hemoglobin": [8.7, 9.1, 8.4, 9.4], "hematocrit": [42.0, 44.1, 40.6, 45.3],
         "wbc": [6.0, 7.1, 5.5, 8.0], "platelets": [250, 231, 274, 198]}
    )  # fmt: skip
    assert set(screened(frame)["red_line"]) == {"cannot_tell"}
    assert set(screened(frame.assign(hematocrit=frame["hemoglobin"] * 3))["red_line"]) == {"low"}


def test_more_than_half_of_what_cannot_be_believed() -> None:
    flags = screened(frame_of(HEALTHY[:3]).assign(platelets=[231000, 264000, 198]))
    assert flags["platelet_line"].tolist() == ["cannot_tell"] * 3
    assert [("UNIT_SUSPECT" in reasons) for reasons in flags["reasons"]] == [False, False, True]
    fewer = screened(frame_of(HEALTHY[:4]).assign(platelets=[231000, 264000, 198, 287]))
    assert fewer["platelet_line"].tolist() == ["cannot_tell", "cannot_tell", "not_low", "not_low"]


def test_ranges_printed_with_the_results_tell_their_unit() -> None:
    """A range of 15 to 35 is one in 10^4; a range of 150 to 400 confirms the unit whatever the counts are."""
    sick = frame_of(SICK["aplastic anemia"][:3])
    printed = sick.assign(platelets_lower=150.0, platelets_upper=400.0)
    assert set(screened(printed)["platelet_line"]) == {"low"}
    other = sick.assign(platelets=[24.2, 19.8, 30.1], platelets_lower=15.0, platelets_upper=35.0)
    assert set(screened(other)["platelet_line"]) == {"cannot_tell"}
    confirmed = frame_of(HEALTHY, {"platelets": 0.1}).assign(platelets_lower=150.0, platelets_upper=400.0)
    assert set(screened(confirmed)["platelet_line"]) == {"low"}


# What is not ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SICK)
def test_the_sick_are_believed(name: str) -> None:
    assert suspected(screened(frame_of(SICK[name]))) == set()
    assert suspected(screened(frame_of(SICK[name] * 8))) == set()


def test_healthy_rows_in_their_units_are_believed() -> None:
    flags = screened(frame_of(HEALTHY))
    assert set(flags["pattern"]) == {"none"}
    assert suspected(flags) == set()


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_few_low_counts_beside_healthy_results_are_believed(rows: int) -> None:
    assert set(screened(frame_of(HEALTHY[:rows], {"platelets": 0.1}))["platelet_line"]) == {"low"}


def test_basophils_whose_middle_is_zero() -> None:
    frame = frame_of(HEALTHY * 3).assign(basophils=[0.0, 0.0, 0.1] * 15, eosinophils=[0.0, 0.1, 0.2] * 15)
    flags = screened(frame)
    assert suspected(flags) == set()
    assert set(";".join(flags["reasons"]).split(";")) == {"basophils:NUMBER_ROUNDED", "eosinophils:NUMBER_ROUNDED", ""}


def test_a_single_record_cannot_be_suspected() -> None:
    record = {"age": "40 y", "sex": "F", "hemoglobin": "14 g/dL", "wbc": "6.5 10^9/L", "platelets": "24.2 10^9/L"}
    assert cbc.screen(record).flags()["platelet_line"] == "low"


def test_real_files_in_their_units_are_believed(shared: Path) -> None:
    files = {
        "nhanes_cbc/nhanes_cbc_demo_2015-2016.csv.gz": {},
        "ehr_indonesia_lab/data-ori.csv": {"units": "us", "age_unit": "y"},
        "mimic3_demo/LABEVENTS_labelled.csv.gz": {},
        "cdisc_pilot_lb/lb.csv.gz": {},
        "omop_synthea27nj/MEASUREMENT.csv": {},
        "r_package_sets/survival__pbc.csv": {"units": "us", "age_unit": "y"},
        "labelled_anemia_types_v4/diagnosed_cbc_data_v4_original1281_clean.csv": {"units": "us"},
    }
    for name, options in files.items():
        assert cbc.scan(shared / "data" / name, **options).unit_suspect == {}, name


# What becomes of it --------------------------------------------------------------------------


def test_a_scan_says_it_in_one_sentence_and_ends_with_3(tmp_path: Path) -> None:
    source = write(tmp_path / "export.csv", frame_of(HEALTHY, {"platelets": 0.1}))
    summary = cbc.scan(source, tmp_path / "flags.csv", units="us")
    assert summary.unit_suspect == {
        "platelets": "15 of 15 results of people whose other results look healthy are not usual in 10^3/uL; they would "
        "fit 10^4/uL. None of the results is used: declare the unit (units=, --units platelets=10^4/uL), or accept "
        "them (accept_units=, --accept-units platelets)"
    }
    assert (summary.analytes["platelets"].results, summary.analytes["platelets"].used) == (15, 0)
    assert summary.reasons["platelets:UNIT_SUSPECT"] == 15
    done = CliRunner().invoke(main, ["scan", str(source), "--units", "us"])
    assert done.exit_code == 3
    assert "UNIT_SUSPECT  platelets: 15 of 15 results" in done.stdout
    assert done.stderr.endswith("cbc-screen: not used, for their unit is doubted: platelets\n")


@pytest.mark.parametrize("options", [["--accept-units", "platelets"], ["--accept-units", "wbc, platelets"]])
def test_what_is_accepted_by_name_is_used(tmp_path: Path, options: list[str]) -> None:
    source = write(tmp_path / "export.csv", frame_of(HEALTHY, {"platelets": 0.1}))
    out = tmp_path / "flags.csv"
    done = CliRunner().invoke(main, ["scan", str(source), "--units", "us", "-o", str(out), *options])
    assert (done.exit_code, done.stderr) == (0, "")
    assert set(pd.read_csv(out)["platelet_line"]) == {"low"}
    manifest = json.loads((tmp_path / "flags.csv.manifest.json").read_text(encoding="utf-8"))
    assert list(manifest["counts"]["unit_accepted"]) == ["platelets"]
    assert "platelets" in manifest["options"]["accept_units"]
    frame = screened(frame_of(HEALTHY, {"platelets": 0.1}), accept_units=["platelets"])
    assert set(frame["platelet_line"]) == {"low"}


def test_an_accepted_name_must_be_an_analyte(tmp_path: Path) -> None:
    source = write(tmp_path / "export.csv", frame_of(HEALTHY))
    with pytest.raises(cbc.UsageError, match="accept_units: no analyte is named 'plt'"):
        cbc.scan(source, accept_units="plt")
    with pytest.raises(cbc.UsageError, match="accept_units: no analyte is named 'plt'"):
        screened(frame_of(HEALTHY), accept_units=["plt"])


def test_where_the_source_states_the_unit_it_is_to_be_mended_there(tmp_path: Path) -> None:
    frame = frame_of(HEALTHY, {"platelets": 0.1}).rename(columns={"platelets": "PLT (10^3/uL)"})
    summary = cbc.scan(write(tmp_path / "export.csv", frame), units={**UNITS})
    assert "10^4/uL. None of the results is used: correct the unit in the source" in summary.unit_suspect["platelets"]


def test_profile_says_it(tmp_path: Path) -> None:
    source = write(tmp_path / "export.csv", frame_of(HEALTHY, {"platelets": 0.1}))
    done = CliRunner().invoke(main, ["profile", str(source), "--units", "us"])
    assert done.exit_code == 0
    assert "UNIT_SUSPECT  platelets: 15 of 15 results" in done.stdout


def test_a_frame_and_a_file_give_the_same_answers(tmp_path: Path) -> None:
    """Also of many rows, of which some are looked at."""
    frame = frame_of(HEALTHY * 400, {"wbc": 10}).reset_index(drop=True)
    cbc.scan(write(tmp_path / "export.csv", frame), tmp_path / "flags.csv", units="us")
    filed = pd.read_csv(tmp_path / "flags.csv", keep_default_na=False)
    framed = screened(frame)
    assert suspected(framed) == {"wbc"}
    for name in ("pattern", "white_line", "wbc_state", "reasons"):
        assert filed[name].tolist() == framed[name].astype(str).tolist(), name


# Streams -------------------------------------------------------------------------------------


def late(path: Path) -> Path:
    """Sixty sick rows in their units, and then six hundred healthy ones with platelets in 10^4."""
    frame = pd.concat(
        [frame_of(SICK["aplastic anemia"] * 6), frame_of(HEALTHY * 40, {"platelets": 0.1})], ignore_index=True
    )
    return write(path, frame)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_csv, "BLOCK_BYTES", 1_024)


def test_the_answer_does_not_depend_on_where_the_batches_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = late(tmp_path / "export.csv")
    for size in (1 << 22, 4_096, 512):
        folder = tmp_path / str(size)
        folder.mkdir()
        monkeypatch.setattr(ingest_csv, "BLOCK_BYTES", size)
        summary = cbc.scan(source, folder / "flags.csv", folder / "rejects.csv", units="us")
        assert list(summary.unit_suspect) == ["platelets"]
        assert (summary.screened, summary.patterns.get("pancytopenia", 0)) == (660, 0)
    first, *others = (tmp_path / str(size) for size in (1 << 22, 4_096, 512))
    for other in others:
        for path in first.iterdir():
            assert (other / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.usefixtures("small_blocks")
def test_what_the_first_rows_say_is_taken_back(tmp_path: Path) -> None:
    """Healthy rows whose platelets are low by chance of the order, and then everyone else."""
    frame = pd.concat([frame_of(HEALTHY, {"platelets": 0.1}), frame_of(HEALTHY * 40)], ignore_index=True)
    summary = cbc.scan(write(tmp_path / "export.csv", frame), tmp_path / "flags.csv", units="us")
    assert summary.unit_suspect == {}
    assert summary.analytes["platelets"].used == 615


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("after", [0, 5, 15])
def test_a_scan_broken_off_while_it_is_run_again_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    source = late(tmp_path / "export.csv")
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir(), broken.mkdir()
    cbc.scan(source, whole / "flags.csv", units="us")
    begin, append = Journal.begin, Journal.append
    begun: list[int] = []

    def begin_and_count(self: Journal) -> None:
        begun.append(0)
        begin(self)

    def append_until(self: Journal, screened: Any) -> None:
        begun[-1] += 1
        if len(begun) == 2 and begun[-1] > after:
            raise KeyboardInterrupt
        append(self, screened)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "begin", begin_and_count)
        patch.setattr(Journal, "append", append_until)
        with pytest.raises(KeyboardInterrupt):
            cbc.scan(source, broken / "flags.csv", units="us")
    assert len(begun) == 2
    assert [path.name for path in broken.iterdir()] == ["flags.csv.journal"]
    cbc.scan(source, broken / "flags.csv", units="us", resume=True)
    assert sorted(path.name for path in broken.iterdir()) == sorted(path.name for path in whole.iterdir())
    for path in whole.iterdir():
        assert (broken / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.usefixtures("small_blocks")
def test_standard_output_holds_only_the_last_answer(tmp_path: Path) -> None:
    source = late(tmp_path / "export.csv")
    done = CliRunner().invoke(main, ["scan", str(source), "--units", "us", "-o", "-", "--out-format", "csv"])
    assert done.exit_code == 3
    lines = done.stdout.splitlines()
    assert len(lines) == 661
    assert sum("platelets:UNIT_SUSPECT" in line for line in lines) == 660


def test_each_table_decides_for_itself(tmp_path: Path) -> None:
    wrong = write(tmp_path / "a.csv", frame_of(HEALTHY, {"platelets": 0.1}))
    right = write(tmp_path / "b.csv", frame_of(HEALTHY))
    summary = cbc.scan([wrong, right], tmp_path / "flags.csv", units="us")
    assert summary.unit_suspect["platelets"].startswith("in a.csv: 15 of 15 results")
    flags = pd.read_csv(tmp_path / "flags.csv")
    assert set(flags.loc[flags["file"] == "a.csv", "platelet_line"]) == {"cannot_tell"}
    assert set(flags.loc[flags["file"] == "b.csv", "platelet_line"]) == {"not_low"}


def test_tables_of_few_rows_are_looked_at_together(tmp_path: Path) -> None:
    parts = [HEALTHY[start : start + 5] for start in (0, 5, 10)]
    files = [write(tmp_path / f"{number}.csv", frame_of(part, {"platelets": 0.1})) for number, part in enumerate(parts)]
    assert cbc.scan(files[:1], units="us").unit_suspect == {}
    summary = cbc.scan(files, tmp_path / "flags.csv", units="us")
    assert summary.unit_suspect["platelets"].startswith("in 0.csv, 1.csv, 2.csv: 15 of 15 results")
    assert set(pd.read_csv(tmp_path / "flags.csv")["platelet_line"]) == {"cannot_tell"}


def long_table(path: Path, rows: list[tuple[float, ...]], who: str, factor: float = 1) -> Path:
    """One result a row, as a profile below says."""
    lines = ["person,day,test,result,unit"]
    for place, row in enumerate(rows):
        for name, value in zip(NAMES, row, strict=True):
            number = value * factor if name == "platelets" else value
            lines.append(f"{who}{place},2024-03-01,{name},{number:g},{UNITS[name]}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


PROFILE = """id: own
title: a long table
shape: long
source: project
columns: {person: person, name: test, collected_at: day, value: result, unit: unit}
expected: [hemoglobin, wbc, platelets]
"""


def test_collected_results_by_the_file_they_came_from(tmp_path: Path) -> None:
    profile = tmp_path / "own.yaml"
    profile.write_text(PROFILE, encoding="utf-8")
    wrong = long_table(tmp_path / "a.csv", HEALTHY, "a", 0.1)
    right = long_table(tmp_path / "b.csv", HEALTHY, "b")
    alone = cbc.scan(wrong, tmp_path / "alone.csv", profile=str(profile))
    assert list(alone.unit_suspect) == ["platelets"]
    assert alone.results["used"] == 45
    summary = cbc.scan([wrong, right], tmp_path / "flags.parquet", profile=str(profile), received=True)
    assert summary.unit_suspect["platelets"].startswith("in a.csv: 15 of 15 results")
    flags = cbc.read_flags(tmp_path / "flags.parquet")
    suspect = flags["reasons"].str.contains("platelets:UNIT_SUSPECT")
    assert flags["source_file"][suspect].tolist() == ["a.csv"] * 15
    assert flags["source_file"][~suspect].tolist() == ["b.csv"] * 15
    file = FlagFile(tmp_path / "flags.parquet", cbc.Screener)
    results = [file.screen(row)[0] for table in file.batches() for row in table.to_pylist()]
    assert [("platelets", cbc.Reason.UNIT_SUSPECT) in result.reasons for result in results] == [True] * 15 + [
        False
    ] * 15


@pytest.mark.parametrize("packed", [False, True])
def test_a_row_is_explained_with_the_unit_that_was_not_believed(tmp_path: Path, packed: bool) -> None:
    frame = frame_of(HEALTHY, {"platelets": 0.1}).assign(hematocrit=25.0, rbc=5.41, mcv=46.0, hemoglobin=8.3)
    source = write(tmp_path / "export.csv", frame)
    cbc.scan(source, tmp_path / "flags.parquet", units={**UNITS, "hematocrit": "%", "rbc": "10^12/L", "mcv": "fL"},
             keep=["platelets"], received=True, packed=packed)  # fmt: skip
    file = FlagFile(tmp_path / "flags.parquet", cbc.Screener)
    for table in file.batches():
        for row in table.to_pylist():
            result, _ = file.screen(row)
            assert result.flags()["platelet_line"] == "cannot_tell"
            (platelets,) = [one for one in result.analytes if one.analyte == "platelets"]
            assert platelets.reasons == (cbc.Reason.UNIT_SUSPECT,)
            assert (platelets.received, platelets.unit_declared) == (row["platelets"], "10^3/uL")


def test_messages_are_looked_at_too(tmp_path: Path) -> None:
    """One message a file, each of one person: together they are enough."""
    codes = {"hemoglobin": "718-7^Hemoglobin^LN", "wbc": "6690-2^WBC^LN", "platelets": "777-3^Platelets^LN"}
    for place, row in enumerate(HEALTHY):
        values = dict(zip(NAMES, row, strict=True)) | {"platelets": row[3] / 10}
        lines = [
            "MSH|^~\\&|LAB|H|||20240301||ORU^R01|1|P|2.5",
            f"PID|1||P{place}||||19840301|F",
            "OBR|1||1|58410-2^CBC^LN|||20240301",
            *(
                f"OBX|{number}|NM|{code}||{values[name]:g}|{UNITS[name]}|||||F"
                for number, (name, code) in enumerate(codes.items(), start=1)
            ),
        ]
        (tmp_path / f"{place:02}.hl7").write_text("\r".join(lines) + "\r", encoding="utf-8")
    summary = cbc.scan(str(tmp_path / "*.hl7"), tmp_path / "flags.csv")
    assert list(summary.unit_suspect) == ["platelets"]
    assert set(pd.read_csv(tmp_path / "flags.csv")["platelet_line"]) == {"cannot_tell"}


def test_neutrophils_are_in_doubt_where_the_lymphocytes_are(tmp_path: Path) -> None:
    """Two percent of white cells of 2.3 would pass for a count that is not low."""
    rows = "".join(
        f"45 y,F,{131 + n % 5},{2.2 + n % 3 / 10:.1f},{1.9 + n % 4 / 10:.1f},{91 + n % 3},{240 + n}\n"
        for n in range(20)
    )
    (tmp_path / "export.csv").write_text(
        "age,sex,HGB (g/L),WBC (10^9/L),NEU (10^9/L),LYM (10^9/L),PLT (10^9/L)\n" + rows, encoding="utf-8"
    )
    summary = cbc.scan(tmp_path / "export.csv")
    assert {"lymphocytes", "neutrophils"} <= summary.unit_suspect.keys()
    assert summary.patterns["cannot_tell"] == 20


def test_more_lymphocytes_than_white_cells_leave_the_white_line_unknown() -> None:
    count = {"wbc": "2.3 10^9/L", "neutrophils": "2.1 10^9/L", "lymphocytes": "95 10^9/L"}
    flags = cbc.screen({"age": "40 y", "sex": "F", "hemoglobin": "135 g/L", "platelets": "250 10^9/L", **count}).flags()
    assert (flags["white_line"], flags["guards"]) == ("cannot_tell", "lymphocytes_exceed_wbc")


def test_a_printed_range_confirms_a_unit_only_of_numbers_that_lie_near_it() -> None:
    """8.0 mmol/L under g/dL, with its range of g/dL beside it, and a hematocrit that says otherwise."""
    rows = 30
    table = {
        "age (y)": [40 + number % 5 for number in range(rows)], "sex": ["F"] * rows,
        "HGB (g/dL)": [round(8.0 + 0.02 * number, 2) for number in range(rows)], "HGB lower": [12.0] * rows, "HGB upper": [16.0] * rows,
        "HCT (%)": [round(38.5 + 0.1 * number, 1) for number in range(rows)], "HCT lower": [36] * rows, "HCT upper": [46] * rows,
        "PLT (10^9/L)": [220 + number for number in range(rows)], "NEUT (10^9/L)": [3.0] * rows,
    }  # fmt: skip
    with pytest.warns(cbc.CBCScreenWarning, match=r"^hemoglobin: .* contradict each other in 30 of 30 rows") as found:
        flags = cbc.screen_frame(pd.DataFrame(table))
    assert len(found) == 1  # the hematocrit lies in its range
    assert set(flags["red_line"]) == {"cannot_tell"}
    # A clinic of anemia, whose hematocrit is as low as its hemoglobin, is not suspected.
    sick = {**table, "HCT (%)": [round(24 + 0.06 * number, 2) for number in range(rows)]}
    with warnings.catch_warnings():
        warnings.simplefilter("error", cbc.CBCScreenWarning)
        assert set(cbc.screen_frame(pd.DataFrame(sick))["red_line"]) == {"low"}
