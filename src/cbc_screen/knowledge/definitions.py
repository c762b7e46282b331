"""The rules by which a line counts as low."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cbc_screen.knowledge.edges import AgeEdge, read_edge
from cbc_screen.knowledge.grading import Scheme
from cbc_screen.knowledge.quantities import Analyte
from cbc_screen.knowledge.strict import YamlNode
from cbc_screen.vocabulary import Verification

PARTS = ("red", "white", "without_neutrophils", "platelet")


@dataclass(frozen=True, slots=True)
class Cutoff:
    """Where the limit of one line comes from; exactly one of the three kinds is set.

    `by_sex` is a fixed number, `scheme` a grade of a grading table, and neither means
    the lower limit of the reference range. `otherwise_range` falls back on the range
    where the scheme has no row for the age.
    """

    analyte: str
    by_sex: Mapping[str, float] | None
    age_from: AgeEdge | None
    scheme: str | None
    grade: int
    otherwise_range: bool
    source: str
    verification: Verification


@dataclass(frozen=True, slots=True)
class Definition:
    """A named definition of a low line."""

    id: str
    label: str
    red: Cutoff
    white: Cutoff
    without_neutrophils: Cutoff | None
    platelet: Cutoff
    sources: tuple[str, ...]


def load_definitions(
    node: YamlNode, analytes: Mapping[str, Analyte], schemes: Mapping[str, Scheme], sources: Iterable[str]
) -> dict[str, Definition]:
    """Load definitions.yaml."""
    node.check_keys(["definitions"])
    known = set(sources)
    result: dict[str, Definition] = {}
    for entry in node.nodes("definitions"):
        entry.check_keys(["id", "label", "red", "white", "platelet", "sources"], ["without_neutrophils"])
        for source in entry.texts("sources"):
            if source not in known:
                raise entry.error("sources", f"{source} is not in sources.csv")
        cutoffs = {part: _cutoff(entry.node(part), analytes, schemes, known) for part in PARTS if part in entry}
        for part, analyte in (
            ("red", "hemoglobin"),
            ("white", "neutrophils"),
            ("platelet", "platelets"),
            ("without_neutrophils", "wbc"),
        ):
            if part in cutoffs and cutoffs[part].analyte != analyte:
                raise entry.node(part).error("analyte", f"must be {analyte}")
        if entry.text("id") in result:
            raise entry.error("id", "is given twice")
        result[entry.text("id")] = Definition(
            id=entry.text("id"),
            label=entry.text("label"),
            red=cutoffs["red"],
            white=cutoffs["white"],
            without_neutrophils=cutoffs.get("without_neutrophils"),
            platelet=cutoffs["platelet"],
            sources=tuple(entry.texts("sources")),
        )
    return result


def _cutoff(
    node: YamlNode, analytes: Mapping[str, Analyte], schemes: Mapping[str, Scheme], sources: set[str]
) -> Cutoff:
    analyte = node.text("analyte")
    if analyte not in analytes:
        raise node.error("analyte", "is not in analytes.yaml")
    if "reference_range" in node:
        node.check_keys(["analyte", "reference_range"])
        return Cutoff(analyte, None, None, None, 0, True, "", Verification.VERIFIED)
    if "scheme" in node:
        node.check_keys(["analyte", "scheme", "grade"], ["otherwise"])
        scheme = schemes.get(node.text("scheme"))
        if scheme is None or analyte not in scheme.tables:
            raise node.error("scheme", "does not grade this analyte")
        if node.get("otherwise", "reference_range") != "reference_range":
            raise node.error("otherwise", "must be reference_range")
        grades = {row.grade for row in scheme.tables[analyte]} - {0}
        if node.whole("grade") not in grades:
            raise node.error("grade", "is no grade above 0 of this scheme")
        row = scheme.tables[analyte][0]
        return Cutoff(
            analyte, None, None, scheme.id, node.whole("grade"), "otherwise" in node, row.source, row.verification
        )
    number = "by_sex" if "by_sex" in node else "below"
    node.check_keys(["analyte", number, "unit", "source", "verification"], ["age_from"])
    if node.text("unit") != analytes[analyte].unit:
        raise node.error("unit", f"must be the canonical unit {analytes[analyte].unit}")
    if node.text("source") not in sources:
        raise node.error("source", "is not in sources.csv")
    if number == "by_sex":
        node.node("by_sex").check_keys(["M", "F"])
        by_sex = {sex: node.node("by_sex").number(sex) for sex in ("M", "F")}
    else:
        by_sex = {sex: node.number("below") for sex in ("M", "F")}
    age_from = None
    if "age_from" in node:
        node.node("age_from").check_keys(["value", "unit"])
        age_from = read_edge(node.node("age_from"), "value")
    verification = node.choice("verification", Verification)
    return Cutoff(analyte, by_sex, age_from, None, 0, False, node.text("source"), verification)
