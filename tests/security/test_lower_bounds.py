"""Every lower bound in pyproject.toml is one that `tools/oldest.py` installs and tests."""

from __future__ import annotations

import ast
import runpy
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OLDEST = runpy.run_path(str(ROOT / "tools" / "oldest.py"))
# Where a package is installed under another name than it is imported by; `markupsafe` comes with jinja2.
IMPORTED_AS = {"pyyaml": "yaml", "prometheus-client": "prometheus_client"}
IMPORTED_AS |= {"adbc-driver-postgresql": "adbc_driver_postgresql"}
COMES_WITH = {
    "markupsafe": "jinja2",
    "pydantic_core": "pydantic",
    "starlette": "fastapi",
    "anyio": "fastapi",
    "h11": "uvicorn",
}


def test_what_is_tested_is_what_the_project_names() -> None:
    found = OLDEST["oldest"](ROOT / "pyproject.toml")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {requirement.partition(">=")[0] for requirement in project["dependencies"]}
    assert named <= found.keys()
    assert {"openpyxl", "polars", "matplotlib", "pytest"} <= found.keys()
    assert all(version[0].isdigit() for version in found.values())


def test_every_package_that_is_imported_has_a_lower_bound() -> None:
    imported = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])
    foreign = imported - set(sys.stdlib_module_names) - {"cbc_screen"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    everything = [
        *project["dependencies"],
        *(one for extra in project["optional-dependencies"].values() for one in extra),
    ]
    bounded = {IMPORTED_AS.get(name, name) for name, sign, _ in (one.partition(">=") for one in everything) if sign}
    assert {COMES_WITH.get(name, name) for name in foreign} <= bounded


@pytest.mark.parametrize("requirement", ["numpy", "numpy==1.26", "numpy>1", "numpy<3"])
def test_a_requirement_without_a_lower_bound_is_an_error(tmp_path: Path, requirement: str) -> None:
    extras = "".join(f"{extra} = []\n" for extra in OLDEST["EXTRAS"])
    (tmp_path / "pyproject.toml").write_text(
        f'[project]\ndependencies = ["{requirement}"]\n[project.optional-dependencies]\n{extras}', encoding="utf-8"
    )
    with pytest.raises(SystemExit, match="no lower bound"):
        OLDEST["oldest"](tmp_path / "pyproject.toml")
