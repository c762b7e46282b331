"""Controls, calibrators, rinses and test patients under the names that laboratories give them: none is a patient, and no patient is lost to one."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.specimen import SpecimenReader
from cbc_screen.vocabulary import SpecimenKind

CONTROL, BLANK, TRAINING = SpecimenKind.CONTROL, SpecimenKind.BLANK, SpecimenKind.TRAINING
READER = SpecimenReader(load_knowledge().specimens)
SICK = {"age": "54 y", "sex": "F", "hemoglobin": "57 g/L", "neutrophils": "0.2 10^9/L", "platelets": "8 10^9/L"}


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        (CONTROL, ["IQC1", "iqc-12", "CTRL", "LOW CONTROL", "NORMAL CONTROL", "High control", "ABNORMAL CONTROL", "Level 2 control", "Control level 3"]),
        (CONTROL, ["e-CHECK(XE)", "E-CHECK (XS) L1", "XN-L CHECK", "XN-L CHECK L2", "XN CHECK BF", "Calibration"]),
        (BLANK, ["RINSE", "Auto rinse", "STARTUP", "Start-up", "Startup check", "SHUTDOWN"]),
        (TRAINING, ["TEST PATIENT", "Test patient 2", "ZZTEST", "ZZTEST12", "DUMMY", "Test sample", "Dummy sample"]),
    ],
)  # fmt: skip
def test_a_run_without_a_patient(kind: SpecimenKind, texts: list[str]) -> None:
    assert {(text, READER.kind(field, text)) for text in texts for field in ("number", "sample")} == {
        (text, kind) for text in texts
    }


@pytest.mark.parametrize(
    ("text", "kind"), [("CAL", CONTROL), ("BKG", BLANK), ("BKGND", BLANK), ("Wash", BLANK), ("Cell-clean", BLANK)]
)
def test_what_may_be_initials_counts_in_the_number_of_a_sample_alone(text: str, kind: SpecimenKind) -> None:
    found = [READER.kind(field, text) for field in ("number", "sample", "patient", "row")]
    assert found == [kind, None, None, None]


@pytest.mark.parametrize(
    "text",
    [
        "QC4711", "QC12345",  # a number of Quebec
        "CTRL1", "Control 7", "Normal control 7",  # persons of a study
        "CAL-12", "Calloway", "Callum", "Rinsey", "Washington", "Startz", "Test", "Patient 7", "Dummyson", "ZZ Top", "IQC1B", "XN-L 40551102",
    ],
)  # fmt: skip
def test_what_may_be_a_patient_is_one(text: str) -> None:
    assert {READER.kind(field, text) for field in ("number", "sample", "patient", "row")} == {None}


@pytest.mark.parametrize("text", ["TEST PATIENT", "ZZTEST", "zztest 3"])
def test_a_test_patient_has_a_number_of_a_patient_too(text: str) -> None:
    assert (READER.kind("patient", text), READER.kind("row", text)) == (TRAINING, None)


@pytest.mark.parametrize("column", ["sample_id", "Sample No.", "Barcode", "Sample"])
def test_such_rows_are_rejected_with_their_content_and_a_name_is_no_such_row(tmp_path: Path, column: str) -> None:
    names = ["HIGH CONTROL", "e-CHECK(XE)", "RINSE", "ZZTEST", "100001", "CTRL1"]
    rows = [{column: name, "Patient name": "Dummy, Test", **SICK} for name in names]
    pd.DataFrame(rows).to_csv(tmp_path / "in.csv", index=False)
    summary = cbc.scan(tmp_path / "in.csv", tmp_path / "out.csv", tmp_path / "rejects.csv")
    rejects = pd.read_csv(tmp_path / "rejects.csv")
    assert list(rejects["reason"]) == ["SPECIMEN_CONTROL"] * 2 + ["SPECIMEN_BLANK", "SPECIMEN_TRAINING"]
    assert all(name in content for name, content in zip(names, rejects["content"], strict=False))
    assert (summary.screened, summary.specimens) == (2, {"control": 2, "blank": 1, "training": 1})
