"""Messages collected in columns give what the careful way gives, in everything that can be asked of them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fhir_lines
from cbc_screen.collect import messages, partitions, plain_rows, simple_groups, spill
from cbc_screen.engines import collected
from cbc_screen.ingest import fhir_patterns
from cbc_screen.ingest.fhir import FHIRSource, share_listing
from cbc_screen.ingest.hl7 import HL7Source
from cbc_screen.ingest.results import BriefSource, Item, PlainResult
from test_collect_in_columns import asked

# What stands most often comes first: most results are plain, some are not.
CODES = (
    "718-7^Hemoglobin^LN", "777-3^Platelets^LN", "6690-2^WBC^LN", "751-8^Neutrophils^LN", "789-8^RBC^LN", "2345-7^Glucose^LN",
    "PLT^Platelet count^L", "718-7^Platelets^LN", "^Age", "X^Platelet clumps", "30525-0^Age^LN", "", "COM^Comment^L",
    "X^Blood Mode^L", "770-8^Neutrophils %^LN", "XX^Schistocytes^L", "718-7^Hgb^LN^HB^H\xe4moglobin^L", "N\ufffd^N\ufffd",
)  # fmt: skip
TYPES = ("NM", "NM", "NM", "NM", "ST", "SN", "TX", "CE", "IS", "", " NM")
VALUES = (
    "9.1", "250", "4.5", "7.0", "12.3", "<5", ">=150", "", '""', "CLUMPED", "see note", "9.1 g/dL", "<^5", "4~5", "0.0",
    "Platelet clumps seen", "g/dL", "9\\T\\1", "+", "12345678901", "QNS", "N/A", "1+", "=4",
)  # fmt: skip
UNITS = (
    "g/dL",
    "10*3/uL^10*3/uL^UCUM",
    "K/uL",
    "%",
    "10\\S\\9/L",
    "10^9/L",
    "",
    "mmol/L",
    "g/dL^g/L^UCUM",
    "4.5",
    "cells",
    "K/uL~%",
)
USUAL_UNITS = ("g/dL", "K/uL", "K/uL", "10*3/uL^10*3/uL^UCUM", "10*6/uL", "mg/dL")
RANGES = ("", "4.0-11.0", "11.7-15.5", "150-400", "F: 11.7-15.5 M: 13.2-17.1", '""', "odd", "<5")
FLAGS = ("", "L", "H", "N", "A~L", "Cancelled", "LL", "QNS")
STATUSES = ("F", "F", "F", "F", "C", "P", "X", "D", "", "W", "A", "I", "f", "U")
NOTES = (
    "performed at main lab", "Platelet clumps seen", "clumped?", "specimen hemolyzed", "disregard previous result", "no platelet clumps", '""',
    "wrong patient", "a~b", "",
)  # fmt: skip
PERSONS = (
    *(f"{number}^^^H^MR" for number in range(20)),
    "1^^^H^MR",
    "2^^^H^MR",
    "3^^^H^MR",
    "4^^^H^MR",
    "",
    "message 3",
    "UNKNOWN",
    "5",
    "x\x1fy",
    "\xc4^^^H",
    "QC-1",
    "1",
)
TIMES = (
    *(f"202401{day:02}080000" for day in range(1, 20)),
    "20240102080000", "20240103080000", "202401040800", "20240105", "20240102080000+0000", "20240102090000+0100", "202401", "2024", "",
    "20240230080000", "19000101000000", "yesterday", "20240102080000.500", "00000000",
)  # fmt: skip
SPECIMENS = ("", "BLD^Blood", "UR^Urine", "CSF", "QC^Control", "BLD&Blood^EDTA")
SEGMENTS = ("ZZZ|1", "FT1|1|x", "OBX", "NTE", "PV1|1|I", "free text", "")


def chosen(chance: random.Random, pool: Sequence[str], odd: float) -> str:
    """Choose what stands often, and now and then anything."""
    usual = {PERSONS: 20, TIMES: 20, CODES: 6, STATUSES: 4, VALUES: 5}.get(tuple(pool), min(2, len(pool)))
    return chance.choice(pool) if chance.random() < odd else chance.choice(pool[:usual])


def observation(chance: random.Random, odd: float, place: int) -> Iterator[str]:
    code, unit = CODES[place % 6], USUAL_UNITS[place % 6]
    if chance.random() < odd:
        code = chance.choice(CODES)
    if chance.random() < odd:
        unit = chance.choice(UNITS)
    fields = ["OBX", str(place), chosen(chance, TYPES, odd), code, chosen(chance, ("", "", "1", "1.2"), odd)]
    fields += [chosen(chance, VALUES, odd), unit, chosen(chance, RANGES, odd), chosen(chance, FLAGS, odd), "", ""]
    fields += [chosen(chance, STATUSES, odd), "", "", chosen(chance, ("", *TIMES), odd)]
    if chance.random() < odd / 4:
        del fields[chance.randrange(2, 8)]
    yield "|".join(fields)
    if chance.random() < odd / 2:
        yield f"NTE|1|L|{chosen(chance, NOTES, 1.0)}"


def message(chance: random.Random, odd: float, number: int) -> Iterator[str]:
    marks = "^~\\&" if chance.random() > odd / 4 else chance.choice(["^~\\&#", "~^\\&", ".~\\&", ""])
    kind = chosen(chance, ("ORU^R01", "ORU^R01", "ORU", "OUL^R22", "ADT^A01", "ORF^R04"), odd)
    charset = chosen(chance, ("", "", "UNICODE UTF-8", "8859/1"), odd)
    yield f"MSH|{marks}|L|L|E|E|2024||{kind}|{number}|{chosen(chance, ('P', 'P', 'T', 'D'), odd / 3)}|2.5.1||||||{charset}"
    for _ in range(1 + (chance.random() < odd / 3)):
        born, sex = (
            chosen(chance, ("19600501", "19600501", "1961", "", "x"), odd),
            chosen(chance, ("F", "M", "", "U"), odd),
        )
        if chance.random() > odd / 4:
            animal = chosen(chance, ("", "", "", "dog"), odd / 3)
            yield f"PID|1||{chosen(chance, PERSONS, odd)}||DOE||{born}|{sex}|" + "|" * 26 + f"|{animal}"
        for _ in range(chance.choice([1, 1, 1, 2])):
            if chance.random() < odd / 2:
                yield f"ORC|{chosen(chance, ('RE', 'CA', 'HD', 'RE'), odd)}|P1|F1||{chosen(chance, ('CM', '', 'CA'), odd)}"
            if chance.random() > odd / 4:
                order = chosen(chance, ("F1", "F2^LIS", "", f"F{number}"), odd)
                fields = [
                    "OBR",
                    "1",
                    "",
                    order,
                    chosen(chance, ("CBC^CBC^L", "", "UA^Urinalysis^L"), odd),
                    "",
                    "",
                    chosen(chance, TIMES, odd),
                ]
                fields += (
                    [""] * 7
                    + [chosen(chance, SPECIMENS, odd)]
                    + [""] * 9
                    + [chosen(chance, ("F", "F", "", "X", "P", "C"), odd)]
                )
                yield "|".join(fields)
            if chance.random() < odd / 2:
                yield (
                    f"SPM|1|S1||{chosen(chance, SPECIMENS, odd)}"
                    + "|" * 7
                    + "P"
                    + "|" * 6
                    + chosen(chance, TIMES, odd)
                    + "|" * 6
                    + "P"
                )
            if chance.random() < odd / 3:
                yield f"NTE|1|L|{chosen(chance, NOTES, 1.0)}"
            for place in range(chance.randrange(0, 6)):
                yield from observation(chance, odd, place)
            if chance.random() < odd / 3:
                yield chance.choice(SEGMENTS)


def feed_of(chance: random.Random, many: int) -> bytes:
    odd = chance.choice([0.005, 0.04, 0.4])
    end = chance.choice(["\r", "\n", "\r\n"])
    lines = [line for number in range(many) for line in message(chance, odd, number)]
    return (end.join(lines) + end).encode(chance.choice(["utf-8", "utf-8", "latin-1"]), "replace")


def in_small_pieces(patch: pytest.MonkeyPatch, chance: random.Random) -> None:
    """Make chunks, parts, stretches and batches small, and keep nothing in memory."""
    for module in (messages, plain_rows):
        patch.setattr(module, "CHUNK", chance.choice([1, 3, 7]))
    patch.setattr(plain_rows, "PART_ROWS", 7)
    patch.setattr(plain_rows, "_IN_HAND", 0)
    patch.setattr(partitions, "AT_ONCE", 5)
    patch.setattr(spill.Spill.__init__, "__defaults__", (chance.choice([0, 2_000]),))
    patch.setattr(simple_groups, "SEGMENT_RESULTS", 9)
    patch.setattr(collected, "BATCH_COUNTS", chance.choice([1, 3, 50]))


def both_ways(paths: Sequence[Path]) -> tuple[dict[str, Any], dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collected, "IN_COLUMNS", False)
        careful = asked(paths, {})
    own = asked(paths, {})
    for found in (careful, own):  # rejected messages go out with the batches of counts, whose sizes differ
        found["rejected"] = [row for row in found["counts"] if isinstance(row, dict)]
        found["counts"] = [row for row in found["counts"] if not isinstance(row, dict)]
    return careful, own


def whole(items: Iterator[Item | PlainResult]) -> list[Item]:
    """Return items as the careful reader gives them."""
    return [item.whole() if isinstance(item, PlainResult) else item for item in items]


def check_reading(source: BriefSource) -> int:
    """Hold brief items equal to the others; return how many were brief."""
    brief = list(source.in_brief())
    assert whole(iter(brief)) == list(source.items())
    return sum(isinstance(item, PlainResult) for item in brief)


@given(seed=st.integers(0, 2**32))
def test_hl7_in_columns_is_what_the_careful_way_gives(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("m")
    paths = []
    for number in range(chance.choice([1, 1, 1, 2])):
        paths.append(folder / f"{number}.hl7")
        paths[-1].write_bytes(feed_of(chance, chance.randrange(1, 25)))
    with pytest.MonkeyPatch.context() as patch:
        if chance.random() < 0.6:
            in_small_pieces(patch, chance)
        for path in paths:
            check_reading(HL7Source(path))
        careful, own = both_ways(paths)
    assert own == careful


def lines_of(chance: random.Random, many: int) -> bytes:
    odd = chance.choice([0.005, 0.04, 0.3])
    resources = fhir_lines.patients(chance)
    for number in range(many):
        if chance.random() < odd:
            resources.append(fhir_lines.other(chance, number))
        resources.append(fhir_lines.observation(chance, odd, number))
    if chance.random() < 0.3:
        chance.shuffle(resources)
    end = chance.choice(["\n", "\n", "\r\n", "\n\n"])
    text = end.join(fhir_lines.written(resource, chance, odd) for resource in resources)
    return (text + chance.choice(["", end])).encode(
        chance.choice(["utf-8", "utf-8", "utf-8-sig", "latin-1"]), "replace"
    )


@given(seed=st.integers(0, 2**32))
def test_fhir_lines_in_columns_are_what_the_careful_way_gives(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("m")
    paths = []
    for number in range(chance.choice([1, 1, 1, 2])):
        paths.append(folder / f"{number}.ndjson")
        paths[-1].write_bytes(lines_of(chance, chance.randrange(2, 90)))
    with pytest.MonkeyPatch.context() as patch:
        if chance.random() < 0.6:
            in_small_pieces(patch, chance)
        for path in paths:
            check_reading(FHIRSource(path))
        careful, own = both_ways(paths)
    assert own == careful


def bundle_of(chance: random.Random, many: int) -> bytes:
    text = fhir_lines.bundle(chance, chance.choice([0.005, 0.04, 0.3]), many)
    return text.encode(chance.choice(["utf-8", "utf-8", "utf-8-sig", "latin-1"]), "replace")


@given(seed=st.integers(0, 2**32))
def test_bundles_in_columns_are_what_the_careful_way_gives(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("m")
    paths = []
    for number in range(chance.choice([1, 1, 2, 3])):
        paths.append(folder / f"{number}.json")
        paths[-1].write_bytes(bundle_of(chance, chance.randrange(2, 60)))
    with pytest.MonkeyPatch.context() as patch:
        if chance.random() < 0.6:
            in_small_pieces(patch, chance)
        sources = [FHIRSource(path) for path in paths]
        share_listing(sources)
        for source in sources:
            check_reading(source)
        careful, own = both_ways(paths)
    assert own == careful


@pytest.fixture(autouse=True, scope="module")
def patterns_at_once() -> Iterator[None]:
    """Make a pattern of what is met first, so that few lines are enough to meet it again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fhir_patterns, "MET_BEFORE", 1)
        yield


@pytest.fixture
def simple_groups_of(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note how many simple groups each collecting found."""
    found: list[int] = []
    real = messages.MessagesInColumns.finish

    def noted(self: messages.MessagesInColumns) -> None:
        real(self)
        found.append(self.groups)

    monkeypatch.setattr(messages.MessagesInColumns, "finish", noted)
    return found


@pytest.mark.parametrize(("kind", "make"), [("hl7", feed_of), ("ndjson", lines_of), ("json", bundle_of)])
def test_most_generated_groups_are_simple_and_some_are_not(
    kind: str, make: Callable[[random.Random, int], bytes], tmp_path: Path, simple_groups_of: list[int]
) -> None:
    """The property says something only where both ways have something to do."""
    every = 0
    for seed in range(30):
        path = tmp_path / f"m.{kind}"
        path.write_bytes(make(random.Random(seed), 25))
        every += asked([path], {})["grouping"]["counts"]
    assert 0.2 * every < sum(simple_groups_of) < 0.9 * every
