"""Bodies of requests: strict JSON in UTF-8, bounded in depth, with each key once and numbers that are numbers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from email.message import Message
from typing import Any, NoReturn

from cbc_screen.service.problems import Problem, ProblemCode, problem

_LONGEST_NUMBER = 300  # digits; a longer one is a text that is no number, as in the command
_JSON = ("application/json", "application/fhir+json")


def require_json(content_type: str, content_encoding: str = "") -> None:
    """Refuse a body that does not say that it is JSON, or says that it is packed.

    Raises
    ------
    Problem
        415.
    """
    header = Message()
    header["content-type"] = content_type or "none"
    if header.get_content_type() not in _JSON or header.get_content_charset("utf-8") not in ("utf-8", "utf8"):
        raise problem(ProblemCode.CONTENT_TYPE, "send JSON in UTF-8: Content-Type: application/json")
    if content_encoding.strip().lower() not in ("", "identity"):
        raise problem(ProblemCode.CONTENT_TYPE, "send the body as it is, without a Content-Encoding")


def text_of(body: bytes) -> str:
    """Return a body as text.

    Raises
    ------
    Problem
        400 where it is not UTF-8.
    """
    text: str | None = None
    with suppress(UnicodeDecodeError):
        text = body.decode("utf-8")
    if text is not None and text.startswith("\ufeff"):
        raise problem(ProblemCode.NOT_TEXT, "the body begins with a byte order mark; leave it out")
    if text is None:  # raised after the block: the first error holds the body
        raise problem(ProblemCode.NOT_TEXT, "the body is not UTF-8")
    return text


def parse(body: bytes, depth: int) -> Any:
    """Parse a body.

    Parameters
    ----------
    body : bytes
    depth : int
        How deep it may be nested.

    Returns
    -------
    What JSON says, with a number of too many digits as the text it is.

    Raises
    ------
    Problem
        400: not UTF-8, no JSON, not finite, a key twice, or too deep.

    Examples
    --------
    >>> parse(b'{"age": "54 y"}', depth=4)
    {'age': '54 y'}
    """
    found, refused = _parsed(text_of(body))
    if refused is None and _too_deep(found, depth):
        refused = _deep()
    if refused is None and rb"\ud" in body.lower() and not _is_text(found):
        refused = problem(ProblemCode.NOT_TEXT, "a text holds half a character (a lone surrogate)")
    if refused is not None:
        raise refused
    return found


def _parsed(text: str) -> tuple[Any, Problem | None]:
    """Return what a text says, or why it is refused; no error of the parser leaves, for it holds the text."""
    try:
        return _DECODER.decode(text), None
    except Problem as refused:
        return None, refused
    except RecursionError:
        return None, _deep()
    except ValueError:
        return None, problem(ProblemCode.NOT_JSON, "the body is no JSON that can be read")


def _deep() -> Problem:
    return problem(ProblemCode.TOO_DEEP, "the body is nested too deeply")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise problem(
            ProblemCode.KEY_TWICE, "a key stands twice in one object; which of its values is meant is unknown"
        )
    return record


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else digits


def _not_finite(_: str) -> NoReturn:
    raise problem(ProblemCode.NOT_FINITE, "NaN and Infinity are no JSON; leave a missing result out, or send null")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_int=_whole, parse_constant=_not_finite)


def _too_deep(found: Any, depth: int) -> bool:
    """Tell whether something is nested more deeply than this."""
    level: list[Any] = [found]
    for _ in range(depth):
        level = [child for parent in level for child in _children(parent) if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def _children(parent: Any) -> Iterable[Any]:
    if isinstance(parent, dict):
        return parent.values()
    return parent if isinstance(parent, list) else ()


def _is_text(found: Any) -> bool:
    try:
        json.dumps(found, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
