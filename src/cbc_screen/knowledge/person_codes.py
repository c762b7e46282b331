"""Codes and names of results that tell of the person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbc_screen.knowledge.quantities import has_check_digit

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode

AGE, SEX, BIRTH_DATE, PREGNANCY = "age", "sex", "birth_date", "pregnancy"
GESTATION, PRETERM = "gestation_at_birth", "born_preterm"


@dataclass(frozen=True, eq=False)
class PersonCodes:
    """LOINC codes by what they tell of the person, and the names of an age."""

    fields: Mapping[str, str]
    age_names: frozenset[str]

    def of(self, field: str) -> tuple[str, ...]:
        """Return the codes that tell a field."""
        return tuple(code for code, own in self.fields.items() if own == field)


def load_person_codes(node: YamlNode) -> PersonCodes:
    """Load person_codes.yaml."""
    node.check_keys([AGE, SEX, BIRTH_DATE, PREGNANCY, GESTATION])
    node.node(AGE).check_keys(["codes"], ["names"])
    fields: dict[str, str] = {}
    for field in node:
        own = node.node(field)
        for code in own.texts("codes"):
            if not has_check_digit(code):
                raise own.error("codes", f"{code} is not a LOINC code: its check digit is wrong")
            if code in fields:
                raise own.error("codes", f"{code} is given twice")
            fields[code] = field
    return PersonCodes(fields, frozenset(node.node(AGE).texts("names")))
