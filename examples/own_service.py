"""A FastAPI application of one's own: the record is a part of its body, the result a part of its answer."""

import asyncio

import httpx
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel

import cbc_screen as cbc

SCREENER = cbc.Screener()  # once: it is immutable, and safe in threads


class Order(BaseModel):
    number: int
    record: cbc.CBCRecord


class Answer(BaseModel):
    number: int
    result: cbc.ScreeningResult


app = FastAPI()


@app.exception_handler(RequestValidationError)
async def refuse(_, problem: RequestValidationError) -> JSONResponse:
    # The errors of a record hold nothing of it; FastAPI's own may, so the input is left out.
    return JSONResponse([{"path": error["loc"], "said": error["msg"]} for error in problem.errors()], 422)


@app.exception_handler(cbc.RecordError)
async def refuse_record(_, problem: cbc.RecordError) -> JSONResponse:
    return JSONResponse([{"path": ["body", "record"], "said": str(problem)}], 422)


@app.post("/orders")
async def order(given: Order) -> Answer:
    return Answer(number=given.number, result=SCREENER.screen(given.record))


async def ask(*bodies: dict) -> None:
    transport = httpx.ASGITransport(app=app)  # in this process; otherwise: uvicorn own_service:app
    async with httpx.AsyncClient(transport=transport, base_url="http://own") as client:
        for body in bodies:
            print((await client.post("/orders", json=body)).text[:300])


count = {"age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL"}
asyncio.run(ask({"number": 1, "record": count}, {"number": 2, "record": {"hemoglobine": "9.1 g/dL"}}))
