"""Write the JSON schemas of what goes in and out, which lie in the wheel (src/cbc_screen/_schemas).

Usage: python tools/write_schemas.py            write them
       python tools/write_schemas.py --release  also keep their structure as that of the last release (tests/released_schemas.json)

What may change between releases is in `schema_changes.py`, and a test holds every schema against the last release.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from inspect import cleandoc
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

import pyarrow as pa  # noqa: E402
from pydantic import TypeAdapter  # noqa: E402
from schema_changes import kept  # noqa: E402

import cbc_screen as cbc  # noqa: E402
from cbc_screen.field_texts import COLUMNS, TEXTS, WORDS  # noqa: E402
from cbc_screen.knowledge.serial import load_serial  # noqa: E402
from cbc_screen.model_schema import RECORD  # noqa: E402
from cbc_screen.scores import Score  # noqa: E402
from cbc_screen.service.schemas import NAMED  # noqa: E402
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION  # noqa: E402

FOLDER = ROOT / "src" / "cbc_screen" / "_schemas"
RELEASED = ROOT / "tests" / "released_schemas.json"
WRITTEN: Mapping[str, type] = {
    "agreement": cbc.Agreement,
    "audit": cbc.Audit,
    "comparison": cbc.Comparison,
    "flag_summary": cbc.FlagSummary,
    "score": Score,
    "summary": cbc.ScanSummary,
    "verification": cbc.RangeVerification,
}
NOT_IN_MANIFEST = ("options_file", "seconds", "notice", "schema_version", "source", "out", "rejects_file")
WORDS_OF = {"red_line": "lines", "white_line": "lines", "platelet_line": "lines", "severity_min": "severity"}
AUDIT_NUMBERS = (
    *("row", "value_low", "value_high", "lower", "upper", "shipped_lower", "shipped_upper", "results", "share", "rows"),
    *("with_range", "with_flag", "about_flags", "about_ranges", "about_units", "flagged_low_up_to", "not_flagged_low_from"),
)  # fmt: skip
SAMPLE_ROWS = 40
PERSON_ROWS = {"mrn": ["a", "a"], "collected": ["2024-05-01", "2024-06-01"], "age": ["54 y", "54 y"], "sex": ["F", "F"]}
GIVEN = {"mrn", "collected", "age", "sex"}


def schemas() -> dict[str, dict[str, Any]]:
    """Return every schema by name."""
    found = {name: model.model_json_schema(mode=mode) for name, (model, mode) in NAMED.items()}
    found |= {name: _of_class(model) for name, model in WRITTEN.items()}
    found["comparison"]["properties"]["same"] = {
        "type": "boolean",
        "description": "Whether every row is in both files with the same flags.",
    }
    found["comparison"]["required"].append("same")
    found["manifest"] = _manifest(found["summary"])
    found |= _tables()
    return {name: _headed(name, own) for name, own in sorted(found.items())}


def _headed(name: str, own: Mapping[str, Any]) -> dict[str, Any]:
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:cbc-screen:schema:{name}:{SCHEMA_VERSION}",
    }
    return {**head, **own}


def _of_class(model: type) -> dict[str, Any]:
    """Return the schema of a data class as its `to_dict` writes it: every field is there."""
    schema = TypeAdapter(model).json_schema(mode="serialization")
    for part, own in {model.__name__: schema, **schema.get("$defs", {})}.items():
        if "properties" in own:
            own["required"] = list(own["properties"])
            for field, text in _attributes(own.get("description", "")).items():
                own["properties"][field]["description"] = text
            own["description"] = own.get("description", part).partition("\n")[0]
            for entry in own["properties"].values():
                entry.pop("title", None)
                entry.pop("default", None)  # a version, which is another one soon
    schema["description"] = f"{schema['description']} {NOTICE}"
    if model is cbc.Audit:
        for table in ("findings", "results", "ranges", "limits"):
            text = schema["properties"][table].get("description", "")
            schema["properties"][table] = {"type": "array", "items": _audit_row(table), "description": text}
    return schema


def _audit_row(table: str) -> dict[str, Any]:
    from cbc_screen.verify import tables

    names = {
        "findings": tables._COLUMNS,
        "results": tables._RESULTS,
        "ranges": tables._RANGES,
        "limits": tables._LIMITS,
    }
    kinds = {
        name: "number" if name in AUDIT_NUMBERS else "boolean" if name == "agrees" else "string"
        for name in names[table]
    }
    return {
        "type": "object",
        "properties": {name: {"type": [kind, "null"]} for name, kind in kinds.items()},
        "required": list(kinds),
    }


def _attributes(docstring: str) -> dict[str, str]:
    """Return what the section "Attributes" of a docstring says of each field: the lines below its name, else behind it."""
    found: dict[str, str] = {}
    entries = re.split(r"\n(?=\S)", cleandoc(docstring).partition("Attributes\n----------\n")[2])
    for entry in entries:
        head, *lines = entry.splitlines() or [""]
        names, _, behind = head.partition(" : ")
        text = " ".join(line.strip() for line in lines) or (behind if " " in behind else "")
        found |= {name.strip(): text for name in names.split(",") if text}
    return found


def _manifest(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of the manifest beside a file of flags; its counts are those of the summary."""
    counts = {name: own for name, own in summary["properties"].items() if name not in NOT_IN_MANIFEST}
    input_of = {"name": {"type": "string"}, "bytes": {"type": "integer"}, "sha256": {"type": "string"}}
    properties = {
        "notice": {"type": "string", "description": TEXTS["ScreeningResult"]["notice"]},
        "schema_version": {"type": "string", "description": TEXTS["ScreeningResult"]["schema_version"]},
        "inputs": {
            "type": "array",
            "items": {"type": "object", "properties": input_of, "required": list(input_of)},
            "description": "Every file that was read.",
        },
        "options": {"type": "object", "description": "How the scan was asked for."},
        "options_file": {
            "type": ["string", "null"],
            "description": "The configuration file that options of the command came from.",
        },
        "counts": {
            "type": "object",
            "properties": counts,
            "required": list(counts),
            "description": "What was counted.",
        },
    }
    return {
        "title": "Manifest",
        "description": f"What a scan was made of, beside its flags. {NOTICE}",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "$defs": summary["$defs"],
    }


