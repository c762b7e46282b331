"""The manifest of a run: what went in, with which options, and what was counted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cbc_screen.engines.inputs import Input
from cbc_screen.summary import ScanSummary
from cbc_screen.vocabulary import NOTICE

_BLOCK = 1 << 22


class InputHashes:
    """The SHA-256 of every input, worked out beside the scan."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        self._pool = ThreadPoolExecutor(1, "cbc-hash")
        self._stop = False
        self._hashes: list[Future[str]] = [
            self._pool.submit(self._hash, file.path) for entry in inputs for file in entry.files
        ]

    def _hash(self, path: Path) -> str:
        found = hashlib.sha256()
        with path.open("rb") as file:
            while not self._stop and (block := file.read(_BLOCK)):
                found.update(block)
        return found.hexdigest()

    def wait(self) -> list[str]:
        """Return the hashes in the order of the inputs."""
        return [future.result() for future in self._hashes]

    def abandon(self) -> None:
        """Stop where the scan failed."""
        self._stop = True
        self._pool.shutdown(wait=True, cancel_futures=True)


def manifest_text(
    inputs: Sequence[Input], hashes: Sequence[str], options: Mapping[str, Any], summary: ScanSummary
) -> str:
    """Write the manifest; the same run gives the same bytes, so it holds no time."""
    counted = summary.to_dict()
    for name in ("seconds", "notice", "source", "out", "rejects_file"):
        counted.pop(name)
    manifest = {
        "notice": NOTICE,
        "inputs": [
            {"name": file.name, "bytes": file.size, "sha256": digest}
            for file, digest in zip((file for entry in inputs for file in entry.files), hashes, strict=True)
        ],
        "options": options,
        "counts": counted,
    }
    return json.dumps(manifest, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
