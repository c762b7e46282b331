"""Only a patient's blood is screened: what else an export holds is told by kind, in every door, and no patient is lost (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.fold import plain_name
from cbc_screen.normalize.specimen import SpecimenReader
from cbc_screen.vocabulary import Reason, SpecimenKind

BLOOD, CONTROL, BLANK = SpecimenKind.BLOOD, SpecimenKind.CONTROL, SpecimenKind.BLANK
FAILED, FLUID = SpecimenKind.FAILED_RUN, SpecimenKind.BODY_FLUID
STATISTIC = SpecimenKind.STATISTIC
TRAINING, ANIMAL = SpecimenKind.TRAINING, SpecimenKind.ANIMAL
READER = SpecimenReader(load_knowledge().specimens)
# Three lines as low as they can be: whoever is screened by these is flagged.
SICK = {"hemoglobin": "57 g/L", "wbc": "1.8 10^9/L", "neutrophils": "0.2 10^9/L", "platelets": "8 10^9/L"}
PERSON = {"age": "54 y", "sex": "F"}


# What a field says ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "text", "kind"),
    [
        # HL7 table 0103, without the processing mode; Mindray's Q.
        ("processing", "P", BLOOD), ("processing", "T", TRAINING), ("processing", "D", TRAINING),
        ("processing", "N", TRAINING), ("processing", "Q", CONTROL), ("processing", "1", None), ("processing", "", None),
        # Table 0065: Q is of ASTM, and R a revised order.
        ("action", "Q", CONTROL), ("action", "q", CONTROL), *(("action", code, None) for code in "ACGLOPRS"),
        # Table 0369: the elements of a group may all be one patient's.
        *(("role", code, CONTROL) for code in "BCEFLOQRV"), ("role", "P", BLOOD), ("role", "G", None), ("role", "q", CONTROL),
        ("role", "Control specimen", CONTROL), ("role", "Patient", BLOOD),
        ("service", "99MRC 00003", CONTROL), ("service", "99MRC LJ QCR", CONTROL), ("service", "99MRC 00001", None),
        ("service", "L 00003", None),
        ("security", "http://terminology.hl7.org/CodeSystem/v3-ActReason HTEST", TRAINING),
        ("security", "http://terminology.hl7.org/CodeSystem/v3-ActReason TREAT", None), ("security", "HTEST", None),
        ("subject", "Device", CONTROL), ("subject", "Group", CONTROL), ("subject", "Patient", None), ("subject", "Practitioner", None),
        # What was taken, by the codes of tables 0070 and 0487, by SNOMED CT and by words.
        ("type", "BLD", BLOOD), ("type", "WB", BLOOD), ("type", "119297000", BLOOD), ("type", "Venous blood", BLOOD),
        ("type", "EDTA whole blood", BLOOD), ("type", "静脉血", BLOOD), ("type", "кровь венозная", BLOOD), ("type", "Cord blood", BLOOD),
        ("type", "CSF", FLUID), ("type", "Cerebrospinal fluid", FLUID), ("type", "258450006", FLUID), ("type", "PLR", FLUID),
        ("type", "Pleural fluid", FLUID), ("type", "Bloody pleural fluid", FLUID), ("type", "Urine, midstream", FLUID),
        ("type", "Bone marrow", FLUID), ("type", "尿", FLUID), ("type", "尿液标本", FLUID), ("type", "脑脊液", FLUID), ("type", "моча", FLUID),
        ("type", "Liquide pleural", FLUID), ("type", "Líquido cefalorraquídeo", FLUID), ("type", "Nước tiểu", FLUID),
        ("type", "Peripheral blood, bone marrow recipient", None),  # says neither
        ("type", "Lavender top tube", None), ("type", "SER", None), ("type", "Capillary", None), ("type", "tiểu cầu", None),
        ("type", "", None), ("type", "N/A", None), ("type", "unknown", None),
        # Controls and blanks, in several languages.
        ("type", "QC", CONTROL), ("type", "QC level 1", CONTROL), ("type", "Quality Control (L2)", CONTROL), ("type", "Control", CONTROL),
        ("type", "low control", CONTROL), ("type", "Contrôle", CONTROL), ("type", "contrôle de qualité niveau 2", CONTROL),
        ("type", "Kontrolle niedrig", CONTROL), ("type", "Контроль качества", CONTROL), ("type", "質控", CONTROL), ("type", "质控品", CONTROL),
        ("type", "コントロール血球", CONTROL), ("type", "정도관리", CONTROL), ("type", "Kalibrator", CONTROL), ("type", "QC3", CONTROL),
        ("type", "Control lot 40551102", CONTROL),
        ("type", "Blank", BLANK), ("type", "Background check", BLANK), ("type", "blanco", BLANK), ("type", "Blindwert", BLANK),
        ("type", "фон", BLANK), ("type", "空白", BLANK), ("type", "ブランク", BLANK),
        ("type", "Failed", FAILED), ("type", "training", TRAINING), ("type", "Demo", TRAINING), ("type", "Canine", ANIMAL),
        # A control of a study is a person.
        ("type", "Control group", None), ("type", "Healthy control", None), ("type", "Case/control", None), ("type", "Controlled", None),
        ("class", "Blank", BLANK), ("class", "QC", CONTROL), ("class", "Control", None), ("class", "Human", None), ("class", "Outpatient", None),
        ("mode", "BF", FLUID), ("mode", "Body Fluid", FLUID), ("mode", "hsA", FLUID), ("mode", "QC", CONTROL), ("mode", "Background", BLANK),
        ("mode", "WB", None), ("mode", "W", None), ("mode", "PD", None), ("mode", "LW", None), ("mode", "CBC+DIFF", None),
        ("judgment", "Q", CONTROL), ("judgment", "0", None), ("judgment", "3", None),
        ("run", "Failed", FAILED), ("run", "échec", FAILED), ("run", "ok", None), ("run", "1", None),
        # A tube's number: only what a manufacturer documents, as a whole.
        ("number", "QC-40551102", CONTROL), ("number", "qc-40551102", CONTROL), ("number", "QC", CONTROL), ("number", "QC 1", CONTROL),
        ("number", "BACKGROUNDCHECK", BLANK), ("number", "21QC-40551102", None), ("number", "QC-40551102B", None),
        ("number", "QC-2024-0012", None), ("number", "QC4711", None), ("number", "AQC-1", None), ("number", "100001", None),
        ("number", "Control 1", None), ("number", "Blanket 7", None), ("number", "C-0012", None),
        ("sample", "QC", CONTROL), ("sample", "Control 7", None), ("sample", "CSF", FLUID), ("sample", "Blood", BLOOD),
        # A sheet's own statistics below its rows; initials, "N" and "P5" may be a person.
        ("number", "Mean", STATISTIC), ("row", "Average:", STATISTIC), ("row", "Std. Dev.", STATISTIC), ("patient", "Mean ± SD", STATISTIC),
        ("number", "SD", STATISTIC), ("number", "CV", STATISTIC), ("number", "Max", STATISTIC), ("row", "CV (%)", STATISTIC), ("row", "+2SD", STATISTIC),
        ("row", "Lower limit", STATISTIC), ("number", "Reference range", STATISTIC), ("row", "Mittelwert", STATISTIC), ("row", "écart-type", STATISTIC),
        ("row", "Среднее", STATISTIC), ("row", "標準偏差", STATISTIC), ("patient", "ULN", STATISTIC),
        ("row", "SD", None), ("patient", "SD", None), ("sample", "SD", None), ("row", "Max", None), ("patient", "Min", None), ("row", "Suma", None), ("row", "N", None), ("row", "P5", None), ("patient", "CV", None), ("row", "Q1", None),
        ("patient", "Meaney", None), ("row", "Total Care 7", None), ("row", "", None), ("sample", "N", None), ("class", "Mean", None),
        # Species: in a column only known animals, for it may name a parasite.
        ("species", "Canine", ANIMAL), ("species", "Felis catus (DSH)", ANIMAL), ("species", "DOG - Beagle", ANIMAL), ("species", "犬", ANIMAL),
        ("species", "собака", ANIMAL), ("species", "Mus musculus", ANIMAL), ("species", "Perro", ANIMAL), ("species", "Schaf", ANIMAL),
        ("species", "human", BLOOD), ("species", "Homo sapiens", BLOOD), ("species", "Human (Homo sapiens)", BLOOD), ("species", "人", BLOOD),
        ("species", "Человек", BLOOD), ("species", "Plasmodium falciparum", None), ("species", "E. coli", None), ("species", "", None),
        ("animal", "L-80700 Canine, NOS", ANIMAL), ("animal", "any that nobody listed", ANIMAL), ("animal", "337915000 Homo sapiens", BLOOD),
        ("animal", "animal 448771007", ANIMAL), ("animal", "animal Homo sapiens", BLOOD), ("animal", "N", None), ("animal", "20240101", None),
        ("animal", "Not applicable", None),
        ("breed", "Beagle", ANIMAL), ("breed", "N/A", None), ("breed", "-", None), ("breed", "0", None),
        # Yes and no; a bare "QC" may hold whether a sample passed it.
        ("is_control", "yes", CONTROL), ("is_control", "1", CONTROL), ("is_control", "1.0", CONTROL), ("is_control", "0", None),
        ("is_control", "false", None), ("qc", "Yes", CONTROL), ("qc", "true", CONTROL), ("qc", "QC", CONTROL), ("qc", "1", None),
        ("qc", "passed", None), ("qc", "ok", None), ("blank", "yes", BLANK), ("blank", "0.05", None), ("is_training", "true", TRAINING),
        ("is_animal", "y", ANIMAL), ("is_body_fluid", "True", FLUID),
        # A record's own word.
        ("specimen", "control", CONTROL), ("specimen", "blank", BLANK), ("specimen", "failed_run", FAILED), ("specimen", "body_fluid", FLUID),
        ("specimen", "training", TRAINING), ("specimen", "animal", ANIMAL), ("specimen", "blood", BLOOD), ("specimen", "dog", ANIMAL),
        ("specimen", "canine EDTA whole blood", ANIMAL), ("specimen", "Q", None), ("specimen", "Dr. Control", None),
        ("specimen", "Hund", ANIMAL), ("no such field", "QC", None),
    ],
)  # fmt: skip
def test_what_a_field_says(field: str, text: str, kind: SpecimenKind | None) -> None:
    assert READER.kind(field, text) is kind


def test_a_text_that_is_too_long_says_nothing() -> None:
    assert READER.kind("type", "QC " * 200) is None


@pytest.mark.parametrize(
    ("stated", "kind"),
    [
        ((), None),
        ((("processing", "P"), ("type", "BLD"), ("role", "P")), BLOOD),
        ((("type", "Whole blood"), ("role", "Q")), CONTROL),
        ((("processing", "P"), ("type", "Urine")), FLUID),
        # Two specimens under one order, or a code and a text that differ.
        ((("type", "Urine"), ("type", "Blood")), None),
        ((("type", "Urine"), ("type", "Blood"), ("action", "Q")), CONTROL),
        ((("species", "Human"), ("breed", "mixed")), BLOOD),
        ((("species", ""), ("breed", "Beagle")), ANIMAL),
        ((("species", "Dog"), ("type", "Whole blood")), ANIMAL),
        ((("type", "QC"), ("species", "Human")), CONTROL),
    ],
)
def test_what_several_fields_say_together(stated: tuple[tuple[str, str], ...], kind: SpecimenKind | None) -> None:
    assert READER.of(stated) is kind


def test_the_folding_keeps_the_words_of_every_script() -> None:
    assert plain_name("  Contrôle_QUALITÉ-(L1) ") == "controle qualite l1"
    assert plain_name("ＱＣ１２") == "qc12"
    assert plain_name("Контроль Й") == "контроль и"
    assert plain_name("ブランク") == "ブランク"
    assert plain_name("การควบคุม") == "การควบคุม"
    assert plain_name("-- / --") == ""


def test_every_other_kind_has_a_reason_of_its_own() -> None:
    assert [kind.reason for kind in SpecimenKind] == [
        None, Reason.SPECIMEN_CONTROL, Reason.SPECIMEN_BLANK, Reason.SPECIMEN_FAILED_RUN, Reason.SPECIMEN_BODY_FLUID,
        Reason.SPECIMEN_TRAINING, Reason.SPECIMEN_ANIMAL, Reason.SPECIMEN_STATISTIC,
    ]  # fmt: skip


# Tables --------------------------------------------------------------------------------------


def table(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write rows as CSV, each with the results of somebody very sick."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    header = [*(name for name in names if name not in SICK), "age", "sex", *SICK]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, header)
        writer.writeheader()
        writer.writerows({**SICK, **PERSON, **row} for row in rows)
    return path


def scan(path: Path, folder: Path, **options: Any) -> tuple[Any, list[dict[str, str]], list[dict[str, str]]]:
    """Scan a file; return its summary, its flags and its rejects."""
    summary = cbc.scan(path, folder / "flags.csv", folder / "rejects.csv", force=True, **options)
    read = []
    for name in ("flags.csv", "rejects.csv"):
        with (folder / name).open(encoding="utf-8", newline="") as file:
            read.append(list(csv.DictReader(file)))
    return summary, read[0], read[1]


@pytest.mark.parametrize(
    ("column", "other", "patient", "reason"),
    [
        ("Sample Type", "QC level 2", "Venous blood", "SPECIMEN_CONTROL"),
        ("sample_type", "Contrôle", "", "SPECIMEN_CONTROL"),
        ("Specimen", "CSF", "Blood", "SPECIMEN_BODY_FLUID"),
        ("检体", "", "", ""),
        ("Tipo de muestra", "Líquido pleural", "Sangre venosa", "SPECIMEN_BODY_FLUID"),
        ("Probenart", "Blindwert", "EDTA-Blut", "SPECIMEN_BLANK"),
        ("标本类型", "质控", "全血", "SPECIMEN_CONTROL"),
        ("Species", "Feline", "Human", "SPECIMEN_ANIMAL"),
        ("Tierart", "Hund", "Mensch", "SPECIMEN_ANIMAL"),
        ("Breed", "Beagle", "N/A", "SPECIMEN_ANIMAL"),
        ("Sample No.", "QC-40551102", "QC-4055-1102", "SPECIMEN_CONTROL"),
        ("Sample ID", "BACKGROUNDCHECK", "QCHSR-7", "SPECIMEN_BLANK"),
        ("Judgment", "Q", "1", "SPECIMEN_CONTROL"),
        ("Measurement Mode", "BF", "WB", "SPECIMEN_BODY_FLUID"),
        ("Type", "Blank", "Human", "SPECIMEN_BLANK"),
        ("Run status", "Failed", "Completed", "SPECIMEN_FAILED_RUN"),
        ("Processing ID", "T", "P", "SPECIMEN_TRAINING"),
        ("Specimen role", "Q", "P", "SPECIMEN_CONTROL"),
        ("Is QC", "1", "0", "SPECIMEN_CONTROL"),
        ("QC", "yes", "1", "SPECIMEN_CONTROL"),
        ("Test patient", "true", "false", "SPECIMEN_TRAINING"),
        ("ID", "Mean", "SD", "SPECIMEN_STATISTIC"),
        ("Sample ID", "SD", "Smean", "SPECIMEN_STATISTIC"),
        ("Participant", "Upper limit", "N", "SPECIMEN_STATISTIC"),
        ("S.No", "Standard deviation", "12", "SPECIMEN_STATISTIC"),
    ],
)
def test_a_row_of_another_kind_is_rejected_with_its_content(
    column: str, other: str, patient: str, reason: str, tmp_path: Path
) -> None:
    if not reason:  # a header that is not known tells nothing
        other = patient
    rows = [{column: patient, "note": "first"}, {column: other, "note": "second"}, {column: "", "note": "third"}]
    summary, flags, rejects = scan(table(tmp_path / "export.csv", rows), tmp_path, keep=["note"])
    assert [row["note"] for row in flags] == (["first", "third"] if reason else ["first", "second", "third"])
    assert {row["pattern"] for row in flags} == {"pancytopenia"}
    assert [(row["line"], row["reason"]) for row in rejects] == ([("3", reason)] if reason else [])
    assert all("second" in row["content"] and "57 g/L" in row["content"] for row in rejects)
    assert summary.rows_in == summary.screened + summary.rejected == 3
    kind = reason.removeprefix("SPECIMEN_").lower()
    assert summary.specimens == ({kind: 1} if reason else {})
    assert summary.specimen_columns == ((column,) if reason else ())


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("Patient name", "Control, Q."), ("Name", "QC"), ("Ward", "Blank"), ("Group", "control"), ("Arm", "Control"),
        ("Cohort", "control"), ("Diagnosis", "body fluid overload"), ("Comment", "background check"), ("Patient", "QC-40551102"),
        ("Doctor", "Dr. Hund"), ("Status", "failed"), ("Pet owner", "yes"), ("Control", "yes"), ("Patient ID", "QC-40551102"),
        ("City", "Turkey"), ("Organism species", "dog"), ("Name", "Mean"), ("Subject", "SD"), ("Subject", "Max"), ("ID", "Min"), ("Patient ID", "Sum"), ("Type", "Mean"), ("Initials", "CV"),
    ],
)  # fmt: skip
def test_no_patient_is_lost_to_a_word_in_another_column(column: str, text: str, tmp_path: Path) -> None:
    summary, flags, rejects = scan(table(tmp_path / "export.csv", [{column: text}]), tmp_path)
    assert ([row["pattern"] for row in flags], rejects, summary.specimens) == (["pancytopenia"], [], {})


def test_a_blank_row_of_a_control_is_told_as_one(tmp_path: Path) -> None:
    empty = {"Sample Type": "QC"} | dict.fromkeys(SICK, "")
    summary, _, rejects = scan(table(tmp_path / "export.csv", [empty, dict.fromkeys(SICK, "")]), tmp_path)
    assert [row["reason"] for row in rejects] == ["SPECIMEN_CONTROL", "NO_RESULT"]
    assert (summary.screened, dict(summary.rejects)) == (0, {"SPECIMEN_CONTROL": 1, "NO_RESULT": 1})


def test_columns_that_stand_twice_are_named_and_not_read(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(
        "Sample ID,Sample ID,hemoglobin,platelets\nQC-40551102,100001,57 g/L,8 10^9/L\n", encoding="utf-8"
    )
    summary, flags, _ = scan(tmp_path / "export.csv", tmp_path)
    assert len(flags) == 1
    assert "stands twice" in summary.refused_columns["Sample ID"]


def test_a_column_that_the_caller_names_is_read_as_any_of_it(tmp_path: Path) -> None:
    path = table(tmp_path / "export.csv", [{"Art": "Hund"}, {"Art": "Mensch"}, {"Art": "QC"}])
    _, flags, rejects = scan(path, tmp_path, columns={"specimen": "Art"})
    assert ([row["reason"] for row in rejects], len(flags)) == (["SPECIMEN_ANIMAL", "SPECIMEN_CONTROL"], 1)
    frame = cbc.read(path, columns={"specimen": "Art"})
    again = cbc.screen_frame(frame)
    assert again["pattern"].tolist() == ["cannot_tell", "pancytopenia", "cannot_tell"]


def test_a_table_of_every_type_of_cell(tmp_path: Path) -> None:
    """Codes, numbers with gaps, truth values and coded columns, as Parquet has them."""
    numbers = {"HGB (g/L)": [57.0] * 4, "WBC (10^9/L)": [1.8] * 4, "ANC (10^9/L)": [0.2] * 4, "PLT (10^9/L)": [8.0] * 4}
    columns = {
        "Sample Number": pa.array(["QC-40551102", "7", None, "8"]).dictionary_encode(),
        "Is Control": pa.array([None, True, False, None]),
        "Is Blank": pa.array([None, None, 1.0, 0.0]),
        "Sample ID": pa.array([1, 2, 3, 4]),
        "Breed": pa.nulls(4),
    }
    pq.write_table(pa.table({**columns, **numbers}), tmp_path / "export.parquet")
    summary, flags, rejects = scan(tmp_path / "export.parquet", tmp_path)
    assert [row["reason"] for row in rejects] == ["SPECIMEN_CONTROL", "SPECIMEN_CONTROL", "SPECIMEN_BLANK"]
    assert [(row["row"], row["pattern"]) for row in flags] == [("4", "pancytopenia")]
    assert summary.specimens == {"control": 2, "blank": 1}


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_a_frame_keeps_its_rows_and_flags_nothing_of_another_kind(kind: str) -> None:
    rows = {
        "hemoglobin": ["57 g/L"] * 4, "wbc": ["1.8 10^9/L"] * 4, "neutrophils": ["0.2 10^9/L", "", "0.2 10^9/L", ""],
        "platelets": ["8 10^9/L"] * 4, "age": ["54 y"] * 4, "sex": ["F"] * 4, "fever": ["present"] * 4,
        "blasts_on_film": ["present"] * 4, "Sample Type": ["QC", "Blood", None, "CSF"],
    }  # fmt: skip
    frame = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.table}[kind](rows)
    found = cbc.screen_frame(frame)
    flags = found.to_pylist() if kind == "arrow" else found.to_dicts() if kind == "polars" else found.to_dict("records")
    assert [row["pattern"] for row in flags] == ["cannot_tell", "pancytopenia", "pancytopenia", "cannot_tell"]
    for row, reason in ((flags[0], "SPECIMEN_CONTROL"), (flags[3], "SPECIMEN_BODY_FLUID")):
        assert_nothing_is_flagged(row)
        assert f"specimen:{reason}" in row["reasons"]
        assert f"hemoglobin:{reason};wbc:{reason}" in row["reasons"]
    assert "neutrophils:SPECIMEN_CONTROL" in flags[0]["reasons"]
    assert "neutrophils:SPECIMEN" not in flags[3]["reasons"]  # not sent there
    assert flags[3]["neutrophils_state"] == "not_assessed"


def assert_nothing_is_flagged(flags: Mapping[str, Any]) -> None:
    lines = {flags[f"{line}_line"] for line in ("red", "white", "platelet")}
    assert (flags["pattern"], lines) == ("cannot_tell", {"cannot_tell"})
    assert flags["urgency"] in ("none", "cannot_tell")
    listed = [flags[name] for name in ("checklist", "guards", "review_triggers", "published_cutoffs")]
    assert listed == [""] * 4
    states = {flags[name] for name in flags if name.endswith("_state")}
    assert states <= {"cannot_tell", "not_assessed"}
    assert all(
        flags[f"{name}_grade"] is None or pd.isna(flags[f"{name}_grade"])
        for name in ("hemoglobin", "white", "platelets")
    )


# One record ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("specimen", "reason"),
    [("QC level 1", Reason.SPECIMEN_CONTROL), ("CSF", Reason.SPECIMEN_BODY_FLUID), ("Canis familiaris", Reason.SPECIMEN_ANIMAL),
     ("training", Reason.SPECIMEN_TRAINING), ("blank", Reason.SPECIMEN_BLANK), ("failed run", Reason.SPECIMEN_FAILED_RUN)],
)  # fmt: skip
def test_a_record_of_another_kind(specimen: str, reason: Reason) -> None:
    record = {
        **SICK,
        **PERSON,
        "specimen": specimen,
        "film": {"blasts_on_film": "present"},
        "context": {"fever": "present"},
    }
    result = cbc.screen(record)
    assert_nothing_is_flagged(result.flags())
    assert ("specimen", reason) in result.reasons
    assert all((name, reason) in result.reasons for name in SICK)
    assert not result.checklist


@pytest.mark.parametrize("specimen", [None, "", "venous blood", "WB", "Blut", "capillary", "whatever it was", "N/A"])
def test_a_record_of_a_patients_blood(specimen: str | None) -> None:
    result = cbc.screen({**SICK, **PERSON, "specimen": specimen})
    assert (result.pattern.value, result.urgency.value) == ("pancytopenia", "immediate")
    assert result.flags() == cbc.screen({**SICK, **PERSON}).flags()


def test_a_record_and_a_row_say_the_same() -> None:
    words = ["QC", "Urine", "dog", "venous blood", "training", None, "Blank", "whatever", "failed", "Beagle"]
    rows = [{**SICK, **PERSON, "specimen": word, "fever": "present", "pregnancy": "T3"} for word in words]
    found = cbc.screen_frame(pd.DataFrame(rows)).astype(object).to_dict("records")
    for row, flags in zip(rows, found, strict=True):
        record = {name: value for name, value in row.items() if name != "fever"} | {"context": {"fever": "present"}}
        own = cbc.screen(record).flags()
        assert own == {name: None if pd.isna(value) else value for name, value in flags.items()}, row["specimen"]


# Messages ------------------------------------------------------------------------------------

MSH = "MSH|^~\\&|AN|LAB|||20250311094402||ORU^R01|{number}|{processing}|2.5.1"
RESULTS = (
    "OBX|1|NM|718-7^HGB^LN||57|g/L|||||F\rOBX|2|NM|6690-2^WBC^LN||1.8|10*9/L|||||F\r"
    "OBX|3|NM|751-8^NEU#^LN||0.2|10*9/L|||||F\rOBX|4|NM|777-3^PLT^LN||8|10*9/L|||||F\rOBX|5|NM|10002^PCT^99MRC||0.04|%|||||F\r"
)


def hl7(
    processing: str = "P", pid: Mapping[int, str] | None = None, obr: Mapping[int, str] | None = None,
    spm: Mapping[int, str] | None = None, mode: str = "", number: str = "1",
) -> str:  # fmt: skip
    """Write a message whose fields are as given, by their numbers."""

    def segment(name: str, known: Mapping[int, str], given: Mapping[int, str]) -> str:
        fields = {**known, **given}
        return "|".join([name, *(fields.get(place, "") for place in range(1, max(fields) + 1))]) + "\r"

    person = segment("PID", {1: "1", 3: f"T{number}^^^H^MR", 5: "QC^Control", 7: "19700101", 8: "M"}, pid or {})
    order = segment(
        "OBR", {1: "1", 3: f"F{number}", 4: "58410-2^CBC^LN", 7: f"2025031109{number.zfill(2)}15"}, obr or {}
    )
    specimen = segment("SPM", {1: "1"}, spm) if spm else ""
    return f"{MSH.format(number=number, processing=processing)}\r{person}{order}{mode}{RESULTS}{specimen}"


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"processing": "T"}, TRAINING), ({"processing": "D"}, TRAINING), ({"processing": "T^T"}, TRAINING),
        ({"processing": "Q"}, CONTROL), ({"obr": {11: "Q"}}, CONTROL), ({"obr": {4: "00003^LJ QCR^99MRC"}}, CONTROL),
        ({"obr": {15: "CSF"}}, FLUID), ({"obr": {15: "PLR&Pleural fluid&HL70070"}}, FLUID), ({"obr": {15: "X1^Urine"}}, FLUID),
        ({"spm": {4: "UR^Urine^HL70487"}}, FLUID), ({"spm": {4: "258450006^^SCT"}}, FLUID), ({"spm": {4: "^^^^^^^^Ascites"}}, FLUID),
        ({"spm": {4: "BLD", 11: "Q"}}, CONTROL), ({"spm": {4: "BLD", 11: "C^Calibrator^HL70369"}}, CONTROL),
        ({"spm": {4: "BLD", 11: "^Blind Sample"}}, CONTROL), ({"spm": {2: "QC-40551102", 4: "BLD"}}, CONTROL),
        ({"pid": {35: "L-80700^Canine, NOS^SNM3"}}, ANIMAL), ({"pid": {35: "^Gyps fulvus"}}, ANIMAL), ({"pid": {36: "^Beagle"}}, ANIMAL),
        ({"mode": "OBX|1|IS|08002^Blood Mode^99MRC||BF||||||F\r"}, FLUID),
        ({"mode": "OBX|1|ST|X^Measurement Mode^L||Background||||||F\r"}, BLANK),
    ],
)  # fmt: skip
def test_a_message_of_another_kind(fields: dict[str, Any], kind: SpecimenKind, tmp_path: Path) -> None:
    (tmp_path / "feed.hl7").write_bytes((hl7(**fields, number="1") + hl7(number="2")).encode())
    summary, flags, rejects = scan(tmp_path / "feed.hl7", tmp_path, keep=["person"])
    assert [(row["person"], row["pattern"]) for row in flags] == [("T2^H", "pancytopenia")]
    assert kind.reason is not None
    assert summary.results["rejected"] == {kind.reason.value: 4}
    assert [row["reason"] for row in rejects] == [kind.reason.value] * 4
    assert [row["content"] for row in rejects] == RESULTS.split("\r")[:4]
    assert summary.specimens == {kind.value: 4}


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"processing": "P^T"}, {"processing": ""}, {"processing": "1"},
        *({"obr": {11: code}} for code in "AGLOPRS"), {"obr": {11: '""'}},
        {"obr": {15: "BLDV&Blood venous&HL70070^EDTA^^Joint"}}, {"obr": {15: "^^^Left arm"}}, {"obr": {15: "SER"}},
        {"spm": {4: "119297000^BLD^SCT^^^^^^Blood", 11: "P"}}, {"spm": {4: "BLD", 11: ""}}, {"spm": {4: "BLD", 11: "G"}},
        {"spm": {4: "SER^Serum"}}, {"spm": {2: "21QC-40551102", 4: "BLD"}},
        {"pid": {35: "337915000^Homo sapiens^SCT"}}, {"pid": {35: "HUM01^Human^L", 36: "^mixed"}}, {"pid": {35: '""'}},
        {"pid": {3: "QC-40551102^^^H^MR"}}, {"pid": {5: "BLANK^CANINE"}}, {"obr": {3: "QC-40551102"}},
        {"mode": "OBX|1|IS|08002^Blood Mode^99MRC||W||||||F\r"}, {"obr": {4: "00001^Automated Count^99MRC"}},
    ],
)  # fmt: skip
def test_a_patients_message_is_screened(fields: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "feed.hl7").write_bytes(hl7(**fields).encode())
    summary, flags, _ = scan(tmp_path / "feed.hl7", tmp_path)
    assert ([row["pattern"] for row in flags], summary.specimens) == (["pancytopenia"], {})


def test_a_control_beside_a_patient_in_one_message(tmp_path: Path) -> None:
    """Of two orders only the one that says so is a control; it makes nothing unknown beside it."""
    second = "OBR|2||F9|58410-2^CBC^LN|||202503110915||||Q\rOBX|1|NM|777-3^PLT^LN||200|10*9/L|||||F\r"
    (tmp_path / "feed.hl7").write_bytes((hl7() + second).encode())
    summary, flags, _ = scan(tmp_path / "feed.hl7", tmp_path)
    assert [row["platelets_state"] for row in flags] == ["low"]
    assert summary.results["rejected"] == {"SPECIMEN_CONTROL": 1}


def test_fluid_taken_at_the_same_time_takes_nothing_from_the_blood(tmp_path: Path) -> None:
    second = (
        "OBR|2||F9|X^Cell count^L|||20250311090115||||||||PLR&Pleural fluid\rOBX|1|NM|6690-2^WBC^LN||900|10*6/L|||||F\r"
        "OBX|2|NM|WBC^WBC^L||900|10*6/L|||||F\r"
    )
    (tmp_path / "feed.hl7").write_bytes((hl7() + second).encode())
    summary, flags, _ = scan(tmp_path / "feed.hl7", tmp_path)
    assert [(row["pattern"], row["reasons"]) for row in flags] == [("pancytopenia", "")]
    assert summary.results["rejected"] == {"SPECIMEN_BODY_FLUID": 2}


def observation(code: str, value: float, unit: str, **more: Any) -> dict[str, Any]:
    quantity = {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    return {
        "resourceType": "Observation", "id": f"o{code}", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "Patient/p"}, "effectiveDateTime": "2024-05-01T08:00:00Z", "valueQuantity": quantity, **more,
    }  # fmt: skip


def count(**more: Any) -> list[dict[str, Any]]:
    return [
        observation(*one, **more)
        for one in (("718-7", 57, "g/L"), ("6690-2", 1.8, "10*9/L"), ("751-8", 0.2, "10*9/L"), ("777-3", 8, "10*9/L"))
    ]


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "1970-02-01", **more}


ANIMAL_URL = "http://hl7.org/fhir/StructureDefinition/patient-animal"
HTEST = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST", "display": "test health data"}
DOG = {"coding": [{"system": "http://snomed.info/sct", "code": "448771007", "display": "Canis lupus familiaris"}]}


def species(concept: Any) -> dict[str, Any]:
    return {"url": ANIMAL_URL, "extension": [{"url": "species", "valueCodeableConcept": concept}]}


def specimen(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Specimen", "id": "s", **more}


OF_S = {"specimen": {"reference": "Specimen/s"}}
ANOTHER = [
    ([patient(extension=[species(DOG)]), *count()], ANIMAL),
    ([patient(extension=[species({"coding": [{"code": "12345"}]})]), *count()], ANIMAL),  # one that nobody listed
    ([patient(extension=[{"url": ANIMAL_URL}]), *count()], ANIMAL),
    ([patient(animal={"species": DOG}), *count()], ANIMAL),  # STU3
    ([patient(meta={"security": [HTEST]}), *count()], TRAINING),
    ([patient(meta={"tag": [HTEST]}), *count()], TRAINING),
    ([patient(), *count(meta={"security": [HTEST]})], TRAINING),
    ([patient(), *count(subject={"reference": "Device/xn1000"})], CONTROL),
    ([patient(), *count(subject={"reference": "https://lab.example/fhir/Substance/lot7"})], CONTROL),
    ([patient(), *count(subject={"reference": "urn:uuid:7", "type": "Location"})], CONTROL),
    ([patient(), specimen(type={"text": "Cerebrospinal fluid"}), *count(**OF_S)], FLUID),
    ([patient(), specimen(type={"coding": [{"code": "418564007"}]}), *count(**OF_S)], FLUID),
    ([patient(), specimen(type={"coding": [{"code": "UR", "display": "Urine"}]}), *count(**OF_S)], FLUID),
    ([patient(), specimen(role=[{"coding": [{"system": "http://hl7.org/fhir/specimen-role", "code": "q"}]}]), *count(**OF_S)], CONTROL),
    ([patient(), specimen(subject={"reference": "Device/xn1000"}), *count(**OF_S)], CONTROL),
    ([patient(), specimen(accessionIdentifier={"value": "QC-40551102"}), *count(**OF_S)], CONTROL),
    ([patient(), *count(specimen={"display": "Quality control level 2"})], CONTROL),
    ([patient(), *count(contained=[{"resourceType": "Device", "id": "d"}], subject={"reference": "#d"})], CONTROL),
]  # fmt: skip


@pytest.mark.parametrize("by_line", [False, True])
@pytest.mark.parametrize(("resources", "kind"), ANOTHER)
def test_fhir_of_another_kind(
    resources: list[dict[str, Any]], kind: SpecimenKind, by_line: bool, tmp_path: Path
) -> None:
    """In one bundle, and one resource a line as a bulk export has them, in any order."""
    assert kind.reason is not None
    for order in (resources, resources[::-1]):
        if by_line:
            text = "".join(json.dumps(one) + "\n" for one in order)
        else:
            text = json.dumps(
                {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in order]}
            )
        (tmp_path / "source.json").write_text(text, encoding="utf-8")
        summary, flags, rejects = scan(tmp_path / "source.json", tmp_path)
        assert (flags, summary.results["rejected"]) == ([], {kind.reason.value: 4})
        assert all(json.loads(row["content"])["resourceType"] == "Observation" for row in rejects)
        assert summary.specimens == {kind.value: 4}


@pytest.mark.parametrize(
    "resources",
    [
        [patient(), *count()],
        [patient(extension=[species({"text": "Homo sapiens"})]), *count()],  # forbidden there, and meant as a person
        [patient(name=[{"family": "Control", "given": ["QC"]}]), *count()],
        [patient(meta={"tag": [{"system": "http://example.org/tags", "code": "HTEST"}]}), *count()],
        [patient(meta={"security": [{"system": HTEST["system"], "code": "TREAT"}]}), *count()],
        [patient(), specimen(type={"coding": [{"code": "119297000", "display": "Blood specimen"}]}), *count(**OF_S)],
        [patient(), specimen(role=[{"coding": [{"code": "p"}]}], subject={"reference": "Patient/p"}), *count(**OF_S)],
        [patient(), specimen(note=[{"text": "QC passed"}]), *count(**OF_S)],
        [patient(), *count(performer=[{"reference": "Device/xn1000"}], device={"reference": "Device/xn1000"})],
        [patient(), {"resourceType": "Device", "id": "p"}, *count()],
    ],
)  # fmt: skip
def test_a_patients_fhir_is_screened(resources: list[dict[str, Any]], tmp_path: Path) -> None:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}
    (tmp_path / "source.json").write_text(json.dumps(bundle), encoding="utf-8")
    summary, flags, _ = scan(tmp_path / "source.json", tmp_path)
    assert ([row["pattern"] for row in flags], summary.specimens) == (["pancytopenia"], {})


def test_a_bundle_of_test_data(tmp_path: Path) -> None:
    entries = [{"resource": one} for one in (patient(), *count())]
    bundle = {"resourceType": "Bundle", "type": "collection", "meta": {"security": [HTEST]}, "entry": entries}
    (tmp_path / "source.json").write_text(json.dumps(bundle), encoding="utf-8")
    summary, flags, _ = scan(tmp_path / "source.json", tmp_path)
    assert (flags, summary.specimens) == ([], {"training": 4})


# Tables of one result a row ------------------------------------------------------------------

LONG = "id,at,test,result,unit,{column}\n" + "".join(
    f"{{person}},2024-01-02,{name},{number},{unit},{{said}}\n"
    for name, number, unit in (
        ("Hemoglobin", "57", "g/L"), ("WBC", "1.8", "10^9/L"), ("Neutrophils abs", "0.2", "10^9/L"), ("Platelets", "8", "10^9/L")
    )
)  # fmt: skip
PROFILE = (
    "id: own\ntitle: t\nshape: long\nsource: s\n"
    "columns: {person: id, name: test, value: result, unit: unit, collected_at: at}\npersons: {person: id, sex: sex}\n"
)


@pytest.mark.parametrize(
    ("column", "other", "own", "kind"),
    [
        ("Sample Type", "QC", "EDTA blood", "control"),
        ("specimen", "Ascites", "Blood", "body_fluid"),
        ("species", "Equine", "human", "animal"),
        ("sample_id", "QC-40551102", "QC-40", "control"),
        ("Measurement Mode", "BF", "WB", "body_fluid"),
        ("is_blank", "true", "false", "blank"),
    ],
)
def test_a_long_table(column: str, other: str, own: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(PROFILE, encoding="utf-8")
    text = (
        LONG.format(column=column, person="a", said=other)
        + LONG.format(column=column, person="b", said=own).split("\n", 1)[1]
    )
    (tmp_path / "long.csv").write_text(text, encoding="utf-8")
    summary, flags, rejects = scan(tmp_path / "long.csv", tmp_path, profile=str(tmp_path / "own.yaml"), keep=["person"])
    assert [(row["person"], row["pattern"]) for row in flags] == [("b", "pancytopenia")]
    assert summary.specimens == {kind: 4}
    assert [row["content"].split(",")[0] for row in rejects] == ["a"] * 4


def test_an_animal_in_the_table_of_persons(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(PROFILE, encoding="utf-8")
    (tmp_path / "persons.csv").write_text("id,sex,species\na,M,dog\nb,F,Homo sapiens\n", encoding="utf-8")
    text = LONG.format(column="x", person="a", said="") + LONG.format(column="x", person="b", said="").split("\n", 1)[1]
    (tmp_path / "long.csv").write_text(text, encoding="utf-8")
    summary, flags, _ = scan(
        tmp_path / "long.csv",
        tmp_path,
        profile=str(tmp_path / "own.yaml"),
        persons=tmp_path / "persons.csv",
        keep=["person"],
    )
    assert ([row["person"] for row in flags], summary.specimens) == (["b"], {"animal": 4})


# Real exports --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "screened", "specimens"),
    [
        ("vet_species_column.csv", 0, {"animal": 2}),
        ("fhir_animal.json", 0, {"animal": 5}),
        ("hl7_obr11_control.hl7", 0, {"control": 3}),
        ("mindray_bc5150_with_qc.hl7", 1, {"control": 16}),
        ("sysmex_xn_export.csv", 4, {"control": 1, "body_fluid": 1}),
        ("human_humacount_export.txt", 3, {"blank": 2}),
        ("mindray_bc5150_age_in_obx.hl7", 1, {}),
        ("dymind_hl7_comma_ranges.hl7", 1, {}),
    ],
)
def test_what_real_exports_hold(
    name: str, screened: int, specimens: dict[str, int], shared: Path, tmp_path: Path
) -> None:
    summary, flags, rejects = scan(shared / "field/exports" / name, tmp_path)
    assert (len(flags), summary.specimens) == (screened, specimens)
    others = [row for row in rejects if row["reason"].startswith("SPECIMEN_")]
    assert len(others) == sum(specimens.values())
    assert all(row["content"] for row in others)
    manifest = json.loads((tmp_path / "flags.csv.manifest.json").read_text(encoding="utf-8"))
    assert manifest["counts"]["specimens"] == specimens


CONTROLS = [
    ("PATIENT_ID", ("QC", "QC2", "QC-L2", "IQC 1", "quality control"), ("P1", "QCARLOS", "CTRL-01", "Q")),
    ("MRN", ("QC-LOW",), ("4711",)),
    ("SPECIMEN_ID", ("CTRL-LOW-0506", "CTRL-HIGH", "QC-NORMAL-12", "QCL1"), ("S1", "CTRL-GROUP-7")),
]


@pytest.mark.parametrize(("column", "controls", "patients"), CONTROLS)
def test_a_control_under_a_number_is_no_patient(
    column: str, controls: tuple[str, ...], patients: tuple[str, ...]
) -> None:
    keys = [*controls, *patients]
    counts = {"age (y)": 50, "sex": "F", "HGB (g/dL)": 6.0, "WBC (10^9/L)": 2.1, "PLT (10^9/L)": 55}
    flags = cbc.screen_frame(pd.DataFrame([{column: key, **counts} for key in keys]))
    assert list(flags["pattern"]) == ["cannot_tell"] * len(controls) + ["pancytopenia"] * len(patients)


LIS = "PAT_NO,SPEC_NO,TST_NM,RSLT,UOM,COLL_DTM,DOB,SX,RSLT_STAT"
LONG_KEYS = [("QC", "S1"), ("QC-LEVEL1", "S2"), ("QC1", "S3"), ("P1", "QC-40551102"), ("P2", "CTRL-L2"), ("CONTROL", "S4"),
             ("P3", "XN CHECK L1"), ("P4", "QC-LOW"), ("P6", "CTRL-LOW-0506")]  # fmt: skip


@pytest.mark.parametrize(
    "result_without_a_person", [False, True], ids=["in columns", "with one that is read with care"]
)
def test_a_control_under_a_number_is_no_patient_in_a_long_table_either(
    result_without_a_person: bool, tmp_path: Path
) -> None:
    """Whatever the columns of the numbers are called."""
    results = (("Hemoglobin", 6.0, "g/dL"), ("WBC", 2.1, "10^9/L"), ("Platelets", 55, "10^9/L"))
    keys = [*LONG_KEYS, ("P5", "S5"), ("QCARLOS", "S6")]
    lines = [
        f"{person},{sample},{test},{value},{unit},2024-05-06 08:00,1970-01-01,F,F"
        for person, sample in keys
        for test, value, unit in results
    ]
    lines += [",,Hemoglobin,9,g/dL,,,,"] if result_without_a_person else []
    (tmp_path / "lis.csv").write_text("\n".join([LIS, *lines]), encoding="utf-8")
    summary = cbc.scan(tmp_path / "lis.csv", tmp_path / "flags.csv", keep=["person"])
    flags = pd.read_csv(tmp_path / "flags.csv")
    assert list(flags.loc[flags["pattern"] == "pancytopenia", "person"]) == ["P5", "QCARLOS"]
    assert summary.results["rejected"] == {"SPECIMEN_CONTROL": len(results) * len(LONG_KEYS)}
