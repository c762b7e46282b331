"""The configuration file: what a nightly job repeats, under the names that the options of each command have.

It is looked for in the working directory and nowhere else: a file of a folder above, which nobody sees, would change
answers in silence. What may stand in it is asked of the commands themselves, so that there is no second list.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from cbc_screen.errors import UsageError, did_you_mean
from cbc_screen.printable import clean_line
from cbc_screen.regular import read_regular, unreadable

FILE = "cbc-screen.toml"
PROJECT = "pyproject.toml"
TABLE = "cbc-screen"  # under [tool] of pyproject.toml
_LARGEST = 1 << 20  # bytes


@dataclass(frozen=True)
class OptionsFile:
    """A configuration file: for each command, such as "scan" or "ranges verify", its values by parameter."""

    path: Path
    values: Mapping[str, Mapping[str, Any]]


def options_file_of(main: click.Group, file: Path | None) -> OptionsFile | None:
    """Read a configuration file, or the one of the working directory; None where there is none.

    Parameters
    ----------
    main : click.Group
        The command whose commands and options are known.
    file : path, optional
        A .toml file; of one named pyproject.toml its table [tool.cbc-screen].

    Raises
    ------
    UsageError
        If the file cannot be read, names what no command has, or a value is of another type.
    """
    if file is not None:
        return _read(main, file)
    own, project = Path(FILE), Path(PROJECT)
    # Another tool's file is not ours to find faults in: without our table it is as if it were not there.
    table = _project_table(project)
    if not own.exists():
        return None if table is None else OptionsFile(project, _checked(main, project, table))
    if table is not None:
        raise UsageError(
            f"two configurations: {FILE} and [tool.{TABLE}] of {PROJECT}; keep one of them, or name one with --config"
        )
    return _read(main, own)


def _read(main: click.Group, path: Path) -> OptionsFile:
    found = _toml(path)
    if path.name == PROJECT:
        own = _ours(found)
        if own is None:
            raise UsageError(f"{PROJECT}: there is no table [tool.{TABLE}]")
        found = own
    return OptionsFile(path, _checked(main, path, found))


def _ours(project: Mapping[str, Any]) -> dict[str, Any] | None:
    tools = project.get("tool")
    found = tools.get(TABLE) if isinstance(tools, dict) else None
    return found if isinstance(found, dict) else None


def _project_table(path: Path) -> dict[str, Any] | None:
    """Return our table of a file that others use too; None where there is none."""
    try:
        content = read_regular(path, _LARGEST)
    except OSError:
        return None
    if f"tool.{TABLE}".encode() not in content:  # a fault that is none of ours is not ours to tell
        return None
    return _ours(_parsed(path, content))


def _toml(path: Path) -> dict[str, Any]:
    problem = ""
    try:
        return _parsed(path, read_regular(path, _LARGEST))
    except OSError as error:
        problem = unreadable(path, error)
    raise UsageError(problem)


def _parsed(path: Path, content: bytes) -> dict[str, Any]:
    problem = ""
    try:
        return tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        problem = f"{path.name}: not UTF-8; a configuration file is UTF-8 text"
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        # Of what tomllib says only the place: the rest may quote the file.
        _, sign, place = str(error).rpartition("(at ")
        problem = f"{path.name}: not TOML{f' at {place[:-1]}' if sign else ''}; write KEY = VALUE under [COMMAND]"
    raise UsageError(problem)


def _checked(main: click.Group, path: Path, found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Check every table of a file, also those of other commands."""
    values: dict[str, dict[str, Any]] = {}
    for place, command, own in _tables(path, main, found, ()):
        words = " ".join(place)
        known = dict(_parameters(command))
        values[words] = {}
        for key, value in own.items():
            parameter = known.get(key)
            if parameter is None or parameter.name is None:
                # The command line has --age-unit, Python and profiles age_unit.
                hint = did_you_mean(key.lstrip("-").replace("_", "-"), known)
                raise UsageError(
                    f"{path.name}: [{'.'.join(place)}] {clean_line(key)!r} is no option of {words}{hint} "
                    f"(cbc-screen {words} --help lists them)"
                )
            values[words][parameter.name] = _value(f"{path.name}: [{'.'.join(place)}] {key}", parameter, value)
    return values


