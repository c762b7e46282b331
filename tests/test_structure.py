"""The house rules within rooms (`test_architecture.py` has who may import whom), and what the package loads."""

from __future__ import annotations

import ast
import math
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "cbc_screen"


def imports_of(path: Path, *, top_level_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else ast.walk(tree)
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def modules(folder: str) -> list[Path]:
    return sorted((SOURCE / folder).rglob("*.py"))


OPENS_FILES = tuple(f"cbc_screen.knowledge.{name}" for name in ("files", "kept", "load", "parse"))


def test_the_kernel_reads_no_file_and_no_frame() -> None:
    for path in modules("kernel"):
        found = imports_of(path)
        assert not found & {"pandas", "pyarrow", "polars", "pathlib", "os", "io", "csv", "json", "yaml"}, path.name
        taken = {
            f"{node.module}.{alias.name}"
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        assert not any(name.startswith(OPENS_FILES) for name in taken), f"{path.name}: {taken}"


SERIAL_MAY = (
    "cbc_screen.serial",
    "cbc_screen.collect.spill",
    "cbc_screen.knowledge.",
    "cbc_screen.normalize.",
    "cbc_screen.kernel.",
    "cbc_screen.ingest.frames",
    "cbc_screen.ingest.source",
    "cbc_screen.engines.frames",
    "cbc_screen.engines.inputs",
    "cbc_screen.engines.notation",
    "cbc_screen.engines.opening",
    "cbc_screen.engines.read",
)
SMALL = {"kernel_batch", "kernel_inputs", "vocabulary", "arrays", "errors", "time_course"}


def test_serial_counts_stand_on_the_screen() -> None:
    for path in modules("serial"):
        for name in imports_of(path):
            own = name.removeprefix("cbc_screen.")
            assert own == name or own in SMALL or name.startswith(SERIAL_MAY), f"{path.name}: {name}"


def test_the_service_asks_the_library_and_nothing_below_knows_it() -> None:
    own = {path.name for path in modules("service")}
    assert {"app.py", "guard.py", "hooks.py"} <= own
    for path in modules("service"):
        for name in imports_of(path):
            assert not name.startswith(("cbc_screen.kernel", "cbc_screen.normalize", "cbc_screen.ingest")), path.name


def test_only_knowledge_reads_the_data_files() -> None:
    readers = {
        path.relative_to(SOURCE).parts[0]
        for path in SOURCE.rglob("*.py")
        if "reference_ranges_root" in path.read_text(encoding="utf-8")
    }
    assert readers == {"knowledge"}


def test_heavy_libraries_are_imported_only_where_used() -> None:
    for path in SOURCE.rglob("*.py"):
        heavy = imports_of(path, top_level_only=True) & {"pandas", "pyarrow", "polars", "matplotlib", "openpyxl"}
        assert not heavy, f"{path.name}: {heavy}"


def test_importing_the_package_and_screening_a_record_loads_no_frame_library() -> None:
    code = (
        "import sys, cbc_screen as cbc\n"
        "cbc.screen({'age': '54 y', 'sex': 'F', 'hemoglobin': '9.1 g/dL'})\n"
        "print(sorted({'pandas', 'pyarrow', 'polars', 'matplotlib', 'rich', 'click'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_a_scan_of_parquet_loads_no_pandas(tmp_path: Path, packed: bool, odd: bool) -> None:
    """It would cost a third of a second and 45 MB, for nothing."""
    code = (
        "import sys, cbc_screen as cbc\n"
        "cbc.scan(sys.argv[1], sys.argv[2], age_unit='y', packed=sys.argv[3] == 'True')\n"
        "print('pandas' in sys.modules)"
    )
    rows = {"age": [54, None], "sex": ["F", None], "HGB (g/dL)": [9.1, 15.0]}
    if odd:  # cells that are no numbers, gaps, and a row that is rejected
        rows |= {"PLT (10^9/L)": ["<5", "250"], "WBC (10^9/L)": [6.0, math.nan], "Sample ID": ["QC 1", "7"]}
    pq.write_table(pa.table(rows), tmp_path / "export.parquet")
    names = [str(tmp_path / name) for name in ("export.parquet", "flags.parquet")]
    done = subprocess.run([sys.executable, "-c", code, *names, str(packed)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_public_name_exists_and_has_a_docstring() -> None:
    import cbc_screen

    for name in cbc_screen.__all__:
        value = getattr(cbc_screen, name)
        if callable(value):
            assert value.__doc__, name


def test_no_cutoff_of_the_tables_stands_in_python() -> None:
    """Numbers live in reference_ranges/: no limit of a line or a grade is a literal of the kernel."""
    limits = {117.0, 132.0, 1.79, 1.76, 157.0, 141.0, 1.5, 1.8, 130.0, 120.0, 80.0, 70.0, 95.0, 105.0, 0.5, 0.2, 60.0}
    for folder in ("kernel", "report", "engines", "serial"):
        for path in modules(folder):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, float):
                    assert node.value not in limits, f"{path.name}:{node.lineno}"


def test_no_class_has_the_name_of_another() -> None:
    homes: dict[str, list[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(path.relative_to(SOURCE).as_posix())
    assert not {name: own for name, own in homes.items() if len(own) > 1}


LONGEST_FUNCTION, LONGEST_FILE = 60, 400


def test_no_function_is_longer_than_a_screen() -> None:
    """The docstring of a function, which its users read, is not counted."""
    long = []
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
                lines = (node.end_lineno or 0) - first.lineno + 1
                long += [f"{path.name}: {node.name} has {lines} lines"] if lines > LONGEST_FUNCTION else []
    assert not long


def test_a_long_file_says_why_in_its_first_line() -> None:
    root = Path(__file__).resolve().parent.parent
    for path in sorted(
        path for folder in ("src", "tools", "benchmarks", "tests") for path in (root / folder).rglob("*.py")
    ):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= LONGEST_FILE or "one file: " in lines[0], f"{path.name}: {len(lines)} lines"
