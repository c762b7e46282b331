"""Names that look like a quantity and are another thing: none is read, through any door, in any language."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import cbc_screen as cbc
from cbc_screen.ingest.results import LabResult, ResultCode
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.declared import Declared
from cbc_screen.normalize.identify import Identifier
from cbc_screen.normalize.names import Meaning, NameReader, Role
from cbc_screen.normalize.plan import make_plan
from cbc_screen.vocabulary import Reason

KNOWLEDGE = load_knowledge()
READER = NameReader(KNOWLEDGE)
UNITS = ("10^9/L", "10*3/uL", "10^12/L", "g/dL", "g/L", "%", "fL", "pg", "L/L", "/100 WBC", "")
SHAPES = ("{name}", "{name} ({unit})", "{name} [{unit}]", "{name}, {unit}", "{name} {unit}", "{name}（{unit}）")
READ = (Role.ANALYTE, Role.UNIT, Role.LOWER, Role.UPPER, Role.STATUS)
# In these the same language uses the name for the analyte too: its unit, or what is declared, decides.
ALSO_AN_ANALYTE = ("ABC", "ALC", "AMC", "BA", "HB", "LY", "MO", "NE", "Eo", "Hb(%)")


def rows(shared: Path, *kinds: str) -> Iterator[dict[str, str]]:
    for path in sorted((shared / "knowledge/names").glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from (row for row in csv.DictReader(file) if row["kind"] in kinds)


@pytest.fixture(scope="module")
def friends(shared: Path) -> list[str]:
    """Every name that is a false friend in some language, and no analyte in the same."""
    found = [row["name"] for row in rows(shared, "false_friend") if "analyte:" not in row["note"]]
    assert len(found) > 350
    return list(dict.fromkeys(found))


@pytest.fixture(scope="module")
def ambiguous(shared: Path) -> list[str]:
    """Names that one language uses for an analyte and for another thing."""
    return list({row["name"]: 1 for row in rows(shared, "false_friend") if "analyte:" in row["note"]})


def one(*codes: tuple[str, str, str], unit: str = "", specimen: str = "", panel: str = "", own: bool = False) -> object:
    """Say what a result is: an analyte, why it is set aside, or nothing."""
    result = LabResult(
        1, "p", "", "", tuple(ResultCode(*code) for code in codes), "5", unit=unit, specimen=specimen, panel=panel
    )
    found = Identifier(KNOWLEDGE, {"51301": "wbc", "51222": "hemoglobin"} if own else {}).identify(result)
    return found.analyte or found.reason


# Headers ----------------------------------------------------------------------------------


def test_no_header_is_read_as_an_analyte_with_or_without_a_unit(friends: list[str]) -> None:
    read = [
        (header, READER.read(header))
        for name in friends
        for shape in SHAPES
        for unit in UNITS
        if READER.read(header := shape.format(name=name, unit=unit)).role in READ
    ]
    assert read == []


def test_no_table_of_them_has_an_analyte_also_with_units_and_limits_beside(friends: list[str]) -> None:
    beside = ("", " unit", " lower limit", " upper limit", " status")
    plan = make_plan(KNOWLEDGE, [f"{name}{part}" for name in friends for part in beside], Declared())
    assert plan.analytes == {}


def test_a_frame_and_a_file_of_them_hold_no_result_but_the_one_that_is(friends: list[str], tmp_path: Path) -> None:
    frame = pd.DataFrame({**{name: ["5", "50"] for name in friends}, "MCV (fL)": ["90", "60"]})
    flags = cbc.screen_frame(frame)
    states = {column: set(flags[column]) for column in flags if column.endswith("_state") and column != "mcv_state"}
    # What may be neutrophils, hemoglobin in a unit that is not known, or a name that is also one of the count, is unknown,
    # and never absent.
    assert set().union(*states.values()) == {"not_assessed", "cannot_tell"}
    assert {column for column, own in states.items() if own == {"cannot_tell"}} == {
        "hemoglobin_state",
        "neutrophils_state",
        "platelets_state",
        "rbc_state",
    }
    frame.to_csv(tmp_path / "export.csv", index=False)
    read = cbc.read(tmp_path / "export.csv")
    assert {analyte for analyte in KNOWLEDGE.analytes if analyte in read.columns} == {"mcv"}


def test_a_name_that_is_also_an_analyte_s_is_read_with_a_unit_of_it_and_not_without(ambiguous: list[str]) -> None:
    assert {name for name in ambiguous if READER.read(name).role is Role.ANALYTE} <= set(ALSO_AN_ANALYTE)
    # A number without a unit is never used, whatever it is called.
    flags = cbc.screen_frame(pd.DataFrame({"HB": ["13"], "ALC": ["1.2"], "AMC": ["0.4"], "ABC": ["0.1"]}))
    assert list(flags.loc[0, ["hemoglobin_state", "lymphocytes_state"]]) == ["cannot_tell", "cannot_tell"]
    assert "hemoglobin:UNIT_MISSING" in flags.loc[0, "reasons"]
    assert READER.read("HB (g/dL)") == Meaning(Role.ANALYTE, "hemoglobin", "g/dL")
    assert READER.read("ALC (10^9/L)") == Meaning(Role.ANALYTE, "lymphocytes", "10^9/L")
    assert READER.read("NE").reason is Reason.UNIT_MISSING


def test_a_key_of_a_record_is_never_guessed(friends: list[str]) -> None:
    for name in friends:
        with pytest.raises(cbc.RecordError):
            cbc.screen({"sex": "F", "age": "40 y", name: "5 10^9/L"})


# Results ----------------------------------------------------------------------------------


def test_no_test_name_is_read_as_an_analyte(friends: list[str]) -> None:
    read = [
        (name, unit, found)
        for name in friends
        for unit in UNITS
        for found in (
            one(("", name, "L"), unit=unit),
            one(("T17", name, "L"), unit=unit),
            one((name, name, "L"), unit=unit),
        )
        if isinstance(found, str) and found in KNOWLEDGE.analytes
    ]
    assert read == []


def test_a_long_table_of_them_has_no_result(friends: list[str], tmp_path: Path) -> None:
    table = pd.DataFrame({"patient": "p", "date": "2024-01-02", "test": friends, "result": "5", "unit": "10^9/L"})
    table.loc[len(table)] = ["p", "2024-01-02", "WBC", "5", "10^9/L"]
    table.to_csv(tmp_path / "long.csv", index=False)
    (tmp_path / "long.yaml").write_text(
        "id: own\ntitle: t\nshape: long\nsource: s\n"
        "columns: {person: patient, collected_at: date, name: test, value: result, unit: unit}\n"
    )
    read = cbc.read(tmp_path / "long.csv", profile=str(tmp_path / "long.yaml"), as_received=True)
    assert read.attrs["results"]["used"] == 1
    assert read["wbc"].tolist() == ["5"]


def test_a_message_of_them_has_no_result(friends: list[str], tmp_path: Path) -> None:
    escaped = [
        name.replace("\\", "\\E\\")
        .replace("|", "\\F\\")
        .replace("^", "\\S\\")
        .replace("&", "\\T\\")
        .replace("~", "\\R\\")
        for name in friends
    ]
    lines = [
        "MSH|^~\\&|LIS|LAB|HIS|H|20240102||ORU^R01|1|P|2.5.1||||||UNICODE UTF-8", "PID|1||p||A^B||19600203|F",
        "OBR|1||L1|X^Panel^L|||20240102080000",
        *(f"OBX|{n}|NM|{name}^{name}^L||5|10*9/L|||||F" for n, name in enumerate(escaped, 1)),
        "OBX|999|NM|WBC^WBC^L||5|10*9/L|||||F",
    ]  # fmt: skip
    (tmp_path / "one.hl7").write_text("\r".join(lines), encoding="utf-8")
    results = cbc.read(tmp_path / "one.hl7").attrs["results"]
    assert (results["read"], results["used"]) == (len(friends) + 1, 1)


@pytest.mark.parametrize("form", ["text", "display", "both"])
def test_a_resource_of_one_of_them_has_no_result(form: str, friends: list[str], tmp_path: Path) -> None:
    def code(name: str) -> dict[str, object]:
        coding = {"coding": [{"system": "urn:local", "code": "T17", "display": name}]}
        return {"text": name} if form == "text" else coding if form == "display" else {**coding, "text": name}

    entries = [
        {
            "resource": {
                "resourceType": "Observation", "status": "final", "code": code(name), "subject": {"reference": "Patient/p"},
                "effectiveDateTime": "2024-01-02", "valueQuantity": {"value": 5, "unit": "10*9/L", "code": "10*9/L"},
            }
        }
        for name in [*friends, "WBC"]
    ]  # fmt: skip
    (tmp_path / "one.json").write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    results = cbc.read(tmp_path / "one.json").attrs["results"]
    assert (results["read"], results["used"]) == (len(friends) + 1, 1)


# What stands beside ------------------------------------------------------------------------

NOT_BLOOD = (
    "Urine", "Urin", "orina", "urina", "urines", "моча", "сеча", "mocz", "moč", "idrar", "ούρα", "بول", "ادرار", "שתן",
    "मूत्र", "ปัสสาวะ", "nước tiểu", "尿", "尿液", "随机尿", "소변", "vizelet", "virtsa", "CSF", "LCR", "Liquor", "ликвор", "脑脊液",
    "髄液", "뇌척수액", "Pleurapunktat", "liquide d'ascite", "líquido pleural", "胸水", "腹水", "복수", "мокрота", "痰", "esputo",
    "Sperma", "сперма", "精液", "Stuhl", "selles", "heces", "кал", "便", "대변", "Knochenmark", "moelle", "médula", "骨髓", "골수",
    "Nabelschnurblut", "脐带血", "bone marrow aspirate", "Gelenkpunktat",
)  # fmt: skip


@pytest.mark.parametrize("text", NOT_BLOOD)
def test_a_specimen_that_is_not_blood_is_told_in_any_language(text: str) -> None:
    assert one(("WBC", "WBC", "L"), unit="10^9/L", specimen=text) is None
    assert one(("WBC", "WBC", "L"), unit="10^9/L", panel=text.upper()) is None
    assert one(("WBC", f"WBC {text}", "L"), unit="10^9/L") is None
    assert one(("6690-2", "", "LN"), unit="10^9/L", specimen=text) is Reason.CODE_CONFLICT
    assert READER.read(f"WBC ({text})").role is Role.REFUSED


@pytest.mark.parametrize(
    "text",
    [
        "", "Blood", "Whole blood", "EDTA-Blut", "Vollblut", "sangre total", "кровь", "цельная кровь", "全血", "静脉血", "血液",
        "전혈", "دم", "דם", "เลือด", "Tổng phân tích tế bào máu", "Ýsland", "Hemograma completo", "Morfologia krwi",
        "Общий анализ крови", "血常规", "Complete blood count", "Kleines Blutbild", "尿素,尿酸,血常规", "گلبول سفید",
        "BMP, CBC, URIC ACID", "Nurse led clinic", "FBC; U&E; LFT", "mocznik, morfologia",
    ],
)  # fmt: skip
def test_what_is_blood_or_says_nothing_stays_read(text: str) -> None:
    assert one(("WBC", "WBC", "L"), unit="10^9/L", specimen=text) == "wbc"
    assert one(("WBC", "WBC", "L"), unit="10^9/L", panel=text) == "wbc"


@pytest.mark.parametrize(
    ("code", "name", "analyte"),
    [
        ("HGB", "Glycated hemoglobin", "hemoglobin"), ("HGB", "Гликированный гемоглобин", "hemoglobin"),
        ("HGB", "糖化血红蛋白", "hemoglobin"), ("HB", "Hemoglobin A2", "hemoglobin"), ("HB", "Hb F", "hemoglobin"),
        ("HB", "Freies Hämoglobin im Plasma", "hemoglobin"), ("HB", "Hepatitis B surface antigen", "hemoglobin"),
        ("HB", "HBs抗原", "hemoglobin"), ("HB", "Reticulocyte hemoglobin", "hemoglobin"), ("HGB", "Hb (BGA)", "hemoglobin"),
        ("WBC", "WBC esterase", "wbc"), ("WBC", "白细胞酯酶", "wbc"), ("PLT", "Platelet antibodies", "platelets"),
        ("PLT", "Тромбоцитарный концентрат", "platelets"), ("PLT", "輸血用血小板", "platelets"),
        ("PLT", "Thrombozytenkonzentrat", "platelets"), ("PLT", "Immature platelet fraction", "platelets"),
        ("PLT", "Plateletcrit", "platelets"), ("PLT", "Platelet function", "platelets"), ("PLT", "Platelet estimate", "platelets"),
        ("RBC", "RBC morphology", "rbc"), ("RBC", "Erythrocyte sedimentation rate", "rbc"), ("RBC", "RBC folate", "rbc"),
        ("RBC", "Velocidad de sedimentación", "rbc"), ("LYMPH", "CD4 lymphocytes", "lymphocytes"),
        ("WBC", "Leukozyten im Urin", "wbc"), ("WBC", "WBC/hpf", "wbc"), ("HGB", "Previous hemoglobin", "hemoglobin"),
    ],
)  # fmt: skip
def test_a_name_of_another_thing_beside_the_code_of_an_analyte(code: str, name: str, analyte: str) -> None:
    assert KNOWLEDGE.friends.why_not(name, analyte) is not None
    assert one((code, name, "L"), unit="10^9/L" if code != "HGB" else "g/dL") is None
    loinc = {"hemoglobin": "718-7", "wbc": "6690-2", "platelets": "777-3", "rbc": "789-8", "lymphocytes": "731-0"}[
        analyte
    ]
    assert one((loinc, name, "LN")) is Reason.CODE_CONFLICT
    if analyte == "hemoglobin":
        assert one(("51222", name, ""), own=True) is Reason.CODE_CONFLICT


def test_no_name_of_an_analyte_contradicts_its_own_code(shared: Path) -> None:
    """The words are of 29 languages; none of them turns a name of that analyte away."""
    wrong = [
        (row["language"], row["id"], row["name"], why)
        for row in rows(shared, "analyte")
        if row["id"] in KNOWLEDGE.analytes and (why := KNOWLEDGE.friends.why_not(row["name"], row["id"])) is not None
    ]
    assert wrong == []


# Names that are read ------------------------------------------------------------------------

# Names of other quantities that an earlier version read as blood counts, because it left out letters that are not Latin.
MISREAD = {
    "Μέση Περιεκτικότης HGB": "mch", "Μέση Πυκνότης HGB": "mchc", "Εμπύρηνα RBC": "nrbc", "平均赤血球Hb濃度": "mchc",
    "Среднее содержание Hb в эритроците": "mch", "Средняя концентрация Hb в эритроците": "mchc",
}  # fmt: skip


# What the lists call the segmented neutrophils.
SEGMENTED = {"neutrophils_segmented": "segmented", "neutrophils_segmented_percent": "segmented"}


def test_every_name_that_is_read_is_read_rightly_and_none_is_lost(shared: Path) -> None:
    read = {(row["language"], row["id"], row["name"]): READER.read(row["name"]) for row in rows(shared, "analyte")}
    named = {key: meaning.name for key, meaning in read.items() if meaning.role is Role.ANALYTE}
    assert len(named) >= 1_700  # 354 before the names were data of each language
    wrong = {
        name
        for (_, analyte, name), own in named.items()
        if own.removesuffix("_percent") != SEGMENTED.get(analyte, analyte.removesuffix("_percent"))
    }
    assert wrong == set()
    assert {name: READER.read(name).name for name in MISREAD} == MISREAD


def test_headers_that_were_seen(shared: Path) -> None:
    with (shared / "field/headers_seen.csv").open(encoding="utf-8-sig", newline="") as file:
        seen = [(row["analyte"], row["name"]) for row in csv.DictReader(file)]
    # The list calls granulocytes neutrophils; they are no fewer than those, and not the same.
    granulocytes = [name for _, name in seen if name.lower().startswith("gran")]
    assert granulocytes == ["Gran#", "GRAN#", "Granulocytes", "Gran%"]
    assert {(READER.read(name).role, READER.read(name).name) for name in granulocytes} == {
        (Role.POSSIBLE, "neutrophils")
    }
    seen = [(analyte, name) for analyte, name in seen if name not in granulocytes]
    read = [(analyte, READER.read(name).name) for analyte, name in seen if READER.read(name).role is Role.ANALYTE]
    assert len(read) >= 114  # of 129; 37 before
    # What this list calls neutrophils is the segmented ones by its own name ("Segs Abs"), which are the least that they are.
    wrong = {(analyte, found) for analyte, found in read if analyte != found}
    assert wrong == {("neutrophils", "segmented"), ("neutrophils_percent", "segmented_percent")}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("White Blood Cells (WBC)", "wbc"), ("Hemoglobin (Hb)", "hemoglobin"), ("白细胞(WBC)", "wbc"), ("血小板数 / PLT", "platelets"),
        ("Λευκά (WBC)", "wbc"), ("RBC Ερυθρά αιμοσφαίρια", "rbc"), ("Тромбоциты (PLT)", "platelets"), ("혈색소(Hb)", "hemoglobin"),
        ("WBC, Blood", "wbc"), ("红细胞计数RBC", "rbc"), ("嗜酸性粒细胞绝对值(EO#)-静脉血", "eosinophils"), ("Лимфоциты, % (LY%)", "lymphocytes_percent"),
        ("MPV (Mean Platelet Volume)", "mpv"), ("NEUT％", "neutrophils_percent"), ("ＷＢＣ", "wbc"), ("Hémoglobine", "hemoglobin"),
        ("Absolute Neutrophil Count (ANC)", "neutrophils"),
    ],
)  # fmt: skip
def test_a_name_of_several_parts_that_agree(name: str, expected: str) -> None:
    assert READER.read(name) == Meaning(Role.ANALYTE, expected)


@pytest.mark.parametrize(
    "name",
    [
        "Hemoglobin (WBC)", "白细胞(PLT)", "血小板 (RBC)", "Лейкоциты (RBC)", "Neutrophils (Lymphocytes)", "MCV percent",
        "Тромбоциты (ქართული)", "血红蛋白(HGB)尿", "WBC (ماء)", "Λευκά WBC Ούρα", "NEUT# (NEUT%)", "НВ", "Нb", "ΜCV",
    ],
)  # fmt: skip
def test_a_name_of_parts_that_do_not_agree_or_are_unknown(name: str) -> None:
    assert READER.read(name).role is not Role.ANALYTE


def test_native_names_of_neutrophils_count_as_sent(tmp_path: Path) -> None:
    """A column that says neutrophils in another language is read, or keeps the white line from being judged on WBC alone."""
    lines = {
        "Нейтрофилы": "cannot_tell", "中性粒细胞绝对值(10^9/L)": "low", "Neutrófilos (10^3/µL)": "low",
        "Ουδετερόφιλα": "cannot_tell", "호중구": "cannot_tell", "Нейтрофилы неизвестные": "cannot_tell",
    }  # fmt: skip
    for name, line in lines.items():
        frame = pd.DataFrame({"age": ["40 y"], "sex": ["F"], "WBC (10^9/L)": [6.0], name: [0.3]})
        assert cbc.screen_frame(frame)["white_line"].tolist() == [line], name


def test_full_width_brackets_hold_a_unit_too() -> None:
    assert READER.read("WBC（10⁹/L）") == Meaning(Role.ANALYTE, "wbc", "10⁹/L")
    assert READER.read("PLT【10^9/L】") == Meaning(Role.ANALYTE, "platelets", "10^9/L")


@pytest.mark.parametrize(
    "name",
    ["GRAN#", "GRAN (10^9/L)", "Granulocytes (10^9/L)", "Granulocytes (%)", "GRAN%", "GR%", "Gran abs (10^9/L)", "Granulozyten (G/l)", "Granulozyten %",
     "Granulocyten", "Granulocytes", "Гранулоциты (10^9/л)", "粒细胞 (10^9/L)"],
)  # fmt: skip
def test_granulocytes_of_three_parts_are_not_neutrophils_and_are_not_absent(name: str) -> None:
    meaning = READER.read(name)
    assert (meaning.role, meaning.name, meaning.reason) == (Role.POSSIBLE, "neutrophils", Reason.CODE_UNKNOWN)


@pytest.mark.parametrize("name", ["Neutrophil granulocytes (10^9/L)", "Neutrophile Granulozyten (10^9/L)"])
def test_neutrophil_granulocytes_are_neutrophils(name: str) -> None:
    assert READER.read(name) == Meaning(Role.ANALYTE, "neutrophils", "10^9/L")
