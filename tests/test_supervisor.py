"""A daemon that is kept running, and the one that keeps it: real processes, real kills."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from bridge.bars import Bars
from bridge.cli.main import main
from bridge.client import Client
from bridge.control import Control
from bridge.supervisor import Patience, Supervisor
from bridge.wire.control import control_endpoint
from tests.backends import graphs
from tests.waiting import PATIENCE_S, until

POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")


@dataclass(frozen=True)
class Supervised:
    """A supervisor in a process of its own, and where its daemon listens."""

    process: subprocess.Popen[str]
    endpoint: str
    log_path: Path

    def log(self) -> str:
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def daemon(self) -> psutil.Process:
        """The daemon that runs, or the one that is started where the last has just ended."""
        found: list[psutil.Process] = []

        def runs() -> bool:
            found[:] = psutil.Process(self.process.pid).children()
            return len(found) == 1 and not is_gone(found[0])

        until(runs, "a daemon")
        return found[0]


def is_gone(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_ZOMBIE
    return True


def answers(endpoint: str) -> bool:
    with Client(endpoint, timeout_ms=500, retries=0) as client, suppress(Exception):
        return client.health().status == "ready"
    return False


@contextmanager
def supervised(folder: Path, *arguments: str) -> Iterator[Supervised]:
    command = [sys.executable, "-m", "bridge", "serve", "--supervise", *arguments]
    log_path = folder / "stderr.txt"
    with (
        log_path.open("wb") as log,
        subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True, encoding="utf-8"
        ) as process,
    ):
        children: list[psutil.Process] = []
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("ready "), log_path.read_text(encoding="utf-8")
            children = psutil.Process(process.pid).children(recursive=True)
            yield Supervised(process, line.split()[1], log_path)
        finally:
            if process.poll() is None:  # else its number may be another's by now
                children += psutil.Process(process.pid).children(recursive=True)
            process.kill()
            for child in children:
                with suppress(psutil.NoSuchProcess):
                    child.kill()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    """Starts supervisors on free ports over a store of two small models."""
    store = tmp_path / "store"
    for name in ("base", "more"):
        graphs.put(store, graphs.steady(), graphs.manifest(name))
    with ExitStack() as stack:

        def start(*arguments: str) -> Supervised:
            ours = ("--bind", "tcp://127.0.0.1:0", "--models", str(store), *arguments)
            return stack.enter_context(supervised(tmp_path, *ours))

        yield start


Start = Callable[..., Supervised]


class TestKept:
    def test_a_daemon_that_was_killed_is_back_before_a_client_asks_a_third_time(
        self, tmp_path: Path, bars: Bars
    ) -> None:
        with supervised(tmp_path, "--bind", "tcp://127.0.0.1:0") as running:
            with Client(running.endpoint, timeout_ms=10_000, retries=1) as client:
                before = client.forecast(bars)
                killed = running.daemon()
                killed.kill()
                after = client.forecast(bars)

            assert after.quantiles.tobytes() == before.quantiles.tobytes()
            assert running.daemon() != killed
            until(lambda: "the daemon is back on" in running.log())

    def test_one_that_was_told_to_end_by_another_is_back_too(self, start: Start) -> None:
        running = start()
        first = running.daemon()
        first.terminate()
        until(lambda: is_gone(first))
        until(lambda: answers(running.endpoint), "an answer")

    def test_the_port_that_was_free_at_first_is_kept(self, start: Start) -> None:
        running = start()
        for _ in range(2):
            daemon = running.daemon()
            daemon.kill()
            until(lambda daemon=daemon: is_gone(daemon))  # type: ignore[misc]
            until(lambda: answers(running.endpoint), "an answer")
        assert running.log().count("it is started again") == 2

    def test_a_default_that_was_changed_by_order_is_kept(self, start: Start) -> None:
        running = start("--default", "base")
        endpoint = control_endpoint(running.endpoint)
        assert endpoint is not None
        with Control(endpoint) as control:
            control.default("more")
        time.sleep(0.5)  # until the supervisor has read it
        first = running.daemon()
        first.kill()
        until(lambda: is_gone(first))
        until(lambda: answers(running.endpoint), "an answer")

        with Client(running.endpoint) as client:
            (default,) = [model.name for model in client.hello().models if model.default]
        assert default == "more"

    @POSIX
    def test_one_that_hangs_is_ended_and_replaced(self, start: Start) -> None:
        running = start()
        hanging = running.daemon()
        hanging.suspend()
        until(lambda: is_gone(hanging), "its end")
        until(lambda: answers(running.endpoint), "an answer")
        assert "gave no sign of life for 10 s" in running.log()

    def test_ready_is_said_once(self, start: Start) -> None:
        running = start()
        first = running.daemon()
        first.kill()
        until(lambda: "the daemon is back on" in running.log())
        running.process.kill()
        assert running.process.stdout is not None
        assert running.process.stdout.read() == ""


def test_what_lies_in_the_folder_takes_no_modules_place(tmp_path: Path) -> None:
    for module in ("signal", "queue", "psutil", "bridge"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('imported')")
    script = Path(sys.executable).with_name("eabridge")  # which the folder is no place for
    command = [script, "serve", "--supervise", "--bind", "tcp://127.0.0.1:0"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            endpoint = process.stdout.readline().removeprefix("ready ").strip()
            assert answers(endpoint)
        finally:
            process.terminate()


def test_the_one_that_keeps_it_is_small() -> None:
    """It runs for months beside the daemon: what the daemon needs, it does without."""
    program = (
        "import sys; from bridge.cli.main import main; "
        "main(['serve', '--supervise', '--models', 'nowhere']); print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    modules = {name.partition(".")[0] for name in done.stdout.split()}
    assert modules & {"numpy", "zmq", "onnxruntime", "msgpack", "psutil", "torch"} == set()


def test_it_is_more_patient_where_the_loop_computes_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hangs there is given up after `--hang-seconds`, and the loop is silent until then."""
    silent_s: list[float] = []

    def supervise(given: object, ready: object, say: object, patience: Patience) -> int:
        silent_s.append(patience.silent_s)
        return 0

    monkeypatch.setattr("bridge.supervisor.supervise", supervise)
    for arguments in (["--hang-seconds", "60"], ["--hang-seconds", "60", "--workers", "0"]):
        assert main(["serve", "--supervise", *arguments]) == 0
    assert silent_s == [10.0, 70.0]


