"""C-CDA: the results of a clinical document, with the person it is of."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cbc_screen.errors import UsageError
from cbc_screen.ingest.compressed import not_packed, unpacked
from cbc_screen.ingest.hl7_grammar import iso_date, iso_time
from cbc_screen.ingest.results import Item, LabResult, NotResults, ResultCode, Stated, StatedPerson, best_told
from cbc_screen.ingest.source import LONGEST_CONTENT
from cbc_screen.ingest.xml_tree import Element, XMLProblem, parse_xml
from cbc_screen.knowledge.loaded import load_measures
from cbc_screen.vocabulary import Reason, ResultStatus

NAMESPACE = "urn:hl7-org:v3"
ROOT = "ClinicalDocument"
LARGEST = 256 << 20
_MOST_NOTES = 20
_VOID = (ResultStatus.CANCELLED, ResultStatus.DELETED)
_ONCE = frozenset(("code", "value", "effectiveTime", "statusCode"))
_SOMEBODY = "document person"  # whom no number names: of this document and no other
_STATUS = {  # of ActStatus, where HL7 v2 has letters
    "completed": ResultStatus.FINAL, "active": ResultStatus.PRELIMINARY, "held": ResultStatus.PENDING,
    "suspended": ResultStatus.PENDING, "aborted": ResultStatus.CANCELLED, "cancelled": ResultStatus.CANCELLED,
    "nullified": ResultStatus.DELETED, "obsolete": ResultStatus.DELETED,
}  # fmt: skip


class CCDASource:
    """A clinical document in XML."""

    ordered = True

    def __init__(self, path: Path) -> None:
        self._path, self.share = path, 0.0

    def items(self) -> Iterator[Item]:
        """Yield the person, then the results in order."""
        root = self._root()
        self.share = 0.5
        person = _person(root)
        if person.key:
            yield person
        some = False
        for result in _results(root, person.key, _Around()):
            some = True
            yield result
        if not some:
            yield NotResults(1, ROOT)
        self.share = 1.0

    def _root(self) -> Element:
        problem = ""
        content = b""
        try:
            with self._path.open("rb") as file:
                content = unpacked(file, self._path).read(LARGEST + 1)
        except (OSError, EOFError, zlib.error):
            problem = not_packed(self._path)
        if len(content) > LARGEST:
            problem = "the document is too large to be read whole; split it"
        if not problem:
            try:
                return parse_xml(content)
            except XMLProblem as found:
                problem = str(found)
        # Outside the except block: nothing of the first error is attached.
        raise UsageError(problem)


def _person(root: Element) -> StatedPerson:
    """Return whose document it is; of several persons nobody."""
    targets = list(root.every("recordTarget", "patientRole"))
    if len(targets) != 1:
        return StatedPerson("" if targets else _SOMEBODY)
    role = targets[0]
    ids = (f"{one.get('extension')}^{one.get('root')}".strip("^") for one in role.every("id"))
    key = next((text for text in ids if text), _SOMEBODY)
    gender, birth = role.first("patient", "administrativeGenderCode"), role.first("patient", "birthTime")
    return StatedPerson(
        key, iso_date(birth.get("value")) if birth is not None else "", gender.get("code") if gender is not None else ""
    )


@dataclass(frozen=True)
class _Around:
    """What the elements around an observation say of it."""

    group: str = ""
    panel: str = ""
    collected_at: str = ""
    specimen: str = ""
    status: str = ""


def _results(element: Element, person: str, around: _Around) -> Iterator[LabResult]:
    """Yield the results within an element, in order."""
    for child in element.children:
        if child.name == "organizer":
            yield from _results(child, person, _of_organizer(child))
        elif child.name == "observation" and child.get("moodCode") in ("", "EVN"):
            result = _result(child, person, around)
            if result is not None:
                yield result
            yield from _results(child, person, around)  # members of a panel
        else:
            yield from _results(child, person, around)


def _of_organizer(organizer: Element) -> _Around:
    ids = (f"{one.get('extension')}^{one.get('root')}".strip("^") for one in organizer.every("id"))
    code, status = organizer.first("code"), organizer.first("statusCode")
    return _Around(
        next((text for text in ids if text), f"organizer {organizer.line}"),
        code.get("displayName") if code is not None else "",
        _time(organizer),
        _specimen(organizer),
        status.get("code") if status is not None else "",
    )


def _specimen(element: Element) -> str:
    found = element.first("specimen", "specimenRole", "specimenPlayingEntity", "code")
    name = element.first("specimen", "specimenRole", "specimenPlayingEntity", "name")
    return (found.get("displayName") or found.get("code") if found is not None else "") or _text(name)


def _time(element: Element) -> str:
    time = element.first("effectiveTime")
    if time is None:
        return ""
    low = time.first("low")
    return iso_time(time.get("value") or (low.get("value") if low is not None else ""))


def _text(element: Element | None) -> str:
    return " ".join(element.text.split()) if element is not None else ""


def _result(observation: Element, person: str, around: _Around) -> LabResult | None:
    """Return the result of an observation; None where it says neither what it is nor any value."""
    code, value = observation.first("code"), observation.first("value")
    codes = _codes(code) if code is not None else ()
    text, unit = _value(value) if value is not None else ("", "")
    # Of two values, codes or moments none is chosen.
    once = [child.name for child in observation.children if child.name in _ONCE]
    fault = Reason.MESSAGE_UNREADABLE if len(set(once)) < len(once) else None
    if not codes and not text:
        return None
    lower, upper, range_text = _range(observation, unit)
    interpretation = observation.first("interpretationCode")
    notes = [_text(one) for one in observation.every("entryRelationship", "act", "text")]
    own = _specimen(observation) or around.specimen
    stated: Stated = (("type", own),) if own else ()
    return LabResult(
        line=observation.line,
        person=person,
        group=around.group,
        collected_at=best_told((_time(observation), around.collected_at)),
        codes=codes,
        value=text,
        unit=unit,
        specimen=own,
        panel=around.panel,
        lower=lower,
        upper=upper,
        range_text=range_text,
        status=_status(observation, around),
        notes=tuple(filter(None, notes))[:_MOST_NOTES],
        content=f"{code.get('code') if code is not None else ''} {text} {unit}".strip()[:LONGEST_CONTENT],
        flag=interpretation.get("code") if interpretation is not None else "",
        stated=stated,
        fault=fault,
    )


def _codes(code: Element) -> tuple[ResultCode, ...]:
    own = [code, *code.every("translation")]
    found = [ResultCode(one.get("code"), one.get("displayName"), one.get("codeSystem")) for one in own]
    original = _text(code.first("originalText"))
    found += [ResultCode("", original, "")] if original else []
    return tuple(one for one in found if one.code or one.name)


def _status(observation: Element, around: _Around) -> ResultStatus:
    if observation.get("negationInd") == "true":
        return ResultStatus.OTHER
    code = observation.first("statusCode")
    stated, whole = code.get("code") if code is not None else "", _status_of(around.status)
    # A panel that was cancelled has no results, whatever each of them says.
    return whole if whole in _VOID or not stated else _status_of(stated)


def _status_of(stated: str) -> ResultStatus:
    return (_STATUS.get(stated.casefold()) or load_measures().statuses.of(stated)) if stated else ResultStatus.FINAL


def _value(value: Element) -> tuple[str, str]:
    """Return the text of a value and its unit, by the type of the value."""
    low, high = value.first("low"), value.first("high")
    if low is not None or high is not None:
        return _interval(low, high)
    if value.get("value"):
        return value.get("value"), value.get("unit")
    return _text(value) or value.get("displayName") or _text(value.first("originalText")) or value.get("code"), ""


def _interval(low: Element | None, high: Element | None) -> tuple[str, str]:
    """Write an interval as a result: "<10", "10-20"; one whose ends have two units is none."""
    ends = [end for end in (low, high) if end is not None and end.get("value")]
    units = {end.get("unit") for end in ends}
    if len(ends) == 2:
        return f"{ends[0].get('value')}-{ends[1].get('value')}", units.pop() if len(units) == 1 else "?"
    if not ends:
        return "", ""
    equal = "" if ends[0].get("inclusive") == "false" else "="
    return f"{'<' if ends[0] is high else '>'}{equal}{ends[0].get('value')}", units.pop()


def _range(observation: Element, unit: str) -> tuple[str, str, str]:
    """Return the limits that came along, or their text; of several ranges none is chosen."""
    ranges = list(observation.every("referenceRange", "observationRange"))
    if len(ranges) != 1:
        return "", "", ""
    low, high = ranges[0].first("value", "low"), ranges[0].first("value", "high")
    ends = [end for end in (low, high) if end is not None and end.get("value")]
    if not ends:
        return "", "", _text(ranges[0].first("text"))
    if any(end.get("unit") not in ("", unit) for end in ends):
        return "", "", " - ".join(f"{end.get('value')} {end.get('unit')}" for end in ends)
    return low.get("value") if low is not None else "", high.get("value") if high is not None else "", ""
