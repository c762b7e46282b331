"""Rewrite reference_ranges/manifest.yaml after a reviewed change of the data.

Usage: python tools/update_manifest.py NEW_DATA_VERSION
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from cbc_screen.knowledge.files import sha256, walk  # noqa: E402
from cbc_screen.knowledge.load import MANIFEST  # noqa: E402


def main() -> None:
    """Hash every data file and write the manifest."""
    data = ROOT / "reference_ranges"
    hashes = {name: sha256(entry.read_bytes()) for name, entry in walk(data) if name != MANIFEST}
    manifest = {"data_version": sys.argv[1], "files": hashes}
    (data / MANIFEST).write_text(yaml.safe_dump(manifest, sort_keys=False), encoding="utf-8")
    print(f"{len(hashes)} files, data version {sys.argv[1]}")


if __name__ == "__main__":
    main()
