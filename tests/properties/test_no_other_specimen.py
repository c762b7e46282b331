"""No specimen but a patient's blood is ever flagged, and no patient is lost beside one: made-up counts through every door."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge
from cbc_screen.vocabulary import SpecimenKind
from effort import share
from strategies import CONFIGURATIONS, answers, flags, records, rows_of, screener

FIELDS = load_knowledge().specimens.fields
# What says another kind, by the field of a message or the header of a column that has it.
OTHER = {
    header: sorted(text for text, kind in {**FIELDS[field].codes, **FIELDS[field].words}.items() if kind.reason is not None)
    for header, field in (
        ("specimen", "specimen"), ("Sample Type", "type"), ("Species", "species"), ("Measurement Mode", "mode"),
        ("Judgment", "judgment"), ("Run status", "run"), ("Specimen role", "role"), ("Is QC", "is_control"), ("QC", "qc"),
        ("Sample No.", "number"), ("Type", "class"),
    )
}  # fmt: skip
BLOOD = {
    "specimen": ["venous blood", "", "EDTA", "Blut"], "Sample Type": ["blood", "whole blood", "?"], "Species": ["human", "Homo sapiens", ""],
    "Measurement Mode": ["WB", "LW"], "Judgment": ["0", "1", "3"], "Run status": ["ok", ""], "Specimen role": ["P", ""], "Is QC": ["0", "no"],
    "QC": ["passed", "1"], "Sample No.": ["100001", "QC4711", "A-QC-1"], "Type": ["Human", "Inpatient"],
}  # fmt: skip
NOTHING = ("", None)


@st.composite
def other_words(draw: st.DrawFn) -> tuple[str, str]:
    """Return a header and a text in it that says another kind."""
    header = draw(st.sampled_from(sorted(OTHER)))
    return header, draw(st.sampled_from(OTHER[header]))


@st.composite
def blood_words(draw: st.DrawFn) -> tuple[str, str]:
    """Return a header and a text in it that says a patient's blood, or nothing."""
    header = draw(st.sampled_from(sorted(BLOOD)))
    return header, draw(st.sampled_from(BLOOD[header]))


def assert_unflagged(found: Mapping[str, Any]) -> None:
    """Nothing is low, listed or urgent."""
    assert found["pattern"] == "cannot_tell"
    assert {found[f"{line}_line"] for line in ("red", "white", "platelet")} == {"cannot_tell"}
    assert found["urgency"] in ("none", "cannot_tell")
    assert all(found[name] in NOTHING for name in ("checklist", "guards", "review_triggers", "published_cutoffs"))
    assert {found[name] for name in found if name.endswith("_state")} <= {"cannot_tell", "not_assessed"}
    assert {found[name] for name in found if name.endswith("_grade")} == {None}
    assert found["blood_criteria"] == "cannot_tell"
    assert "specimen:SPECIMEN_" in found["reasons"]


# One record and frames ------------------------------------------------------------------------


@given(records(), st.sampled_from(OTHER["specimen"]), st.sampled_from(CONFIGURATIONS))
def test_a_record_of_another_kind_is_never_flagged(
    record: dict[str, Any], word: str, configuration: tuple[str, str]
) -> None:
    assert_unflagged(flags({**record, "specimen": word}, configuration))


@given(records(), st.sampled_from(BLOOD["specimen"]))
def test_a_record_of_blood_is_as_one_without_a_word(record: dict[str, Any], word: str) -> None:
    assert flags({**record, "specimen": word}) == flags(record)


