"""Hold the table of CDS Hooks' elements (tests/service/cds_hooks_elements.py) against a copy of HL7's logical models.

Usage: python tools/cds_hooks_elements.py FOLDER

FOLDER has the `.fsh` files of https://github.com/HL7/cds-hooks, input/fsh/logicals. Ends with 1 and says what differs.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "service"))

import cds_hooks_elements as table  # noqa: E402

LINE = re.compile(r"\* (?P<path>[A-Za-z.]+) (?P<least>\d)\.\.(?P<most>\d|\*) (contentReference )?(?P<kind>\S+)")
OBJECTS = {"CDSHooksElement": "object", "CDSHookContext": "object", "Base": "map"}
TABLES = {"Services": table.SERVICES, "Request": table.REQUEST, "Response": table.RESPONSE, "Feedback": table.FEEDBACK}


def elements(text: str) -> dict[str, tuple[int, str, str]]:
    """Return the elements of a logical model in FHIR shorthand."""
    found = {}
    for line in LINE.finditer(text):
        kind = line["kind"].rpartition("/")[2]
        kind = "object" if kind.startswith("#") else OBJECTS.get(kind, kind)
        found[line["path"]] = (int(line["least"]), line["most"], kind)
    return found


def main() -> int:
    """Compare every table with its model."""
    folder, differing = Path(sys.argv[1]), 0
    for name, own in TABLES.items():
        theirs = elements((folder / f"CDSHooks{name}.fsh").read_text(encoding="utf-8"))
        for path in sorted({*own, *theirs}):
            if own.get(path) != theirs.get(path):
                print(f"CDSHooks{name}.{path}: {own.get(path)} here, {theirs.get(path)} there")
                differing += 1
        print(f"CDSHooks{name}: {len(theirs)} elements")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
