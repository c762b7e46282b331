"""The command: it listens on this machine only unless told, and stops gracefully."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from served import SICK, as_json, post, serving

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.service.server import is_loopback


def test_it_answers_what_is_under_way_and_stops() -> None:
    with serving() as served, httpx.Client(base_url=served.url, timeout=60) as client:
        assert served.first_line.startswith(f"{cbc.NOTICE} Listening on http://127.0.0.1:")
        codes: list[int] = []
        asking = threading.Thread(target=lambda: codes.append(post(client, "/screen/batch", [SICK] * 300).status_code))
        asking.start()
        time.sleep(0.3)
        served.process.terminate()
        asking.join(60)
        assert codes == [200]
        assert served.stop(None) == 0
        assert served.log[-1]["event"] == "stopped"
        assert served.log[-1]["/screen/batch 200"] == 1


def test_it_stops_when_interrupted() -> None:
    with serving("--host", "0.0.0.0") as served:
        assert served.stop(signal.SIGINT) == 0
    assert "0.0.0.0" in served.first_line
    assert served.plain == ["cbc-screen: other machines can reach this service; it asks nobody who they are\n"]


def test_options_of_the_screen_are_those_of_the_command() -> None:
    record = {"age": 54, "age_unit": "y", "sex": "F", "hemoglobin": 11.8, "platelets": 140, "neutrophils": 2}
    expected = cbc.Screener(units="us", definition="clinical").screen(record)
    with serving("--units", "us", "--definition", "clinical") as served, httpx.Client(base_url=served.url) as client:
        answer = post(client, "/screen?detail=compact", record).json()
        version = client.get("/version").json()
    assert answer["pattern"] == expected.pattern == "bicytopenia"
    assert (version["definition"], version["cbc_screen"]) == ("clinical", cbc.__version__)


def test_where_it_listens_is_one_document_and_its_options_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "cbc-screen.toml").write_text('[serve]\nunits = "us"\ndefinition = "clinical"\n')
    with serving("--json", cwd=tmp_path) as served:
        told = json.loads(served.first_line)
        version = httpx.get(f"{told['url']}/version", timeout=60).json()
    assert told["notice"] == cbc.NOTICE
    assert served.plain == ["cbc-screen: options from cbc-screen.toml (--no-config leaves them out)\n"]
    assert (version["definition"], version["cbc_screen"]) == ("clinical", cbc.__version__)


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = CliRunner().invoke(main, ["serve", "--port", port])
    assert done.exit_code == 2
    assert done.output.count("\n") == 1
    assert "choose another" in done.output


@pytest.mark.parametrize(
    "options", [["--port", "65536"], ["--max-body", "0"], ["--answers", "answers.txt"], ["--units", "nonsense"],
                ["--host", "no such host"], ["--timeout", "0"], ["--answers", "/nowhere/answers.csv"]],
)  # fmt: skip
def test_options_that_cannot_be(options: list[str]) -> None:
    done = CliRunner().invoke(main, ["serve", "--port", "0", *options])
    assert done.exit_code == 2
    assert "Traceback" not in done.output


def test_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.1.2.3", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "example.org", "")))


def test_answers_go_to_no_link(tmp_path: Path) -> None:
    (tmp_path / "answers.csv").symlink_to(tmp_path / "elsewhere.csv")
    done = CliRunner().invoke(main, ["serve", "--port", "0", "--answers", str(tmp_path / "answers.csv")])
    assert done.exit_code == 2
    assert not (tmp_path / "elsewhere.csv").exists()


def test_the_command_line_loads_no_server() -> None:
    code = "import sys, cbc_screen.cli; print(sorted({'fastapi', 'uvicorn', 'prometheus_client'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_the_extra_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['fastapi'] = None\nfrom cbc_screen.cli import main\nmain(['serve', '--port', '0'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.strip() == "cbc-screen: the service needs more packages: pip install 'cbc-screen[service]'"


def test_a_record_file_and_a_request_are_the_same(client: httpx.Client, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(as_json(SICK))
    done = CliRunner().invoke(main, ["one", "--record", str(path), "--json"])
    answer = post(client, "/screen", SICK).json()
    import json

    assert {**json.loads(done.output), "data_version": cbc.__data_version__} == answer
