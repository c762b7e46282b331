"""A unit taken apart: its scale and its volume, however each of them is written.

"10^9 L-1", "10 exp 9/litre" and "Mrd/L" are 10^9/L. Which words and signs stand for what is data (`forms` in units.yaml). What
a form says is looked up in the closed tables like any other spelling: nothing is accepted that is not there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode

_SIGNS = str.maketrans("×µμ∕−–⋅∙•", "xuu/--···")
_OVER = re.compile(r"(?P<scale>[^/]*?)\s*(?:/|(?<![^\W\d_])per\s)\s*(?P<volume>[^/]+)", re.IGNORECASE)
# "g dl-1", "10^9·L^-1": a sign, a blank or the digit of a power stands before the volume;
# "L-1" alone may be a level or a lot.
_RAISED = re.compile(
    r"(?P<scale>.*?)(?:\s*[·.*\s]\s*|(?<=\d)|^(?=u))(?P<volume>[^\W\d_]+)\s*\^?\s*-\s*(?P<power>[13])", re.ASCII
)
_CUBED = "3"


@dataclass(frozen=True, slots=True)
class UnitForms:
    """Words for scales and volumes, signs of a power, and remarks behind a unit that change nothing."""

    scales: Mapping[str, str]
    volumes: Mapping[str, str]
    powers: re.Pattern[str]
    remark: re.Pattern[str]

    def spelling(self, text: str) -> str | None:
        """Return the spelling of the tables that a text says in another form; None where it is no such form.

        `text` has its raised digits written with ^ and its blanks as they were: "10 9/L" is no "109/L".
        """
        whole = " ".join(unicodedata.normalize("NFKC", text).translate(_SIGNS).split())
        plain = self.remark.sub("", whole)
        as_it_is = None if plain == whole else "".join(plain.split())
        found = _OVER.fullmatch(plain) or _RAISED.fullmatch(plain)
        if found is None:
            return as_it_is
        cubed = found.groupdict().get("power") == _CUBED
        volume = self.volumes.get("".join(found["volume"].casefold().split()) + (_CUBED if cubed else ""))
        if volume is None:
            return as_it_is
        spelling = f"{self._scale(found['scale'].strip())}/{volume}"
        # Another case alone is no other form: "g/l" is not G/L.
        return as_it_is if spelling.casefold() == "".join(plain.casefold().split()) else spelling

    def is_scale(self, text: str) -> bool:
        """Tell whether a text is a word for a scale or a power of ten."""
        return self._scale(text.strip()) != text.strip()

    def _scale(self, text: str) -> str:
        if (power := self.powers.fullmatch(text)) is not None:
            return f"10^{int(power['of_ten'] or power['of_one'] or power['apart'])}"
        return self.scales.get("".join(text.casefold().split()), text)


def load_forms(node: YamlNode) -> UnitForms:
    """Load the forms of units.yaml."""
    node.check_keys(["scales", "volumes", "powers", "remarks"])
    signs = "|".join(re.escape(sign) for sign in sorted(node.texts("powers"), key=len, reverse=True))
    remarks = "|".join(re.escape(word) for word in node.texts("remarks"))
    ten = rf"[x*]?\s*10\s*(?:{signs})\s*\(?(?P<of_ten>[1-9]\d?)\)?"
    apart = r"[x*]?\s*10 (?P<apart>[1-9]\d?)"
    return UnitForms(
        _words(node.node("scales")),
        _words(node.node("volumes")),
        re.compile(rf"{ten}|1\s?e\s?\+?(?P<of_one>[1-9]\d?)|{apart}", re.ASCII | re.IGNORECASE),
        re.compile(rf"\s*[(\[]\s*(?:{remarks})\.?\s*[)\]]$", re.IGNORECASE),
    )


def _words(node: YamlNode) -> dict[str, str]:
    """Return what each word stands for; a word for two things is an error."""
    found: dict[str, str] = {}
    for meaning in node:
        for word in (meaning, *node.texts(meaning)):
            folded = "".join(word.casefold().split())
            if found.setdefault(folded, meaning) != meaning:
                raise node.error(meaning, f"{word!r} stands for two things")
    return found
