"""A developer's call: one screener for the life of the process, one record a request.

Run: python examples/from_a_service.py
"""

import json

import cbc_screen as cbc

SCREENER = cbc.Screener(definition="clinical")


def handle(body: str) -> str:
    """Answer one request; a malformed record is an error without any value in it."""
    try:
        return SCREENER.screen(json.loads(body), compact=True).model_dump_json()
    except cbc.RecordError as problem:
        return json.dumps({"error": str(problem)})


print(handle('{"age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL", "platelets": "<10 10^9/L"}')[:300])
print(handle('{"hemglobin": "9.1 g/dL"}'))
