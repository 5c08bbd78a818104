"""The process that runs models for another: a thread and a connection for each model it opens.

On stdin it is told where to connect, a msgpack map each time; once stdin ends, so does it. A
connection carries one `open`, then any number of `forecast`s, and with its end the model is closed.
A slow model so waits for nobody, and nobody for it.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import numpy as np

from bridge.backends.base import Backend, BackendError, TorchRuntime
from bridge.backends.channel import as_message, connect, read_arrays
from bridge.backends.child import begin_as_child, end_at_once
from bridge.bundles import Bundle, BundleError, Manifest

log = logging.getLogger(__name__)


def serve_backends(make_runtime: Callable[[Any], TorchRuntime]) -> None:
    """Open and ask what stdin and its connections say. Does not return.

    Args:
        make_runtime: from the argument that comes first on stdin to what opens bundles.
    """
    begin_as_child()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    code = 0
    try:
        orders = msgpack.Unpacker()
        runtime: TorchRuntime | None = None
        while chunk := os.read(sys.stdin.fileno(), 4096):
            orders.feed(chunk)
            for order in orders:
                if runtime is None:
                    runtime = make_runtime(order)
                else:
                    serving = (runtime, order["port"], order["token"])
                    threading.Thread(target=_serve, args=serving, daemon=True).start()
    except Exception:
        log.exception("the process that runs models ends on a defect")
        code = 1
    finally:
        end_at_once(code)


def _serve(runtime: TorchRuntime, port: int, token: bytes) -> None:
    """Serve one connection: open its model, answer with it, close it."""
    backend: Backend | None = None
    try:
        channel = connect(port, token)
        try:
            channel.send({"pid": os.getpid()})
            backend, problem = _open(runtime, channel.receive()[0])
            channel.send({"error": problem} if problem else {})
            while backend is not None:
                channel.send(*_forecast(backend, *channel.receive()))
        finally:
            channel.close()
    except OSError:
        log.debug("the other end has closed the connection, which is how it says that it is done")
    except Exception:
        log.exception("a model's thread ends on a defect")
    finally:
        if backend is not None:
            backend.close()


def _open(runtime: TorchRuntime, order: dict[str, Any]) -> tuple[Backend | None, str]:
    """The model that was asked for, or why there is none."""
    try:
        bundle = Bundle(Path(order["path"]), Manifest.from_json(order["manifest"]))
        return runtime.open(bundle), ""
    except (BackendError, BundleError) as error:
        return None, str(error)
    except Exception as error:
        log.exception("opening %s failed", order["path"])
        return None, f"it cannot be loaded: {type(error).__name__}: {error}"


def _forecast(
    backend: Backend, order: dict[str, Any], body: bytearray
) -> tuple[dict[str, Any], bytes]:
    """The reply to a `forecast`: its shapes and its numbers, or why there are none."""
    try:
        answer = backend.forecast(*read_arrays(order, ("bars", "time"), body))
        for name, array in answer._asdict().items():
            if array.dtype != np.float64:
                raise BackendError(f"`{name}` comes as {array.dtype} where float64 is promised")
        return as_message(**answer._asdict())
    except BackendError as error:
        return {"error": str(error)}, b""
    except Exception as error:
        log.exception("a forecast failed")
        return {"error": f"{type(error).__name__}: {error}"}, b""
