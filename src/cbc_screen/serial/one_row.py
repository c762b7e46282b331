"""A row of a frame among the other counts of its person."""

from __future__ import annotations

from typing import Any

import numpy as np

from cbc_screen.engines.frames import Engine, Prepared, prepare
from cbc_screen.engines.opening import Opening
from cbc_screen.ingest.frames import headers, plain_frame
from cbc_screen.knowledge.serial import load_serial
from cbc_screen.serial.person_frame import NOBODY, read_source


def rows_of_person(
    engine: Engine, frame: Any, row: int, opening: Opening, person: str | None
) -> tuple[Prepared, list[int]]:
    """Return a frame understood, and the rows of the person of a row; the row itself is the last of them."""
    plain = plain_frame(frame)
    ready = prepare(engine, plain, opening)
    place = ready.place_of(row)
    source = read_source(ready, plain, load_serial(), headers(plain), person, None)
    whose = source.person[place]
    found = np.flatnonzero(source.person == whose).tolist() if whose != NOBODY else []
    return ready, [*(other for other in found if other != place), place]
