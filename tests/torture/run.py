"""A run: from a seed to a record of what was done, and of what was wrong."""

from __future__ import annotations

import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgpack
import psutil

from tests.torture import harm, swaps
from tests.torture.askers import Prober, askers
from tests.torture.crowd import Crowd
from tests.torture.disk import small_disk
from tests.torture.excuses import DOWN, Excuses
from tests.torture.judge import Judge
from tests.torture.record import Record
from tests.torture.scene import NotBack, Scene
from tests.torture.shelf import Shelf
from tests.torture.subject import Subject, Use, use_of
from tests.torture.wardrobe import BASE, TF, Wardrobe, fill, hang, has_torch

CACHE_MIB = 1
"""So little that forecasts are computed again and again, and the file's oldest deleted."""

_CALM_EVERY = 6
_CALM_S = 1.5
_PAUSE_S = (0.0, 1.5)
_MOST_MORE = Use(resident_bytes=200 << 20, descriptors=40, threads=12)
"""Than when it was calm at first. A flood leaves room behind that the next one fills."""

_WATCH_S = 0.2


@dataclass(frozen=True)
class Plan:
    """What to do.

    Attributes:
        seconds: of torture, beside the start and the end. seed: of all that is drawn.
        torch: whether models are among them that PyTorch runs.
        quick: leaves out what takes long, to have done more in a short time.
        only: names of the harms to do, each that can be done here once at least, however long that
            takes; all of them, as far as there is time, where empty.
        log: a file for what the daemon logs.
        questions, versions: of each model.
        patience_s: how long a recovery may take.
    """

    seconds: float
    seed: int
    torch: bool
    quick: bool = False
    only: Sequence[str] = ()
    log: Path | None = None
    questions: int = 400
    versions: int = 4
    patience_s: float = 120.0


@dataclass(frozen=True)
class Harm:
    """`weight` times as often as others; `can`: whether here; `may`: whether now."""

    work: Callable[[Scene], None]
    weight: int = 1
    may: Callable[[Scene], bool] = lambda scene: True
    can: Callable[[Scene], bool] = lambda scene: True
    takes_long: bool = False

    @property
    def name(self) -> str:
        return self.work.__name__


def _has_torch(scene: Scene) -> bool:
    return scene.wardrobe.has_torch


HARMS = (
    Harm(harm.kill_daemon, may=harm.may_end_daemon),
    Harm(harm.kill_daemon_twice, may=harm.may_end_daemon, takes_long=True),
    Harm(harm.stop_daemon, may=harm.may_end_daemon),
    Harm(harm.freeze_daemon),
    Harm(harm.hang_daemon, may=harm.may_end_daemon, takes_long=True),
    Harm(harm.kill_worker, may=harm.may_break_worker, can=_has_torch),
    Harm(harm.kill_worker_early, may=harm.may_end_both, can=_has_torch, takes_long=True),
    Harm(harm.stall_worker, may=harm.may_break_worker, can=_has_torch, takes_long=True),
    Harm(harm.hang_model, may=harm.may_hang_model, takes_long=True),
    Harm(harm.fill_disk, can=lambda scene: scene.disk.can_fill),
    Harm(harm.damage_cache, may=harm.may_end_daemon),
    Harm(swaps.swap_by_order, weight=2),
    Harm(swaps.swap_by_watch),
    Harm(swaps.swap_slowly, takes_long=True),
    Harm(swaps.swap_back_and_forth, takes_long=True),
    Harm(swaps.kill_amid_swap, may=harm.may_end_daemon),
    Harm(swaps.put_rotten),
    Harm(swaps.damage_bundle, takes_long=True),
    Harm(swaps.remove_and_reload),
    Harm(swaps.change_default),
)


def torture(plan: Plan, say: Callable[[str], None] = lambda line: None) -> Record:
    """Do what the plan says; the record of it.

    Args:
        say: is told what goes on.

    Raises:
        RuntimeError: the daemon did not even start, or nothing of `only` can be done here.
    """
    record = Record(say)
    with ExitStack() as stack:
        scene, others = _set_up(plan, record, say, stack)
        try:
            _Director(plan, scene, say).run()
        except NotBack as error:
            record.violation(str(error))
            say(scene.subject.said())
        for each in others:
            each.finish()
        scene.crowd.stop()
        for each in others:
            each.join(plan.patience_s)
            if each.is_alive():
                record.violation(f"{each.who}: still waits for an answer")
        scene.prober.close()
        _end(scene, say)
    return record


