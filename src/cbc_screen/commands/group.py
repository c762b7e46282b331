"""How every command begins and ends: what a configuration file says of it, and one clear line and an exit code."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import click

from cbc_screen.errors import CBCScreenError, CBCScreenWarning, FileError, did_you_mean, one_line_errors
from cbc_screen.printable import clean_line
from cbc_screen.private_files import remove_unfinished
from cbc_screen.stopping import Stopped, keep_standard_streams, let_go_of_standard_output, stopping_on_signals
from cbc_screen.vocabulary import ExitCode

JOURNAL_KEY = "cbc_screen.journal"  # where a scan keeps the name of its journal, for the line that ends it
OPTIONS_FILE_KEY = "cbc_screen.options_file"  # the file that options of this command came from
_FORMER = {"--as-json": "--json"}  # words of versions before 0.5 that mean the same


class Command(click.Command):
    """A command whose options may also stand in a configuration file."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.params += [
            click.Option(
                ["--config"], metavar="FILE", expose_value=False, help="Options from this file in place of ./cbc-screen.toml."
            ),
            click.Option(["--no-config"], is_flag=True, expose_value=False, help="No options from a file."),
        ]  # fmt: skip

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what was typed; what was not is taken from the configuration file."""
        known = {word for parameter in self.params for word in parameter.opts}
        args = [_FORMER[word] if word in _FORMER and _FORMER[word] in known else word for word in args]
        if ctx.resilient_parsing or set(ctx.help_option_names) & set(args):
            return super().parse_args(ctx, args)
        typed, _, _ = self.make_parser(ctx).parse_args(args=list(args))
        args = self._with_options_file(ctx, args, typed)
        try:
            return super().parse_args(ctx, args)
        except click.BadParameter as problem:
            hint = _suggested(problem, typed)
            if not hint:
                raise
            said = click.BadParameter(f"{problem.message.rstrip('.')}{hint}", ctx, problem.param, problem.param_hint)
        raise said

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; that options came from a file is said first, for nobody should wonder why the answers are others."""
        file = ctx.meta.get(OPTIONS_FILE_KEY)
        if file is not None and not ctx.params.get("quiet"):
            click.echo(f"cbc-screen: options from {clean_line(file)} (--no-config leaves them out)", err=True)
        return super().invoke(ctx)

    def _with_options_file(self, ctx: click.Context, args: list[str], typed: dict[str, Any]) -> list[str]:
        from cbc_screen.commands.options_file import arguments_of, cast, options_file_of

        file = typed.get("config")
        if typed.get("no_config") is True:
            if isinstance(file, str):
                raise click.UsageError("give --config or --no-config, and not both", ctx)
            return args
        main = ctx.find_root().command
        assert isinstance(main, click.Group)
        found = options_file_of(main, Path(file) if isinstance(file, str) else None)
        words = ctx.command_path.split()[1:]
        values = found.values.get(" ".join(words), {}) if found is not None else {}
        if found is None or not values:
            return args
        cast(ctx, found.path.name, ".".join(words), values)
        ctx.default_map = {**values}
        ctx.meta[OPTIONS_FILE_KEY] = str(found.path)
        given = (typed.get(own.name or "") for own in self.params if isinstance(own, click.Argument))
        if any(isinstance(own, str | tuple | list) and own for own in given):
            return args
        beside = arguments_of(self, values)
        return [*args, *([] if "--" in args else ["--"]), *beside] if beside else args


class Group(click.Group):
    """A group of such commands."""

    command_class = Command


def command(name: str | None = None, **given: Any) -> Callable[[Callable[..., Any]], Command]:
    """Return what makes a command of a function, as `click.command` does."""
    return click.command(name, cls=Command, **given)


def _suggested(problem: click.BadParameter, typed: dict[str, Any]) -> str:
    """Name the nearest choice to a wrong one."""
    kind = problem.param.type if problem.param is not None else None
    if not isinstance(kind, click.Choice) or problem.param is None:
        return ""
    given = typed.get(problem.param.name or "")
    last = given[-1] if isinstance(given, list | tuple) and given else given
    return did_you_mean(last, [str(word) for word in kind.choices]) if isinstance(last, str) else ""


class CommandGroup(Group):
    """Turns this package's errors, and what the system says, into one clear line and an exit code."""

    group_class = Group

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        keep_standard_streams()
        message, code = "", int(ExitCode.USAGE)
        with stopping_on_signals(), warnings.catch_warnings():
            warnings.simplefilter("always", CBCScreenWarning)
            warnings.showwarning = _show_warning
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


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Say a warning of ours in one line; those of libraries are for whoever writes Python."""
    if issubclass(category, CBCScreenWarning):
        click.echo(f"cbc-screen: {clean_line(str(message))}", err=True)


def _flush() -> None:
    if sys.stdout is not None and not sys.stdout.closed:
        sys.stdout.flush()


def _how_to_go_on(ctx: click.Context) -> str:
    """Name --resume where a journal of the scan is left."""
    journal = ctx.meta.get(JOURNAL_KEY)
    left = journal is not None and os.path.lexists(journal)
    return "; what was done is kept: the same command with --resume goes on from there" if left else ""
