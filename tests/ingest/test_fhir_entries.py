"""A Bundle taken apart: of entries that are passed over it is told what they are, and nothing within them is looked at."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cbc_screen.ingest.fhir import FHIRSource
from cbc_screen.ingest.fhir_entries import EntryParser, spans_of
from cbc_screen.ingest.fhir_json import Parser
from cbc_screen.ingest.fhir_matched import PassedOver
from cbc_screen.ingest.fhir_patterns import Patterns
from cbc_screen.ingest.results import LabResult, PlainResult

CLAIM = (
    '{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Claim","id":"1","status":"active","item":[{"sequence":1}]}}'
)
KEPT = PassedOver("Claim", "Claim/1", "urn:uuid:1")


def parsed(*entries: str, blanks: str = "") -> list[Any] | None:
    """Return the entries of a Bundle as they are kept; None where it must be parsed as a whole."""
    text = f'{{"resourceType":"Bundle","entry":[{",".join(entries)}]}}'
    text = text.replace(",", f",{blanks}").replace(":", f"{blanks}:{blanks}") if blanks else text
    found = EntryParser(Parser(), Patterns(of_entries=True)).parse(text.encode())
    return None if found is None else found[0].resource["entry"]  # type: ignore[index]


@pytest.mark.parametrize("blanks", ["", " ", "\n\t "])
def test_of_a_claim_what_tells_it_from_others_is_kept(blanks: str) -> None:
    entry = CLAIM.replace("urn:uuid:1", "1")
    assert parsed(entry, entry, blanks=blanks) == [PassedOver("Claim", "Claim/1", "1")] * 2


@pytest.mark.parametrize(
    "entry",
    [
        CLAIM.replace('"active"', '":active"'),
        CLAIM.replace('"status":"active"', '"status":"active","status":"cancelled"'),  # of nobody's result
        CLAIM.replace('{"sequence":1}', '{"sequence":1,"sequence":1}'),
        CLAIM.replace("[{", "[" * 70 + "{").replace("}]", "}" + "]" * 70),
        CLAIM.replace('"active"', '"a\\nb \u00e4"'),
        CLAIM.replace('"sequence":1', '"resourceTypes":1').replace('"resourceTypes"', '"sequence"'),
        *(CLAIM.replace('"sequence":1', f'"sequence":{number}') for number in ("1e400", "-0.0", "9" * 400)),
    ],
)
def test_what_is_within_a_claim_is_nobodys_business(entry: str) -> None:
    assert parsed(entry, CLAIM) == [KEPT, KEPT]


@pytest.mark.parametrize(
    "entry",
    [
        CLAIM.replace('"Claim"', '"Group"').replace('"item"', '"contained"'),  # another resource within
        CLAIM.replace('"status":"active"', '"note":{"resourceType":"Observation"}'),
        CLAIM.replace('"status"', '"\\u0073tatus"'),  # a key with an escape may be any
        CLAIM.replace('"id":"1",', ""),
    ],
)
def test_an_entry_that_does_not_say_plainly_what_it_is_is_parsed(entry: str) -> None:
    assert parsed(CLAIM, entry) == [KEPT, json.loads(entry, parse_int=str)]


@pytest.mark.parametrize(
    "entry",
    [
        CLAIM.replace('"status":"active"', '"resourceType":"Observation"'),  # two types
        CLAIM.replace("]}}", "]}," + '"resource":{"resourceType":"Observation"}}'),
        CLAIM.replace("[{", "[[{").replace("}]", "}]"),  # no JSON
        CLAIM.replace('"active"', "active"),
        CLAIM.replace('"sequence":1', '"sequence":NaN'),
        CLAIM.removesuffix("}"),
        "null",
        '{"resource":{"resourceType":"Observation","status":"final","status":"amended"}}',
    ],
)
def test_what_cannot_be_trusted_is_parsed_as_a_whole(entry: str) -> None:
    assert parsed(CLAIM, entry) is None


@pytest.mark.parametrize(
    "document",
    [
        '{"resourceType":"Bundle","meta":{"entry":[%s]},"entry":[%s]}',  # the first "entry" is deeper
        '{"resourceType":"Bundle","entry":[%s],"entry":[%s]}',
        '{"resourceType":"Bundle","entry":[%s],"link":[%s],"link":[]}',
        '{"resourceType":"List","entry":[%s],"link":[%s]}',
        '{"resourceType":"Bundle","entry":{"0":%s,"1":%s}}',
    ],
)
def test_a_document_that_is_not_plainly_a_bundle_is_parsed_as_a_whole(document: str) -> None:
    other = CLAIM.replace('"1"', '"22"')
    assert EntryParser(Parser(), Patterns(of_entries=True)).parse((document % (CLAIM, other)).encode()) is None


OBSERVATION = (
    '{"fullUrl":"urn:uuid:2","resource":{"resourceType":"Observation","id":"2","status":"final","subject":{"reference":"Patient/1"},'
    '"effectiveDateTime":"2024-03-01T08:00:00Z","code":{"coding":[{"system":"http://loinc.org","code":"718-7"}]},'
    '"valueQuantity":{"value":7.10,"unit":"g/dL"}}}'
)


@pytest.mark.parametrize(
    "entry",
    [
        CLAIM,
        CLAIM.replace('"status":"active"', '"status":"active","status":"cancelled"'),
        CLAIM.replace('"status":"active"', '"id":"2","id":"3"'),
        CLAIM.replace('"status":"active"', '"resourceType":"Observation"'),
        CLAIM.replace('"status":"active"', '"contained":[{"id":"a"}]'),
        CLAIM.replace('"status":"active"', '"contained":[{"resourceType":"Patient","id":"a","id":"b"}]'),
        CLAIM.replace('"status"', '"\\u0073tatus":"a","status"'),
        CLAIM.replace("[{", "[" * 70 + "{").replace("}]", "}" + "]" * 70),
        OBSERVATION.replace("[{", "[" * 70 + "{").replace("}]", "}" + "]" * 70),
        OBSERVATION.replace('"id":"2"', '"id":"2","id":"3"'),
        '{"fullUrl":"urn:uuid:3","resource":{"resourceType":"","id":"3"}}',
        "null",
    ],
)
def test_both_ways_say_the_same_of_every_entry(entry: str, tmp_path: Path) -> None:
    """Whatever is wrong with one entry, the others are read, and each is accounted for once."""
    path = tmp_path / "a.json"
    path.write_text(f'{{"resourceType":"Bundle","entry":[{OBSERVATION},{entry},{CLAIM}]}}', encoding="utf-8")
    careful = list(FHIRSource(path).items())
    brief = [one.whole() if isinstance(one, PlainResult) else one for one in FHIRSource(path).in_brief()]
    assert [_without_content(one) for one in brief] == [_without_content(one) for one in careful]
    assert [one.value for one in brief if isinstance(one, LabResult) and one.line == 1] == ["7.10"]
    assert {one.line for one in brief} == {1, 2, 3}


def _without_content(item: Any) -> Any:
    """Leave out the original, which is an entry as received or a resource as parsed."""
    return replace(item, content="") if hasattr(item, "content") else item


def test_what_stands_for_an_entry_may_stand_in_a_text() -> None:
    text = f'{{"resourceType":"Bundle","note":["\ue000entry 0"],"entry":[{CLAIM}]}}'
    found = EntryParser(Parser(), Patterns(of_entries=True)).parse(text.encode())
    assert found is not None
    assert found[0].resource == {"resourceType": "Bundle", "note": ["\ue000entry 0"], "entry": [KEPT]}


def test_where_entries_stand() -> None:
    """Blanks of any kind between them; bytes that are not UTF-8 are left to the parser that says so."""
    document = f'{{"resourceType":"Bundle","entry" : [ {CLAIM}\n,\t{CLAIM},{CLAIM} ] }}'.encode()
    spans = spans_of(document)
    assert spans is not None
    assert [document[start:end].decode() for start, end in zip(spans.starts, spans.ends, strict=True)] == [CLAIM] * 3
    assert document[: spans.begin].endswith(b"[")
    assert document[spans.end :].strip().startswith(b"]")
    assert spans_of(document.replace(b"active", b"acti\xffve", 1)) is None
    assert spans_of(document.replace(b"active", "aktív".encode())) is not None
