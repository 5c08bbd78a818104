"""The daemon: one socket, a lane for each loaded model, and answers that are never late in silence.

A request flows one way: `server` takes bytes off the socket, `service` reads them and either
answers at once or hands a job to a `lane`, the lane computes a batch of what is waiting, and the
replies go back through `server`. `routes` says which lane a model and a symbol mean; `changes` adds
and removes lanes meanwhile. Imports nothing slow: the daemon is ready within a second.
"""

from bridge.daemon.lane import Lane
from bridge.daemon.server import BindError, Server
from bridge.daemon.service import Service

__all__ = ["BindError", "Lane", "Server", "Service"]
