"""What remarks beside results say: only whether platelet clumps were seen, or are suspected."""

from __future__ import annotations

import re

from cbc_screen.vocabulary import Presence

# Clumps of platelets in one word or two, in other languages.
_OF_PLATELETS = (
    r"(?:thrombozyten-?\s?(?:aggregat|klump|agglutinat)\w*|plättchen-?(?:aggregat|klump)\w*|pseudothrombo(?:zyto|cyto|cito|zyt|cyt)?p[eé]n\w*"
    r"|(?:agr[ée]gats?|amas|agglutinats?) (?:de )?plaquett\w*|(?:agregad[oa]s?|grumos?|acúmulos?) (?:de )?plaquet\w*|aggregati (?:di )?piastrin\w*"
    r"|(?:trombocyten|bloedplaatjes)-?aggregat\w*|tromb(?:ocyt|osyt|ocytt)-?ag+regat\w*|agregaty p[łl]ytek\w*|trombosit kümele\w*|агрегат\w* тромбоцит\w*|血小板(?:聚集|凝集)|혈소판 ?응집)"
)
_CLUMPS = rf"(?:clump(?:s|ed|ing)?|aggregat(?:es|ed|ion)|{_OF_PLATELETS})"
_CLUMP = re.compile(rf"\b{_CLUMPS}\b", re.IGNORECASE)
_PLATELET = re.compile(rf"\bplatelets?\b|\bplts?\b|\bthrombocytes?\b|{_OF_PLATELETS}", re.IGNORECASE)
# "Clumped" alone, of a whole count, is said of its platelets.
_ALONE = re.compile(
    rf"\W*(?:sample\s+|specimen\s+)?{_CLUMPS}(?:\s+(?:seen|present|noted|found|\++|sample|specimen))?\W*", re.IGNORECASE
)
# A denial counts only where it is tied to the clumps: "not accurate due to clumping" denies none.
_DENIED = re.compile(
    rf"\b(?:pas d[’']|(?:no|without|negative for|absence of|free of|nil|keine?n?|ohne|pas de|sans|sin|no hay|sem|não há|nessun\w*|senza|geen|zonder|bez|brak|нет|без)\s+)(?:\w+\s+){{0,3}}?{_CLUMPS}\b"
    rf"|\bnot\s+(?:\w+\s+)?{_CLUMPS}\b"
    rf"|\b{_CLUMPS}:?\s+(?:\w+\s+){{0,2}}?(?:not\s+(?:seen|present|found|noted|observed|detected|identified)|absent|none|negative|nicht nachweisbar|negativ|absents?|ausentes?|assenti)\b",
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


def mentions_clumps(text: str) -> bool:
    """Tell whether a text is worth reading for clumps."""
    return _CLUMP.search(text.replace("_", " ")) is not None


def platelet_clumps(remark: str, *, about_platelets: bool = False) -> Presence:
    """Tell whether a remark says that platelet clumps were seen, were not seen, or leaves it open.

    >>> platelet_clumps("Platelet clumps seen on film"), platelet_clumps("Platelet clumps not seen")
    (<Presence.PRESENT: 'present'>, <Presence.ABSENT: 'absent'>)
    """
    found = Presence.UNKNOWN
    for sentence in _of_clumps(remark, about_platelets):
        if _UNSURE.search(sentence):
            continue
        if not _DENIED.search(sentence):
            # Seen once is seen, whatever another sentence says.
            return Presence.PRESENT
        found = Presence.ABSENT
    return found


def suspects_clumps(remark: str, *, about_platelets: bool = False) -> bool:
    """Tell whether a remark asks whether there are platelet clumps.

    >>> suspects_clumps("PLT clumps?"), suspects_clumps("Platelet clumps not seen")
    (True, False)
    """
    return any(_UNSURE.search(sentence) for sentence in _of_clumps(remark, about_platelets))


def _of_clumps(remark: str, about_platelets: bool) -> list[str]:
    """Return the sentences about clumps of platelets."""
    sentences = _SENTENCE.split(remark.replace("_", " "))
    return [
        one
        for one in sentences
        if _CLUMP.search(one) and (about_platelets or _PLATELET.search(one) or _ALONE.fullmatch(one))
    ]


def clumps_as_result(value: str) -> Presence:
    """Read the value of a test for platelet clumps."""
    text = value.strip()
    if _ABSENT.match(text):
        return Presence.ABSENT
    return Presence.PRESENT if _PRESENT.match(text) else Presence.UNKNOWN


def is_raised(value: str) -> bool:
    """Tell whether an analyzer raises a flag that asks ("PLT Clumps?"); a number has its maker's limit, and says nothing.

    >>> is_raised("T"), is_raised("0"), is_raised("190")
    (True, False, False)
    """
    return _RAISED.fullmatch(value.strip()) is not None or _PRESENT.match(value.strip()) is not None
