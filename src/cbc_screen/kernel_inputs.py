"""What the kernel takes: the seam between normalize/ and kernel/, which import only this."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from cbc_screen.ages import AgeSpan
from cbc_screen.vocabulary import Pregnancy, Sex

SEXES = (Sex.FEMALE, Sex.MALE, Sex.UNKNOWN)
PREGNANCIES = tuple(Pregnancy)
# What most counts have, and no more. It decides how long one record takes, never what is answered.
SHORT_COUNT = frozenset(
    {
        "hemoglobin", "hematocrit", "rbc", "mcv", "mch", "mchc", "rdw_cv",
        "wbc", "neutrophils", "lymphocytes", "platelets", "mpv",
    }
)  # fmt: skip


class InputScope(IntEnum):
    """Which inputs a program for one record has: the fewer, the sooner it answers (measured).

    A short count; every analyte of a blood count; and what is outside it too (a finding,
    a chemistry value, the reticulocyte method).
    """

    SHORT = 0
    COUNT = 1
    ALL = 2


def scope_of(analyte: str, counted: bool) -> InputScope:
    """Return the least scope that has an analyte; `counted` tells whether a blood count has it."""
    if analyte in SHORT_COUNT:
        return InputScope.SHORT
    return InputScope.COUNT if counted else InputScope.ALL


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of the person at collection; `age` None is unknown."""

    age: AgeSpan | None
    sex: Sex
    pregnancy: Pregnancy
