"""The results of an analyte as the screen uses them: as sent, derived from others, or corrected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbc_screen.engines.frames import Engine
from cbc_screen.kernel.program import Op, Program
from cbc_screen.kernel.screen import given_inputs
from cbc_screen.normalize.codes import NO_REASON
from cbc_screen.normalize.columns import Normalized

Truths = NDArray[np.bool_]
Numbers = NDArray[np.float64]
_ENDS = (".low", ".high")


@dataclass(frozen=True)
class Results:
    """The results of one analyte, a row each: the ends of each value, and the code of its reason."""

    low: Numbers
    high: Numbers
    reason: NDArray[np.int8]

    @property
    def known(self) -> Truths:
        """Whether a result says anything: a bound does, one that may be any number does not."""
        return np.asarray((self.low == self.low) & ~_void(self.low, self.high), dtype=np.bool_)


def _void(low: Numbers, high: Numbers) -> Truths:
    return np.asarray((low == 0) & np.isinf(high), dtype=np.bool_)


def parts_of(engine: Engine, normalized: Normalized) -> dict[str, tuple[str, ...]]:
    """Return each analyte that the screen derives or corrects here, with the analytes that it is worked out from.

    They are read off the kernel's own program, so that there is no second list of them.
    """
    program = engine.kernel.programs(given_inputs(normalized.batch)).values
    names = [name.removesuffix(_ENDS[0]) for name in program.outputs if name.endswith(_ENDS[0])]
    return {name: _inputs(program, [f"{name}{end}" for end in _ENDS]) for name in names}


def _inputs(program: Program, outputs: list[str]) -> tuple[str, ...]:
    """Return the analytes that some outputs of a program depend on."""
    open_steps, seen, found = [program.outputs[name] for name in outputs], set[int](), set[str]()
    while open_steps:
        place = open_steps.pop()
        if place in seen:
            continue
        seen.add(place)
        step = program.steps[place]
        open_steps += step.arguments
        if step.op is Op.INPUT:
            found.add(str(step.value).rpartition(".")[0])
    return tuple(sorted(found))


def results_used(
    engine: Engine,
    normalized: Normalized,
    numbers: Mapping[str, NDArray[np.generic]],
    analyte: str,
    parts: tuple[str, ...],
) -> Results:
    """Return the results of one analyte; where one says nothing, with the reason of it or of what it is made of."""
    batch = normalized.batch
    none = np.full(batch.rows, np.nan)
    sent = batch.low.get(analyte, none), batch.high.get(analyte, none)
    low, high = (
        np.broadcast_to(np.asarray(numbers.get(f"{analyte}{end}", own), dtype=np.float64), batch.rows)
        for end, own in zip(_ENDS, sent, strict=True)
    )
    # A result or a percentage that cannot be used is no result because other cells bound it.
    percent = engine.knowledge.analytes[analyte].percent or ""
    share = batch.low.get(percent, none), batch.high.get(percent, none)
    there = sent[0] == sent[0]
    untold = np.where(there, _void(*sent), _void(*share)) & (low == 0)
    low, high = np.where(untold, 0.0, low), np.where(untold, np.inf, high)
    reason = _codes(normalized, analyte)
    for part in (percent, *(part for part in parts if part not in (analyte, percent))):
        open_here = ~there & _void(low, high) & (reason == NO_REASON)
        reason = np.where(open_here, _codes(normalized, part), reason)
    return Results(low, high, reason.astype(np.int8))


def _codes(normalized: Normalized, field: str) -> NDArray[np.int8]:
    codes = normalized.reasons.get(field)
    return np.full(normalized.batch.rows, NO_REASON, dtype=np.int8) if codes is None else codes.astype(np.int8)


def joined_results(parts: list[Results]) -> Results:
    """Return the results of all parts of a source."""
    low, high, reason = (np.concatenate([getattr(part, name) for part in parts]) for name in ("low", "high", "reason"))
    return Results(low, high, reason)
