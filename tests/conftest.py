"""Where the real third-party files are; absent in CI they are a failure, never a skip."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from effort import PROPERTIES
from places import SHARED

# Many tests start the command. As with its users, a process goes on from what an earlier one has kept of the tables:
# without that, each of them takes two seconds longer (measured: 40 % of those tests).
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Ten thousand tests and the tables are a million objects that live to the end: looking through them for garbage again
# and again took a fifth of the time (measured).
gc.set_threshold(200_000, 20, 100)

settings.register_profile(
    "default",
    max_examples=PROPERTIES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("default")


# What needs a browser, a socket, Spark, PostgreSQL or another library's frames, starts many processes, or holds every kept answer: by
# folder or file. A test of its own has the mark `parts`.
PARTS = (
    "browser/", "spark/", "doors/test_admiral", "doors/test_cql", "doors/test_databases", "doors/test_recipes", "doors/test_sql", "security/test_canary",
    "security/test_faults", "security/test_fuzz_scan", "security/test_system", "service/", "test_answers_gate", "test_benchmarks",
    "test_kept", "test_mutants_tool", "test_notebooks",
)  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what a stranger may not have: files from outside the repository, and real parts. CI runs both groups."""
    for item in items:
        if item.path.relative_to(Path(__file__).parent).as_posix().startswith(PARTS):
            item.add_marker("parts")
        module = getattr(item, "module", None)
        if "shared" in getattr(item, "fixturenames", ()) or getattr(module, "SHARED", None) is not None:
            item.add_marker("outside")


def pytest_collection_finish() -> None:
    """Leave what was collected out of every later search for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real files and of the cited tables."""
    if not SHARED.is_dir():
        message = f"{SHARED} is not there; set CBC_SCREEN_SHARED"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return SHARED
