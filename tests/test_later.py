"""A result works most of itself out when it is asked: nobody can tell from outside."""

from __future__ import annotations

import copy
import json
import pickle
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

import cbc_screen as cbc
from cbc_screen.result import ScreeningResult
from cbc_screen.vocabulary import LIST_COLUMNS
from test_cases import CASES, NAMES, screener_of

SICK = {
    "age": "54 y", "sex": "F", "hemoglobin": "7.1 g/dL", "mcv": "110 fL", "neutrophils": "0.3 10^9/L",
    "platelets": "<10 10^9/L", "wbc": {"value": 1.1, "unit": "10^9/L", "range": [4.0, 11.0]},
    "context": {"alcohol_excess": "present"},
}  # fmt: skip
WELL = {"age": "30 y", "sex": "M", "hemoglobin": "15.0 g/dL", "neutrophils": "4 10^9/L", "platelets": "250 10^9/L"}
UNSURE = {"age": "40 y", "hemoglobin": "12.5 g/dL", "platelets": "CLUMPED"}
EMPTY: dict[str, Any] = {}
NOW = {"notice", "schema_version", "pattern", "lines_low_min", "lines_low_max", "severity", "severity_min", "urgency"}
REST = sorted(set(ScreeningResult.model_fields) - NOW)

RECORDS = pytest.mark.parametrize("record", [SICK, WELL, UNSURE, EMPTY], ids=["sick", "well", "unsure", "empty"])
COMPACT = pytest.mark.parametrize("compact", [False, True], ids=["whole", "compact"])


@pytest.fixture(scope="module")
def screener() -> cbc.Screener:
    return cbc.Screener()


def eager(result: ScreeningResult) -> ScreeningResult:
    """Make the same result at once, through the ordinary checks of every field."""
    fields = {name: getattr(result, name) for name in ScreeningResult.model_fields}
    return ScreeningResult(**fields)


@RECORDS
@COMPACT
def test_a_result_is_what_it_would_be_if_all_were_made_at_once(
    screener: cbc.Screener, record: dict[str, Any], compact: bool
) -> None:
    whole = eager(screener.screen(record, compact=compact))
    assert screener.screen(record, compact=compact) == whole
    assert whole == screener.screen(record, compact=compact)
    assert screener.screen(record, compact=compact) == screener.screen(record, compact=compact)
    later = screener.screen(record, compact=compact)
    assert later.model_dump() == whole.model_dump()
    assert later.model_fields_set == whole.model_fields_set


def test_flags_without_the_checklist_are_those_with_it_less_its_columns() -> None:
    """Every case, fresh: they come from a program of their own where the person is exact, and the checklist was not asked for."""
    for name in NAMES:
        screener, record = screener_of(CASES[name]), CASES[name]["record"]
        short, whole = screener.screen(record).flags(checklist=False), screener.screen(record).flags()
        assert short == {column: flag for column, flag in whole.items() if column not in LIST_COLUMNS}, name
        asked_before = screener.screen(record)
        asked_before.flags()
        assert asked_before.flags(checklist=False) == short, name


@pytest.mark.parametrize("name", sorted(ScreeningResult.model_fields))
@COMPACT
def test_every_field_may_be_the_first_that_is_asked_for(screener: cbc.Screener, name: str, compact: bool) -> None:
    whole = eager(screener.screen(SICK, compact=compact))
    assert getattr(screener.screen(SICK, compact=compact), name) == getattr(whole, name)


