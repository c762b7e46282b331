"""The recipe of a new analyte in CONTRIBUTING.md: one entry in the data, and every reader and every door takes it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge
from cbc_screen.record import ANALYTE_FIELDS

ROOT = Path(__file__).resolve().parents[1]
RECIPE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## An analyte\n")[2]
ENTRY = RECIPE.partition("```yaml\n")[2].partition("```")[0]
TABLE = "person,collected_at,age,sex,HGB (g/dL),Smudge cells (10^9/L)\nA,2024-03-01,54 y,F,9.1,3.5\n"
LONG = (
    "patient_id,age,sex,collected_at,test,result,unit\n"
    "A,54 y,F,2024-03-01,Hemoglobin,9.1,g/dL\nA,54 y,F,2024-03-01,Smudge cells,3.5,10^9/L\n"
)
HL7 = (
    "MSH|^~\\&|LAB|X|R|Y|20240301120000||ORU^R01|M1|P|2.5.1\rPID|1||A||||19700301|F\rOBR|1|A1|B1|58410-2^CBC^LN|||20240301090000\r"
    "OBX|1|NM|718-7^Hemoglobin^LN||9.1|g/dL|||||F\rOBX|2|NM|99990-4^Smudge cells^LN||3.5|10*9/L|||||F\r"
)
ASTM = (
    "H|\\^&|||ANALYZER^1|||||||P|E1394-97|20240301\rP|1|A|||DOE^J||19700301|F\rO|1|S1||^^^CBC|R||20240301101500||||N||||Blood\r"
    "R|1|^^^HGB|9.1|g/dL|||||F\rR|2|^^^Smudge cells|3.5|10*9/L|||||F\rL|1|N\r"
)


def observation(code: str, value: float, unit: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "Patient/A"},
        "effectiveDateTime": "2024-03-01T09:00:00Z",
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }


PERSON = {"resourceType": "Patient", "id": "A", "birthDate": "1970-03-01", "gender": "female"}
RESOURCES = [PERSON, observation("718-7", 9.1, "g/dL"), observation("99990-4", 3.5, "10*9/L")]
FHIR_XML = (
    '<Bundle xmlns="http://hl7.org/fhir"><type value="collection"/>'
    '<entry><resource><Patient><id value="A"/><gender value="female"/><birthDate value="1970-03-01"/></Patient></resource></entry>'
    + "".join(
        '<entry><resource><Observation><status value="final"/>'
        f'<code><coding><system value="http://loinc.org"/><code value="{code}"/></coding></code>'
        '<subject><reference value="Patient/A"/></subject><effectiveDateTime value="2024-03-01T09:00:00Z"/>'
        f'<valueQuantity><value value="{value}"/><unit value="{unit}"/><system value="http://unitsofmeasure.org"/>'
        f'<code value="{unit}"/></valueQuantity></Observation></resource></entry>'
        for code, value, unit in (("718-7", "9.1", "g/dL"), ("99990-4", "3.5", "10*9/L"))
    )
    + "</Bundle>"
)
CCDA = (
    '<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><recordTarget><patientRole>'
    '<id root="1.2.3" extension="A"/><patient><administrativeGenderCode code="F"/><birthTime value="19700301"/></patient></patientRole>'
    '</recordTarget><component><structuredBody><component><section><entry><organizer classCode="BATTERY" moodCode="EVN">'
    '<id root="1.2.3" extension="B1"/><statusCode code="completed"/><effectiveTime value="20240301091500"/>'
    + "".join(
        f'<component><observation classCode="OBS" moodCode="EVN"><code code="{code}" codeSystem="2.16.840.1.113883.6.1"/>'
        f'<statusCode code="completed"/><value xsi:type="PQ" value="{value}" unit="{unit}"/></observation></component>'
        for code, value, unit in (("718-7", "9.1", "g/dL"), ("99990-4", "3.5", "10*9/L"))
    )
    + "</organizer></entry></section></component></structuredBody></component></ClinicalDocument>"
)
FILES = {
    "table.csv": TABLE,
    "table.tsv": TABLE.replace(",", "\t"),
    "table.ndjson": json.dumps(dict(zip(*(line.split(",") for line in TABLE.splitlines()), strict=True))) + "\n",
    "results.csv": LONG,
    "message.hl7": HL7,
    "message.astm": ASTM,
    "bundle.json": json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in RESOURCES]}),
    "resources.ndjson": "".join(json.dumps(one) + "\n" for one in RESOURCES),
    "bundle.xml": FHIR_XML,
    "document.xml": CCDA,
}  # fmt: skip
WRITTEN = ("table.parquet", "table.xlsx")
DOORS = """
import json, sys
from pathlib import Path
import pandas as pd
import cbc_screen as cbc

