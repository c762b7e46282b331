"""A page that needs nothing but itself: packed data, its own script and style, and no request."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from markupsafe import Markup

from cbc_screen.report.html import Shared, environment, source

_LEVEL = 4  # half the time of 6, and a tenth more


class Packed(Protocol):
    """What lies in a page, packed in pieces: rows of the list, pages of people, flags and cells of the others."""

    lists: list[str]
    pieces: list[str]
    cells: list[str]


def page(data: Mapping[str, Any], packs: Packed, shared: str, **shown: Any) -> str:
    """Return the worklist's page: what is shown without a script, the list, and the pages of people."""
    script, styles = source("worklist.js"), source("person.css") + source("worklist.css")
    return (
        environment()
        .get_template("worklist.html.j2")
        .render(
            policy=_policy(script, styles),
            script=Markup(script),
            styles=Markup(styles),
            data=packed(json.dumps(data, ensure_ascii=False)),
            packs=packs,
            shared=shared,
            **shown,
        )
    )


class Pieces:
    """The pages of people in pieces; what a piece's people share is written once in it, `Shared` once for all."""

    def __init__(self) -> None:
        self._shared: dict[str, int] = {}
        self._own: dict[str, int] = {}
        self._people: list[list[int]] = []

    def add(self, parts: Sequence[str]) -> None:
        """Add a person's page."""
        self._people.append([self._place(part) for part in parts])

    def _place(self, part: str) -> int:
        """Return the place of a part: from 0 on among those of the piece, from -1 down among the shared ones."""
        if isinstance(part, Shared):
            return -1 - self._shared.setdefault(part, len(self._shared))
        return self._own.setdefault(part, len(self._own))

    def piece(self) -> str:
        """Return a piece with the people added since the last one."""
        text = json.dumps({"parts": list(self._own), "people": self._people}, ensure_ascii=False)
        self._own, self._people = {}, []
        return packed(text)

    def shared(self) -> str:
        """Return what all pieces share."""
        return packed(json.dumps(list(self._shared), ensure_ascii=False))


def packed(text: str) -> str:
    """Compress a text for the page, which unpacks it when it is needed."""
    squeezed = zlib.compressobj(_LEVEL, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return base64.b64encode(squeezed.compress(text.encode("utf-8", "replace")) + squeezed.flush()).decode("ascii")


def _policy(script: str, styles: str) -> str:
    """Return a content security policy under which only this script and style run, and nothing is loaded."""

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"

    return (
        f"default-src 'none'; script-src {digest(script)}; style-src {digest(styles)}; "
        "base-uri 'none'; form-action 'none'"
    )
