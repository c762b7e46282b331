"""Which flag columns there are: what flags are worded from, apart from the rules themselves.

A packed file carries its layout, so that it is worded as it was screened.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from typing import Any

from cbc_screen.errors import UsageError
from cbc_screen.kernel.conclusions import NOT_JUDGED, urgency_rules
from cbc_screen.kernel.rules import LINES, Rules
from cbc_screen.normalize.codes import REASONS
from cbc_screen.normalize.specimen import SPECIMEN_FIELD
from cbc_screen.report.checklist import ListLayout, list_layout
from cbc_screen.vocabulary import LIST_COLUMNS, Criteria, Line, LineState, Pattern, Severity, State, Urgency, WhiteBasis

_OLD_FLAGS = (
    "the packed flags are of version 0.4 or older, which ordered the checklist otherwise: it counted findings, and had "
    "no groups; read them with that version, or scan again"
)
SETTING_COLUMN = "setting"
GRADE_COLUMN = {Line.RED: "hemoglobin_grade", Line.WHITE: "white_grade", Line.PLATELET: "platelets_grade"}


@dataclass(frozen=True)
class FlagLayout:
    """The ids that flags are made of, in their order."""

    analytes: tuple[str, ...]
    ranged: tuple[str, ...]
    stated: bool  # a phenotype may choose the range
    adjusts_line: bool
    adjusts_grade: bool
    checklist: ListLayout
    urgencies: tuple[str, ...]  # rules of urgency, by the names of their codes
    guards: tuple[str, ...]
    triggers: tuple[str, ...]
    cutoffs: tuple[str, ...]
    reasons: tuple[str, ...] = tuple(REASONS)
    setting: tuple[str, ...] = ()  # as stated, which moved starting tiers

    @cached_property
    def word_columns(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Each column of words: the name of its code, and the words in code order."""
        columns: dict[str, tuple[str, tuple[str, ...]]] = {"pattern": ("pattern", _words(Pattern))}
        columns |= {f"{line}_line": (f"line.{line}", _words(LineState)) for line in LINES}
        if self.stated:
            columns["white_line_unadjusted"] = ("line.white_unadjusted", _words(LineState))
        if self.adjusts_line:
            columns["red_line_unadjusted"] = ("line.red_unadjusted", _words(LineState))
        columns["white_line_basis"] = ("white_basis", _words(WhiteBasis))
        columns["severity"] = ("severity", _words(Severity))
        columns["severity_min"] = ("severity_min", _words(Severity))
        columns |= {f"{analyte}_state": (f"state.{analyte}", _words(State)) for analyte in self.ranged}
        columns["blood_criteria"] = ("blood_criteria", _words(Criteria))
        columns["urgency"] = ("urgency", _words(Urgency))
        return columns

    @cached_property
    def grade_columns(self) -> dict[str, str]:
        """Each column of grades, and the name of its code."""
        columns = {name: f"grade.{line}" for line, name in GRADE_COLUMN.items()}
        return {**columns, "hemoglobin_grade_unadjusted": "grade.red_unadjusted"} if self.adjusts_grade else columns

    @cached_property
    def rule_columns(self) -> tuple[tuple[str, str, Sequence[str]], ...]:
        """Each column of rules that fired: its name, the prefix of its codes, the ids."""
        return (
            ("guards", "guard", self.guards),
            ("review_triggers", "trigger", self.triggers),
            ("published_cutoffs", "cutoff", self.cutoffs),
        )

    @cached_property
    def column_names(self) -> list[str]:
        """The flag columns in their order."""
        words = list(self.word_columns)
        place = words.index("red_line")
        names = [*words[:place], "lines_low_min", "lines_low_max", *words[place:]]
        grades = names.index("blood_criteria")
        names[grades:grades] = list(self.grade_columns)
        return [
            *names,
            "urgency_reasons",
            "borderline",
            *LIST_COLUMNS,
            *([SETTING_COLUMN] if self.setting else []),
            *(name for name, _, _ in self.rule_columns),
            "reasons",
            "notice",
        ]

    @cached_property
    def fields(self) -> list[str]:
        """What a reason may be about, in the order in which reasons are told."""
        return [*self.analytes, "age", "sex", "pregnancy", "record", SPECIMEN_FIELD]

    def to_json(self) -> str:
        """Write the layout, with the words that its codes stand for."""
        return self._json

    @cached_property
    def _json(self) -> str:
        layout = asdict(self)
        if not self.setting:  # a file without one is as files were before there were settings
            del layout["setting"], layout["checklist"]["shifted"]
        return json.dumps({"layout": layout, "words": self.word_columns})

    @classmethod
    def from_json(cls, text: str) -> FlagLayout:
        """Read a layout; codes that stand for other words today are refused."""
        stored = json.loads(text)
        parts: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in stored["layout"].items()}
        if "checklist" not in parts:
            raise UsageError(_OLD_FLAGS)
        own_list: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in parts["checklist"].items()}
        own_list["settled_by"] = tuple(tuple(tests) for tests in own_list["settled_by"])
        layout = cls(**{**parts, "checklist": ListLayout(**own_list)})
        words = {name: [code, list(own)] for name, (code, own) in layout.word_columns.items()}
        if words != stored["words"]:
            raise UsageError("the packed flags are of another version of cbc_screen; read them with that one")
        return layout


@lru_cache(maxsize=64)
def layout_of(rules: Rules) -> FlagLayout:
    """Return the layout of a kernel's flags."""
    return FlagLayout(
        analytes=tuple(rules.analytes),
        ranged=tuple(name for name in rules.analytes if name in rules.ranged),
        stated=rules.stated_finding is not None,
        adjusts_line=rules.adjusts_line,
        adjusts_grade=rules.adjusts_grade,
        checklist=list_layout(rules.ordering, rules.conditions, shifted=rules.moved is not None),
        urgencies=(*(name for name, _ in urgency_rules(rules)), NOT_JUDGED),
        guards=tuple(rule.id for rule in rules.guards),
        triggers=tuple(rule.id for rule in rules.triggers),
        cutoffs=tuple(rule.id for rule in rules.cutoffs),
        setting=() if rules.moved is None else tuple(map(str, rules.moved.setting)),
    )


def _words(choices: type[Any]) -> tuple[str, ...]:
    return tuple(str(choice) for choice in choices)