def _tables(
    path: Path, group: click.Group, found: Mapping[str, Any], above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command, Mapping[str, Any]]]:
    """Go through the tables of a file, with the command that each is of."""
    for name, own in found.items():
        place = (*above, name)
        said = clean_line(".".join(place))
        command = group.commands.get(name)
        if command is None or not isinstance(own, dict):
            where = " ".join(("cbc-screen", *above))
            if command is None and not isinstance(own, dict):
                one = ".".join((*above, next(iter(group.commands))))
                raise UsageError(f"{path.name}: {said!r} stands under no command; write it under one, such as [{one}]")
            if command is not None:
                raise UsageError(f"{path.name}: {said!r} is a command; write its options under [{said}]")
            hint = did_you_mean(name, group.commands, said="[{}]")
            raise UsageError(f"{path.name}: [{said}] is no command{hint} ({where} --help lists them)")
        if isinstance(command, click.Group):
            yield from _tables(path, command, own, place)
        else:
            yield place, command, own


def _parameters(command: click.Command) -> Iterator[tuple[str, click.Parameter]]:
    """Return what a file may say of a command: its options as they are typed, and its arguments."""
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            yield str(parameter.name), parameter
        elif parameter.name not in ("config", "no_config"):
            yield from ((word[2:], parameter) for word in parameter.opts if word.startswith("--"))


def _value(place: str, parameter: click.Parameter, value: Any) -> Any:
    """Return a value as the command line would give it; one of another type is refused."""
    if isinstance(parameter, click.Option) and parameter.is_flag:
        if not isinstance(value, bool):
            raise UsageError(f"{place}: must be true or false")
        return value
    if parameter.multiple or parameter.nargs == -1:
        return _several(place, parameter, value)
    number = isinstance(parameter.type, click.types.IntParamType | click.types.FloatParamType)
    whole = isinstance(parameter.type, click.types.IntParamType)
    wanted: type | tuple[type, ...] = int if whole else (int, float) if number else str
    if isinstance(value, bool) or not isinstance(value, wanted):
        kind = "a whole number" if whole else "a number" if number else "a text in quotes"
        raise UsageError(f"{place}: must be {kind}")
    return value


def _several(place: str, parameter: click.Parameter, value: Any) -> list[str]:
    """Return the values of what may be repeated: a text, a list of texts, or NAME = VALUE of what is said so."""
    pairs = isinstance(parameter.metavar, str) and "=" in parameter.metavar
    if pairs and isinstance(value, dict) and all(isinstance(own, str) for own in value.values()):
        return [f"{name}={own}" for name, own in value.items()]
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(own, str) for own in value):
        return value
    also = ', or a table of NAME = "VALUE"' if pairs else ""
    raise UsageError(f"{place}: must be a text, or a list of texts{also}")


def cast(ctx: click.Context, file: str, place: str, values: Mapping[str, Any]) -> None:
    """Refuse a value that the command itself would refuse, and say where it stands.

    Raises
    ------
    UsageError
        With the file and the key.
    """
    for parameter in ctx.command.params:
        if parameter.name in values:
            problem = ""
            try:
                parameter.type_cast_value(ctx, values[parameter.name])
            except click.BadParameter as error:
                problem = error.message
            if problem:
                key = next((name for name, own in _parameters(ctx.command) if own is parameter), parameter.name)
                raise UsageError(clean_line(f"{file}: [{place}] {key}: {problem}"))


def arguments_of(command: click.Command, values: Mapping[str, Any]) -> list[str]:
    """Return the arguments that a file gives, in the order of the command line."""
    found: list[str] = []
    for parameter in command.params:
        if isinstance(parameter, click.Argument) and parameter.name in values:
            own: str | Sequence[str] = values[parameter.name]
            found += [own] if isinstance(own, str) else own
    return found
