"""What an option takes: said where it is given, and never found out by what it breaks later."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from cbc_screen.errors import UsageError


class _Kind(NamedTuple):
    """A kind of value, and how it is told of."""

    is_one: Callable[[object], bool]
    told: str
    holds: tuple[type, ...] = ()  # what holds several values, each of which is looked at


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_path(value: object) -> bool:
    return isinstance(value, str | os.PathLike)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool) or type(value).__name__ == "bool_"  # of numpy, which is not imported for it


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(_is_text, value.values()))


def _is_texts(value: object) -> bool:
    return _is_text(value) or (isinstance(value, list | tuple | set | frozenset) and all(map(_is_text, value)))


_TEXT = _Kind(_is_text, "a text")
_PATH = _Kind(_is_path, "a name or the path of a file")
_FLAG = _Kind(_is_flag, "True or False")
_WHOLE = _Kind(_is_whole, "a whole number")
_MAPPING = _Kind(_is_mapping, "a mapping to texts", (Mapping,))
_TEXT_OR_MAPPING = _Kind(
    lambda value: _is_text(value) or _is_mapping(value), "a text, or a mapping to texts", (Mapping,)
)
_TEXTS = _Kind(_is_texts, "a text, or a list of texts", (list, tuple, set, frozenset))

_KINDS = {
    **dict.fromkeys(
        ("definition", "grading", "text_units", "age_unit", "decimal", "thousands", "language", "encoding", "delimiter"),
        _TEXT,
    ),
    **dict.fromkeys(("sheet", "format", "query", "table"), _TEXT),
    **dict.fromkeys(("ranges", "rules", "profile", "persons"), _PATH),
    **dict.fromkeys(("prefer_reported_ranges", "published_sets"), _FLAG),
    **dict.fromkeys(("columns", "unit_spellings", "sex_codes", "pregnancy_codes"), _MAPPING),
    **dict.fromkeys(("units", "date_format"), _TEXT_OR_MAPPING),
    **dict.fromkeys(("adjust_hemoglobin", "setting", "accept_units"), _TEXTS),
    "skip_lines": _WHOLE,
}  # fmt: skip
_NEVER_NONE = frozenset((
    "definition", "grading", "text_units", "decimal", "thousands", "format", "ranges", "rules", "prefer_reported_ranges",
    "published_sets", "adjust_hemoglobin", "setting", "accept_units",
))  # fmt: skip


def require_types(given: Mapping[str, Any]) -> None:
    """Refuse an option of another type than it takes.

    Raises
    ------
    UsageError
        With the name of the option, what it takes, and the type that was given; never the value.

    Examples
    --------
    >>> require_types({"age_unit": "y", "sex_codes": {"1": "M"}, "profile": None})
    >>> require_types({"prefer_reported_ranges": "no"})
    Traceback (most recent call last):
    ...
    cbc_screen.errors.UsageError: prefer_reported_ranges takes True or False, not a str
    """
    for name, value in given.items():
        kind = _KINDS.get(name)
        if kind is None or (value is None and name not in _NEVER_NONE):
            continue
        if not kind.is_one(value):
            raise UsageError(f"{name} takes {kind.told}, not {_told(value, kind)}")


def _told(value: object, kind: _Kind) -> str:
    if value is None:
        return "None"
    own = f"a {'mapping' if isinstance(value, Mapping) else type(value).__name__}"
    return f"{own} with something else in it" if isinstance(value, kind.holds) else own.replace("a int", "an int")
