"""The wire protocol, version 1, as code: messages, codec, error codes.

Bytes to typed values and back. Nothing here knows of sockets, models or stores, so that the
daemon, the client and the tests of other languages share one reading of the contract.
"""

DEFAULT_ENDPOINT = "tcp://127.0.0.1:5655"
"""Where the daemon binds and clients connect unless told otherwise."""

PROTOCOL_VERSION = 1
