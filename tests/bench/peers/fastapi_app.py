"""FastAPI, as its documentation deploys it: `uvicorn --workers N` with uvloop and httptools, and
the blocking work in a plain `def`, which FastAPI runs in its thread pool."""

from __future__ import annotations

from typing import Annotated

import msgpack
from fastapi import Body, FastAPI, Response

from tests.bench.peers.model import forecast, load

app = FastAPI()
session = load()


@app.post("/forecast")
def answer(body: Annotated[bytes, Body(media_type="application/msgpack")]) -> Response:
    reply = forecast(session, [msgpack.unpackb(body)])[0]
    return Response(msgpack.packb(reply), media_type="application/msgpack")
