"""What tables and messages call the findings of the film."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbc_screen.knowledge.fold import plain_name
from cbc_screen.knowledge.quantities import has_check_digit

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode


@dataclass(frozen=True, eq=False)
class FilmNames:
    """Findings by folded name and by LOINC code; of the `counted` a number above zero says that they were seen."""

    names: Mapping[str, str]
    codes: Mapping[str, str]
    counted: frozenset[str]


def load_film_names(node: YamlNode, findings: Collection[str]) -> FilmNames:
    """Load film_names.yaml; `findings` are those of the film."""
    node.check_keys(["source", "names", "codes", "counted"])
    names, codes = node.node("names"), node.node("codes")
    names.check_keys([], list(findings))
    found = {plain_name(finding): finding for finding in findings}
    for finding in names:
        for name in map(plain_name, names.texts(finding)):
            if found.setdefault(name, finding) != finding:
                raise names.error(finding, f"{name!r} is given to two findings")
    for code in codes:
        if not has_check_digit(code) or codes.text(code) not in findings:
            raise codes.error(code, "must be a LOINC code of a finding of the film")
    if not set(node.texts("counted")) <= set(findings):
        raise node.error("counted", "must be findings of the film")
    return FilmNames(found, {code: codes.text(code) for code in codes}, frozenset(node.texts("counted")))
