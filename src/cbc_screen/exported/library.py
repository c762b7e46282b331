"""`cql`: the definition as a library of CQL, with the FHIR resources that carry it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cbc_screen._version import __version__
from cbc_screen.exported.asked import Asked, asked_of, linked, pruned, split
from cbc_screen.exported.cells import NOTHING, READ_REASONS, SIGNS, Columns, read_cells
from cbc_screen.exported.cql_person import limit_names, person_definitions
from cbc_screen.exported.cql_results import fields, result_definitions
from cbc_screen.exported.cql_text import DECIMALS, INFINITE, Definitions, in_quotes
from cbc_screen.exported.header import comment, made_of, templates
from cbc_screen.exported.persons import KeyTables, age_steps, key_tables
from cbc_screen.exported.sources import LINES, source_of
from cbc_screen.kernel.fact_table import Join, join_of
from cbc_screen.kernel.keys import AGES, STAGES
from cbc_screen.kernel.program import Program
from cbc_screen.kernel_inputs import PREGNANCIES, SEXES
from cbc_screen.report.flags import SEVERAL_REASONS, sorted_reasons
from cbc_screen.screener import Screener
from cbc_screen.vocabulary import NOTICE, DefinitionId, Pregnancy, Reason, SchemeId, Sex

NAME, PLAN = "CBCScreen", "CBCScreenPlan"
_URL = "urn:cbc-screen"
_MOST_CODE = 6  # no code of a joined fact is more


@dataclass(frozen=True)
class CQLLibrary:
    """A library, and the FHIR resources that carry it (R4 and later).

    Attributes
    ----------
    text : str
        The library in CQL.
    library : dict
        The FHIR Library that holds the text.
    plan_definition : dict
        A FHIR PlanDefinition that shows a count to a reader where a line is low or could not be assessed.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> made = cbc.cql()
    >>> made.library["name"], made.plan_definition["resourceType"], "context Patient" in made.text
    ('CBCScreen', 'PlanDefinition', True)
    """

    text: str
    library: dict[str, Any]
    plan_definition: dict[str, Any]


def cql(
    *,
    definition: DefinitionId = "reference",
    ranges: str = "default",
    grading: SchemeId = "clinical",
    rules: str = "default",
) -> CQLLibrary:
    """Write the definition as a library of CQL over FHIR R4, for a system that runs no Python.

    Limits, bands and rules come from the loaded tables and are lowered by the kernel itself. The library reads
    hemoglobin, white cells, neutrophils and platelets of one patient; docs/cql.md has an example.

    Parameters
    ----------
    definition, ranges, grading, rules
        As in `Screener`.

    Returns
    -------
    CQLLibrary

    Raises
    ------
    UsageError
        If a name is not known.

    Examples
    --------
    >>> made = cql(definition="clinical")
    >>> made.library["resourceType"], made.text.splitlines()[0]
    ('Library', '// For clinician review. Not a diagnosis.')
    """
    screener = Screener(ranges=ranges, definition=definition, grading=grading, rules=rules)
    knowledge, kernel = screener.engine.knowledge, screener.kernel
    source = source_of(knowledge, kernel, {name: name for name in LINES})
    asked = asked_of(kernel, source.given)
    columns = Columns(source.analytes, frozenset(source.analytes), {}, DECIMALS)
    program = linked(read_cells(columns, {}), asked.facts)
    because = [name for name in program.outputs if ".because:" in name]
    program = pruned(program, [*asked.facts.outputs, NOTHING, *because])
    tables = key_tables(kernel.limits, program)
    days, months = (age_steps(kernel.limits, unit, knowledge.age_implausible_from) for unit in ("d", "mo"))
    made_with = made_of(knowledge, kernel, ranges=ranges, rules=rules)
    version = f"{__version__}-{knowledge.data_version}"
    stages = ", ".join(str(stage) for stage in Pregnancy if stage is not Pregnancy.NOT_STATED)
    told = {"notice": NOTICE, "made_with": made_with, "stages": stages, "infinite": INFINITE}
    head = comment("head.cql.j2", "//", **told, fields=fields(knowledge, source))
    given = [*result_definitions(knowledge, source), *person_definitions(days, months, tables)]
    body = _definitions(asked, program, tables)
    answers = _answers(asked, made_with)
    codes = [(f'"LOINC {code}"', code) for own in source.analytes.values() for code in own.loinc]
    opening = [
        f"library {NAME} version '{version}'",
        "using FHIR version '4.0.1'",
        "include FHIRHelpers version '4.0.1' called FHIRHelpers",
        "codesystem \"LOINC\": 'http://loinc.org'",
        *(f"code {name}: '{code}' from \"LOINC\"" for name, code in codes),
        "parameter Pregnancy String",
        "context Patient",
    ]
    text = "\n".join([head, *opening, "", *(f"define {name}:\n  {own}\n" for name, own in [*given, *body, *answers])])
    return _carried(text, told | {"version": version}, asked, [list(own.loinc) for own in source.analytes.values()])


def _definitions(asked: Asked, program: Program, tables: KeyTables) -> list[tuple[str, str]]:
    """Return what is read, the facts joined over the possible rows of limits, and the conclusions."""
    before, within = split(program)
    names: dict[str, str] = {}
    for name in LINES:
        names[f"{name}.value"] = f'"{name} value"'
        names |= {f"{name}.sign:{sign}": f"Coalesce(\"{name} sign\" = '{sign}', false)" for sign in SIGNS}
        names[f"{name}.sign:?"] = f'"{name} not usable"'
    read = Definitions(before, names, "Read")
    found = list(read.made)
    rows = {output: f'"Row {output.removeprefix("row.")}"' for output in before.outputs}
    found += [(rows[output], read[output]) for output in before.outputs]
    late = Definitions(within, {**limit_names(tables, within), **rows}, None)
    for fact in [*asked.facts.outputs, NOTHING, *(name for name in program.outputs if ".because:" in name)]:
        found += _joined(fact, late[fact])
    inputs = {fact: f'"{fact}"' for fact in asked.facts.outputs}
    concluded = Definitions(
        asked.conclusions, {**inputs, AGES: '"Several ages"', STAGES: '"Several stages"'}, "Concluded"
    )
    found += concluded.made
    return [*found, *((f'"code {name}"', concluded[name]) for name in asked.conclusions.outputs)]


def _joined(fact: str, text: str) -> list[tuple[str, str]]:
    """Return a fact joined over all rows of limits that may be the patient's: known where they agree."""
    join = join_of(fact)
    if join.is_of_codes:
        order = range(_MOST_CODE + 1) if join is Join.LEAST else range(_MOST_CODE, -1, -1)
        cases = " ".join(f'when {code} in "{fact} of each" then {code}' for code in order)
        return [
            (f'"{fact} of each"', f'"Possible limits" N return {text}'),
            (f'"{fact}"', f"case {cases} else null end"),
        ]
    if join is Join.SOME or ".because:" in fact or fact == NOTHING:
        return [(f'"{fact}"', f'exists ("Possible limits" N where {text})')]
    unlike = f'exists ("Possible limits" N where (not {text}))'
    return [(f'"{fact}"', f'exists ("Possible limits") and not ({unlike})')]