@given(
    st.lists(st.tuples(records(), other_words() | blood_words()), min_size=1, max_size=6),
    st.sampled_from(CONFIGURATIONS),
)
def test_rows_of_a_frame(made: list[tuple[dict[str, Any], tuple[str, str]]], configuration: tuple[str, str]) -> None:
    """Every row stays; those of another kind are unknown, the others what they are by themselves."""
    columns, rows = rows_of([record for record, _ in made])
    told = sorted({header for _, (header, _) in made})
    frame = pd.DataFrame(
        [
            [row.get(name) for name in columns] + [word if header == own else None for own in told]
            for row, (_, (header, word)) in zip(rows, made, strict=True)
        ],
        columns=[*columns, *told],
        dtype=object,
    )
    found = answers(screener(*configuration).screen_frame(frame))
    assert len(found) == len(made)
    for flagged, (record, (header, word)) in zip(found, made, strict=True):
        if word in OTHER[header]:
            assert_unflagged(flagged)
        else:
            assert flagged == flags(record, configuration)
        if header == "specimen":
            assert flagged == flags({**record, "specimen": word}, configuration)


# Files ---------------------------------------------------------------------------------------

NUMBERS = {
    "hemoglobin": ("718-7", "g/L", ("7", "57", "140", "260")), "wbc": ("6690-2", "10*9/L", ("0.1", "1.8", "7", "180")),
    "neutrophils": ("751-8", "10*9/L", ("0", "0.2", "4", "60")), "platelets": ("777-3", "10*9/L", ("0", "8", "250", "1900")),
    "lymphocytes": ("731-0", "10*9/L", ("0.1", "2", "90")), "mcv": ("787-2", "fL", ("55", "90", "125")),
}  # fmt: skip
COUNTS = st.fixed_dictionaries({name: st.sampled_from(values) for name, (_, _, values) in NUMBERS.items()})
PERSONS = st.lists(st.tuples(COUNTS, st.booleans()), min_size=1, max_size=8)
Made = Sequence[tuple[dict[str, str], bool]]


def csv_file(made: Made, word: tuple[str, str], folder: Path) -> Path:
    header, text = word
    frame = pd.DataFrame(
        [{"id": f"p{n}", header: text if other else BLOOD[header][0], **count} for n, (count, other) in enumerate(made)]
    )
    units = {name: f"{name} ({unit})" for name, (_, unit, _) in NUMBERS.items()}
    frame.rename(columns=units).to_csv(folder / "export.csv", index=False)
    return folder / "export.csv"


def long_file(made: Made, word: tuple[str, str], folder: Path) -> Path:
    header, text = word
    lines = [
        {
            "person": f"p{n}",
            "at": "2024-01-02",
            "test": name,
            "result": number,
            "unit": NUMBERS[name][1],
            header: text if other else "",
        }
        for n, (count, other) in enumerate(made)
        for name, number in count.items()
    ]
    pd.DataFrame(lines).to_csv(folder / "long.csv", index=False)
    (folder / "own.yaml").write_text(
        "id: own\ntitle: t\nshape: long\nsource: s\n"
        "columns: {person: person, name: test, value: result, unit: unit, collected_at: at}\n",
        encoding="utf-8",
    )
    return folder / "long.csv"


HL7_WAYS = [
    ("T", "", "", ""),
    ("D", "", "", ""),
    ("Q", "", "", ""),
    ("P", "Q", "", ""),
    ("P", "", "CSF", ""),
    ("P", "", "", "Canine"),
]


def hl7_file(way: tuple[str, str, str, str]) -> Callable[[Made, tuple[str, str], Path], Path]:
    def write(made: Made, _: tuple[str, str], folder: Path) -> Path:
        messages = []
        for n, (count, other) in enumerate(made):
            processing, action, source, species = way if other else ("P", "", "BLD", "")
            lines = [
                f"MSH|^~\\&|A|L|||20240102||ORU^R01|{n}|{processing}|2.5.1",
                f"PID|1||p{n}||QC^Control||19700101|F{'|' * 27}{species}",
                f"OBR|1||o{n}|CBC|||20240102||||{action}||||{source}",
                *(
                    f"OBX|1|NM|{NUMBERS[name][0]}^^LN||{number}|{NUMBERS[name][1]}|||||F"
                    for name, number in count.items()
                ),
            ]
            messages.append("\r".join(lines) + "\r")
        (folder / "feed.hl7").write_text("".join(messages), encoding="utf-8", newline="")
        return folder / "feed.hl7"

    return write


