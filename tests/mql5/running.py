"""Programs that run, and what they leave when they end."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType

from tests.mql5 import toolchain
from tests.mql5.terminal import Terminal

_CRASHED = 99
"""The sanitizers' exit code; other codes below are the runtime's own (exit_codes.hpp)."""
_EXPECTED = {0, 2, 3, 4, 5}
_ONNX_BRIDGE = f"{sys.executable}\n{toolchain.RUNTIME / 'terminal' / 'onnx_bridge.py'}"
"""ONNX Runtime is in Python here: the command that answers OnnxRun, one word a line."""
_SANITIZERS = {
    "ASAN_OPTIONS": f"exitcode={_CRASHED}:detect_stack_use_after_return=1",
    "LSAN_OPTIONS": f"exitcode={_CRASHED}",
    "UBSAN_OPTIONS": f"exitcode={_CRASHED}:print_stacktrace=1",
}


@dataclass(frozen=True)
class Result:
    """What a program left when it ended.

    Attributes:
        code: 0 ran to the end; 2 OnInit failed; 3 critical error; 4 refused to start (a DLL is not
            allowed or missing); 5 bad configuration.
        stamped: the journal's lines as (time, text).
        report: what the runtime reports at the end (report.cpp).
        errors: what the process wrote on stderr.
    """

    code: int
    stamped: list[tuple[str, str]]
    report: dict[str, object]
    errors: str

    @property
    def journal(self) -> list[str]:
        """The journal's lines, without their times."""
        return [text for _, text in self.stamped]

    @property
    def undeleted(self) -> list[str]:
        """What the terminal says of objects that the program never deleted."""
        return [line for line in self.journal if line.endswith((" left", " of leaked memory"))]


class TesterResult(Result):
    """A result with what the Strategy Tester counted."""

    __test__ = False  # pytest takes it for a class of tests where a test imports it

    @property
    def deals(self) -> list[dict[str, object]]:
        """Every deal, oldest first."""
        return self.report["deals"]  # type: ignore[return-value]

    @property
    def balance(self) -> float:
        """The account's balance at the end."""
        return self.report["balance"]  # type: ignore[return-value]

    @property
    def on_tester(self) -> float:
        """What OnTester returned."""
        return self.report["on_tester"]  # type: ignore[return-value]


class Running:
    """A program that runs."""

    def __init__(
        self,
        name: str,
        path: Path,
        platform: str,
        data: Terminal,
        settings: Mapping[str, object],
        inputs: Mapping[str, object],
    ) -> None:
        self._name = name
        self._in_wine = platform == "windows" and sys.platform != "win32"
        self._folder = _new_folder(data.runs / name)
        lines: dict[str, object] = {
            "program": name,
            "journal": self._folder / "journal.txt",
            "report": self._folder / "report.json",
            "onnx_bridge": _ONNX_BRIDGE,
            **data.lines(),
            **settings,
            **{f"input.{name}": value for name, value in inputs.items()},
        }
        configuration = self._folder / "host.txt"
        configuration.write_bytes(
            "".join(f"{key}={self._value(value)}\n" for key, value in lines.items()).encode()
        )
        before = toolchain.wine() if self._in_wine else []
        with (self._folder / "stderr.txt").open("wb") as errors:
            self._process = subprocess.Popen(
                [*before, str(path)],
                cwd=self._folder,
                env={
                    **os.environ,
                    **_SANITIZERS,
                    **toolchain.WINE,
                    "MQL_HOST": self._path(configuration),
                },
                stdin=subprocess.PIPE,
                stdout=errors,
                stderr=errors,
                start_new_session=sys.platform != "win32",
            )

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.stop()
        else:
            self._kill()

    @property
    def pid(self) -> int:
        """The process's number, for tests that send it signals."""
        return self._process.pid

    def stamped(self) -> list[tuple[str, str]]:
        """The journal so far, as (time, text)."""
        path = self._folder / "journal.txt"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        whole, _, _ = text.rpartition("\n")
        lines = (line.partition("\t") for line in whole.split("\n") if line)
        return [(stamp, said) for stamp, _, said in lines]

    def journal(self) -> list[str]:
        """The journal's lines so far, without their times."""
        return [text for _, text in self.stamped()]

    def wait_for(self, text: str, timeout: float = 30) -> str:
        """Wait until a journal line contains `text`; returns the first such line."""
        end = time.monotonic() + timeout
        while True:
            ended = self._process.poll() is not None
            for line in self.journal():
                if text in line:
                    return line
            if ended:
                raise AssertionError(f"{self._ended()} and never said {text!r}\n{self._said()}")
            if time.monotonic() > end:
                raise AssertionError(f"did not say {text!r} in {timeout} s\n{self._said()}")
            time.sleep(0.01)

    def stop(self, timeout: float = 30) -> Result:
        """Ask the program to end, as removing it from its chart does, and wait for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self.finish(timeout)

    def finish(self, timeout: float) -> Result:
        """Wait for the program's own end.

        Raises:
            AssertionError: it hung, crashed, or a sanitizer stopped it.
        """
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still ran after {timeout} s\n{self._said()}") from None
        finally:
            self._kill()
        if code not in _EXPECTED:
            raise AssertionError(f"{self._ended()}\n{self._said()}")
        report = self._folder / "report.json"
        return Result(
            code,
            self.stamped(),
            json.loads(report.read_text(encoding="utf-8")) if report.exists() else {},
            self._errors(),
        )

    def _kill(self) -> None:
        if self._process.poll() is None:
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _ended(self) -> str:
        code = self._process.returncode
        what = "was stopped by a sanitizer" if code == _CRASHED else f"ended with exit code {code}"
        return f"{self._name} {what}"

    def _errors(self) -> str:
        return (self._folder / "stderr.txt").read_text(encoding="utf-8", errors="replace")

    def _said(self) -> str:
        return "\n".join([*self.journal()[-50:], self._errors()])

    def _path(self, path: Path) -> str:
        return f"Z:{path.absolute()}" if self._in_wine else str(path.absolute())

    def _value(self, value: object) -> str:
        """A value as a line of the configuration holds it."""
        if isinstance(value, bool):
            text = str(int(value))
        elif isinstance(value, Enum):
            text = str(value.value)
        elif isinstance(value, Path):
            text = self._path(value)
        else:
            text = str(value)
        return text.replace("\\", r"\\").replace("\n", r"\n")


def _new_folder(stem: Path) -> Path:
    for number in itertools.count(1):
        folder = stem.with_name(f"{stem.name}-{number}")
        if not folder.exists():
            folder.mkdir(parents=True)
            return folder
    raise AssertionError  # itertools.count does not end
