"""Read any number of broken files with each reader: every one ends in items or in one line of this package's own error.

Usage: python tools/fuzz.py [FILES] [--state FILE] [--seed N] [--readers astm,astm_framed,ccda,fhir_xml,results,sheet,meds] [--within MINUTES]

Files are made from a sound one of each kind by changing, dropping, repeating and inserting bytes; each is read, its
results are identified, and what is read is counted: lines must be numbers, and no error but the package's own may
escape. With --state a run that was stopped goes on from where it was. Ends with 1 where a reader failed; the state
names the reader and the number of the file, from which the same file is made again.
"""

from __future__ import annotations

import argparse
import copy
import json
import logging
import random
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree  # of documents that this script wrote itself

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from cbc_screen.errors import CBCScreenError  # noqa: E402
from cbc_screen.ingest.astm import ASTMSource  # noqa: E402
from cbc_screen.ingest.ccda import CCDASource  # noqa: E402
from cbc_screen.ingest.fhir import FHIRSource  # noqa: E402
from cbc_screen.ingest.long import LongSource  # noqa: E402
from cbc_screen.ingest.open import open_table  # noqa: E402
from cbc_screen.ingest.results import LabResult, ResultSource  # noqa: E402
from cbc_screen.ingest.source import ReadOptions  # noqa: E402
from cbc_screen.knowledge import load_knowledge  # noqa: E402
from cbc_screen.knowledge.profiles import find_profile  # noqa: E402
from cbc_screen.normalize.declared import Declared  # noqa: E402
from cbc_screen.normalize.identify import Identifier  # noqa: E402
from cbc_screen.normalize.plain_results import plain_results  # noqa: E402
from cbc_screen.normalize.plan import make_plan  # noqa: E402
from cbc_screen.vocabulary import Format  # noqa: E402
from ingest.test_astm import RECORDS, framed, plain  # noqa: E402
from ingest.test_xml import RESULTS, as_xml, bundle, ccda, observation, quantity  # noqa: E402
from security.test_fuzz_documents import broken  # noqa: E402

SLICE = 1_000
DOCUMENTS = ("ccda", "fhir_xml")
WORDS = (
    "",
    "0",
    "-1",
    "1e400",
    "nan",
    "7.9",
    "<5",
    "718-7",
    "2024",
    "2024-13-45",
    "\u0660",
    "a" * 5_000,
    "urn:uuid:1",
    "#x",
    "{ns}x",
)
KNOWLEDGE = load_knowledge()
IDENTIFIER = Identifier(KNOWLEDGE, {})
INNER = "".join(as_xml(name, value) for name, value in bundle().items() if name != "resourceType")
TABLE = (
    "Patient ID,Test Name,Result,Unit,Reference Range,Collected\n"
    "1,Hemoglobin,79,g/L,120 - 150,2024-03-01 09:30\n1,WBC,<0.5,10^9/L,4.0-10.0,2024-03-01 09:30\n"
    '1,"Platelets, automated",9 (clumps?),10^9/L,150-400,2024-03-01 09:30\n2,HGB,131,g/L,F: 120-150 M: 130-170,\n'
)
SHEET = "Laboratory\n\nage,sex,HGB,ANC,PLT\ny,,g/L,10^9/L,10^9/L\n40,F,79,0.3,9\n41,M,131,4,250\n"
EVENTS = (
    "subject_id,time,code,numeric_value,text_value\n7,,GENDER//F,,\n7,1970-05-04,MEDS_BIRTH,,\n"
    "7,2024-03-01T09:30:00,LAB//51222//g/dL,7.9,\n7,2024-03-01T09:30:00,LAB//51265//K/uL,,<5\n"
)


def _messages(source: ResultSource) -> int:
    """Read every item, and say of each result what it is."""
    many = 0
    for item in source.items():
        many += 1
        if isinstance(item, LabResult):
            IDENTIFIER.identify(item)
            if not isinstance(item.line, int):
                raise TypeError("the line of a result is no number")
    return many


def _results(path: Path) -> int:
    table = open_table(path, Format.CSV, ReadOptions())
    profile = plain_results(KNOWLEDGE, table.headers, {})
    return _messages(LongSource(table, profile, KNOWLEDGE)) if profile is not None else 0


def _sheet(path: Path) -> int:
    table = open_table(path, Format.CSV, ReadOptions())
    plan = make_plan(KNOWLEDGE, [header for header in table.headers if header], Declared())
    return sum(len(batch.lines) + len(batch.rejected) for batch in table.batches(plan.columns))


