"""Walk one hemoglobin value, one limit and one rule through the library, and print every form they take on the way.

Usage: python tools/walk.py

Nothing is worked out here: each form is what the library's own function returns. `docs/architecture.md` shows what is
printed (`tools/write_architecture.py`).
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from cbc_screen.engines.inputs import open_inputs  # noqa: E402
from cbc_screen.kernel.bits import BitNode  # noqa: E402
from cbc_screen.kernel.configuration import Configuration  # noqa: E402
from cbc_screen.kernel.configure import build_kernel  # noqa: E402
from cbc_screen.kernel.definition import build_programs  # noqa: E402
from cbc_screen.kernel.passes import PASSES, Compilation  # noqa: E402
from cbc_screen.kernel.program import Builder, Program  # noqa: E402
from cbc_screen.kernel.scalar import scalar_source  # noqa: E402
from cbc_screen.kernel.screen import given_inputs  # noqa: E402
from cbc_screen.kernel.step_plan import CALL, PACK, SELECT, TAKE  # noqa: E402
from cbc_screen.kernel_batch import Batch  # noqa: E402
from cbc_screen.kernel_inputs import Person  # noqa: E402
from cbc_screen.knowledge import load_knowledge  # noqa: E402
from cbc_screen.knowledge.files import read_text, reference_ranges_root  # noqa: E402
from cbc_screen.normalize.age import parse_age  # noqa: E402
from cbc_screen.screener import Screener  # noqa: E402
from cbc_screen.source import Source  # noqa: E402
from cbc_screen.vocabulary import LineState, Pregnancy, Sex, State  # noqa: E402

ANALYTE, RULE = "hemoglobin", "notify_hemoglobin"
STEP_KINDS = {CALL: "call", TAKE: "take", SELECT: "select", PACK: "pack"}
EXPORT = "age,sex,HGB (g/dL)\n54 y,F,6.8\n"
AGE, SEX = "54 y", Sex.FEMALE


def walk() -> Iterator[str]:
    """Yield the lines of the walk."""
    batch = yield from a_value()
    yield ""
    yield from a_limit(batch)
    yield ""
    yield from a_rule(batch)


def a_value() -> Generator[str, None, Batch]:
    """From a cell of a CSV file to flags; returns what the kernel takes of it."""
    yield "A VALUE, FROM A CELL TO FLAGS"
    screener = Screener()
    engine, opening = screener.engine, screener._opening(Source())
    with TemporaryDirectory() as folder, ExitStack() as undo:
        path = Path(folder) / "export.csv"
        path.write_text(EXPORT, encoding="utf-8")
        yield from form("the file", *EXPORT.splitlines())
        (entry,) = open_inputs([str(path)], None, undo, opening)
        yield from form("ingest: headers", entry.source.headers)
        (batch,) = entry.source.batches(entry.wanted)
        columns = {name: column.to_pylist() for name, column in batch.columns.items()}
        yield from form("ingest: columns of texts, and the line of each row", columns, batch.lines.tolist())
        own = entry.plan.analytes[ANALYTE]
        yield from form("normalize: the plan", f"{ANALYTE}: column {own.column!r} in {own.unit}", entry.plan.people)
        normalized = engine.normalize(batch.columns, len(batch.lines), entry.plan)
    rows = normalized.batch
    unit = engine.knowledge.analytes[ANALYTE].unit
    yield from form(
        "normalize: an interval in the canonical unit; the age in days and months",
        f"{ANALYTE}: low {rows.low[ANALYTE].tolist()}, high {rows.high[ANALYTE].tolist()} {unit}",
        f"days {rows.days_low.tolist()} to {rows.days_high.tolist()}, months {rows.months_low.tolist()} to {rows.months_high.tolist()}",
    )
    answers = engine.kernel.screen(rows)
    state, line = int(answers[f"state.{ANALYTE}"][0]), int(answers["line.red"][0])
    yield from form(
        "kernel: codes",
        f"state.{ANALYTE} = {state} ({tuple(State)[state]})",
        f"line.red = {line} ({tuple(LineState)[line]})",
        f"trigger.{RULE} = {bool(answers[f'trigger.{RULE}'][0])}",
    )
    (flags,) = engine.table(normalized, answers, detail=False).to_pylist()
    shown = ("red_line", "white_line", "pattern", "severity", "urgency", "review_triggers")
    yield from form("report: flag columns", *(f"{name}: {flags[name]}" for name in shown))
    result = screener.screen({"age": AGE, "sex": str(SEX), ANALYTE: "6.8 g/dL"})
    yield from form("the same through the door of one record", f"equal flags: {result.flags() == flags}")
    return rows


def a_limit(batch: Batch) -> Iterator[str]:
    """From a row of a table of reference ranges to a comparison."""
    yield "A LIMIT, FROM ITS TABLE TO A COMPARISON"
    kernel = build_kernel(load_knowledge(), Configuration())
    age, _ = parse_age(AGE, None, load_knowledge().age_implausible_from)
    (key,) = kernel.limits.keys(Person(age, SEX, Pregnancy.NONE))
    row = kernel.limits.interval_rows[ANALYTE][key]
    assert row is not None
    name = f"intervals/{row.set}.csv"
    text = read_text(reference_ranges_root(), name).splitlines()[row.line - 1]
    yield from form(f"reference_ranges/{name}", text)
    yield from form(
        "knowledge: a checked row",
        f"{row.analyte}, {row.sex}, {row.age_text}, pregnancy {row.pregnancy}: {row.lower} to {row.upper} {row.unit}",
    )
    column = f"lower:{ANALYTE}"
    yield from form(
        f"kernel: the limit {column} of the key of a woman of {AGE}",
        f"{column} = {kernel.limits.table.column(column)[key]}",
    )
    programs = build_programs(kernel.rules, given_inputs(batch))
    for fact in (f"{ANALYTE}.low.yes", f"{ANALYTE}.low.no"):
        yield from form(f"kernel: the steps of the fact {fact}", *steps(only(programs.facts, fact)))
    program = only(programs.facts, f"{ANALYTE}.low.yes")
    compilation = Compilation(program, kernel.limits.table)
    yield from form("kernel: the passes that make columns of them", *passes(compilation))
    yield from form(
        f"kernel: printed for one record; i0 is {ANALYTE}.low, and {kernel.limits.columns[column]} the place of {column}",
        *scalar_source(program, kernel.limits.columns).splitlines(),
    )


def passes(compilation: Compilation) -> Iterator[str]:
    """Run every pass over a program of one fact, and say what it made."""
    for own in PASSES:
        own.run(compilation)
        yield f"{own.name}: {own.makes}"
        c = compilation
        match own.name:
            case "lower":
                yield from (f"    n{number} = {node_text(node)}" for number, node in enumerate(c.lowered.nodes))
            case "place answers":
                yield f"    {c.rows_of_planes}"
            case "fold by key":
                yield f"    {[f'n{number}: {len(column)} keys' for number, column in c.folded.numbers.items()]}"
            case "find homes":
                yield f"    {list(c.homes)}"
            case "group predicates":
                yield f"    {dict(c.units)}"
            case "order steps":
                yield f"    {[STEP_KINDS[kind] for kind, *_ in c.plan.small]}"
            case "assign numbers":
                yield f"    {c.plan.number_rows} rows of numbers"
            case "plan logic":
                yield f"    {len(c.plan.large)} steps on packed bits"


def node_text(node: BitNode) -> str:
    """Return a node as a line of text."""
    arguments = ", ".join(f"n{argument}" for argument in node.arguments)
    return f"{node.op}({arguments})" if node.arguments else f"{node.op} {node.value}"


def a_rule(batch: Batch) -> Iterator[str]:
    """From the YAML of a rule to its column."""
    yield "A RULE, FROM ITS YAML TO ITS COLUMN"
    knowledge = load_knowledge()
    kernel = build_kernel(knowledge, Configuration())
    texts = read_text(reference_ranges_root(), "review_triggers.yaml").splitlines()
    (text,) = (line.strip() for line in texts if f"id: {RULE}," in line)
    yield from form("reference_ranges/review_triggers.yaml", text)
    (rule,) = (rule for rule in knowledge.checks.active if rule.id == RULE)
    yield from form("knowledge: its predicate", rule.when)
    programs = build_programs(kernel.rules, given_inputs(batch))
    name = f"trigger.{RULE}"
    yield from form("kernel: the steps of its conclusion", *steps(only(programs.fused, name)))
    result = Screener().screen({"age": AGE, "sex": str(SEX), ANALYTE: "6.8 g/dL"})
    (fired,) = (found for found in result.review_triggers if found.id == RULE)
    yield from form("report: in the column", f"review_triggers: {result.flags()['review_triggers']}")
    yield from form("report: in a result", f"{fired.id}: {fired.text}")


def only(program: Program, output: str) -> Program:
    """Return the part of a program that one output needs."""
    return Builder(list(program.steps)).program({output: program.outputs[output]})


def steps(program: Program) -> list[str]:
    """Write the steps of a program, one a line."""
    texts = []
    for number, step in enumerate(program.steps):
        what = [*(f"s{argument}" for argument in step.arguments), *([] if step.value is None else [str(step.value)])]
        texts.append(f"s{number} = {step.op} {' '.join(what)}")
    return texts


def form(title: str, *what: object) -> Iterator[str]:
    """Write one form."""
    yield f"  {title}"
    for one in what:
        yield from textwrap.wrap(str(one), 108, initial_indent="    ", subsequent_indent="      ")


if __name__ == "__main__":
    print("\n".join(walk()))
