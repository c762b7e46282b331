"""The steps of the container file, carried out in a clean folder: no engine is needed to know that they work."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import httpx
from served import ROOT, SICK, post

KNOWN = {"FROM", "WORKDIR", "COPY", "RUN", "USER", "EXPOSE", "CMD"}


def steps() -> list[tuple[str, str]]:
    lines = (ROOT / "Containerfile").read_text(encoding="utf-8").splitlines()
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines if line and not line.startswith("#")]


def test_every_step_works_in_a_clean_folder(tmp_path: Path) -> None:
    place = tmp_path / "srv"
    place.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    environment |= {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "http"))}
    command: list[str] = []
    found = steps()
    assert {word for word, _ in found} == KNOWN
    for word, rest in found:
        own = rest.replace("/srv", str(place))
        if word == "COPY":
            *sources, target = own.split()
            for source in sources:
                to = place / target
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, to, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(ROOT / source, to)
        elif word == "RUN":
            done = subprocess.run(
                shlex.split(own), cwd=place, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr[-2000:]
        elif word == "CMD":
            command = json.loads(own)
    assert command[-2:] == ["--port", "8000"]
    command = [*command[:-4], "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(command, cwd="/", env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = re.search(r"http://\S+", process.stdout.readline())
            assert address is not None
            with httpx.Client(base_url=address[0], timeout=60) as client:
                assert post(client, "/screen?detail=compact", SICK).json()["pattern"] == "pancytopenia"
        finally:
            process.terminate()
        assert process.wait(30) == 0