def _set_up(
    plan: Plan, record: Record, say: Callable[[str], None], stack: ExitStack
) -> tuple[Scene, list]:
    draw = random.Random(plan.seed)
    scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
    began = time.monotonic()
    has = plan.torch and has_torch()
    wardrobe = fill(
        scratch / "wardrobe",
        seed=plan.seed,
        versions=plan.versions,
        questions=plan.questions,
        torch=has,
    )
    store = scratch / "store"
    standing = []
    for outfits in wardrobe.outfits.values():
        standing += [hang(piece, store).manifest.label for piece in outfits[0]]
    disk = stack.enter_context(small_disk(scratch / "disk"))
    say(f"PyTorch's models: {'there' if has else 'left out'}; the disk runs full by: {disk.how}")
    subject = Subject(scratch, draw, plan.log)
    stack.callback(subject.kill_all)
    subject.start(
        [
            *("--models", str(store), "--default", BASE),
            *("--cache", str(CACHE_MIB), "--cache-file", str(disk.folder / "cache")),
            *("--log-file", str(disk.folder / "log"), "--log-level", "info"),
            *("--hang-seconds", str(harm.HANG_S)),
        ]
    )
    say(f"ready after {time.monotonic() - began:.1f} s on {subject.endpoint}")
    shelf, excuses = Shelf(wardrobe, standing, BASE), Excuses()
    judge = Judge(wardrobe, shelf, excuses, record)
    prober = Prober("the director", subject.endpoint, wardrobe, judge, plan.seed)
    ports = (subject.port, subject.control_port, subject.page_port, subject.metrics_port)
    bodies = _write_bodies(wardrobe, scratch / "bodies")
    crowd = Crowd(ports, bodies, random.Random(plan.seed + 1), record)
    others = askers(subject.endpoint, wardrobe, judge, random.Random(plan.seed + 2))
    scene = Scene(
        subject=subject,
        store=store,
        disk=disk,
        cache_file=disk.folder / "cache",
        scratch=scratch,
        wardrobe=wardrobe,
        shelf=shelf,
        excuses=excuses,
        record=record,
        prober=prober,
        crowd=crowd,
        draw=random.Random(plan.seed + 3),
        patience_s=plan.patience_s,
        worn=dict.fromkeys(wardrobe.outfits, 0),
    )
    stack.enter_context(_watched(scene))
    for each in others:
        each.start()
    crowd.start()
    return scene, others


class _Director:
    """Does harm after harm, and looks now and then, when it is calm, what the daemon uses."""

    def __init__(self, plan: Plan, scene: Scene, say: Callable[[str], None]) -> None:
        self._scene = scene
        self._say = say
        self._until = time.monotonic() + plan.seconds
        self._only = plan.only
        self._deck: list[Harm] = []
        self._harms = [
            each
            for each in HARMS
            for _ in range(each.weight)
            if each.can(scene)
            and not (plan.quick and each.takes_long)
            and (not plan.only or each.name in plan.only)
        ]
        if not self._harms:
            raise RuntimeError(f"none of these can be done here: {', '.join(plan.only)}")
        self._first: dict[str, Use] = {}

    def run(self) -> None:
        done = 0
        self._be_calm()
        left = {each.name for each in self._harms} if self._only else set()
        while time.monotonic() < self._until or left:
            chosen = self._next()
            left.discard(chosen.name)
            began = time.monotonic()
            self._scene.record.count("harm", chosen.name)
            chosen.work(self._scene)
            took = time.monotonic() - began
            self._say(f"{self._scene.record.clock()} {chosen.name}: over after {took:.1f} s")
            done += 1
            if done % _CALM_EVERY == 0:
                self._be_calm()
            time.sleep(self._scene.draw.uniform(*_PAUSE_S))
        self._be_calm()

    def _next(self) -> Harm:
        """From a shuffled deck, so that each comes before any comes again; if it may."""
        while True:
            if not self._deck:
                self._deck = self._scene.draw.sample(self._harms, len(self._harms))
            chosen = self._deck.pop()
            if chosen.may(self._scene):
                return chosen
            time.sleep(0.1)

    def _be_calm(self) -> None:
        """Send the rabble home, and hold what the daemon uses against what it used at first."""
        scene = self._scene
        scene.crowd.pause()
        scene.settle("a calm")
        time.sleep(_CALM_S)
        problem = scene.subject.shows(scene.patience_s)
        if problem:
            scene.record.violation(problem)
        for who, process in (
            ("daemon", scene.subject.daemon),
            ("supervisor", scene.subject.supervisor),
        ):
            with suppress(psutil.Error):
                if process is not None:
                    self._compare(who, use_of(process))
        scene.crowd.resume()

    def _compare(self, who: str, use: Use) -> None:
        record = self._scene.record
        self._say(f"{record.clock()} calm: the {who} uses {use}")
        for name, value in vars(use).items():
            record.sample(f"{name} of the {who} when it was calm", value)
        first = self._first.setdefault(who, use)
        for name, more in vars(_MOST_MORE).items():
            if getattr(use, name) > getattr(first, name) + more:
                record.violation(f"{name} of the {who} grow: {use}; at first it was {first}")


@contextmanager
def _watched(scene: Scene) -> Iterator[None]:
    """A thread sees whether a daemon ends that nobody ended."""
    over = threading.Event()

    def watch() -> None:
        known = scene.subject.daemon
        while not over.wait(_WATCH_S):
            since = time.monotonic() - 2 * _WATCH_S
            if known is not None and known.is_running() and _is_no_zombie(known):
                continue
            if known is not None and not scene.excuses.covers(DOWN, since) and not over.is_set():
                scene.record.violation(
                    "the daemon ended by itself; it said last:\n" + scene.subject.said(15)
                )
            known = scene.subject.daemon

    thread = threading.Thread(target=watch, name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _is_no_zombie(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _end(scene: Scene, say: Callable[[str], None]) -> None:
    gently = scene.draw.random() < 0.5
    with scene.excuses.span(DOWN):
        problem = scene.subject.stop(gently=gently)
    if problem:
        scene.record.violation(f"at the end: {problem}")
        say(scene.subject.said())
    for line in scene.subject.defects[:5]:
        scene.record.violation(f"its log tells of a defect: {line}")
    scene.record.sample("lines that it logged", scene.subject.lines)


def _write_bodies(wardrobe: Wardrobe, path: Path) -> Path:
    """Good requests for the rabble."""
    bodies = []
    for name, questions in wardrobe.questions.items():
        for number, question in enumerate(questions[:20]):
            message = {"v": 1, "op": "forecast", "id": number, "model": name, "tf": TF}
            message |= {"time": question.time, "symbol": "EURGBP", "ohlc": question.ohlc}
            bodies.append(msgpack.packb(message))
    path.write_bytes(msgpack.packb(bodies))
    return path
