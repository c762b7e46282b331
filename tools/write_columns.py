"""Write docs/columns.md: every column of a frame of flags, its type and its words.

Usage: python tools/write_columns.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

import pyarrow as pa  # noqa: E402

import cbc_screen as cbc  # noqa: E402
from cbc_screen.field_texts import COLUMNS, WORDS  # noqa: E402
from cbc_screen.knowledge import load_knowledge  # noqa: E402
from cbc_screen.vocabulary import NOTICE  # noqa: E402

PAGE = ROOT / "docs" / "columns.md"
# Which words a column has, where they are not under its own name.
OF = {
    "red_line": "lines",
    "white_line": "lines",
    "platelet_line": "lines",
    "severity_min": "severity",
    "{}_state": "states",
}
OF |= {f"{line}_line_unadjusted": "lines" for line in ("red", "white")}
KINDS = {"bool": "yes or no", "int8": "whole number", "double": "number", "string": "text"}


def kind_of(field: pa.DataType) -> str:
    """Say what a cell of a column is."""
    return KINDS[str(field.value_type if pa.types.is_dictionary(field) else field)]


def pattern_of(name: str) -> str:
    """Return the name of a column with its analyte left open."""
    if name in COLUMNS:
        return name
    analytes = sorted(load_knowledge().analytes, key=len, reverse=True)
    return next(("{}" + name.removeprefix(own) for own in analytes if name.startswith(f"{own}_")), name)


def columns() -> dict[str, str]:
    """Return the columns of frames under every setting, each with its kind; those of analytes once."""
    counts = pa.Table.from_pandas(cbc.sample(ordinary=2))
    found: dict[str, str] = {}
    for screener in (
        cbc.Screener(),
        cbc.Screener(published_sets=True, setting="ward"),
        cbc.Screener(definition="strict", grading="who_2024", adjust_hemoglobin=("smoking",)),
    ):
        schema = screener.screen_frame(counts, detail=True).schema
        found |= {pattern_of(field.name): kind_of(field.type) for field in schema}
    return found


def page() -> str:
    """Return the whole page."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    found = columns()
    yield from (
        "# Columns",
        "",
        f"Every column of a frame or a file of flags, written by `tools/write_columns.py`. {NOTICE}",
        "",
    )
    yield from ("`{}` stands for an analyte ([reference.md](reference.md)).", "")
    yield from ("| column | holds | what it is |", "|---|---|---|")
    for name, text in COLUMNS.items():
        if name in found or OF.get(name, name) in WORDS:
            words = OF.get(name, name)
            kind = f"[words](#{words})" if words in WORDS else found[name]
            yield f"| `{name}` | {kind} | {text} |"
    yield from (
        "",
        "A file of flags begins with `row`, the line in the source (of several sources with `file` before it), then the columns that were kept",
        "(`--keep`; of collected results `person` and `collected_at`) and `received`, where it was asked for. `scan --follow` adds columns at the end:",
        "[Counts over time](follow.md).",
        "",
    )
    yield from ("## Words", "", "One word, one meaning. `cannot_tell` never means normal.", "")
    for name, words in WORDS.items():
        yield from (f"### {name}", "", "| word | means |", "|---|---|")
        yield from (f"| `{word}` | {text} |" for word, text in words.items())
        yield ""


def main() -> None:
    """Write the page."""
    PAGE.write_text(page().rstrip() + "\n", encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(columns())} columns")


if __name__ == "__main__":
    main()
