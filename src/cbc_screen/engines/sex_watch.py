"""Watches the letters for sex of a scan: the set that all rows of a source hold says what each letter means.

A scan begins as if no letter were in doubt, and begins again where the first batch says
otherwise. Where the letters of all rows say otherwise, it is run again with them: an answer
never depends on where the batches lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from cbc_screen.engines.collected import CollectedSource
from cbc_screen.engines.inputs import Input
from cbc_screen.knowledge import Knowledge
from cbc_screen.normalize.people import letters_in_doubt, letters_of, with_sex_letters


def settled(knowledge: Knowledge, inputs: Sequence[Input], letters: Mapping[str, frozenset[str]]) -> list[Input] | None:
    """Return None where all rows of each input mean what they were read as, else the inputs to be read again.

    `letters` are those of all rows by the name of the input; results that were collected
    have told theirs before the first row.
    """
    again = [
        entry
        if isinstance(entry.source, CollectedSource)
        else replace(entry, plan=with_sex_letters(entry.plan, letters.get(entry.name, frozenset()), knowledge))
        for entry in inputs
    ]
    same = all(one.plan.declared == other.plan.declared for one, other in zip(again, inputs, strict=True))
    return None if same else again


def look_ahead(knowledge: Knowledge, inputs: Sequence[Input]) -> list[Input]:
    """Read the sex of every row before the first is screened, where what is written cannot be taken back."""
    letters = {
        entry.name: frozenset[str]().union(
            *(letters_of(b.columns, entry.plan, knowledge) for b in entry.source.batches([entry.plan.people["sex"]]))
        )
        for entry in inputs
        if "sex" in entry.plan.people and not isinstance(entry.source, CollectedSource)
    }
    return settled(knowledge, inputs, letters) or list(inputs)


def doubts(inputs: Iterable[Input]) -> dict[str, str]:
    """Return what a summary says of the letters of its inputs."""
    letters = {letter for entry in inputs for letter in entry.plan.declared.sex_doubt}
    return {"sex": letters_in_doubt(letters)} if letters else {}
