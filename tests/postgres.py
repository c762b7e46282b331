"""A real PostgreSQL of a test's own: a temporary folder, a socket in it, and no port."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

USER = "screener"
PASSWORD = "CANARY/pass word@7Q"  # with what an address has to write otherwise
DATABASE = "laboratory"
_SYSTEM_USER = "postgres"  # the server refuses to run as root


@dataclass(frozen=True)
class Server:
    """A server that runs; `url` is an address with the password in it."""

    folder: Path

    @property
    def url(self) -> str:
        return f"postgresql://{USER}:{quote(PASSWORD, safe='')}@/{DATABASE}?host={quote(str(self.folder), safe='')}"

    def run(self, *statements: str) -> None:
        """Run statements, as somebody else would."""
        from adbc_driver_postgresql import dbapi

        with dbapi.connect(self.url, autocommit=True) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def put(self, name: str, table: pa.Table, *, over: bool = False) -> None:
        """Make a table, over one of that name where it says so."""
        from adbc_driver_postgresql import dbapi

        with dbapi.connect(self.url, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.adbc_ingest(name, table, mode="replace" if over else "create")

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Return what a query gives."""
        from adbc_driver_postgresql import dbapi

        with dbapi.connect(self.url, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetch_arrow_table().to_pylist())

    def stop(self, how: str = "fast") -> None:
        """Stop it: "immediate" is a crash."""
        _as_server("pg_ctl", "-D", str(self.folder / "data"), "-m", how, "-w", "stop")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        # No durability is wanted, and no time for compiling a statement; every setting else is the server's own.
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off -c jit=off"
        _as_server(
            "pg_ctl", "-D", str(self.folder / "data"), "-l", str(self.folder / "log"), "-o", options, "-w", "start"
        )


def _as_server(program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL, as another user where this one is root."""
    found = shutil.which(program) or next(map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))), None)
    assert found is not None, "PostgreSQL is not installed: apt-get install postgresql"
    user = {"user": _SYSTEM_USER, "group": _SYSTEM_USER, "extra_groups": []} if os.geteuid() == 0 else {}
    done = subprocess.run(
        [found, *arguments], capture_output=program == "initdb", text=True, check=False, cwd="/", timeout=60,
        stdin=subprocess.DEVNULL, **({} if program == "initdb" else {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}),
        **user,
    )  # fmt: skip
    assert done.returncode == 0, f"{program}: {done.returncode} {done.stderr}"


@contextmanager
def running() -> Iterator[Server]:
    """Start a server, and leave nothing of it."""
    # A socket's name may not be longer than 107 bytes, as those of pytest are.
    folder = Path(tempfile.mkdtemp(prefix="cbc-pg-", dir="/tmp"))
    try:
        secret = folder / "secret"
        secret.write_text(PASSWORD + "\n", encoding="utf-8")
        if os.geteuid() == 0:
            for path in (folder, secret):
                shutil.chown(path, _SYSTEM_USER, _SYSTEM_USER)
        _as_server(
            "initdb", "-D", str(folder / "data"), "-U", USER, "--auth=scram-sha-256", f"--pwfile={secret}", "-E", "UTF8",
            "--no-locale", "--no-sync",
        )  # fmt: skip
        server = Server(folder)
        server.start()
        try:
            from adbc_driver_postgresql import dbapi

            first = server.url.replace(f"/{DATABASE}?", "/postgres?")
            with dbapi.connect(first, autocommit=True) as connection, connection.cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {DATABASE}")
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
