"""FHIR: what was not parsed: an observation that differs from one that was in a few texts alone, or what is not read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from cbc_screen.ingest.results import LabResult


class TextPlaces(NamedTuple):
    """Where the texts that are read stand among those found; -1 where there is none."""

    key: int
    person: int
    time: int
    specimen: int
    value: int
    url: int


class ObservationPattern(NamedTuple):
    """What a text is held against, where the texts that are read stand, and what is before the value."""

    match: Callable[[str], re.Match[str] | None]
    at: TextPlaces
    sign: str
    common: LabResult
    subject: Mapping[str, Any]  # of the one that was read


class MatchedObservation(Struct, frozen=True, gc=False):
    """An observation that matches a pattern, and the texts that tell it from others."""

    pattern: ObservationPattern
    texts: tuple[str, ...]

    @property
    def key(self) -> str:
        """The id of the resource, or ""."""
        return self.texts[self.pattern.at.key] if self.pattern.at.key >= 0 else ""

    @property
    def url(self) -> str:
        """The full URL of the entry, or ""."""
        return self.texts[self.pattern.at.url] if self.pattern.at.url >= 0 else ""

    @property
    def value(self) -> str:
        """The value, with the sign before it."""
        return self.pattern.sign + self.texts[self.pattern.at.value]


class PassedOver(Struct, frozen=True, gc=False):
    """A resource of an entry that is not read: what other entries may need of it."""

    kind: str
    key: str
    url: str
