"""Run the quick tests with every Python that the package names, each in an environment of its own.

python tools/pythons.py                 # those that are on the path; a missing one is said, and is a failure
python tools/pythons.py 3.13 --tests tests/test_screener.py
"""

from __future__ import annotations

import argparse
import os
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = "excel,polars,postgresql,duckdb,plots,service,test"
_NAMED = re.compile(r"Programming Language :: Python :: (3\.\d+)")


def named(pyproject: Path) -> list[str]:
    """Return the Pythons that the classifiers name."""
    classifiers = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]["classifiers"]
    return [found[1] for found in map(_NAMED.fullmatch, classifiers) if found is not None]


def run(version: str, tests: Sequence[str]) -> bool:
    """Tell whether the tests pass with one Python."""
    python = shutil.which(f"python{version}")
    if python is None:
        print(f"Python {version}: not on the path", flush=True)
        return False
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "bin" / "python"
        subprocess.run([python, "-m", "venv", folder], check=True)
        subprocess.run([own, "-m", "pip", "install", "--quiet", f"{ROOT}[{EXTRAS}]"], check=True)
        options = ["-p", "no:cacheprovider", "-q", "-o", "filterwarnings=default", "--disable-warnings"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "CBC_SCREEN_EXAMPLES": "20"}
        done = subprocess.run([own, "-m", "pytest", *options, *tests], cwd=ROOT, env=environment, check=False)
    print(f"Python {version}: {'passed' if done.returncode == 0 else 'failed'}", flush=True)
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("versions", nargs="*", help="By default those that pyproject.toml names.")
    parser.add_argument("--tests", nargs="+", help="By default the quick ones of tools/oldest.py.")
    given = parser.parse_args()
    quick = runpy.run_path(str(ROOT / "tools" / "oldest.py"), run_name="tools")["QUICK"]
    tests = given.tests or [f"tests/{name}.py" for name in quick]
    passed = [run(version, tests) for version in given.versions or named(ROOT / "pyproject.toml")]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