def _answers(asked: Asked, made_with: str) -> list[tuple[str, str]]:
    """Return the answers, each under the name that it has in flags."""
    found = []
    for name in asked.columns:
        if name in asked.words:
            code, said = asked.words[name]
            cases = " ".join(f"when {number} then {in_quotes(word)}" for number, word in enumerate(said))
            found.append((f'"{name}"', f'case "code {code}" {cases} else null end'))
        elif name in asked.grades:
            code = f'"code {asked.grades[name]}"'
            found.append((f'"{name}"', f"if {code} >= 0 then {code} else null"))
        else:
            found.append((f'"{name}"', f'"code {name}"'))
    found += _reasons(asked)
    lines = ("red_line", "white_line", "platelet_line")
    unknown = " or ".join(f"(\"{line}\" = 'cannot_tell')" for line in lines)
    told = " + ".join(
        [in_quotes(f"{NOTICE} pattern: "), '"pattern"', *(f"'; {line}: ' + \"{line}\"" for line in lines)]
    )
    return [
        *found,
        ('"some line low"', '"lines_low_min" >= 1'),
        ('"some line unknown"', unknown),
        ('"summary"', told),
        ('"screened_with"', in_quotes(made_with)),
        ('"notice"', in_quotes(NOTICE)),
    ]


