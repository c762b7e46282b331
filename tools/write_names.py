"""Write reference_ranges/names/, one file a language, from the cited lists of names.

Usage: python tools/write_names.py /path/to/shared

A list has, for each language, names of analytes and of columns, spellings of units, months, and words in place of a
result, each seen in a public file or known from memory only. Left out are names of quantities that are not screened, names of one letter, and what is a false
friend in some language. What a name means where languages differ is settled when the files are loaded
(`cbc_screen/knowledge/names.py`).
"""

from __future__ import annotations

import argparse
import csv
import re
from collections import defaultdict
from pathlib import Path

import yaml

from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.fold import plain_name
from cbc_screen.knowledge.quantities import Analyte, normalize_unit

OUT = Path(__file__).resolve().parents[1] / "reference_ranges" / "names"
EVERYDAY = Path(__file__).resolve().parent / "everyday_names.csv"  # names of every day, from memory, beside the lists
ANALYTES = {"neutrophils_segmented": "segmented", "neutrophils_segmented_percent": "segmented_percent"}
NO_AGE = ("SA",)  # weeks of gestation in French
AGE_UNITS = {"y": "y", "m": "mo", "w": "wk", "d": "d"}
PEOPLE = {"age": "age", "sex": "sex", "birth_date": "birth_date", "collected_at": "collected_at"}
EITHER = "count or percent"
# Words by which a name of every day says that it is a count and no percentage.
COUNTED = re.compile(
    r"abs|mutlak|contagem|conta|recuento|conteo|num[ăe]r|liczba|poč|szám|sayısı|jumlah|hitung|числ|кільк|количес|số lượng|απόλ|bezwzgl|taux|anzahl|zahl"
    r"|计数|計數|数|數|绝对|絕對|수$",
    re.IGNORECASE,
)
# The parts of a table of one result a row, by what the lists call them.
TABLE = {
    "patient_id": "person", "test_name": "name", "result": "value", "unit": "unit", "reference_range": "range",
    "flag": "flag", "specimen": "specimen",
}  # fmt: skip
# Words in place of a number; "positive" and "negative" say nothing of a count.
RESULT_WORDS = ("clotted", "clumped", "hemolyzed", "insufficient", "not_done", "pending", "see_comment")
# What the lists call a unit, where the tables have another word for it; a ratio and a share are told apart by nobody.
UNITS = {"permille": "\u2030"}
NO_UNITS = ("10^11/L (lakh per \u00b5L)", "L/L", "mmol/L", "fmol")
Words = dict[str, dict[str, list[str]]]


def add(words: Words, key: str, row: dict[str, str]) -> None:
    """Add a name under a key, by how it is known; of equal ones the first."""
    known = [plain_name(name) for own in words[key].values() for name in own]
    if plain_name(row["name"]) not in known:
        words[key].setdefault(row["verification"], []).append(row["name"])


def without_own_name(name: str, analyte: Analyte) -> str:
    """Return what stands before a name of the same analyte in brackets: "Thrombozyten (PLT)"."""
    base, _, tail = name.partition("(")
    return base.strip() if plain_name(tail) in analyte.names and len(plain_name(base)) > 2 else ""


