"""What remarks beside results say: only whether platelet clumps were seen."""

from __future__ import annotations

import re

from cbc_screen.vocabulary import Presence

_CLUMP = re.compile(r"\bclump(?:s|ed|ing)?\b|\baggregat(?:es|ed|ion)\b", re.IGNORECASE)
_PLATELET = re.compile(r"\bplatelets?\b|\bplts?\b|\bthrombocytes?\b", re.IGNORECASE)
_NEGATED = re.compile(
    r"\b(?:no|not|none|without|negative|absent|absence|denied|unlikely|excluded?|ruled out|free of|nil|never)\b",
    re.IGNORECASE,
)
_UNSURE = re.compile(
    r"\b(?:if|should|possible|possibly|may|might|cannot|can't|rule out|r/o|check(?:ed)? for|query|\?)(?:\b|$)|\?",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.;!\n]+")


def mentions_clumps(text: str) -> bool:
    """Tell whether a text is worth reading for clumps."""
    return _CLUMP.search(text) is not None


def platelet_clumps(remark: str, *, about_platelets: bool = False) -> Presence:
    """Tell whether a remark says that platelet clumps were seen, were not seen, or leaves it open.

    >>> platelet_clumps("Platelet clumps seen on film"), platelet_clumps("Platelet clumps not seen")
    (<Presence.PRESENT: 'present'>, <Presence.ABSENT: 'absent'>)
    """
    found = Presence.UNKNOWN
    for sentence in _SENTENCE.split(remark):
        if not _CLUMP.search(sentence) or not (about_platelets or _PLATELET.search(sentence)):
            continue
        if _NEGATED.search(sentence):
            found = Presence.ABSENT if found is Presence.UNKNOWN else found
        elif not _UNSURE.search(sentence):
            # Seen once is seen, whatever another sentence says.
            return Presence.PRESENT
    return found
