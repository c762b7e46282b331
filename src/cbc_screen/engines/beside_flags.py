"""What a scan writes beside the flags of each row, worked out before: handed over, for it is of a room above."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

    from cbc_screen.engines.frames import Engine
    from cbc_screen.engines.inputs import Input
    from cbc_screen.engines.notation import Notation
    from cbc_screen.ingest.source import SourceBatch


class BesideFlags(Protocol):
    """Columns that stand beside the flags of a scan."""

    def choose(self, engine: Engine, inputs: Sequence[Input]) -> list[Input]:
        """Return the inputs with the further columns that are read; an input that lacks what they need is refused."""
        ...

    def read(self, engine: Engine, batches: Iterable[tuple[Input, SourceBatch]]) -> Notation:
        """Work the columns out, from every row of the inputs in their order; return how the dates are written that are read for this."""
        ...

    def columns(self, rows: NDArray[Any]) -> pa.Table:
        """Return the columns of some rows, by their place among all that `read` was given."""
        ...


def placed(
    batches: Iterable[tuple[Input, SourceBatch]],
) -> Iterable[tuple[Input, SourceBatch, int]]:
    """Yield each batch with the place of its first row among all."""
    place = 0
    for entry, batch in batches:
        yield entry, batch, place
        place += len(batch.lines)


def no_rows() -> NDArray[np.int64]:
    """Return the places of no row."""
    return np.zeros(0, dtype=np.int64)
