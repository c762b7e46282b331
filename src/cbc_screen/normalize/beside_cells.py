"""What stands in further columns beside a result: the sign of its value, remarks, a second result of the same analyte."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cbc_screen.arrays import from_numpy, from_texts
from cbc_screen.ingest.value_cells import signed
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.fold import plain_name
from cbc_screen.knowledge.words import Words
from cbc_screen.normalize.arrow import as_text, distinct
from cbc_screen.normalize.remarks import mentions_clumps, platelet_clumps, suspects_clumps
from cbc_screen.normalize.value import fold
from cbc_screen.vocabulary import Presence

if TYPE_CHECKING:
    import pyarrow as pa

Mask = NDArray[np.bool_]


class Remark(NamedTuple):
    """What a remark says of the result beside it, and of platelet clumps."""

    takes_back: bool
    clumps: Presence
    suspected: bool
    of_all: bool = False  # it takes back whatever was measured in the sample


class Remarks(NamedTuple):
    """The same of each row."""

    taken_back: Mask
    clumps: Mask
    no_clumps: Mask
    suspected: Mask
    of_all: Mask


def said_under(header: str, text: str, knowledge: Knowledge) -> str:
    """Return the remark that a text under the header of a whole row is; nothing where it is of one part, or names a tube."""
    field = knowledge.specimens.field_of(header)
    is_short = field is not None and knowledge.specimens.is_of_what_was_taken(field)
    is_short = is_short or plain_name(header) in knowledge.beside.row_flags
    if is_short and not (knowledge.words.spoils(text) or mentions_clumps(text)):
        return ""
    return knowledge.beside.remark_in(header, text)


def remark_of(text: str, words: Words, *, about_platelets: bool) -> Remark:
    """Read one remark."""
    of_all = words.takes_back_all(text)
    if not mentions_clumps(text):
        return Remark(of_all or words.takes_back(text), Presence.UNKNOWN, suspected=False, of_all=of_all)
    clumps = platelet_clumps(text, about_platelets=about_platelets)
    suspected = clumps is not Presence.PRESENT and suspects_clumps(text, about_platelets=about_platelets)
    return Remark(of_all or words.takes_back(text), clumps, suspected, of_all)


def remarks_of(column: pa.Array, words: Words, said: Callable[[str], str] = str, *, about_platelets: bool) -> Remarks:
    """Read a column of remarks; `said` is what a text under its header says."""
    texts, places = distinct(as_text(column))
    read = [remark_of(said(text), words, about_platelets=about_platelets) for text in texts]

    def each(asked: Callable[[Remark], bool]) -> Mask:
        return np.array([*map(asked, read), False])[places]

    return Remarks(
        each(lambda one: one.takes_back),
        each(lambda one: one.clumps is Presence.PRESENT),
        each(lambda one: one.clumps is Presence.ABSENT),
        each(lambda one: one.suspected),
        each(lambda one: one.of_all),
    )


def sign_before(value: str, sign: str, words: Words) -> str:
    """Return a value with the sign beside it; a word for nothing is no sign."""
    return (
        value if fold(sign).upper() in words.missing else signed(value, sign.strip(), [s for s, _ in words.operators])
    )


def with_signs(column: pa.Array, signs: pa.Array, words: Words) -> pa.Array:
    """Return a column of results with the signs that stand beside them."""
    import pyarrow as pa

    sign_texts, sign_places = distinct(as_text(signs))
    telling = np.array([fold(sign).upper() not in words.missing for sign in sign_texts] + [False])[sign_places]
    if not telling.any():
        return column
    texts, places = distinct(as_text(column))
    pairs = np.where(telling & (places >= 0), sign_places * np.int64(len(texts)) + places, -1)
    rows = pairs >= 0
    found, numbers = np.unique(pairs[rows], return_inverse=True)
    own = [sign_before(texts[pair % len(texts)], sign_texts[pair // len(texts)], words) for pair in found.tolist()]
    codes = places.astype(np.int32)
    codes[rows] = len(texts) + numbers.ravel()
    return pa.DictionaryArray.from_arrays(from_numpy(codes, codes < 0), from_texts([*texts, *own]))


def differ(one: pa.Array, other: pa.Array, same: Callable[[str, str], bool], missing: Collection[str]) -> Mask:
    """Tell in which rows two columns of results of one analyte say different things."""
    (texts, places), (others, other_places) = distinct(as_text(one)), distinct(as_text(other))
    there = np.array([fold(text).upper() not in missing for text in texts] + [False])[places]
    there &= np.array([fold(text).upper() not in missing for text in others] + [False])[other_places]
    found: Mask = np.zeros(len(places), dtype=np.bool_)
    rows = np.flatnonzero(there)
    pairs, numbers = np.unique(places[rows] * np.int64(len(others)) + other_places[rows], return_inverse=True)
    told = [not same(texts[pair // len(others)], others[pair % len(others)]) for pair in pairs.tolist()]
    found[rows] = np.array(told, dtype=np.bool_)[numbers.ravel()]
    return found
