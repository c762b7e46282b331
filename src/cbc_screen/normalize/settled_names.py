"""What the names of columns mean beside one another: a name that leaves something open is settled by the others, or refused."""

from __future__ import annotations

from collections.abc import Mapping

from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.quantities import AMBIGUOUS, COUNT_OR_PERCENT, Factor
from cbc_screen.normalize.declared import Declared
from cbc_screen.normalize.names import Meaning, NameReader, Role, name_reader
from cbc_screen.vocabulary import Reason

_LIMITS = (Role.LOWER, Role.UPPER, Role.RANGE)


def settle_ambiguous(knowledge: Knowledge, meanings: dict[str, Meaning], declared: Declared) -> None:
    """Read a name that may be a count or a percentage as the one for which the caller declares a unit.

    A system of units may say that all of them are counts.
    """
    read = {meaning.name for meaning in meanings.values() if meaning.role is Role.ANALYTE}
    for header, meaning in meanings.items():
        if meaning.why != AMBIGUOUS:
            continue
        both = (meaning.name, knowledge.analytes[meaning.name].percent)
        own = [analyte for analyte in both if analyte in declared.units]
        if not own and COUNT_OR_PERCENT in declared.system:
            own = [meaning.name]
        if len(own) == 1 and own[0] is not None and own[0] not in read:
            meanings[header] = Meaning(Role.ANALYTE, own[0])
            read.add(own[0])


def prefer_first_names(meanings: dict[str, Meaning], reader: NameReader) -> None:
    """Leave aside what has a longer name, or one of another language, beside a column of the same by its first name."""
    same: dict[tuple[Role, str], list[str]] = {}
    for header, meaning in meanings.items():
        if meaning.role in (Role.ANALYTE, Role.PERSON):
            same.setdefault((meaning.role, meaning.name), []).append(header)
    for (role, name), headers in same.items():
        first = [header for header in headers if reader.is_first_name(header, meanings[header])]
        if len(headers) > 1 and len(first) == 1:
            for header in headers:
                if header != first[0]:
                    why, unit = f"{first[0]!r} is read as {name}", meanings[header].unit
                    meanings[header] = (
                        Meaning(Role.AGAIN, name, unit, why, Reason.CODE_UNKNOWN)
                        if role is Role.ANALYTE
                        else Meaning(Role.REFUSED, name, why=why)
                    )


def refuse_limits_in_another_unit(
    knowledge: Knowledge, meanings: dict[str, Meaning], declared: Declared, chosen: Mapping[str, str]
) -> None:
    """Refuse columns of limits that state a unit which is not that of their results, or not known to be."""
    stated = {own.name: own.unit for own in meanings.values() if own.role is Role.ANALYTE}
    for header, meaning in meanings.items():
        if meaning.role not in _LIMITS or meaning.unit is None:
            continue
        analyte, column = meaning.name, chosen.get(meaning.name)
        of_chosen = None if column is None else name_reader(knowledge).unit_in_name(column, analyte)
        unit = of_chosen or stated.get(analyte) or declared.unit(knowledge, analyte) or ""
        units = knowledge.analytes[analyte].units
        own, theirs = (units.find(one, declared.convention) for one in (meaning.unit, unit))
        if not isinstance(theirs, Factor) or own != theirs:
            why = f"limits of {analyte} in a unit that is not known to be that of its results"
            meanings[header] = Meaning(Role.REFUSED, analyte, why=why)
