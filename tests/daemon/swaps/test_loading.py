"""From bundles to lanes: tried, opened and warm, or refused with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.backends import BackendError
from bridge.backends.base import BackendDied
from bridge.backends.trial import Trial, TrialError
from bridge.bundles import Bundle, open_bundle
from bridge.daemon.lanes.lane import Lane
from bridge.daemon.start import ServeOptions, lane_opener
from bridge.daemon.swaps.loading import Loader
from tests.backends import graphs
from tests.daemon.renewable import put
from tests.daemon.swaps.conftest import Lock


class Trials:
    """Tries nothing, and notes what it was asked to."""

    def __init__(self, refused: str | None = None) -> None:
        self.asked: list[list[str]] = []
        self._refused = refused

    def __call__(self, folders: Sequence[Path]) -> dict[Path, Trial]:
        self.asked.append([folder.name for folder in folders])
        return {
            folder: Trial(open_bundle(folder).manifest.version, self._refused, 1.0, 0)
            for folder in folders
        }


def open_lane(bundle: Bundle) -> Lane:
    return lane_opener(ServeOptions([], "tcp://127.0.0.1:*"), None)(bundle)


def test_what_is_whole_and_good_becomes_a_lane(store: Path) -> None:
    a, b = put(store, 1, graphs.manifest("a")), put(store, 1, graphs.manifest("b"))

    loaded = Loader(open_lane)([a, b])

    assert [lane.label for lane in loaded.lanes] == [a.manifest.label, b.manifest.label]
    assert loaded.refused == {}


def test_what_fails_in_its_trial_is_not_opened(store: Path) -> None:
    bad = put(store, 1, model=graphs.never_finite())

    loaded = Loader(pytest.fail)([bad])  # type: ignore[arg-type]

    assert loaded.lanes == ()
    assert "not finite" in loaded.refused[bad.manifest.label]


def test_what_changed_since_it_was_listed_is_refused(store: Path) -> None:
    listed = put(store, 1)
    put(store, 2)

    loaded = Loader(pytest.fail, Trials())([listed])  # type: ignore[arg-type]

    assert "changed" in loaded.refused[listed.manifest.label]


@pytest.mark.parametrize(
    ("error", "may_pass"),
    [
        (BackendError("it is worn"), False),
        (BackendDied("its process was ended"), True),
        (MemoryError(), True),
        (OSError("the drive is gone"), True),
    ],
)
def test_what_cannot_be_opened_is_refused_and_the_others_are_not(
    store: Path, error: Exception, may_pass: bool
) -> None:
    bad, good = put(store, 1, graphs.manifest("a")), put(store, 1, graphs.manifest("b"))

    def open_some(bundle: Bundle) -> Lane:
        if bundle is bad:
            raise error
        return open_lane(bundle)

    loaded = Loader(open_some, Trials())([bad, good])

    assert [lane.label for lane in loaded.lanes] == [good.manifest.label]
    reason = loaded.refused[bad.manifest.label]
    assert reason.startswith(f"bundle {bad.path}: ")
    assert (str(error) or "MemoryError") in reason
    assert loaded.passing == ({bad.manifest.label} if may_pass else set())


def test_what_is_locked_when_it_is_opened_may_be_loaded_later(store: Path, locked: Lock) -> None:
    bundle = put(store, 1)
    trials = Trials()

    def try_out(folders: Sequence[Path]) -> dict[Path, Trial]:
        tried = trials(folders)
        locked(bundle.graph)
        return tried

    loaded = Loader(open_lane, try_out)([bundle])

    assert "Permission denied" in loaded.refused[bundle.manifest.label]
    assert loaded.passing == {bundle.manifest.label}


def test_a_defect_closes_what_was_opened(store: Path) -> None:
    a, b = put(store, 1, graphs.manifest("a")), put(store, 1, graphs.manifest("b"))
    opened: list[Lane] = []

    def open_one(bundle: Bundle) -> Lane:
        if opened:
            raise ZeroDivisionError
        opened.append(open_lane(bundle))
        return opened[0]

    with pytest.raises(ZeroDivisionError):
        Loader(open_one, Trials())([a, b])
    with pytest.raises(BackendError, match="closed"):
        opened[0].warm()


def test_a_graph_that_bore_its_trial_needs_no_second_one(store: Path) -> None:
    trials = Trials()
    load = Loader(open_lane, trials)

    load([put(store, 1)])
    load([put(store, 2)])  # the same graph, another recipe
    load([put(store, 3, graphs.manifest("base", levels=[0.1, 0.5, 0.8]))])  # promises otherwise
    load([put(store, 4, model=graphs.steady("ohlc"))])

    assert len(trials.asked) == 3


def test_one_that_did_not_is_tried_again(store: Path) -> None:
    trials = Trials("it explodes")
    load = Loader(pytest.fail, trials)  # type: ignore[arg-type]
    bundle = put(store, 1)

    for _ in range(2):
        load([bundle])

    assert len(trials.asked) == 2


def test_where_nothing_can_be_tried_it_is_said_and_loaded(
    store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(folders: Sequence[Path]) -> dict[Path, Trial]:
        raise TrialError("no process can be started")

    loaded = Loader(open_lane, fail)([put(store, 1)])

    assert len(loaded.lanes) == 1
    assert "no process can be started" in caplog.text
