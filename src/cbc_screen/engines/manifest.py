"""The manifest of a run: what went in, with which options, and what was counted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cbc_screen.engines.unchanged import SourceFile
from cbc_screen.summary import ScanSummary
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION


def manifest_text(
    files: Sequence[SourceFile], hashes: Sequence[str], options: Mapping[str, Any], summary: ScanSummary
) -> str:
    """Write the manifest; the same run gives the same bytes, so it holds no time."""
    counted = summary.to_dict()
    for name in ("seconds", "notice", "schema_version", "source", "out", "rejects_file", "options_file"):
        counted.pop(name)
    manifest = {
        "notice": NOTICE,
        "schema_version": SCHEMA_VERSION,
        "inputs": [
            {"name": file.name, "bytes": file.size, "sha256": digest}
            for file, digest in zip(files, hashes, strict=True)
        ],
        "options": options,
        "options_file": summary.options_file,
        "counts": counted,
    }
    return json.dumps(manifest, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
