"""mosec, as its documentation serves a model: msgpack by its mixin, a worker process for each core,
dynamic batching."""

from __future__ import annotations

import os
from typing import Any

from mosec import Server, Worker
from mosec.mixin import MsgpackMixin

from tests.bench.peers.model import forecast, load

_MOST_BATCHED = 8
_WAIT_MS = 1  # for more of a batch; the least that makes one


class Forecaster(MsgpackMixin, Worker):
    def __init__(self) -> None:
        self.session = load()

    def forward(self, data: list[Any]) -> list[Any]:
        return forecast(self.session, data)


if __name__ == "__main__":
    server = Server()
    server.append_worker(
        Forecaster,
        num=os.cpu_count() or 1,
        max_batch_size=_MOST_BATCHED,
        max_wait_time=_WAIT_MS,
    )
    server.run()
