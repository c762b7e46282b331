"""Every output says which form it has, is of its schema, and no form breaks those who read the last release."""

from __future__ import annotations

import base64
import gzip
import importlib
import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.model_schema import RECORD
from cbc_screen.vocabulary import SCHEMA_VERSION

ROOT = Path(__file__).resolve().parents[1]
RELEASED = json.loads((ROOT / "tests" / "released_schemas.json").read_text(encoding="utf-8"))
FOLDER = ROOT / "src" / "cbc_screen" / "_schemas"
sys.path.insert(0, str(ROOT / "tools"))
changes, writer = (importlib.import_module(name) for name in ("schema_changes", "write_schemas"))
SENT = {"record", "records", "record_in_time", "hook_request", "feedback_request"}

HEADER = "mrn,collected,age,sex,HGB (g/dL),HGB_flag,NEUT (10^9/L),PLT (10^9/L)\n"
ROWS = [
    "a,2024-05-01,54 y,F,9.1,L,0.9,<10",
    "a,2024-06-01,54 y,F,8.2,L,1.9,120",
    "b,2024-06-01,30 y,M,15.1,L,4.0,250",
    "c,2024-06-01,,?,CLOTTED,,4.0,250",
    "ragged",
]


def closed(node: Any) -> Any:
    """Return a schema in which an object has no field but those that are named."""
    if isinstance(node, Mapping):
        own = {name: closed(inner) for name, inner in node.items()}
        return {**own, "additionalProperties": False} if node.get("type") == "object" and "properties" in node else own
    return [closed(inner) for inner in node] if isinstance(node, list) else node


@pytest.fixture(scope="module")
def schemas() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = writer.schemas()
    return found


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "export.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in ROWS), encoding="utf-8")
    return path


# The files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.json")))
def test_a_schema_is_as_the_code_has_it(schemas: dict[str, dict[str, Any]], name: str) -> None:
    """Stale? Run python tools/write_schemas.py."""
    assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == writer.text(schemas[name])
    assert cbc.schema(name) == schemas[name]
    assert cbc.schema(name)["$id"] == f"urn:cbc-screen:schema:{name}:{SCHEMA_VERSION}"
    jsonschema_rs.meta.validate(cbc.schema(name))


def test_every_schema_lies_in_the_package_and_no_other(schemas: dict[str, dict[str, Any]]) -> None:
    assert cbc.schema_names() == tuple(sorted(schemas))
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.json" for name in schemas}


def test_the_command_prints_names_and_schemas() -> None:
    assert tuple(CliRunner().invoke(main, ["schema"]).output.split()) == cbc.schema_names()
    assert json.loads(CliRunner().invoke(main, ["schema", "result"]).output) == cbc.schema("result")
    refused = CliRunner().invoke(main, ["schema", "../result"])
    assert refused.exit_code == 2
    assert "there is no schema of this name; did you mean result? there are agreement," in refused.output


def test_what_goes_out_is_open_for_later_fields_and_what_comes_in_is_not() -> None:
    def closed_objects(node: Any) -> int:
        if isinstance(node, Mapping):
            return (node.get("additionalProperties") is False) + sum(map(closed_objects, node.values()))
        return sum(map(closed_objects, node)) if isinstance(node, list) else 0

    assert {name for name in cbc.schema_names() if closed_objects(cbc.schema(name))} == {
        "record",
        "records",
        "record_in_time",
    }


# What is of them -------------------------------------------------------------------------------------


def flags_of(export: Path, **options: Any) -> list[dict[str, Any]]:
    out = export.with_name("flags.ndjson")
    cbc.scan(export, out, force=True, **options)
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def written(export: Path, name: str, *arguments: str) -> Any:
    """Return what a command writes as JSON."""
    out = export.with_name(name)
    done = CliRunner().invoke(main, [*arguments, str(out)])
    assert done.exit_code == 0, done.output
    text = out.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()] if name.endswith("ndjson") else json.loads(text)


def manifest_of(export: Path) -> Any:
    flags_of(export)
    return json.loads(export.with_name("flags.ndjson.manifest.json").read_text(encoding="utf-8"))


