"""A reviewer's answers: which of them can be used, and what became of every other line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cbc_screen.vocabulary import Line, LineState, Pattern, Urgency

REQUIRED = ("row", "rule", "flag", "answer")
OPTIONAL = ("file", "instead", "reviewer")
LONGEST_CELL = 4_096


class RuleKind(StrEnum):
    """What a rule is, in the order of reports."""

    PATTERN = "pattern"
    LINE = "line"
    CONDITION = "condition"
    GUARD = "guard"
    TRIGGER = "trigger"
    URGENCY = "urgency"


class Told(StrEnum):
    """What the program said of a condition, a guard or a trigger."""

    YES = "yes"
    NO = "no"
    CANNOT_TELL = "cannot_tell"


class ReviewerAnswer(StrEnum):
    """What the reviewer said of it."""

    AGREE = "agree"
    DISAGREE = "disagree"


class LabelFault(StrEnum):
    """Why a line is not used. Closed; no text of the file is in it."""

    RAGGED = "more or fewer cells than the header"
    NOT_AN_OBJECT = "not an object with keys"
    KEY_TWICE = "a key is given twice"
    NOT_A_TEXT = "neither a text nor a number"
    UNREADABLE = "too long, or holds a character that is no text"
    ROW_MISSING = "no row"
    RULE_MISSING = "no rule"
    RULE_UNKNOWN = "not a known kind:id"
    FLAG_UNKNOWN = "not a word of this kind of rule"
    ANSWER_UNKNOWN = "neither agree nor disagree"
    INSTEAD_UNKNOWN = "not a word of this rule; only pattern and urgency have one"
    INSTEAD_CONTRADICTS = "does not go with the flag and the answer"
    CONTRADICTS = "contradicts another line"


_COLUMNS = (*REQUIRED, *OPTIONAL)
_KINDS = {kind.value: kind for kind in RuleKind}
_ANSWERS = {answer.value: answer for answer in ReviewerAnswer}
_FLAGS: Mapping[RuleKind, type[StrEnum]] = {
    RuleKind.PATTERN: Pattern,
    RuleKind.LINE: LineState,
    RuleKind.CONDITION: Told,
    RuleKind.GUARD: Told,
    RuleKind.TRIGGER: Told,
    RuleKind.URGENCY: Urgency,
}
_WORDS = {kind: {word.value: word for word in words} for kind, words in _FLAGS.items()}
# The kinds whose ids are a closed list; the others are named by the laboratory's own rules too.
_IDS: Mapping[RuleKind, tuple[str, ...]] = {
    RuleKind.PATTERN: ("pattern",),
    RuleKind.LINE: tuple(Line),
    RuleKind.URGENCY: ("urgency",),
}
OF_SEVERAL_WORDS = (RuleKind.PATTERN, RuleKind.URGENCY)


@dataclass(frozen=True, slots=True)
class RawLine:
    """The cells of one line as texts, or why it has none."""

    number: int
    cells: Mapping[str, str] = field(default_factory=dict, repr=False)
    fault: LabelFault | None = None
    column: str = ""


@dataclass(frozen=True, slots=True)
class RejectedLabel:
    """A line that is not used: its place and why, nothing of its content."""

    line: int
    column: str
    reason: LabelFault


@dataclass(frozen=True, slots=True)
class Label:
    """One answer that can be used."""

    line: int
    file: str = field(repr=False)
    row: str = field(repr=False)
    reviewer: str = field(repr=False)
    kind: RuleKind
    id: str
    flag: StrEnum
    answer: ReviewerAnswer
    instead: StrEnum | None = None


@dataclass(frozen=True, slots=True)
class Labels:
    """All answers of a file; `lines` is what was read, the others are what became of it."""

    lines: int
    used: tuple[Label, ...]
    unanswered: int
    repeated: int
    rejected: tuple[RejectedLabel, ...]


def sort_labels(lines: Iterable[RawLine]) -> Labels:
    """Tell for every line whether it is used, unanswered, repeated or rejected."""
    total = unanswered = 0
    answered: list[Label] = []
    rejected: list[RejectedLabel] = []
    for line in lines:
        total += 1
        match _label(line):
            case Label() as label:
                answered.append(label)
            case RejectedLabel() as fault:
                rejected.append(fault)
            case None:
                unanswered += 1
    used, repeated, contradicting = _once(answered)
    rejected = sorted([*rejected, *contradicting], key=lambda fault: fault.line)
    return Labels(total, tuple(used), unanswered, repeated, tuple(rejected))


def _label(line: RawLine) -> Label | RejectedLabel | None:
    """Read one line; None is a line without an answer."""
    if line.fault is not None:
        return RejectedLabel(line.number, line.column, line.fault)
    cells = {name: line.cells.get(name, "").strip() for name in _COLUMNS}
    for name, text in cells.items():
        if len(text) > LONGEST_CELL or "\0" in text:
            return RejectedLabel(line.number, name, LabelFault.UNREADABLE)
    if not cells["row"]:
        return RejectedLabel(line.number, "row", LabelFault.ROW_MISSING)
    kind, name = _rule(cells["rule"])
    if kind is None:
        return RejectedLabel(line.number, "rule", LabelFault.RULE_UNKNOWN if name else LabelFault.RULE_MISSING)
    said = _said(kind, cells["flag"].lower(), cells["answer"].lower(), cells["instead"].lower())
    if said is None:
        return None
    if isinstance(said[1], LabelFault):
        return RejectedLabel(line.number, *said)
    return Label(line.number, cells["file"], cells["row"], cells["reviewer"], kind, name, *said)


def _rule(text: str) -> tuple[RuleKind | None, str]:
    """Return kind and id; no kind where it cannot be reported: a control character is no part of an id."""
    word, _, name = text.partition(":")
    kind = _KINDS.get(word)
    if kind is None or not name.strip() or not name.isprintable() or name not in _IDS.get(kind, (name,)):
        return None, text
    return kind, name


_Said = tuple[StrEnum, ReviewerAnswer, StrEnum | None]


def _said(kind: RuleKind, flag: str, answer: str, instead: str) -> _Said | tuple[str, LabelFault] | None:
    """Return flag, answer and the right word; or the column at fault and why; or None without an answer."""
    words = _WORDS[kind]
    if flag not in words:
        return "flag", LabelFault.FLAG_UNKNOWN
    if not answer:
        return None
    if answer not in _ANSWERS:
        return "answer", LabelFault.ANSWER_UNKNOWN
    if not instead:
        return words[flag], _ANSWERS[answer], None
    if kind not in OF_SEVERAL_WORDS or instead not in words:
        return "instead", LabelFault.INSTEAD_UNKNOWN
    if (instead == flag) != (answer == ReviewerAnswer.AGREE):
        return "instead", LabelFault.INSTEAD_CONTRADICTS
    return words[flag], _ANSWERS[answer], words[instead] if answer == ReviewerAnswer.DISAGREE else None


def _once(labels: Iterable[Label]) -> tuple[list[Label], int, list[RejectedLabel]]:
    """Keep one of identical lines, and none of those that contradict each other."""
    groups: dict[tuple[str, ...], list[Label]] = {}
    for label in labels:
        groups.setdefault((label.file, label.row, label.kind, label.id, label.reviewer), []).append(label)
    used: list[Label] = []
    repeated = 0
    contradicting: list[RejectedLabel] = []
    for group in groups.values():
        if len({(label.flag, label.answer, label.instead) for label in group}) == 1:
            used.append(group[0])
            repeated += len(group) - 1
        else:
            contradicting += [RejectedLabel(label.line, "answer", LabelFault.CONTRADICTS) for label in group]
    return used, repeated, contradicting