# Each way to take a result apart, as the first thing that is done with it.
WAYS: dict[str, Callable[[ScreeningResult], Any]] = {
    "model_dump": lambda r: r.model_dump(),
    "model_dump json mode": lambda r: r.model_dump(mode="json"),
    "model_dump_json": lambda r: json.loads(r.model_dump_json()),
    "model_dump of some": lambda r: r.model_dump(include={"pattern", "lines", "columns"}),
    "model_dump without some": lambda r: r.model_dump(exclude={"checklist", "pattern"}),
    "model_dump without unset": lambda r: r.model_dump(exclude_unset=True),
    "model_dump without defaults": lambda r: r.model_dump(exclude_defaults=True),
    "model_dump without none": lambda r: r.model_dump(exclude_none=True),
    "to_dict": lambda r: r.to_dict(),
    "flags": lambda r: r.flags(),
    "explain": lambda r: r.explain(),
    "repr": repr,
    "str": str,
    "hash": hash,
    "dict": dict,
    "iter": lambda r: sorted(name for name, _ in r),
    "model_copy": lambda r: r.model_copy(),
    "model_copy deep": lambda r: r.model_copy(deep=True).model_dump(),
    "model_copy with an update": lambda r: r.model_copy(update={"notes": ("mine",)}).model_dump(),
    "copy": lambda r: copy.copy(r),
    "deepcopy": lambda r: copy.deepcopy(r).model_dump(),
    "pickle": lambda r: pickle.loads(pickle.dumps(r)),
    "pickle of a copy": lambda r: pickle.loads(pickle.dumps(copy.copy(r), protocol=4)).to_dict(),
    "in a list": lambda r: json.loads(TypeAdapter(list[ScreeningResult]).dump_json([r, r])),
    "in a model": lambda r: Holder(result=r).model_dump(),
    "checked again": lambda r: ScreeningResult.model_validate(r),
    "checked from its dump": lambda r: ScreeningResult.model_validate(r.model_dump()),
    "checked from its JSON": lambda r: ScreeningResult.model_validate_json(r.model_dump_json()),
}


class Holder(BaseModel):
    """A model of somebody else that holds a result."""

    result: ScreeningResult


@pytest.mark.parametrize("way", WAYS)
@COMPACT
def test_whatever_is_done_first_gives_what_it_gives_later(screener: cbc.Screener, way: str, compact: bool) -> None:
    whole = eager(screener.screen(SICK, compact=compact))
    result = screener.screen(SICK, compact=compact)
    first = WAYS[way](result)
    second = WAYS[way](result)
    assert first == WAYS[way](whole)
    assert second == WAYS[way](whole)
    assert result == whole


@pytest.mark.parametrize("way", ["copy", "deepcopy", "pickle", "model_copy"])
def test_a_copy_is_equal_and_its_own(screener: cbc.Screener, way: str) -> None:
    make = {**WAYS, "deepcopy": copy.deepcopy}[way]
    result = screener.screen(SICK)
    made = make(result)
    assert type(made) is ScreeningResult
    assert made is not result
    assert made == result
    assert made.model_dump_json() == result.model_dump_json()
    assert made.explain() == result.explain()
    assert hash(made) == hash(result)


def test_two_results_differ_where_their_records_do(screener: cbc.Screener) -> None:
    sick, other = screener.screen(SICK), screener.screen({**SICK, "platelets": "<11 10^9/L"})
    assert (sick.pattern, sick.severity, sick.urgency) == (other.pattern, other.severity, other.urgency)
    assert sick != other
    assert screener.screen(SICK) != screener.screen(SICK, compact=True)
    assert screener.screen(SICK) != "pancytopenia"


@COMPACT
def test_the_dump_holds_the_fields_and_nothing_else(screener: cbc.Screener, compact: bool) -> None:
    result = screener.screen(SICK, compact=compact)
    assert set(result.model_dump()) == set(ScreeningResult.model_fields)
    assert set(json.loads(screener.screen(SICK, compact=compact).model_dump_json())) == set(
        ScreeningResult.model_fields
    )
    assert "_rest" not in result.model_dump_json()
    assert "_rest" not in repr(result)


