"""Everything that is there while a daemon is tortured, and how one waits for it to recover."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bridge.control import Control, ControlError, NoDaemon
from tests.torture.askers import Prober
from tests.torture.crowd import Crowd
from tests.torture.disk import Disk
from tests.torture.excuses import DOWN, Excuses
from tests.torture.record import Record
from tests.torture.shelf import Shelf
from tests.torture.subject import Subject, wait_until_ready
from tests.torture.wardrobe import Wardrobe

_LOOK_S = 0.1


class NotBack(Exception):
    """The daemon, or a model, did not recover in time. Nothing after it would tell anything."""


@dataclass
class Scene:
    """One run's.

    Attributes:
        store: the folder that the daemon serves. worn: which outfit stands in it, by name.
        patience_s: how long recovery may take.
        restarts: when daemons were ended (`monotonic`). broken: when a model, or the process that
            runs PyTorch's (`worker`), was made to fail.
    """

    subject: Subject
    store: Path
    disk: Disk
    cache_file: Path
    scratch: Path
    wardrobe: Wardrobe
    shelf: Shelf
    excuses: Excuses
    record: Record
    prober: Prober
    crowd: Crowd
    draw: random.Random
    patience_s: float
    worn: dict[str, int]
    restarts: list[float] = field(default_factory=list)
    broken: dict[str, list[float]] = field(default_factory=lambda: {"worker": [], "model": []})

    def control(self) -> Control:
        return Control(self.subject.control_endpoint, timeout_s=20)

    def settle(self, after: str) -> None:
        """Wait until the daemon is ready and each of its models answers as it should.

        Raises:
            NotBack: it takes too long.
        """
        began = time.monotonic()
        problem = wait_until_ready(self.subject, self.patience_s)
        while not problem and (missing := self._missing()):
            if time.monotonic() - began > self.patience_s:
                problem = missing
            time.sleep(_LOOK_S)
        if problem:
            raise NotBack(f"after {after} it is not ready for {self.patience_s:g} s: {problem}")
        self.record.sample(f"seconds until it was ready after {after}", time.monotonic() - began)

    def order(self, carry_out: Callable[[Control], object]) -> None:
        """Give an order by the control socket, again where its few connections are all taken.

        Raises:
            NotBack: it cannot be given for too long.
        """
        until = time.monotonic() + self.patience_s
        while True:
            try:
                with self.control() as control:
                    carry_out(control)
                return
            except NoDaemon as error:
                if time.monotonic() > until:
                    raise NotBack(f"an order cannot be given: {error}") from error
            except ControlError as error:
                raise NotBack(f"an order was refused: {error}") from error
            time.sleep(_LOOK_S)

    def serves(self) -> set[str]:
        """The labels that the daemon says it serves; raises ControlError."""
        with self.control() as control:
            return {each.model.label for each in control.models().served}

    def wait_until_served(self, come: set[str], gone: set[str], after: str) -> None:
        """Wait until the daemon says that it serves these, and no longer those.

        Raises:
            NotBack: it takes too long.
        """
        until = time.monotonic() + self.patience_s
        while True:
            try:
                served = self.serves()
                problem = f"{sorted(come - served)} missing, {sorted(gone & served)} left"
                if come <= served and not gone & served:
                    return
            except ControlError as error:
                problem = str(error)
            if time.monotonic() > until:
                raise NotBack(f"after {after}: {problem}, for {self.patience_s:g} s")
            time.sleep(_LOOK_S)

    @contextmanager
    def ended(self, *kinds: str) -> Iterator[None]:
        """The daemon is ended in this block, which lasts until it is back."""
        with self.excuses.span(DOWN, *kinds):
            self.restarts.append(time.monotonic())
            yield

    def _missing(self) -> str:
        for label in sorted(self.shelf.sure):
            problem = self.prober.answers(label)
            if problem:
                return problem
        return ""