def fhir_file(by_line: bool) -> Callable[[Made, tuple[str, str], Path], Path]:
    def write(made: Made, word: tuple[str, str], folder: Path) -> Path:
        resources: list[dict[str, Any]] = []
        for n, (count, other) in enumerate(made):
            resources.append({"resourceType": "Patient", "id": f"p{n}", "gender": "female"})
            role = {"coding": [{"system": "http://hl7.org/fhir/specimen-role", "code": "q" if other else "p"}]}
            resources.append({"resourceType": "Specimen", "id": f"s{n}", "role": [role]})
            resources += [
                {
                    "resourceType": "Observation", "id": f"o{n}{name}", "status": "final", "subject": {"reference": f"Patient/p{n}"},
                    "specimen": {"reference": f"Specimen/s{n}"}, "effectiveDateTime": "2024-01-02",
                    "code": {"coding": [{"system": "http://loinc.org", "code": NUMBERS[name][0]}]},
                    "valueQuantity": {"value": float(number), "unit": NUMBERS[name][1], "code": NUMBERS[name][1]},
                }
                for name, number in count.items()
            ]  # fmt: skip
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}
        lines = "".join(json.dumps(one) + "\n" for one in reversed(resources))
        (folder / "source.json").write_text(lines if by_line else json.dumps(bundle), encoding="utf-8")
        return folder / "source.json"

    return write


DOORS = {
    "csv": csv_file, "long": long_file, "fhir bundle": fhir_file(False), "fhir lines": fhir_file(True),
    **{f"hl7 {' '.join(filter(None, way))}": hl7_file(way) for way in HL7_WAYS},
}  # fmt: skip


@pytest.mark.parametrize("door", DOORS)
@settings(max_examples=share(20))
@given(made=PERSONS, word=other_words())
def test_files(door: str, made: Made, word: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """What a file holds is flagged or rejected, each with its content, and counted."""
    folder = tmp_path_factory.mktemp("scan")
    path = DOORS[door](made, word, folder)
    options: dict[str, Any] = {"profile": str(folder / "own.yaml")} if door == "long" else {}
    key = "id" if door == "csv" else "person"
    # The sickest of the sick in a few rows: their units are certain here, and not what this is about.
    options["accept_units"] = list(NUMBERS)
    summary = cbc.scan(path, folder / "flags.csv", folder / "rejects.csv", keep=[key], **options)
    with (folder / "flags.csv").open(encoding="utf-8", newline="") as file:
        found = {row[key].removeprefix("Patient/"): row for row in csv.DictReader(file)}
    with (folder / "rejects.csv").open(encoding="utf-8", newline="") as file:
        rejects = [row for row in csv.DictReader(file) if row["reason"].startswith("SPECIMEN_")]
    patients = [f"p{n}" for n, (_, other) in enumerate(made) if not other]
    others = len(made) - len(patients)
    assert sorted(found) == sorted(patients)
    many = others if door == "csv" else others * len(NUMBERS)
    assert len(rejects) == many == sum(summary.specimens.values())
    assert all(row["content"] for row in rejects)
    assert summary.rows_in == summary.screened + summary.rejected
    assert {*summary.specimens} <= {kind.value for kind in SpecimenKind}
    for n, (count, other) in enumerate(made):
        if not other:
            units = {name: f"{number} {NUMBERS[name][1]}" for name, number in count.items()}
            sex = {} if door in ("csv", "long") else {"sex": "F"}
            born = {"birth_date": "1970-01-01", "collected_at": "2024-01-02"} if door.startswith("hl7") else {}
            own = flags({**units, **sex, **born})
            assert found[f"p{n}"]["pattern"] == own["pattern"], count
            assert found[f"p{n}"]["urgency"] == own["urgency"], count