def file_of(rows: list[dict[str, str]], friends: set[str]) -> dict[str, object]:
    """Return the sections of one language."""
    analytes = load_knowledge().analytes
    found: dict[str, Words] = {
        "analytes": defaultdict(dict), "count_or_percent": defaultdict(dict), "people": defaultdict(dict),
        "age_units": defaultdict(dict), "table": defaultdict(dict), "months": defaultdict(dict),
        "units": defaultdict(dict), "result_words": defaultdict(dict),
    }  # fmt: skip
    also = {row["name"] for row in rows if row["kind"] == "false_friend" and "analyte:" in row["note"]}
    for row in sorted(rows, key=lambda row: row["verification"] != "seen"):
        name = plain_name(row["name"])
        if row["kind"] in ("month", "unit", "result_word"):
            add_word(found, row)
            continue
        base = name.removesuffix(" percent").removesuffix(" count")
        short = len(base) < 2 and (base.isascii() or row["kind"] != "age_unit")
        if short or ((base in friends or name in friends) and row["name"] not in also):
            continue
        if row["kind"] == "analyte" and row["id"] in analytes:
            alone = without_own_name(row["name"], analytes[row["id"]])
            if alone and plain_name(alone) not in friends:
                add(found["analytes"], row["id"], {**row, "name": alone})
            count = row["id"].removesuffix("_percent")
            either = EITHER in row["note"] and analytes.get(count) and analytes[count].percent
            add(found["count_or_percent" if either else "analytes"], count if either else row["id"], row)
        elif row["kind"] == "age_unit" and " " not in row["name"] and row["name"] not in NO_AGE:
            add(found["age_units"], AGE_UNITS[row["id"]], row)
        elif row["kind"] == "field" and row["id"] in PEOPLE:
            add(found["people"], PEOPLE[row["id"]], row)
        elif row["kind"] == "field" and row["id"] in TABLE:
            add(found["table"], TABLE[row["id"]], row)
    sections: dict[str, object] = {
        section: dict(
            sorted(words.items(), key=lambda pair: (len(pair[0]), pair[0]) if section == "months" else (0, pair[0]))
        )
        for section, words in found.items()
        if words
    }
    return {**sections, "not_alone": sorted(also)} if also else sections


def add_word(found: dict[str, Words], row: dict[str, str]) -> None:
    """Add a month, a unit that the unit tables do not have, or a word in place of a result."""
    if row["kind"] == "month" and not row["name"].isdecimal():
        add(found["months"], row["id"], row)
    elif row["kind"] == "result_word" and row["id"] in RESULT_WORDS:
        add(found["result_words"], row["id"], row)
    elif row["kind"] == "unit" and row["id"] not in NO_UNITS:
        unit = UNITS.get(row["id"], row["id"])
        tables = load_knowledge().units.values()
        if not any(normalize_unit(row["name"]) in {*table.accepted, *table.refused} for table in tables):
            spellings = found["units"][unit].setdefault(row["verification"], [])
            if row["name"] not in spellings:
                spellings.append(row["name"])


def read_rows(path: Path) -> list[dict[str, str]]:
    """Read a list."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{**row, "id": ANALYTES.get(row["id"], row["id"])} for row in csv.DictReader(file)]


def everyday_rows(language: str) -> list[dict[str, str]]:
    """Return the names of every day of a language, in the form of its list."""
    return [
        {
            "kind": "analyte",
            "id": row["id"],
            "name": name,
            "verification": "memory",
            "note": "" if COUNTED.search(name) else EITHER,
        }
        for row in read_rows(EVERYDAY)
        if row["language"] == language
        for name in row["names"].split("|")
    ]


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    folder = parser.parse_args().shared / "knowledge" / "names"
    OUT.mkdir(exist_ok=True)
    lists = {path: read_rows(path) for path in sorted(folder.glob("*.csv"))}
    for path, rows in lists.items():
        rows += everyday_rows(path.stem)
    friends = {plain_name(row["name"]) for rows in lists.values() for row in rows if row["kind"] == "false_friend"}
    for path, rows in lists.items():
        sections = file_of(rows, friends)
        text = (
            f"# How exports and analyzers name the blood count in this language ({path.stem}). `seen` stood in a public file;\n"
            "# `memory` is known from memory only, and is read where nothing contradicts it. A name that is also one of another\n"
            "# thing is `not_alone`: it is read beside another name of the analyte. Written by tools/write_names.py.\n"
        )
        body = yaml.safe_dump(
            {"language": path.stem, "source": "names_seen", **sections}, allow_unicode=True, sort_keys=False, width=118
        )
        (OUT / f"{path.stem}.yaml").write_text(text + body, encoding="utf-8")
    print(f"{len(list(OUT.glob('*.yaml')))} languages")


if __name__ == "__main__":
    main()
