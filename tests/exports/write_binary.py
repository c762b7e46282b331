"""Write the exports that no editor shows: other encodings, packed files, workbooks, Parquet and SAS transport files.

    python tests/exports/write_binary.py

Every person is made up. The same tables come out every time; tests/test_exports.py holds the files to them.
"""

from __future__ import annotations

import datetime
import gzip
import io
import re
import zipfile
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = Path(__file__).parent
STAMP = datetime.datetime(2024, 2, 3, 8, 10)

TEXTS = {
    # file: encoding, text
    "wide/german_latin1.csv": (
        "latin-1",
        "Fallnummer;Geschlecht;Geburtsdatum;Entnahmedatum;Hämoglobin (g/dl);Leukozyten (10^9/l);Neutrophile abs. (10^9/l);Thrombozyten (10^9/l)\n"
        "DE-44001;w;14.05.1962;03.02.2024;7,93;1,93;0,647;31\nDE-44002;m;02.11.1978;03.02.2024;15,31;6,94;4,17;238\n",
    ),
    "wide/japanese_shift_jis.csv": (
        "shift_jis",
        "患者番号,性別,年齢,白血球数(10^2/μL),ヘモグロビン(g/dL),血小板数(10^4/μL),好中球(%)\n"
        "JP-10701,女,61歳,19.3,7.93,3.1,33.5\nJP-10702,男,45歳,69.4,15.31,23.8,60.1\n",
    ),
    "wide/chinese_gb18030.csv": (
        "gb18030",
        "病人编号,性别,年龄,白细胞计数(10^9/L),血红蛋白(g/L),血小板计数(10^9/L),中性粒细胞绝对值(10^9/L)\n"
        "CN-20801,女,61岁,1.93,79.3,31,0.647\nCN-20802,男,45岁,6.94,153.1,238,4.17\n",
    ),
    "wide/russian_utf16.csv": (
        "utf-16",
        "Номер пациента;Пол;Возраст;Гемоглобин (г/л);Лейкоциты (10^9/л);Нейтрофилы (10^9/л);Тромбоциты (10^9/л)\n"
        "RU-30901;ж;61 год;79,3;1,93;0,647;31\nRU-30902;м;45 лет;153,1;6,94;4,17;238\n",
    ),
}  # fmt: skip
COUNTS = {
    "id": ["PQ-50101", "PQ-50102", "PQ-50103"],
    "age": [61, 45, 70],
    "sex": ["F", "M", "F"],
    "HGB (g/dL)": [7.93, 15.31, 8.52],
    "NEUT# (10^9/L)": [0.647, 4.17, None],
    "PLT (10^9/L)": [31, 238, 44],
}
BORN = {930001: (datetime.datetime(1962, 5, 14), "F"), 930002: (datetime.datetime(1978, 11, 2), "M")}
MEDS_RESULTS = [
    (930001, "LAB//51222//g/dL", 7.93, None),
    (930001, "LAB//52075//K/uL", 0.647, None),
    (930001, "LAB//51301//K/uL", 1.93, None),
    (930001, "LAB//51265//K/uL", None, "<40"),
    (930001, "LAB//50983//mEq/L", 139.0, None),  # sodium
    (930002, "LAB//51222//g/dL", 15.31, None),
    (930002, "LAB//51301//K/uL", 6.94, None),
    (930002, "LAB//52075//K/uL", 4.17, None),
    (930002, "LAB//51265//K/uL", 238.0, None),
]
SURVEY = [
    ("SEQN", 8),
    ("RIAGENDR", 8),
    ("RIDAGEYR", 8),
    ("LBXHGB", 8),
    ("LBDNENO", 8),
    ("LBXPLTSI", 8),
    ("LBXWBCSI", 8),
]
SURVEY_ROWS = [(940001.0, 2.0, 61.0, 7.93, 0.6, 31.0, 1.93), (940002.0, 1.0, 45.0, 15.31, 4.2, None, 6.94)]
STUDY = [("USUBJID", 16), ("LBTESTCD", 8), ("LBORRES", 8), ("LBORRESU", 8), ("LBSPEC", 8), ("LBDTC", 16)]
STUDY_ROWS = [
    ("SY02-701-7701", "HGB", "7.93", "g/dL", "BLOOD", "2024-02-03T08:10"),
    ("SY02-701-7701", "WBC", "1.93", "10^9/L", "BLOOD", "2024-02-03T08:10"),
    ("SY02-701-7701", "NEUT", "0.647", "10^9/L", "BLOOD", "2024-02-03T08:10"),
    ("SY02-701-7701", "PLAT", "31", "10^9/L", "BLOOD", "2024-02-03T08:10"),
]


def parquet(columns: dict[str, pa.Array]) -> bytes:
    """Return a Parquet file of columns."""
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, compression="none")
    return file.getvalue()


def meds() -> bytes:
    """Return events of the MEDS schema: births and sexes of persons among their results."""
    events = [(person, "MEDS_BIRTH", born, None, None) for person, (born, _) in BORN.items()]
    events += [(person, f"GENDER//{sex}", None, None, None) for person, (_, sex) in BORN.items()]
    events += [(person, code, STAMP, number, text) for person, code, number, text in MEDS_RESULTS]
    events.sort(key=lambda event: event[0])
    people, codes, times, numbers, texts = zip(*events, strict=True)
    return parquet(
        {
            "subject_id": pa.array(people, pa.int64()),
            "time": pa.array(times, pa.timestamp("us")),
            "code": pa.array(codes, pa.string()),
            "numeric_value": pa.array(numbers, pa.float32()),
            "text_value": pa.array(texts, pa.string()),
        }
    )


