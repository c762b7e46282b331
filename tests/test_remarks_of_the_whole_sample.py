"""What is said of a sample or of a person behind one result is said of all that was measured; so is it in the place of a specimen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import cbc_screen as cbc
from cbc_screen.ingest.results import LabResult, ResultCode
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.beside_cells import said_under
from cbc_screen.normalize.identify import Identifier
from cbc_screen.normalize.judging import Judge
from cbc_screen.vocabulary import Reason

LINES = ["red_line", "white_line", "platelet_line"]
RESULTS = (
    ("718-7", "Hemoglobin", "14", "g/dL"), ("6690-2", "WBC", "6", "10*9/L"), ("777-3", "Platelets", "250", "10*9/L"),
    ("751-8", "Neutrophils", "4", "10*9/L"),
)  # fmt: skip
NOT_LOW, UNKNOWN = "not_low", "cannot_tell"
OF_ALL = [
    "Wrong blood in tube - disregard all results", "Sample clotted", "wrong patient", "Mislabelled specimen", "Please disregard CBC",
    "Specimen contaminated with IV fluid", "Wrong tube type (heparin)", "Probe geronnen", "标本有凝块", "muestra coagulada", "Small clots in sample", "sample partially clotted", "Specimen belongs to a different patient",
]  # fmt: skip
# Of one part, or of the next sample: it costs the result that it stands behind.
OF_ONE = [
    "Clotted", "凝固", "Do not use", "Result is invalid", "Insufficient sample for differential", "Count invalid. Repeat sample in citrate.",
    "Differential cancelled: specimen too old", "Diff not valid, sample >24h old", "Aggregati, risultato non attendibile, ripetere su provetta con citrato",
]  # fmt: skip
OF_NONE = [
    "Earlier sample rejected, redrawn",
    "No clots in the sample",
    "Specimen received on time",
    "Patient informed, result confirmed",
    "verified",
]


def scanned(path: Path) -> list[str]:
    out = path.with_suffix(".parquet")
    cbc.scan(str(path), str(out), force=True)
    return [str(state) for state in pd.read_parquet(out)[LINES].iloc[0]]


def message(folder: Path, remark: str) -> list[str]:
    segments = [
        "MSH|^~\\&|A|B|C|D|20240101||ORU^R01|1|P|2.5",
        "PID|1||P1||||19700101|F",
        "OBR|1|||CBC|||20240101080000",
    ]
    for place, (code, name, value, unit) in enumerate(RESULTS, start=1):
        segments.append(f"OBX|{place}|NM|{code}^{name}^LN||{value}|{unit}|||||F")
    path = folder / "messages.hl7"
    path.write_text("\r".join([*segments, f"NTE|1|L|{remark}", ""]), encoding="utf-8")
    return scanned(path)


def long_table(folder: Path, remark: str) -> list[str]:
    rows = ["patient_id,age,sex,collected_at,test,result,unit,comment"]
    for place, (_, name, value, unit) in enumerate(RESULTS):
        said = remark if place == len(RESULTS) - 1 else ""
        rows.append(f'P1,54 y,F,2024-01-01,{name},{value},{unit},"{said}"')
    path = folder / "long.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    return scanned(path)


def frame(remark: str) -> list[str]:
    cells = {f"{name} ({unit})": [value] for _, name, value, unit in RESULTS}
    flags = cbc.screen_frame(pd.DataFrame({"age": ["54 y"], "sex": ["F"], **cells, "Neutrophils comment": [remark]}))
    return [str(state) for state in flags[LINES].iloc[0]]


def record(remark: str) -> list[str]:
    own = {name.lower(): f"{value} {unit}" for _, name, value, unit in RESULTS}
    result = cbc.screen(
        {"age": "54 y", "sex": "F", **own, "neutrophils": {"value": "4", "unit": "10*9/L", "flag": remark}}
    )
    return [str(line.state) for line in result.lines]


@pytest.mark.parametrize(
    ("remark", "expected"),
    [
        *((remark, [UNKNOWN] * 3) for remark in OF_ALL),
        *((remark, [NOT_LOW, UNKNOWN, NOT_LOW]) for remark in OF_ONE),
        *((remark, [NOT_LOW] * 3) for remark in OF_NONE),
    ],
)
def test_a_remark_behind_the_neutrophils_through_every_door(remark: str, expected: list[str], tmp_path: Path) -> None:
    assert message(tmp_path, remark) == expected
    assert long_table(tmp_path, remark) == expected
    assert frame(remark) == expected
    assert record(remark) == expected


def test_what_is_said_of_the_tube_of_a_chemistry_value_takes_no_count_back() -> None:
    own = {name.lower(): f"{value} {unit}" for _, name, value, unit in RESULTS}
    ferritin = {"value": "20", "unit": "ug/L", "flag": "Specimen insufficient"}
    result = cbc.screen({"age": "54 y", "sex": "F", **own, "ferritin": ferritin})
    assert [str(line.state) for line in result.lines] == [NOT_LOW] * 3


@pytest.mark.parametrize(
    "specimen", ["clotted", "EDTA clotted", "凝固", "quantity not sufficient", "hyytynyt", "próbka skrzep"]
)
def test_words_in_the_place_of_a_specimen(specimen: str, tmp_path: Path) -> None:
    own = {name.lower(): f"{value} {unit}" for _, name, value, unit in RESULTS}
    result = cbc.screen({"age": "54 y", "sex": "F", "specimen": specimen, **own})
    assert [str(line.state) for line in result.lines] == [UNKNOWN] * 3
    cells = {f"{name} ({unit})": [value, value] for _, name, value, unit in RESULTS}
    table = pd.DataFrame({"age": ["54 y"] * 2, "sex": ["F"] * 2, "sample type": [specimen, "EDTA blood"], **cells})
    assert cbc.screen_frame(table)["pattern"].astype(str).tolist() == ["cannot_tell", "none"]
    rows = ["patient_id,age,sex,collected_at,test,result,unit,specimen"]
    rows += [f"P1,54 y,F,2024-01-01,{name},{value},{unit},{specimen}" for _, name, value, unit in RESULTS]
    path = tmp_path / "long.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    assert scanned(path) == [UNKNOWN] * 3


@pytest.mark.parametrize(
    "column", ["Flags", "Flag", "IP message", "Analyzer flags", "Suspect flags", "Sample quality", "Specimen condition"]
)
def test_flags_of_an_analyzer_in_a_column_of_their_own(column: str) -> None:
    cells = {f"{name} ({unit})": [value] * 3 for _, name, value, unit in RESULTS}
    flags = cbc.screen_frame(
        pd.DataFrame({"age": ["54 y"] * 3, "sex": ["F"] * 3, **cells, column: ["PLT clumps?", "clotted", "H"]})
    )
    assert flags["guards"].astype(str).tolist() == ["platelet_clumps_suspected", "", ""]
    assert flags["pattern"].astype(str).tolist() == ["none", "cannot_tell", "none"]


@pytest.mark.parametrize("column", ["NEUT comment", "NEUT flag", "Neutrophils comment", "ANC IP message"])
@pytest.mark.parametrize("name", ["NEUT (10^9/L)", "NEUT (%)"])
def test_a_name_of_a_count_or_its_percentage_has_its_flag(column: str, name: str) -> None:
    value = "4" if "L" in name else "60"
    table = pd.DataFrame(
        {"age": ["54 y"], "sex": ["F"], "HGB (g/dL)": [14], "WBC (10^9/L)": [6], "PLT (10^9/L)": [250], name: [value], column: ["clotted"]}
    )  # fmt: skip
    assert cbc.screen_frame(table)[LINES].astype(str).iloc[0].tolist() == [NOT_LOW, UNKNOWN, NOT_LOW]


@pytest.mark.parametrize(
    ("header", "text", "said"),
    [
        ("Specimen type", "EDTA", ""), ("Specimen type", "hemolyzed", ""), ("Specimen type", "clotted", "clotted"), ("Flags", "EDTA", ""),
        ("Comment", "EDTA", "EDTA"), ("Comment", "hemolyzed", "hemolyzed"), ("Sample condition", "hemolyzed", "hemolyzed"),
        ("Sample ID", "hemolyzed", "hemolyzed"),  # not of what was taken, though of the specimen
    ],
)  # fmt: skip
def test_what_a_text_under_a_header_says_of_a_row(header: str, text: str, said: str) -> None:
    """Where a tube or a part may be named, only what is said of a clot or of clumps is a remark."""
    assert said_under(header, text, load_knowledge()) == said


@pytest.mark.parametrize("name", ["Hemoglobin", "Neutrophils manual"])
def test_what_may_be_of_a_control_is_of_a_control(name: str) -> None:
    """Also where it is not known which result it is; of another fluid it is no part of a count."""
    judge, identifier = Judge(load_knowledge()), Identifier(load_knowledge(), {})
    result = LabResult(
        line=1, person="p", group="", collected_at="", codes=(ResultCode("", name, ""),), value="3", unit="10^9/L"
    )
    control, fluid = (replace(result, stated=(("type", kind),)) for kind in ("Quality control", "CSF"))
    assert judge.of(control, identifier, {}).reason is Reason.SPECIMEN_CONTROL
    assert judge.of(fluid, identifier, {}).possible == ()
