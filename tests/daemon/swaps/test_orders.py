"""What goes, by order or with its folder, and what is meant where no model is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bridge.bundles import Bundle
from bridge.daemon.swaps.swap import SwapError
from bridge.wire.errors import Code
from tests.backends import graphs
from tests.daemon.peer import Connect, Peer, forecast, refused
from tests.daemon.renewable import WINDOW, Renewable, answered_by, put, renewable


class TestGoing:
    def test_a_model_whose_folder_is_gone_is_served_on_and_told_of_once(
        self,
        daemon: Renewable,
        base: Bundle,
        peer: Peer,
        store: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        put(store, 1, graphs.manifest("more"))
        daemon.swap.rescan()
        shutil.rmtree(base.path)

        reports = [daemon.swap.rescan() for _ in range(2)]

        assert [report.missing for report in reports] == [(base.manifest.label,)] * 2
        assert answered_by(peer) == base.manifest.label
        assert caplog.text.count("stands in no store any more") == 1

    def test_a_drive_that_is_gone_takes_no_model_with_it(
        self, store: Path, tmp_path: Path, connect: Connect, caplog: pytest.LogCaptureFixture
    ) -> None:
        drive = tmp_path / "drive"
        far = put(drive, 1)
        put(store, 2)
        with renewable(drive, store) as daemon:
            drive.rename(tmp_path / "elsewhere")
            daemon.swap.rescan()
            drive.mkdir()  # where it was mounted
            daemon.swap.rescan()

            assert answered_by(connect(daemon.endpoint)) == far.manifest.label
        assert caplog.text.count(f"{drive} shows no models any more") == 1
        assert "stands in no store" not in caplog.text

    def test_what_arrives_takes_the_name_of_what_is_gone(
        self, daemon: Renewable, base: Bundle, store: Path, peer: Peer
    ) -> None:
        shutil.rmtree(base.path)
        newer = put(store, 2, folder="base-of-may")

        daemon.swap.rescan()

        assert answered_by(peer) == newer.manifest.label
        assert answered_by(peer, model=base.manifest.label) == base.manifest.label

    def test_a_model_is_removed_by_order_until_a_reload_by_order(
        self, daemon: Renewable, store: Path, peer: Peer
    ) -> None:
        more = graphs.put(store, graphs.steady(), graphs.manifest("more"))
        daemon.swap.rescan()

        assert daemon.swap.remove("more") == more.manifest.label
        daemon.swap.rescan()
        refused(peer.ask(forecast(WINDOW, model="more")), "unknown_model")
        assert dict(daemon.swap.besides())[more.manifest.label].startswith("removed by order")
        daemon.swap.rescan(again=True)

        assert answered_by(peer, model="more") == more.manifest.label

    def test_the_model_that_unnamed_requests_mean_cannot_go(
        self, daemon: Renewable, base: Bundle, peer: Peer, store: Path
    ) -> None:
        graphs.put(store, graphs.steady(), graphs.manifest("more"))
        daemon.swap.rescan()

        with pytest.raises(SwapError, match="is to answer requests that name no model"):
            daemon.swap.remove("base")

        assert answered_by(peer) == base.manifest.label

    def test_of_several_versions_it_must_be_said_which_goes(
        self, daemon: Renewable, base: Bundle, store: Path, peer: Peer
    ) -> None:
        other = put(store, 2, folder="base-of-may")
        daemon.swap.rescan()
        with pytest.raises(SwapError, match="'base' has 2 versions here"):
            daemon.swap.remove("base")

        daemon.swap.remove(other.manifest.label)

        assert answered_by(peer) == base.manifest.label

    def test_a_model_that_is_not_there_cannot_go(self, daemon: Renewable, base: Bundle) -> None:
        known = f"no model 'gold@1': this daemon has {base.manifest.label}"
        with pytest.raises(SwapError, match=known):
            daemon.swap.remove("gold@1")


class TestDefault:
    def test_it_is_changed_by_order_and_the_supervisor_told(
        self, daemon: Renewable, store: Path, peer: Peer
    ) -> None:
        more = graphs.put(store, graphs.steady(), graphs.manifest("more"))
        daemon.swap.rescan()

        assert daemon.swap.set_default("more") == more.manifest.label

        assert answered_by(peer) == more.manifest.label
        assert daemon.defaults == ["more"]

    def test_it_follows_the_name_to_another_version(
        self, daemon: Renewable, store: Path, peer: Peer
    ) -> None:
        daemon.swap.set_default("base")
        newer = put(store, 2)
        daemon.swap.rescan()

        assert answered_by(peer) == newer.manifest.label

    def test_a_model_that_is_not_there_cannot_be_it(self, daemon: Renewable, peer: Peer) -> None:
        with pytest.raises(SwapError) as caught:
            daemon.swap.set_default("gold")

        assert caught.value.code is Code.UNKNOWN_MODEL
        assert daemon.defaults == []
