"""What the control socket speaks: who changes what a daemon serves, and asks how it is.

The same maps as on the main socket, with ops of its own, on loopback alone. A model is meant by its
name or its `name@version`; nothing in a request is a path.

| op | takes | answers |
| --- | --- | --- |
| `models` | | `models`, as in `hello`, with `folder` and `answers_for`; `besides`, not served |
| `status` | | the daemon's figures |
| `reload` | | `added`, `replaced` (pairs of old and new), `missing`: labels; `refused`: sentences |
| `default` | `model` | `model`: the label that answers requests that name none |
| `remove` | `model` | `model`: the label that is gone |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.wire.endpoints import MOST_PORT, EndpointError, split
from bridge.wire.errors import Code, WireError

MAX_CONTROL_BYTES = 64 * 1024
"""A peer that announces a larger frame is cut off by the transport."""

READY = "ready "
ALIVE = "alive"
DEFAULT = "default "
"""What a supervised daemon says on its standard output, a line each: where it listens, that its
loop turns, and the model that was made the default by order."""

_MOST_CHARACTERS = 80  # of a name, an @ and a version


def control_endpoint(served: str) -> str | None:
    """Where a daemon that serves on `served` takes its orders unless told otherwise.

    On loopback, on the port after the one that it serves: so two daemons on one machine have two,
    and who knows the one endpoint knows the other. None where no port follows.

    >>> control_endpoint("tcp://127.0.0.1:5655")
    'tcp://127.0.0.1:5656'
    """
    try:
        _, port = split(served)
    except EndpointError:
        return None
    return f"tcp://127.0.0.1:{port + 1}" if 0 < port < MOST_PORT else None


def parse_model(message: Mapping[Any, Any]) -> str:
    """The model that an order is about.

    Raises:
        WireError: `bad_field`.
    """
    model = message.get("model")
    if not isinstance(model, str) or not 0 < len(model) <= _MOST_CHARACTERS:
        found = "is missing" if "model" not in message else "is no such"
        raise WireError(
            Code.BAD_FIELD,
            f"`model` {found}: expected the name or name@version of a model, a string of 1 to "
            f"{_MOST_CHARACTERS} characters",
        )
    return model