def compared(export: Path) -> Any:
    flags_of(export)
    old = export.with_name("flags.ndjson").rename(export.with_name("old.ndjson"))
    cbc.Screener(definition="strict").scan(export, export.with_name("flags.ndjson"), force=True)
    return json.loads(
        CliRunner().invoke(main, ["compare", str(old), str(old.with_name("flags.ndjson")), "--as-json"]).output
    )


def agreed(export: Path) -> Any:
    answers = export.with_name("answers.csv")
    answers.write_text("row,rule,flag,answer\n1,line:red,low,agree\n2,line:red,low,perhaps\n", encoding="utf-8")
    return json.loads(CliRunner().invoke(main, ["validate", str(answers), "--as-json"]).output)


def verified(_: Path) -> Any:
    people = pd.DataFrame({"age": "50 y", "sex": "F", "HGB (g/L)": [float(value) for value in range(117, 157)]})
    return json.loads(json.dumps(cbc.verify_ranges(people, "nhanes_dxh800", results_of="reference").to_dict()))


MADE: dict[str, Callable[[Path], Any]] = {
    "agreement": agreed,
    "audit": lambda export: written(export, "audit.json", "audit", str(export), "-o"),
    "comparison": compared,
    "flag_summary": lambda export: cbc.summarize(cbc.screen_frame(pd.read_csv(export, nrows=3, dtype=str))).to_dict(),
    "flags": flags_of,
    "followed": lambda export: written(export, "p.ndjson", "follow", str(export), "-o"),
    "followed_count": lambda export: written(export, "c.ndjson", "follow", str(export), "--each-count", "-o"),
    "manifest": manifest_of,
    "record": lambda _: dict(RECORD),
    "result": lambda _: cbc.screen(RECORD).to_dict(),
    "score": lambda _: json.loads(
        CliRunner().invoke(main, ["score", "plasmic", "hemoglobin=89 g/L", "--as-json"]).output
    ),
    "summary": lambda export: written(export, "s.json", "scan", str(export), "--summary"),
    "verification": verified,
}
OF_THE_SERVICE = {
    *("answer", "batch", "cards", "compact", "discovery", "feedback", "feedback_request", "fhir", "health", "hook_request"),
    *("problem", "record_in_time", "records", "schemas", "version"),
}  # fmt: skip
KEPT_BESIDE = {"flags": {"row"}, "followed_count": {"file", "row"}}


@pytest.mark.parametrize("name", MADE)
def test_what_is_written_is_of_its_schema_and_has_no_field_besides(export: Path, name: str) -> None:
    schema, made = closed(cbc.schema(name)), MADE[name](export)
    for one in made if isinstance(made, list) else [made]:
        jsonschema_rs.validate(
            schema, {field: own for field, own in one.items() if field not in KEPT_BESIDE.get(name, ())}
        )


def test_every_schema_is_held_against_what_is_written() -> None:
    assert {*MADE, *OF_THE_SERVICE} == set(cbc.schema_names())


@pytest.mark.parametrize("options", [{"detail": True}, {"packed": False, "received": True}])
def test_rows_of_flags_with_more_columns_are_of_their_schema(export: Path, options: dict[str, Any]) -> None:
    rows = flags_of(export, **options)
    assert len(rows) == 4
    for row in rows:
        jsonschema_rs.validate(cbc.schema("flags"), row)


# The version -----------------------------------------------------------------------------------------

STATED = ("agreement", "audit", "comparison", "flag_summary", "manifest", "result", "score", "summary", "verification")


@pytest.mark.parametrize("name", STATED)
def test_a_document_says_its_version(export: Path, name: str) -> None:
    assert MADE[name](export)["schema_version"] == "1.1"
    assert "schema_version" in cbc.schema(name)["required"]


@pytest.mark.parametrize("options", [{}, {"packed": True}, {"received": True}])
def test_a_parquet_file_of_flags_says_its_version(export: Path, options: dict[str, Any]) -> None:
    cbc.scan(export, export.with_name("flags.parquet"), **options)
    assert pq.read_schema(export.with_name("flags.parquet")).metadata[b"schema_version"] == b"1.1"