def workbook() -> bytes:
    """Return a workbook with a title, a row of units, dates in cells and a second sheet; the same bytes every time."""
    book = openpyxl.Workbook()
    book.properties.created = book.properties.modified = STAMP
    sheet = book.active
    sheet.title = "Counts"
    born, taken = datetime.date(1962, 5, 14), datetime.date(2024, 2, 3)
    for row in (
        ["Hematology export"],
        [],
        ["Sample", "Birth date", "Collection date", "Sex", "HGB", "NEUT#", "PLT", "Remark"],
        [None, None, None, None, "g/dL", "10^9/L", "10^9/L", None],
        ["WB-61001", born, taken, "F", 7.93, 0.647, 31, None],
        ["WB-61002", datetime.date(1978, 11, 2), taken, "M", 15.31, 4.17, "CLUMPED", "see film"],
    ):
        sheet.append(row)
    book.create_sheet("Codes").append(["HGB", "hemoglobin"])
    file, fixed = io.BytesIO(), io.BytesIO()
    book.save(file)
    with zipfile.ZipFile(file) as parts, zipfile.ZipFile(fixed, "w", zipfile.ZIP_DEFLATED) as out:
        for name in sorted(parts.namelist(), key=lambda name: name != "[Content_Types].xml"):
            # The library writes the time of saving into one of the parts.
            part = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>2024-02-03T08:10:00Z", parts.read(name))
            out.writestr(zipfile.ZipInfo(name, STAMP.timetuple()[:6]), part, zipfile.ZIP_DEFLATED)
    return fixed.getvalue()


def transport(columns: list[tuple[str, int]], rows: list[tuple[str | float | None, ...]]) -> bytes:
    """Return a SAS transport file (version 5) of one table, from the published layout."""
    when = b"03FEB24:08:10:00"
    kinds = [1 if all(not isinstance(cell, str) for cell in column) else 2 for column in zip(*rows, strict=True)]
    out = b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!" + b"0" * 30 + b"  "
    out += b"SAS     SAS     SASLIB  9.4     Linux   ".ljust(64) + when + when.ljust(80)
    out += b"HEADER RECORD*******MEMBER  HEADER RECORD!!!!!!!" + b"000000000000000001600000000140  "
    out += b"HEADER RECORD*******DSCRPTR HEADER RECORD!!!!!!!" + b"0" * 30 + b"  "
    out += b"SAS     LAB     SASDATA 9.4     Linux   ".ljust(64) + when + when.ljust(80)
    out += b"HEADER RECORD*******NAMESTR HEADER RECORD!!!!!!!" + b"000000%04d" % len(columns) + b"0" * 20 + b"  "
    names, place = b"", 0
    for number, ((name, width), kind) in enumerate(zip(columns, kinds, strict=True), start=1):
        names += kind.to_bytes(2, "big") + b"\0\0" + width.to_bytes(2, "big") + number.to_bytes(2, "big")
        names += name.encode().ljust(8) + b" " * 48 + b"\0" * 8 + b" " * 8 + b"\0" * 4
        names += place.to_bytes(4, "big") + b"\0" * 52
        place += width
    out += padded(names) + b"HEADER RECORD*******OBS     HEADER RECORD!!!!!!!" + b"0" * 30 + b"  "
    cells = (cell_of(cell, width) for row in rows for cell, (_, width) in zip(row, columns, strict=True))
    return out + padded(b"".join(cells))


def padded(part: bytes) -> bytes:
    """Fill the last card of 80 bytes."""
    return part + b" " * (-len(part) % 80)


def cell_of(cell: str | float | None, width: int) -> bytes:
    """Return one cell: a text, a number as IBM hexadecimal floating point, or a missing number."""
    if isinstance(cell, str):
        return cell.encode().ljust(width)
    if cell is None:
        return b".".ljust(8, b"\0")
    exponent, number = 64, cell
    while number >= 1:
        number, exponent = number / 16, exponent + 1
    return bytes([exponent]) + int(number * 2**56).to_bytes(7, "big")


def contents() -> dict[str, bytes]:
    """Return what each file holds, by its name."""
    plain = (FOLDER / "wide/plain.csv").read_bytes()
    packed = gzip.compress(plain, mtime=0)
    counts = parquet({name: pa.array(cells) for name, cells in COUNTS.items()})
    found = {name: text.encode(encoding) for name, (encoding, text) in TEXTS.items()}
    return found | {
        "wide/plain.csv.gz": packed,
        "columnar/counts.parquet": counts,
        "columnar/counts.xlsx": workbook(),
        "columnar/survey.xpt": transport(SURVEY, SURVEY_ROWS),
        "long/cdisc_lb.xpt": transport(STUDY, STUDY_ROWS),
        "long/meds.parquet": meds(),
        "broken/cut_short.csv.gz": packed[: len(packed) // 2],
        "broken/cut_short.parquet": counts[: len(counts) // 2],
        "broken/cut_short.xpt": transport(SURVEY, SURVEY_ROWS)[:700],
        "broken/cut_short.xlsx": workbook()[:2000],
    }


if __name__ == "__main__":
    for name, content in contents().items():
        (FOLDER / name).write_bytes(content)
