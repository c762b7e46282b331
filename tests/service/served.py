"""The service as a process of its own, on a free port, and the case set as JSON."""

from __future__ import annotations

import datetime
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
COMMAND = [sys.executable, "-m", "cbc_screen", "serve", "--port", "0"]
START_SECONDS = 90
JSON = {"content-type": "application/json"}
SICK = {"age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL", "neutrophils": "0.9 10^9/L", "platelets": "<10 10^9/L"}
OWN = ("data_version",)


class Served:
    """A running service: its address, and all that it wrote."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._errors: list[str] = []
        self._reading = threading.Thread(target=self._read_errors, daemon=True)
        self._reading.start()
        self.first_line = self._first_line()
        found = re.search(r"http://(\S+):(\d+)", self.first_line)
        assert found is not None, self.first_line + "".join(self._errors)
        self.host, self.port = found[1], int(found[2])
        self.url = f"http://{found[1]}:{found[2]}"

    def _first_line(self) -> str:
        assert self.process.stdout is not None
        cut = threading.Timer(START_SECONDS, self.process.kill)
        cut.start()
        try:
            return self.process.stdout.readline()
        finally:
            cut.cancel()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._errors.append(line)

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        return [json.loads(line) for line in self._errors if line.startswith("{")]

    @property
    def plain(self) -> list[str]:
        """What it wrote besides."""
        return [line for line in self._errors if not line.startswith("{")]

    def stop(self, number: int | None = signal.SIGTERM) -> int:
        """Ask it to stop, unless that was done, and return its exit code."""
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait(30)
        self._reading.join(10)
        return code


@contextmanager
def serving(*options: str, cwd: Path | None = None) -> Iterator[Served]:
    """Start the service, and end it."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*COMMAND, *options], env=environment, cwd=cwd, **pipes) as process:
        try:
            yield Served(process)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()


def as_json(record: Any) -> bytes:
    """Write a record of the case set as a client would."""
    return json.dumps(record, default=_plain).encode()


def _plain(value: Any) -> str:
    assert isinstance(value, datetime.date)
    return value.isoformat()


def without_data_version(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without what the service adds to a result."""
    return {name: value for name, value in answer.items() if name not in OWN}


def wait_until(what: Any, seconds: float = 20) -> None:
    """Wait until something holds."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.05)


def post(client: httpx.Client, path: str, body: Any, **more: Any) -> httpx.Response:
    """Send a body as JSON."""
    content = body if isinstance(body, bytes) else as_json(body)
    return client.post(path, content=content, headers=JSON, **more)
