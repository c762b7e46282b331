"""Reading, working and writing at once: the order, the errors and the answers of doing it one by one (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cbc_screen as cbc
from cbc_screen.engines import stream
from cbc_screen.engines.pipeline import Background, in_order, worker_count
from cbc_screen.ingest import csv as csv_reader
from cbc_screen.ingest import parquet as parquet_reader

LONG = 20.0  # seconds that nothing here takes


class Broken(Exception):
    """What a test lets go wrong."""


def pipeline_threads() -> list[str]:
    return sorted(t.name for t in threading.enumerate() if t.name.startswith(("cbc-read", "cbc-screen", "cbc-write")))


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    assert pipeline_threads() == []
    yield
    assert pipeline_threads() == []


def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds, which it soon does."""
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


# in_order ----------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize("many", [0, 1, 2, 3, 50])
def test_results_come_in_the_order_of_the_items(workers: int, many: int) -> None:
    chance = Random(many)

    def work(item: int) -> int:
        time.sleep(chance.random() / 500)
        return item * item

    assert list(in_order(range(many), work, workers)) == [item * item for item in range(many)]


def test_a_slow_first_item_does_not_let_the_second_pass() -> None:
    second_done = threading.Event()

    def work(item: str) -> str:
        if item == "first":
            assert second_done.wait(LONG)
        else:
            second_done.set()
        return item

    assert list(in_order(["first", "second"], work, 2)) == ["first", "second"]


@pytest.mark.parametrize("item", [None, False, 0, (), StopIteration])
def test_an_item_or_a_result_may_be_empty(item: object) -> None:
    assert list(in_order([item, item], lambda given: given, 2)) == [item, item]


def test_every_item_is_read_by_one_thread_and_none_by_the_caller() -> None:
    readers: set[str] = set()

    def items() -> Iterator[int]:
        for item in range(9):
            readers.add(threading.current_thread().name)
            yield item

    assert list(in_order(items(), int, 3)) == list(range(9))
    assert len(readers) == 1
    assert readers.pop().startswith("cbc-read")


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_no_more_is_taken_than_the_workers_and_two_beyond_the_one_in_hand(workers: int) -> None:
    """Before result n is asked for: n in hand, `workers` waiting, one being handed over, one read ahead."""
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(30):
            taken.append(item)
            yield item

    results = in_order(items(), int, workers)
    for done, result in enumerate(results, start=1):
        assert result == done - 1
        time.sleep(0.005)
        assert len(taken) <= done + workers + 1
    assert len(taken) == 30


def test_nothing_is_read_before_the_first_result_is_asked_for() -> None:
    taken: list[int] = []
    results = in_order((taken.append(item) for item in range(3)), str, 2)
    assert taken == []
    assert list(results) == ["None"] * 3


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("bad", [0, 1, 5, 9])
def test_an_error_of_an_item_is_raised_in_its_turn(workers: int, bad: int) -> None:
    def work(item: int) -> int:
        if item == bad:
            raise Broken(item)
        time.sleep(0.002)
        return item

    found: list[int] = []
    with pytest.raises(Broken) as problem:
        keep(found, in_order(range(10), work, workers))
    assert found == list(range(bad))
    assert problem.value.args == (bad,)


def keep(found: list[int], results: Iterator[int]) -> None:
    """Keep the results that come, so that those before an error are seen."""
    for result in results:
        found.append(result)


def test_the_first_of_two_errors_in_the_order_of_the_items_is_raised() -> None:
    second_failed = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert second_failed.wait(LONG)
        else:
            second_failed.set()
        raise Broken(item)

    with pytest.raises(Broken) as problem:
        list(in_order(range(2), work, 2))
    assert problem.value.args == (0,)


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("good", [0, 1, 2, 7])
def test_an_error_of_the_reader_is_raised_and_no_result_is_out_of_turn(workers: int, good: int) -> None:
    def items() -> Iterator[int]:
        yield from range(good)
        raise Broken("reader")

    found: list[int] = []
    with pytest.raises(Broken, match="reader"):
        keep(found, in_order(items(), int, workers))
    assert found == list(range(len(found)))
    assert len(found) >= good - workers


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("after", [1, 4])
def test_closing_early_stops_the_reading_and_ends_the_threads(workers: int, after: int) -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(10_000):
            taken.append(item)
            yield item

    results = in_order(items(), int, workers)
    assert [next(results) for _ in range(after)] == list(range(after))
    results.close()  # type: ignore[attr-defined]
    assert pipeline_threads() == []
    seen = len(taken)
    assert seen <= after + workers + 1
    time.sleep(0.01)
    assert len(taken) == seen
    assert list(results) == []


