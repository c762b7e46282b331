"""Columns that tell what kind of specimen each row is of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import null_of
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.specimens import Specimens
from cbc_screen.normalize.arrow import as_text, distinct, is_number
from cbc_screen.normalize.codes import CODE, NO_REASON
from cbc_screen.normalize.plan import Plan
from cbc_screen.normalize.specimen import SpecimenReader, combined
from cbc_screen.vocabulary import SpecimenKind

if TYPE_CHECKING:
    import pyarrow as pa

_KINDS = tuple(SpecimenKind)
_SILENT = -1


def read_specimens(
    columns: Mapping[str, pa.Array], rows: int, plan: Plan, knowledge: Knowledge
) -> NDArray[np.int8] | None:
    """Return the reason of each row that is no patient's blood; None where every row may be one.

    What several columns say of a row is put together as the fields of a message are.
    """
    reader = SpecimenReader(knowledge.specimens)
    said = [
        (field, kinds)
        for field, column in plan.specimens
        if (kinds := _column_kinds(columns[column], field, reader, knowledge.specimens)) is not None
    ]
    if not any((kinds > 0).any() for _, kinds in said):
        return None
    fields = [field for field, _ in said]
    unique, inverse = np.unique(np.stack([kinds for _, kinds in said], axis=1), axis=0, return_inverse=True)
    reasons = [_reason(fields, row) for row in unique.tolist()]
    found: NDArray[np.int8] = np.array(reasons, dtype=np.int8)[inverse.ravel()]
    return found if (found != NO_REASON).any() else None


def _reason(fields: list[str], kinds: list[int]) -> int:
    kind = combined((field, _KINDS[code]) for field, code in zip(fields, kinds, strict=True) if code != _SILENT)
    return NO_REASON if kind is None or kind.reason is None else CODE[kind.reason]


def _column_kinds(
    column: pa.Array, field: str, reader: SpecimenReader, specimens: Specimens
) -> NDArray[np.int8] | None:
    """Return what a column says of each row, as a place in `SpecimenKind`; None where it says nothing."""
    starts = specimens.fields[field].starts
    if starts is not None and is_number(column):
        return None
    texts = as_text(column)
    if starts is not None:
        texts = _only_matching(texts, starts)
    values, places = distinct(texts)
    kinds = [reader.kind(field, value) for value in values]
    if not any(kinds):
        return None
    codes = [_SILENT if kind is None else _KINDS.index(kind) for kind in kinds]
    found: NDArray[np.int8] = np.array([*codes, _SILENT], dtype=np.int8)[places]
    return found


def _only_matching(texts: pa.Array, starts: str) -> pa.Array:
    """Leave only the texts that may tell a kind: a column of sample numbers has as many texts as rows."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as types

    if types.is_dictionary(texts.type):
        kept = _only_matching(texts.dictionary, starts)
        if kept.null_count == len(kept):
            return pa.nulls(len(texts), pa.string())
        return pa.DictionaryArray.from_arrays(texts.indices, kept)
    matching = pc.match_substring_regex(texts, starts)
    return (
        pc.if_else(matching, texts, null_of(texts.type))
        if pc.any(matching).as_py()
        else pa.nulls(len(texts), pa.string())
    )
