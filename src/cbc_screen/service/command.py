"""The command cbc-screen serve."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from cbc_screen.errors import UsageError
from cbc_screen.service.limits import Limits
from cbc_screen.vocabulary import NOTICE

_USUAL = Limits()
_EPILOG = "Example: cbc-screen serve --port 8000 --units us"


def serve_command(
    with_options: Callable[[Callable[..., Any]], Callable[..., Any]],
    make_screener: Callable[[Mapping[str, Any]], Any],
    kind: type[click.Command] = click.Command,
) -> click.Command:
    """Return the command.

    Parameters
    ----------
    with_options : function
        Adds the options of a screener.
    make_screener : function
        Makes a screener of these options.
    kind : class of commands

    Returns
    -------
    click.Command
    """
    return click.command("serve", kind, short_help="Serve the screen over HTTP.", epilog=_EPILOG)(
        _with_own_options(with_options(_serving(make_screener)))
    )


def _serving(make_screener: Callable[[Mapping[str, Any]], Any]) -> Callable[..., None]:
    def serve(host: str, port: int, **options: Any) -> None:
        """Serve the screen over HTTP: /screen, /screen/batch, /screen/fhir, CDS Hooks; /openapi.json describes all."""
        limits = Limits(
            body_bytes=options.pop("max_body"),
            seconds=options.pop("timeout"),
            counts=options.pop("max_counts"),
            connections=options.pop("max_connections"),
        )
        answers, log_seconds = options.pop("answers"), options.pop("log_seconds")
        as_json = options.pop("as_json")
        _run(make_screener(options), host, port, limits, answers, log_seconds, as_json)

    return serve


def _with_own_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print where it listens as one JSON document."),
        click.option(
            "--log-seconds",
            type=click.FloatRange(0.1),
            default=60.0,
            show_default=True,
            help="Between lines of the log.",
        ),
        click.option("--answers", type=click.Path(path_type=Path), help="Add feedback to cards to this .csv file."),
        click.option("--max-connections", type=click.IntRange(1), default=_USUAL.connections, show_default=True),
        click.option(
            "--max-counts", type=click.IntRange(1), default=_USUAL.counts, show_default=True, help="Of one request."
        ),
        click.option(
            "--timeout", type=click.FloatRange(0.1), default=_USUAL.seconds, show_default=True, help="Seconds."
        ),
        click.option("--max-body", type=click.IntRange(1), default=_USUAL.body_bytes, show_default=True, help="Bytes."),
        click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="0: a free one."),
        click.option("--host", default="127.0.0.1", show_default=True, help="Only this machine, unless told."),
    ):
        command = option(command)
    return command


def _run(
    screener: Any, host: str, port: int, limits: Limits, answers: Path | None, log_seconds: float, as_json: bool
) -> None:
    try:
        import fastapi  # noqa: F401
        import prometheus_client  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        missing = True
    else:
        missing = False
    if missing:
        raise UsageError("the service needs more packages: pip install 'cbc-screen[service]'")
    from cbc_screen.service.app import make_app
    from cbc_screen.service.feedback import answers_file
    from cbc_screen.service.server import is_loopback, listen, serve
    from cbc_screen.service.warm import warm_up

    app = make_app(screener, limits=limits, answers=answers_file(answers))
    with listen(host, port) as listening:
        warm_up(screener)  # nobody connects before: the first request is answered as fast as any other

        def ready() -> None:
            name = f"[{host}]" if ":" in host else host
            url = f"http://{name}:{listening.getsockname()[1]}"
            click.echo(json.dumps({"notice": NOTICE, "url": url}) if as_json else f"{NOTICE} Listening on {url}")
            if not is_loopback(host):
                click.echo("cbc-screen: other machines can reach this service; it asks nobody who they are", err=True)

        serve(app, [listening], limits, log_seconds, ready)
