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
import random
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import cbc_screen as cbc

ROUNDS = 15
Work = Callable[[Mapping[str, Any]], object]


def records(count: int) -> list[dict[str, Any]]:
    """Make different records, from the same seed each time."""
    chance = random.Random(1)

    def count_of(low: float, high: float, digits: int, unit: str) -> object:
        value = round(chance.uniform(low, high), digits)
        if chance.random() < 0.1:
            return f"<{value} {unit}"
        return f"{value} {unit}" if chance.random() < 0.7 else {"value": value, "unit": unit}

    return [
        {
            "age": f"{chance.randrange(1, 95)} y",
            "sex": chance.choice("FM"),
            "hemoglobin": count_of(5, 18, 1, "g/dL"),
            "mcv": count_of(70, 115, 0, "fL"),
            "wbc": count_of(0.5, 15, 1, "10^9/L"),
            "neutrophils": count_of(0.1, 9, 1, "10^9/L"),
            "platelets": count_of(5, 450, 0, "10^9/L"),
        }
        for _ in range(count)
    ]


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
