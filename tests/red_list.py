"""The counts of the red list, and the doors that they go through: each door takes counts and gives flags by id (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import csv
import datetime
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import openpyxl
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

import cbc_screen as cbc
from cbc_screen.vocabulary import Urgency
from oracle.feeds import BOUNDS, FHIR_STATUS
from oracle.results import LOINC
from strategies import answers, rows_of

HERE = Path(__file__).parent / "cases"
FOLDER = HERE / "red_list"
EVERY_ANALYTE = tuple(cbc.CBCRecord.model_fields)
TAKEN = datetime.date(2024, 6, 3)
PERSON = {"age", "birth_date", "collected_at", "sex"}
NAMES = {
    "hemoglobin": "Hemoglobin", "hematocrit": "Hematocrit", "rbc": "RBC", "wbc": "WBC", "neutrophils": "Absolute Neutrophils",
    "platelets": "Platelet Count", "neutrophils_percent": "Neutrophils %", "lymphocytes": "Absolute Lymphocytes",
    "monocytes": "Absolute Monocytes", "mcv": "MCV", "mch": "MCH", "lymphocytes_percent": "Lymphocytes %",
}  # fmt: skip
ASTM_NAMES = {
    "hemoglobin": "HGB", "hematocrit": "HCT", "rbc": "RBC", "wbc": "WBC", "neutrophils": "NEUT#", "platelets": "PLT",
    "neutrophils_percent": "NEUT%", "lymphocytes": "LYMPH#", "monocytes": "MONO#", "mcv": "MCV", "mch": "MCH",
    "lymphocytes_percent": "LYMPH%",
}  # fmt: skip
CCDA_STATUS = {"F": "completed", "C": "completed", "A": "completed", "P": "active", "I": "active", "X": "cancelled"}
CCDA_STATUS |= {"D": "nullified", "O": "active", "R": "active"}
UNIT_BEHIND = re.compile(r"^(.*\S) (g/L|g/dL|10\^9/L|10\^12/L|%|L/L|/uL|K/uL|fL|pg)$")


@dataclass(frozen=True)
class Result:
    """One result as a feed carries it."""

    analyte: str
    text: str
    unit: str = ""
    status: str = "F"
    flag: str = ""
    range: tuple[str, str] | None = None


@dataclass(frozen=True)
class Count:
    """One count of the red list: what is sent, and the answer that must be."""

    id: str
    record: dict[str, Any]
    case: dict[str, Any]
    screener: str = "{}"
    only: tuple[str, ...] = field(default=())

    @property
    def results(self) -> list[Result]:
        return [_result(a, v) for a, v in self.record.items() if a in LOINC or a in NAMES]

    @property
    def in_table(self) -> bool:
        """Whether a row of a table can hold it."""
        fields = {key for value in self.record.values() if isinstance(value, dict) for key in value}
        return "record" not in self.only and "comparator" not in fields

    @property
    def in_feed(self) -> bool:
        """Whether a feed can carry it: it knows a person by birth and sex, and results."""
        if not self.in_table or self.only or set(self.record) - PERSON - set(NAMES):
            return False
        if ("birth_date" in self.record) != ("collected_at" in self.record):
            return False
        if self.record.get("sex") not in (None, "F", "M"):
            return False
        if any(one.status not in FHIR_STATUS or one.flag not in ("", "L", "LL", "H", "<") for one in self.results):
            return False
        return self.born() is not None or "age" not in self.record

    @property
    def in_one_text(self) -> bool:
        """Whether a result and its unit can stand in one text: a mark or a word of scale would go with the unit.

        A range in a unit of its own is not used beside a unit that stands in a text.
        """
        return not any(
            one.unit and one.text.endswith(("*", "lakh", "Lakhs", "mil", "thou", *((")",) if one.range else ())))
            for one in self.results
        )

    def taken(self) -> str:
        return str(self.record.get("collected_at") or TAKEN)

    def born(self) -> str | None:
        """The day of birth: as stated, or in the middle of the completed years, months or days."""
        if "birth_date" in self.record:
            return str(self.record["birth_date"])
        match = re.fullmatch(r"([1-9]\d?) (y|mo|d)", str(self.record.get("age", "")))
        if match is None:
            return None
        number, unit = int(match[1]), match[2]
        days = {"y": number * 365.25 + 180, "mo": number * 30.44 + 15, "d": number}[unit]
        return (TAKEN - datetime.timedelta(days=int(days))).isoformat()


def _result(analyte: str, value: Any) -> Result:
    if not isinstance(value, dict):
        match = UNIT_BEHIND.match(str(value))
        return Result(analyte, match[1], match[2]) if match else Result(analyte, str(value))
    limits = value.get("range")
    sides = None if limits is None else tuple("" if side is None else str(side) for side in limits)
    status, flag = value.get("status") or "F", value.get("flag") or ""
    return Result(analyte, str(value["value"]), value.get("unit") or "", status, flag, sides)  # type: ignore[arg-type]


# The counts ----------------------------------------------------------------------------------


@cache
def documents() -> dict[str, dict[str, Any]]:
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yaml"))}


@cache
def record_counts() -> tuple[Count, ...]:
    """The counts that are written as records, those of the first red list among them."""
    first = yaml.safe_load((HERE / "red_list.yaml").read_text(encoding="utf-8"))["cases"]
    cases = [{"id": case["name"], **case} for case in first]
    cases += [case for document in documents().values() for case in document.get("cases", ()) if "record" in case]
    return tuple(
        Count(c["id"], c["record"], c, json.dumps(c.get("screener", {})), tuple(c.get("only", ()))) for c in cases
    )


@cache
def edge_counts() -> tuple[Count, ...]:
    """The counts about the edges of age bands, one a day or an age."""
    found = []
    for case in documents()["age_edges_by_date"]["cases"]:
        for born, taken, answer in case["days"]:
            person = {**case["person"], "birth_date": str(born), "collected_at": str(taken)}
            found.append(Count(f"{case['id']} {taken}", person, {"expect": {f"{case['line']}_line": answer}}))
    for case in documents()["age_edges_by_age"]["cases"]:
        for age, answer in case["ages"]:
            person = {**case["person"], "age": age}
            expect = {"expect": {f"{case['line']}_line": answer}}
            found.append(Count(f"{case['id']} {age}", person, expect, only=("table",)))
    return tuple(found)


@cache
def unit_counts() -> tuple[Count, ...]:
    """Each result in each spelling of each unit, low and not low, and those in units that are refused."""
    found = []
    for block in documents()["units"]["blocks"]:
        options = json.dumps(block.get("screener", {}))
        for analyte, told in block["results"].items():
            for answer in ("low", "not_low"):
                for spelling in block["spellings"]:
                    person = {"age": "40 y", "sex": "F", **block.get("beside", {})}
                    person[analyte] = {"value": told[answer], "unit": spelling}
                    expect = {"expect": {f"{told['line']}_line": answer}}
                    found.append(Count(f"{block['id']} {analyte} {answer} {spelling}", person, expect, options))
    for refused in documents()["units"]["refused"]:
        for spelling in refused["spellings"]:
            # A result that is set aside makes no count: another one is sent beside it.
            person = {"age": "40 y", "sex": "F", "mcv": "90 fL"}
            person[refused["result"]] = {"value": refused["value"], "unit": spelling}
            expect = {"expect": {f"{refused['line']}_line": "cannot_tell"}}
            found.append(Count(f"{refused['id']} {spelling}", person, expect))
    return tuple(found)


def by_screener(counts: Iterable[Count]) -> dict[str, list[Count]]:
    groups: dict[str, list[Count]] = {}
    for count in counts:
        groups.setdefault(count.screener, []).append(count)
    return groups


@cache
def screener_of(options: str) -> cbc.Screener:
    return cbc.Screener(**json.loads(options))


# What must be --------------------------------------------------------------------------------

RANK = {urgency.value: place for place, urgency in enumerate(Urgency)}
# Why something is unknown may be told otherwise by a feed ("VALUE_MISSING" for an empty field).
OWN_WORDS = ("reasons", "next_tests")


def misses(case: dict[str, Any], flags: dict[str, Any], *, reasons: bool = True) -> list[str]:
    """Return what is not as it must be, in words."""

    def has(column: str) -> set[str]:
        return set(str(flags[column] or "").split(";"))

    def same(column: str, wanted: Any) -> bool:
        return flags[column] == wanted or str(_empty(flags[column])) == str(_empty(wanted))

    found = [
        f"{column} is {flags[column]!r} and must be {wanted!r}"
        for column, wanted in case.get("expect", {}).items()
        if (reasons or column not in OWN_WORDS) and not same(column, wanted)
    ]
    least = case.get("urgency_at_least", "none")
    if RANK[str(flags["urgency"])] < RANK[least]:
        found.append(f"urgency is {flags['urgency']} and must be at least {least}")
    if missing := set(case.get("listed", ())) - has("checklist"):
        found.append(f"not on the list: {sorted(missing)}")
    for column, wanted in case.get("contains", {}).items():
        if (reasons or column not in OWN_WORDS) and set(wanted) - has(column):
            found.append(f"{column} is {flags[column]!r} and must hold {wanted}")
    for column, unwanted in case.get("lacks", {}).items():
        if set(unwanted) & has(column):
            found.append(f"{column} is {flags[column]!r} and must not hold {unwanted}")
    found += [
        f"{column} must not be {wrong!r}"
        for column, wrong in case.get("not", {}).items()
        if (reasons or column not in OWN_WORDS) and same(column, wrong)
    ]
    return found


def _empty(value: Any) -> Any:
    return "" if value is None else value


# Doors ---------------------------------------------------------------------------------------

Flags = dict[str, dict[str, Any]]


def by_record(screener: cbc.Screener, counts: Sequence[Count], folder: Path) -> Flags:
    return {count.id: screener.screen(count.record, compact=True).flags() for count in counts}


def table(counts: Sequence[Count]) -> tuple[list[str], list[dict[str, str | None]]]:
    """Write counts as rows of text, each result with its unit, range, status and flag beside it."""
    records = []
    for count in counts:
        row: dict[str, Any] = {}
        for name, value in count.record.items():
            if isinstance(value, dict) and name not in ("film", "context"):
                # The column of the analyte comes first, and what stands beside it follows.
                row[name], row[f"{name}_unit"] = str(value["value"]), value.get("unit")
                if "range" in value:
                    row[f"{name}_lower"], row[f"{name}_upper"] = (None if s is None else str(s) for s in value["range"])
                row |= {f"{name}_{part}": value[part] for part in ("status", "flag") if part in value}
            else:
                row[name] = value
        records.append(row)
    return rows_of(records)


def by_pandas(screener: cbc.Screener, counts: Sequence[Count], folder: Path) -> Flags:
    names, rows = table(counts)
    frame = pd.DataFrame(rows, columns=names, dtype=object)
    return _numbered(counts, answers(screener.screen_frame(frame, accept_units=list(LOINC))))


def by_arrow(screener: cbc.Screener, counts: Sequence[Count], folder: Path) -> Flags:
    return _numbered(counts, answers(screener.screen_frame(_arrow(counts), accept_units=list(LOINC))))


def by_polars(screener: cbc.Screener, counts: Sequence[Count], folder: Path) -> Flags:
    frame = pl.from_arrow(_arrow(counts))
    return _numbered(counts, answers(screener.screen_frame(frame, accept_units=list(LOINC))))


def _arrow(counts: Sequence[Count]) -> pa.Table:
    names, rows = table(counts)
    return pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names})


def _numbered(counts: Sequence[Count], found: list[dict[str, Any]]) -> Flags:
    return dict(zip((count.id for count in counts), found, strict=True))


def by_csv(screener: cbc.Screener, counts: Sequence[Count], folder: Path) -> Flags:
    return _numbered(counts, _scan(screener, write_wide(counts, folder / "wide.csv"), folder))


def write_wide(counts: Sequence[Count], path: Path) -> Path:
    names, rows = table(counts)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([row.get(name) or "" for name in names] for row in rows)
    return path


def by_packed(screener: cbc.Screener, counts: Sequence[Count], folder: Path) -> Flags:
    """Scan a wide file and leave the flags as bits."""
    source, out = write_wide(counts, folder / "wide.csv"), folder / "packed.parquet"
    screener.scan(source, out, packed=True, accept_units=list(LOINC), force=True)
    return _numbered(counts, cbc.read_flags(out, kind="pyarrow").to_pylist())


def by_parquet(screener: cbc.Screener, counts: Sequence[Count], folder: Path) -> Flags:
    pq.write_table(_arrow(counts), folder / "wide.parquet")
    return _numbered(counts, _scan(screener, folder / "wide.parquet", folder))


def by_ndjson(screener: cbc.Screener, counts: Sequence[Count], folder: Path) -> Flags:
    _, rows = table(counts)
    lines = [json.dumps({k: v for k, v in row.items() if v is not None}, ensure_ascii=False) for row in rows]
    (folder / "wide.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return _numbered(counts, _scan(screener, folder / "wide.ndjson", folder))


def by_excel(screener: cbc.Screener, counts: Sequence[Count], folder: Path) -> Flags:
    names, rows = table(counts)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("counts")
    sheet.append(names)
    for row in rows:
        sheet.append([row.get(name) for name in names])
    book.save(folder / "wide.xlsx")
    return _numbered(counts, _scan(screener, folder / "wide.xlsx", folder))


def _scan(screener: cbc.Screener, source: Any, folder: Path, **options: Any) -> list[dict[str, Any]]:
    out = folder / "flags.csv"
    screener.scan(source, out, folder / "rejects.csv", accept_units=list(LOINC), force=True, **options)
    with out.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _by_person(counts: Sequence[Count], found: list[dict[str, Any]]) -> Flags:
    """Rows of a feed come in an order of their own, and name their person."""
    people = [row["person"].split("/")[-1].split("^")[0] for row in found]
    if len(set(people)) != len(people):
        raise AssertionError("one count became several rows")
    rows = dict(zip(people, found, strict=True))
    return {count.id: rows[f"P{place}"] for place, count in enumerate(counts) if f"P{place}" in rows}


def by_long(screener: cbc.Screener, counts: Sequence[Count], folder: Path) -> Flags:
    path = folder / "long.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["PatientID", "DOB", "Sex", "Collected", "Test", "Result", "Units", "Ref Low", "Ref High", "Flag", "Status"]
        )
        for place, count in enumerate(counts):
            person = [f"P{place}", count.born() or "", count.record.get("sex") or "", count.taken()]
            for one in count.results:
                row = [NAMES[one.analyte], one.text, one.unit, *(one.range or ("", "")), one.flag, one.status]
                writer.writerow([*person, *row])
    return _by_person(counts, _scan(screener, path, folder, keep=["person"]))


def by_hl7(screener: cbc.Screener, counts: Sequence[Count], folder: Path) -> Flags:
    messages = []
    for place, count in enumerate(counts):
        day, born = count.taken().replace("-", ""), (count.born() or "").replace("-", "")
        messages += [
            f"MSH|^~\\&|LAB|H|||{day}||ORU^R01|{place}|P|2.5.1||||||UNICODE UTF-8",
            f"PID|1||P{place}^^^H||X^Y||{born}|{count.record.get('sex') or ''}",
            f"OBR|1||{place}|58410-2^CBC^LN|||{day}",
        ]
        for number, one in enumerate(count.results, 1):
            kind = "NM" if _number(one.text) else "ST"
            code = f"{LOINC[one.analyte]}^{NAMES[one.analyte]}^LN"
            limits = "-".join(one.range) if one.range else ""
            messages.append(
                f"OBX|{number}|{kind}|{code}||{_escaped(one.text)}|{_escaped(one.unit)}|{limits}|{one.flag}|||{one.status}"
            )
    (folder / "feed.hl7").write_text("\r".join(messages) + "\r", encoding="utf-8", newline="")
    return _by_person(counts, _scan(screener, folder / "feed.hl7", folder, keep=["person"]))


def _escaped(text: str) -> str:
    for mark, code in (("\\", "E"), ("|", "F"), ("^", "S"), ("&", "T"), ("~", "R")):
        text = text.replace(mark, f"\\{code}\\")
    return text


def _number(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).isdigit()


def by_fhir(screener: cbc.Screener, counts: Sequence[Count], folder: Path) -> Flags:
    lines = []
    for place, count in enumerate(counts):
        patient: dict[str, Any] = {"resourceType": "Patient", "id": f"P{place}"}
        if count.record.get("sex"):
            patient["gender"] = {"F": "female", "M": "male"}[count.record["sex"]]
        if count.born():
            patient["birthDate"] = count.born()
        lines.append(patient)
        lines += [_observation(count, place, number, one) for number, one in enumerate(count.results)]
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    (folder / "feed.ndjson").write_text(text + "\n", encoding="utf-8")
    return _by_person(counts, _scan(screener, folder / "feed.ndjson", folder, keep=["person"]))


def _observation(count: Count, place: int, number: int, one: Result) -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Observation",
        "id": f"{place}-{number}",
        "status": FHIR_STATUS[one.status],
        "code": {"coding": [{"system": "http://loinc.org", "code": LOINC[one.analyte]}]},
        "subject": {"reference": f"Patient/P{place}"},
        "effectiveDateTime": count.taken(),
    }
    sign, bare = next(((c, one.text[len(s) :]) for s, c in BOUNDS if one.text.startswith(s)), ("", one.text))
    if _number(bare.strip()) and one.unit:
        found["valueQuantity"] = {"value": float(bare), "unit": one.unit}
        if sign:
            found["valueQuantity"]["comparator"] = sign
    else:
        found["valueString"] = f"{one.text} {one.unit}".strip()
    if one.range:
        low_high = zip(("low", "high"), one.range, strict=True)
        limits = {side: {"value": float(limit), "unit": one.unit} for side, limit in low_high if _number(limit)}
        found["referenceRange"] = [limits or {"text": "-".join(one.range)}]
    if one.flag:
        found["interpretation"] = [{"coding": [{"code": one.flag}]}]
    return found


def by_astm(screener: cbc.Screener, counts: Sequence[Count], folder: Path) -> Flags:
    lines = ["H|\\^&|||ANALYZER|||||||P|E1394-97|20240603"]
    for place, count in enumerate(counts):
        day, born = count.taken().replace("-", ""), (count.born() or "").replace("-", "")
        lines += [
            f"P|{place + 1}|P{place}|||X^Y||{born}|{count.record.get('sex') or ''}",
            f"O|1|S{place}||^^^CBC|R||{day}||||N||||Blood",
        ]
        for number, one in enumerate(count.results, 1):
            limits = "-".join(one.range) if one.range else ""
            text, unit = _astm(one.text), _astm(one.unit)
            lines.append(f"R|{number}|^^^{ASTM_NAMES[one.analyte]}|{text}|{unit}|{limits}|{one.flag}||{one.status}")
    lines.append("L|1|N")
    (folder / "feed.astm").write_text("\r".join(lines) + "\r", encoding="utf-8", newline="")
    return _by_person(counts, _scan(screener, folder / "feed.astm", folder, keep=["person"]))


def _astm(text: str) -> str:
    for mark, code in (("&", "E"), ("|", "F"), ("^", "S"), ("\\", "R")):
        text = text.replace(mark, f"&{code}&")
    return text


def by_ccda(screener: cbc.Screener, counts: Sequence[Count], folder: Path) -> Flags:
    """Write one document for each person."""
    paths = []
    for place, count in enumerate(counts):
        birth = f'<birthTime value="{(count.born() or "").replace("-", "")}"/>' if count.born() else ""
        sex = f'<administrativeGenderCode code="{count.record["sex"]}"/>' if count.record.get("sex") else ""
        parts = "".join(_component(one) for one in count.results)
        paths.append(folder / f"document{place}.xml")
        paths[-1].write_text(
            '<?xml version="1.0" encoding="UTF-8"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><recordTarget><patientRole>'
            f'<id root="1.2.3" extension="P{place}"/><patient>{sex}{birth}</patient></patientRole></recordTarget>'
            '<component><structuredBody><component><section><entry><organizer classCode="BATTERY" moodCode="EVN">'
            f'<id root="1.2.3" extension="B{place}"/><statusCode code="completed"/>'
            f'<effectiveTime value="{count.taken().replace("-", "")}"/>{parts}</organizer></entry></section></component>'
            "</structuredBody></component></ClinicalDocument>",
            encoding="utf-8",
        )
    return _by_person(counts, _scan(screener, paths, folder, keep=["person"]))


def _component(one: Result) -> str:
    if _number(one.text) and one.unit:
        value = f'<value xsi:type="PQ" value="{one.text}" unit={quoteattr(one.unit)}/>'
    else:
        value = f'<value xsi:type="ST">{escape(f"{one.text} {one.unit}".strip())}</value>'
    flag = f"<interpretationCode code={quoteattr(one.flag)}/>" if one.flag else ""
    limits = ""
    if one.range and one.unit:
        sides = "".join(
            f'<{side} value="{limit}" unit={quoteattr(one.unit)}/>'
            for side, limit in zip(("low", "high"), one.range, strict=True)
            if _number(limit)
        )
        limits = f'<referenceRange><observationRange><value xsi:type="IVL_PQ">{sides}</value></observationRange></referenceRange>'
    return (
        '<component><observation classCode="OBS" moodCode="EVN">'
        f'<code code="{LOINC[one.analyte]}" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="{CCDA_STATUS[one.status]}"/>'
        f"{value}{flag}{limits}</observation></component>"
    )


Door = Callable[[cbc.Screener, Sequence[Count], Path], Flags]
TABLES: dict[str, Door] = {
    "pandas": by_pandas,
    "arrow": by_arrow,
    "polars": by_polars,
    "csv": by_csv,
    "packed": by_packed,
    "parquet": by_parquet,
    "ndjson": by_ndjson,
    "excel": by_excel,
}
FEEDS: dict[str, Door] = {"long": by_long, "hl7": by_hl7, "fhir": by_fhir, "astm": by_astm, "ccda": by_ccda}


def missed(door: Door, counts: Iterable[Count], folder: Path, *, reasons: bool = True) -> list[str]:
    """Send counts through a door and return every miss, in words."""
    found = []
    for options, group in by_screener(counts).items():
        flags = door(screener_of(options), group, folder)
        for count in group:
            if count.id not in flags:
                found.append(f"{count.id}: no row came back")
                continue
            found += [f"{count.id}: {miss}" for miss in misses(count.case, flags[count.id], reasons=reasons)]
    return found
