"""Rewrite reference_ranges/manifest.yaml after a reviewed change of the data.

Usage: python tools/update_manifest.py NEW_DATA_VERSION
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from cbc_screen.knowledge.files import sha256, walk  # noqa: E402
from cbc_screen.knowledge.load import MANIFEST  # noqa: E402


def main() -> None:
    """Hash every data file and write the manifest."""
    if len(sys.argv) != 2 or not re.fullmatch(r"\d{4}\.\d{1,2}\.\d+", sys.argv[1]):
        raise SystemExit(f"{__doc__}\nNEW_DATA_VERSION is a year, a month and a number: 2026.12.7")
    data = ROOT / "reference_ranges"
    hashes = {name: sha256(entry.read_bytes()) for name, entry in walk(data) if name != MANIFEST}
    manifest = {"data_version": sys.argv[1], "files": hashes}
    (data / MANIFEST).write_text(yaml.safe_dump(manifest, sort_keys=False), encoding="utf-8")
    print(f"{len(hashes)} files, data version {sys.argv[1]}")


if __name__ == "__main__":
    main()
