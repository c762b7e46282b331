"""The name of what was ordered says that it was no patient's blood, whatever the codes of its results are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import cbc_screen as cbc

OTHER = ["Pleural fluid cell count", "CSF cell count", "Bone marrow aspirate", "QC Level 1", "Quality control CBC", "Proficiency testing CAP", "Canine CBC", "Canine hematology", "Body fluid differential"]  # fmt: skip
BLOOD = ["CBC with differential", "CBC and urinalysis", "Blood count, cord blood", "Hematology profile", "Infection control screen", "58410-2", "Bone marrow transplant clinic", "Marrow failure panel", "Pre-apheresis hematology", "CSF and CBC", "Haematology and pleural fluid", "Urinalysis", "NFS, liquide pleural", "CHU Québec QC", "Grosses BB, Urinstatus"]  # fmt: skip


def lines_of(folder: Path, panel: str) -> list[list[str]]:
    path = folder / "messages.hl7"
    path.write_text(
        "MSH|^~\\&|A|B|C|D|20240101||ORU^R01|1|P|2.5\rPID|1||P1||||19700101|F\r"
        f"OBR|1|||1^{panel}^L|||20240101080000\rOBX|1|NM|718-7^Hemoglobin^LN||14|g/dL|||||F\r"
        "OBX|2|NM|6690-2^WBC^LN||6|10*9/L|||||F\rOBX|3|NM|777-3^Platelets^LN||250|10*9/L|||||F\r",
        encoding="utf-8", newline="",
    )  # fmt: skip
    cbc.scan(path, folder / "flags.parquet")
    flags = pd.read_parquet(folder / "flags.parquet")
    return flags[["red_line", "white_line", "platelet_line"]].astype(str).to_numpy().tolist()


@pytest.mark.parametrize("panel", OTHER)
def test_results_of_another_specimen_are_none_of_a_count(panel: str, tmp_path: Path) -> None:
    assert lines_of(tmp_path, panel) == []


@pytest.mark.parametrize("panel", BLOOD)
def test_results_of_a_blood_count_are(panel: str, tmp_path: Path) -> None:
    assert lines_of(tmp_path, panel) == [["not_low"] * 3]