class TestEnds:
    @POSIX
    @pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_stops_both_and_the_exit_is_0(
        self, start: Start, name: signal.Signals
    ) -> None:
        running = start()
        daemon = running.daemon()
        running.process.send_signal(name)
        assert running.process.wait(PATIENCE_S) == 0, running.log()
        until(lambda: is_gone(daemon))
        assert "stopping: answering what is queued" in running.log()
        assert "Traceback" not in running.log()

    @POSIX
    def test_ctrl_c_reaches_both_at_once(self, start: Start) -> None:
        running = start()
        daemon = running.daemon()
        daemon.send_signal(signal.SIGINT)
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(PATIENCE_S) == 0, running.log()
        until(lambda: is_gone(daemon))

    def test_a_supervisor_that_is_killed_leaves_no_orphan(self, start: Start) -> None:
        running = start()
        daemon = running.daemon()
        running.process.kill()
        until(lambda: is_gone(daemon), "the daemon's end")
        assert not answers(running.endpoint)

    @POSIX
    def test_nor_does_one_that_is_killed_while_the_daemon_starts(self, start: Start) -> None:
        running = start()
        first = running.daemon()
        first.kill()
        until(lambda: is_gone(first))
        second = running.daemon()
        running.process.kill()
        until(lambda: is_gone(second), "the daemon's end")

    def test_what_the_user_got_wrong_is_said_once_and_not_tried_again(self, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "bridge", "serve", "--supervise", "--models", "nowhere"]
        ran = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        assert ran.returncode == 2
        assert ran.stdout == ""
        assert ran.stderr.count("eabridge serve: ") == 1
        assert "nowhere: there is no such folder of models" in ran.stderr

    def test_so_is_a_port_in_use(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            endpoint = f"tcp://127.0.0.1:{other.getsockname()[1]}"
            command = [sys.executable, "-m", "bridge", "serve", "--supervise", "--bind", endpoint]
            ran = subprocess.run(
                command,
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
                check=False,
            )
        assert ran.returncode == 2
        assert f"{endpoint} is in use" in ran.stderr


@POSIX
def test_a_daemon_that_nobody_could_hear_is_not_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[subprocess.Popen[str]] = []
    popen = subprocess.Popen

    def begin(*arguments: Any, **options: Any) -> subprocess.Popen[str]:
        begun.append(popen(*arguments, **options))
        return begun[0]

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(subprocess, "Popen", begin)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(OSError, match="can't start new thread"):
        Supervisor(["--models", str(tmp_path)], print).run()
    assert begun[0].returncode == -signal.SIGKILL


class TestPatience:
    """With a daemon that does what a test wants, in the place of the real one."""

    @pytest.fixture
    def daemon(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        """Writes the program that runs in the place of `eabridge serve ...`."""
        commands = tmp_path / "bridge" / "cli"
        commands.mkdir(parents=True)
        for folder in (commands, commands.parent):
            (folder / "__init__.py").touch()
        monkeypatch.chdir(tmp_path)
        monkeypatch.syspath_prepend(str(tmp_path))  # found before the real one

        def write(program: str) -> None:
            text = textwrap.indent(textwrap.dedent(program), "    ")
            text = f"import os, sys, time\ndef main():\n{text}\n"
            (commands / "main.py").write_text(text, encoding="utf-8")

        return write

    PATIENCE = Patience(
        start_s=30.0, silent_s=1.0, stop_s=2.0, first_delay_s=0.05, most_delay_s=0.2, healthy_s=60.0
    )

    def test_what_a_daemon_says_is_passed_on(self, daemon: Callable[[str], None]) -> None:
        daemon(
            """
            print("loading", flush=True)
            print("ready tcp://127.0.0.1:1", flush=True)
            print("alive", flush=True)
            print("a word", flush=True)
            sys.stdin.read()
            """
        )
        ready, said = self._run(lambda ready, said: "a word" in said)
        assert ready == ["tcp://127.0.0.1:1"]
        assert said == ["loading", "a word"]

    def test_the_second_is_started_where_the_first_listened(
        self, daemon: Callable[[str], None]
    ) -> None:
        daemon(
            """
            print(" ".join(sys.argv[1:]), flush=True)
            print("default more", flush=True)
            print("ready tcp://127.0.0.1:7", flush=True)
            """
        )
        _, said = self._run(lambda ready, said: len(said) >= 3)
        first, *others = said[:3]
        assert first == "serve --bind tcp://127.0.0.1:0 --tethered"
        again = f"{first} --bind tcp://127.0.0.1:7 --default more"
        assert others == [again, again]

    def test_one_that_ends_at_once_is_started_less_and_less_often(
        self, daemon: Callable[[str], None], caplog: pytest.LogCaptureFixture
    ) -> None:
        daemon("print('begun', flush=True); sys.exit(1)")
        self._run(lambda ready, said: len(said) >= 6)
        told = [each.message for each in caplog.records if "started again" in each.message]
        ends = [message.rpartition("started again ")[2] for message in told]
        assert ends[:5] == ["at once", "in 0.05 s", "in 0.1 s", "in 0.2 s", "in 0.2 s"]
        assert "exit code 1" in told[0]

    def test_where_the_default_that_was_ordered_is_gone_the_command_lines_comes_back(
        self, daemon: Callable[[str], None], caplog: pytest.LogCaptureFixture
    ) -> None:
        daemon(
            """
            if "--default" in sys.argv:
                print("refused", flush=True)
                sys.exit(2)
            print("default gone", flush=True)
            print("ready tcp://127.0.0.1:1", flush=True)
            """
        )
        _, said = self._run(lambda ready, said: "gone, which was made" in caplog.text)
        assert said == ["refused"]

    def test_the_default_that_was_ordered_outlives_another_trouble(
        self, daemon: Callable[[str], None], caplog: pytest.LogCaptureFixture
    ) -> None:
        """The drive of the models was away for two starts."""
        daemon(
            """
            with open("starts", "a") as file:
                file.write("x")
            starts = os.path.getsize("starts")
            print(starts, *sys.argv[5:], flush=True)
            if starts == 1:
                print("default kept", flush=True)
            elif starts < 4:
                sys.exit(2)
            print("ready tcp://127.0.0.1:1", flush=True)
            """
        )
        _, said = self._run(lambda ready, said: len(said) >= 4)
        at = "--bind tcp://127.0.0.1:1"
        with_it = f"{at} --default kept"
        assert said[1:4] == [f"2 {with_it}", f"3 {at}", f"4 {with_it}"]
        assert "which was made" not in caplog.text

    def test_a_daemon_that_cannot_be_started_just_now_is_started_later(
        self,
        daemon: Callable[[str], None],
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        daemon("print('ready tcp://127.0.0.1:1', flush=True); print('begun', flush=True)")
        begin, begun = subprocess.Popen, []

        def short_of_memory(*arguments: object, **others: object) -> object:
            begun.append(arguments)
            if len(begun) in (2, 3):
                raise OSError(12, "Cannot allocate memory")
            return begin(*arguments, **others)  # type: ignore[call-overload]

        monkeypatch.setattr(subprocess, "Popen", short_of_memory)
        self._run(lambda ready, said: len(said) >= 2)
        assert caplog.text.count("no daemon can be started ([Errno 12] Cannot allocate") == 2

    def test_a_stop_is_heard_amid_a_long_delay(self, daemon: Callable[[str], None]) -> None:
        daemon("sys.exit(1)")
        patience = replace(self.PATIENCE, first_delay_s=600.0, most_delay_s=600.0)
        supervisor = Supervisor([], lambda endpoint: None, patience=patience)
        thread = threading.Thread(target=supervisor.run)
        thread.start()
        thread.join(2.0)
        assert thread.is_alive()
        supervisor.stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()

    def test_a_user_error_after_it_was_ready_may_pass(self, daemon: Callable[[str], None]) -> None:
        """The folder of models is on a drive that is away for a moment."""
        daemon(
            """
            if os.path.exists("again"):
                print("again", flush=True)
                sys.exit(2)
            open("again", "w").close()
            print("ready tcp://127.0.0.1:1", flush=True)
            """
        )
        _, said = self._run(lambda ready, said: len(said) >= 2)
        assert said[:2] == ["again", "again"]

    def test_one_that_is_silent_is_ended(
        self, daemon: Callable[[str], None], caplog: pytest.LogCaptureFixture
    ) -> None:
        daemon("print('ready tcp://127.0.0.1:1', flush=True); time.sleep(600)")
        self._run(lambda ready, said: "gave no sign of life for 1 s" in caplog.text)

    def test_one_that_does_not_stop_is_ended(self, daemon: Callable[[str], None]) -> None:
        daemon(
            "print('ready tcp://127.0.0.1:1', flush=True); print('x', flush=True)\ntime.sleep(600)"
        )
        self._run(lambda ready, said: "x" in said)

    def _run(self, enough: Callable[[list[str], list[str]], bool]) -> tuple[list[str], list[str]]:
        """Run a supervisor until `enough` of what was ready and said."""
        ready: list[str] = []
        said: list[str] = []
        supervisor = Supervisor(
            ["--bind", "tcp://127.0.0.1:0"], ready.append, said.append, self.PATIENCE
        )
        thread = threading.Thread(target=supervisor.run)
        thread.start()
        try:
            until(lambda: enough(ready, said))
        finally:
            supervisor.stop()
            thread.join(PATIENCE_S)
        assert not thread.is_alive()
        return ready, said
