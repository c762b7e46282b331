"""Reading, working and writing at the same time, in order and with a bounded number in hand."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def worker_count() -> int:
    """Return how many threads screen at once, one or two; reading and writing keep a core busy by themselves.

    Measured: screening takes 2.4 times as long as writing words, or as reading for a packed
    scan, so that a third thread would gain little. Each takes 30 to 45 MB.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(2, cores - 1))


def in_order(items: Iterable[Item], work: Callable[[Item], Result], workers: int) -> Iterator[Result]:
    """Read `items` in one thread, work on them in `workers` threads, and yield in order.

    No more than `workers` + 1 items are in hand, what is being read among them: each costs
    its memory. An error of an item is raised in its turn.
    """
    source = iter(items)
    end = object()

    def take() -> object:
        return next(source, end)

    with ThreadPoolExecutor(1, "cbc-read") as reader, ThreadPoolExecutor(workers, "cbc-screen") as pool:
        waiting: deque[Future[Result]] = deque()
        coming = reader.submit(take)
        try:
            while True:
                item = coming.result()
                if item is end:
                    break
                waiting.append(pool.submit(work, item))  # type: ignore[arg-type]
                del item
                done = [waiting.popleft().result()] if len(waiting) > workers else []
                # Reading goes on while the caller does something with what is done.
                coming = reader.submit(take)
                yield from done
            while waiting:
                yield waiting.popleft().result()
        finally:
            coming.cancel()
            for future in waiting:
                future.cancel()


class Background:
    """Does one thing after another in a thread of its own, with few waiting.

    The writer works in bursts, a row group at a time: with one table waiting, screening stopped for it (measured: a tenth
    of the time of 500,000 readable rows, for 15 MB).
    """

    def __init__(self, waiting: int = 2) -> None:
        self._pool = ThreadPoolExecutor(1, "cbc-write")
        self._futures: deque[Future[None]] = deque()
        self._waiting = waiting

    def submit(self, work: Callable[[], None]) -> None:
        """Do some work soon; an earlier error is raised now."""
        self._futures.append(self._pool.submit(work))
        while len(self._futures) > self._waiting:
            self._futures.popleft().result()

    def finish(self) -> None:
        """Wait until everything is done; an error is raised now."""
        while self._futures:
            self._futures.popleft().result()
        self._pool.shutdown()

    def abandon(self) -> None:
        """Stop without waiting for what has not begun."""
        for future in self._futures:
            future.cancel()
        self._pool.shutdown(wait=True)
