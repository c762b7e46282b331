"""A specimen that was rejected, has clotted, or whose report was taken back: its results are sent and not usable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import cbc_screen as cbc

COUNTS = [("718-7", 13.5, "g/dL"), ("751-8", 4, "10*9/L"), ("777-3", 250, "10*9/L")]
UNKNOWN = ("cannot_tell", "cannot_tell")


def told(path: Path) -> tuple[str, str]:
    [count] = cbc.Screener().screen_each(str(path)).counts
    return count.result.pattern.value, count.result.urgency.value


def patient_and_counts(**observed: Any) -> list[dict[str, Any]]:
    """Return a woman and her three results; `observed` is said of each of these."""
    patient = {"resourceType": "Patient", "id": "a", "gender": "female", "birthDate": "1970-01-01"}
    return [
        patient,
        *(
            {
                "resourceType": "Observation",
                "id": f"o{place}",
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                "subject": {"reference": "Patient/a"},
                "effectiveDateTime": "2024-01-01T08:00:00Z",
                "valueQuantity": {"value": value, "unit": unit},
                **observed,
            }
            for place, (code, value, unit) in enumerate(COUNTS)
        ),
    ]


def bundle(path: Path, *, specimen: dict[str, Any] | None = None, report: str = "", **observed: Any) -> Path:
    taken = {"specimen": {"reference": "Specimen/s"}} if specimen else {}
    entries = patient_and_counts(**taken, **observed)
    if specimen:
        entries.append({"resourceType": "Specimen", "id": "s", "subject": {"reference": "Patient/a"}, **specimen})
    if report:
        results = [{"reference": f"Observation/o{place}"} for place in range(len(COUNTS))]
        entries.append({"resourceType": "DiagnosticReport", "id": "r", "status": report, "result": results})
    urls = [f"http://x/{own['resourceType']}/{own['id']}" for own in entries]
    wrapped = [{"fullUrl": url, "resource": own} for url, own in zip(urls, entries, strict=True)]
    path.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": wrapped}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "specimen",
    [
        {"status": "unsatisfactory"},
        {"status": "unavailable"},
        {"status": "entered-in-error"},
        {"condition": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0493", "code": "CLOT"}]}]},
        {"condition": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0493", "code": "CON"}]}]},
        {"condition": [{"text": "clotted"}]},
        {"note": [{"text": "Specimen clotted"}]},
    ],
)
def test_results_of_a_specimen_that_could_not_be_used_are_unknown(tmp_path: Path, specimen: dict[str, Any]) -> None:
    assert told(bundle(tmp_path / "b.json", specimen=specimen)) == UNKNOWN


@pytest.mark.parametrize(
    "specimen", [None, {"status": "available"}, {"type": {"text": "blood"}}, {"note": [{"text": "not clotted"}]}]
)
def test_a_sound_specimen_is_blood_as_ever(tmp_path: Path, specimen: dict[str, Any] | None) -> None:
    assert told(bundle(tmp_path / "b.json", specimen=specimen)) == ("none", "none")


@pytest.mark.parametrize(
    ("status", "expected"), [("final", ("none", "none")), ("cancelled", UNKNOWN), ("entered-in-error", UNKNOWN)]
)
def test_a_report_that_was_taken_back_takes_its_results_with_it(
    tmp_path: Path, status: str, expected: tuple[str, str]
) -> None:
    assert told(bundle(tmp_path / "b.json", report=status)) == expected


def test_rules_that_change_what_an_observation_means_leave_it_unknown(tmp_path: Path) -> None:
    assert told(bundle(tmp_path / "b.json", implicitRules="http://x/rules")) == UNKNOWN


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ("none", "none")),
        ({4: "BLD^Blood^HL70487"}, ("none", "none")),
        ({21: "RC^Clotting^HL70490"}, UNKNOWN),  # rejected
        ({21: "QS^Quantity not sufficient^HL70490"}, UNKNOWN),
        ({24: "CLOT^Clotted^HL70493"}, UNKNOWN),  # its condition
        ({24: "CON"}, UNKNOWN),  # contaminated
        ({24: "SNR"}, UNKNOWN),  # not received
        ({14: "clotted"}, UNKNOWN),  # how it was described
        ({22: "P"}, UNKNOWN),  # of poor quality
        ({23: "I^Inappropriate^HL70492"}, UNKNOWN),
        ({14: "Whole blood EDTA", 22: "G", 23: "A", 24: "ROOM"}, ("none", "none")),
        ({24: "HEM^Hemolyzed^HL70493"}, ("none", "none")),
    ],
)
def test_an_hl7_specimen_that_was_rejected_or_clotted(
    tmp_path: Path, fields: dict[int, str], expected: tuple[str, str]
) -> None:
    results = [f"OBX|{n}|NM|{code}^x^LN||{value}|{unit}|||||F" for n, (code, value, unit) in enumerate(COUNTS, 1)]
    specimen = "SPM|" + "|".join(fields.get(n, "") for n in range(1, 25))
    head = [
        "MSH|^~\\&|L|H|E|H|20240101||ORU^R01^ORU_R01|1|P|2.5.1",
        "PID|1||P1||||19700101|F",
        "OBR|1|O|F|58410-2^CBC^LN|||20240101080000",
    ]
    path = tmp_path / "m.hl7"
    path.write_text("\r".join([*head, *results, specimen]) + "\r", encoding="utf-8")
    assert told(path) == expected


OBX = [f"OBX|{n}|NM|{code}^x^LN||{value}|{unit}|||||F" for n, (code, value, unit) in enumerate(COUNTS, 1)]


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        ("ORC|RE", ("none", "none")),
        ("ORC|NW||||CM", ("none", "none")),
        *((f"ORC|{letters}", UNKNOWN) for letters in ("CA", "OC", "CR", "DC", "OD", "DR", "HD", "OH", "HR", "ca")),
        *((f"ORC|SC||||{letters}", UNKNOWN) for letters in ("CA", "DC", "ER", "RP", "HD")),
    ],
)
@pytest.mark.parametrize("behind", [False, True])
def test_results_of_an_order_that_was_cancelled_or_held_do_not_stand(
    tmp_path: Path, control: str, expected: tuple[str, str], behind: bool
) -> None:
    """The segment stands before its order; some systems send it behind."""
    order = [OBR, control] if behind else [control, OBR]
    assert told_of_message(tmp_path, "ORU^R01", [*order, *OBX]) == expected


def test_a_cancelled_order_is_that_one_alone(tmp_path: Path) -> None:
    cancelled = [
        "ORC|CA",
        "OBR|2|P|G|24326-1^Electrolytes^LN|||20240101080000",
        "OBX|9|NM|2951-2^Na^LN||140|mmol/L|||||F",
    ]
    for segments in ([*cancelled, "ORC|RE", OBR, *OBX], [OBR, *OBX, *cancelled], [*cancelled, OBR, *OBX]):
        assert told_of_message(tmp_path, "ORU^R01", segments) == ("none", "none")


def test_what_the_collector_says_of_the_sample_holds(tmp_path: Path) -> None:
    order = OBR + "|" * 32 + "^Sample clotted, redraw"
    assert order.split("|")[39] == "^Sample clotted, redraw"
    assert told_of_message(tmp_path, "ORU^R01", [order, *OBX]) == UNKNOWN
    assert told_of_message(tmp_path, "ORU^R01", [OBR + "|" * 32 + "^Difficult to draw", *OBX]) == ("none", "none")


@pytest.mark.parametrize(("kind", "expected"), [("F", ("none", "none")), ("X", UNKNOWN), ("O\\X", UNKNOWN)])
def test_an_astm_order_that_could_not_be_done(tmp_path: Path, kind: str, expected: tuple[str, str]) -> None:
    results = [f"R|{n}|^^^{name}|{value}|{unit}||N||F" for n, (name, value, unit) in enumerate(ASTM_COUNTS, 1)]
    order = "|".join(["O", "1", "S1", "", "^^^CBC", "R", "", "20240101080000", *[""] * 17, kind])
    path = tmp_path / "a.astm"
    path.write_text(
        "\r".join(["H|\\^&|||A", "P|1||P1||||19700101|F", order, *results, "L|1|N"]) + "\r", encoding="utf-8"
    )
    assert told(path) == expected


ASTM_COUNTS = [("HGB", 13.5, "g/dL"), ("WBC", 4, "10*3/uL"), ("PLT", 250, "10*3/uL")]
OBR, OTHER_OBR = "OBR|1|O|F|58410-2^CBC^LN|||20240101080000", "OBR|2|P|G|57021-8^DIFF^LN|||20240101080000"
REJECTED, CLOTTED = "SPM|1" + "|" * 20 + "RC^Clotting^HL70490", "SPM|1" + "|" * 23 + "CLOT^Clotted^HL70493"
SOUND = "SPM|1|||BLD^Blood^HL70487"


@pytest.mark.parametrize("specimen", [REJECTED, CLOTTED, f"{SOUND}\rNTE|1||specimen clotted"])
@pytest.mark.parametrize(
    ("kind", "segments"),
    [
        ("ORU^R01", [OBR, *OBX, "SPM"]),
        ("ORU^R01", [OBR, "SPM", *OBX]),
        ("ORU^R01", ["SPM", OBR, *OBX]),
        ("ORU^R01", ["SPM", OBR, OBX[0], OTHER_OBR, *OBX[1:]]),
        ("ORU^R30", [OBR, *OBX, "SPM"]),
        ("OUL^R21", [OBR, *OBX, "SPM"]),
        ("OUL^R22", ["SPM", OBR, *OBX]),
        ("OUL^R22", ["SPM", OBR, OBX[0], OTHER_OBR, *OBX[1:]]),
        ("OUL^R23", ["SPM", OBR, *OBX]),
        ("OUL^R24", [OBR, *OBX, "SPM"]),
        ("OUL^R24", [OBR, "SPM", *OBX]),
    ],
)
def test_a_specimen_is_of_its_orders_in_every_kind_of_message(
    tmp_path: Path, kind: str, segments: list[str], specimen: str
) -> None:
    assert told_of_message(tmp_path, kind, [specimen if one == "SPM" else one for one in segments]) == UNKNOWN


@pytest.mark.parametrize("specimen", [REJECTED, CLOTTED])
@pytest.mark.parametrize("kind", ["ORU^R01", "OUL^R24"])
def test_one_specimen_behind_several_orders_may_be_that_of_all(tmp_path: Path, kind: str, specimen: str) -> None:
    """The hemoglobin is of the first order, and the only specimen stands behind the second."""
    assert told_of_message(tmp_path, kind, [OBR, *OBX[:2], OTHER_OBR, OBX[2], specimen]) == UNKNOWN


def test_a_specimen_of_its_own_keeps_an_order_apart(tmp_path: Path) -> None:
    """The tube of the count is sound, and that of another order was rejected."""
    sound = [OBR, *OBX, SOUND, OTHER_OBR, "OBX|9|NM|2951-2^Sodium^LN||140|mmol/L|||||F", REJECTED]
    assert told_of_message(tmp_path, "ORU^R01", sound) == ("none", "none")


def test_the_specimen_of_one_person_is_not_that_of_the_next(tmp_path: Path) -> None:
    second = ["PID|1||P2||||19700101|F", OBR, *OBX]
    path = message(tmp_path, "OUL^R22", [REJECTED, OBR, *OBX, *second])
    found = [count.result.pattern.value for count in cbc.Screener().screen_each(str(path)).counts]
    assert found == ["cannot_tell", "none"]


def test_the_time_of_a_specimen_between_its_order_and_the_results_is_kept(tmp_path: Path) -> None:
    timed = "SPM|1|||BLD^Blood^HL70487" + "|" * 13 + "20240101080000"
    path = message(tmp_path, "OUL^R24", [OBR.removesuffix("|||20240101080000"), timed, *OBX])
    [count] = cbc.Screener().screen_each(str(path)).counts
    assert count.result.person.collected_at is not None
    assert (count.result.pattern.value, count.result.person.age) == ("none", "54 y")


def told_of_message(folder: Path, kind: str, segments: list[str]) -> tuple[str, str]:
    return told(message(folder, kind, segments))


def message(folder: Path, kind: str, segments: list[str]) -> Path:
    head = [f"MSH|^~\\&|L|H|E|H|20240101||{kind}|1|P|2.5.1", "PID|1||P1||||19700101|F"]
    (folder / "m.hl7").write_text("\r".join([*head, *segments]) + "\r", encoding="utf-8")
    return folder / "m.hl7"


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in json.loads(path.read_text(encoding="utf-8"))["entry"]]


SPOILED = [
    {"status": "unsatisfactory"}, {"status": "unavailable"}, {"status": "entered-in-error"}, {"condition": [{"text": "clotted"}]},
    {"note": [{"text": "Specimen clotted"}]}, {"modifierExtension": [{"url": "http://x", "valueBoolean": True}]},
]  # fmt: skip


@pytest.mark.parametrize("order", ["before", "behind", "in another file"])
@pytest.mark.parametrize("specimen", [*SPOILED, {"status": "available"}, {"note": [{"text": "not clotted"}]}])
def test_a_specimen_on_a_line_of_its_own_is_that_of_its_results(
    tmp_path: Path, specimen: dict[str, Any], order: str
) -> None:
    *others, own = lines_of(bundle(tmp_path / "b.json", specimen=specimen))
    files = {"before": [[own, *others]], "behind": [[*others, own]], "in another file": [others, [own]]}[order]
    for number, lines in enumerate(files):
        (tmp_path / f"{number}.ndjson").write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    paths = sorted(tmp_path.glob("*.ndjson"))
    summary = cbc.scan(paths, tmp_path / "flags.parquet")
    flags = cbc.read_flags(tmp_path / "flags.parquet")
    expected = UNKNOWN if specimen in SPOILED else ("none", "none")
    assert [*zip(flags["pattern"], flags["urgency"], strict=True)] == [expected]
    assert summary.screened == 1


@pytest.mark.parametrize("kind", ["hasMember", "related", "result"])
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ("none", "none")),
        ({"status": "entered-in-error"}, UNKNOWN),
        ({"status": "cancelled"}, UNKNOWN),
        ({"note": [{"text": "Sample clotted"}]}, UNKNOWN),
        ({"conclusion": "Specimen clotted, do not use"}, UNKNOWN),
        ({"conclusion": "Normal blood count"}, ("none", "none")),
        ({"implicitRules": "http://x/rules"}, UNKNOWN),
        ({"modifierExtension": [{"url": "http://x", "valueBoolean": True}]}, UNKNOWN),
    ],
)
def test_what_is_said_of_a_panel_or_report_is_said_of_its_results(
    tmp_path: Path, kind: str, fields: dict[str, Any], expected: tuple[str, str]
) -> None:
    path = bundle(tmp_path / "b.json")
    whole = json.loads(path.read_text(encoding="utf-8"))
    references = [{"reference": f"Observation/o{place}"} for place in range(len(COUNTS))]
    listed = [{"type": "has-member", "target": one} for one in references] if kind == "related" else references
    panel = {
        "resourceType": "DiagnosticReport" if kind == "result" else "Observation", "id": "p", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "58410-2"}]}, "subject": {"reference": "Patient/a"},
        kind: listed, **fields,
    }  # fmt: skip
    whole["entry"].append({"fullUrl": f"http://x/{panel['resourceType']}/p", "resource": panel})
    path.write_text(json.dumps(whole), encoding="utf-8")
    assert told(path) == expected


REMARKS = [
    ("Comment", "Specimen clotted, do not use", UNKNOWN),
    ("Specimen condition", "clotted", UNKNOWN),
    ("Reject reason", "QNS", UNKNOWN),
    ("Comment", "no clots seen", ("none", "none")),
    ("Comment", "Called to ward", ("none", "none")),
    ("Sodium comment", "specimen clotted", ("none", "none")),  # of another tube
]


@pytest.mark.parametrize(("name", "text", "expected"), REMARKS)
def test_a_remark_that_is_a_result_of_its_own_in_a_message(
    tmp_path: Path, name: str, text: str, expected: tuple[str, str]
) -> None:
    for place in (0, len(OBX)):
        segments = [OBR, *OBX[:place], f"OBX|7|TX|^{name}||{text}||||||F", *OBX[place:]]
        assert told_of_message(tmp_path, "ORU^R01", segments) == expected


@pytest.mark.parametrize(("name", "text", "expected"), REMARKS)
def test_a_remark_that_is_a_row_of_its_own_in_a_long_table(
    tmp_path: Path, name: str, text: str, expected: tuple[str, str]
) -> None:
    """So many counts that they are read in columns; the remark stands in one of them alone."""
    lines = ["patient_id,birth_date,sex,collected_at,loinc,test,result,unit"]
    for person in range(500):
        who = f"p{person},1980-01-01,F,2026-01-02T08:00"
        lines += [f"{who},{code},x,{value},{unit}" for code, value, unit in COUNTS]
    lines.append(f'p250,1980-01-01,F,2026-01-02T08:00,,{name},"{text}",')
    (tmp_path / "long.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    summary = cbc.scan(tmp_path / "long.csv", tmp_path / "flags.parquet", force=True)
    flags = cbc.read_flags(tmp_path / "flags.parquet").reset_index(drop=True)
    assert summary.screened == len(flags) == 500
    own = flags.loc[250]
    assert (own["pattern"], own["urgency"]) == expected
    assert set(flags.drop(index=250)["pattern"]) == {"none"}


# Reports on lines of their own -------------------------------------------------------------------


def line_of(resource: dict[str, Any]) -> str:
    return json.dumps(resource) + "\n"


def observations() -> str:
    return "".join(map(line_of, patient_and_counts()))


REFERENCES = [{"reference": f"Observation/o{place}"} for place in range(len(COUNTS))]


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        ({"status": "final"}, ("none", "none")),
        ({"status": "final", "conclusion": "No blasts. No clots seen."}, ("none", "none")),
        ({"status": "cancelled"}, UNKNOWN),
        ({"status": "entered-in-error"}, UNKNOWN),
        ({"status": "final", "conclusion": "Specimen clotted, please repeat"}, UNKNOWN),
        ({"status": "final", "modifierExtension": [{"url": "http://x", "valueBoolean": True}]}, UNKNOWN),
    ],
)
@pytest.mark.parametrize("kind", ["DiagnosticReport", "Observation"])
@pytest.mark.parametrize("where", ["before", "behind", "another file"])
def test_a_report_on_a_line_of_its_own_speaks_for_its_results(
    tmp_path: Path, report: dict[str, Any], expected: tuple[str, str], kind: str, where: str
) -> None:
    lists = {"result": REFERENCES} if kind == "DiagnosticReport" else {"hasMember": REFERENCES, "code": {"text": "CBC"}}
    if kind == "Observation" and "conclusion" in report:
        report = {**report, "note": [{"text": report["conclusion"]}]}
    own = line_of({"resourceType": kind, "id": "r", "subject": {"reference": "Patient/a"}, **lists, **report})
    text = observations()
    whole = {"before": own + text, "behind": text + own}.get(where, text)
    (tmp_path / "Observation.ndjson").write_text(whole, encoding="utf-8")
    files = [tmp_path / "Observation.ndjson"]
    if where == "another file":
        (tmp_path / "Other.ndjson").write_text(own, encoding="utf-8")
        files.append(tmp_path / "Other.ndjson")
    summary = cbc.scan(files, tmp_path / "flags.ndjson")
    assert summary.screened == 1
    [flags] = [json.loads(line) for line in (tmp_path / "flags.ndjson").read_text(encoding="utf-8").splitlines()]
    assert (flags["pattern"], flags["urgency"]) == expected


def test_a_report_that_was_taken_back_is_of_its_own_results_alone(tmp_path: Path) -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "status": "cancelled",
        "result": [{"reference": "Observation/other"}],
    }
    (tmp_path / "o.ndjson").write_text(observations() + line_of(report), encoding="utf-8")
    assert told(tmp_path / "o.ndjson") == ("none", "none")