def _reasons(asked: Asked) -> list[tuple[str, str]]:
    """Return the reasons as a list of texts, in the order that flags have."""
    claimed = ", ".join(str(number) for number, stage in enumerate(PREGNANCIES) if stage.claimed)
    stages = ", ".join(f"'{stage}'" for stage in Pregnancy)
    conflict = f'"Sex code" = {SEXES.index(Sex.MALE)} and "Stage code" in {{{claimed}}}'
    unreadable = f"Pregnancy is not null and not (Pregnancy in {{{stages}}})"
    unknown = f'"Stage code" = {PREGNANCIES.index(Pregnancy.UNKNOWN)} and not ({unreadable})'
    trimester = f'"Stage code" = {PREGNANCIES.index(Pregnancy.TRIMESTER_UNKNOWN)} and not ({conflict})'
    person: dict[tuple[str, Reason], str] = {
        ("age", Reason.AGE_MISSING): 'not "Age known" and not Coalesce("Age in days" is not null, false)',
        ("age", Reason.AGE_NEGATIVE): 'Coalesce("Age in days" < 0, false)',
        ("age", Reason.AGE_IMPLAUSIBLE): 'not "Age known" and Coalesce("Age in days" >= 0, false)',
        ("sex", Reason.SEX_MISSING): f'"Sex code" = {SEXES.index(Sex.UNKNOWN)}',
        ("pregnancy", Reason.PREGNANCY_CONFLICT): conflict,
        ("pregnancy", Reason.PREGNANCY_UNREADABLE): unreadable,
        ("pregnancy", Reason.PREGNANCY_UNKNOWN): unknown,
        ("pregnancy", Reason.TRIMESTER_UNKNOWN): trimester,
    }
    conditions = person | {(name, reason): f'"{name}.because:{reason}"' for name in LINES for reason in READ_REASONS}
    whole = f'"{NOTHING}"'
    for code, told in asked.reasons:
        own = f'"code {code}"'
        own = f"{own} and not {whole}" if told[1] is Reason.NO_RESULT else own
        conditions[told] = f"({conditions[told]}) or ({own})" if told in conditions else own
    for code, field, reason in SEVERAL_REASONS:
        own = f'"code {code}" and not "Person unknown"'
        conditions[field, reason] = own
    ordered = sorted_reasons(asked.layout, list(conditions))
    parts = [f"if {conditions[told]} then '{told[0]}:{told[1]}' else null" for told in ordered]
    parts.append(f"if {whole} then 'record:{Reason.NO_RESULT}' else null")
    listed = "{\n  " + ",\n  ".join(f"({part})" for part in parts) + "\n}"
    said = " or ".join(f"({own})" for own in person.values())
    return [
        ('"Person unknown"', said),
        ('"Every reason"', listed),
        ('"reasons"', '"Every reason" R where R is not null'),
    ]


def _carried(text: str, told: Mapping[str, str], asked: Asked, results: list[list[str]]) -> CQLLibrary:
    """Return the resources around a text."""
    kinds = [
        {"name": name, "kind": "integer" if name not in asked.words else "string", "most": "1"}
        for name in asked.columns
    ]
    kinds += [{"name": "reasons", "kind": "string", "most": "*"}, {"name": "notice", "kind": "string", "most": "1"}]
    shown = {
        **told,
        "name": NAME,
        "plan": PLAN,
        "url": f"{_URL}:Library:{NAME}",
        "plan_url": f"{_URL}:PlanDefinition:{PLAN}",
        "answers": kinds,
        "results": results,
        "data": base64.b64encode(text.encode()).decode(),
    }
    made = (templates().get_template(name).render(shown) for name in ("library.json.j2", "plan_definition.json.j2"))
    library, plan = (json.loads(own) for own in made)
    return CQLLibrary(text, library, plan)
