"""Build the wheel and the sdist, install the wheel into a clean environment, and run the sdist's own tests there.

    python tools/own_tests.py                    # an environment of its own, removed at the end
    python tools/own_tests.py --folder own       # kept, and used again; the wheel is installed anew
    python tools/own_tests.py tests/test_read.py # other tests, or options of pytest

What runs is what somebody has who downloads a release, and nothing of this checkout: the code and the tables of the wheel,
the tests of the sdist. The group of tests that needs files from outside the repository is left out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = "excel,polars,plots,service,test"
QUICK = (
    "test_exports", "test_cases", "test_red_files", "test_recipes", "test_packaging", "test_readme", "test_cli", "test_options",
    "test_privacy", "test_architecture", "ingest/test_astm", "knowledge/test_unit_spellings",
)  # fmt: skip
# Said by the environment that runs the tests: what is imported is what was installed.
WHERE = (
    "import cbc_screen, cbc_screen.knowledge.files as files; print(cbc_screen.__file__, files.reference_ranges_root())"
)


def build(folder: Path) -> tuple[Path, Path]:
    """Build both, and return the wheel and the sdist."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", folder], cwd=ROOT, check=True, capture_output=True
    )
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def unpack(sdist: Path, folder: Path) -> Path:
    """Unpack the sdist, and return the folder that it is in."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return folder / sdist.name.removesuffix(".tar.gz")


def install(wheel: Path, folder: Path) -> Path:
    """Install the wheel into an environment, and return its Python."""
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, f"{wheel}[{EXTRAS}]"], check=True)
    subprocess.run([*pip, "--force-reinstall", "--no-deps", wheel], check=True)
    return python


def run(environment: Path, work: Path, tests: list[str]) -> int:
    """Build, install, unpack, and run the tests."""
    wheel, sdist = build(work)
    python, unpacked = install(wheel, environment), unpack(sdist, work)
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "CBC_SCREEN_SHARED")}
    said = subprocess.run([python, "-c", WHERE], cwd=work, env=clean, check=True, capture_output=True, text=True).stdout
    print(f"Python {sys.version.split()[0]}, {wheel.name}, {sdist.name}", flush=True)
    if not all(path.startswith(str(environment)) for path in said.split()):
        raise SystemExit(f"the tests would not run on what was installed: {said.strip()}")
    command = [python, "-m", "pytest", "-p", "no:cacheprovider", *tests]
    return subprocess.run(command, cwd=unpacked, env=clean, check=False).returncode


def main() -> int:
    """Run it, and return the exit code of the tests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="Keep the environment here.")
    given, tests = parser.parse_known_args()
    tests = tests or [f"tests/{name}.py" for name in QUICK]
    with tempfile.TemporaryDirectory(prefix="cbc-screen-own-") as folder:
        kept = given.folder.resolve() if given.folder else Path(folder).resolve() / "environment"
        return run(kept, Path(folder).resolve(), tests)


if __name__ == "__main__":
    raise SystemExit(main())
