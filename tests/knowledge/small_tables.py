"""Small tables of one's own for tests, beside the shipped analytes and units."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from cbc_screen.knowledge.parse import parse_yaml
from cbc_screen.knowledge.quantities import Analyte, load_analytes, load_units
from cbc_screen.knowledge.strict import YamlNode

TABLES = Path(__file__).resolve().parents[2] / "reference_ranges"


def table(text: str, file: str = "table.yaml") -> YamlNode:
    """Return a YAML table as the loader reads it."""
    return parse_yaml(text, file)


@lru_cache(maxsize=1)
def analytes() -> dict[str, Analyte]:
    """Return the shipped analytes: their two files are read alone, which takes less than a second."""
    units, analytes_file = (
        table((TABLES / name).read_text(encoding="utf-8"), name) for name in ("units.yaml", "analytes.yaml")
    )
    return load_analytes(analytes_file, load_units(units, {})[0])[0]