folder, found = Path(sys.argv[1]), {}
frame = pd.read_csv(folder / "table.csv")
frame.to_parquet(folder / "table.parquet")
frame.to_excel(folder / "table.xlsx", index=False)
for path in sorted(folder.iterdir()):
    try:
        own = {"columns": {"name": "test", "value": "result"}} if path.name == "results.csv" else {}
        (row,) = cbc.read(path, as_received=True, **own).to_dict("records")
        found[path.name] = float(row["smudge_cells"])
    except Exception as error:
        found[path.name] = f"{type(error).__name__}: {error}"
record = {"age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL", "smudge_cells": "3.5 10^9/L"}
try:
    made = cbc.CBCRecord.model_validate_json(json.dumps(record))
    again = cbc.CBCRecord.model_validate(made.model_dump())
    assert (made, again) == (cbc.CBCRecord(**record), made)
    for name, given in (("mapping", record), ("record", made)):
        (own,) = [one for one in cbc.screen(given).analytes if one.analyte == "smudge_cells"]
        found[name] = [own.low, own.high]
except Exception as error:
    found["record"] = f"{type(error).__name__}: {error}"
cbc.scan(folder / "table.csv", folder / "flags.parquet", received=True)
(own,) = [one for one in cbc.screen_again(folder / "flags.parquet", 2).analytes if one.analyte == "smudge_cells"]
found["again"] = [own.low, own.high]
unread = {"Smudge cells (10^9/L)": ["some"], "age": ["54 y"], "sex": ["F"], "HGB (g/dL)": [9.1]}
found["frame"] = cbc.screen_frame(pd.DataFrame(unread))["reasons"][0].split(";")
found["mapping unread"] = cbc.screen({**record, "smudge_cells": "some"}).flags()["reasons"].split(";")
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each reader and door says of the new analyte, in a copy of the library with one entry more."""
    home = tmp_path_factory.mktemp("home")
    for part in ("src", "reference_ranges", "tools"):
        shutil.copytree(ROOT / part, home / part, ignore=shutil.ignore_patterns("__pycache__"))
    data = home / "reference_ranges" / "analytes.yaml"
    text = data.read_text(encoding="utf-8")
    data.write_text(text.replace("  - id: ferritin\n", f"{ENTRY}  - id: ferritin\n"), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(home / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    run = {"env": environment, "capture_output": True, "text": True}
    subprocess.run([sys.executable, str(home / "tools" / "update_manifest.py"), "2099.1.1"], **run)  # type: ignore[call-overload]
    files = home / "files"
    files.mkdir()
    for name, content in FILES.items():
        (files / name).write_bytes(content.encode())
    done = subprocess.run([sys.executable, "-c", DOORS, str(files)], **run)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("name", [*FILES, *WRITTEN])
def test_every_reader_takes_it(name: str, answers: dict[str, Any]) -> None:
    assert answers[name] == 3.5


@pytest.mark.parametrize("name", ["mapping", "record", "again"])
def test_the_door_of_one_record_takes_it(name: str, answers: dict[str, Any]) -> None:
    assert answers.get(name) == [3.5, 3.5], answers


@pytest.mark.parametrize("name", ["frame", "mapping unread"])
def test_what_cannot_be_read_of_it_is_told(name: str, answers: dict[str, Any]) -> None:
    assert "smudge_cells:TEXT_RESULT" in answers[name]


def test_the_fields_of_a_record_are_the_analytes_of_the_data() -> None:
    """So that an editor knows them all; a new one is taken without, as above."""
    assert set(ANALYTE_FIELDS) == set(load_knowledge().analytes)


def test_a_key_that_is_no_analyte_is_refused() -> None:
    with pytest.raises(cbc.RecordError, match=r"one key is not a field of it$"):
        cbc.CBCRecord.model_validate({"smudge_cells": "3.5 10^9/L"})
