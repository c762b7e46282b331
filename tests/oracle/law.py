"""The law: an answer may be definite only where every possibility agrees, and should be where all do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from oracle.rows import Row
from oracle.tables import SEVERITIES
from oracle.truth import ANYTHING

LINES = {"red_line": ("hemoglobin",), "white_line": ("neutrophils", "wbc"), "platelet_line": ("platelets",)}
GRADES = ("hemoglobin_grade", "white_grade", "platelets_grade")
UNSURE = ("cannot_tell", None, "not_assessed")
JOINT = ("pattern", "severity", "blood_criteria")  # follow from several lines
BOUNDS = ("lines_low_min", "lines_low_max", "severity_min")
EXAMPLES = 3
PERSON = ("age", "sex", "pregnancy", "record")
WORDS = ("pattern", *LINES, "severity", *GRADES, "blood_criteria")


@dataclass
class Count:
    """What was found: answers, those that are definite, and what broke the law, by kind."""

    rows: int = 0
    answers: int = 0
    definite: int = 0
    possible: int = 0  # answers on which all possibilities agree
    violations: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[Any]] = field(default_factory=dict)
    kept_back: dict[str, Any] = field(default_factory=dict)  # an example of each kind withheld

    def add(self, other: Count) -> None:
        self.rows += other.rows
        self.answers += other.answers
        self.definite += other.definite
        self.possible += other.possible
        self.violations += other.violations
        self.withheld += other.withheld
        self.kept_back = other.kept_back | self.kept_back
        for kind, found in other.examples.items():
            self.examples.setdefault(kind, []).extend(found[: max(0, EXAMPLES - len(self.examples.get(kind, [])))])


def compare(rows: Sequence[Row], expected: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> Count:
    """Hold the answers of a slice against what is possible."""
    count = Count(rows=len(rows))
    if len(found) != len(rows):
        count.violations["rows lost"] += abs(len(rows) - len(found))
        return count
    for row, truth, answer in zip(rows, expected, found, strict=True):
        _row(count, row, truth, answer)
    return count


def _row(count: Count, row: Row, truth: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    if not answer:  # a count of messages of which nothing can be used has no row, or one that says so
        if any(value != ANYTHING for value in row.truth.values.values()):
            count.violations["row lost"] += 1
            count.examples.setdefault("row lost", []).append((row, {}, dict(truth)))
        return
    own: list[str] = []  # what broke by itself
    follows: list[str] = []  # what may only follow from it
    for name, possible in truth.items():
        if name not in answer or name in BOUNDS:
            continue
        if row.contradicted and name == "neutrophils_state":
            continue  # the state of a result as it was received; the line is what nobody can tell
        given = answer[name]
        count.answers += 1
        count.possible += possible is not None
        if given in UNSURE:
            if possible not in (None, "not_assessed"):
                kind = f"{_cause(name, row)} -> {name}"
                count.withheld[kind] += 1
                count.kept_back.setdefault(kind, (row, dict(answer), dict(truth)))
            continue
        count.definite += 1
        if given != possible and not _unsent(name, given, row):
            kinds = follows if name in JOINT else own
            kinds.append(f"{_cause(name, row)} -> {name}: {given}, not {possible or 'sure'}")
    if answer["lines_low_min"] > truth["lines_low_min"] or answer["lines_low_max"] < truth["lines_low_max"]:
        follows.append(f"{_cause('pattern', row)} -> lines_low_min, lines_low_max")
    if SEVERITIES.index(answer["severity_min"]) > SEVERITIES.index(truth["severity_min"]):
        follows.append(f"{_cause('severity', row)} -> severity_min")
    if row.truth.values.get("neutrophils") is not None and answer["white_line_basis"] == "wbc":
        own.append(f"{_cause('white_line', row)} -> white_line_basis: wbc, and neutrophils were sent")
    if answer["lines_low_min"] and answer["urgency"] in ("none", "cannot_tell"):
        follows.append(f"{_cause('pattern', row)} -> urgency: {answer['urgency']}, and a line is surely low")
    for name, analytes in LINES.items():
        sent = any(row.cells[a].truth is not None for a in analytes)
        fields = {entry.split(":")[0] for entry in (answer["reasons"] or "").split(";")}
        if answer[name] == "cannot_tell" and sent and not fields & {*CAUSES[name.removesuffix("_line")], *PERSON}:
            own.append(f"{_cause(name, row)} -> {name}: cannot tell without a reason")
        for analyte in analytes:
            if row.cells[analyte].truth == ANYTHING and answer[f"{analyte}_state"] in UNSURE and analyte not in fields:
                own.append(f"{row.cells[analyte].kind} -> {analyte}: sent and not used, without a reason")
        if answer["urgency"] == "none" and all(row.cells[a].truth in (None, ANYTHING) for a in analytes) and sent:
            own.append(f"{_cause(name, row)} -> urgency: none, and nothing of the {name} could be read")
    for kind in own or follows:
        count.violations[kind] += 1
        kept = count.examples.setdefault(kind, [])
        if len(kept) < EXAMPLES:
            kept.append((row, dict(answer), dict(truth)))


def _unsent(name: str, given: Any, row: Row) -> bool:
    """A state of neutrophils that were not sent may be said where the white cells bound it, or not at all."""
    return name == "neutrophils_state" and given in ("not_assessed", "low") and "neutrophils" not in row.truth.values


WHITE = ("neutrophils", "wbc", "neutrophils_percent", "bands_percent", "nrbc")
CAUSES = {
    "red": ("hemoglobin",),
    # Where neutrophils were not sent, another kind of white cell that cannot be used leaves open what there is room for.
    "white": (
        *WHITE,
        *(
            f"{cell}{kind}"
            for cell in ("lymphocytes", "monocytes", "eosinophils", "basophils")
            for kind in ("", "_percent")
        ),
    ),
    "neutrophils": WHITE,
    "wbc": ("wbc", "nrbc"),
    "platelet": ("platelets",),
    "reticulocytes": ("reticulocytes", "reticulocytes_percent", "rbc"),
    **{a: (a, f"{a}_percent", "wbc", "nrbc") for a in ("lymphocytes", "monocytes", "eosinophils", "basophils")},
}


def _cause(name: str, row: Row) -> str:
    """Name the kinds of the cells that an answer comes from, or of the person where all cells are plain."""
    first = name.removesuffix("_state").removesuffix("_line").removesuffix("_grade")
    everything = ("hemoglobin", *WHITE, "platelets", *CAUSES["reticulocytes"])
    analytes = CAUSES.get(first, (first,) if first in row.cells else everything)
    dull = ("plain", "nothing", "missing")
    kinds = sorted({c.kind for a in analytes if (c := row.cells.get(a)) is not None and c.kind not in dull})
    kinds += [row.contradicted] if row.contradicted and "neutrophils" in analytes else []
    kinds += ["range reported"] if set(analytes) & set(row.truth.reported) else []
    return "; ".join(kinds) or f"plain cells, {row.written.kind}"
