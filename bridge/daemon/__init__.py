"""The daemon: one socket, a lane for each loaded model, and answers that are never late in silence.

A request flows one way. `server` takes bytes off the socket into the `intake`, in which a
`fair_queue` puts those who ask seldom before those that flood; `service` reads them and answers at
once, from the `cache`, or hands a job to a `lane`. A lane computes batches of what waits: the loop
does it itself for a fast model, `worker` threads for a slow one, as its `pace` says. The replies go
back through `server`, and then `books` are kept: `telemetry`, `cache`.

What fails is replaced (`watchdog`, `restart`, `breaker`), what is new takes over between two
batches (`watch`, `swap`, `control`), who may connect `access` and `gate` say. Imports nothing slow:
the daemon is ready within a second or so.
"""

from bridge.daemon.lane import Lane, LaneOptions
from bridge.daemon.server import BindError, Server
from bridge.daemon.service import Service

__all__ = ["BindError", "Lane", "LaneOptions", "Server", "Service"]
