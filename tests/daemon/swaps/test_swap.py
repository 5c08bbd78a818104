"""New models and new versions take over while the daemon serves, over real sockets."""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from bridge.bundles import Bundle
from bridge.daemon.lanes.lane import Lane, LaneOptions
from bridge.daemon.start import ServeOptions, lane_opener
from bridge.daemon.swaps.swap import SwapError
from tests.backends import graphs
from tests.daemon.backends import Held
from tests.daemon.peer import Connect, Peer, batch, bits, close_item, forecast, refused
from tests.daemon.renewable import WINDOW, Renewable, answered_by, put, renewable, scaled, served
from tests.waiting import until


def expected(last_close: float, factor: int) -> bytes:
    """The quantiles that `scaled(factor)` gives."""
    quantiles: bytes = (last_close * (factor * graphs.FACTORS)).tobytes()
    return quantiles


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

    def test_not_one_request_fails_while_versions_change_and_each_answer_names_its_own(
        self, daemon: Renewable, base: Bundle, store: Path, connect: Connect
    ) -> None:
        factors = {base.manifest.label: 1}
        answers: list[tuple[int, dict[str, Any]]] = []
        over = threading.Event()

        def ask(number: int) -> None:
            peer = connect(daemon.endpoint)
            closes = graphs.window(2.0 + number)
            while not over.is_set():
                replies = peer.ask(batch([close_item(closes)] * 3))["items"]
                replies.append(peer.ask(forecast(close_item(closes))))
                answers.extend((number, reply) for reply in replies)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        try:
            for number in range(2, 22):
                factors[put(store, number, model=scaled(number)).manifest.label] = number
                assert len(daemon.swap.rescan().replaced) == 1
        finally:
            over.set()
            for thread in threads:
                thread.join()

        for number, reply in answers:
            assert bits(reply)[0] == expected(2.0 + number, factors[reply["model"]])
        assert len({reply["model"] for _, reply in answers}) > 10

    def test_a_batch_that_two_versions_answer_names_for_each_item_the_one_that_did(
        self, daemon: Renewable, base: Bundle, store: Path, peer: Peer
    ) -> None:
        newer = put(store, 2, model=scaled(2))
        sent, swapping = threading.Event(), threading.Thread(target=daemon.swap.rescan)

        def begin_to_read() -> None:
            sent.wait()
            while not daemon.service._forecasting.is_reading:
                daemon.server._turn(wait=True)

        daemon.server.change(begin_to_read)
        swapping.start()
        until(lambda: daemon.server._changes)  # the exchange comes after what the loop does now
        peer.send_message(batch([close_item(graphs.window(3.0))] * 1024))
        sent.set()

        answers = peer.receive_message()["items"]
        swapping.join()

        factors = {base.manifest.label: 1, newer.manifest.label: 2}
        assert {reply["model"] for reply in answers} == factors.keys()
        for reply in answers:
            assert bits(reply)[0] == expected(3.0, factors[reply["model"]])

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
            until(lambda: len(daemon.service.lanes[0]) == len(others))
            new = put(store, 2)
            swapping = threading.Thread(target=daemon.swap.rescan)
            swapping.start()
            asking = connect(daemon.endpoint)
            until(lambda: served(asking) == [new.manifest.label])
            assert answered_by(asking) == new.manifest.label
            held.let_go.set()
            swapping.join()

            replies = [peer.receive_message() for peer in peers]

        assert [reply["model"] for reply in replies] == [old.manifest.label] * len(peers)
        assert held.closed == 1

    def test_the_old_version_is_let_go_of(self, daemon: Renewable, store: Path, peer: Peer) -> None:
        lane = daemon.service.lanes[0]
        backend = weakref.ref(lane._keeper.backend)
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
