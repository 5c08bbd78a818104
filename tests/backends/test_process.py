"""Models in a process of their own: the same answers, and deaths that the daemon survives."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from bridge.backends import Backend, BackendDied, BackendError, Forecasts, open_backend
from bridge.backends.process import ProcessRuntime
from bridge.bundles import open_bundle
from tests.backends import fake_runtime, graphs
from tests.backends.fake_runtime import fake_process, put

LOW, HIGH = 1.5, 3.0
PATIENCE = 30.0


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[ProcessRuntime]:
    runtime = fake_process(tmp_path)
    yield runtime
    runtime.close()


@pytest.fixture
def opened(runtime: ProcessRuntime, tmp_path: Path) -> Callable[[str], Backend]:
    """Opens the model of a name."""
    return lambda name: open_backend(put(tmp_path, name), runtime)


def ask(backend: Backend, last_close: float) -> Forecasts:
    return backend.forecast(graphs.window(last_close)[np.newaxis], np.zeros(1))


def pid_of(backend: Backend) -> int:
    """The process that answers."""
    return int(ask(backend, LOW).up[0, 0])


class Asking(threading.Thread):
    """A forecast that another thread waits for."""

    def __init__(self, backend: Backend, last_close: float) -> None:
        super().__init__(daemon=True)
        self._backend, self._last_close = backend, last_close
        self.answer: Forecasts | None = None
        self.error: BackendError | None = None
        self.start()

    def run(self) -> None:
        try:
            self.answer = ask(self._backend, self._last_close)
        except BackendError as error:
            self.error = error

    def outcome(self) -> BackendError | Forecasts | None:
        self.join(PATIENCE)
        assert not self.is_alive(), "it waits for ever"
        return self.error or self.answer


def wait_until(condition: Callable[[], bool]) -> None:
    giving_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < giving_up
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    return True


def test_nothing_is_started_before_a_bundle_needs_it(runtime: ProcessRuntime) -> None:
    assert runtime.pid is None


def test_it_answers_every_window_of_a_batch_bit_for_bit(opened: Callable[[str], Backend]) -> None:
    answer = opened("steady").forecast(
        np.stack([graphs.window(close) for close in (1.1, 1.7)]), np.zeros(2)
    )
    for row, close in enumerate((1.1, 1.7)):
        assert answer.quantiles[row].tobytes() == graphs.expected_quantiles(close).tobytes()
    assert answer.up.shape == (2, graphs.HORIZON)


def test_models_share_one_process_that_is_not_this_one(opened: Callable[[str], Backend]) -> None:
    pids = {pid_of(opened(name)) for name in ("a", "b", "c")}
    assert len(pids) == 1
    assert os.getpid() not in pids


def test_a_slow_model_does_not_delay_another(opened: Callable[[str], Backend]) -> None:
    slow, fast = opened("hanging"), opened("fast")
    waiting = Asking(slow, HIGH)
    assert ask(fast, LOW).quantiles[0].tobytes() == graphs.expected_quantiles(LOW).tobytes()
    assert waiting.is_alive()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("raising", "the window is too high"),
        ("defective", "ZeroDivisionError: a defect"),
        ("float32", "`quantiles` comes as float32 where float64 is promised"),
    ],
)
def test_a_model_that_fails_on_a_window_says_so_and_answers_the_next(
    opened: Callable[[str], Backend], name: str, reason: str
) -> None:
    backend = opened(name)
    with pytest.raises(BackendError, match=reason) as failure:
        ask(backend, HIGH)
    assert not isinstance(failure.value, BackendDied)
    assert ask(backend, LOW).quantiles[0].tobytes() == graphs.expected_quantiles(LOW).tobytes()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("unreadable", "it makes no network: for a reason"),
        ("surprising", "it cannot be loaded: ZeroDivisionError: a defect"),
    ],
)
def test_a_bundle_that_cannot_be_opened_is_told_with_the_reason_and_harms_none(
    opened: Callable[[str], Backend], name: str, reason: str
) -> None:
    steady = opened("steady")
    with pytest.raises(BackendError, match=reason):
        opened(name)
    assert ask(steady, LOW)


def test_without_torch_it_says_what_to_install(tmp_path: Path) -> None:
    runtime = ProcessRuntime(fake_runtime.WITHOUT_TORCH, [str(tmp_path)])
    with pytest.raises(BackendError, match=r"torch is missing.*pip install \"eabridge\[train\]\""):
        runtime.open(put(tmp_path, "any"))
    assert runtime.pid is None


def test_every_waiting_forecast_is_told_at_once_when_the_process_is_killed(
    opened: Callable[[str], Backend],
) -> None:
    backends = [opened(name) for name in ("hanging", "slow", "steady")]
    process = psutil.Process(pid_of(backends[2]))
    waiting = [Asking(backend, HIGH) for backend in backends[:2]]
    process.suspend()  # so that nobody is answered before
    waiting.append(Asking(backends[2], LOW))
    process.kill()
    for each in waiting:
        assert isinstance(each.outcome(), BackendDied)


def test_a_model_whose_process_died_says_so_whenever_it_is_asked(
    opened: Callable[[str], Backend],
) -> None:
    backend = opened("dying")
    for _ in range(2):
        with pytest.raises(BackendDied, match=r"is gone \(exit code 7\)"):
            ask(backend, HIGH)


def test_after_a_death_all_who_open_again_share_one_new_process(
    runtime: ProcessRuntime, tmp_path: Path
) -> None:
    bundles = [put(tmp_path, f"m{number}") for number in range(4)]
    before = [open_backend(bundle, runtime) for bundle in bundles]
    first = pid_of(before[0])
    psutil.Process(first).kill()
    after: list[Backend] = []

    def lane(number: int) -> None:
        with pytest.raises(BackendDied):
            ask(before[number], LOW)
        before[number].close()
        after.append(open_backend(bundles[number], runtime))

    lanes = [threading.Thread(target=lane, args=(number,)) for number in range(4)]
    for each in lanes:
        each.start()
    for each in lanes:
        each.join()
    pids = {pid_of(each) for each in after}
    assert len(after) == 4
    assert len(pids) == 1
    assert first not in pids


def test_a_new_process_loads_what_is_asked_for_alone(
    opened: Callable[[str], Backend], runtime: ProcessRuntime
) -> None:
    opened("a")
    dying = opened("dying")
    with pytest.raises(BackendDied):
        ask(dying, HIGH)
    opened("b")
    with pytest.raises(BackendError, match=r"there are \['b'\]"):
        opened("counting")


def test_a_hanging_forecast_is_ended_and_its_process_with_it(
    opened: Callable[[str], Backend], runtime: ProcessRuntime, tmp_path: Path
) -> None:
    backend = opened("hanging")
    pid = pid_of(backend)
    waiting = Asking(backend, HIGH)
    time.sleep(0.1)
    backend.abort()
    assert isinstance(waiting.outcome(), BackendDied)
    wait_until(lambda: is_gone(pid))
    assert pid_of(open_backend(put(tmp_path, "next"), runtime)) != pid


def test_an_abort_where_nobody_waits_ends_nothing(opened: Callable[[str], Backend]) -> None:
    backend = opened("steady")
    pid = pid_of(backend)
    backend.abort()
    assert pid_of(backend) == pid


def test_a_model_that_hangs_in_its_try_out_is_refused(
    runtime: ProcessRuntime, tmp_path: Path
) -> None:
    bundle = put(tmp_path, "ever-hanging")
    with pytest.raises(
        BackendError, match=r"had not answered its first windows after 0\.5 seconds"
    ):
        open_backend(bundle, runtime, seconds=0.5)
    assert runtime.pid is None


def test_the_same_bundle_may_be_open_twice_and_one_of_them_closed(
    opened: Callable[[str], Backend], runtime: ProcessRuntime, tmp_path: Path
) -> None:
    first = opened("steady")
    bundle = open_bundle(tmp_path / "steady")
    second = runtime.open(bundle)
    second.close()
    assert ask(first, LOW)
    with pytest.raises(BackendError, match="closed"):
        ask(second, LOW)
    third = runtime.open(bundle)
    runtime.drop(bundle.manifest.label)
    for each in (first, third):
        with pytest.raises(BackendError, match="closed"):
            ask(each, LOW)


def test_what_is_closed_is_let_go_in_the_process(
    opened: Callable[[str], Backend],
) -> None:
    kept, closed = opened("a"), opened("b")
    closed.close()
    closed.close()  # once is enough, and twice no fault

    def told() -> str:
        with pytest.raises(BackendError) as refusal:
            opened("counting")
        return str(refusal.value)

    wait_until(lambda: told().endswith("there are ['a']"))
    assert ask(kept, LOW)


def test_the_process_ends_with_the_last_model_that_is_closed(
    opened: Callable[[str], Backend], runtime: ProcessRuntime
) -> None:
    first, second = opened("a"), opened("b")
    pid = pid_of(first)
    first.close()
    assert pid_of(second) == pid
    second.close()
    assert runtime.pid is None
    wait_until(lambda: is_gone(pid))


def test_a_model_that_takes_too_much_memory_to_load_is_refused(tmp_path: Path) -> None:
    runtime = fake_process(tmp_path, memory_bytes=200 << 20)
    with pytest.raises(BackendError, match=r"over 200\.0 MiB of memory to load"):
        runtime.open(put(tmp_path, "hungry"))
    assert pid_of(open_backend(put(tmp_path, "steady"), runtime))
    runtime.close()


def test_a_model_that_is_never_loaded_is_refused(tmp_path: Path) -> None:
    runtime = fake_process(tmp_path, seconds=0.5)
    with pytest.raises(BackendError, match=r"not loaded after 0\.5 seconds"):
        runtime.open(put(tmp_path, "late"))
    runtime.close()


def test_a_model_that_ends_the_process_while_it_is_loaded_is_told_with_how_it_ended(
    runtime: ProcessRuntime, tmp_path: Path
) -> None:
    with pytest.raises(BackendDied, match=r"is gone \(exit code 9\)"):
        runtime.open(put(tmp_path, "lethal"))


def test_a_closed_runtime_opens_nothing_and_has_ended_its_process(
    opened: Callable[[str], Backend], runtime: ProcessRuntime, tmp_path: Path
) -> None:
    backend = opened("steady")
    pid = pid_of(backend)
    runtime.close()
    assert is_gone(pid)
    with pytest.raises(BackendDied):
        ask(backend, LOW)
    with pytest.raises(BackendError, match="is ending"):
        runtime.open(put(tmp_path, "more"))


def test_what_the_process_says_is_in_our_log_and_not_on_our_stdout(
    opened: Callable[[str], Backend],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    ask(opened("talking"), HIGH)
    wait_until(lambda: "on stdout" in caplog.text and "on stderr" in caplog.text)
    assert "model process" in caplog.text
    assert capfd.readouterr().out == ""


def test_a_death_is_logged_once_with_how_it_ended(
    opened: Callable[[str], Backend], caplog: pytest.LogCaptureFixture
) -> None:
    dying, other = opened("dying"), opened("other")
    for backend in (dying, other):
        with pytest.raises(BackendDied):
            ask(backend, HIGH)
    wait_until(lambda: "is gone" in caplog.text)
    deaths = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.getMessage().endswith("is gone: exit code 7") for record in deaths] == [True]


_PARENT = """
import sys, time
from pathlib import Path
from bridge.bundles import open_bundle
from tests.backends.fake_runtime import fake_process
store = Path(sys.argv[1])
runtime = fake_process(store)
backend = runtime.open(open_bundle(store / sys.argv[2]))
assert "torch" not in sys.modules
print(runtime.pid, flush=True)
if sys.argv[3] == "hang":
    import numpy as np
    backend.forecast(np.full((1, 4), 3.0), np.zeros(1))