def test_closing_early_does_not_begin_the_work_that_waits() -> None:
    begun: list[int] = []
    hold = threading.Event()

    def work(item: int) -> int:
        begun.append(item)
        if item == 1:
            assert hold.wait(LONG)
        return item

    results = in_order(range(9), work, 1)
    # One worker: item 1 is worked on or waits while result 0 is in hand.
    assert next(results) == 0
    until(lambda: 1 in begun)
    closing = threading.Timer(0.05, hold.set)
    closing.start()
    results.close()  # type: ignore[attr-defined]
    closing.join()
    assert begun == [0, 1]


def test_the_number_of_workers_is_one_or_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading and writing keep a core busy, and a third worker waits for the writer."""
    for cores, workers in ((1, 1), (2, 1), (3, 2), (5, 2), (64, 2)):
        allowed = set(range(cores))
        monkeypatch.setattr("os.sched_getaffinity", lambda _, allowed=allowed: allowed, raising=False)
        assert worker_count() == workers
    monkeypatch.delattr("os.sched_getaffinity")
    for cpus, workers in ((None, 1), (1, 1), (3, 2), (64, 2)):
        monkeypatch.setattr("os.cpu_count", lambda cpus=cpus: cpus)
        assert worker_count() == workers


# Background --------------------------------------------------------------------------------


def test_what_is_submitted_is_done_in_order_by_one_thread() -> None:
    done: list[tuple[int, str]] = []
    background = Background()
    for number in range(20):
        background.submit(lambda number=number: done.append((number, threading.current_thread().name)))
    background.finish()
    assert [number for number, _ in done] == list(range(20))
    assert len({name for _, name in done}) == 1
    assert threading.current_thread().name not in {name for _, name in done}


def test_submitting_waits_when_so_many_are_waiting() -> None:
    hold, third = threading.Event(), threading.Event()
    background = Background(waiting=2)
    background.submit(lambda: until(hold.is_set))
    background.submit(lambda: None)

    def submit_one_more() -> None:
        background.submit(lambda: None)
        third.set()

    submitting = threading.Thread(target=submit_one_more)
    submitting.start()
    assert not third.wait(0.05)
    hold.set()
    assert third.wait(LONG)
    submitting.join()
    background.finish()


def fail() -> None:
    raise Broken("writer")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_finishing_raises_an_error_of_any_of_the_work(place: int) -> None:
    background = Background(waiting=5)
    for number in range(3):
        background.submit(fail if number == place else lambda: None)
    with pytest.raises(Broken, match="writer"):
        background.finish()
    background.abandon()


def test_submitting_raises_an_earlier_error_before_long() -> None:
    background = Background(waiting=2)
    background.submit(fail)
    background.submit(lambda: None)
    with pytest.raises(Broken, match="writer"):
        background.submit(lambda: None)
    background.abandon()


def test_abandoning_waits_for_what_has_begun_and_does_not_begin_the_rest() -> None:
    done: list[str] = []
    began, hold = threading.Event(), threading.Event()

    def first() -> None:
        began.set()
        assert hold.wait(LONG)
        done.append("first")

    background = Background(waiting=5)
    background.submit(first)
    background.submit(lambda: done.append("second"))
    assert began.wait(LONG)
    release = threading.Timer(0.05, hold.set)
    release.start()
    background.abandon()
    release.join()
    assert done == ["first"]


def test_finishing_and_abandoning_end_the_thread_even_if_nothing_was_done() -> None:
    Background().finish()
    background = Background()
    background.abandon()
    background.abandon()
    with pytest.raises(RuntimeError):
        background.submit(lambda: None)


# scan --------------------------------------------------------------------------------------

HEADER = "id,age,sex,HGB (g/dL),PLT (10^9/L),WBC (10^9/L)"
MESS = (
    "{0},54 y,F,7.1,<10,1.1", "{0},30 y,M,15.0,250,6.0", "{0},,,9.9,CLUMPED,", '"{0}",40 y,F,"7,1",20,0.9',
    '"{0}\nmore",54 y,F,7.1,90,3.1', "{0},40 y,F,,,", "{0},short", "{0},40 y,F,9,9,9,too,long", "{0},1 y,M,9,9,9,,",
    "", "   ", "{0}\u00e9,7 mo,x,10.5,150,>100", '{0},"40 y,F,9.0,100', "{0},90 y,F,1e999,-5,\u00b9",
)  # fmt: skip


@pytest.fixture(scope="module")
def messy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a few thousand rows of every kind, some of them undecodable."""
    chance = Random(20261123)
    lines = [HEADER]
    for number in range(3_000):
        # Long plain stretches with short messy ones between: both readers, many times over.
        shapes = MESS if number % 100 < 30 else MESS[:2]
        lines.append(chance.choice(shapes).format(number))
    path = tmp_path_factory.mktemp("messy") / "messy.csv"
    path.write_bytes("\n".join(lines).encode().replace(b"x", b"\xff") + b"\n")
    return path


