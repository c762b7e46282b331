"""The data ships with the code: wheel, zip on the path, and an editable install's checkout."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

import cbc_screen

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = "cbc_screen/_reference_ranges/"
WHOLE = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = WHOLE["project"]


# What may leave: a file that is of none of these is a slip, and fails here before anybody can download it.
LARGEST = 120_000  # bytes of one file, unpacked: the largest are tables of reference ranges
LARGEST_SDIST = 3_000_000  # it grows with the tests and the pages; a slip is a file more than large
TEXT = {".py", ".md", ".yaml", ".yml", ".toml", ".csv", ".cff", ".css", ".js", ".j2", ".sh", ".typed"}
# folder of the sdist: the endings of its files
SDIST = {
    "src": TEXT,
    "src/cbc_screen/_schemas": {".json"},
    "reference_ranges": {".csv", ".yaml", ".md"},
    "tests": {*TEXT, ".json"},
    "tests/exports": {
        *TEXT, ".tsv", ".txt", ".gz", ".ndjson", ".parquet", ".xlsx", ".xpt", ".hl7", ".astm", ".json", ".xml", ".fsh", "",
    },
    "docs": TEXT,
    "docs/figures": {".svg"},
    "examples": {*TEXT, ".ipynb"},
    "benchmarks": TEXT,
    "tools": TEXT,
    ".ci": {""},
}  # fmt: skip
BESIDE = {
    ".gitignore", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "Containerfile", "LICENSE", "PKG-INFO", "README.md", "mkdocs.yml",
    "pyproject.toml",
}  # fmt: skip
NEVER = ("__pycache__", ".venv", ".hypothesis", ".git/", ".part", ".journal", "shared/")


def build(source: Path, folder: Path, *targets: str) -> None:
    asked = [word for target in targets for word in ("-t", target)]
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", *asked, "-d", str(folder)],
        cwd=source,
        check=True,
        capture_output=True,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def sdist(built: Path) -> Path:
    (found,) = built.glob("*.tar.gz")
    return found


def hashes(wheel: Path) -> dict[str, str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


def kind_of(name: str) -> set[str]:
    """Return the endings that a file of the sdist may have, by its folder."""
    return next((SDIST[folder] for folder in sorted(SDIST, reverse=True) if name.startswith(f"{folder}/")), set())


def test_the_sdist_holds_what_it_may_and_nothing_else(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        members = [member for member in archive.getmembers() if not member.isdir()]
    sizes = {member.name.partition("/")[2]: member.size for member in members}
    assert all(member.isfile() for member in members), "a link"
    assert len({member.name.partition("/")[0] for member in members}) == 1
    assert [name for name in sizes if name not in BESIDE and Path(name).suffix not in kind_of(name)] == []
    assert [name for name in sizes if any(part in name for part in NEVER)] == []
    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}
    assert set(BESIDE) <= set(sizes)
    assert {folder for folder in SDIST if not any(name.startswith(f"{folder}/") for name in sizes)} == set()
    assert sdist.stat().st_size < LARGEST_SDIST


def test_the_wheel_holds_the_package_its_data_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    about = {name for name in sizes if name.startswith(f"cbc_screen-{cbc_screen.__version__}.dist-info/")}
    assert {name.rpartition("/")[2] for name in about} == {"METADATA", "WHEEL", "RECORD", "LICENSE", "entry_points.txt"}
    ours = set(sizes) - about
    assert {name.partition("/")[0] for name in ours} == {"cbc_screen"}
    schemas = {name for name in ours if name.startswith("cbc_screen/_schemas/")}
    assert {Path(name).suffix for name in ours - schemas} <= TEXT
    assert schemas == {f"cbc_screen/_schemas/{name}.json" for name in cbc_screen.schema_names()}
    assert [name for name in ours if any(part in name for part in (*NEVER, "test"))] == []
    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}
    code = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*.py")}
    assert {name for name in ours if name.endswith(".py")} == code


def test_the_sdist_builds_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    """Whoever installs from source gets what the others get."""
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    build(unpacked, tmp_path / "dist", "wheel")
    (again,) = (tmp_path / "dist").glob("*.whl")
    assert hashes(again) == hashes(wheel)


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
    # Names in thirty languages, the service and SQL are the largest parts that came; then statistics of sheets in as many, and frequencies.
    assert wheel.stat().st_size < 1_700_000


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
    """Also where a wheel is installed beside it."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r})\n"
        "from cbc_screen.knowledge.files import reference_ranges_root\n"
        "print(reference_ranges_root())"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == ROOT / "reference_ranges"


