"""What the kernel takes: the seam between normalize/ and kernel/, which import only this."""

from __future__ import annotations

from dataclasses import dataclass

from cbc_screen.ages import AgeSpan
from cbc_screen.vocabulary import Pregnancy, Sex

SEXES = (Sex.FEMALE, Sex.MALE, Sex.UNKNOWN)
PREGNANCIES = tuple(Pregnancy)


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of the person at collection; `age` None is unknown."""

    age: AgeSpan | None
    sex: Sex
    pregnancy: Pregnancy
