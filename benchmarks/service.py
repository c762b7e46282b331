"""Compact answers of the service beside an empty FastAPI endpoint that takes the same body.

Usage: python benchmarks/service.py [--requests 4000] [--connections 8] [--rounds 5]

Both servers are processes of their own under the same uvicorn; the blocks of requests take turns, so that a busy moment
meets both, and quoted is the ratio. The second table is the same beside a client that sends rubbish to the server that is
measured. Every connection is on this machine, and every loop is bounded.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src"
RECORD = {"age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL", "wbc": "2.3 10^9/L", "platelets": "<10 10^9/L"}
EMPTY = """
import socket, uvicorn
from typing import Any
from fastapi import FastAPI
app = FastAPI()
@app.post("/screen")
async def screen(record: dict[str, Any]) -> dict[str, Any]:
    return {}
listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listening.bind(("127.0.0.1", 0))
listening.listen(128)
print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning", loop="asyncio", http="h11")).run([listening])
"""
COMMANDS = {
    "an empty endpoint": [sys.executable, "-c", EMPTY],
    "cbc-screen, compact": [sys.executable, "-m", "cbc_screen", "serve", "--port", "0"],
}
RUBBISH = (b"[" * 2_000, b'{"age": 1, "age": 2}', b"\xff", b'{"hemoglobin": [1]}', b'{"x": NaN}')


@contextmanager
def serving(command: Sequence[str]) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start a server, and end it."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as made:
        try:
            assert made.stdout is not None
            found = re.search(r"http://127.0.0.1:(\d+)", made.stdout.readline())
            assert found is not None, "the server did not start"
            yield made, int(found[1])
        finally:
            made.terminate()
            made.wait(20)


def request(body: bytes) -> bytes:
    """Write a request."""
    head = "POST /screen?detail=compact HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def answer(connection: socket.socket) -> bytes:
    """Read a whole answer."""
    found = b""
    while b"\r\n\r\n" not in found:
        found += connection.recv(65_536)
    head, _, body = found.partition(b"\r\n\r\n")
    length = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE)[1])  # type: ignore[index]
    while len(body) < length:
        body += connection.recv(65_536)
    return head[9:12]


def measure(port: int, sent: bytes, requests: int, connections: int) -> tuple[float, list[float]]:
    """Return requests a second, and the milliseconds of each."""
    open_ones = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    times: list[float] = []
    began = time.perf_counter()
    for _ in range(requests // connections):
        starts = []
        for connection in open_ones:
            starts.append(time.perf_counter())
            connection.sendall(sent)
        for connection, start in zip(open_ones, starts, strict=True):
            assert answer(connection) == b"200"
            times.append((time.perf_counter() - start) * 1e3)
    seconds = time.perf_counter() - began
    for connection in open_ones:
        connection.close()
    return len(times) / seconds, times


def send_rubbish(port: int, seconds: float) -> None:
    """Send what no record is, a hundred times a second, for so long."""
    until = time.monotonic() + seconds
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while time.monotonic() < until:
            for body in RUBBISH:
                connection.sendall(request(body))
                answer(connection)
                time.sleep(0.01)


def table(ports: dict[str, int], options: argparse.Namespace, *, rubbish: bool) -> dict[str, float]:
    """Measure both in turns, and print what was found."""
    sent = request(json.dumps(RECORD).encode())
    rates: dict[str, list[float]] = {name: [] for name in ports}
    times: dict[str, list[float]] = {name: [] for name in ports}
    for _ in range(options.rounds):
        for name, port in ports.items():
            beside = multiprocessing.Process(target=send_rubbish, args=(port, 60.0), daemon=True)
            if rubbish:
                beside.start()
            rate, own = measure(port, sent, options.requests, options.connections)
            if rubbish:
                beside.terminate()
                beside.join()
            rates[name].append(rate)
            times[name] += own
    print("beside a client that sends rubbish" if rubbish else "alone")
    for name, own in times.items():
        p50, p99 = statistics.median(own), statistics.quantiles(own, n=100)[98]
        print(f"  {name:22} {statistics.median(rates[name]):7.0f} /s   p50 {p50:6.2f} ms   p99 {p99:6.2f} ms")
    empty, ours = rates.values()
    ratio = statistics.median(a / b for a, b in zip(ours, empty, strict=True))
    print(f"  of the rate of the empty endpoint: {ratio:.2f}")
    return {name: statistics.median(own) for name, own in rates.items()}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=4_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    empty, ours = COMMANDS.values()
    with serving(empty) as (_, first), serving(ours) as (_, second):
        ports = dict(zip(COMMANDS, (first, second), strict=True))
        table(ports, options, rubbish=False)
        table(ports, options, rubbish=True)


if __name__ == "__main__":
    main()
