"""Run the quick tests with the oldest versions that pyproject.toml allows: a lower bound is one that was tested.

    python tools/oldest.py                    # an environment of its own, removed at the end
    python tools/oldest.py --folder oldest    # kept, and used again
    python tools/oldest.py tests/test_read.py # other tests

Only the lower bounds are pinned; what the packages themselves need is as new as they allow.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ("excel", "polars", "postgresql", "duckdb", "plots", "service", "spark", "test")
NOT_NEEDED = ("selenium",)  # the page in a browser is none of the quick tests
QUICK = (
    "test_privacy", "test_screener", "test_cli", "test_scan", "test_read", "test_structure", "test_worklist",
    "test_messages", "test_long_tables", "test_options_file", "test_terminal", "test_report_forms", "security/test_nothing_of_the_input",
    "security/test_spreadsheet", "doors/test_databases", "doors/test_frame_kinds", "doors/test_recipes_polars",
)  # fmt: skip
_BOUND = re.compile(r"([A-Za-z0-9_.-]+)(?:\[[^]]*\])?>=([0-9.]+)")


def oldest(pyproject: Path) -> dict[str, str]:
    """Return the oldest version of each package that the project says it works with."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    found: dict[str, str] = {}
    for requirement in [*project["dependencies"], *(one for extra in EXTRAS for one in extras[extra])]:
        bound = _BOUND.fullmatch(requirement)
        if bound is None:
            raise SystemExit(f"{requirement}: has no lower bound of the form name>=version")
        name, version = bound[1].lower(), bound[2]
        if found.setdefault(name, version) != version:
            raise SystemExit(f"{name}: has two lower bounds, {found[name]} and {version}")
    return {name: version for name, version in found.items() if name not in NOT_NEEDED}


def run(folder: Path, tests: list[str]) -> int:
    """Make the environment in a folder, if it is not there, and run the tests in it."""
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    pins = [f"{name}=={version}" for name, version in oldest(ROOT / "pyproject.toml").items()]
    print(f"Python {sys.version.split()[0]}: {', '.join(pins)}", flush=True)
    if not python.exists():
        venv.create(folder, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *pins], check=True, stderr=subprocess.DEVNULL)
    options = ["-p", "no:cacheprovider", "-q", "-o", "filterwarnings=default", "--disable-warnings"]
    # Old packages warn of what newer ones changed: that is no fault of this one.
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "CBC_SCREEN_EXAMPLES": "20"}
    return subprocess.run([python, "-m", "pytest", *options, *tests], cwd=ROOT, env=environment, check=False).returncode


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="*", default=[f"tests/{name}.py" for name in QUICK])
    parser.add_argument("--folder", type=Path, help="Keep the environment here.")
    options = parser.parse_args()
    if options.folder is not None:
        return run(options.folder.resolve(), options.tests)
    with tempfile.TemporaryDirectory(prefix="cbc-screen-oldest-") as folder:
        return run(Path(folder) / "environment", options.tests)


if __name__ == "__main__":
    sys.exit(main())
