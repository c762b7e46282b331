"""What an exported definition answers, and the part of the kernel's programs that its answers need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cbc_screen.kernel.conclusions import SEVERAL, SEVERAL_STAGES
from cbc_screen.kernel.program import Op, Program, Step, needed
from cbc_screen.kernel.rules import Given
from cbc_screen.kernel.screen import Kernel
from cbc_screen.report.flags import reasons_of_codes
from cbc_screen.report.layout import FlagLayout, layout_of
from cbc_screen.vocabulary import Reason

INPUTS = frozenset({Op.INPUT, Op.FLAG, Op.CODE_INPUT})
CONSTANTS = frozenset({Op.CONST, Op.CODE_CONST})
_OF_A_KEY = frozenset({Op.LIMIT, Op.TRAIT})
_WORDS = (
    *("pattern", "red_line", "white_line", "white_line_unadjusted", "red_line_unadjusted", "platelet_line"),
    *("white_line_basis", "severity", "severity_min"),
)
_NUMBERS = ("lines_low_min", "lines_low_max")


@dataclass(frozen=True)
class Asked:
    """The answers of an exported definition.

    `words` and `grades` are columns of flags with the code behind each; `reasons` are the codes that tell why
    something is unknown. `facts` is worked out for each key of a person, `conclusions` once from the joined facts.
    """

    layout: FlagLayout
    words: Mapping[str, tuple[str, tuple[str, ...]]]
    numbers: tuple[str, ...]
    grades: Mapping[str, str]
    reasons: tuple[tuple[str, tuple[str, Reason]], ...]
    facts: Program
    conclusions: Program

    @property
    def columns(self) -> list[str]:
        """The columns of answers, in the order that flags have."""
        own = {*self.words, *self.numbers, *self.grades}
        return [name for name in self.layout.column_names if name in own]


def asked_of(kernel: Kernel, given: Given) -> Asked:
    """Return the answers that a kernel gives of some inputs, and the programs behind them."""
    layout = layout_of(kernel.rules)
    words = {name: own for name, own in layout.word_columns.items() if name in _WORDS}
    programs = kernel.programs(given)
    told = set(programs.conclusions.outputs)
    reasons = [pair for pair in reasons_of_codes(tuple(layout.analytes)) if pair[0] in told]
    names = [code for code, _ in words.values()] + [*_NUMBERS, *layout.grade_columns.values()]
    conclusions = pruned(programs.conclusions, [*names, *(code for code, _ in reasons), SEVERAL, SEVERAL_STAGES])
    facts = pruned(programs.facts, [name for name in inputs_of(conclusions) if name in programs.facts.outputs])
    return Asked(layout, words, _NUMBERS, layout.grade_columns, tuple(reasons), facts, conclusions)


def answering_inputs(kernel: Kernel, given: Given) -> set[str]:
    """Return the names of the inputs that can change an answer."""
    layout = layout_of(kernel.rules)
    programs = kernel.programs(given)
    codes = [code for name, (code, _) in layout.word_columns.items() if name in _WORDS]
    own = pruned(programs.conclusions, [*codes, *_NUMBERS, *layout.grade_columns.values()])
    facts = [name for name in inputs_of(own) if name in programs.facts.outputs]
    return set(inputs_of(pruned(programs.facts, facts)))


def pruned(program: Program, outputs: Iterable[str]) -> Program:
    """Return the part of a program that some outputs need."""
    own = {name: program.outputs[name] for name in dict.fromkeys(outputs)}
    order = needed(own.values(), lambda node: program.steps[node].arguments)
    return _placed(program.steps, order, own)


def inputs_of(program: Program) -> list[str]:
    """Return the names of what a program takes."""
    return [str(step.value) for step in program.steps if step.op in INPUTS]


def linked(first: Program, second: Program) -> Program:
    """Return one program in which the outputs of the first are the inputs of the second; all outputs stay."""
    steps: list[Step] = list(first.steps)
    place: list[int] = []
    for step in second.steps:
        if step.op in INPUTS and step.value in first.outputs:
            place.append(first.outputs[str(step.value)])
            continue
        steps.append(Step(step.op, tuple(place[argument] for argument in step.arguments), step.value))
        place.append(len(steps) - 1)
    outputs = {**first.outputs, **{name: place[own] for name, own in second.outputs.items()}}
    order = needed(outputs.values(), lambda node: steps[node].arguments)
    return _placed(steps, order, outputs)


def split(program: Program) -> tuple[Program, Program]:
    """Return the part of a program that is the same for every key of a row, and the rest, which takes what that gives."""
    late: list[bool] = []
    for step in program.steps:
        late.append(step.op in _OF_A_KEY or any(late[argument] for argument in step.arguments))
    crossing = {
        argument
        for number, step in enumerate(program.steps)
        if late[number]
        for argument in step.arguments
        if not late[argument] and program.steps[argument].op not in CONSTANTS
    }
    crossing |= {place for place in program.outputs.values() if not late[place]}
    names = {place: f"row.{place}" for place in sorted(crossing)}
    steps = [Step(Op.INPUT, (), names[n]) if n in names else step for n, step in enumerate(program.steps)]
    order = needed(program.outputs.values(), lambda node: steps[node].arguments)
    first = {name: place for place, name in names.items()}
    before = needed(first.values(), lambda node: program.steps[node].arguments)
    return _placed(program.steps, before, first), _placed(steps, order, program.outputs)


def _placed(steps: Sequence[Step], order: Sequence[int], outputs: Mapping[str, int]) -> Program:
    place = {node: number for number, node in enumerate(order)}
    own = tuple(Step(steps[n].op, tuple(place[a] for a in steps[n].arguments), steps[n].value) for n in order)
    return Program(own, {name: place[node] for name, node in outputs.items()})
