"""What is worked out in a fast way is what the plain definition says, for every input."""

from __future__ import annotations

import statistics
from itertools import combinations, groupby

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbc_screen.kernel_batch import Batch
from cbc_screen.kernel_inputs import SEXES
from cbc_screen.knowledge.loaded import load_measures
from cbc_screen.normalize.value import fold
from cbc_screen.serial import order, person_frame
from cbc_screen.serial.change import Pairs
from cbc_screen.serial.counts import ABSENT, LOW, NOT_LOW, UNKNOWN, CountBlock, put_in_order
from cbc_screen.serial.one_person import Births, _apart, persons_apart
from cbc_screen.serial.persistence import Spell, spells
from cbc_screen.serial.segments import (
    PersonRows,
    all_of,
    any_of,
    begins,
    chosen,
    counted,
    is_one_of,
    last_known,
    put,
)
from cbc_screen.serial.times import DAY, Times, _is_placeholder, _no_day
from cbc_screen.serial.trend import robust_slopes
from cbc_screen.vocabulary import Answer

CODES = st.integers(0, 4)


def starts_of(groups: list[int]) -> np.ndarray:
    return begins(np.array(groups, dtype=np.int64))


@given(st.lists(st.tuples(st.booleans(), CODES, CODES)))
def test_codes_are_chosen_as_where_does(rows: list[tuple[bool, int, int]]) -> None:
    truths = np.array([own for own, _, _ in rows], dtype=np.bool_)
    yes, no = (np.array([own[place] for own in rows], dtype=np.int8) for place in (1, 2))
    assert chosen(truths, yes, no).tolist() == np.where(truths, yes, no).tolist()
    assert chosen(truths, 3, no).tolist() == np.where(truths, 3, no).tolist()
    assert chosen(truths, 3, 127).tolist() == np.where(truths, 3, 127).tolist()
    written = no.copy()
    put(written, truths, 2)
    assert written.tolist() == [2 if own else code for own, _, code in rows]
    assert is_one_of(yes, 1, 4).tolist() == [code in {1, 4} for code in yes.tolist()]
    assert counted(truths).tolist() == np.cumsum(truths).tolist()


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans())))
def test_groups_are_joined_as_one_by_one(rows: list[tuple[int, bool]]) -> None:
    rows.sort(key=lambda own: own[0])
    groups, truths = [group for group, _ in rows], np.array([own for _, own in rows], dtype=np.bool_)
    starts = starts_of(groups)
    parts = [[own for _, own in part] for _, part in groupby(rows, key=lambda own: own[0])]
    assert any_of(truths, starts).tolist() == [any(part) for part in parts]
    assert all_of(truths, starts).tolist() == [all(part) for part in parts]
    before, plain = last_known(truths, starts).tolist(), []
    for place, (group, _) in enumerate(rows):
        known = [at for at in range(place) if rows[at] == (group, True)]
        plain.append(known[-1] if known else -1)
    assert before == plain
    whole = PersonRows(np.arange(len(rows), dtype=np.intp), np.array(groups, dtype=np.int64), every=True)
    assert whole.whose.tolist() == list(dict.fromkeys(groups))
    assert [groups.count(own) for own in whole.whose.tolist()] == whole.sizes.tolist()
    assert whole.repeat(whole.first).tolist() == [groups.index(own) for own in groups]


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=5))
def test_what_is_asked_of_pairs_is_as_the_four_questions(pairs: list[tuple[bool, bool, bool, bool]]) -> None:
    possible, sure, yes, may = (np.array(column, dtype=np.bool_) for column in zip(*pairs, strict=True))
    sure &= possible
    [code] = Pairs(np.zeros(1, dtype=np.intp), sure, possible).ask(yes, may).tolist()
    if (sure & yes).any():
        expected = Answer.YES
    elif sure.any() and not (possible & (yes | may)).any():
        expected = Answer.NO
    else:
        expected = Answer.CANNOT_TELL if possible.any() else Answer.NOT_ASSESSED
    assert list(Answer)[code] == expected


# Order ------------------------------------------------------------------------------------


MOMENTS = st.one_of(
    st.none(), st.integers(0, 3).map(lambda day: (day * DAY, True)), st.integers(0, 3 * DAY).map(lambda s: (s, False)),
    st.sampled_from([(-62_000_000_000, False), (253_000_000_000, False), (0, True), (0, False)]),
)  # fmt: skip


