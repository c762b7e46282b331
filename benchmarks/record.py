"""Microseconds to screen one record, over many different records, in one run on this machine.

Usage: python benchmarks/record.py [--records 2000]

The records are dictionaries as a service gets them: texts with units, numbers with units,
every tenth result censored, of men and women of all ages. The kinds take turns; each time
is the median over rounds. "As the model alone" is pydantic's validation of the same
dictionaries into `CBCRecord`, which every other kind includes.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

from workloads import records

import cbc_screen as cbc

ROUNDS = 15
Work = Callable[[Mapping[str, Any]], object]


def flags_a_service_reads(result: cbc.ScreeningResult) -> tuple[object, ...]:
    """Read what needs no text."""
    return result.pattern, result.severity, result.urgency, result.lines_low_min, result.lines_low_max


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=2000)
    given = records(parser.parse_args().records)
    screener = cbc.Screener()
    kinds: dict[str, tuple[Work, int]] = {
        "as the model alone": (cbc.CBCRecord.model_validate, 1),
        "screen": (screener.screen, 1),
        "screen, and its flags read": (lambda record: flags_a_service_reads(screener.screen(record)), 1),
        "compact, and its flags read": (lambda record: flags_a_service_reads(screener.screen(record, compact=True)), 1),
        "compact, to a dictionary": (lambda record: screener.screen(record, compact=True).to_dict(), 20),
        "screen, every text, to a dictionary": (lambda record: screener.screen(record).to_dict(), 20),
    }
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(ROUNDS):
        for kind, (work, share) in kinds.items():
            some = given[::share]
            start = time.perf_counter()
            for record in some:
                work(record)
            times[kind].append((time.perf_counter() - start) / len(some) * 1e6)
    alone = statistics.median(times["as the model alone"])
    print(f"{platform.machine()}, Python {platform.python_version()}, one core, {len(given)} different records")
    for kind, found in times.items():
        median = statistics.median(found)
        print(f"{kind:36} {median:7.0f} us   {median / alone:6.1f} times the model alone   least {min(found):.0f}")


if __name__ == "__main__":
    main()
