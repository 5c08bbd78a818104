"""The daemon: one socket, a lane for each loaded model, and answers that are never late in silence.

A request flows one way. `server` takes bytes off the socket into the `intake`, in which a
`fair_queue` puts those who ask seldom before those that flood; `service` reads them and answers at
once, or has `forecasting` look into the `cache` and hand a job to a lane of the `lanes`, whose
reply goes back through `server`. Then the `books` are kept: `telemetry`, `cache`. Queues, a `rate`
and what may be left `unsent` bound what one client can do.

Beside that flow, `doors` say who may connect, and `swaps` let new models take over between two
batches. `start` puts it all together. Imports nothing slow: the daemon is ready within a second or
so.
"""
