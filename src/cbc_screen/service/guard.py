"""What stands around the application: limits of bodies, counts, and no error that tells of a request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from cbc_screen.service.fhir_answers import refused_as, wants_fhir
from cbc_screen.service.limits import Limits
from cbc_screen.service.logs import log_failure
from cbc_screen.service.metrics import Metrics
from cbc_screen.service.problems import Problem, ProblemCode, failure, problem

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

ROUTE = "cbc_screen.route"  # in a scope: the pattern of the path
OTHER = "other"  # the route of a request that has none
_WITH_BODY = frozenset(("POST", "PUT", "PATCH", "DELETE"))
_LENGTHS = (b"content-length", b"transfer-encoding")
_HEADERS = [(b"cache-control", b"no-store")]


class _GoneError(Exception):
    """The client has gone before its body was whole."""


class Guard:
    """An ASGI application around another one."""

    def __init__(self, app: Application, limits: Limits, metrics: Metrics) -> None:
        self._app, self._limits, self.metrics = app, limits, metrics
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, answer = time.perf_counter(), _Answer(send)
        refused: Problem | None = None
        self._under_way += 1
        try:
            await self._serve(scope, receive, answer)
        except _GoneError:
            return
        except Problem as found:
            refused = found
        except Exception as error:
            log_failure(error)
            refused = failure()
        finally:
            self._under_way -= 1
        # Outside the except block: nothing of the first error is attached.
        if refused is not None and not answer.status:
            await answer.refuse(refused, fhir=wants_fhir(_accepted(scope)))
        route = scope.get(ROUTE, OTHER)
        self.metrics.request(route, answer.status, time.perf_counter() - began)

    async def _serve(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        if self._under_way > self._limits.connections:
            raise problem(ProblemCode.BUSY, "too many requests at once; come again")
        told = [name for name, _ in scope["headers"] if name in _LENGTHS]
        if len(told) > 1:
            # Which of them holds is another question to each server on the way: the rest would be the next request.
            raise problem(ProblemCode.NOT_HTTP, "the length of the body is told twice")
        whole = receive
        if scope["method"] in _WITH_BODY:
            whole = _Body(await self._body(scope, receive), receive)
        late = False
        try:
            async with asyncio.timeout(self._limits.seconds):
                await self._app(scope, whole, answer)
        except TimeoutError:
            late = True
        if late:
            raise problem(ProblemCode.TOO_LONG, f"no answer within {self._limits.seconds:g} seconds; send less at once")

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """Read a body, no more of it and no longer than allowed."""
        too_large = problem(ProblemCode.BODY_TOO_LARGE, f"the body is larger than {self._limits.body_bytes} bytes")
        if _stated_length(scope) > self._limits.body_bytes:
            raise too_large
        late, parts, size = False, [], 0
        try:
            async with asyncio.timeout(self._limits.seconds):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _GoneError
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > self._limits.body_bytes:
                        raise too_large
                    more = message.get("more_body", False)
        except TimeoutError:
            late = True
        if late:
            raise problem(ProblemCode.BODY_TOO_SLOW, f"the body did not come within {self._limits.seconds:g} seconds")
        return b"".join(parts)


def _accepted(scope: Scope) -> str:
    return b",".join(value for name, value in scope["headers"] if name == b"accept").decode("latin-1")


def _stated_length(scope: Scope) -> int:
    """Return the length that the client states, 0 where it states none that can be read."""
    stated = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(stated) if stated.isdigit() and len(stated) < 20 else 0  # more digits than 64 bits hold are no length


class _Body:
    """Gives a body that was read already."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


class _Answer:
    """Sends, and remembers the status: 0 where nothing was sent."""

    def __init__(self, send: Send) -> None:
        self._send, self.status = send, 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)

    async def refuse(self, refused: Problem, *, fhir: bool) -> None:
        """Send why a request is refused."""
        body, kind = refused_as(refused.faults, fhir=fhir)
        headers = [*_HEADERS, (b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        await self({"type": "http.response.start", "status": refused.status, "headers": headers})
        await self({"type": "http.response.body", "body": body})