def _tables() -> dict[str, dict[str, Any]]:
    """Return the schemas of a row of flags, of a person and of a count that were followed, as NDJSON has them."""
    counts = pa.Table.from_pandas(cbc.sample(ordinary=SAMPLE_ROWS))
    screens = (
        cbc.Screener(),
        cbc.Screener(published_sets=True),
        cbc.Screener(definition="strict", grading="who_2024", adjust_hemoglobin=("smoking",)),
    )
    flags = [screens[0].screen_frame(counts).schema]
    flags += [one.screen_frame(counts, detail=True).schema for one in screens]
    # Columns of an analyte are there where the analyte is.
    persons = [_persons(list(load_serial().variation)), _persons(["hemoglobin"]), _persons(["platelets"])]
    followed = [cbc.follow(one).schema for one in persons]
    each = [cbc.follow(one, each_count=True).schema for one in persons]
    return {
        "flags": _of_rows("Flags", "A row of flags, as NDJSON has it; columns that are kept stand before them.", flags),
        "followed": _of_rows("Followed", "A person over time.", followed),
        "followed_count": _of_rows("FollowedCount", "A count, with what changed since the one before.", each),
    }


def _persons(analytes: list[str]) -> pa.Table:
    texts = {name: RECORD[name] if isinstance(RECORD[name], str) else "0.9 10^9/L" for name in analytes}
    return pa.table({**PERSON_ROWS, **{name: [text, text] for name, text in texts.items()}})


def _of_rows(title: str, description: str, frames: list[pa.Schema]) -> dict[str, Any]:
    """Return the schema of a row; columns that stand under every setting are always there."""
    columns = {field.name: field.type for one in frames for field in one}
    own = {name: kind for name, kind in columns.items() if name not in (*GIVEN, *RECORD)}
    required = [name for name in own if all(name in one.names for one in frames)]
    properties = {name: _column(name, kind) for name, kind in own.items()}
    whole = {"type": "object", "properties": properties, "required": required}
    return {"title": title, "description": f"{description} {NOTICE}", **whole}


def _column(name: str, kind: pa.DataType) -> dict[str, Any]:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    pattern = name if name in COLUMNS else next((own for own in COLUMNS if own == "{}" + name[name.rfind("_") :]), "")
    text = {"description": COLUMNS[pattern]} if pattern else {}
    words = WORDS.get("states" if pattern == "{}_state" else WORDS_OF.get(name, name))
    if words is not None and name not in ("blood_criteria", "checklist_groups"):
        return {"enum": list(words), **text}
    if pa.types.is_temporal(kind):
        return {"type": ["string", "null"], **text}
    for of, said in (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "integer"),
        (pa.types.is_floating, "number"),
    ):
        if of(kind):
            return {"type": [said, "null"], **text}
    return {"type": ["string", "null"], **text}


def main() -> None:
    """Write the schemas."""
    found = schemas()
    FOLDER.mkdir(exist_ok=True)
    for stale in {path.stem for path in FOLDER.glob("*.json")} - found.keys():
        (FOLDER / f"{stale}.json").unlink()
    for name, own in found.items():
        (FOLDER / f"{name}.json").write_text(text(own), encoding="utf-8")
    if "--release" in sys.argv[1:]:
        RELEASED.write_text(lines_of(kept(SCHEMA_VERSION, found)), encoding="utf-8")
    print(f"{len(found)} schemas of version {SCHEMA_VERSION}")


def lines_of(kept: Mapping[str, Any]) -> str:
    """Return what is kept of a release as its file holds it: a line for each schema and each part."""
    parts = []
    for group in ("$defs", "schemas"):
        lines = [f"{json.dumps(name)}: {json.dumps(own, sort_keys=True)}" for name, own in sorted(kept[group].items())]
        parts.append(f"{json.dumps(group)}: {{\n" + ",\n".join(lines) + "\n}")
    return f'{{"schema_version": "{kept["schema_version"]}",\n' + ",\n".join(parts) + "}\n"


def text(schema: Mapping[str, Any]) -> str:
    """Return a schema as its file holds it."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