def times_of(moments: list[tuple[int, bool] | None]) -> Times:
    known = np.array([own is not None for own in moments], dtype=np.bool_)
    first = np.array([own[0] if own else 0 for own in moments], dtype=np.int64)
    whole = np.array([bool(own and own[1]) for own in moments], dtype=np.bool_)
    return Times(first, first + np.where(whole, DAY - 1, 0), first // DAY, known, np.zeros_like(known), whole)


@given(st.lists(st.tuples(st.integers(-1, 3), MOMENTS)), st.sampled_from((63, 50, 8)))
def test_rows_come_in_the_order_of_person_and_time(rows: list[tuple[int, tuple[int, bool] | None]], bits: int) -> None:
    person, times = np.array([own for own, _ in rows], dtype=np.int64), times_of([own for _, own in rows])

    def key(row: int) -> tuple[int, bool, int, int]:
        known = bool(times.known[row])
        return int(person[row]), not known, int(times.first[row]) * known, int(times.last[row]) * known

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order, "_BITS", bits)  # fewer bits take the other ways
        assert order.in_order(person, times).tolist() == sorted(range(len(rows)), key=key)


KEYS = st.one_of(st.none(), st.text(max_size=3), st.integers(0, 9).map(str), st.sampled_from(("UNKNOWN", " n/a ", "x1", "１", "-", "不明")))  # fmt: skip


@given(st.lists(KEYS))
def test_persons_are_numbered_as_they_come(keys: list[str | None]) -> None:
    words, numbers = load_measures().words, dict[str, int]()
    whose = [
        numbers.setdefault(key, len(numbers)) if key is not None and words.is_person(fold(key)) else person_frame.NOBODY
        for key in keys
    ]
    column = pa.array(keys, type=pa.string())
    for own in (column, column.dictionary_encode()):
        names, person = person_frame.persons_in(own)
        assert (names.to_pylist(), person.tolist(), names.type) == (list(numbers), whose, own.type)


@given(st.lists(st.one_of(st.none(), st.integers(-3, 9))))
def test_whole_numbers_name_persons_as_their_texts_do(keys: list[int | None]) -> None:
    names, person = person_frame.persons_in(pa.array(keys, type=pa.int64()))
    texts, other = person_frame.persons_in(pa.array([None if own is None else str(own) for own in keys], pa.string()))
    assert person.tolist() == other.tolist()
    assert [str(own) for own in names.to_pylist()] == texts.to_pylist()
    assert names.type == pa.int64()


@given(st.lists(st.sampled_from((-719_162, -25_567, -25_568, 0, 1, 18_000, 2_932_896, 9_000_000))), st.booleans())
def test_days_that_are_none_are_found_by_a_table_too(days: list[int], far: bool) -> None:
    column = np.array([*days, *([10**9] if far else [])], dtype=np.int64)
    assert _is_placeholder(column).tolist() == [_no_day(own) for own in column.tolist()]