def scanned(source: Path, out: Path, workers: int, **options: object) -> tuple[bytes, bytes, dict[str, object]]:
    """Scan with so many workers: the bytes of both files, and the summary without its time."""
    rejects = out.with_suffix(".rejects.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "worker_count", lambda: workers)
        summary = cbc.scan(source, out, rejects, force=True, encoding="utf-8", **options).to_dict()
    del summary["seconds"]
    return out.read_bytes(), rejects.read_bytes(), summary


@pytest.mark.parts  # many threads
@pytest.mark.parametrize(("ending", "block"), [("csv", 2_048), ("ndjson", 4_096), ("parquet", 8_192)])
def test_csv_gives_the_same_bytes_for_any_number_of_workers(
    messy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, block: int
) -> None:
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", block)
    out = tmp_path / f"flags.{ending}"
    first, *others = [scanned(messy, out, workers, keep=["id"], detail=True) for workers in (1, 2, 3)]
    assert first[2]["rows_in"] == first[2]["screened"] + first[2]["rejected"]  # type: ignore[operator]
    assert first[2]["rejected"] > 100  # type: ignore[operator]
    for other in others:
        assert other == first


def test_csv_gives_the_same_bytes_for_any_size_of_blocks(
    messy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for block in (2_000, 16_384, 1 << 22):
        monkeypatch.setattr(csv_reader, "BLOCK_BYTES", block)
        found.append(scanned(messy, tmp_path / "flags.csv", 2, keep=["id"]))
    assert found[0] == found[1] == found[2]


@pytest.mark.parts  # many threads
def test_parquet_gives_the_same_bytes_for_any_number_of_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = Random(7)
    rows = 2_500
    table = pa.table(
        {
            "id": [f"p{number}" for number in range(rows)],
            "age": [chance.choice(["54 y", "7 mo", "", None, "old"]) for _ in range(rows)],
            "sex": [chance.choice(["F", "M", None]) for _ in range(rows)],
            "HGB (g/dL)": [chance.choice(["7.1", "15", "CLUMPED", None, None]) for _ in range(rows)],
            "PLT (10^9/L)": [chance.choice([None, None, 20.0, 250.0]) for _ in range(rows)],
        }
    )
    source = tmp_path / "counts.parquet"
    pq.write_table(table, source, row_group_size=700)
    found = []
    for batch, workers in ((200, 1), (200, 2), (200, 3), (1_000, 3), (131_072, 1)):
        monkeypatch.setattr(parquet_reader, "BATCH_ROWS", batch)
        found.append(scanned(source, tmp_path / "flags.csv", workers, keep=["id"]))
    assert found[0][2]["rejected"] > 100  # type: ignore[operator]
    for other in found[1:]:
        assert other == found[0]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_an_error_on_the_way_leaves_no_file_and_no_thread(
    messy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 512)
    monkeypatch.setattr(stream, "worker_count", lambda: workers)
    screen_batch, batches = stream.screen_batch, iter(range(10_000))

    def breaks_later(*given: object) -> object:
        if next(batches) == 20:
            raise Broken("in the middle")
        return screen_batch(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(stream, "screen_batch", breaks_later)
    with pytest.raises(Broken, match="in the middle"):
        cbc.scan(
            messy, tmp_path / "flags.csv", tmp_path / "rejects.csv", summary=tmp_path / "summary.json", encoding="utf-8"
        )
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_journal_alone_and_no_thread(
    messy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room made, --resume goes on from it."""
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 8_192)
    write, tables = stream.FlagWriter.write, iter(range(10_000))

    def breaks_at_the_third(self: stream.FlagWriter, table: pa.Table, share: float) -> None:
        if next(tables) == 3:
            raise OSError(28, "No space left on device")
        write(self, table, share)

    monkeypatch.setattr(stream.FlagWriter, "write", breaks_at_the_third)
    with pytest.raises(OSError, match="No space left"):
        cbc.scan(messy, tmp_path / "flags.csv", tmp_path / "rejects.csv", encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["flags.csv.journal"]


def test_progress_is_told_in_the_order_of_the_rows(
    messy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 4_096)
    monkeypatch.setattr(stream, "worker_count", lambda: 3)
    told: list[tuple[int, float]] = []
    summary = cbc.scan(messy, progress=lambda rows, share: told.append((rows, share)), encoding="utf-8")
    assert len(told) > 10
    assert told == sorted(told)
    assert told[-1] == (summary.rows_in, 1.0)
