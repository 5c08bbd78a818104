"""What is done to the daemon, to the process that runs PyTorch, and to the disk."""

from __future__ import annotations

import time
from contextlib import suppress

import psutil

from tests.torture.excuses import DRAINING, FROZEN, failing
from tests.torture.scene import NotBack, Scene
from tests.torture.wardrobe import SLOW, TORCH_ADAPTER, TORCH_BASE

HANG_S = 8.0
"""After so long the daemon gives a forecast up: its `--hang-seconds`."""

_SILENT_S = 10.0  # as long as a supervisor bears it
_BREAKS = 3  # of one model in a minute: more, and it is left alone for a minute
_MINUTE_S = 60.0
_TORCH = (failing(TORCH_BASE), failing(TORCH_ADAPTER))


def kill_daemon(scene: Scene) -> None:
    """kill -9."""
    with scene.ended():
        _end(scene)
        scene.settle("kill -9")


def kill_daemon_twice(scene: Scene) -> None:
    """The second time while it starts, or as soon as it has."""
    with scene.ended():
        first = _end(scene)
        until = time.monotonic() + scene.patience_s
        while (daemon := scene.subject.daemon) is None or daemon == first:
            if time.monotonic() > until:
                raise NotBack("no daemon was started after kill -9")
            time.sleep(0.02)
        time.sleep(scene.draw.uniform(0.0, 3.0))
        with scene.ended():
            _end(scene)
            scene.settle("two kills")


def stop_daemon(scene: Scene) -> None:
    """SIGTERM, as an administrator might: it drains, and is started again."""
    daemon = scene.subject.daemon
    with scene.ended(DRAINING), suppress(psutil.Error):
        if daemon is not None:
            daemon.terminate()
            daemon.wait(scene.patience_s)
        scene.settle("SIGTERM")


def freeze_daemon(scene: Scene) -> None:
    """It does not run for a moment, as on a machine that swaps: all of it comes, only later."""
    daemon = scene.subject.daemon
    with scene.excuses.span(FROZEN), suppress(psutil.Error):
        if daemon is not None:
            daemon.suspend()
            time.sleep(scene.draw.uniform(0.1, 3.0))
            daemon.resume()
    scene.settle("a freeze")


def hang_daemon(scene: Scene) -> None:
    """It does not run any more, until its supervisor notices."""
    daemon = scene.subject.daemon
    with scene.ended(), suppress(psutil.TimeoutExpired, psutil.NoSuchProcess):
        if daemon is not None:
            daemon.suspend()
            try:
                daemon.wait(_SILENT_S + scene.patience_s)
            except psutil.TimeoutExpired as error:
                daemon.resume()
                raise NotBack("the supervisor did not end a daemon that hung") from error
        scene.settle("a hang")


def kill_worker(scene: Scene) -> None:
    """The process that runs PyTorch's models is killed, as by a system short of memory."""
    with scene.excuses.span(*_TORCH):
        scene.broken["worker"].append(time.monotonic())
        worker = scene.subject.worker
        if worker is not None:
            worker.kill()
        _wait_for_another(scene, worker)
        scene.settle("a killed worker")


def kill_worker_early(scene: Scene) -> None:
    """That process is killed while it begins, beside a daemon that begins."""
    with scene.ended(*_TORCH):
        scene.broken["worker"].append(time.monotonic())
        _end(scene)
        until = time.monotonic() + scene.patience_s
        while (worker := scene.subject.worker) is None:
            if time.monotonic() > until:
                raise NotBack("no worker was started after kill -9")
            time.sleep(0.01)
        time.sleep(scene.draw.uniform(0.0, 3.0))
        with suppress(psutil.NoSuchProcess):
            worker.kill()
        time.sleep(1.0)  # by then it is missed, if there are models that it ran
        scene.settle("a worker that was killed early")


def stall_worker(scene: Scene) -> None:
    """That process hangs, until the daemon notices."""
    with scene.excuses.span(*_TORCH):
        scene.broken["worker"].append(time.monotonic())
        worker = scene.subject.worker
        if worker is not None:
            worker.suspend()
        _wait_for_another(scene, worker)
        scene.settle("a stalled worker")


def hang_model(scene: Scene) -> None:
    """A model in the daemon's own process computes without end, until the daemon notices."""
    with scene.excuses.span(failing(SLOW)):
        scene.broken["model"].append(time.monotonic())
        scene.prober.ask_to_hang()
        scene.settle("a model that hung")


def fill_disk(scene: Scene) -> None:
    """There is no space for its files for some seconds; perhaps a daemon starts so."""
    scene.disk.fill(scene.subject)
    try:
        time.sleep(scene.draw.uniform(0.5, 4.0))
        scene.settle("a full disk")
        if may_end_daemon(scene) and scene.draw.random() < 0.5:
            kill_daemon(scene)
            scene.record.count("harm", "kill_daemon, on a full disk")
    finally:
        scene.disk.free(scene.subject)
    scene.settle("a disk that was full")


def damage_cache(scene: Scene) -> None:
    """The cache file is scribbled over, and the daemon has to start from it."""
    with scene.ended():
        _scribble(scene)
        _end(scene)
        _scribble(scene)
        scene.settle("a damaged cache file")


def may_end_daemon(scene: Scene) -> bool:
    """Not when the supervisor would wait long before the next start."""
    row, before = 0, float("-inf")
    for at in scene.restarts:
        row = 1 if at - before > _MINUTE_S else row + 1
        before = at
    return row < 5 or time.monotonic() - before > _MINUTE_S


def may_break_worker(scene: Scene) -> bool:
    return _recently(scene.broken["worker"]) < _BREAKS


def may_end_both(scene: Scene) -> bool:
    return may_end_daemon(scene) and may_break_worker(scene)


def may_hang_model(scene: Scene) -> bool:
    return _recently(scene.broken["model"]) < _BREAKS


def _recently(times: list[float]) -> int:
    return sum(time.monotonic() - at < _MINUTE_S for at in times)


def _end(scene: Scene) -> psutil.Process | None:
    daemon = scene.subject.daemon
    if daemon is not None:
        with suppress(psutil.NoSuchProcess):
            daemon.kill()
            daemon.wait(scene.patience_s)
    return daemon


def _wait_for_another(scene: Scene, worker: psutil.Process | None) -> None:
    """Ask for the models that it ran, until another one has been begun."""
    until = time.monotonic() + scene.patience_s
    while (now := scene.subject.worker) is None or now == worker:
        for label in scene.shelf.sure:
            if label.partition("@")[0] in (TORCH_BASE, TORCH_ADAPTER):
                scene.prober.answers(label)
        if time.monotonic() > until:
            raise NotBack(f"worker {worker} was not replaced in {scene.patience_s:g} s")
        time.sleep(0.1)


def _scribble(scene: Scene) -> None:
    with suppress(OSError), scene.cache_file.open("r+b") as file:
        size = scene.cache_file.stat().st_size
        for _ in range(scene.draw.randrange(1, 5)):
            file.seek(scene.draw.randrange(size) if size else 0)
            file.write(scene.draw.randbytes(scene.draw.choice([1, 16, 5000])))
