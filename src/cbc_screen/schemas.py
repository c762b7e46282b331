"""The JSON schemas of what goes in and out, as they lie beside the code (`tools/write_schemas.py` writes them)."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any

from cbc_screen.errors import UsageError, did_you_mean

_FOLDER, _ENDING = "_schemas", ".json"


@lru_cache(maxsize=1)
def schema_names() -> tuple[str, ...]:
    """Return the names of the JSON schemas of what goes in and out.

    Returns
    -------
    tuple of str
        "record" and "result" of one count, "flags" of a row of a file, "comparison", "audit", bodies and answers of the
        service, and others.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> {"record", "result", "flags", "manifest"} <= set(cbc.schema_names())
    True
    """
    found = (file.name for file in (files("cbc_screen") / _FOLDER).iterdir())
    return tuple(sorted(name.removesuffix(_ENDING) for name in found if name.endswith(_ENDING)))


def schema(name: str) -> dict[str, Any]:
    """Return a JSON schema (draft 2020-12), with the version of the form in its `$id`.

    What goes out may get more fields and words with a higher second number of the version; no field is removed or gets
    another type without a higher first number. What may be sent stays so under the same rule.

    Parameters
    ----------
    name : str
        One of `schema_names()`.

    Returns
    -------
    dict

    Raises
    ------
    UsageError
        If there is none of this name.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> cbc.schema("result")["$id"].startswith("urn:cbc-screen:schema:result:")
    True
    """
    if name not in schema_names():
        raise UsageError(
            f"there is no schema of this name{did_you_mean(name, schema_names()) or ';'} there are {', '.join(schema_names())}"
        )
    found: dict[str, Any] = json.loads((files("cbc_screen") / _FOLDER / f"{name}{_ENDING}").read_text(encoding="utf-8"))
    return found
