"""What remarks beside results say: only whether platelet clumps were seen, or are suspected."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from cbc_screen.knowledge.loaded import load_measures
from cbc_screen.vocabulary import Presence

_SENTENCE = re.compile(r"[;!\n。；！]+|(?<!\bv)(?<!\bv\.a)\.+", re.IGNORECASE)  # "V.a.": a suspicion, in German
_ABSENT = re.compile(r"(?:negative|none|no|absent|not|nil|0)\b", re.IGNORECASE)
_PRESENT = re.compile(
    r"(?:present|positive|seen|yes|few|some|slight|moderate|many|marked|occasional|rare|noted)\b|[1-4]?\+",
    re.IGNORECASE,
)
_RAISED = re.compile(r"1|T|TRUE|Y|P|POS|A|SUSPECT(?:ED)?", re.IGNORECASE)  # of a flag that an analyzer raises or not

CLUMPS, CLUMPS_SUSPECTED = "platelet_clumps", "platelet_clumps_suspected"  # findings
_ENGLISH = r"clump(?:s|ed|ing)?|aggregat(?:es|ed|ion)"
_BY_NAME = r"\bplatelets?\b|\bplts?\b|\bthrombocytes?\b"
_CLOSE = "'’"  # what ends a denial that no blank parts from its word
_WITHOUT_BLANKS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")  # letters of Chinese and Japanese
_NEVER = "(?!)"  # in place of no words
_NOT_SEEN = r"not\s+(?:seen|present|found|noted|observed|detected|identified)|absent|none|negative"


@dataclass(frozen=True)
class _Patterns:
    """What is looked for in a sentence."""

    clumps: re.Pattern[str]
    platelets: re.Pattern[str]
    alone: re.Pattern[str]
    denied: re.Pattern[str]
    apart: re.Pattern[str]
    unsure: re.Pattern[str]


@lru_cache(maxsize=1)
def _patterns() -> _Patterns:
    words = load_measures().words.clumps
    of_platelets = "|".join(rf"{re.escape(own)}\w*" for own in words.of_platelets)
    clumps = rf"(?:{_ENGLISH}|{of_platelets})"
    apart = [
        own
        for each in (words.of_platelets, words.denied_before, words.denied_behind, words.unsure)
        for own in each
        if _WITHOUT_BLANKS.search(own)
    ]
    right_before = "|".join(re.escape(own) for own in words.denied_before if own in apart) or _NEVER
    others = [own for own in words.denied_before if own not in apart]
    before = "|".join(re.escape(own) + (r"\s*" if own[-1] in _CLOSE else r"\s+") for own in others)
    behind = "|".join(map(re.escape, words.denied_behind))
    unsure = "|".join(rf"{re.escape(own)}\w*" for own in words.unsure) or _NEVER

    def pattern(text: str) -> re.Pattern[str]:
        return re.compile(text, re.IGNORECASE)

    return _Patterns(
        clumps=pattern(rf"\b{clumps}\b"),
        platelets=pattern(rf"{_BY_NAME}|{of_platelets}"),
        # "Clumped" alone, of a whole count, is said of its platelets.
        alone=pattern(
            rf"\W*(?:sample\s+|specimen\s+)?{clumps}(?:\s+(?:seen|present|noted|found|\++|sample|specimen))?\W*"
        ),
        # A denial counts only where it is tied to the clumps: "not accurate due to clumping" denies none.
        denied=pattern(
            rf"\b(?:(?:no|without|negative for|absence of|free of|nil)\s+|{before})(?:\w+\s+){{0,3}}?{clumps}\b"
            rf"|\bnot\s+(?:\w+\s+)?{clumps}\b"
            rf"|\b(?:{right_before})\s+{clumps}\b"
            rf"|\b{clumps}\s*[:：]?\s*[(（][-－−–][)）]"
            rf"|\b{clumps}\s*[:：]?\s+(?:\w+\s+){{0,2}}?(?:{_NOT_SEEN}|{behind})\b"
        ),
        # The longest first: a word within another is none.
        apart=re.compile("|".join(map(re.escape, sorted(apart, key=len, reverse=True))) or _NEVER),
        unsure=pattern(
            r"\b(?:if|should|possible|possibly|probable|query|suspect(?:ed)?|rule out|r/o|check for|look for)\b|[?？]"
            # Tied to the clumps, as a denial is: "Citrat, wenn möglich" leaves open nothing that was seen.
            rf"|\b(?:{unsure})\s+(?:\w+(?:\s+|['’]\s*)){{0,3}}?{clumps}\b"
            rf"|\b{clumps}\s+(?:\w{{1,2}}\s+)?(?:{unsure})"
            r"|\b(?:cannot|can't|not)\s+(?:be\s+)?(?:excluded|ruled out)\b"
            rf"|\b(?:may|might|could)\s+(?:be|have|show)\s+(?:\w+\s+)?{clumps}\b"
        ),
    )


def mentions_clumps(text: str) -> bool:
    """Tell whether a text is worth reading for clumps."""
    return any(map(str.isalpha, text)) and _patterns().clumps.search(_in_words(text)) is not None


def _in_words(text: str) -> str:
    """Put blanks around the words that are known of scripts that have none."""
    text = text.replace("_", " ")
    return _patterns().apart.sub(r" \g<0> ", text) if _WITHOUT_BLANKS.search(text) else text


def platelet_clumps(remark: str, *, about_platelets: bool = False) -> Presence:
    """Tell whether a remark says that platelet clumps were seen, were not seen, or leaves it open.

    >>> platelet_clumps("Platelet clumps seen on film"), platelet_clumps("Platelet clumps not seen")
    (<Presence.PRESENT: 'present'>, <Presence.ABSENT: 'absent'>)
    """
    found = Presence.UNKNOWN
    for sentence in _of_clumps(remark, about_platelets):
        if _patterns().unsure.search(sentence):
            continue
        if not _patterns().denied.search(sentence):
            # Seen once is seen, whatever another sentence says.
            return Presence.PRESENT
        found = Presence.ABSENT
    return found


def suspects_clumps(remark: str, *, about_platelets: bool = False) -> bool:
    """Tell whether a remark asks whether there are platelet clumps.

    >>> suspects_clumps("PLT clumps?"), suspects_clumps("Platelet clumps not seen")
    (True, False)
    """
    return any(_patterns().unsure.search(sentence) for sentence in _of_clumps(remark, about_platelets))


def _of_clumps(remark: str, about_platelets: bool) -> list[str]:
    """Return the sentences about clumps of platelets."""
    own = _patterns()
    sentences = (one for one in _SENTENCE.split(_in_words(remark)) if own.clumps.search(one))
    return [one for one in sentences if about_platelets or own.platelets.search(one) or own.alone.fullmatch(one)]


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
