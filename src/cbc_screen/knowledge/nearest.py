"""What an unknown name was probably meant to be; nothing is ever taken for it."""

from __future__ import annotations

from collections.abc import Mapping

from cbc_screen.errors import did_you_mean
from cbc_screen.knowledge.quantities import Analyte


def no_analyte(name: object, analytes: Mapping[str, Analyte]) -> str:
    """Say that no analyte has a name, and which one is nearest, also by the names that exports have.

    >>> from cbc_screen.knowledge import load_knowledge
    >>> no_analyte("plt", load_knowledge().analytes)
    "no analyte is named 'plt'; did you mean platelets?"
    """
    text = str(name).strip().casefold()
    own = next((analyte.id for analyte in analytes.values() if text in analyte.names), None)
    hint = f"; did you mean {own}?" if own is not None else did_you_mean(text, analytes)
    return f"no analyte is named {name!r}{hint}"
