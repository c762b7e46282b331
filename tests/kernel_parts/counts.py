"""One count through the kernel under its own names: canonical numbers in, codes out."""

from __future__ import annotations

from collections.abc import Mapping

from cbc_screen.ages import AgeSpan
from cbc_screen.kernel.configuration import Configuration
from cbc_screen.kernel.configure import build_kernel
from cbc_screen.kernel.one_record import One
from cbc_screen.kernel.rules import Given
from cbc_screen.kernel.screen import Kernel
from cbc_screen.kernel_inputs import InputScope, Person
from cbc_screen.knowledge import load_knowledge
from cbc_screen.vocabulary import Pregnancy, Sex

WOMAN = Person(AgeSpan(14_610, 14_610, 480, 480), Sex.FEMALE, Pregnancy.NONE)  # of 40 years
DEFAULT = Configuration()


def kernel_of(chosen: Configuration = DEFAULT) -> Kernel:
    return build_kernel(load_knowledge(), chosen)


def given_exactly(*analytes: str, unsent: bool = True) -> Given:
    """Return what a program has that is given exact results and nothing else."""
    return Given(frozenset(analytes), frozenset(), frozenset(), frozenset(), False, False, unsent)


def screened(
    numbers: Mapping[str, float | tuple[float, float]],
    person: Person = WOMAN,
    chosen: Configuration = DEFAULT,
    limits: Mapping[str, float] | None = None,
) -> One:
    """Screen results, a pair where one is known as an interval; `limits` came with them, by the name of the input."""
    record: dict[str, float] = dict(limits or {})
    for analyte, number in numbers.items():
        record[f"{analyte}.low"], record[f"{analyte}.high"] = number if isinstance(number, tuple) else (number, number)
    return kernel_of(chosen).record.screen_one(record, person, InputScope.ALL, limits is not None)
