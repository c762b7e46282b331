"""How fast messages are read, beside the readers of other libraries: all of one core, over the same synthetic messages.

Usage: python benchmarks/messages.py [--messages 10000] [--observations 60000]

Printed are the results a second of reading alone: until each result has its person, moment, code, value and unit. Peers
are those that are installed: `hl7` parts a message into fields, `fhir.resources` checks an Observation against its model.
Neither says what a result is of, and neither reads files of any encoding or damage. How fast messages become flags, and
beside an earlier version, is what `against.py --only "messages hl7" "messages lines" "messages bundles"` measures.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from message_files import TESTS, write_fhir_bundles, write_fhir_lines, write_hl7

from cbc_screen.ingest.results import ResultSource

ROUNDS = 3


def sources(path: Path) -> list[ResultSource]:
    """Open a file, or those of a folder together."""
    from cbc_screen.ingest.detect import detect
    from cbc_screen.ingest.fhir import share_listing
    from cbc_screen.ingest.open import open_messages
    from cbc_screen.ingest.source import ReadOptions

    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    found = [open_messages(file, detect(file), ReadOptions()) for file in files]
    share_listing(found)
    return found


def ours(path: Path) -> None:
    """Read with this library."""
    from cbc_screen.ingest.results import BriefSource

    for source in sources(path):
        assert isinstance(source, BriefSource)
        for _ in source.in_brief():
            pass


def ours_carefully(path: Path) -> None:
    """Read with this library, every result by itself."""
    for source in sources(path):
        for _ in source.items():
            pass


def hl7_library(path: Path) -> None:
    """Read with `hl7`."""
    import hl7

    for text in path.read_bytes().decode().split("MSH|")[1:]:
        message = hl7.parse("MSH|" + text)
        for segment in message.segments("OBX"):
            _ = str(segment[3][0][0]), str(segment[5]), str(segment[6]), str(segment[11])


def fhir_library(path: Path) -> None:
    """Read with `fhir.resources`."""
    from fhir.resources.R4B.observation import Observation

    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if '"Observation"' in line:
                own = Observation.model_validate_json(line)
                _ = own.subject.reference, own.code.coding[0].code, own.valueQuantity.value


def json_alone(path: Path) -> None:
    """Parse the JSON of lines, or of whole documents, and do nothing with it."""
    for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
        text = file.read_text(encoding="utf-8")
        for part in [text] if path.is_dir() else text.splitlines():
            json.loads(part)


def seconds(read: Callable[[Path], None], path: Path) -> float:
    """Return the least processor seconds of some rounds, the first of which loads what is loaded once."""
    spent = []
    for _ in range(ROUNDS + 1):
        begun = time.process_time()
        read(path)
        spent.append(time.process_time() - begun)
    return min(spent[1:])


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--observations", type=int, default=60_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        feed, lines, bundles = folder / "feed.hl7", folder / "bulk.ndjson", folder / "bundles"
        bundles.mkdir()
        write_hl7(feed, given.messages)
        write_fhir_lines(lines, given.observations)
        write_fhir_bundles(bundles, 4, 40, 200)
        works: list[tuple[str, Path, int, list[tuple[str, Callable[[Path], None], str]]]] = [
            ("HL7 v2", feed, given.messages * len(TESTS),
             [("this, in brief", ours, ""), ("this, one by one", ours_carefully, ""), ("hl7", hl7_library, "hl7")]),
            ("FHIR lines", lines, given.observations,
             [("this, in brief", ours, ""), ("this, one by one", ours_carefully, ""), ("json alone", json_alone, ""),
              ("fhir.resources", fhir_library, "fhir.resources")]),
            ("FHIR Bundles with claims", bundles, 4 * 40 * len(TESTS),
             [("this, in brief", ours, ""), ("this, one by one", ours_carefully, ""), ("json alone", json_alone, "")]),
        ]  # fmt: skip
        for kind, path, results, readers in works:
            for label, read, needs in readers:
                if needs and importlib.util.find_spec(needs) is None:
                    print(f"{kind:26}{label:20} is not installed")
                else:
                    print(f"{kind:26}{label:20}{results / seconds(read, path):>12,.0f} results a second", flush=True)


if __name__ == "__main__":
    main()
