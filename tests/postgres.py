"""A PostgreSQL server of one's own, in a temporary folder and on a socket there, and what is asked of it."""

from __future__ import annotations

import io
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

_TYPES = {"double": "double precision", "string": "text", "bool": "boolean", "int64": "bigint"}
_OWNER = "postgres"  # the server refuses to run as root
QUIET = "-c fsync=off -c listen_addresses='' -c jit=off"


def _programs() -> Path:
    """Return the folder of the server's programs, where Debian keeps them or on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    where = str(found[-1]) if found else shutil.which("initdb")
    if where is None:
        raise AssertionError("PostgreSQL is not installed: apt-get install postgresql")
    return Path(where).parent


def _as_owner(command: Sequence[str]) -> list[str]:
    return ["runuser", "-u", _OWNER, "--", *command] if os.geteuid() == 0 else list(command)


@dataclass(frozen=True)
class Server:
    """A running server."""

    folder: Path
    programs: Path

    def run(self, text: str, given: bytes = b"") -> bytes:
        """Run statements; a statement that reads takes what is given, and what is written is returned."""
        return self._ask(["-c", text], given)

    def load(self, name: str, table: pa.Table) -> None:
        """Make a table of an Arrow table."""
        columns = ", ".join(f'"{field.name}" {_TYPES[str(field.type)]}' for field in table.schema)
        self.run(f"DROP TABLE IF EXISTS {name} CASCADE; CREATE TABLE {name} ({columns})")
        sink = io.BytesIO()
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
        pyarrow.csv.write_csv(table, sink, options)
        self.run(f"COPY {name} FROM STDIN (FORMAT csv, NULL '')", sink.getvalue())

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Return the rows of a query; NULL as None."""
        file = self.folder / "statement.sql"
        file.write_text(f"COPY (\n{statement}\n) TO STDOUT (FORMAT csv, HEADER)", encoding="utf-8")
        found = self._ask(["-f", str(file)])
        empty = pyarrow.csv.ConvertOptions(null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False)
        return pyarrow.csv.read_csv(io.BytesIO(found), convert_options=empty).to_pylist()

    def _ask(self, options: Sequence[str], given: bytes = b"") -> bytes:
        command = [str(self.programs / "psql"), "-q", "-X", "-v", "ON_ERROR_STOP=1", "-h", str(self.folder)]
        command += ["-d", "postgres", *options]
        done = subprocess.run(_as_owner(command), input=given, capture_output=True, cwd=self.folder, check=False)
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        return done.stdout


@contextmanager
def server() -> Iterator[Server]:
    """Start a server, and stop and remove it at the end."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="cbc-postgres-"))
    if os.geteuid() == 0:
        owner = pwd.getpwnam(_OWNER)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    data = folder / "data"
    try:
        _call(
            [str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", _OWNER, "-E", "UTF8", "--no-sync"], folder
        )
        start = [str(programs / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log")]
        _call([*start, "-o", f"-k {folder} {QUIET}", "start"], folder)
        try:
            yield Server(folder, programs)
        finally:
            _call([str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _call(command: Sequence[str], folder: Path) -> None:
    # What the server writes must not go to a pipe: it would stay open as long as the server runs.
    with (folder / "out").open("ab") as out:
        done = subprocess.run(_as_owner(command), stdout=out, stderr=out, cwd=folder, check=False)
    assert done.returncode == 0, (folder / "out").read_text()[-2000:]