@pytest.mark.parametrize("complete", [False, True])
def test_a_field_that_does_not_exist_is_an_error_as_usual(screener: cbc.Screener, complete: bool) -> None:
    result = screener.screen(SICK)
    if complete:
        result.model_dump()
    for name in ("patern", "__nothing__", "_nothing"):
        assert not hasattr(result, name)
    with pytest.raises(AttributeError, match="patern"):
        _ = result.patern  # type: ignore[attr-defined]
    for name in ("pattern", "lines"):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(result, name, ())


def test_the_words_of_a_repr_are_the_same_before_and_after(screener: cbc.Screener) -> None:
    result = screener.screen(SICK)
    before = repr(result), str(result), f"{result}", hash(result)
    result.model_dump()
    assert (repr(result), str(result), f"{result}", hash(result)) == before


# What happens in between -------------------------------------------------------------------


def test_another_record_in_between_changes_nothing(screener: cbc.Screener) -> None:
    records = [SICK, WELL, UNSURE, EMPTY] * 3
    whole = [eager(screener.screen(record)) for record in records]
    kept = [screener.screen(record) for record in records]
    others = [cbc.Screener(definition="mds", grading="who_2024").screen(record).to_dict() for record in records]
    assert kept[::-1] == whole[::-1]
    assert [result.to_dict() for result in kept] == [result.to_dict() for result in whole]
    assert others != [result.to_dict() for result in whole]


def test_a_frame_and_a_file_in_between_change_nothing(screener: cbc.Screener, tmp_path: Any) -> None:
    whole, kept = eager(screener.screen(SICK)), screener.screen(SICK)
    path = tmp_path / "a.csv"
    path.write_text("age,sex,HGB (g/dL)\n54 y,F,15\n" * 20, encoding="utf-8")
    screener.scan(path)
    assert kept == whole


@pytest.mark.parametrize("as_record", [False, True])
def test_changing_what_was_handed_in_changes_nothing(screener: cbc.Screener, as_record: bool) -> None:
    given = copy.deepcopy(SICK)
    wbc: dict[str, Any] = given["wbc"]  # type: ignore[assignment]
    context: dict[str, str] = given["context"]  # type: ignore[assignment]
    kept = screener.screen(cbc.CBCRecord(**given) if as_record else given)
    given["hemoglobin"] = "15 g/dL"
    wbc["value"] = 6.0
    wbc["range"][0] = 0.1
    context["alcohol_excess"] = "absent"
    given.pop("platelets")
    assert kept == eager(screener.screen(SICK))


def test_a_result_outlives_its_screener() -> None:
    kept = cbc.Screener(definition="clinical").screen(SICK)
    assert kept == eager(cbc.Screener(definition="clinical").screen(SICK))


def test_the_rest_is_worked_out_once(screener: cbc.Screener) -> None:
    source = screener.screen(SICK)
    fields = {name: getattr(source, name) for name in ScreeningResult.model_fields}
    times: list[int] = []

    def rest() -> dict[str, Any]:
        times.append(1)
        return {name: fields[name] for name in REST}

    made = ScreeningResult._later({name: fields[name] for name in NOW}, rest)
    assert (made.pattern, made.severity, made.urgency) == (source.pattern, source.severity, source.urgency)
    repr(made)
    hash(made)
    assert times == []
    assert made.lines == source.lines
    assert (made.to_dict(), made.explain(), made.flags()) == (source.to_dict(), source.explain(), source.flags())
    assert made == source
    assert len(times) == 1


@pytest.mark.parametrize("first", ["flags", "rest"])
def test_the_flags_alone_are_those_of_the_whole_result(screener: cbc.Screener, first: str) -> None:
    source = screener.screen(SICK)
    whole = eager(screener.screen(SICK))
    if first == "rest":
        assert source.lines == whole.lines
    assert source.flags() == whole.flags() == dict(whole.columns)
    source.flags()["pattern"] = "changed by its owner"
    assert source.flags() == whole.flags()
    assert source == whole


