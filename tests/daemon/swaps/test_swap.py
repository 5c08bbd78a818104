"""Models that come, go and change places while the daemon serves, over real sockets."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from bridge.bundles import Bundle
from bridge.daemon.lanes.lane import Lane, LaneOptions
from bridge.daemon.start import ServeOptions, lane_opener
from bridge.daemon.swaps.swap import SwapError
from bridge.wire.errors import Code
from tests.backends import graphs
from tests.daemon.backends import Held
from tests.daemon.peer import Connect, Peer, batch, bits, close_item, forecast, refused, request
from tests.daemon.renewable import REALLY_TRIED, Renewable, put, renewable

WINDOW = close_item(np.ones(4))
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


@pytest.fixture
def base(store: Path) -> Bundle:
    return put(store, 1)


@pytest.fixture
def daemon(base: Bundle, store: Path) -> Iterator[Renewable]:
    with renewable(store) as running:
        yield running


@pytest.fixture
def peer(daemon: Renewable, connect: Connect) -> Peer:
    return connect(daemon.endpoint)


def answered_by(peer: Peer, **fields: Any) -> str:
    label: str = peer.ask(forecast({**WINDOW, **fields}))["model"]
    return label


def served(peer: Peer) -> list[str]:
    return [f"{each['name']}@{each['version']}" for each in peer.ask(request("hello"))["models"]]


class TestComing:
    def test_a_new_bundle_answers(self, daemon: Renewable, store: Path, peer: Peer) -> None:
        refused(peer.ask(forecast(WINDOW, model="more")), "unknown_model")

        more = graphs.put(store, graphs.steady(), graphs.manifest("more"))
        report = daemon.swap.rescan()

        assert report.added == (more.manifest.label,)
        assert answered_by(peer, model="more") == more.manifest.label

    def test_a_specialist_answers_for_its_symbol_until_it_goes(
        self, daemon: Renewable, base: Bundle, store: Path, peer: Peer
    ) -> None:
        labels = [answered_by(peer, symbol="EURGBP")]
        promised = graphs.specialist("gbp", base.manifest, ["EURGBP"])
        gbp = graphs.put(store, graphs.steady(), promised)
        daemon.swap.rescan()
        labels.append(answered_by(peer, symbol="EURGBP"))
        daemon.swap.remove("gbp")
        labels.append(answered_by(peer, symbol="EURGBP"))

        assert labels == [base.manifest.label, gbp.manifest.label, base.manifest.label]

    def test_nothing_new_changes_nothing(self, daemon: Renewable, peer: Peer) -> None:
        before = served(peer)

        report = daemon.swap.rescan()

        assert (report.added, report.replaced, report.refused, report.missing) == ((), {}, (), ())
        assert served(peer) == before

    def test_a_folder_that_no_bundle_can_be_read_from_is_told_of_once(
        self, daemon: Renewable, store: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (store / "broken").mkdir()
        (store / "broken" / "bundle.json").write_text("{}")

        assert "broken" in daemon.swap.rescan().refused[0]
        daemon.swap.rescan()

        assert caplog.text.count("refused: ") == 1
        assert [model for model, _ in daemon.swap.besides()] == [""]


class TestTakingOver:
    def test_a_new_version_takes_the_place_of_the_old_one(
        self, daemon: Renewable, base: Bundle, store: Path, peer: Peer
    ) -> None:
        newer = put(store, 2)

        report = daemon.swap.rescan()

        assert report.replaced == {base.manifest.label: newer.manifest.label}
        assert answered_by(peer) == answered_by(peer, model="base") == newer.manifest.label
        assert served(peer) == [newer.manifest.label]
        told = f"serving {newer.manifest.label} (default) in the place of {base.manifest.label}"
        assert daemon.recorded == [(told, False)]

    def test_whoever_goes_on_naming_the_old_version_is_told_what_replaced_it(
        self, daemon: Renewable, base: Bundle, store: Path, peer: Peer
    ) -> None:
        newer = put(store, 2)
        daemon.swap.rescan()

        reply = peer.ask(forecast(WINDOW, model=base.manifest.label))

        refused(reply, "unknown_model", f"{newer.manifest.label} took its place")

    def test_not_one_request_fails_while_versions_change(
        self, daemon: Renewable, base: Bundle, store: Path, connect: Connect
    ) -> None:
        versions = {base.manifest.label}
        wrong: list[object] = []
        seen: set[str] = set()
        over = threading.Event()

        def ask(number: int) -> None:
            peer = connect(daemon.endpoint)
            closes = graphs.window(2.0 + number)
            while not over.is_set():
                replies = peer.ask(batch([close_item(closes)] * 3))["items"]
                replies.append(peer.ask(forecast(close_item(closes))))
                for reply in replies:
                    expected = graphs.expected_quantiles(2.0 + number).tobytes()
                    if not reply["ok"] or bits(reply)[0] != expected:
                        wrong.append(reply)
                    seen.add(reply.get("model", ""))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        try:
            for number in range(2, 22):
                versions.add(put(store, number).manifest.label)
                assert len(daemon.swap.rescan().replaced) == 1
        finally:
            over.set()
            for thread in threads:
                thread.join()

        assert wrong == []
        assert len(seen) > 10
        assert seen <= versions

    def test_what_waits_for_the_old_version_is_answered_by_it(
        self, store: Path, connect: Connect
    ) -> None:
        old = put(store, 1)
        held = Held()

        def open_lane(bundle: Bundle) -> Lane:
            if bundle.manifest == old.manifest:
                return Lane(bundle, held, LaneOptions(workers=1))
            return lane_opener(ServeOptions([], ""), None)(bundle)

        with renewable(store, open_lane=open_lane) as daemon:
            daemon.service.lanes[0]._pace.leave_the_loop()
            first, *others = peers = [connect(daemon.endpoint) for _ in range(5)]
            first.send_message(forecast(WINDOW))
            assert held.asked.wait(60)
            for peer in others:
                peer.send_message(forecast(WINDOW))
            while len(daemon.service.lanes[0]) < len(others):
                pass
            new = put(store, 2)
            swapping = threading.Thread(target=daemon.swap.rescan)
            swapping.start()
            asking = connect(daemon.endpoint)
            while served(asking)[0] == old.manifest.label:
                pass
            assert answered_by(asking) == new.manifest.label
            held.let_go.set()
            swapping.join()

            replies = [peer.receive_message() for peer in peers]

        assert [reply["model"] for reply in replies] == [old.manifest.label] * len(peers)
        assert held.closed == 1

    def test_the_old_version_is_let_go_of(self, daemon: Renewable, store: Path, peer: Peer) -> None:
        lane = daemon.service.lanes[0]
        backend = weakref.ref(lane._backend)
        gone = weakref.ref(lane)
        del lane
        answered_by(peer)

        put(store, 2)
        daemon.swap.rescan()

        assert backend() is None  # by counting alone: what is frozen, no collector looks at
        assert gone() is None

    def test_no_file_of_a_bundle_is_held_open(
        self, daemon: Renewable, store: Path, peer: Peer
    ) -> None:
        put(store, 2)
        daemon.swap.rescan()
        answered_by(peer)

        opened = [Path(each.path) for each in psutil.Process().open_files()]

        assert not any(store in path.parents for path in opened)

    def test_a_model_of_the_same_name_may_read_otherwise(
        self, daemon: Renewable, store: Path, peer: Peer
    ) -> None:
        promised = graphs.manifest("base", inputs="ohlc")
        put(store, 2, promised, graphs.steady("ohlc"))

        daemon.swap.rescan()

        refused(peer.ask(forecast(WINDOW)), "bad_field", "expected `ohlc`")


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


class TestBeside:
    """Another version of a name in another folder."""

    def test_the_one_exported_last_is_meant_by_the_name(
        self, daemon: Renewable, base: Bundle, store: Path, peer: Peer
    ) -> None:
        newer = put(store, 2, folder="base-of-may")
        _made_at(base, 1000)
        _made_at(newer, 2000)

        daemon.swap.rescan()

        assert answered_by(peer, model="base") == answered_by(peer) == newer.manifest.label
        assert answered_by(peer, model=base.manifest.label) == base.manifest.label

    def test_an_older_one_is_served_to_those_that_name_it(
        self, daemon: Renewable, base: Bundle, store: Path, peer: Peer
    ) -> None:
        older = put(store, 2, folder="base-of-may")
        _made_at(base, 2000)
        _made_at(older, 1000)

        daemon.swap.rescan()

        assert answered_by(peer) == base.manifest.label
        assert answered_by(peer, model=older.manifest.label) == older.manifest.label

    def test_a_folder_that_was_renamed_goes_on_as_it_is(
        self, daemon: Renewable, base: Bundle, store: Path, peer: Peer
    ) -> None:
        base.path.rename(store / "base-of-april")
        newer = put(store, 2)
        _made_at(newer, (store / "base-of-april" / "bundle.json").stat().st_mtime + 10)

        report = daemon.swap.rescan()

        assert report.replaced == {}
        assert answered_by(peer) == newer.manifest.label
        assert answered_by(peer, model=base.manifest.label) == base.manifest.label

    def test_a_default_that_names_a_version_stays_that_model(
        self, base: Bundle, store: Path, connect: Connect
    ) -> None:
        with renewable(store, default=base.manifest.label) as daemon:
            newer = put(store, 2)

            report = daemon.swap.rescan()

            peer = connect(daemon.endpoint)
            assert report.missing == (base.manifest.label,)
            assert answered_by(peer) == base.manifest.label
            assert answered_by(peer, model="base") == newer.manifest.label


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


class TestSpecialists:
    """They stand on one version of their base."""

    @pytest.fixture
    def gbp(self, base: Bundle, store: Path) -> Bundle:
        return put(store, 1, graphs.specialist("gbp", base.manifest, ["EURGBP"]))

    def test_a_new_version_of_the_base_answers_their_symbols_itself(
        self, base: Bundle, gbp: Bundle, store: Path, connect: Connect, caplog: Any
    ) -> None:
        with renewable(store) as daemon:
            peer = connect(daemon.endpoint)
            assert answered_by(peer, symbol="EURGBP", model="base") == gbp.manifest.label
            newer = put(store, 2)

            daemon.swap.rescan()

            assert answered_by(peer, symbol="EURGBP", model="base") == newer.manifest.label
            assert answered_by(peer, symbol="EURGBP", model="gbp") == gbp.manifest.label
        assert f"{gbp.manifest.label} was tuned to answer for {base.manifest.label}" in caplog.text
        assert f"and {newer.manifest.label} serves in its place" in caplog.text

    def test_those_of_the_new_version_take_over_with_it_in_one_step(
        self, base: Bundle, gbp: Bundle, store: Path, connect: Connect
    ) -> None:
        with renewable(store) as daemon:
            over = threading.Event()
            seen: list[str] = []

            def ask() -> None:
                peer = connect(daemon.endpoint)
                while not over.is_set():
                    seen.append(answered_by(peer, symbol="EURGBP", model="base"))

            thread = threading.Thread(target=ask)
            thread.start()
            try:
                newer = put(store, 2)
                promised = graphs.specialist("gbp", newer.manifest, ["EURGBP"])
                newer_gbp = put(store, 2, promised)
                while not seen:
                    pass
                daemon.swap.rescan()
                count = len(seen)
                while len(seen) < count + 10:
                    pass
            finally:
                over.set()
                thread.join()

            assert set(seen) == {gbp.manifest.label, newer_gbp.manifest.label}


class TestStopping:
    def test_a_change_that_comes_after_the_end_is_refused_and_what_it_loaded_closed(
        self, base: Bundle, store: Path
    ) -> None:
        with renewable(store) as daemon:
            pass
        put(store, 2)

        with pytest.raises(SwapError, match="the daemon is stopping"):
            daemon.swap.rescan()

    def test_a_change_that_fails_leaves_the_daemon_serving(
        self, daemon: Renewable, peer: Peer
    ) -> None:
        with pytest.raises(ZeroDivisionError):
            daemon.server.change(lambda: 1 // 0).result()

        assert answered_by(peer)


def _made_at(bundle: Bundle, seconds: float) -> None:
    with suppress(FileNotFoundError):
        os.utime(bundle.path / "bundle.json", (seconds, seconds))
