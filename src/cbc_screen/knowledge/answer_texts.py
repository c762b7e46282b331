"""What an answer says in sentences beside its flags: answer_texts.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from string import Formatter
from typing import TYPE_CHECKING

from cbc_screen.vocabulary import Reason

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode


class Note(StrEnum):
    """What was assumed for an answer."""

    JUDGED_ON_WBC = "judged_on_wbc"
    JUDGED_ON_WBC_LESS_OTHERS = "judged_on_wbc_less_others"
    DERIVED_FROM_PERCENTAGE = "derived_from_percentage"
    SUM_OF_SEGMENTED_AND_BANDS = "sum_of_segmented_and_bands"
    TOO_FEW_MAY_BE_NEUTROPHILS = "too_few_may_be_neutrophils"
    DUFFY_NULL_RANGE = "duffy_null_range"
    SEX_UNKNOWN = "sex_unknown"
    AGE_OR_PREGNANCY_NOT_EXACT = "age_or_pregnancy_not_exact"
    SETS_DIFFER = "sets_differ"
    PREGNANCY_NOT_STATED = "pregnancy_not_stated"
    AFTER_DELIVERY = "after_delivery"
    PRETERM = "preterm"
    PRETERM_SET_USED = "preterm_set_used"
    GESTATION_NOT_AT_TERM = "gestation_not_at_term"
    GESTATION_NOT_STATED = "gestation_not_stated"
    TERM_NOT_STATED = "term_not_stated"
    HEMOGLOBIN_ADJUSTED = "hemoglobin_adjusted"
    NOT_GRADED = "not_graded"
    LOW_CONFIDENCE = "low_confidence"
    MPV_OF_ONE_MODEL = "mpv_of_one_model"


# What is filled into a note.
_FILLED: Mapping[Note, frozenset[str]] = {
    Note.DUFFY_NULL_RANGE: frozenset({"state"}),
    Note.PRETERM_SET_USED: frozenset({"set"}),
    Note.GESTATION_NOT_STATED: frozenset({"set"}),
    Note.HEMOGLOBIN_ADJUSTED: frozenset({"what", "marks"}),
    Note.NOT_GRADED: frozenset({"scheme", "analyte", "line"}),
}


@dataclass(frozen=True, slots=True)
class ReasonText:
    """A reason in words: to whoever reads the answer, and what its page adds."""

    text: str
    more: str = ""
    to_do: str = ""


@dataclass(frozen=True)
class AnswerTexts:
    """The sentences of an answer; `reasons` by what they are of."""

    notes: Mapping[Note, str]
    reasons: Mapping[str, Mapping[Reason, ReasonText]]

    def note(self, note: Note, **filled: str) -> str:
        """Return a note."""
        return self.notes[note].format_map(filled)

    def reason(self, reason: Reason) -> str:
        """Return what a reason says behind what it is about."""
        return next(own[reason].text for own in self.reasons.values() if reason in own)


def load_answer_texts(node: YamlNode) -> AnswerTexts:
    """Load answer_texts.yaml: every note and every reason once."""
    node.check_keys(["notes", "reasons"])
    return AnswerTexts(_notes(node.node("notes")), _reasons(node))


def _notes(node: YamlNode) -> dict[Note, str]:
    node.check_keys(list(Note))
    for note in Note:
        try:
            filled = {name for _, name, _, _ in Formatter().parse(node.text(note)) if name is not None}
        except ValueError:
            raise node.error(note, "has a brace that nothing closes") from None
        if filled != _FILLED.get(note, frozenset()):
            raise node.error(note, f"is filled in with {', '.join(sorted(_FILLED.get(note, ()))) or 'nothing'}")
    return {note: node.text(note) for note in Note}


def _reasons(node: YamlNode) -> dict[str, dict[Reason, ReasonText]]:
    found: dict[str, dict[Reason, ReasonText]] = {}
    told: set[str] = set()
    for group in node.nodes("reasons"):
        group.check_keys(["of", "reasons"])
        own = group.node("reasons")
        found[group.text("of")] = {_reason(own, name, told): _reason_text(own.node(name)) for name in own}
    if missing := sorted(set(Reason) - told):
        raise node.error("reasons", f"says nothing of {', '.join(missing)}")
    return found


def _reason(node: YamlNode, name: str, told: set[str]) -> Reason:
    if name not in set(Reason):
        raise node.error(name, "is not a known reason")
    if name in told:
        raise node.error(name, "is given twice")
    told.add(name)
    return Reason(name)


def _reason_text(node: YamlNode) -> ReasonText:
    node.check_keys(["text"], ["more", "to_do"])
    return ReasonText(**{key: node.text(key) for key in node})