time.sleep(600)
"""


@pytest.mark.parametrize("at", ["rest", "hang"])
def test_the_process_ends_when_the_one_that_began_it_is_killed(tmp_path: Path, at: str) -> None:
    put(tmp_path, "hanging")
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(tmp_path), "hanging", at],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not is_gone(pid)
        parent.kill()
    wait_until(lambda: is_gone(pid))


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signal")
def test_a_signal_that_ends_programs_is_left_to_the_daemon(
    opened: Callable[[str], Backend],
) -> None:
    import signal

    backend = opened("steady")
    pid = pid_of(backend)
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid, number)
    assert pid_of(backend) == pid
    assert os.getpgid(pid) != os.getpgid(0)  # so that a terminal's Ctrl-C does not come to it


@pytest.mark.skipif(not Path("/proc/self/oom_score_adj").exists(), reason="Linux alone has it")
def test_a_system_short_of_memory_kills_it_before_the_daemon(
    opened: Callable[[str], Backend],
) -> None:
    scores = [
        int(Path(f"/proc/{pid}/oom_score_adj").read_text())
        for pid in (pid_of(opened("steady")), os.getpid())
    ]
    assert scores[0] > scores[1]


def test_a_file_in_the_folder_that_we_run_in_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("psutil", "bridge", "json"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parents[2]), *filter(None, sys.path)])
    runtime = fake_process(tmp_path / "store")
    assert ask(open_backend(put(tmp_path / "store", "steady"), runtime), LOW)
    runtime.close()
