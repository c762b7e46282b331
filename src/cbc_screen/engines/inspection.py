"""profile: what an unknown file is, what of it is recognized, and a draft profile to edit."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import yaml

from cbc_screen.engines.collected import CollectedSource
from cbc_screen.engines.inputs import Streams, expand, open_inputs
from cbc_screen.engines.notation import Notation, count_cells
from cbc_screen.engines.opening import Opening
from cbc_screen.engines.unit_sample import RowSample, columns_of, read_samples
from cbc_screen.engines.unit_suspicion import Suspicion, rows_of, suspicions
from cbc_screen.engines.unit_words import sentence
from cbc_screen.errors import UsageError, one_line_errors
from cbc_screen.ingest.compressed import unpacked
from cbc_screen.ingest.encodings import LOOKED_AT, encodings_of
from cbc_screen.ingest.open import MESSAGES, format_of, open_table
from cbc_screen.ingest.source import SourceBatch
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.fold import plain_name
from cbc_screen.knowledge.profiles import Profile, Shape, find_profile, recognized
from cbc_screen.knowledge.quantities import Factor
from cbc_screen.knowledge.specimens import PATIENT
from cbc_screen.normalize.codes import NO_REASON, REASONS
from cbc_screen.normalize.columns import Normalized, normalize_table
from cbc_screen.normalize.people import letters_of, with_sex_letters
from cbc_screen.normalize.plain_results import declares_results, plain_results
from cbc_screen.normalize.plan import Plan, make_plan
from cbc_screen.normalize.quoted import QuotedNames
from cbc_screen.normalize.value import POINT, NumberFormat
from cbc_screen.summary import Inspection
from cbc_screen.vocabulary import Format

_SHOWN, _UNITS_SHOWN = 20, 4
_OFTEN = 3  # results that must have a text before it is shown: what stands once may have been typed about a person
_UNIT = re.compile(r"[\w.,^*/%µμ()\[\]{} -]{1,20}")


@one_line_errors("the look at the file")
def inspect(source: str | Path, opening: Opening) -> Inspection:
    """Look at a file: a table by its first batch, messages as a whole."""
    names = expand([source])
    if len(names) > 1:
        raise UsageError(f"profile looks at one file, and {len(names):,} match: name one of them")
    with ExitStack() as undo:
        path = Streams(None, undo, opening.reading).path(names[0])
        return _inspect(path, replace(opening, reading=replace(opening.reading, query=None, table=None)))


def _inspect(path: Path, opening: Opening) -> Inspection:
    kind = format_of(path, opening.reading)
    if kind in MESSAGES:
        return _inspect_results(path, Inspection(kind, shape="messages"), opening)
    fitting = _encodings(path, kind, opening)
    if fitting:
        opening = replace(opening, reading=replace(opening.reading, encoding=fitting[0]))
    found = _inspect_table(path, kind, opening)
    if fitting:
        found.to_declare.insert(
            0,
            f"encoding: the bytes are not UTF-8 and fit {', '.join(fitting)}; {fitting[0]} was taken for this look: "
            f"see whether the words are whole, and say encoding={fitting[0]!r} (--encoding {fitting[0]})",
        )
    if found.draft:
        found.draft = "".join(f"# To declare. {text}\n" for text in found.to_declare) + found.draft
    return found


def _encodings(path: Path, kind: Format, opening: Opening) -> list[str]:
    """Return the encodings that a text fits of which none is declared."""
    if kind is not Format.CSV or opening.reading.encoding is not None:
        return []
    try:
        open_table(path, kind, opening.reading)
    except UsageError:
        with (
            path.open("rb") as file,
            suppress(OSError, EOFError, zlib.error),
        ):  # what is damaged is told when it is opened
            return encodings_of(unpacked(file, path).read(LOOKED_AT))
    return []


def _inspect_table(path: Path, kind: Format, opening: Opening) -> Inspection:
    knowledge, columns, own = opening.knowledge, opening.columns, opening.reading.profile
    headers = open_table(path, kind, opening.reading).headers
    profile = find_profile(own, knowledge) if own is not None else recognized(headers, knowledge)
    found = Inspection(kind, profile.id if profile is not None else None)
    plain = None
    if profile is None and (declares_results(columns) or not _names_analytes(headers, opening)):
        plain = plain_results(knowledge, headers, columns)
    if plain is not None or (profile is not None and profile.shape is Shape.LONG):
        found.shape = "long" if profile is not None else "long, of no known profile"
        _inspect_results(path, found, opening)
        if plain is not None:
            _draft_long(path, found, headers, plain, knowledge)
        return found
    return _inspect_wide(path, found, opening)


def _names_analytes(headers: list[str], opening: Opening) -> bool:
    try:
        return make_plan(opening.knowledge, headers, opening.declared).names_counts(opening.knowledge)
    except UsageError:
        return True  # two columns of one analyte: told when the table is opened


def _inspect_wide(path: Path, found: Inspection, opening: Opening) -> Inspection:
    found.shape, knowledge = "wide", opening.knowledge
    with ExitStack() as undo:
        try:
            entry = open_inputs([str(path)], None, undo, opening)[0]
        except UsageError as problem:
            found.refused.append(str(problem))
            return found
        plan = entry.plan
        batch = next(iter(entry.source.batches(entry.wanted)), None)
        if batch is None:
            found.refused.append("the table has no row")
            return found
        plan = with_sex_letters(plan, letters_of(batch.columns, plan, knowledge), knowledge)
        found.language = " or ".join(plan.languages)
        normalized = normalize_table(batch.columns, len(batch.lines), plan, knowledge, use_reported=True)
        found.suspect = _suspect(suspicions(knowledge, rows_of(normalized, knowledge)), plan, knowledge)
        found.to_declare = _to_declare(batch, normalized, plan, knowledge)
    for name, column in plan.people.items():
        found.recognized.append(f"{name:<24}{column:<28}{_reasons(normalized.reasons.get(name)).removeprefix('; ')}")
    for field, column in plan.specimens:
        if field == PATIENT:
            continue
        kinds = _reasons(normalized.specimens)
        found.recognized.append(f"{'specimen':<24}{column:<28}tells the kind of specimen ({field}){kinds}")
    for analyte, own in plan.analytes.items():
        unit = own.unit or plan.declared.unit(knowledge, analyte) or ("by row" if own.unit_column else "no unit")
        low = normalized.batch.low[analyte]
        if (low == low).any():
            found.found.append(analyte)
        results = f"{int((low == low).sum()):,} results, {unit}"
        found.recognized.append(f"{analyte:<24}{own.column:<28}{results}{_reasons(normalized.reasons.get(analyte))}")
    found.refused += [f"{column}: {why}" for column, why in plan.refused.items()]
    found.not_read = list(plan.ignored)
    found.draft = _draft_wide(path, found, plan, knowledge, opening)
    return found


def _to_declare(batch: SourceBatch, normalized: Normalized, plan: Plan, knowledge: Knowledge) -> list[str]:
    """Say what must be declared, and what else once the decimal mark is."""
    found = _undeclared(normalized, plan)
    if plan.declared.number_format == POINT:
        marked = replace(plan, declared=replace(plan.declared, number_format=NumberFormat(",")))
        again = normalize_table(batch.columns, len(batch.lines), marked, knowledge, use_reported=True)
        told = {text.partition(": ")[2] for text in found}
        mark = any("decimal=" in text for text in told)
        found += [text for text in _undeclared(again, marked) if mark and text.partition(": ")[2] not in told]
    return found


def _undeclared(normalized: Normalized, plan: Plan) -> list[str]:
    notation = Notation()
    notation.add(count_cells(normalized))
    return notation.sentences(plan)


def _suspect(doubts: Mapping[str, Suspicion], plan: Plan, knowledge: Knowledge) -> list[str]:
    return [
        f"{analyte}: {sentence(knowledge, plan, analyte, doubt, accepted=False)}" for analyte, doubt in doubts.items()
    ]


def _reasons(codes: object) -> str:
    if not isinstance(codes, np.ndarray):
        return ""
    counts = Counter(codes[codes != NO_REASON].tolist())
    return "".join(f"; {many:,} {REASONS[code]}" for code, many in counts.most_common(3))


def _inspect_results(path: Path, found: Inspection, opening: Opening) -> Inspection:
    knowledge = opening.knowledge
    with ExitStack() as undo:
        entry = open_inputs([str(path)], None, undo, opening)[0]
        source = entry.source
        assert isinstance(source, CollectedSource)
        found.language = " or ".join(entry.plan.languages)
        sample = RowSample(knowledge.unit_suspect.sample)
        wanted = columns_of(entry.plan)
        for batch in source.batches(wanted):
            sample.add(batch.columns, len(batch.lines))
        (rows,) = read_samples([sample], entry.plan, knowledge)
        found.suspect = _suspect(suspicions(knowledge, rows), entry.plan, knowledge)
        counts, units = source.result_counts, source.units_seen
        found.found += [analyte for analyte in knowledge.analytes if source.analyte_counts[analyte]]
        for analyte, many in source.analyte_counts.most_common():
            own = ", ".join(
                f"{unit or 'no unit'} ({times:,})" for unit, times in _shown_units(units[analyte], knowledge)
            )
            found.recognized.append(f"{analyte:<24}{many:>10,} results   {own}")
        found.refused += [f"{reason}: {many:,} results" for reason, many in counts.rejected.items()]
        found.refused += [f"{kind}: {many:,} without results" for kind, many in counts.without_results.items()]
        found.not_read = [f"{name} ({many:,})" for name, many in _shown_names(source.left_out)]
    return found


def _shown_units(units: Counter[str], knowledge: Knowledge) -> Iterator[tuple[str, int]]:
    """Yield the units of an analyte; one that is not known, and that few results have, may be a text about a person."""
    hidden = Counter({unit: many for unit, many in units.items() if not _may_show_unit(unit, many, knowledge)})
    yield from Counter({unit: many for unit, many in units.items() if unit not in hidden}).most_common(_UNITS_SHOWN)
    if hidden:
        yield f"{len(hidden)} not known", hidden.total()


def _may_show_unit(unit: str, many: int, knowledge: Knowledge) -> bool:
    known = any(isinstance(table.find(unit), Factor) for table in knowledge.units.values())
    return not unit or known or (many >= _OFTEN and _UNIT.fullmatch(unit) is not None)


def _shown_names(names: Counter[str]) -> Iterator[tuple[str, int]]:
    """Yield the names of what is no part of a count; one that few results have may be a text about a person."""
    often = Counter({name: many for name, many in names.items() if many >= _OFTEN})
    yield from often.most_common(_SHOWN)
    if rare := len(names) - len(often):
        yield f"{rare} other names, each of fewer than {_OFTEN} results, are not shown", names.total() - often.total()


def _draft_long(path: Path, found: Inspection, headers: list[str], plain: Profile, knowledge: Knowledge) -> None:
    """Add the columns of a table of results, and a draft of its profile that scans it as it is scanned without one."""
    quoted = QuotedNames(knowledge, headers)
    pairs = [(part, column) for part, columns in plain.columns.items() for column in columns]
    read = {column for _, column in pairs}
    chosen = {part: columns[0] if len(columns) == 1 else list(columns) for part, columns in plain.columns.items()}
    found.recognized = [*(f"{part:<24}{column}" for part, column in pairs), *found.recognized]
    found.not_read = [*(quoted.name(own) for own in headers if own and own not in read), *found.not_read]
    draft = {**_head(path, "long"), "columns": chosen, "expected": found.found}
    if plain.header_age_unit is not None:
        draft["age_unit"] = plain.header_age_unit
    if plain.units:
        draft["units"] = dict(plain.units)
    found.draft = _yaml(draft)


def _draft_wide(path: Path, found: Inspection, plan: Plan, knowledge: Knowledge, opening: Opening) -> str:
    units = {analyte: own.unit or plan.declared.unit(knowledge, analyte) for analyte, own in plan.analytes.items()}
    draft: dict[str, object] = {
        **_head(path, "wide"),
        "columns": {**plan.people, **{analyte: own.column for analyte, own in plan.analytes.items()}},
        "units": {analyte: unit for analyte, unit in units.items() if unit},
        "expected": found.found,
    }
    if plan.age_unit:
        draft["age_unit"] = plan.age_unit
    draft |= _declared(plan, opening)
    if len(plan.languages) == 1:
        draft["language"] = plan.languages[0]
    missing = [analyte for analyte, own in plan.analytes.items() if not units[analyte] and not own.unit_column]
    note = f"# Units to be stated under units: {', '.join(missing)}\n" if missing else ""
    return note + _yaml(draft)


def _declared(plan: Plan, opening: Opening) -> dict[str, object]:
    """Return what was declared, under the keys of a profile."""
    own, reading = plan.declared, opening.reading
    marks = {} if own.number_format == POINT else {"decimal": own.number_format.decimal}
    if own.number_format.thousands:
        marks["thousands"] = own.number_format.thousands
    said: dict[str, object] = {
        **marks,
        "date_format": dict(own.date_formats) or own.date_format,
        "sex_codes": dict(own.sex_codes or {}),
        "pregnancy_codes": dict(own.pregnancy_codes or {}),
        "accept_units": sorted(opening.accept_units),
        "encoding": reading.encoding,
        "delimiter": reading.delimiter,
        "sheet": reading.sheet,
        "skip_lines": reading.skip_lines,
        "unit_spellings": dict(opening.spellings),
    }
    return {name: value for name, value in said.items() if value}


def _head(path: Path, shape: str) -> dict[str, object]:
    return {"id": plain_name(path.name.split(".")[0]).replace(" ", "_") or "own", "title": "to be written",
            "shape": shape, "source": "to be written"}  # fmt: skip


def _yaml(draft: dict[str, object]) -> str:
    return yaml.safe_dump(draft, sort_keys=False, allow_unicode=True)
