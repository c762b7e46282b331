"""screen_frame: a frame in memory, in slices that fit the cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cbc_screen.arrays import from_numpy, from_texts, is_text
from cbc_screen.engines.notation import Notation, count_cells
from cbc_screen.engines.opening import Opening
from cbc_screen.engines.unit_sample import chosen, columns_of, numbers_of
from cbc_screen.engines.unit_suspicion import Suspicion, suspicions
from cbc_screen.engines.unit_words import sentence
from cbc_screen.errors import UsageError
from cbc_screen.ingest.frames import from_arrow, headers, plain_frame, to_arrow
from cbc_screen.ingest.repeated_header import require_one_order
from cbc_screen.kernel.answers import Answers
from cbc_screen.kernel.published import PublishedSets
from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.fold import fold_word
from cbc_screen.knowledge.profiles import Profile, Shape, find_profile, recognized, require_columns
from cbc_screen.logs import LOG, warn
from cbc_screen.normalize.arrow import as_text, distinct
from cbc_screen.normalize.codes import NO_REASON
from cbc_screen.normalize.columns import Normalized, normalize_table, set_aside
from cbc_screen.normalize.declared import Declared
from cbc_screen.normalize.people import letters_in_doubt, letters_of, with_sex_letters
from cbc_screen.normalize.plan import Plan, make_plan, with_profile
from cbc_screen.normalize.received import SOURCE_FILE
from cbc_screen.report.detail import detail_columns
from cbc_screen.report.flags import carried_table, flags_table
from cbc_screen.report.layout import layout_of
from cbc_screen.report.published import published_columns

if TYPE_CHECKING:
    import pyarrow as pa

SLICE = 262_144
_READ = {"rejected", "results"}  # attributes of a frame that `read` made
_BARE_NUMBER = r"^[^\pL%]*\d[^\pL%]*$"


@dataclass(frozen=True)
class Engine:
    """What tables are screened with: one configuration, compiled."""

    knowledge: Knowledge
    kernel: Kernel
    ranges: str
    use_reported: bool
    described: Mapping[str, Any]  # the configuration in words, for the manifest
    published: PublishedSets | None = None  # what every line is held against besides, where it was asked for

    def of(self, opening: Opening) -> Engine:
        """Return the engine that knows the spellings of units of a source."""
        if not opening.spellings:
            return self
        described = {**self.described, "unit_spellings": {**self.described["unit_spellings"], **opening.spellings}}
        return replace(self, knowledge=opening.knowledge, described=described)

    def normalize(self, columns: Mapping[str, Any], rows: int, plan: Plan) -> Normalized:
        """Normalize columns under a plan."""
        normalized = normalize_table(columns, rows, plan, self.knowledge, use_reported=self.use_reported)
        if not plan.suspect:
            return normalized
        files = as_text(columns[SOURCE_FILE]).to_pylist() if any(plan.suspect.values()) else []
        rows_of = {own: np.array([file in own for file in files]) for own in set(plan.suspect.values()) if own}
        return set_aside(normalized, {analyte: rows_of.get(own) for analyte, own in plan.suspect.items()})

    def table(self, normalized: Normalized, answers: Answers, *, detail: bool, lists: bool = True) -> pa.Table:
        """Word the answers of a normalized batch: its flag columns; without `lists` these are carried as bytes."""
        words = flags_table if lists else carried_table
        table = words(layout_of(self.kernel.rules), answers, normalized.reasons)
        if self.published is not None:
            beside = published_columns(self.published, self.published.screen(normalized.batch))
            for name, array in beside.items():
                table = table.append_column(name, array)
        if detail:
            for name, array in detail_columns(self.kernel, normalized.batch).items():
                table = table.append_column(name, array)
        return table


def screen_frame(
    engine: Engine,
    frame: Any,
    opening: Opening,
    *,
    detail: bool,
) -> Any:
    """Screen a frame; see `Screener.screen_frame`."""
    import pyarrow as pa

    ready = prepare(engine, frame, opening)
    engine, plan, arrays, rows = ready.engine, ready.plan, ready.arrays, ready.rows
    parts, notation = [], Notation()
    for start in range(0, max(rows, 1), SLICE):
        part = {name: array.slice(start, SLICE) for name, array in arrays.items()}
        normalized = engine.normalize(part, min(SLICE, rows - start), plan)
        notation.add(count_cells(normalized))
        parts.append(engine.table(normalized, engine.kernel.screen(normalized.batch), detail=detail))
    notation.warn(plan)
    LOG.info("frame: %d rows screened, %d analytes read", rows, len(plan.analytes))
    table = parts[0] if len(parts) == 1 else pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    return from_arrow(table, frame)


@dataclass(frozen=True)
class Prepared:
    """A frame whose columns are understood: what is left is to normalize its rows and to screen them."""

    engine: Engine
    plan: Plan
    arrays: Mapping[str, pa.Array]
    rows: int

    def place_of(self, row: int) -> int:
        """Return the place of a row, which may be counted from the end."""
        if not self.rows:
            raise UsageError("the frame has no row")
        place = None if isinstance(row, bool) or not hasattr(row, "__index__") else row.__index__()
        if place is None or not -self.rows <= place < self.rows:
            raise UsageError(
                f"row is a place in the frame, a whole number from 0 to {self.rows - 1} (or from the end, -1)"
            )
        return place % self.rows


def prepare(engine: Engine, frame: Any, opening: Opening) -> Prepared:
    """Work out what the columns of a frame are, and look at their units and at the letters for sex."""
    plan, arrays = read_frame(frame, opening)
    engine, rows = engine.of(opening), rows_of(arrays)
    _warn_of_units(engine.knowledge, plan, arrays)
    if plan.declared.sex_doubt:
        warn(f"sex: {letters_in_doubt(plan.declared.sex_doubt)}")
    doubts = _doubts(engine.knowledge, arrays, rows, plan)
    plan = replace(plan, suspect={analyte: () for analyte in doubts if analyte not in opening.accept_units})
    for analyte in plan.suspect:
        warn(f"{analyte}: {sentence(engine.knowledge, plan, analyte, doubts[analyte], accepted=False)}")
    return Prepared(engine, plan, arrays, rows)


def read_frame(frame: Any, opening: Opening) -> tuple[Plan, dict[str, pa.Array]]:
    """Return how a frame of one count a row is read, with the columns that are."""
    frame = plain_frame(frame)
    names, knowledge = headers(frame), opening.knowledge
    declared, columns, own = opening.declared, opening.columns, opening.reading.profile
    if getattr(frame, "attrs", {}).keys() >= _READ:
        # What `read` was told of a column stands in its name: the same description of the source holds of both.
        columns = {name: column for name, column in columns.items() if column in names or name not in names}
    # What the caller says of the columns is all of it, unless a profile is named.
    profile = profile_of_frame(names, knowledge, own) if own is not None or not columns else None
    if profile is not None:
        declared, columns = of_profile(knowledge, declared, profile, names, columns)
    plan = make_plan(knowledge, names, declared, columns)
    require_analyte(plan)
    if profile is not None:
        required = profile.required - (opening.columns or {}).keys()
        require_columns(profile, profile.columns, required, names, "the frame")
    arrays = to_arrow(frame, list(plan.columns), plan.declared.number_format.decimal)
    require_one_order(arrays, names)
    return with_sex_letters(plan, letters_of(arrays, plan, knowledge), knowledge), arrays


def rows_of(arrays: Mapping[str, pa.Array]) -> int:
    """Return how many rows the columns of a frame have, of which there is one at least."""
    return len(next(iter(arrays.values())))


def profile_of_frame(names: Sequence[str], knowledge: Knowledge, declared: str | None) -> Profile | None:
    """Return the profile of a frame: the declared one, else the shipped one that knows its columns."""
    profile = find_profile(declared, knowledge) if declared is not None else recognized(names, knowledge)
    if profile is not None and profile.shape is not Shape.WIDE:
        raise UsageError(
            f"the frame is of one result a row (profile {profile.id}), and a frame is of one count a row; scan its file, "
            "or give what read() makes of it"
        )
    return profile


def of_profile(
    knowledge: Knowledge,
    declared: Declared,
    profile: Profile,
    names: Sequence[str],
    columns: Mapping[str, str] | None,
) -> tuple[Declared, dict[str, str]]:
    """Fill in what the caller does not declare from the profile of a table of one count a row."""
    there = {fold_word(name): name for name in names}
    own = {name: there[fold_word(c[0])] for name, c in profile.columns.items() if fold_word(c[0]) in there}
    return with_profile(knowledge, declared, profile), {**own, **(columns or {})}


def _warn_of_units(knowledge: Knowledge, plan: Plan, arrays: Mapping[str, pa.Array]) -> None:
    """Say once that no column states a unit, where some number has none in its cell either: it is not used."""
    bare = [
        own.column
        for analyte, own in plan.analytes.items()
        if not (own.unit or own.unit_column or plan.declared.unit(knowledge, analyte))
    ]
    if bare and len(bare) == len(plan.analytes) and any(_has_bare_number(arrays[column]) for column in bare):
        warn(
            "no column states a unit: bare numbers are not used; say what they are in with units=, such as units='us' or "
            "units={'hemoglobin': 'g/dL'}"
        )


def _has_bare_number(array: pa.Array) -> bool:
    """Tell whether some cell is a number with nothing beside it that could be a unit."""
    import pyarrow.compute as pc

    if not is_text(array):
        return bool(array.null_count < len(array))
    texts, _ = distinct(array)
    return pc.any(pc.match_substring_regex(from_texts(texts), _BARE_NUMBER)).as_py() is True


def _doubts(knowledge: Knowledge, arrays: Mapping[str, Any], rows: int, plan: Plan) -> dict[str, Suspicion]:
    """Look at the units of a frame, by some rows that are spread over all of it."""
    columns = {name: arrays[name] for name in columns_of(plan)}
    size = knowledge.unit_suspect.sample
    if rows > size:
        places = from_numpy(chosen(rows, size))
        columns, rows = {name: array.take(places) for name, array in columns.items()}, size
    return suspicions(knowledge, numbers_of(columns, rows, plan, knowledge)) if rows > 1 else {}


def require_analyte(plan: Plan) -> None:
    """Refuse a table in which no result was recognised."""
    if plan.analytes:
        return
    refused = "; ".join(f"{name}: {why}" for name, why in plan.refused.items())
    hint = f" (refused: {refused})" if refused else ""
    raise UsageError(
        f"no column reads as a blood count result; name them with columns= (--columns hemoglobin=...){hint}"
    )


def refused_rows(normalized: Normalized) -> np.ndarray[Any, np.dtype[np.int8]] | None:
    """Return why each row is not to be screened: no patient's blood, or no result; None where all are."""
    empty, specimens = normalized.reasons.get("record"), normalized.specimens
    if empty is None or specimens is None:
        return specimens if empty is None else empty
    return np.where(specimens != NO_REASON, specimens, empty)
