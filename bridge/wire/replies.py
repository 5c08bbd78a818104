"""Forecast replies, put together from pieces: what a model's replies have in common is packed once.

An *item* is the map of one forecast, or of one error, as it stands in a batch's reply; a reply is
the same map with `v` and `id` before its other entries. All of it is msgpack as any reader takes
it; integers come in the widths of their fields.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from struct import Struct

from bridge.wire import PROTOCOL_VERSION
from bridge.wire.codec import pack
from bridge.wire.errors import WireError
from bridge.wire.messages import FLOAT64_BYTES, error_fields

_MAP_OF_NONE = 0x80  # msgpack's header of a map of up to 15 entries, with their number added
_MOST_US = (1 << 32) - 1

_ENVELOPE = Struct(">B7sQ")  # the map's header, `v`, `id`
_V_AND_ID = pack({"v": PROTOCOL_VERSION})[1:] + b"\xa2id\xcf"
_ENVELOPE_ENTRIES = 2
_TIME_AND_TF = Struct(">6sq4sI")
_TIME, _TF = b"\xa4time\xd3", b"\xa2tf\xce"
_TAIL = Struct(">8s10sI11sI")
_CACHED = tuple(pack({"cached": cached})[1:] for cached in (False, True))
_INFER_US, _SERVER_US = b"\xa8infer_us\xce", b"\xa9server_us\xce"
_OK_AND_ITEMS = pack({"ok": True})[1:] + b"\xa5items\xdd"
_BATCH_ENTRIES = 4
_COUNT = Struct(">I")
_OTHER_BYTES = 128  # what an item has beside its head and its numbers, rounded up


class ForecastItems:
    """Makes the items of one model.

    Args:
        model: `name@version`.
        horizon: H, bars ahead. levels: the Q quantile levels.

    Attributes:
        most_bytes: how large an item may be: as arrays, each number takes a byte more.
    """

    def __init__(self, model: str, horizon: int, levels: Sequence[float]) -> None:
        same = {"ok": True, "model": model, "horizon": horizon, "levels": list(levels)}
        entries = len(same) + len(("time", "tf", "quantiles", "up", "cached", "infer", "server"))
        self._same = same
        self._head = bytes([_MAP_OF_NONE + entries]) + pack(same)[1:]
        quantiles, up = bytes(horizon * len(levels) * FLOAT64_BYTES), bytes(horizon * FLOAT64_BYTES)
        self._quantiles = pack({"quantiles": quantiles})[1 : -len(quantiles)]
        self._up = pack({"up": up})[1 : -len(up)]
        self.most_bytes = len(self._head) + (len(quantiles) + len(up)) * 9 // 8 + _OTHER_BYTES

    def item(
        self,
        time: int,
        tf: int,
        quantiles: bytes,
        up: bytes,
        cached: bool,
        infer_us: int,
        server_us: int,
        arrays: bool = False,
    ) -> bytes:
        """The item of one forecast.

        Args:
            time, tf: echoed.
            quantiles, up: [H, Q] and [H] float64, as bytes.
            arrays: answer with arrays of numbers in place of `bin`.
        """
        if arrays:
            return pack(
                {
                    **self._same,
                    "time": time,
                    "tf": tf,
                    "quantiles": array("d", quantiles).tolist(),
                    "up": array("d", up).tolist(),
                    "cached": cached,
                    "infer_us": infer_us,
                    "server_us": server_us,
                }
            )
        if server_us > _MOST_US:  # an hour and more
            infer_us, server_us = min(infer_us, _MOST_US), _MOST_US
        return b"".join(
            (
                self._head,
                _TIME_AND_TF.pack(_TIME, time, _TF, tf),
                self._quantiles,
                quantiles,
                self._up,
                up,
                _TAIL.pack(_CACHED[cached], _INFER_US, infer_us, _SERVER_US, server_us),
            )
        )


def error_item(error: WireError) -> bytes:
    """The item that says why there is no forecast."""
    return pack(error_fields(error))


def reply_of(request: int, item: bytes) -> bytes:
    """The reply to a `forecast`: an item, in the envelope of the request that it answers."""
    return _ENVELOPE.pack(item[0] + _ENVELOPE_ENTRIES, _V_AND_ID, request) + item[1:]


def batch_reply(request: int, items: Sequence[bytes]) -> bytes:
    """The reply to a `forecast_batch`, of its items in their order."""
    head = _ENVELOPE.pack(_MAP_OF_NONE + _BATCH_ENTRIES, _V_AND_ID, request)
    return b"".join((head, _OK_AND_ITEMS, _COUNT.pack(len(items)), *items))
