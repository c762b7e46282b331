"""Entries of a Bundle that are passed over are checked like all else, without an object being made of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cbc_screen.ingest.fhir_entries import EntryParser
from cbc_screen.ingest.fhir_json import Parser
from cbc_screen.ingest.fhir_patterns import Patterns

CLAIM = (
    '{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Claim","id":"1","status":"active","item":[{"sequence":1}]}}'
)
KEPT = {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Claim", "id": "1"}}


def parsed(*entries: str, blanks: str = "") -> list[Any] | None:
    """Return the entries of a Bundle as they are kept; None where it must be parsed as a whole."""
    text = f'{{"resourceType":"Bundle","entry":[{",".join(entries)}]}}'
    text = text.replace(",", f",{blanks}").replace(":", f"{blanks}:{blanks}") if blanks else text
    found = EntryParser(Parser(), Patterns(of_entries=True)).parse(text)
    return None if found is None else found[0].resource["entry"]  # type: ignore[index]


@pytest.mark.parametrize("blanks", ["", " ", "\n\t "])
def test_of_a_claim_what_tells_it_from_others_is_kept(blanks: str) -> None:
    entry = CLAIM.replace("urn:uuid:1", "1")
    assert parsed(entry, entry, blanks=blanks) == [KEPT | {"fullUrl": "1"}] * 2


def test_a_text_that_begins_with_a_colon_is_no_key() -> None:
    """Told apart from a key by parsing the entry in full: nothing is lost."""
    entry = CLAIM.replace("active", ":active")
    assert parsed(entry) == [json.loads(entry, parse_int=str)]


@pytest.mark.parametrize(
    "entry",
    [
        CLAIM.replace('"status":"active"', '"status":"active","status":"cancelled"'),  # a key twice
        CLAIM.replace('"status":"active"', '"status" \n:"active","status"\t: "cancelled"'),
        CLAIM.replace('{"sequence":1}', '{"sequence":1,"sequence":1}'),
        CLAIM.replace('"sequence"', '"\\u0073equence":2,"sequence"'),  # the same key, written with an escape
        CLAIM.replace("[{", "[[{").replace("}]", "}]"),  # no JSON
        CLAIM.replace("[{", "[" * 70 + "{").replace("}]", "}" + "]" * 70),  # too deep
        CLAIM.replace('"active"', "active"),
        CLAIM.removesuffix("}"),
    ],
)
def test_what_cannot_be_trusted_is_parsed_as_a_whole(entry: str) -> None:
    assert parsed(CLAIM, entry) is None


@pytest.mark.parametrize("number", ["1e400", "-0.0", "NaN", "9" * 400])
def test_numbers_of_a_claim_are_nobodys_business(number: str) -> None:
    assert parsed(CLAIM.replace('"sequence":1', f'"sequence":{number}')) == [KEPT]
