"""Grading schemes as criteria of admiral (R): one row a term, with the code that grades it.

The form is that of admiral's own criteria (`derive_var_atoxgr_dir`, `meta_criteria`; https://github.com/pharmaverse/admiral,
data-raw/adlb_grading). Which band is whose comes from the kernel's own limits. A row has no FILTER: results that meet none of
a term's filters are lost there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from cbc_screen.errors import UsageError
from cbc_screen.kernel.configuration import Configuration
from cbc_screen.kernel.configure import build_kernel
from cbc_screen.kernel.keys import SITUATIONS
from cbc_screen.kernel.limits import KernelLimits
from cbc_screen.knowledge import Knowledge, load_knowledge
from cbc_screen.knowledge.edges import AgeEdge, approximate_days
from cbc_screen.knowledge.grading import GradeRow, Scheme
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION, Pregnancy, SchemeId, Sex

_NA = "NA_character_"
_NEVER = "FALSE"
_VALUE = "signif(AVAL, signif_dig)"  # as admiral compares, so that 0.1 + 0.2 is not less than 0.3
_HIGHEST = 4
_MONTHS = 12
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]*", re.ASCII)
_STAGES = [stage for stage in Pregnancy if stage is not Pregnancy.UNKNOWN]  # words that are read as they are
Ages = tuple[AgeEdge, AgeEdge | None]
Who = frozenset[tuple[Sex, Pregnancy]]


def admiral_criteria(scheme: SchemeId, *, pregnancy: str | None = None) -> list[dict[str, str | None]]:
    """Return a grading scheme as criteria of admiral, for `derive_var_atoxgr_dir(meta_criteria = )`.

    Parameters
    ----------
    scheme : str
        As in `grade`: "clinical", "who_2024", "who_2011", "ctcae_v4", "ctcae_v5", "ctcae_v6", "daids_v2_1".
    pregnancy : str, optional
        The column that holds the stage of pregnancy at the sample: none, T1, T2, T3, trimester_unknown, postpartum;
        empty is read as not pregnant, and any other word as unknown. Without it nobody is read as pregnant.

    Returns
    -------
    list of dict
        TERM, DIRECTION, UNIT_CHECK, VAR_CHECK and GRADE_CRITERIA_CODE as admiral asks for them, and the parts of the
        code, the bands in words and what they are of beside. Values are in `UNIT_CHECK`; the code reads AVAL, and as
        far as the scheme depends on them SEX, BRTHDT and ADT (dates) and ANRLO. It gives the grade of `grade`, and
        NA where that is not known or the number cannot be believed.

    Raises
    ------
    UsageError
        If there is no such scheme, or `pregnancy` is no name of a column.

    Examples
    --------
    >>> [row["TERM"] for row in admiral_criteria("ctcae_v5")][:2]
    ['Anemia', 'Platelet count decreased']
    """
    if pregnancy is not None and not _NAME.fullmatch(pregnancy):
        raise UsageError("pregnancy: name a column in letters, digits, dots and underscores")
    knowledge = load_knowledge()
    found = knowledge.scheme(scheme)
    limits = build_kernel(knowledge, Configuration(grading=scheme)).limits
    return [_Criteria(knowledge, found, analyte, limits, pregnancy).row() for analyte in found.tables]


@dataclass(frozen=True)
class _Band:
    """The bands of one kind of person: ages, whose they are, and the rows by grade; none where nothing is graded."""

    ages: tuple[Ages, ...]
    who: Who
    rows: tuple[GradeRow, ...]


class _Criteria:
    """The criteria of one analyte."""

    def __init__(
        self, knowledge: Knowledge, scheme: Scheme, analyte: str, limits: KernelLimits, pregnancy: str | None
    ) -> None:
        self._knowledge, self._scheme, self._analyte = knowledge, scheme, analyte
        self._limits, self._stage = limits, pregnancy
        self._sexes = [(sex, stage) for sex, stage in product(Sex, Pregnancy)]
        if pregnancy is None:
            self._sexes = [pair for pair in self._sexes if pair[1] is Pregnancy.NOT_STATED]
        self._bands = list(self._all_bands())

    def row(self) -> dict[str, str | None]:
        """Return the row of the term."""
        own, scheme = self._knowledge.analytes[self._analyte], self._scheme
        codes = self._codes()
        clauses = [codes[None], *(codes[grade] for grade in range(_HIGHEST, 0, -1) if codes[grade]), 'TRUE ~ "0"']
        code = f"case_when({', '.join(clause for clause in clauses if clause)})"
        sources = dict.fromkeys(row.source for row in scheme.tables[self._analyte])
        cited = "; ".join(self._knowledge.sources[source].citation for source in sources)
        found: dict[str, str | None] = {
            "SOC": scheme.headings.get(self._analyte),
            "TERM": scheme.terms.get(self._analyte, f"{own.label} decreased"),
        }
        found |= {f"GRADE_{grade}": self._words(grade) for grade in range(1, _HIGHEST + 1)}
        found["GRADE_NA_CODE"] = codes[None]
        found |= {f"GRADE_{grade}_CODE": codes[grade] for grade in range(_HIGHEST, 0, -1)}
        return {
            **found,
            "GRADE_CRITERIA_CODE": code,
            "UNIT_CHECK": own.unit,
            "VAR_CHECK": ", ".join(name for name in self._variables() if re.search(rf"\b{re.escape(name)}\b", code)),
            "DIRECTION": "L",
            "COMMENT": f"{NOTICE} cbc-screen, schema_version {SCHEMA_VERSION}, data {self._knowledge.data_version}: "
            f"{scheme.title} ({scheme.version}). {cited}",
        }

    def _variables(self) -> list[str]:
        return ["AVAL", "ANRLO", "SEX", "BRTHDT", "ADT", *([self._stage] if self._stage else [])]

    # Who has which bands -------------------------------------------------------------------------

    def _all_bands(self) -> Iterator[_Band]:
        """Yield the bands of every kind of person, and the kinds that have none."""
        by_key = self._limits.grade_rows[self._scheme.id, self._analyte]
        of: dict[tuple[tuple[GradeRow, ...], tuple[Ages, ...]], set[tuple[Sex, Pregnancy]]] = {}
        for situation, who in self._situations().items():
            bands = dict.fromkeys(band for key, band in enumerate(by_key) if key % len(SITUATIONS) == situation)
            ages = {band: (band[0].age_low, band[0].age_high) for band in bands if band}
            for band, own in ages.items():
                of.setdefault((band, (own,)), set()).update(who)
            if () in bands:  # at the ages that no band has
                of.setdefault(((), tuple(_merged(ages.values()))), set()).update(who)
        for (band, there), whose in of.items():
            yield _Band(there, frozenset(whose), band)

    def _situations(self) -> dict[int, Who]:
        """Return who may be in which situation, at some age, as the kernel has it."""
        found: dict[int, set[tuple[Sex, Pregnancy]]] = {}
        for sex, stage in self._sexes:
            for key in self._limits.keys_of(self._limits.grid.span_places(None), sex, stage):
                found.setdefault(key % len(SITUATIONS), set()).add((sex, stage))
        return {situation: frozenset(who) for situation, who in found.items()}

    # In R ----------------------------------------------------------------------------------------

    def _codes(self) -> dict[int | None, str | None]:
        """Return the clauses of each grade; those of None come first and say where there is none."""
        lowest, highest = self._knowledge.analytes[self._analyte].plausible
        without = [f"is.na(AVAL) | AVAL < {_number(lowest)} | AVAL > {_number(highest)}"]
        absent = [band for band in self._bands if not band.rows]
        if any(_within(*own) for band in self._bands for own in band.ages):
            without.append(f"({_age(AgeEdge('d', 0))} < 0) %in% TRUE")
        without += [f"({self._lacks(band) or 'TRUE'})" for band in absent]
        found: dict[int | None, str | None] = {None: f"{' | '.join(without)} ~ {_NA}"}
        for grade in range(1, _HIGHEST + 1):
            found[grade] = self._clauses(grade)
        return found

    def _clauses(self, grade: int) -> str | None:
        """Return the clauses of a grade: where every kind of person it may be has it, and else where some has."""
        kinds = self._kinds(grade)
        if all(below == _NEVER for below, _ in kinds):
            return None
        relative = [f"{self._no_lower_limit()} ~ {_NA}"] if any("ANRLO" in below for below, _ in kinds) else []
        if len(kinds) == 1:
            return ", ".join([*relative, f'{kinds[0][0]} ~ "{grade}"'])
        every = " & ".join(f"(!({may_be}) | {below})" for below, may_be in kinds)
        some = " | ".join(f"({may_be} & {below})" for below, may_be in kinds if below != _NEVER)
        return ", ".join([*relative, f'{every} ~ "{grade}"', f"{some} ~ {_NA}"])

    def _no_lower_limit(self) -> str:
        """Return where there is no lower limit, or one that cannot be one of anybody, as `grade` has it."""
        believed = self._limits.believed_lower(self._analyte, self._knowledge.printed_limits.of(self._analyte))
        assert believed is not None
        return f"is.na(ANRLO) | ANRLO < {_number(believed[0])} | ANRLO > {_number(believed[1])}"

    def _kinds(self, grade: int) -> list[tuple[str, str]]:
        """Return where a value has a grade, and of whom that holds: people with one bound are one kind."""
        whose: dict[tuple[str, Ages], Who] = {}
        for band in self._bands:
            if band.rows:
                row = next((row for row in band.rows if row.grade == grade), None)
                key = (_below(row) if row else _NEVER, band.ages[0])
                whose[key] = whose.get(key, frozenset()) | band.who
        ages: dict[tuple[str, Who], list[Ages]] = {}
        for (below, own), who in whose.items():
            ages.setdefault((below, who), []).append(own)
        return [(below, self._may_be(who, _merged(own))) for (below, who), own in ages.items()]

    def _may_be(self, who: Who, ages: list[Ages]) -> str:
        """Return where a person may be of a kind: what is not known may be anything."""
        within = [_within(*own) for own in ages]
        parts = [self._is_one_of(who)] if who < frozenset(self._sexes) else []
        parts += [] if "" in within else [f"!(({_either(within)}) %in% FALSE)"]
        return " & ".join(parts) or "TRUE"

    def _lacks(self, band: _Band) -> str:
        """Return where a person may be of those that have no band."""
        parts = [self._is_one_of(band.who)] if band.who < frozenset(self._sexes) else []
        parts += [f"!(({_either([_within(*own) for own in band.ages])}) %in% TRUE)"] if band.ages else []
        return " & ".join(parts)

    def _is_one_of(self, who: Who) -> str:
        """Return where sex and stage of pregnancy are among some."""
        sexes = {sex for sex, _ in who}
        if self._stage is None:
            return " & ".join(f'!(SEX %in% "{sex}")' for sex in (Sex.FEMALE, Sex.MALE) if sex not in sexes)
        stages = ", ".join(f'"{stage}"' for stage in _STAGES)
        stage = f'ifelse(is.na({self._stage}), "not_stated", ifelse({self._stage} %in% c({stages}), {self._stage}, "unknown"))'
        sex = 'ifelse(SEX %in% c("F", "M"), SEX, "unknown")'
        words = ", ".join(f'"{sex} {stage}"' for sex, stage in sorted(who))
        return f"paste({sex}, {stage}) %in% c({words})"

    # In words ------------------------------------------------------------------------------------

    def _words(self, grade: int) -> str | None:
        rows = [row for row in self._scheme.tables[self._analyte] if row.grade == grade]
        return "; ".join(dict.fromkeys(_in_words(row) for row in rows)) or None


def _merged(ages: Iterable[Ages]) -> list[Ages]:
    """Return ranges of ages with those that follow each other as one."""
    found: list[Ages] = []
    for low, high in sorted(ages, key=lambda own: approximate_days(own[0])):
        if found and found[-1][1] == low:
            found[-1] = (found[-1][0], high)
        else:
            found.append((low, high))
    return found


def _either(conditions: Sequence[str]) -> str:
    return conditions[0] if len(conditions) == 1 else " | ".join(f"({own})" for own in conditions)


def _below(row: GradeRow) -> str:
    """Return where a value is below the upper bound of a grade."""
    if row.relative:
        bound = "ANRLO" if row.lower is None else f"pmax(ANRLO, {_number(row.lower)})"
        return f"{_VALUE} < signif({bound}, signif_dig)"
    return f"{_VALUE} {'<=' if row.upper_inclusive else '<'} {_number(row.upper)}"


def _number(value: float | None) -> str:
    assert value is not None
    return repr(value).removesuffix(".0")


def _within(low: AgeEdge, high: AgeEdge | None) -> str:
    parts = [f"{_age(low)} >= {_count(low)}"] if low.count else []
    parts += [f"{_age(high)} < {_count(high)}"] if high is not None else []
    return " & ".join(parts)


def _age(edge: AgeEdge) -> str:
    """Return the age at the sample, completed, as admiral works it out."""
    if edge.unit == "d":
        unit, kind = "days", ""
    else:
        unit, kind = "months" if edge.count % _MONTHS else "years", ', type = "interval"'
    return f'compute_duration(BRTHDT, ADT, out_unit = "{unit}", add_one = FALSE, trunc_out = TRUE{kind})'


def _count(edge: AgeEdge) -> int:
    return edge.count // _MONTHS if edge.unit == "mo" and not edge.count % _MONTHS else edge.count


def _in_words(row: GradeRow) -> str:
    whose = [word for word in (row.sex, row.pregnancy) if word not in ("any", "none")]
    ages = _years(row.age_low, row.age_high)
    upper = "lower limit of normal" if row.relative else _number(row.upper)
    low = "" if row.lower is None else f"{_number(row.lower)} to "
    about = ", ".join(filter(None, [*whose, ages]))
    return f"{f'{about}: ' if about else ''}{low}{'<=' if row.upper_inclusive else '<'} {upper} {row.unit}"


def _years(low: AgeEdge, high: AgeEdge | None) -> str:
    parts = [f"from {_count(low)} {_short(low)}"] if low.count else []
    parts += [f"under {_count(high)} {_short(high)}"] if high is not None else []
    return " ".join(parts)


def _short(edge: AgeEdge) -> str:
    return "y" if edge.unit == "mo" and not edge.count % _MONTHS else edge.unit
