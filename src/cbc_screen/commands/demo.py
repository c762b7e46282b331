"""The command that shows what becomes of a messy export."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(epilog="Example: cbc-screen demo")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="Keep the files here.")
def demo(folder: Path | None) -> None:
    """Make a messy synthetic export, screen it, and explain one row."""
    import tempfile

    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        _run_demo(folder)
        return
    with tempfile.TemporaryDirectory(prefix="cbc-screen-demo-") as name:
        _run_demo(Path(name))


def _run_demo(folder: Path) -> None:
    from rich.text import Text

    from cbc_screen.demo import TRAPS, write_demo
    from cbc_screen.report.brief import print_brief
    from cbc_screen.report.demo import trap_table
    from cbc_screen.report.terminal import make_console, print_summary
    from cbc_screen.review import screen_again
    from cbc_screen.screener import Screener

    console = make_console()
    source, out, rejects = folder / "export.csv", folder / "flags.parquet", folder / "rejects.csv"
    write_demo(source)
    console.print(Text("A synthetic laboratory export of 502 rows and one ragged line, none of it of a person.\n"))
    command = "$ cbc-screen scan export.csv -o flags.parquet --rejects rejects.csv --keep Sample --report worklist.html"
    console.print(Text(f"{command}\n", style="cyan"), soft_wrap=True)
    summary = Screener().scan(source, out, rejects, keep=["Sample"], report=folder / "worklist.html", force=True)
    print_summary(console, summary)
    console.print(Text("\nWhat became of each trap", style="bold"))
    console.print(trap_table(out, rejects, TRAPS))
    console.print(Text("\nOne row in short (T20: platelets missing)\n", style="bold"))
    print_brief(console, screen_again(out, "Sample=T20"))
    console.print(Text("\n$ cbc-screen explain flags.parquet --row Sample=T20     # the whole chain", style="cyan"))
    console.print(
        Text("cbc-screen demo --folder DIR keeps these files and the worklist, a page to review.", style="dim")
    )
