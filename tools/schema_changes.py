"""What of a JSON schema may change: the rule that tests/test_schemas.py holds every release against.

Fields and words may be added, with a higher second number of SCHEMA_VERSION (vocabulary.py). None is removed, gets another
type, or becomes required of who sends it, without a higher first number.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any


def structure(node: Any) -> Any:
    """Return a schema without its texts and examples: what a program relies on."""
    if isinstance(node, Mapping):
        return {
            name: {field: structure(inner) for field, inner in own.items()}
            if name in ("properties", "$defs")
            else structure(own)
            for name, own in node.items()
            if name not in ("description", "examples", "title", "default", "$id", "$schema")
        }
    return [structure(inner) for inner in node] if isinstance(node, list) else node


def kept(version: str, schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a release: its version, the structure of its schemas, and once the parts that are alike."""
    parts: dict[str, Any] = {}
    own = structure(schemas)
    for schema in own.values():
        for name, part in schema.get("$defs", {}).items():
            parts.setdefault(name, part)
    for schema in own.values():
        others = {name: part for name, part in schema.pop("$defs", {}).items() if parts[name] != part}
        schema |= {"$defs": others} if others else {}
    return {"schema_version": version, "$defs": parts, "schemas": own}


def faults(released: Mapping[str, Any], now: Mapping[str, Any], version: str, sent: Collection[str]) -> list[str]:
    """Say what the schemas of now break of those released, or which number of the version did not rise.

    Parameters
    ----------
    released : mapping
        As `kept` makes it.
    now : mapping of name to schema
    version : str
        SCHEMA_VERSION of now.
    sent : names of what others write and we read; the rest goes out
    """
    shared = released["$defs"]
    before = {name: {**own, "$defs": {**shared, **own.get("$defs", {})}} for name, own in released["schemas"].items()}
    was, own = ([int(part) for part in text.split(".")] for text in (released["schema_version"], version))
    if own[0] > was[0]:
        return []
    found = [f"{name}: the schema is gone" for name in before.keys() - now.keys()]
    for name in sorted(before.keys() & now.keys()):
        found += (f"{name}: {said}" for said in Change(before[name], now[name], sent=name in sent).breaks())
    if found:
        return [f"{said}; raise the first number of SCHEMA_VERSION" for said in found]
    if own <= was and kept("", now) != {**released, "schema_version": ""}:
        return ["schemas have grown since the release; raise the second number of SCHEMA_VERSION"]
    return []


class Change:
    """One schema as it was and as it is; `sent` where others write it and we read it."""

    def __init__(self, before: Mapping[str, Any], now: Mapping[str, Any], *, sent: bool) -> None:
        self._before, self._now, self._sent = before, now, sent
        self._seen: set[tuple[str, str]] = set()

    def breaks(self) -> Iterator[str]:
        """Say what breaks, each with the path to it."""
        yield from self._node(self._before, self._now, "")

    def _node(self, before: Any, now: Any, path: str) -> Iterator[str]:
        pair = (json.dumps(before, sort_keys=True), json.dumps(now, sort_keys=True))
        if pair in self._seen:
            return
        self._seen.add(pair)
        olds, news = _forms(before, self._before), _forms(now, self._now)
        yield from self._kinds(set(olds), set(news), path)
        for kind in sorted(olds.keys() & news.keys()):
            yield from self._form(olds[kind], news[kind], path)

    def _kinds(self, olds: set[str], news: set[str], path: str) -> Iterator[str]:
        narrow, wide = (olds, news) if self._sent else (news, olds)
        lost = {kind for kind in narrow - wide if kind.partition(":")[0] not in ("any",)}
        if "any" in wide or not lost:
            return
        if not {*lost} <= {"integer"} or "number" not in wide:
            yield f"{path or 'it'} was {' or '.join(sorted(olds))} and is {' or '.join(sorted(news))}"

    def _form(self, before: Mapping[str, Any], now: Mapping[str, Any], path: str) -> Iterator[str]:
        yield from self._words(before, now, path)
        was, own = before.get("properties", {}), now.get("properties", {})
        yield from (f"{path}{name} is gone" for name in was.keys() - own.keys() if was or own)
        needed, wanted = set(before.get("required", ())), set(now.get("required", ()))
        if self._sent:
            yield from (f"{path}{name} is required now" for name in sorted(wanted - needed))
            if before.get("additionalProperties") is not False and now.get("additionalProperties") is False:
                yield f"{path or 'it'} takes no further field now"
        else:
            yield from (f"{path}{name} may be missing now" for name in sorted((needed - wanted) & own.keys()))
        for name in sorted(was.keys() & own.keys()):
            yield from self._node(was[name], own[name], f"{path}{name}.")
        for inner in ("items", "additionalProperties", "propertyNames"):
            if isinstance(before.get(inner), Mapping) and isinstance(now.get(inner), Mapping):
                yield from self._node(before[inner], now[inner], f"{path}{inner}.")
        for place, pair in enumerate(zip(before.get("prefixItems", ()), now.get("prefixItems", ()), strict=False)):
            yield from self._node(*pair, f"{path}{place}.")
        if len(before.get("prefixItems", ())) != len(now.get("prefixItems", ())):
            yield f"{path or 'it'} has another number of parts"
        if self._sent:
            yield from self._limits(before, now, path)

    def _words(self, before: Mapping[str, Any], now: Mapping[str, Any], path: str) -> Iterator[str]:
        olds, news = _words(before), _words(now)
        if olds is not None and news is not None:
            yield from (f"{path}{word} is no word of it any more" for word in sorted(map(str, olds - news)))
        elif olds is None and news is not None and self._sent:
            yield f"{path or 'it'} takes a closed list of words now"
        elif news is None and olds is not None and not self._sent:
            yield f"{path or 'it'} is no closed list of words any more"

    def _limits(self, before: Mapping[str, Any], now: Mapping[str, Any], path: str) -> Iterator[str]:
        for name in ("maxLength", "maxItems", "maximum"):
            if name in now and now[name] < before.get(name, float("inf")):
                yield f"{path}{name} is lower"
        for name in ("minLength", "minItems", "minimum"):
            if name in now and now[name] > before.get(name, float("-inf")):
                yield f"{path}{name} is higher"


def _words(node: Mapping[str, Any]) -> set[Any] | None:
    if "const" in node:
        return {node["const"]}
    return set(node["enum"]) if "enum" in node else None


def _forms(node: Any, root: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return what a node may be, by kind; objects of a name each by its own."""
    if not isinstance(node, Mapping):
        return {"any": {}}
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        inner = _forms(root["$defs"][name], root)
        return {f"{kind}:{name}" if kind == "object" else kind: own for kind, own in inner.items()}
    for several in ("anyOf", "oneOf", "allOf"):
        if several in node:
            return {kind: own for inner in node[several] for kind, own in _forms(inner, root).items()}
    kinds = node.get("type")
    if kinds is None and (words := _words(node)) is not None:
        kinds = sorted({{str: "string", bool: "boolean", int: "integer"}.get(type(word), "null") for word in words})
    kinds = [kinds] if isinstance(kinds, str) else kinds or ["any"]
    return dict.fromkeys(kinds, node)
