"""The application: routes that read a body, ask the library, and write its answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.routing import Route

from cbc_screen._version import __version__
from cbc_screen.model_schema import RECORD
from cbc_screen.result import ScreeningResult
from cbc_screen.schemas import schema, schema_names
from cbc_screen.screener import Screener
from cbc_screen.service import fhir_answers, hooks, schemas
from cbc_screen.service.answers import Detail, entry, many, result_json, with_data_version
from cbc_screen.service.bodies import parse, require_json
from cbc_screen.service.cds_models import FeedbackRequest
from cbc_screen.service.feedback import AnswersFile, answered
from cbc_screen.service.fhir import bundle_json, screen_bundle
from cbc_screen.service.guard import ROUTE, Guard
from cbc_screen.service.limits import Limits
from cbc_screen.service.metrics import CONTENT_TYPE, Metrics
from cbc_screen.service.openapi import OPERATIONS
from cbc_screen.service.problems import STATUS, Fault, Problem, ProblemCode, failure, not_found, problem
from cbc_screen.service.records import part_of, screened, screened_in_time
from cbc_screen.service.versions import about

Worked = TypeVar("Worked")
Serve = Callable[[Request], Awaitable[Response]]
_AT_ONCE = 2  # long requests that are worked on at once: further ones wait, and short ones do not wait for them


def make_app(
    screener: Screener | None = None, *, limits: Limits | None = None, answers: AnswersFile | None = None
) -> Guard:
    """Return the service as an ASGI application.

    Parameters
    ----------
    screener : Screener, optional
        How records are screened.
    limits : Limits, optional
        What a request may cost.
    answers : AnswersFile, optional
        Where feedback to cards is kept; nothing is kept without one.

    Returns
    -------
    An ASGI application, for any server of them.

    Examples
    --------
    >>> app = make_app()
    """
    service = _Service(screener or Screener(), limits or Limits(), answers)
    return Guard(service.app, service.limits, service.metrics)


class _Service:
    """The routes, with what they share."""

    def __init__(self, screener: Screener, limits: Limits, answers: AnswersFile | None) -> None:
        self.screener, self.limits, self.answers, self.metrics = screener, limits, answers, Metrics()
        self._long = CapacityLimiter(_AT_ONCE)
        # No page of FastAPI's own: they load scripts from other hosts.
        self.app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
        self._add_routes()
        self.app.add_exception_handler(Problem, _refused)
        self.app.add_exception_handler(HTTPException, _not_served)
        self.app.add_exception_handler(Exception, _failed)

    def _add_routes(self) -> None:
        routes: dict[tuple[str, str], Serve] = {
            ("POST", "/screen"): self.screen,
            ("POST", "/screen/history"): self.screen_history,
            ("POST", "/screen/batch"): self.screen_batch,
            ("POST", "/screen/fhir"): self.screen_fhir,
            ("GET", "/version"): self.version,
            ("GET", "/health"): self.health,
            ("GET", "/schemas"): self.schema_names,
            ("GET", "/schemas/{name}"): self.schema,
            ("GET", "/openapi.json"): self.openapi,
            ("GET", "/metrics"): self.counts,
            ("GET", "/cds-services"): self.discovery,
            ("POST", "/cds-services/{name}"): self.hook,
            ("POST", "/cds-services/{name}/feedback"): self.feedback,
        }
        for (method, path), serve in routes.items():
            # Plain routes: a body is read by `bodies`, and FastAPI's own reading would take a third of an answer's time.
            self.app.router.routes.append(Route(path, _routed(path, serve), methods=[method]))

    async def screen(self, request: Request) -> Response:
        """Screen one record."""
        form = _form(request)
        result = screened(self.screener, parse(await _json_body(request), self.limits.depth))
        self.metrics.records(1, 0)
        if form is None:
            return _fhir_answer(fhir_answers.record_answer(result))
        return _answer(with_data_version(result_json(result, form)))

    async def screen_history(self, request: Request) -> Response:
        """Screen one record with earlier counts of its person."""
        form, given = _form(request), parse(await _json_body(request), self.limits.depth)
        result = await self._in_thread(partial(screened_in_time, self.screener, given, self.limits.counts))
        self.metrics.records(1, 0)
        if form is None:
            return _fhir_answer(fhir_answers.record_answer(result))
        return _answer(with_data_version(result_json(result, form)))

    async def screen_batch(self, request: Request) -> Response:
        """Screen several records; one that is malformed costs itself."""
        given = parse(await _json_body(request), self.limits.depth)
        records = given.get("records") if isinstance(given, dict) and set(given) == {"records"} else given
        if not isinstance(records, list):
            raise problem(ProblemCode.MALFORMED, 'send a list of records, or {"records": [...]}')
        if len(records) > self.limits.counts:
            raise problem(ProblemCode.TOO_MANY, f"more than {self.limits.counts} records; send them in parts")
        return await self._in_thread(partial(self._batch, records, _form(request)))

    def _batch(self, records: list[Any], form: Detail | None) -> Response:
        answers: list[ScreeningResult | Problem] = []
        for given in records:
            try:
                answers.append(screened(self.screener, given))
            except Problem as refused:
                answers.append(refused)
        rejected = sum(isinstance(answer, Problem) for answer in answers)
        self.metrics.records(len(records) - rejected, rejected)
        if form is None:
            return _fhir_answer(fhir_answers.batch_answer(answers))
        account = {"received": len(records), "used": len(records) - rejected, "rejected": rejected}
        return _answer(many(account, "answers", (_entry(*one, form) for one in enumerate(answers))))

    async def screen_fhir(self, request: Request) -> Response:
        """Screen every count of a FHIR Bundle."""
        body = await _json_body(request)
        return await self._in_thread(partial(self._fhir, body, _form(request)))

    def _fhir(self, body: bytes, form: Detail | None) -> Response:
        found = screen_bundle(self.screener, body, self.limits)
        self.metrics.records(len(found.counts), found.rejected_rows)
        return _fhir_answer(fhir_answers.counts_answer(found)) if form is None else _answer(bundle_json(found, form))

    async def version(self, _: Request) -> Response:
        """Return the versions, and how the service screens."""
        own = self.screener
        named = {"ranges": _named(own.ranges), "rules": _named(own.rules), "setting": list(own.setting)}
        return _plain(
            {**about(), "cbc_screen": __version__, "definition": own.definition, "grading": own.grading, **named}
        )

    async def health(self, _: Request) -> Response:
        """Say that a record can be screened."""
        self.screener.screen(RECORD)
        return _plain({**about(), "status": "ok"})

    async def schema_names(self, _: Request) -> Response:
        """Return the names of the schemas."""
        return _plain({**about(), "schemas": list(schema_names())})

    async def schema(self, request: Request) -> Response:
        """Return a JSON schema."""
        name = request.path_params["name"]
        if name not in schema_names():
            raise not_found()
        return _plain(schema(name))

    async def openapi(self, _: Request) -> Response:
        """Return the description of the service."""
        return _plain(await self._in_thread(partial(schemas.described, OPERATIONS)))

    async def counts(self, _: Request) -> Response:
        """Return the counts as Prometheus reads them."""
        return Response(self.metrics.text(), media_type=CONTENT_TYPE)

    async def discovery(self, _: Request) -> Response:
        """Return what is offered to CDS Hooks."""
        return _plain(hooks.discovery())

    async def hook(self, request: Request) -> Response:
        """Return the cards of a hook."""
        name = request.path_params["name"]
        if name not in hooks.HOOKS:
            raise not_found()
        body = await _json_body(request)
        made, found = await self._in_thread(partial(hooks.cards_for, self.screener, name, body, self.limits))
        self.metrics.records(len(found.counts), found.rejected_rows)
        return _plain(made)

    async def feedback(self, request: Request) -> Response:
        """Take what became of cards."""
        if request.path_params["name"] not in hooks.HOOKS:
            raise not_found()
        given = part_of(FeedbackRequest, parse(await _json_body(request), self.limits.depth))
        found = answered(given.feedback)
        labels, rejected = found.labels, {fault.line: fault.reason.value for fault in found.labels.rejected}
        kept = [line for number, line in enumerate(found.lines, start=1) if number not in rejected]
        if self.answers is not None:
            await self._in_thread(partial(self.answers.add, kept))
        for line in kept:
            self.metrics.feedback(line["answer"] or "none")
        errors = [
            Fault(ProblemCode.MALFORMED, why, ("feedback", number - 1)).to_dict() for number, why in rejected.items()
        ]
        account = {
            "received": labels.lines,
            "used": len(labels.used),
            "unanswered": labels.unanswered,
            "repeated": labels.repeated,
            "rejected": len(rejected),
        }
        return _plain({**about(), **account, "errors": errors, "answers": kept})

    async def _in_thread(self, work: Callable[[], Worked]) -> Worked:
        """Do what takes long beside what does not."""
        return await to_thread.run_sync(work, limiter=self._long, abandon_on_cancel=True)


async def _json_body(request: Request) -> bytes:
    require_json(request.headers.get("content-type", ""), request.headers.get("content-encoding", ""))
    return await request.body()


def _answer(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers={"cache-control": "no-store"})


def _fhir_answer(body: bytes) -> Response:
    return Response(body, media_type=fhir_answers.FHIR_JSON, headers={"cache-control": "no-store"})


def _entry(index: int, answer: ScreeningResult | Problem, detail: Detail) -> bytes:
    """Return the answer about one record of a batch."""
    if isinstance(answer, Problem):
        return json.dumps({"index": index, "errors": [fault.to_dict() for fault in answer.faults]}).encode()
    return entry({"index": index}, result_json(answer, detail))


def _plain(answer: Any) -> Response:
    return _answer(json.dumps(answer).encode())


def _named(configured: str) -> str:
    """Return the name of a shipped set; where a file of one's own lies is nobody else's business."""
    return configured if configured.isidentifier() else "own"


def _refusal(request: Request, refused: Problem) -> Response:
    body, kind = fhir_answers.refused_as(refused.faults, fhir=_wants_fhir(request))
    return Response(body, refused.status, {"cache-control": "no-store"}, media_type=kind)


async def _refused(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, Problem)
    return _refusal(request, refused)


async def _not_served(request: Request, refused: Exception) -> Response:
    if getattr(refused, "status_code", 0) == STATUS[ProblemCode.METHOD]:
        answer = _refusal(request, problem(ProblemCode.METHOD, "this path has another method; see /openapi.json"))
        answer.headers.update(getattr(refused, "headers", None) or {})  # which methods it has
        return answer
    return _refusal(request, not_found())


def _wants_fhir(request: Request) -> bool:
    return fhir_answers.wants_fhir(",".join(request.headers.getlist("accept")))


def _form(request: Request) -> Detail | None:
    """Return how much of a result is asked for as JSON; None where it is asked for as FHIR."""
    detail = _detail(request)
    if not _wants_fhir(request):
        return detail
    if detail is Detail.COMPACT:
        raise problem(ProblemCode.MALFORMED, "an answer as FHIR is whole; leave detail out", ("query", "detail"))
    return None


def _detail(request: Request) -> Detail:
    """Return how much of a result is asked for."""
    several = request.query_params.getlist("detail")
    asked = several[0] if len(several) == 1 else "" if several else Detail.FULL.value
    if asked not in tuple(Detail):
        raise problem(ProblemCode.MALFORMED, f"detail is one of {', '.join(Detail)}", ("query", "detail"))
    return Detail(asked)


def _routed(path: str, serve: Serve) -> Serve:
    """Return what serves a route, and tells the guard which one it is."""

    async def served(request: Request) -> Response:
        request.scope[ROUTE] = path
        return await serve(request)

    return served


async def _failed(request: Request, error: Exception) -> Response:
    """Say that this program failed; the guard logs where, and nothing of the request."""
    return _refusal(request, failure())
