"""`sql`: the definition as one statement over a table of counts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from cbc_screen.errors import UsageError, did_you_mean
from cbc_screen.exported.asked import Asked, asked_of, inputs_of, linked, pruned, split
from cbc_screen.exported.cells import NOTHING, SIGNS, read_cells
from cbc_screen.exported.dialects import DIALECTS, Dialect, DialectWords
from cbc_screen.exported.header import header, made_of
from cbc_screen.exported.keys_sql import PREFIX, key_parts, people
from cbc_screen.exported.levels import Cell, Levels, Select
from cbc_screen.exported.names import check_hidden, check_kept, check_names
from cbc_screen.exported.person_sql import PersonSQL, person_words, situation_number
from cbc_screen.exported.persons import KeyTables, age_steps, key_tables
from cbc_screen.exported.reasons_sql import PERSON as PERSON_REASONS
from cbc_screen.exported.reasons_sql import Reasons
from cbc_screen.exported.sources import SIDES, UNCORRECTED, TableOfCounts, source_of
from cbc_screen.kernel.fact_table import Join, join_of
from cbc_screen.kernel.keys import AGES, STAGES
from cbc_screen.kernel.program import Op, Program
from cbc_screen.normalize.declared import make_declared, parse_adjust
from cbc_screen.screener import Screener
from cbc_screen.vocabulary import NOTICE, Adjust, AdjustWord, DefinitionId, SchemeId

_ROW = "cbc_row"
_MORE = ("reasons", "screened_with", "notice")  # columns of the answer
_JOINS = {Join.LEAST: "MIN", Join.MOST: "MAX", Join.SOME: "BOOL_OR", Join.EVERY: "BOOL_AND"}


def sql(
    *,
    definition: DefinitionId = "reference",
    ranges: str = "default",
    grading: SchemeId = "clinical",
    dialect: str = "duckdb",
    table: str = "counts",
    columns: Mapping[str, str] | None = None,
    keep: Sequence[str] = (),
    age_unit: str = "y",
    sex_codes: Mapping[str, str] | None = None,
    adjust_hemoglobin: Sequence[Adjust | AdjustWord] = (),
    rules: str = "default",
    view: str | None = None,
) -> str:
    """Write the definition as one SQL statement over a table of blood counts.

    Limits, bands and rules come from the loaded tables and are lowered by the kernel itself, so that the answers of
    the statement are those of `screen`, row by row. docs/sql.md has an example.

    Parameters
    ----------
    definition, ranges, grading, adjust_hemoglobin, rules
        As in `Screener`.
    dialect : "duckdb", "postgresql" or "spark"
        The database that runs it.
    table : str
        The table or view of counts, one count a row, with its schema where it has one.
    columns : mapping of field to column, optional
        What the table has. Fields are "age", "sex", "pregnancy", results by their names ("hemoglobin", in its canonical
        unit: see the head of the statement), `<result>_comparator` ("<", "<=", ">", ">=" or nothing; any other text
        says that the result was sent and cannot be used), `<result>_lower` and `<result>_upper` (the range that came
        with it), findings such as "born_preterm", and "wbc_uncorrected" (true, false or NULL). By default age, sex,
        pregnancy, hemoglobin, wbc, neutrophils and platelets under these names. What is not named is not read.
    keep : sequence of str
        Columns of the table that are handed on, such as a key.
    age_unit : str
        What the ages are in: "y", "mo", "wk", "d" or "h", completed or with a fraction.
    sex_codes : mapping of code to "F", "M" or "unknown", optional
        What other texts than F and M mean: {"8532": "F", "8507": "M"}.
    view : str, optional
        Write CREATE OR REPLACE VIEW of this name, and not a SELECT.

    Returns
    -------
    str
        One statement, with what it was made of in its head.

    Raises
    ------
    UsageError
        If a name is not known, or a column changes no answer.

    Examples
    --------
    >>> statement = sql(table="lab.counts", keep=["count_id"])
    >>> print(statement.splitlines()[0])
    -- For clinician review. Not a diagnosis.
    """
    if dialect not in tuple(Dialect):
        near = did_you_mean(str(dialect), list(Dialect)) or ";"
        raise UsageError(f"dialect: {dialect!r} is none{near} it must be one of {', '.join(Dialect)}")
    words = DIALECTS[Dialect(dialect)]
    check_names(words, table=table, view=view, keep=keep, columns=columns)
    screener = Screener(
        ranges=ranges, definition=definition, grading=grading, rules=rules, adjust_hemoglobin=adjust_hemoglobin
    )
    knowledge, kernel = screener.engine.knowledge, screener.kernel
    source = source_of(knowledge, kernel, columns)
    asked = asked_of(kernel, source.given)
    check_kept(words, keep, [*asked.columns, *_MORE])
    codes = {str(code): str(sex) for code, sex in (sex_codes or {}).items()}
    make_declared(knowledge, sex_codes=codes)  # which says what is wrong with them
    ages = age_steps(kernel.limits, age_unit, knowledge.age_implausible_from)
    reasons = Reasons(asked, source, parse_adjust(adjust_hemoglobin))
    program = linked(read_cells(source.columns, knowledge.agreement), asked.facts)
    program = pruned(program, [*asked.facts.outputs, NOTHING, *reasons.asks(program.outputs)])
    made_with = made_of(knowledge, kernel, ranges=ranges, rules=rules)
    head = header(source, age_unit=ages.unit, sexes=list(codes), made_with=made_with, dialect=dialect)
    person = PersonSQL(words, ages, source.person, person_words(knowledge.words, codes))
    writer = _Statement(words, source, asked, program, person, reasons)
    body = writer.write(table, list(keep), key_tables(kernel.limits, program), made_with)
    created = "" if view is None else f"CREATE OR REPLACE VIEW {words.table(view)} AS\n"
    return f"{head}\n{created}{body}\n"


class _Statement:
    """Writes the parts of a statement: rows as numbers, their keys, the facts of each key, joined, and conclusions."""

    def __init__(
        self,
        words: DialectWords,
        source: TableOfCounts,
        asked: Asked,
        program: Program,
        person: PersonSQL,
        reasons: Reasons,
    ) -> None:
        self.words, self.source, self.asked, self.program = words, source, asked, program
        self.person, self.reasons = person, reasons
        self.parts: list[tuple[str, str]] = []

    def write(self, table: str, keep: list[str], tables: KeyTables, made_with: str) -> str:
        """Return the statement."""
        origin = self.words.table(table)
        self.parts += key_parts(self.words, self.person, tables, origin)
        kept = [f"kept_{number}" for number in range(len(keep))]
        self._number(origin, dict(zip(kept, keep, strict=True)))
        before, within = split(self.program)
        names = self._read(before, inputs_of(within), [_ROW, *kept])
        carried = [_ROW, *kept, *self.reasons.columns]
        self._facts(within, names, tables, carried)
        self._join(carried)
        codes = self._conclude(carried)
        answers = self._answers(dict(zip(kept, keep, strict=True)), codes, made_with)
        check_hidden(self.words, table, [name for name, _ in self.parts])
        named = ",\n".join(f"{name} AS (\n{text}\n)" for name, text in self.parts)
        return f"WITH {named}\n{answers}"

    def _number(self, table: str, kept: Mapping[str, str]) -> None:
        """Add the rows of the table: a number for each, its cells as numbers, its person."""
        words, identifier = self.words, self.words.identifier
        carried: Select = [(_ROW, words.row_number), *((name, identifier(column)) for name, column in kept.items())]
        carried += [(f"in_{name}", words.as_number(identifier(own))) for name, own in self.source.results.items()]
        carried += [(f"sign_{name}", words.as_text(identifier(own))) for name, own in self.source.comparators.items()]
        for name, sides in self.source.reported.items():
            carried += [(f"in_{name}_{side}", words.as_number(identifier(own))) for side, own in sides.items()]
        carried += [(f"is_{name}", words.as_truth(identifier(own))) for name, own in self._flags.items()]
        columns: Select = [(name, name) for name, _ in carried]
        columns += [(name, name) for name in PERSON_REASONS]
        columns.append(("situation", situation_number(self.person.ages)))
        self.parts.append((f"{PREFIX}numbered", words.select(columns, people(words, self.person, table, carried))))

    @property
    def _flags(self) -> dict[str, str]:
        own = self.source.uncorrected
        return {**self.source.findings, **({UNCORRECTED: own} if own is not None else {})}

    def _inputs(self) -> dict[str, Cell]:
        """Return where each input of the reader stands, and how it is read."""
        cells: dict[str, Cell] = {}
        text, known = self.words.text, self.words.texts((*SIGNS, "="))
        for name in self.source.results:
            cells[f"{name}.value"] = (f"in_{name}", f"in_{name}")
            column = f"sign_{name}"
            cells |= {f"{name}.sign:{sign}": (column, f"(({column} = {text(sign)}) IS TRUE)") for sign in SIGNS}
            cells[f"{name}.sign:?"] = column, f"(({column} NOT IN ({known})) IS TRUE)"
            cells |= {f"{name}.stated_{side}": (f"in_{name}_{side}", f"in_{name}_{side}") for side in SIDES}
        for name in self._flags:
            there, not_there = f"(is_{name} IS TRUE)", f"(is_{name} IS FALSE)"
            cells[name] = cells[f"{name}.present"] = f"is_{name}", there
            cells[f"{name}.absent"] = f"is_{name}", not_there
        return cells

    def _levels(self, name: str, levels: Iterable[Select], origin: str) -> str:
        """Add levels, each over the one before, and return the name of the last."""
        for number, columns in enumerate(levels, start=1):
            own = f"{PREFIX}{name}_{number}"
            self.parts.append((own, self.words.select(columns, origin)))
            origin = own
        return origin

    def _read(self, before: Program, later: Collection[str], carried: list[str]) -> dict[str, Cell]:
        """Add what is the same for every key of a row; return where each of its numbers that is read later stands."""
        printed = Levels(before, self.words, self._inputs(), "r")
        names = {output: _column(output) for output in before.outputs}
        findings = [f"is_{name}" for name in self.source.findings]
        own = [*carried, *PERSON_REASONS, "situation", *findings]
        last = self._levels("cells", printed.selects(names, own), f"{PREFIX}numbered")
        places = self.program.outputs.items()
        by_output = {output: names[row] for output, place in places if (row := f"row.{place}") in names}
        used = {output: name for output, name in names.items() if output in later}
        columns: Select = [(name, name) for name in (*carried, *PERSON_REASONS, "situation", *used.values())]
        self.parts.append((f"{PREFIX}told", self.words.select([*columns, *self.reasons.read(by_output)], last)))
        return {output: (name, name) for output, name in used.items()}

    def _facts(self, within: Program, names: dict[str, Cell], tables: KeyTables, carried: list[str]) -> None:
        """Add the facts of each row under each of its keys."""
        limits = [f"limit_{number}" for number in range(len(tables.columns))]
        traits = {str(step.value) for step in within.steps if step.op is Op.TRAIT}
        cells = {
            name: (limit, f"(({limit} = 1) IS TRUE)" if name in traits else limit)
            for name, limit in zip(tables.columns, limits, strict=True)
        }
        own = [*carried, *(name for name, _ in names.values())]
        columns: Select = [(name, f"t.{name}") for name in dict.fromkeys(own)]
        columns += [(name, f"c.{name}") for name in ("of_ages", "of_stages")]
        columns += [(name, f"l.{name}") for name in limits]
        joined = (
            "cbc_told AS t\nLEFT JOIN cbc_choices AS c ON c.situation = t.situation\n"
            "LEFT JOIN cbc_limits AS l ON l.own_limits = c.own_limits"
        )
        self.parts.append((f"{PREFIX}keyed", self.words.select(columns, joined)))
        printed = Levels(within, self.words, {**cells, **names}, "f")
        wanted = {name: _column(name) for name in self._wanted()}
        self._last = self._levels(
            "facts", printed.selects(wanted, [*carried, "of_ages", "of_stages"]), f"{PREFIX}keyed"
        )

    def _wanted(self) -> list[str]:
        return [*self.asked.facts.outputs, NOTHING]

    def _join(self, carried: list[str]) -> None:
        """Add the facts joined over the keys of a row: known where all of them agree."""
        groups = [name for name in carried if name == _ROW or name.startswith("kept_")]
        columns: Select = [(name, name) for name in groups]
        columns += [
            (name, f"BOOL_OR({name})" if name.endswith("_not_stated") else f"MIN({name})")
            for name in carried
            if name not in groups
        ]
        columns += [(name, f"BOOL_OR({name})") for name in ("of_ages", "of_stages")]
        for fact in self._wanted():
            join = _JOINS[join_of(fact)]
            columns.append((_column(fact), f"{join}({_column(fact)})"))
        by_row = f"{self._last}\nGROUP BY {', '.join(groups)}"
        self.parts.append((f"{PREFIX}joined", self.words.select(columns, by_row)))

    def _conclude(self, carried: list[str]) -> dict[str, str]:
        """Add the conclusions, and return the column of each code."""
        cells: dict[str, Cell] = {name: (_column(name), _column(name)) for name in self._wanted()}
        cells |= {AGES: ("of_ages", "(of_ages IS TRUE)"), STAGES: ("of_stages", "(of_stages IS TRUE)")}
        printed = Levels(self.asked.conclusions, self.words, cells, "c")
        codes = {name: f"code_{_column(name)}" for name in self.asked.conclusions.outputs}
        own = [*carried, _column(NOTHING)]
        self._last = self._levels("concluded", printed.selects(codes, own), f"{PREFIX}joined")
        return {**codes, NOTHING: _column(NOTHING)}

    def _answers(self, kept: Mapping[str, str], codes: dict[str, str], made_with: str) -> str:
        identifier = self.words.identifier
        columns: Select = [(identifier(column), name) for name, column in kept.items()]
        for name in self.asked.columns:
            if name in self.asked.words:
                code, said = self.asked.words[name]
                cases = " ".join(f"WHEN {number} THEN {self.words.text(word)}" for number, word in enumerate(said))
                columns.append((name, f"CASE {codes[code]} {cases} END"))
            elif name in self.asked.grades:
                code = codes[self.asked.grades[name]]
                columns.append((name, f"CASE WHEN {code} >= 0 THEN {code} END"))
            else:
                columns.append((name, codes[name]))
        columns.append(("reasons", self.reasons.text(codes)))
        columns += [("screened_with", self.words.text(made_with)), ("notice", self.words.text(NOTICE))]
        listed = ",\n  ".join(f"{own} AS {name}" for name, own in columns)
        return f"SELECT\n  {listed}\nFROM {self._last}"


def _column(name: str) -> str:
    """Return a name of the kernel as a column."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
