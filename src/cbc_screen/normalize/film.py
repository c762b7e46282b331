"""Results that tell of the film: "Schistocytes: 2+", a blast that somebody saw."""

from __future__ import annotations

from functools import lru_cache

from cbc_screen.ingest.results import LabResult, ResultCode
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.fold import plain_name
from cbc_screen.normalize.people import presence_of
from cbc_screen.vocabulary import Presence

_LONGEST_NAME = 80


class FilmReader:
    """Finds what a result tells of the film."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._finding = lru_cache(maxsize=65_536)(self._finding_of)

    def read(self, result: LabResult) -> tuple[str, Presence] | None:
        """Return the finding and whether it was seen; None for any other result, and for one that says neither."""
        finding = self._finding(result.codes)
        if finding is None or self._knowledge.friends.not_blood(
            result.specimen[:_LONGEST_NAME], result.panel[:_LONGEST_NAME]
        ):
            return None
        seen = presence_of(result.value, self._knowledge.words, counted=finding in self._knowledge.film.counted)
        return None if seen is Presence.UNKNOWN else (finding, seen)

    def _finding_of(self, codes: tuple[ResultCode, ...]) -> str | None:
        film = self._knowledge.film
        by_code = next((film.codes[code.code] for code in codes if code.code in film.codes), None)
        names = (plain_name(text) for code in codes for text in (code.name, code.code) if len(text) <= _LONGEST_NAME)
        return by_code or next((film.names[name] for name in names if name in film.names), None)
