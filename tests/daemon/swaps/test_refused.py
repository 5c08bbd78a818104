"""A version that fails on its way never takes over, and is tried again when that may help."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bridge.backends.trial import Trial
from bridge.bundles import Bundle, open_bundle
from bridge.daemon.lanes.lane import Lane
from bridge.daemon.start import ServeOptions, lane_opener
from tests.backends import graphs
from tests.daemon.peer import Connect, Peer
from tests.daemon.renewable import REALLY_TRIED, Renewable, answered_by, put, renewable, scaled
from tests.daemon.swaps.conftest import Lock

BAD = pytest.mark.parametrize(
    ("model", "reason"),
    [
        (b"no graph at all", "is not a readable graph"),
        (graphs.never_finite(), "not finite"),
        (graphs.blending(), "changes with the other windows of its batch"),
        (graphs.float32(), "comes as float32"),
    ],
    ids=["no graph", "not finite", "depends on the batch", "of the wrong type"],
)


class TestRefused:
    @BAD
    def test_a_version_that_fails_never_takes_over(
        self,
        daemon: Renewable,
        base: Bundle,
        store: Path,
        peer: Peer,
        caplog: pytest.LogCaptureFixture,
        model: Any,
        reason: str,
    ) -> None:
        put(store, 2, model=model)

        report = daemon.swap.rescan()

        assert report.replaced == {}
        assert reason in report.refused[0]
        assert answered_by(peer) == base.manifest.label
        (told,) = [each.message for each in caplog.records if each.levelno == logging.ERROR]
        assert reason in told
        assert told.endswith(f"; {base.manifest.label} serves on")
        assert [refused for _, refused in daemon.recorded] == [True]

    def test_it_is_told_of_once_and_not_tried_again(
        self, daemon: Renewable, store: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        put(store, 2, model=b"no graph at all")

        for _ in range(3):
            daemon.swap.rescan()

        assert caplog.text.count("not a readable graph") == 1

    @pytest.mark.parametrize("gone_meanwhile", [False, True])
    def test_put_there_again_it_is_tried_again(
        self,
        daemon: Renewable,
        store: Path,
        caplog: pytest.LogCaptureFixture,
        gone_meanwhile: bool,
    ) -> None:
        bad = put(store, 2, model=b"no graph at all")
        daemon.swap.rescan()
        if gone_meanwhile:
            put(store, 1)
            daemon.swap.rescan()

        again = put(store, 2, model=b"no graph at all")
        daemon.swap.rescan()

        assert again.manifest.label == bad.manifest.label
        assert caplog.text.count("not a readable graph") == 2

    def test_by_order_it_is_tried_again(
        self, daemon: Renewable, store: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        put(store, 2, model=b"no graph at all")
        daemon.swap.rescan()

        daemon.swap.rescan(again=True)

        assert caplog.text.count("not a readable graph") == 2

    def test_what_fails_in_a_process_of_its_own_is_not_loaded(
        self, base: Bundle, store: Path, connect: Connect
    ) -> None:
        with renewable(store, try_out=REALLY_TRIED) as daemon:
            bad = put(store, 2, model=graphs.never_finite())
            good = graphs.put(store, graphs.steady(), graphs.manifest("good"))

            report = daemon.swap.rescan()

            assert report.added == (good.manifest.label,)
            assert "not finite" in report.refused[0]
            assert dict(daemon.swap.besides()).keys() == {bad.manifest.label}
            assert answered_by(connect(daemon.endpoint)) == base.manifest.label

    def test_a_damaged_folder_leaves_what_was_loaded_from_it(
        self, daemon: Renewable, base: Bundle, store: Path, peer: Peer
    ) -> None:
        base.graph.write_bytes(b"damaged")

        report = daemon.swap.rescan()

        assert "is not the file that was exported" in report.refused[0]
        assert answered_by(peer) == base.manifest.label


class Crowded:
    """A machine whose memory is short until it is not: models cannot be opened, or not be tried."""

    def __init__(self) -> None:
        self.is_short = False

    def open_lane(self, bundle: Bundle) -> Lane:
        if self.is_short:
            raise MemoryError
        return lane_opener(ServeOptions([], ""), None)(bundle)

    def try_out(self, folders: Sequence[Path]) -> dict[Path, Trial]:
        why = "its graph took too much memory" if self.is_short else None
        return {
            folder: Trial(open_bundle(folder).manifest.version, why, 1.0, 0, may_pass=True)
            for folder in folders
        }


class TestForReasonsThatMayPass:
    @pytest.mark.parametrize("how", ["open_lane", "try_out"])
    def test_it_is_tried_again_and_told_of_once(
        self, base: Bundle, store: Path, caplog: pytest.LogCaptureFixture, how: str
    ) -> None:
        crowded = Crowded()
        hooks: dict[str, Any] = {how: getattr(crowded, how)}
        with renewable(store, **hooks) as daemon:
            crowded.is_short = True
            newer = put(store, 2, model=scaled(2))
            for _ in range(3):
                assert len(daemon.swap.rescan().refused) == 1
                assert daemon.swap.may_pass
            crowded.is_short = False
            report = daemon.swap.rescan()

        assert report.replaced == {base.manifest.label: newer.manifest.label}
        assert not daemon.swap.may_pass
        assert caplog.text.count("refused: ") == 1
        assert len(daemon.recorded) == 2

    def test_what_does_not_pass_in_the_end_is_told(
        self, base: Bundle, store: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        outcomes = [
            Trial("", "memory is short", may_pass=True),
            Trial("", "memory is short", may_pass=True),
            Trial("", "it never answers"),
        ]

        def try_out(folders: Sequence[Path]) -> dict[Path, Trial]:
            if "2" not in [folder.name for folder in folders]:
                return {each: Trial(open_bundle(each).manifest.version, None) for each in folders}
            return {folder: outcomes.pop(0) for folder in folders}

        with renewable(store, try_out=try_out) as daemon:
            put(store, 2, folder="2", model=scaled(2))
            for _ in range(4):
                daemon.swap.rescan()

        assert outcomes == []
        assert caplog.text.count("memory is short") == 1
        assert caplog.text.count("it never answers") == 1

    def test_a_locked_file_may_be_free_later(
        self, daemon: Renewable, base: Bundle, store: Path, locked: Lock
    ) -> None:
        locked(put(store, 2).graph)

        assert "Permission denied" in daemon.swap.rescan().refused[0]
        assert daemon.swap.may_pass

    def test_a_bad_graph_stays_bad(self, daemon: Renewable, store: Path) -> None:
        put(store, 2, model=graphs.never_finite())
        graphs.put(store, graphs.steady(), graphs.manifest("gone")).graph.unlink()

        assert len(daemon.swap.rescan().refused) == 2
        assert not daemon.swap.may_pass
