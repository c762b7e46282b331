"""What is wrong with a record, by the names of its fields: no error holds a value of the input."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from pydantic import BaseModel
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

OWN = "record_error"  # the type of errors that hold nothing of the input
NO_FIELD = "extra_forbidden"  # what pydantic calls a key that is no field


def without_input(
    model: type[BaseModel], errors: Iterable[ErrorDetails], slipped: Iterable[str]
) -> list[InitErrorDetails]:
    """Say what is wrong where, naming known fields only and no value; `slipped` are keys that are no fields."""
    found: dict[tuple[tuple[int | str, ...], str], InitErrorDetails] = {}
    told = [(error["type"], error["loc"], error["msg"]) for error in errors]
    for kind, place, said in [*told, *((NO_FIELD, (key,), "") for key in slipped)]:
        name = str(place[0]) if place else ""
        if kind == OWN:
            pass
        elif kind == NO_FIELD:
            near = difflib.get_close_matches(name, list(model.model_fields), n=1)
            # A key that is like no field may be a value that slipped.
            place = place if near else ()
            said = f"{model.__name__}: one key is not a field of it" + (f" (is {near[0]} meant?)" if near else "")
        else:
            known = name in model.model_fields
            place = (name,) if known else ()
            said = f"{model.__name__}: {name if known else 'the whole'} has the wrong type, or a word outside its list"
        found[place, said] = InitErrorDetails(
            type=PydanticCustomError(OWN, "{said}", {"said": said}), loc=place, input=None
        )
    return list(found.values())
