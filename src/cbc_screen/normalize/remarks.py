"""What remarks beside results say: only whether platelet clumps were seen."""

from __future__ import annotations

import re

from cbc_screen.vocabulary import Presence

_CLUMPS = r"(?:clump(?:s|ed|ing)?|aggregat(?:es|ed|ion))"
_CLUMP = re.compile(rf"\b{_CLUMPS}\b", re.IGNORECASE)
_PLATELET = re.compile(r"\bplatelets?\b|\bplts?\b|\bthrombocytes?\b", re.IGNORECASE)
# A denial counts only where it is tied to the clumps: "not accurate due to clumping" denies none.
_DENIED = re.compile(
    rf"\b(?:no|without|negative for|absence of|free of|nil)\s+(?:\w+\s+){{0,3}}?{_CLUMPS}\b"
    rf"|\bnot\s+(?:\w+\s+)?{_CLUMPS}\b"
    rf"|\b{_CLUMPS}:?\s+(?:\w+\s+){{0,2}}?(?:not\s+(?:seen|present|found|noted|observed|detected|identified)|absent|none|negative)\b",
    re.IGNORECASE,
)
_UNSURE = re.compile(
    r"\b(?:if|should|possible|possibly|probable|query|suspect(?:ed)?|rule out|r/o|check for|look for)\b|\?"
    r"|\b(?:cannot|can't|not)\s+(?:be\s+)?(?:excluded|ruled out)\b"
    rf"|\b(?:may|might|could)\s+(?:be|have|show)\s+(?:\w+\s+)?{_CLUMPS}\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[.;!\n]+")
_ABSENT = re.compile(r"(?:negative|none|no|absent|not|nil|0)\b", re.IGNORECASE)
_PRESENT = re.compile(
    r"(?:present|positive|seen|yes|few|some|slight|moderate|many|marked|occasional|rare|noted)\b|[1-4]?\+",
    re.IGNORECASE,
)


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
        if _UNSURE.search(sentence):
            continue
        if not _DENIED.search(sentence):
            # Seen once is seen, whatever another sentence says.
            return Presence.PRESENT
        found = Presence.ABSENT
    return found


def clumps_as_result(value: str) -> Presence:
    """Read the value of a test for platelet clumps."""
    text = value.strip()
    if _ABSENT.match(text):
        return Presence.ABSENT
    return Presence.PRESENT if _PRESENT.match(text) else Presence.UNKNOWN
