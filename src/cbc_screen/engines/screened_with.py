"""What a flags file says of how it was made, so that its rows can be screened again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from cbc_screen.engines.frames import Engine
from cbc_screen.engines.inputs import Input
from cbc_screen.errors import UsageError
from cbc_screen.normalize.received import declared_of
from cbc_screen.report.checklist import SEPARATOR

# Names of the metadata of the file.
CONFIGURATION = "cbc_screen.received"
UNIT_SUSPECT = "cbc_screen.unit_suspect"


def screened_with(engine: Engine, inputs: Sequence[Input]) -> dict[str, str]:
    """Return, as metadata of the output, what is needed to screen a row again."""
    sources = {entry.name: declared_of(entry.plan) for entry in inputs}
    if len(sources) != len(inputs):
        raise UsageError("received: two sources have one name; scan them one by one")
    return {CONFIGURATION: json.dumps({"configuration": engine.described, "sources": sources})}


def chosen(engine: Engine) -> dict[str, str]:
    """Return, as metadata of the output, what its answers were chosen by."""
    rules = engine.kernel.rules
    setting = {} if rules.moved is None else {"setting": SEPARATOR.join(rules.moved.setting)}
    return {"ranges": Path(engine.ranges).name, "definition": rules.definition, "grading": rules.scheme.id, **setting}
