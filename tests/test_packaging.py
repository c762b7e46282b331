"""The data ships with the code: wheel, zip on the path, and an editable install's checkout."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

import cbc_screen

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = "cbc_screen/_reference_ranges/"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_every_data_file_unchanged(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        shipped = {
            n.removeprefix(SHIPPED): hashlib.sha256(archive.read(n)).hexdigest()
            for n in archive.namelist()
            if n.startswith(SHIPPED)
        }
        assert "cbc_screen/py.typed" in archive.namelist()
    data = ROOT / "reference_ranges"
    in_tree = {
        str(p.relative_to(data)): hashlib.sha256(p.read_bytes()).hexdigest() for p in data.rglob("*") if p.is_file()
    }
    assert shipped == in_tree
    assert wheel.stat().st_size < 1_200_000  # names in thirty languages and the service are the largest parts that came


def test_every_data_file_is_in_the_manifest_and_nothing_else_is() -> None:
    data = ROOT / "reference_ranges"
    manifest = yaml.safe_load((data / "manifest.yaml").read_text())
    assert set(manifest["files"]) == {str(p.relative_to(data)) for p in data.rglob("*") if p.is_file()} - {
        "manifest.yaml"
    }


def test_the_wheel_works_as_a_zip_on_the_path(wheel: Path, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(wheel)!r})\n"
        "import cbc_screen as cbc\n"
        "from cbc_screen.knowledge.files import reference_ranges_root\n"
        "print(type(reference_ranges_root()).__name__, cbc.reference_range('hemoglobin', age='54 y', sex='F').lower)\n"
        "print(cbc.screen({'age': '54 y', 'sex': 'F', 'hemoglobin': '9.1 g/dL'}).explain()[:12])"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["Path 117.0", "For clinicia"]


def test_a_checkout_reads_its_own_data_and_not_a_stale_copy() -> None:
    from cbc_screen.knowledge.files import reference_ranges_root

    assert Path(str(reference_ranges_root())) == ROOT / "reference_ranges"


def test_the_citation_names_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == cbc_screen.__version__
    assert citation["license"] == "Apache-2.0"
