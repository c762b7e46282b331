"""The command that shows what becomes of a messy export."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cbc_screen.commands.group import command
from cbc_screen.commands.printing import json_option, quiet_option, show
from cbc_screen.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from cbc_screen.summary import ScanSummary

_FOLDER = "cbc-screen-demo"
_EXPORT, _FLAGS, _REJECTS, _PAGE = "export.csv", "flags.parquet", "rejects.csv", "worklist.html"
# As typed in the folder; what is there already is the demo's own.
_SCAN = (
    f"$ cbc-screen scan {_EXPORT} -o {_FLAGS} --rejects {_REJECTS} \\",
    f"    --keep Sample --report {_PAGE} --force",
)
_EXPLAIN = f"$ cbc-screen explain {_FLAGS} --row Sample=T20"


@command(short_help="Screen a messy synthetic export; its files stay.", epilog="Example: cbc-screen demo")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=_FOLDER,
    show_default=True,
    help="Where the files are made, and stay.",
)
@json_option
@quiet_option
def demo(folder: Path, as_json: bool, quiet: bool) -> None:
    """Make a messy synthetic export, screen it, and explain one row; the files stay to try things on."""
    from cbc_screen.screener import Screener

    _make_export(folder)
    summary = Screener().scan(
        folder / _EXPORT, folder / _FLAGS, folder / _REJECTS, keep=["Sample"], report=folder / _PAGE, force=True
    )
    show(
        lambda: {"folder": str(folder), "files": [_EXPORT, _FLAGS, _REJECTS, _PAGE], "summary": summary.to_dict()},
        lambda console: _print_demo(console, folder, summary),
        as_json=as_json,
        quiet=quiet,
    )


def _make_export(folder: Path) -> None:
    """Write the export; a folder that holds anything else is left as it is."""
    import tempfile

    from cbc_screen.demo import write_demo

    export = folder / _EXPORT
    with tempfile.TemporaryDirectory() as name:
        made = Path(name) / _EXPORT
        write_demo(made)
        content = made.read_bytes()
    if folder.is_dir() and any(folder.iterdir()) and not (export.is_file() and export.read_bytes() == content):
        raise UsageError(f"demo: {folder.name} holds other files; name a new folder with --folder")
    folder.mkdir(parents=True, exist_ok=True)
    export.write_bytes(content)


def _print_demo(console: Console, folder: Path, summary: ScanSummary) -> None:
    from rich.text import Text

    from cbc_screen.demo import TRAPS
    from cbc_screen.report.brief import print_brief
    from cbc_screen.report.demo import trap_table
    from cbc_screen.report.terminal import print_summary
    from cbc_screen.review import screen_again

    go = f"$ cd {shlex.quote(str(folder))}"
    console.print(Text("A synthetic laboratory export of 502 rows and one ragged line, none of it of a person.\n"))
    console.print(Text("\n".join((go, *_SCAN, "")), style="cyan"), soft_wrap=True)
    print_summary(console, summary)
    console.print(Text("\nWhat became of each trap", style="bold"))
    console.print(trap_table(folder / _FLAGS, folder / _REJECTS, TRAPS))
    console.print(Text("\nOne row in short (T20: platelets missing)\n", style="bold"))
    print_brief(console, screen_again(folder / _FLAGS, "Sample=T20"))
    console.print(
        Text(f"\nThe files stay in {folder}; {_PAGE} is a page to review. The whole chain of a row:", style="bold")
    )
    console.print(Text("\n".join((go, _EXPLAIN)), style="cyan"), soft_wrap=True)