def test_few_blocks_are_as_many_for_each_thread() -> None:
    for rows in (1, 65_536, 65_537, 200_000, 262_144, 300_000, 1_000_000):
        block = person_frame._block_of(rows)
        assert block <= person_frame.BLOCK
        parts = -(-rows // block)
        assert rows <= 65_536 or parts % person_frame.AT_ONCE == 0 or block == person_frame.BLOCK


# Persons ----------------------------------------------------------------------------------


ROWS = st.tuples(
    st.integers(0, 3), st.integers(0, 2), st.sampled_from((0, 9_000, 9_200, 20_000)), st.booleans(), st.booleans(),
    st.one_of(st.none(), st.integers(700_000, 700_002)), st.integers(0, 20_000),
)  # fmt: skip


@given(st.lists(ROWS), st.booleans())
def test_persons_who_state_the_same_need_no_look(rows: list[tuple], stated: bool) -> None:
    rows.sort(key=lambda own: own[0])
    person, sex, age, known, refused, born, day = (np.array(c) for c in zip(*rows, strict=True)) if rows else [np.zeros(0)] * 7  # fmt: skip
    many = len(rows)
    none, nothing = np.zeros(many), np.zeros(many, dtype=np.int64)
    days = np.where(known.astype(np.bool_), age, 0).astype(np.int64)
    batch = Batch(
        rows=many, low={}, high={}, findings={}, reported={}, method=None, uncorrected=None, days_low=days,
        days_high=days + 364, months_low=nothing, months_high=nothing, age_known=known.astype(np.bool_),
        sex=(sex % len(SEXES)).astype(np.int8), pregnancy=nothing.astype(np.int8),
    )  # fmt: skip
    has_birth = np.array([own is not None for own in born.tolist()], dtype=np.bool_) & stated
    births = Births(
        np.array([own or 0 for own in born.tolist()], dtype=np.int64) * has_birth,
        np.where(has_birth, [own or 0 for own in born.tolist()], 3_652_059).astype(np.int64),
        has_birth,
    )
    times = Times(none, none, day.astype(np.int64), none == 0, none > 0, none > 0)
    starts, refused = starts_of(person.tolist()), refused.astype(np.bool_)
    found = persons_apart(batch, births if stated else None, times, refused, starts)
    plain = _apart(batch, births, times, refused, np.arange(many), starts) if many else np.zeros(0, dtype=np.bool_)
    assert found.tolist() == plain.tolist()


STATES = st.tuples(st.integers(0, 3), st.integers(0, 40), st.sampled_from((LOW, NOT_LOW, UNKNOWN, ABSENT)))


def block_of(person: list[int], days: list[int], people: int) -> CountBlock:
    """Counts of persons, each at a day of its own."""
    none = np.zeros(len(person), dtype=np.bool_)
    times = times_of([(own * DAY, True) for own in days])
    whose = np.array(person, dtype=np.int64)
    rows = np.arange(len(person), dtype=np.intp)
    return put_in_order(rows, whose, starts_of(person), times, None, None, none, np.zeros(people, dtype=np.bool_))  # type: ignore[arg-type]


@given(st.lists(STATES, unique_by=lambda own: own[:2]), st.booleans())
def test_spells_are_the_runs_of_low_results(rows: list[tuple[int, int, int]], unknown_is_low: bool) -> None:
    rows.sort()
    number = {own: place for place, own in enumerate(dict.fromkeys(person for person, _, _ in rows))}
    counts = block_of([number[own] for own, _, _ in rows], [day for _, day, _ in rows], len(number))
    states = np.array([state for _, _, state in rows], dtype=np.int8)
    found = spells(counts, states, unknown_is_low=unknown_is_low)
    for person, whose in number.items():
        own = [(place, day, state) for place, (other, day, state) in enumerate(rows) if other == person and state != ABSENT]  # fmt: skip
        assert of_person(found, whose) == plain_spell(own, {LOW, UNKNOWN} if unknown_is_low else {LOW})


def of_person(found: Spell, whose: int) -> tuple[int | bool, ...]:
    parts = (found.first, found.last, found.days, found.results, found.over, found.measured)
    return tuple(part[whose].item() for part in parts)


def plain_spell(results: list[tuple[int, int, int]], low: set[int]) -> tuple[int | bool, ...]:
    runs = [(is_low, list(part)) for is_low, part in groupby(results, key=lambda own: own[2] in low)]
    over = [part[-1][1] - part[0][1] for is_low, part in runs[:-1] if is_low]
    now = runs[-1][1] if runs and runs[-1][0] else []
    first, last = (now[0], now[-1]) if now else ((-1, 0, 0), (-1, 0, 0))
    return first[0], last[0], last[1] - first[1], len(now), max(over, default=-1), bool(results)


@given(st.lists(st.lists(st.tuples(st.integers(1, 400), st.sampled_from((10.0, 11.0, 55.5, 90.0, 91.0))), min_size=1, max_size=9), max_size=4))  # fmt: skip
def test_the_robust_slope_is_the_median_of_all_pairs(persons: list[list[tuple[int, float]]]) -> None:
    owner = np.array([whose for whose, own in enumerate(persons) for _ in own], dtype=np.int64)
    time = np.array([day for own in persons for day in np.cumsum([step for step, _ in own]).tolist()], dtype=np.float64)
    values = np.log(np.array([value for own in persons for _, value in own], dtype=np.float64))
    found = robust_slopes(owner, time, values, 5)
    told = {int(own): place for place, own in enumerate(found.owner)}
    for whose, own in enumerate(persons):
        assert (whose in told) == (len(own) >= 5)
        if whose in told:
            pairs = list(combinations(np.flatnonzero(owner == whose).tolist(), 2))
            slopes = [(values[late] - values[early]) / (time[late] - time[early]) for early, late in pairs]
            assert found.slope[told[whose]] == statistics.median(slopes)
