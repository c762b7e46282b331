"""FHIR: an Observation to results."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from cbc_screen.ingest.fhir_json import Resource, as_json, as_object, as_objects, as_text, joined_texts
from cbc_screen.ingest.fhir_scope import MOST_PARENTS, Member, ResourceScope, listed_members, only_one
from cbc_screen.ingest.fhir_stated import (
    changes_meaning,
    conditions_of,
    is_unusable,
    notes_of,
    of_observation,
    of_specimens,
)
from cbc_screen.ingest.results import Item, LabResult, NotResults, ResultCode, Stated, is_partial
from cbc_screen.knowledge.loaded import load_measures
from cbc_screen.vocabulary import ANSWER_SYSTEM, ResultStatus

_UCUM = "http://unitsofmeasure.org"
_NOT_DONE = frozenset(("not-performed", "not-applicable"))
TAKEN_BACK = frozenset(("cancelled", "entered-in-error"))  # of a report or panel
_NORMAL = frozenset(("n", "normal", "normal range"))
_COMPARATORS = frozenset(("<", "<=", ">=", ">"))
_DAY = len("2024-01-15")


@dataclass(frozen=True, slots=True)
class _Common:
    """What the value and the components of an observation have in common."""

    line: int
    person: str
    group: str
    encounter: str
    collected_at: str
    until: str
    specimen: str
    panel: str
    status: ResultStatus
    notes: tuple[str, ...]
    content: str
    stated: Stated


def results_of(member: Member, scope: ResourceScope) -> Iterator[Item]:
    """Yield the result of an observation, and one for each of its components; of a member with `raw`, without their content."""
    resource = member.resource
    parts = as_objects(resource.get("component"))
    if _value_names(resource) or resource.get("dataAbsentReason"):
        parts.insert(0, resource)
    elif not parts and listed_members(member):
        yield NotResults(member.line, "panel")
        return
    elif not parts:  # cancelled or deleted, perhaps; the status says
        parts.append(resource)
    common = _common(member, scope)
    for part in parts:
        yield _result(part, common)


def _common(member: Member, scope: ResourceScope) -> _Common:
    resource = member.resource
    person, (collected_at, until) = _person(member, scope), _taken(member, scope)
    group, specimen, of_specimen = _specimen(member, scope)
    panel, remarks = "", notes_of(resource)
    if scope.parents:
        listing = [one for level in scope.above(member) for one in level]
        said = (note for one in listing if not is_answer(one.resource) for note in notes_of(one.resource))
        remarks += tuple(islice(said, MOST_PARENTS))
        panel = joined_texts(concept_text(one.resource.get("code")) for one in listing)
        if not person and not resource.get("focus"):
            person = scope.inherited(member, lambda parent: _person(parent, scope))
        if is_partial(collected_at) and not until:
            above = scope.inherited(member, lambda parent: _taken(parent, scope)[0])
            collected_at = above if above.startswith(collected_at) else collected_at
    stated = as_text(resource.get("status"))
    # An observation must state one: without it, nobody knows.
    status = load_measures().statuses.of(stated) if stated.strip() else ResultStatus.OTHER
    taken = scope.specimens.get(group, [])[:MOST_PARENTS]
    if status is not ResultStatus.DELETED and _is_in_doubt(member, taken, scope):
        status = ResultStatus.OTHER
    content = member.content or ("" if member.raw else as_json(resource))
    encounter = ""
    if is_partial(collected_at) or until:
        group, encounter = group or _report(member, scope), _encounter(member, scope)
    kinds = (*of_observation(member, scope), *of_specimen)
    specimen = joined_texts([specimen, concept_text(resource.get("bodySite"))])
    return _Common(
        member.line, person, group, encounter, collected_at, until, specimen, panel, status,
        (*remarks, *conditions_of(taken)), content, kinds,
    )  # fmt: skip


def _result(part: Resource, common: _Common) -> LabResult:
    value, unit = _value(part)
    lower, upper, range_text = _limits(part)
    return LabResult(
        line=common.line,
        person=common.person,
        group=common.group,
        collected_at=common.collected_at,
        encounter=common.encounter,
        until=common.until,
        codes=_codes(as_object(part.get("code"))),
        value=value,
        unit=unit,
        specimen=common.specimen,
        panel=common.panel,
        lower=lower,
        upper=upper,
        range_text=range_text,
        status=_status(part, common.status),
        notes=common.notes,
        content=common.content,
        flag=_flag(part),
        stated=common.stated,
        other_units=_other_units(part),
    )


def is_answer(resource: Resource) -> bool:
    """Tell whether an observation is an answer of this program that came back: by its codes alone, no result."""
    codes = as_objects(as_object(resource.get("code")).get("coding"))
    return bool(codes) and all(as_text(coding.get("system")) == ANSWER_SYSTEM for coding in codes)


def _flag(part: Resource) -> str:
    """Return the code of the one interpretation, or its text; DSTU2 and STU3 have one, R4 a list."""
    given = part.get("interpretation")
    concepts = [as_object(given)] if isinstance(given, dict) else as_objects(given)
    codes = {as_text(coding.get("code")) for concept in concepts for coding in as_objects(concept.get("coding"))}
    return only_one(filter(None, codes or {as_text(concept.get("text")) for concept in concepts}))


def _person(member: Member, scope: ResourceScope) -> str:
    """Return the key of whom an observation or a report is about."""
    focus = member.resource.get("focus")
    if focus and member.kind == "Observation":  # an unborn child or a donor, in the subject's record
        return only_one(scope.person(reference, member.place) for reference in as_objects(focus))
    return scope.person(as_object(member.resource.get("subject")), member.place)


def _taken(member: Member, scope: ResourceScope) -> tuple[str, str]:
    """Return when the specimen was taken, and until when; `issued` is when the result was given out."""
    resource = member.resource
    period = as_object(resource.get("effectivePeriod"))
    events = as_object(resource.get("effectiveTiming")).get("event")
    own = (
        as_text(resource.get("effectiveDateTime"))
        or as_text(period.get("start"))
        or as_text(resource.get("effectiveInstant"))
        or (as_text(events[0]) if isinstance(events, list) and len(events) == 1 else as_text(events))
    )
    until = as_text(period.get("end"))
    if own and until and not is_partial(own) and _is_longer_than_a_day(own, until):
        return own, until
    if not is_partial(own) or not scope.specimens:
        return own, ""
    key = scope.key(as_object(resource.get("specimen")), member.place)
    collections = [as_object(specimen.get("collection")) for specimen in scope.specimens.get(key, [])[:MOST_PARENTS]]
    times = (
        as_text(one.get("collectedDateTime")) or as_text(as_object(one.get("collectedPeriod")).get("start"))
        for one in collections
    )
    sampled = only_one(filter(None, times))
    return (sampled, "") if sampled.startswith(own) else (own, "")


def _is_longer_than_a_day(start: str, end: str) -> bool:
    """Tell whether a period may hold the draws of several days."""
    try:
        return datetime.datetime.fromisoformat(end) - datetime.datetime.fromisoformat(start) > datetime.timedelta(
            days=1
        )
    except (ValueError, TypeError):  # one to the month, or one without a zone
        return start[:_DAY] != end[:_DAY]


def _report(member: Member, scope: ResourceScope) -> str:
    """Return the key of the one report, else of the one panel, that lists an observation."""
    for level in islice(scope.above(member), 1):
        for kind in ("DiagnosticReport", "Observation"):
            keys = {parent.key or f"line {parent.place}" for parent in level if parent.kind == kind}
            if keys:
                return f"report {keys.pop()}" if len(keys) == 1 else ""
    return ""


def _encounter(member: Member, scope: ResourceScope) -> str:
    """Return the key of the visit or stay, else the moment until which it was taken, or given out.

    Results of one person that were given out in the same instant are of one draw where
    nothing contradicts.
    """
    resource = member.resource
    visit = scope.key(as_object(resource.get("encounter") or resource.get("context")), member.place)
    issued = as_text(as_object(resource.get("effectivePeriod")).get("end")) or as_text(resource.get("issued"))
    return visit or (f"issued {issued}" if issued else "")


def _specimen(member: Member, scope: ResourceScope) -> tuple[str, str, Stated]:
    """Return the key of the specimen, all that names it, and what tells its kind.

    Of the panel's where the observation has none.
    """
    holders = [member]
    if not member.resource.get("specimen") and member.key in scope.parents:
        panels = (one for one in scope.parents[member.key] if one.kind == "Observation")
        holders = list(islice(panels, MOST_PARENTS))
    references = [(as_object(one.resource.get("specimen")), one.place) for one in holders]
    named = {(scope.key(reference, place), as_text(reference.get("display"))) for reference, place in references}
    if len(named) != 1:
        return "", "", ()
    key, display = named.pop()
    found = scope.specimens.get(key, [])[:MOST_PARENTS]
    types = (concept_text(one.get("type")) for one in found)
    return key, joined_texts([display, *types]), tuple(of_specimens(display, found, member.place, scope))


def speaks_against(resource: Resource) -> bool:
    """Tell whether a report or panel takes the results back that it lists, or leaves open what they mean."""
    if as_text(resource.get("status")) in TAKEN_BACK or changes_meaning(resource):
        return True
    return not is_answer(resource) and any(map(load_measures().words.takes_back, notes_of(resource)))


def _is_in_doubt(member: Member, specimens: Sequence[Resource], scope: ResourceScope) -> bool:
    """Tell whether something says that an observation may not mean what it seems to.

    An extension or rules that change its meaning or that of what lists it, a report or panel that was taken back, or
    a specimen that could not be used.
    """
    if changes_meaning(member.resource) or any(map(is_unusable, specimens)):
        return True
    listing = [one.resource for level in scope.above(member) for one in level] if scope.parents else []
    return any(as_text(one.get("status")) in TAKEN_BACK or changes_meaning(one) for one in listing)


def _status(part: Resource, status: ResultStatus) -> ResultStatus:
    """Return how far the result or component has come; a deletion stays one."""
    if status is ResultStatus.DELETED:
        return status
    if part.get("modifierExtension"):
        return ResultStatus.OTHER
    reason = part.get("dataAbsentReason")
    if reason and any(
        as_text(coding.get("code")) in _NOT_DONE for coding in as_objects(as_object(reason).get("coding"))
    ):
        return ResultStatus.CANCELLED
    return status


def _codes(concept: Resource) -> tuple[ResultCode, ...]:
    """Return the codings, and what the source itself calls it beside them: that may say another thing."""
    codings, text = concept.get("coding"), as_text(concept.get("text"))
    found: tuple[ResultCode, ...] = ()
    if codings:
        texts = [
            (as_text(one.get("code")), as_text(one.get("display")), as_text(one.get("system")))
            for one in as_objects(codings)
        ]
        found = tuple(ResultCode(*three) for three in texts if any(three))
    return (*found, ResultCode("", text, "")) if text and text not in {code.name for code in found} else found


def concept_text(concept: Any) -> str:
    """Return the text of a concept, else the name or the code of its first coding."""
    coding = next(iter(as_objects(as_object(concept).get("coding"))), {})
    return as_text(as_object(concept).get("text")) or as_text(coding.get("display")) or as_text(coding.get("code"))


def _value_names(part: Resource) -> list[str]:
    return [name for name in part if name.startswith("value") and part[name] is not None]


def _value(part: Resource) -> tuple[str, str]:
    """Return a value and its unit; what has no form as a text is given as JSON, which is no number."""
    names = _value_names(part)
    if part.get("dataAbsentReason"):  # and a value beside it: which is meant is unknown
        names.append("dataAbsentReason") if names else None
    if len(names) > 1:  # which is meant is unknown
        return as_json({name: part[name] for name in names}), ""
    if not names:
        return "", ""
    value = part[names[0]]
    if isinstance(value, bool):
        return str(value).lower(), ""
    if isinstance(value, str) and names[0] not in _READERS:
        return as_text(value), ""
    read = _READERS.get(names[0])
    found = read(value) if read is not None and isinstance(value, dict) else None
    return found or (as_json(value), "")


def _quantity(quantity: Resource) -> tuple[str, str] | None:
    """Return an amount and its unit, or None for an element of a wrong type."""
    value, comparator = quantity.get("value", ""), quantity.get("comparator", "")
    if not isinstance(value, str) or not isinstance(comparator, str):
        return None
    if comparator and comparator not in _COMPARATORS:
        comparator = f"{comparator} "
    return as_text(comparator + value), _unit(quantity)


def _unit(quantity: Resource) -> str:
    """Return the UCUM code, which is written one way; the unit as shown where there is none, or only "1".

    A fraction has the code "1" whether it is shown as "L/L" or in another way.
    """
    unit, code = as_text(quantity.get("unit")), as_text(quantity.get("code"))
    if code and quantity.get("system") == _UCUM and not (code == "1" and unit):
        return code
    return unit or code


def _other_units(part: Resource) -> tuple[str, ...]:
    """Return the units that stand beside a value, as shown and as coded: they may contradict."""
    ends = as_object(part.get("valueRange"))
    quantities = [part.get("valueQuantity"), ends.get("low"), ends.get("high")]
    found: list[str] = []
    for quantity in filter(None, map(as_object, quantities)):
        unit, code = as_text(quantity.get("unit")), as_text(quantity.get("code"))
        found += [unit] if code == "1" and unit else [unit, code]
    different = tuple(dict.fromkeys(filter(None, found)))
    return different if len(different) > 1 else ()


def _concept(concept: Resource) -> tuple[str, str]:
    return concept_text(concept), ""


def _range(value: Resource) -> tuple[str, str] | None:
    low, high = _quantity(as_object(value.get("low"))), _quantity(as_object(value.get("high")))
    if low is None or high is None or (low[1] and high[1] and low[1] != high[1]):
        return None
    if low[0] and high[0]:
        return f"{low[0]}-{high[0]}", low[1] or high[1]
    return (f">={low[0]}", low[1]) if low[0] else (f"<={high[0]}" if high[0] else "", high[1])


def _ratio(value: Resource) -> tuple[str, str] | None:
    above, below = _quantity(as_object(value.get("numerator"))), _quantity(as_object(value.get("denominator")))
    return None if above is None or below is None else (f"{above[0]}:{below[0]}", "")


_READERS: dict[str, Callable[[Resource], tuple[str, str] | None]] = {
    "valueQuantity": _quantity,
    "valueCodeableConcept": _concept,
    "valueRange": _range,
    "valueRatio": _ratio,
}


def _limits(part: Resource) -> tuple[str, str, str]:
    """Return the limits, or the text, of the one range that is for everybody.

    Ranges of another kind (critical, therapeutic) are passed over. With one for some people
    only, or in another unit than the value, no limits are given.
    """
    plain = []
    for limits in as_objects(part.get("referenceRange")):
        if not all(map(_is_normal, as_objects(limits.get("type")) + as_objects(limits.get("meaning")))):
            continue
        narrowed = limits.get("age") or limits.get("modifierExtension")
        if narrowed or not all(map(_is_normal, as_objects(limits.get("appliesTo")))):
            return "", "", ""
        plain.append(limits)
    if len(plain) != 1:
        return "", "", ""
    low, high = as_object(plain[0].get("low")), as_object(plain[0].get("high"))
    if not low and not high:
        return "", "", as_text(plain[0].get("text"))
    value = as_object(part.get("valueQuantity"))
    ends = _quantity(low), _quantity(high)
    if ends[0] is None or ends[1] is None or not (_same_unit(low, value) and _same_unit(high, value)):
        return "", "", ""
    return ends[0][0], ends[1][0], ""


def _is_normal(concept: Resource) -> bool:
    texts = [concept.get("text")]
    for coding in as_objects(concept.get("coding")):
        texts += [coding.get("code"), coding.get("display")]
    return any(as_text(text).lower() in _NORMAL for text in texts)


def _same_unit(limit: Resource, value: Resource) -> bool:
    """Tell whether a limit is in the unit of the value, or has none of its own."""
    unit = _unit(limit)
    if not unit or unit == _unit(value):
        return True
    both_coded = bool(limit.get("code") and value.get("code"))
    return not both_coded and bool(limit.get("unit")) and limit.get("unit") == value.get("unit")
