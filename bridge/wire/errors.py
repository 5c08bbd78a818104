"""The wire's error codes, and the one exception that carries them."""

from __future__ import annotations

from enum import Enum


class Code(str, Enum):
    """Why a request was not answered. The names are the wire's own."""

    BAD_MESSAGE = "bad_message"
    BAD_VERSION = "bad_version"
    UNKNOWN_OP = "unknown_op"
    BAD_FIELD = "bad_field"
    SHORT_WINDOW = "short_window"
    BAD_VALUES = "bad_values"
    UNKNOWN_MODEL = "unknown_model"
    WRONG_TIMEFRAME = "wrong_timeframe"
    TOO_LARGE = "too_large"
    BUSY = "busy"
    EXPIRED = "expired"
    DRAINING = "draining"
    MODEL_FAILED = "model_failed"
    INTERNAL = "internal"


class WireError(Exception):
    """A request that is answered with an error: its code, and one sentence for a person."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(f"{code.value}: {message}")
        self.code = code
        self.message = message


def internal_error() -> WireError:
    """What a client is told of a defect of the daemon."""
    return WireError(Code.INTERNAL, "a defect of the daemon: its log says more")
