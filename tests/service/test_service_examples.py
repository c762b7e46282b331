"""The examples of the service and its page: what they show is what happens."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from served import JSON, ROOT, Served

import cbc_screen as cbc

PAGE = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"```sh\n(curl [^`]*?)```\n\n```json\n(.*?)```", PAGE, re.DOTALL)


def test_the_shell_example(service: Served) -> None:
    command = ["sh", str(ROOT / "examples/service_client.sh"), service.url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    one, several, versions = map(json.loads, done.stdout.splitlines())
    assert one["pattern"] == "pancytopenia"
    assert (several["received"], several["used"], several["rejected"]) == (2, 1, 1)
    assert versions["cbc_screen"] == cbc.__version__
    assert JSON["content-type"] in (ROOT / "examples/service_client.sh").read_text(encoding="utf-8").lower()


def test_the_page_shows_something() -> None:
    assert len(SHOWN) >= 4


@pytest.mark.parametrize("number", range(len(SHOWN)))
def test_what_the_page_shows_is_what_comes(service: Served, number: int) -> None:
    command, shown = SHOWN[number]
    command = command.replace("http://127.0.0.1:8000", service.url)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == json.loads(shown)