def test_reading_the_flags_works_nothing_else_out(screener: cbc.Screener) -> None:
    source = screener.screen(SICK)
    now = {name: getattr(source, name) for name in NOW}

    def rest() -> dict[str, Any]:
        raise AssertionError("nobody asked for the rest")

    made = ScreeningResult._later(now, rest, lambda checklist: source.flags(checklist=checklist))
    assert made.flags() == source.flags()


def test_what_is_worked_out_later_is_checked_as_ever(screener: cbc.Screener) -> None:
    source = screener.screen(SICK)
    fields = {name: getattr(source, name) for name in ScreeningResult.model_fields}
    for wrong in ({"lines": "all low"}, {"surprise": 1}):
        rest = {**{name: fields[name] for name in REST}, **wrong}
        made = ScreeningResult._later({name: fields[name] for name in NOW}, lambda rest=rest: rest)
        with pytest.raises(ValidationError):
            _ = made.notes
    short = {name: fields[name] for name in REST if name != "notes"}
    with pytest.raises(ValidationError, match="notes"):
        _ = ScreeningResult._later({name: fields[name] for name in NOW}, lambda: short).lines


# Threads -----------------------------------------------------------------------------------


@pytest.fixture
def hasty() -> Any:
    """Let threads take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def at_once(threads: int, work: Callable[[int], Any]) -> list[Any]:
    """Do some work in several threads that begin together."""
    barrier = threading.Barrier(threads)

    def wait_and_work(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(wait_and_work, range(threads)))


@pytest.mark.usefixtures("hasty")
def test_a_new_screener_may_be_used_by_eight_threads_at_once() -> None:
    records = [SICK, WELL, UNSURE, EMPTY] * 2
    expected = [cbc.screen(record).to_dict() for record in records]
    for _ in range(3):
        fresh = cbc.Screener()
        assert at_once(8, lambda number, fresh=fresh: fresh.screen(records[number]).to_dict()) == expected


FIRSTS: list[Callable[[ScreeningResult], Any]] = [
    lambda r: r.lines, lambda r: r.checklist, lambda r: r.model_dump(), lambda r: r.columns,
    lambda r: r.explain(), lambda r: pickle.loads(pickle.dumps(r)), lambda r: r.to_dict(), lambda r: copy.copy(r),
]  # fmt: skip


@pytest.mark.usefixtures("hasty")
def test_eight_threads_may_ask_for_the_first_time_at_once(screener: cbc.Screener) -> None:
    whole = eager(screener.screen(SICK))
    expected = [ask(whole) for ask in FIRSTS]
    for _ in range(40):
        result = screener.screen(SICK)
        assert at_once(8, lambda number, result=result: FIRSTS[number](result)) == expected


def test_the_fields_of_a_dump_stand_in_their_written_order(screener: cbc.Screener) -> None:
    assert list(screener.screen(SICK).model_dump()) == list(ScreeningResult.model_fields)
    assert screener.screen(SICK).model_dump_json() == eager(screener.screen(SICK)).model_dump_json()


def test_a_dump_read_back_is_written_the_same(screener: cbc.Screener) -> None:
    text = screener.screen(SICK).model_dump_json()
    assert ScreeningResult.model_validate_json(text).model_dump_json() == text


def test_the_schema_of_what_goes_out_names_the_fields() -> None:
    assert set(ScreeningResult.model_json_schema(mode="serialization").get("properties", {})) == set(
        ScreeningResult.model_fields
    )


def test_dir_shows_every_field_before_and_after_it_is_worked_out(screener: cbc.Screener) -> None:
    made = screener.screen(SICK)
    before = dir(made)
    assert set(ScreeningResult.model_fields) <= set(before)
    made.to_dict()
    assert dir(made) == before


def test_nothing_of_how_it_is_made_stands_among_the_names(screener: cbc.Screener) -> None:
    own = {"explain", "flags", "plot", "to_dict"}
    plain = set(dir(BaseModel)) | set(ScreeningResult.model_fields) | own
    assert {name for name in dir(screener.screen(SICK)) if not name.startswith("_")} <= plain
