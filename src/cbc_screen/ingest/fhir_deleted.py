"""FHIR: what a Bundle says was deleted: a history, or a transaction or batch that deletes what it holds as well."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from cbc_screen.ingest.fhir_json import Resource, as_object, as_text
from cbc_screen.ingest.fhir_matched import MatchedObservation
from cbc_screen.ingest.fhir_scope import is_absolute, shortened, unversioned

_DELETE, _CREATE = "DELETE", "POST"
_IN_ORDER = frozenset(
    ("transaction", "batch")
)  # entries in the order in which they are done; those of a history need not be
_VERSION = re.compile(r'(?:W/)?"?(\d{1,9})"?')
_LOCATION = re.compile(r".*/_history/(\d{1,9})")


class Deletions(NamedTuple):
    """The places of entries that were deleted, and of entries that may have been."""

    gone: frozenset[int]
    unsure: frozenset[int]


_NOTHING = Deletions(frozenset(), frozenset())


class _Change(NamedTuple):
    """What happened to a resource, and when, as far as its entry says."""

    place: int
    address: str
    version: int | None
    moment: datetime.datetime | None


def deletions_in(bundle: Resource, entries: Sequence[Any], whole: Callable[[int], Resource]) -> Deletions:
    """Say which entries a later deletion takes out; `whole` gives an entry that was not parsed."""
    deleted: dict[str, list[_Change]] = {}
    gone, own_places = set[int](), set[int]()
    for place, entry in enumerate(entries):
        if isinstance(entry, dict) and _method(entry) == _DELETE:
            own_places.add(place)
            if entry.get("resource") is not None:
                gone.add(place)  # what it holds is what was deleted
            url = as_text(as_object(entry.get("request")).get("url")) or as_text(entry.get("fullUrl"))
            deleted.setdefault(shortened(url), []).append(_change(place, entry, url))
    if not deleted:
        return _NOTHING
    in_order, unsure = as_text(bundle.get("type")) in _IN_ORDER, set[int]()
    for place, key in _keys(entries):
        if key not in deleted or place in own_places:
            continue
        entry = whole(place)
        if in_order and _method(entry) == _CREATE:
            continue  # it gets an id of its own
        own = _change(place, entry, as_text(entry.get("fullUrl")))
        told = {_is_later(one, own, in_order) for one in deleted[key] if _may_be_one(one.address, own.address)}
        if True in told:
            gone.add(place)
        elif None in told:
            unsure.add(place)
    return Deletions(frozenset(gone), frozenset(unsure))


def deleted_keys(bundle: Resource) -> Iterator[str]:
    """Yield the keys of what a Bundle deletes and does not hold itself."""
    entries = bundle.get("entry")
    entries = entries if isinstance(entries, list) else []
    held = {key for _, key in _keys(entries)}
    for entry in entries:
        if isinstance(entry, dict) and _method(entry) == _DELETE:
            key = shortened(as_text(as_object(entry.get("request")).get("url")))
            if key and key not in held:
                yield key


def _keys(entries: Sequence[Any]) -> Iterator[tuple[int, str]]:
    for place, entry in enumerate(entries):
        if isinstance(entry, MatchedObservation):
            yield place, f"Observation/{entry.key}" if entry.key else shortened(entry.url)
        elif isinstance(entry, dict):
            resource = as_object(entry.get("resource"))
            kind, name = as_text(resource.get("resourceType")), as_text(resource.get("id"))
            yield place, f"{kind}/{name}" if name else shortened(as_text(entry.get("fullUrl")))


def _method(entry: Resource) -> str:
    return as_text(as_object(entry.get("request")).get("method")).upper()


def _may_be_one(deleted: str, own: str) -> bool:
    """Tell whether two addresses may be of one resource: not where both name a server, and not the same."""
    return not (is_absolute(deleted) and is_absolute(own)) or unversioned(deleted) == unversioned(own)


def _is_later(deleted: _Change, own: _Change, in_order: bool) -> bool | None:
    """Tell whether a deletion came after a change; None where nothing says so."""
    if deleted.version is not None and own.version is not None and deleted.version != own.version:
        return deleted.version > own.version
    if deleted.moment is not None and own.moment is not None and deleted.moment != own.moment:
        return deleted.moment > own.moment
    return deleted.place > own.place if in_order else None


def _change(place: int, entry: Resource, address: str) -> _Change:
    response, meta = as_object(entry.get("response")), as_object(as_object(entry.get("resource")).get("meta"))
    found = [_VERSION.fullmatch(as_text(text)) for text in (response.get("etag"), meta.get("versionId"))]
    found += [_LOCATION.fullmatch(text) for text in (as_text(response.get("location")), address)]
    version = next((int(one[1]) for one in found if one is not None), None)
    moments = map(_moment, (response.get("lastModified"), meta.get("lastUpdated")))
    return _Change(place, address, version, next((one for one in moments if one is not None), None))


def _moment(text: Any) -> datetime.datetime | None:
    try:
        found = datetime.datetime.fromisoformat(as_text(text))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
