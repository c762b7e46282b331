"""What remarks beside results say: only whether platelet clumps were seen, or are suspected."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

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
_RAISED = re.compile(r"1|T|TRUE|Y|P|POS|A|SUSPECT(?:ED)?", re.IGNORECASE)  # of a flag that an analyzer raises or not


CLUMPS, CLUMPS_SUSPECTED = "platelet_clumps", "platelet_clumps_suspected"  # findings


class Clumps(StrEnum):
    """What is said of platelet clumps; of several remarks the first of these counts."""

    PRESENT = "present"
    SUSPECTED = "suspected"
    ABSENT = "absent"
    UNKNOWN = "unknown"


def mentions_clumps(text: str) -> bool:
    """Tell whether a text is worth reading for clumps."""
    return _CLUMP.search(text.replace("_", " ")) is not None


def platelet_clumps(remark: str, *, about_platelets: bool = False) -> Clumps:
    """Tell whether a remark says that platelet clumps were seen, are suspected, were not seen, or says nothing of them.

    >>> platelet_clumps("Platelet clumps seen on film"), platelet_clumps("Platelet clumps not seen")
    (<Clumps.PRESENT: 'present'>, <Clumps.ABSENT: 'absent'>)
    >>> platelet_clumps("PLT clumps?")
    <Clumps.SUSPECTED: 'suspected'>
    """
    said = [Clumps.UNKNOWN]
    for sentence in _SENTENCE.split(remark):
        if not _CLUMP.search(sentence) or not (about_platelets or _PLATELET.search(sentence)):
            continue
        if _UNSURE.search(sentence):
            said.append(Clumps.SUSPECTED)
        elif not _DENIED.search(sentence):
            # Seen once is seen, whatever another sentence says.
            return Clumps.PRESENT
        else:
            said.append(Clumps.ABSENT)
    return first_said(said)


def first_said(said: Iterable[Clumps]) -> Clumps:
    """Return what counts of several remarks."""
    return min(said, key=list(Clumps).index, default=Clumps.UNKNOWN)


def clumps_as_result(name: str, value: str) -> Clumps:
    """Read the value of a test for platelet clumps; a name that asks ("PLT Clumps?") is an analyzer's suspicion.

    >>> clumps_as_result("Platelet clumps", "few"), clumps_as_result("PLT Clumps?", "T")
    (<Clumps.PRESENT: 'present'>, <Clumps.SUSPECTED: 'suspected'>)
    """
    text = value.strip()
    if name.rstrip().endswith("?"):
        # That it does not suspect any says nothing; nor does a number whose limit is its maker's.
        return Clumps.SUSPECTED if _RAISED.fullmatch(text) or _PRESENT.match(text) else Clumps.UNKNOWN
    if _ABSENT.match(text):
        return Clumps.ABSENT
    return Clumps.PRESENT if _PRESENT.match(text) else Clumps.UNKNOWN
