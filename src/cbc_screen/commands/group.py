"""How every command ends: in its output, or in one clear line and an exit code."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Any

import click

from cbc_screen.errors import CBCScreenError, FileError, one_line_errors
from cbc_screen.printable import clean_line
from cbc_screen.private_files import remove_unfinished
from cbc_screen.stopping import Stopped, keep_standard_streams, let_go_of_standard_output, stopping_on_signals
from cbc_screen.vocabulary import ExitCode

JOURNAL_KEY = "cbc_screen.journal"  # where a scan keeps the name of its journal, for the line that ends it


class CommandGroup(click.Group):
    """Turns this package's errors, and what the system says, into one clear line and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        keep_standard_streams()
        message, code = "", int(ExitCode.USAGE)
        with stopping_on_signals():
            try:
                return self._invoke(ctx)
            except FileError as problem:
                message = str(problem)
                let_go_of_standard_output()
            except CBCScreenError as problem:
                message = str(problem)
            except Stopped as stop:
                message, code = f"stopped by {stop.name}{_how_to_go_on(ctx)}", stop.exit_code
            # Outside the except blocks: nothing of an earlier error is printed.
            remove_unfinished()
            with suppress(OSError):
                click.echo(f"cbc-screen: {clean_line(message)}", err=True)
            return ctx.exit(code)

    @one_line_errors("the command")
    def _invoke(self, ctx: click.Context) -> Any:
        result = super().invoke(ctx)
        _flush()
        return result


def _flush() -> None:
    if sys.stdout is not None and not sys.stdout.closed:
        sys.stdout.flush()


def _how_to_go_on(ctx: click.Context) -> str:
    """Name --resume where a journal of the scan is left."""
    journal = ctx.meta.get(JOURNAL_KEY)
    left = journal is not None and os.path.lexists(journal)
    return "; what was done is kept: the same command with --resume goes on from there" if left else ""
