"""Draw the figures of docs/: diagrams of how a value becomes a flag, and figures that the library itself makes of synthetic counts.

Usage: python tools/write_figures.py [diagrams|figures]
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))
FOLDER = ROOT / "docs/figures"
STYLE = (
    "svg{background:#fff;font:15px system-ui,sans-serif}"
    ".box{fill:#f3f6f8;stroke:#1c2733;stroke-width:1.5}.key{fill:#e3eef6}.warn{fill:#fbeee2}"
    "text{fill:#1c2733}.fine{font-size:12.5px;fill:#4a5a68}.b{font-weight:600}"
    ".line{stroke:#1c2733;stroke-width:1.5;fill:none}.low{stroke:#a3132a;stroke-width:5}.not{stroke:#1f6f4a;stroke-width:5}"
    ".open{stroke:#7a5a00;stroke-width:5;stroke-dasharray:7 4}.limit{stroke:#1c2733;stroke-width:2;stroke-dasharray:3 3}"
)
ARROW = '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0 8 4 0 8z" fill="#1c2733"/></marker></defs>'


def svg(width: int, height: int, title: str, parts: Iterable[str]) -> str:
    """Return a picture with a title that a reader of screens says."""
    inside = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{escape(title)}">\n<title>{escape(title)}</title>\n<style>{STYLE}</style>\n{ARROW}\n{inside}\n</svg>\n'
    )


def box(x: int, y: int, width: int, lines: Sequence[str], kind: str = "") -> str:
    """Return a box: the first line is its name, the others say what happens there."""
    height = 30 + 18 * (len(lines) - 1)
    texts = [f'<text class="b" x="{x + width // 2}" y="{y + 21}" text-anchor="middle">{escape(lines[0])}</text>']
    texts += [
        f'<text class="fine" x="{x + width // 2}" y="{y + 21 + 18 * place}" text-anchor="middle">{escape(line)}</text>'
        for place, line in enumerate(lines[1:], 1)
    ]
    return f'<rect class="box {kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="5"/>' + "".join(texts)


def arrow(*points: tuple[int, int]) -> str:
    """Return an arrow through some points."""
    return f'<path class="line" marker-end="url(#a)" d="M{" L".join(f"{x} {y}" for x, y in points)}"/>'


def from_value_to_flag() -> str:
    """Draw the one way of a result."""
    steps = [
        ("received", "“9.1 g/dL”, “<10”,", "“clotted”, nothing"),
        ("read", "number, sign, unit,", "remark, or a reason"),
        ("interval", "in one unit: 91 to 91,", "0 to under 10, anything"),
        ("limits", "of every age, sex and", "stage that is possible"),
        ("facts", "surely low, surely not,", "or neither"),
        ("flags", "pattern, severity,", "urgency, checklist"),
    ]
    last = len(steps) - 1
    parts = [box(10 + 190 * place, 20, 168, lines, "key" if place == last else "") for place, lines in enumerate(steps)]
    parts += [arrow((178 + 190 * place, 53), (198 + 190 * place, 53)) for place in range(last)]
    parts += [
        box(370, 140, 390, ("reason", "what is not used says why, and goes along to the end"), "warn"),
        arrow((284, 86), (284, 164), (368, 164)),
        arrow((760, 164), (1044, 164), (1044, 88)),
    ]
    return svg(1140, 205, "From a received value to a flag", parts)


def where_all_agree() -> str:
    """Draw four hemoglobins beside a limit."""
    left, limit, right = 230, 520, 800
    rows = [
        ("91 g/L", 400, 404, "low", "low"),
        ("“<100 g/L”", left, 440, "low", "low: every number of it is"),
        ("“>100 g/L”", 440, right, "open", "cannot tell: some are, some are not"),
        ("91, a remark takes it back", left, right, "open", "cannot tell: it may be anything"),
        ("135 g/L", 610, 614, "not", "not low"),
    ]
    parts = [
        f'<path class="limit" d="M{limit} 30 V250"/><text class="fine" x="{limit}" y="22" text-anchor="middle">limit of a woman of 54: 117 g/L</text>'
    ]
    for place, (name, first, last, kind, said) in enumerate(rows):
        y = 60 + 42 * place
        parts += [
            f'<text x="10" y="{y + 5}">{escape(name)}</text><path class="line" opacity=".25" d="M{left} {y} H{right}"/>',
            f'<path class="{kind}" d="M{first} {y} H{last}"/><text class="fine" x="{right + 15}" y="{y + 4}">{escape(said)}</text>',
        ]
    return svg(1060, 270, "An answer only where every possibility agrees", parts)


def one_definition() -> str:
    """Draw the doors in, the one definition, and the doors out."""
    doors = ["a record", "a frame", "CSV, Excel, Parquet", "HL7, FHIR, ASTM, C-CDA", "a database", "Spark"]
    ways = ["a function for one record", "bits for columns", "SQL", "CQL"]
    out = ["flags with reasons", "a worklist", "FHIR, cards", "OMOP, R"]
    parts = [box(10, 10 + 42 * place, 235, (name,)) for place, name in enumerate(doors)]
    parts += [
        arrow((245, 25 + 42 * place), (298, 25 + 42 * place), (298, 127), (318, 127)) for place in range(len(doors))
    ]
    parts += [
        box(
            320,
            85,
            185,
            ("one definition", "ranges, schemes, rules:", "data with their sources", "and versions"),
            "key",
        ),
        *(box(580, 10 + 62 * place, 235, (name,)) for place, name in enumerate(ways)),
        *(arrow((505, 127), (540, 127), (540, 25 + 62 * place), (578, 25 + 62 * place)) for place in range(len(ways))),
        *(box(900, 10 + 62 * place, 180, (name,)) for place, name in enumerate(out)),
        *(arrow((815, 25 + 62 * place), (898, 25 + 62 * place)) for place in range(len(out))),
        '<text class="fine" x="712" y="262" text-anchor="middle">held equal to one another, row by row, by the tests</text>',
    ]
    return svg(1095, 275, "One definition behind every door", parts)


DIAGRAMS = {"value_to_flag": from_value_to_flag, "where_all_agree": where_all_agree, "one_definition": one_definition}


def write_diagrams() -> None:
    """Write what is drawn here."""
    FOLDER.mkdir(exist_ok=True)
    for name, drawn in DIAGRAMS.items():
        (FOLDER / f"{name}.svg").write_text(drawn(), encoding="utf-8")


def write_figures() -> None:
    """Write what the library draws of its synthetic sample; the same bytes each time with one matplotlib."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "cbc-screen"
    import cbc_screen as cbc

    flags = cbc.screen_frame(cbc.sample())
    made = {
        "sample": cbc.plot_cohort(flags),
        "ranges_hemoglobin": cbc.plot_ranges("hemoglobin").figure,
    }
    FOLDER.mkdir(exist_ok=True)
    for name, figure in made.items():
        figure.savefig(FOLDER / f"{name}.svg", bbox_inches="tight", facecolor="white", metadata={"Date": None})


def main() -> None:
    """Write all of them, or one kind."""
    wanted = sys.argv[1:] or ["diagrams", "figures"]
    if "diagrams" in wanted:
        write_diagrams()
    if "figures" in wanted:
        write_figures()


if __name__ == "__main__":
    main()
