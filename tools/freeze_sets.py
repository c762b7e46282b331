"""Freeze the sets of reference ranges that are released: what a set says never changes under its name.

Usage: python tools/freeze_sets.py          check; ends with 1 and says which differ
       python tools/freeze_sets.py --add    freeze the sets that are new; part of a release

A set that is to say something else gets another id (my_set_v2) or a year in it; the old file stays, so that flags that name
it can be explained. What is frozen is never rewritten here.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
SETS = ROOT / "reference_ranges" / "intervals"
FROZEN = ROOT / "tests" / "frozen_sets.yaml"
HEAD = "# Sets that were released: the hash of each file never changes (tools/freeze_sets.py).\n"


def hashes(folder: Path = SETS) -> dict[str, str]:
    """Return the hash of each set."""
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.csv"))}


def frozen(path: Path = FROZEN) -> dict[str, str]:
    """Return the hashes that are frozen."""
    found: dict[str, str] = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def faults(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """Say which released sets are others now, or are gone."""
    found = []
    for name, own in before.items():
        if name not in now:
            found.append(f"{name}: was released and is gone; flags that name it can no longer be explained")
        elif now[name] != own:
            found.append(
                f"{name}: was released and has changed; put the old file back, and give the new one another id"
            )
    return found


def main() -> int:
    """Check, or add what is new."""
    before, now = frozen(), hashes()
    found = faults(before, now)
    print("\n".join(found) or f"{len(before)} released sets are as they were")
    if found:
        return 1
    if "--add" in sys.argv[1:]:
        new = {name: own for name, own in now.items() if name not in before}
        FROZEN.write_text(HEAD + yaml.safe_dump({**before, **new}, sort_keys=True), encoding="utf-8")
        print(f"{len(new)} added")
    return 0


if __name__ == "__main__":
    sys.exit(main())
