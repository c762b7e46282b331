"""What decides the answers of a scan, written out: for its manifest, and to tell its journal from another's.

Taken from the whole of each set of options, so that a new one cannot be forgotten; what is
left out is named, with why it cannot change an answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbc_screen._version import __version__

if TYPE_CHECKING:
    from cbc_screen.engines.frames import Engine
    from cbc_screen.engines.inputs import Input
    from cbc_screen.engines.opening import Opening
    from cbc_screen.engines.request import ScanRequest

# The places of outputs, and what is done with files that are there; whether they are asked for is in `asked`. Of a file of options
# the options themselves are said.
NOT_OF_THE_REQUEST = ("sources", "out", "out_table", "rejects", "summary", "force", "resume", "options_file")
# Paths, for whose contents the profile as it was read and the hash of the table of persons stand; a query may name a person, and
# the hash of its rows stands for it.
NOT_OF_THE_READING = ("profile", "persons", "query", "table")
# The tables have their version, spellings of units stand in the configuration, and how files are read apart.
NOT_OF_THE_OPENING = ("knowledge", "spellings", "reading")


def described_options(
    engine: Engine, request: ScanRequest, opening: Opening, inputs: Sequence[Input]
) -> dict[str, Any]:
    """Return what decides the answers, in plain words and numbers."""
    profiles = {entry.profile.id: entry.profile for entry in inputs if entry.profile is not None}
    return {
        "cbc_screen": __version__,
        "data_version": engine.knowledge.data_version,
        **engine.described,
        **plain(opening, NOT_OF_THE_OPENING),
        "sex_doubt": [list(entry.plan.declared.sex_doubt) for entry in inputs],
        "sex_read": [plain(entry.plan.declared.sex_read) for entry in inputs],
        **plain(request, NOT_OF_THE_REQUEST),
        "rejects": request.rejects is not None,
        "reading": plain(opening.reading, NOT_OF_THE_READING),
        "profiles": {name: _digest(profile) for name, profile in profiles.items()},
    }


def _digest(value: Any) -> str:
    return sha256(json.dumps(plain(value), sort_keys=True).encode()).hexdigest()


def plain(value: Any, without: Sequence[str] = ()) -> Any:
    """Return options as JSON holds them: every field of a dataclass, sets in order."""
    if is_dataclass(value) and not isinstance(value, type):
        return {entry.name: plain(getattr(value, entry.name)) for entry in fields(value) if entry.name not in without}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, AbstractSet):
        return sorted(map(plain, value))
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"options of the type {type(value).__name__} are not described")