def test_the_citation_says_what_the_package_says() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == cbc_screen.__version__
    assert citation["license"] == PROJECT["license"] == "Apache-2.0"
    assert citation["authors"] == PROJECT["authors"]
    assert citation["url"] == PROJECT["urls"]["Homepage"]


def test_the_changelog_begins_with_this_version_and_data() -> None:
    heads = [line for line in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines() if line[:3] == "## "]
    assert heads[0].startswith(f"## {cbc_screen.__version__}, data {cbc_screen.__data_version__} (")


def test_what_a_host_looks_for_is_where_it_looks() -> None:
    """A policy for faults and one for conduct are found at the top, in .github or in docs; two would differ one day."""
    for name in ("SECURITY.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md"):
        assert [folder for folder in (".", ".github", "docs") if (ROOT / folder / name).is_file()] != [], name
        assert len([folder for folder in (".", ".github", "docs") if (ROOT / folder / name).is_file()]) == 1, name


def test_the_pythons_that_are_named_begin_with_the_oldest_that_is_needed() -> None:
    named = [text.rpartition(" ")[2] for text in PROJECT["classifiers"] if "Python :: 3." in text]
    assert PROJECT["requires-python"] == f">={named[0]}"
    minors = [int(text.partition(".")[2]) for text in named]
    assert minors == list(range(minors[0], minors[-1] + 1))


# The recipe for conda: the same version, entry, license and dependencies, under the names that conda-forge has for them.
RECIPE = yaml.safe_load((ROOT / "tools" / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
CONDA_NAMES = {"matplotlib": "matplotlib-base", "duckdb": "python-duckdb", "prometheus-client": "prometheus_client"}
INSTALLED = ("excel", "polars", "postgresql", "duckdb", "plots", "tables", "service", "spark")


def of_conda(requirements: Iterable[str]) -> set[str]:
    found = set()
    for requirement in requirements:
        name, sign, bound = requirement.partition(">=")
        found.add(f"{CONDA_NAMES.get(name, name)} {sign}{bound}")
    return found


def test_the_recipe_for_conda_is_of_this_package() -> None:
    assert RECIPE["context"]["version"] == cbc_screen.__version__
    assert RECIPE["context"]["name"] == PROJECT["name"]
    assert RECIPE["about"]["license"] == PROJECT["license"]
    assert RECIPE["about"]["summary"] == PROJECT["description"]
    assert RECIPE["about"]["homepage"] == PROJECT["urls"]["Homepage"]
    assert (ROOT / "tools" / "conda" / RECIPE["source"]["path"]).resolve() == ROOT
    ((command, entry),) = PROJECT["scripts"].items()
    assert RECIPE["build"]["python"]["entry_points"] == [f"{command} = {entry}"]


def test_the_recipe_for_conda_names_the_dependencies_of_the_package() -> None:
    needs = RECIPE["requirements"]
    python = f"python {PROJECT['requires-python']}"
    assert set(needs["run"]) == {python, *of_conda(PROJECT["dependencies"])}
    assert set(needs["host"]) == {python, "pip", *of_conda(WHOLE["build-system"]["requires"])}
    beside = {one for extra in INSTALLED for one in PROJECT["optional-dependencies"][extra]}
    assert set(needs["run_constraints"]) == of_conda(beside)
    assert {*INSTALLED, "bench", "test", "dev"} == PROJECT["optional-dependencies"].keys()
