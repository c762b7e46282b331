"""The server: one process that listens, logs counts, and stops when it is told to."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from cbc_screen.errors import UsageError
from cbc_screen.private_files import why
from cbc_screen.service.guard import Guard
from cbc_screen.service.limits import Limits
from cbc_screen.service.logs import log_counts, log_to_stderr
from cbc_screen.service.metrics import Metrics
from cbc_screen.service.problems import Fault, ProblemCode, problem_body
from cbc_screen.stopping import SECONDS_TO_CLEAN_UP

_GRACE = 2.0  # seconds for what the guard answers before a connection is cut
_LARGEST_HEADERS = 1 << 15
_BACKLOG = 128
_HARD_LIMIT = 4  # times as many connections as requests that are served: idle ones among them


def is_loopback(host: str) -> bool:
    """Tell whether nobody but this machine can reach an address.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
    (True, False)
    """
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one.

    Raises
    ------
    UsageError
        If the system refuses.
    """
    message = ""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )[0]
        # Made with its protocol: asyncio sends small answers at once only where a socket has one.
        with ExitStack() as undo:
            found = undo.enter_context(socket.socket(family, kind, protocol))
            if os.name == "posix":
                found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(address)
            found.listen(_BACKLOG)
            found.setblocking(False)
            undo.pop_all()  # it listens, and stays open
            return found
    except OSError as refused:
        message = f"cannot listen on this host and port ({why(refused)}); choose another with --host and --port"
    # Outside the except block: nothing of the first error is attached.
    raise UsageError(message)


def serve(
    app: Guard, sockets: list[socket.socket], limits: Limits, log_seconds: float, ready: Callable[[], None]
) -> None:
    """Serve until a signal asks to end; requests that are under way are answered first.

    `ready` is called when the first request can come.
    """
    log_to_stderr()
    config = uvicorn.Config(
        app,
        http=_protocol(limits.seconds + _GRACE),
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        limit_concurrency=_HARD_LIMIT * limits.connections,
        timeout_keep_alive=5,
        # The command ends a process that does not clean up within its time.
        timeout_graceful_shutdown=int(SECONDS_TO_CLEAN_UP) - 2,
        h11_max_incomplete_event_size=_LARGEST_HEADERS,
    )
    _Server(config, app.metrics, log_seconds, ready).run(sockets=sockets)
    log_counts("stopped", **app.metrics.since_last())


class _Server(uvicorn.Server):
    """Stops gracefully at a signal, which is no failure, and logs counts now and then."""

    def __init__(self, config: uvicorn.Config, metrics: Metrics, log_seconds: float, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._metrics, self._log_seconds, self._ready = metrics, log_seconds, ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals that ask to end, for as long as the server runs; none is raised again at the end."""
        names = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
        taken = [number for number in names if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, self.handle_exit) for number in taken}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def main_loop(self) -> None:
        """Run until told to stop, with a line of counts now and then."""
        log_counts("started")
        self._ready()
        logging = asyncio.get_running_loop().create_task(self._log_now_and_then())
        try:
            await super().main_loop()
        finally:
            logging.cancel()

    async def _log_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(self._log_seconds)
            if counts := self._metrics.since_last():
                log_counts("served", **counts)


def _protocol(seconds: float) -> type[H11Protocol]:
    """Return the protocol that waits for a request no longer than this, its headers and what follows a refusal."""

    class Timed(H11Protocol):
        _waiting: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
                self._wait()
            else:
                self._stop_waiting()

        def on_response_complete(self) -> None:
            self._stop_waiting()
            super().on_response_complete()
            if self.conn.their_state is h11.SEND_BODY:  # the rest of a body that was refused
                self._wait()

        def send_400_response(self, msg: str) -> None:
            """Refuse what is no HTTP, as any other request is refused."""
            body = problem_body([Fault(ProblemCode.NOT_HTTP, "this is no HTTP that can be read")])
            headers = [
                ("content-type", "application/json"),
                ("content-length", str(len(body))),
                ("connection", "close"),
            ]
            for event in (h11.Response(status_code=400, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event))
            self.transport.close()

        def _wait(self) -> None:
            if self._waiting is None:
                self._waiting = self.loop.call_later(seconds, self._cut)

        def _stop_waiting(self) -> None:
            if self._waiting is not None:
                self._waiting.cancel()
                self._waiting = None

        def _cut(self) -> None:
            self._waiting = None
            self.transport.abort()

    return Timed
