"""Build and run MQL5 programs outside of a terminal.

    program = build(Path("Scripts/EABridge/Ping.mq5"))
    result = program.script(Terminal(tmp_path), inputs={"InpEndpoint": "127.0.0.1:5655"})
    assert result.code == 0
    print(result.journal)

A program that hangs, crashes, or makes a sanitizer speak, raises AssertionError with its report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mql5.running import Result, Running, TesterResult
from tests.mql5.terminal import Terminal
from tests.mql5.toolchain import HERE, Toolchain
from tests.mql5.translator import translate

__all__ = [
    "HERE",
    "MQL5",
    "STANDARD",
    "Program",
    "Result",
    "Running",
    "Terminal",
    "TesterResult",
    "build",
]

MQL5 = HERE.parents[1] / "mql5"
"""The library and its programs, as they lie in the repository."""
STANDARD = HERE / "include"
"""What stands for the standard library's includes, and the includes of test programs."""


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
    text = _translated(source, defines)
    tools = Toolchain(platform, sanitize, optimise)
    return Program(source.stem, tools.program_of(text, source.stem), platform)


def _translated(source: Path, defines: Sequence[str]) -> str:
    # <EABridge/...> of the folder in which the program lies, if it was installed somewhere.
    installed = [folder / "Include" for folder in source.absolute().parents]
    includes = [*filter(Path.is_dir, installed[:3]), MQL5 / "Include", STANDARD]
    return translate(source, includes=includes, defines=defines).cpp


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
        return self._start(data, {"mode": "script", **settings}, inputs).finish(timeout)

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
        done = self._start(data, {**agent, **settings}, inputs).finish(timeout)
        return TesterResult(done.code, done.stamped, done.report, done.errors)

    def live(
        self,
        data: Terminal,
        *,
        inputs: Mapping[str, object] | None = None,
        **settings: object,
    ) -> Running:
        """Start an Expert Advisor on a live chart; use it in a `with` statement."""
        return self._start(data, {"mode": "live", **settings}, inputs)

    def _start(
        self,
        data: Terminal,
        settings: Mapping[str, object],
        inputs: Mapping[str, object] | None,
    ) -> Running:
        return Running(self.name, self.path, self.platform, data, settings, inputs or {})