def test_so_does_one_of_persons_and_the_worklist(export: Path) -> None:
    out, page = export.with_name("persons.parquet"), export.with_name("list.html")
    assert CliRunner().invoke(main, ["follow", str(export), "-o", str(out)]).exit_code == 0
    assert pq.read_schema(out).metadata[b"schema_version"] == b"1.1"
    cbc.scan(export, export.with_name("flags.parquet"), received=True)
    cbc.worklist(export.with_name("flags.parquet"), page)
    (data,) = re.findall(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert json.loads(gzip.decompress(base64.b64decode(data)))["schema_version"] == "1.1"


# Against the last release ----------------------------------------------------------------------------


def test_nothing_that_was_released_is_broken(schemas: dict[str, dict[str, Any]]) -> None:
    """A fault here is a change for those who read or send: take it back, or raise the version as the fault says."""
    assert len(RELEASED["schemas"]) >= 26
    assert changes.faults(RELEASED, schemas, SCHEMA_VERSION, SENT) == []


def test_a_schema_that_grows_takes_a_higher_second_number(schemas: dict[str, dict[str, Any]]) -> None:
    grown = ["schemas have grown since the release; raise the second number of SCHEMA_VERSION"]
    kept = changes.kept(SCHEMA_VERSION, schemas)
    assert changes.faults(kept, schemas, SCHEMA_VERSION, SENT) == []
    assert changes.faults(kept, {**schemas, "new": {"type": "object"}}, SCHEMA_VERSION, SENT) == grown


ONE: dict[str, Any] = {
    "type": "object",
    "properties": {"grade": {"type": ["integer", "null"]}, "line": {"enum": ["low", "not_low"]}, "part": {"$ref": "#/$defs/Part"}},
    "required": ["grade", "part"],
    "$defs": {"Part": {"type": "object", "properties": {"id": {"type": "string", "maxLength": 9}}, "required": ["id"]}},
}  # fmt: skip


def changed(**of_one: Any) -> dict[str, Any]:
    """Return the schema with other properties, required or parts."""
    properties = {**ONE["properties"], **of_one.pop("properties", {})}
    return {**ONE, "properties": {name: own for name, own in properties.items() if own is not None}, **of_one}


PART = ONE["$defs"]["Part"]
WIDER = changed(properties={"grade": {"type": ["integer", "null", "string"]}})
NARROWER = changed(properties={"grade": {"type": "integer"}})


@pytest.mark.parametrize(
    ("now", "going_out", "coming_in"),
    [
        (ONE, "", ""),
        (changed(properties={"more": {"type": "string"}}), "", ""),
        (changed(properties={"more": {"type": "string"}}, required=["grade", "part", "more"]), "", "more is required now"),
        (changed(properties={"grade": None}, required=["part"]), "grade is gone", "grade is gone"),
        (changed(required=["part"]), "grade may be missing now", ""),
        (WIDER, "grade. was integer or null and is integer or null or string", ""),
        (NARROWER, "", "grade. was integer or null and is integer"),
        (changed(properties={"grade": {"type": ["string"]}}), "grade. was integer or null and is string", "grade. was integer or null and is string"),
        (changed(properties={"line": {"enum": ["low", "not_low", "unknown"]}}), "", ""),
        (changed(properties={"line": {"enum": ["low"]}}), "line.not_low is no word of it any more", "line.not_low is no word of it any more"),
        (changed(properties={"line": {"type": "string"}}), "line. is no closed list of words any more", ""),
        (changed(**{"$defs": {"Part": {**PART, "properties": {}}}}), "part.id is gone", "part.id is gone"),
        (changed(**{"$defs": {"Part": {**PART, "properties": {"id": {"type": "string", "maxLength": 8}}}}}), "", "part.id.maxLength is lower"),
        (changed(additionalProperties=False), "", "it takes no further field now"),
    ],
)  # fmt: skip
def test_what_breaks_and_what_does_not(now: dict[str, Any], going_out: str, coming_in: str) -> None:
    for sent, said in ((set(), going_out), ({"one"}, coming_in)):
        before = changes.kept("1.3", {"one": ONE})
        found = changes.faults(before, {"one": now}, "1.4", sent)
        assert found == ([f"one: {said}; raise the first number of SCHEMA_VERSION"] if said else [])
        assert changes.faults(before, {"one": now}, "2.0", sent) == []


def test_a_schema_that_is_gone_breaks() -> None:
    before = changes.kept("1.3", {"one": ONE})
    assert changes.faults(before, {}, "1.4", set()) == [
        "one: the schema is gone; raise the first number of SCHEMA_VERSION"
    ]