def _meds(path: Path) -> int:
    table = open_table(path, Format.CSV, ReadOptions())
    return _messages(LongSource(table, find_profile("meds", KNOWLEDGE), KNOWLEDGE))


Reader = tuple[bytes, Callable[[Path], int]]
READERS: dict[str, Reader] = {
    "astm": (plain(RECORDS), lambda path: _messages(ASTMSource(path, None))),
    "astm_framed": (framed(RECORDS), lambda path: _messages(ASTMSource(path, None))),
    "ccda": (
        ccda(*(observation(code, quantity(value, unit)) for code, value, unit in RESULTS)).encode(),
        lambda path: _messages(CCDASource(path)),
    ),
    "fhir_xml": (
        f'<Bundle xmlns="http://hl7.org/fhir">{INNER}</Bundle>'.encode(),
        lambda path: _messages(FHIRSource(path)),
    ),
    "results": (TABLE.encode(), _results),
    "sheet": (SHEET.encode(), _sheet),
    "meds": (EVENTS.encode(), _meds),
}


def broken_tree(content: bytes, chance: random.Random) -> bytes:
    """Change a document so that it stays well formed: elements and attributes dropped, repeated, moved, renamed, reworded."""
    root = ElementTree.fromstring(content)
    for _ in range(chance.randrange(1, 5)):
        parents = [own for own in root.iter() if len(own)]
        parent = chance.choice(parents) if parents else root
        if not len(parent):
            break
        child = parent[chance.randrange(len(parent))]
        match chance.randrange(6):
            case 0:
                parent.remove(child)
            case 1:
                parent.insert(0, copy.deepcopy(child))
            case 2:
                parent.remove(child)
                chance.choice(parents).append(child)
            case 3:
                child.tag = chance.choice([own.tag for own in root.iter()])
            case 4 if child.attrib:
                child.set(chance.choice(list(child.attrib)), chance.choice(WORDS))
            case _:
                child.text = chance.choice(WORDS)
    return ElementTree.tostring(root, encoding="utf-8")


@dataclass
class Progress:
    """How far a run has come, as its state file has it."""

    seed: int
    files: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[str, int, str]] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path | None, seed: int) -> Progress:
        """Go on from a state file, if there is one."""
        if path is None or not path.exists():
            return cls(seed)
        found = json.loads(path.read_text(encoding="utf-8"))
        counters = {name: Counter(found[name]) for name in ("files", "items", "refused")}
        return cls(found["seed"], **counters, failed=[tuple(one) for one in found["failed"]])

    def write(self, path: Path) -> None:
        """Write what `read` goes on from."""
        path.write_text(json.dumps(vars(self)), encoding="utf-8")


def read_slice(progress: Progress, name: str, path: Path) -> None:
    """Read the next files of one reader."""
    content, read = READERS[name]
    for number in range(progress.files[name], progress.files[name] + SLICE):
        chance = random.Random(zlib.crc32(f"{progress.seed} {name} {number}".encode()))
        # Nearly every changed byte of XML is refused at once: half of its files stay well formed.
        change = broken_tree if name in DOCUMENTS and number % 2 else broken
        path.write_bytes(change(content, chance))
        progress.files[name] += 1
        try:
            progress.items[name] += read(path)
        except CBCScreenError as problem:
            progress.refused[name] += 1
            if "\n" in str(problem):
                progress.failed.append((name, number, "an error of several lines"))
        except Exception as problem:  # what this script looks for
            progress.failed.append((name, number, type(problem).__name__))


def main() -> None:
    """Read until there are enough."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="?", type=int, default=10_000, help="of each reader")
    parser.add_argument("--state", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--readers", default=",".join(READERS))
    parser.add_argument("--within", type=float, default=30, help="minutes after which no further slice begins")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    progress, began = Progress.read(given.state, given.seed), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        while name := min(given.readers.split(","), key=lambda own: progress.files[own]):
            if progress.files[name] >= given.files or time.monotonic() - began > 60 * given.within:
                break
            read_slice(progress, name, Path(folder) / name)
            if given.state is not None:
                progress.write(given.state)
    for name, many in progress.files.items():
        print(f"{name:12}{many:>10,} files, {progress.refused[name]:>9,} refused, {progress.items[name]:>11,} items")
    for name, number, kind in progress.failed[:20]:
        print(f"FAILED {name}, file {number}: {kind}")
    sys.exit(bool(progress.failed))


if __name__ == "__main__":
    main()
