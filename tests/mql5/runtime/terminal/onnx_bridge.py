"""ONNX Runtime for the runtime's Onnx* functions: requests on stdin, answers on stdout.

Each message is its length as a little-endian u64, then as many bytes. A request begins with what
is asked (u32); an answer with 0, or with 1 and a text that says what went wrong.

    1 create   blob model                                  -> u32 session, inputs, outputs
    2 run      u32 session, per input: u32 type, shape,    -> per output: shape, blob
               blob; per output: u32 type
    3 release  u32 session                                 ->

Inputs and outputs are listed as u32 count, then name (blob), u32 type, shape each. A blob is an i64
length and its bytes, a shape a u32 count and as many i64 (-1 where the model leaves a size open).
Types are ONNX's own numbers. One thread and the CPU: the same bits as the daemon gives.
"""

from __future__ import annotations

import struct
import sys
from typing import Any, BinaryIO

import numpy as np
import onnxruntime as ort

TYPES = {1: np.dtype("<f4"), 6: np.dtype("<i4"), 7: np.dtype("<i8"), 11: np.dtype("<f8")}
NAMES = {"tensor(float)": 1, "tensor(int32)": 6, "tensor(int64)": 7, "tensor(double)": 11}


class Reader:
    """The parts of one request, in their order."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def small(self) -> int:
        return self._take("<I")

    def blob(self) -> bytes:
        count = self._take("<q")
        self._at += count
        return self._body[self._at - count : self._at]

    def shape(self) -> list[int]:
        return [self._take("<q") for _ in range(self.small())]

    def _take(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self._body, self._at)
        self._at += struct.calcsize(form)
        return int(value)


def blob(content: bytes) -> bytes:
    return struct.pack("<q", len(content)) + content


def shape(sizes: list[Any] | tuple[int, ...]) -> bytes:
    # ONNX Runtime names an open size by a text, or by nothing.
    known = [size if isinstance(size, int) else -1 for size in sizes]
    return struct.pack(f"<I{len(known)}q", len(known), *known)


class Bridge:
    """The open sessions."""

    def __init__(self) -> None:
        self._sessions: dict[int, ort.InferenceSession] = {}
        self._made = 0

    def answer(self, request: Reader) -> bytes:
        match request.small():
            case 1:
                return self._create(request)
            case 2:
                return self._run(request)
            case 3:
                self._sessions.pop(request.small())
                return b""
        raise ValueError("no such request")

    def _create(self, request: Reader) -> bytes:
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = ort.InferenceSession(request.blob(), options, providers=["CPUExecutionProvider"])
        self._made += 1
        self._sessions[self._made] = session
        listed = [self._list(session.get_inputs()), self._list(session.get_outputs())]
        return struct.pack("<I", self._made) + b"".join(listed)

    @staticmethod
    def _list(tensors: list[Any]) -> bytes:
        described = [
            blob(each.name.encode())
            + struct.pack("<I", NAMES.get(each.type, 0))
            + shape(each.shape)
            for each in tensors
        ]
        return struct.pack("<I", len(described)) + b"".join(described)

    def _run(self, request: Reader) -> bytes:
        session = self._sessions[request.small()]
        feeds = {}
        for each in session.get_inputs():
            given = TYPES[request.small()]
            sizes = request.shape()
            values = np.frombuffer(request.blob(), given).reshape(sizes)
            feeds[each.name] = values.astype(TYPES[NAMES[each.type]], copy=False)
        parts = []
        for values in session.run(None, feeds):
            wanted = TYPES[request.small()]
            parts.append(shape(values.shape) + blob(values.astype(wanted, copy=False).tobytes()))
        return b"".join(parts)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    bridge = Bridge()
    while len(head := requests.read(8)) == 8:
        body = requests.read(struct.unpack("<Q", head)[0])
        try:
            answer = struct.pack("<I", 0) + bridge.answer(Reader(body))
        except Exception as error:  # noqa: BLE001 (whatever it is, the program is told)
            answer = struct.pack("<I", 1) + blob(str(error).encode())
        answers.write(struct.pack("<Q", len(answer)) + answer)
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
