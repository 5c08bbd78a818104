"""Build and run MQL5 programs outside of a terminal.

    program = build(Path("Scripts/EABridge/Ping.mq5"))
    result = program.script(Terminal(tmp_path), inputs={"Endpoint": "127.0.0.1:5655"})
    assert result.code == 0
    print(result.journal)

A program that hangs, crashes, or makes a sanitizer speak, raises AssertionError with its report.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType

from tests.mql5 import toolchain
from tests.mql5.terminal import Terminal
from tests.mql5.toolchain import HERE, Toolchain
from tests.mql5.translator import translate

MQL5 = HERE.parents[1] / "mql5"
"""The library and its programs, as they lie in the repository."""
STANDARD = HERE / "include"
"""What stands for the standard library's includes, and the includes of test programs."""

_CRASHED = 99
"""The sanitizers' exit code; other codes below are the runtime's own (exit_codes.hpp)."""
_EXPECTED = {0, 2, 3, 4, 5}


def build(
    source: Path,
    *,
    platform: str = "linux",
    sanitize: bool = True,
    optimise: bool = False,
    defines: Sequence[str] = (),
) -> Program:
    """Translate and compile one program.

    Raises:
        Mql5Error: where the source is not MQL5.
        AssertionError: where the translated program does not compile without a warning.
    """
    text = (
        source.read_text(encoding="utf-8")
        if source.suffix == ".cpp"
        else _translated(source, defines)
    )
    tools = Toolchain(platform, sanitize, optimise)
    return Program(source.stem, tools.program_of(text, source.stem), platform)


def _translated(source: Path, defines: Sequence[str]) -> str:
    # <EABridge/...> of the folder in which the program lies, if it was installed somewhere.
    installed = [folder / "Include" for folder in source.absolute().parents]
    includes = [*filter(Path.is_dir, installed[:3]), MQL5 / "Include", STANDARD]
    return translate(source, includes=includes, defines=defines).cpp


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


@dataclass(frozen=True)
class Program:
    """A program that was built.

    Attributes:
        name: of the source file, without its ending.
        path: the executable.
        platform: `linux`, or `windows`, which wine runs elsewhere.
    """

    name: str
    path: Path
    platform: str

    def script(
        self,
        data: Terminal,
        *,
        inputs: Mapping[str, object] | None = None,
        timeout: float = 60,
        **settings: object,
    ) -> Result:
        """Run a script until OnStart returns.

        `settings` are further lines of the runtime's configuration.
        """
        running = Running(self, data, {"mode": "script", **settings}, inputs or {})
        return running.finish(timeout)

    def test(
        self,
        data: Terminal,
        *,
        bars: Path,
        inputs: Mapping[str, object] | None = None,
        timeout: float = 300,
        **settings: object,
    ) -> TesterResult:
        """Run an Expert Advisor in the Strategy Tester over exported bars.

        Its files are the agent's: those that `#property tester_file` names, and its own.
        """
        agent = {"mode": "tester", "agent_folder": data.agent_files.parent, "bars": bars}
        running = Running(self, data, {**agent, **settings}, inputs or {})
        done = running.finish(timeout)
        return TesterResult(done.code, done.stamped, done.report, done.errors)

    def live(
        self,
        data: Terminal,
        *,
        inputs: Mapping[str, object] | None = None,
        **settings: object,
    ) -> Running:
        """Start an Expert Advisor on a live chart; use it in a `with` statement."""
        return Running(self, data, {"mode": "live", **settings}, inputs or {})


class Running:
    """A program that runs."""

    def __init__(
        self,
        program: Program,
        data: Terminal,
        settings: Mapping[str, object],
        inputs: Mapping[str, object],
    ) -> None:
        self._program = program
        self._folder = _new_folder(data.runs / program.name)
        lines: dict[str, object] = {
            "program": program.name,
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
        before = toolchain.wine() if program.platform == "windows" else []
        with (self._folder / "stderr.txt").open("wb") as errors:
            self._process = subprocess.Popen(
                [*before, str(program.path)],
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
        return f"{self._program.name} {what}"

    def _errors(self) -> str:
        return (self._folder / "stderr.txt").read_text(encoding="utf-8", errors="replace")

    def _said(self) -> str:
        return "\n".join([*self.journal()[-50:], self._errors()])

    def _path(self, path: Path) -> str:
        inside_wine = self._program.platform == "windows" and sys.platform != "win32"
        return f"Z:{path.absolute()}" if inside_wine else str(path.absolute())

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


_ONNX_BRIDGE = f"{sys.executable}\n{toolchain.RUNTIME / 'terminal' / 'onnx_bridge.py'}"
"""ONNX Runtime is in Python here: the command that answers OnnxRun, one word a line."""
_SANITIZERS = {
    "ASAN_OPTIONS": f"exitcode={_CRASHED}:detect_stack_use_after_return=1",
    "LSAN_OPTIONS": f"exitcode={_CRASHED}",
    "UBSAN_OPTIONS": f"exitcode={_CRASHED}:print_stacktrace=1",
}


def _new_folder(stem: Path) -> Path:
    for number in itertools.count(1):
        folder = stem.with_name(f"{stem.name}-{number}")
        if not folder.exists():
            folder.mkdir(parents=True)
            return folder
    raise AssertionError  # itertools.count does not end
