"""Stores are looked after while the daemon serves: what settles in them is served."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from bridge.bundles import Bundle, open_bundle
from bridge.daemon.swaps.swap import Known, SwapError
from bridge.daemon.swaps.watch import Later, Looks, Watch, fingerprints
from bridge.wire.errors import Code
from tests.backends import graphs
from tests.daemon.peer import Connect, Peer, forecast, request
from tests.daemon.renewable import WINDOW, Renewable, put, renewable
from tests.daemon.swaps.conftest import Lock
from tests.waiting import PATIENCE_S, until

_POLL_S = 0.05


@pytest.fixture
def daemon(base: Bundle, store: Path) -> Iterator[Renewable]:
    since = fingerprints([store])
    later = Later(_POLL_S)
    with renewable(store) as running, Watch(running.swap, since, poll_s=_POLL_S, later=later):
        yield running


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Where bundles are made before they are copied into the store."""
    return tmp_path / "elsewhere"


def names(peer: Peer) -> list[str]:
    return [model["name"] for model in peer.ask(request("hello"))["models"]]


def answers(peer: Peer, bundle: Bundle) -> Callable[[], bool]:
    return lambda: peer.ask(forecast(WINDOW))["model"] == bundle.manifest.label


class TestServing:
    def test_a_bundle_dropped_into_a_store_is_served(
        self, daemon: Renewable, store: Path, elsewhere: Path, peer: Peer
    ) -> None:
        more = put(elsewhere, 1, graphs.manifest("more"))

        shutil.copytree(more.path, store / "more")

        until(lambda: names(peer) == ["base", "more"])

    def test_a_version_written_over_the_old_one_takes_over(
        self, daemon: Renewable, store: Path, peer: Peer
    ) -> None:
        until(answers(peer, put(store, 2)))
        until(answers(peer, put(store, 3)))

    def test_a_bundle_that_is_copied_slowly_is_served_when_it_is_whole(
        self,
        daemon: Renewable,
        store: Path,
        elsewhere: Path,
        peer: Peer,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        more = put(elsewhere, 1, graphs.manifest("more"))
        content = more.graph.read_bytes()
        (store / "more").mkdir()
        shutil.copy(more.path / "bundle.json", store / "more")

        with (store / "more" / "model.onnx").open("wb") as graph:
            for start in range(0, len(content), 1 + len(content) // 40):
                graph.write(content[start : start + 1 + len(content) // 40])
                graph.flush()
                time.sleep(_POLL_S / 2)

        until(lambda: "more" in names(peer))
        assert "refused" not in caplog.text

    def test_what_stays_broken_is_told_of_once(
        self, daemon: Renewable, store: Path, peer: Peer, caplog: pytest.LogCaptureFixture
    ) -> None:
        (store / "broken").mkdir()
        (store / "broken" / "bundle.json").write_text("{}")

        until(lambda: "refused: " in caplog.text)
        until(answers(peer, put(store, 2)))
        time.sleep(5 * _POLL_S)

        assert caplog.text.count("refused: ") == 1

    def test_what_is_locked_for_a_while_is_served_when_it_is_free(
        self,
        daemon: Renewable,
        store: Path,
        peer: Peer,
        locked: Lock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        locked(store / "base" / "model.onnx")
        newer = put(store / ".elsewhere", 2)
        shutil.copyfile(newer.graph, store / "base" / "model.onnx")
        shutil.copyfile(newer.path / "bundle.json", store / "base" / "bundle.json")
        until(lambda: "refused: " in caplog.text)
        time.sleep(5 * _POLL_S)

        locked(None)

        until(answers(peer, newer))
        assert caplog.text.count("refused: ") == 1

    def test_what_was_refused_and_is_put_there_again_is_tried_again(
        self, daemon: Renewable, store: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        for times in (1, 2):
            put(store, 2, model=graphs.never_finite())
            until(lambda times=times: caplog.text.count("refused: ") == times)

    def test_what_is_bad_for_good_is_not_tried_over_and_over(
        self, daemon: Renewable, store: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        put(store, 2, model=graphs.never_finite())
        until(lambda: "refused: " in caplog.text)
        rescan, looks = daemon.swap.rescan, []

        def counted(**arguments: Any) -> object:
            looks.append(arguments)
            return rescan(**arguments)

        daemon.swap.rescan = counted  # type: ignore[method-assign, assignment]
        time.sleep(10 * _POLL_S)
        assert looks == []

    def test_what_the_start_could_not_read_is_looked_at_again(
        self, base: Bundle, store: Path, connect: Connect
    ) -> None:
        with renewable(store, known=Known(broken=("bundle more: it is locked",))) as daemon:
            more = put(store, 1, graphs.manifest("more"))
            since = fingerprints([store])
            with Watch(daemon.swap, since, poll_s=_POLL_S, later=Later(_POLL_S)):
                until(lambda: more.manifest.name in names(connect(daemon.endpoint)))

    def test_a_folder_that_goes_takes_no_model_with_it(
        self, daemon: Renewable, base: Bundle, peer: Peer, caplog: pytest.LogCaptureFixture
    ) -> None:
        shutil.rmtree(base.path)

        until(lambda: "shows no models any more" in caplog.text)

        assert answers(peer, base)()

    def test_a_store_that_comes_later_is_looked_after(
        self, base: Bundle, store: Path, tmp_path: Path, connect: Connect
    ) -> None:
        drive = tmp_path / "drive"
        with renewable(store, drive) as daemon, Watch(daemon.swap, {}, poll_s=_POLL_S):
            peer = connect(daemon.endpoint)
            put(drive, 1, graphs.manifest("far"))
            until(lambda: names(peer) == ["base", "far"])

    def test_what_changed_while_the_start_loaded_is_not_missed(
        self, base: Bundle, store: Path, connect: Connect
    ) -> None:
        since = fingerprints([store])
        with renewable(store) as daemon:
            newer = put(store, 2)
            with Watch(daemon.swap, since, poll_s=_POLL_S):
                until(answers(connect(daemon.endpoint), newer))

    def test_a_defect_does_not_end_it(
        self, base: Bundle, store: Path, connect: Connect, caplog: pytest.LogCaptureFixture
    ) -> None:
        with renewable(store) as daemon:
            rescan, calls = daemon.swap.rescan, []

            def fail_once(**arguments: object) -> object:
                calls.append(arguments)
                if len(calls) == 1:
                    raise RuntimeError("a defect")
                return rescan()

            daemon.swap.rescan = fail_once  # type: ignore[method-assign, assignment]
            with Watch(daemon.swap, {}, poll_s=_POLL_S):
                until(lambda: "a defect" in caplog.text)
                until(answers(connect(daemon.endpoint), put(store, 2)))

    def test_what_a_defect_left_undone_is_done_later(
        self, base: Bundle, store: Path, connect: Connect
    ) -> None:
        with renewable(store) as daemon:
            since = fingerprints([store])
            newer = put(store, 2)
            rescan, failures = daemon.swap.rescan, [MemoryError(), OSError()]

            def fail_twice(**arguments: Any) -> object:
                if failures:
                    raise failures.pop()
                return rescan(**arguments)

            daemon.swap.rescan = fail_twice  # type: ignore[method-assign, assignment]
            with Watch(daemon.swap, since, poll_s=_POLL_S, later=Later(_POLL_S)):
                until(answers(connect(daemon.endpoint), newer))

    def test_what_a_defect_left_unread_is_read_later(
        self, base: Bundle, store: Path, connect: Connect
    ) -> None:
        failures = [MemoryError()]

        def verify(folder: Path) -> Bundle:
            if failures:
                raise failures.pop()
            return open_bundle(folder)

        with renewable(store) as daemon:
            watch = Watch(daemon.swap, {}, poll_s=_POLL_S, later=Later(_POLL_S))
            watch._looks = Looks(fingerprints([store]), verify)
            newer = put(store, 2)
            with watch:
                until(answers(connect(daemon.endpoint), newer))
        assert not failures

    def test_what_may_pass_does_not_wait_for_what_never_rests(
        self, daemon: Renewable, store: Path, peer: Peer, locked: Lock
    ) -> None:
        locked(store / "more" / "model.onnx")
        more = put(store / ".elsewhere", 1, graphs.manifest("more"))
        shutil.copytree(more.path, store / "more")
        until(lambda: daemon.swap.may_pass)
        over = Event()

        def change_all_day() -> None:
            (store / "moving").mkdir()
            while not over.wait(_POLL_S / 5):
                with (store / "moving" / "bundle.json").open("a") as manifest:
                    manifest.write(" ")

        moving = Thread(target=change_all_day)
        moving.start()
        try:
            until((store / "moving" / "bundle.json").exists)
            locked(None)
            until(lambda: "more" in names(peer))
        finally:
            over.set()
            moving.join()

    def test_a_stop_ends_it(self, base: Bundle, store: Path) -> None:
        with renewable(store) as daemon:

            def stopping(**_: object) -> object:
                raise SwapError(Code.DRAINING, "the daemon is stopping")

            daemon.swap.rescan = stopping  # type: ignore[method-assign, assignment]
            with Watch(daemon.swap, {}, poll_s=_POLL_S) as watch:
                watch._thread.join(PATIENCE_S)
                assert not watch._thread.is_alive()


class TestSettling:
    """When what changed has come to rest."""

    @pytest.fixture
    def folder(self, store: Path) -> Path:
        return put(store, 1).path

    def test_nothing_changed(self, store: Path, folder: Path) -> None:
        looks = Looks(fingerprints([store]))
        assert looks.settled(fingerprints([store])) is None

    def test_a_whole_bundle_is_at_rest_at_once(self, store: Path, folder: Path) -> None:
        assert Looks({}).settled(fingerprints([store])) == frozenset()

    def test_a_broken_one_when_it_looks_the_same_twice(self, store: Path, folder: Path) -> None:
        looks = Looks(fingerprints([store]))
        (folder / "model.onnx").write_bytes(b"half of")
        assert looks.settled(fingerprints([store])) is None
        (folder / "model.onnx").write_bytes(b"half of it")
        assert looks.settled(fingerprints([store])) is None

        assert looks.settled(fingerprints([store])) == frozenset()
        assert looks.settled(fingerprints([store])) is None

    def test_one_that_is_gone_when_it_stays_so(self, store: Path, folder: Path) -> None:
        """While a bundle is exchanged for another, there is none for a moment."""
        looks = Looks(fingerprints([store]))
        assert looks.settled({}) is None

        assert looks.settled({}) == frozenset()

    def test_others_wait_for_one_in_motion_but_not_for_ever(
        self, store: Path, folder: Path
    ) -> None:
        looks = Looks({})
        (store / "moving").mkdir()
        settled, size = None, 0
        while settled is None:
            size += 1
            (store / "moving" / "bundle.json").write_text(" " * size)
            settled = looks.settled(fingerprints([store]))

        assert settled == {store / "moving"}
        assert size > 10

    def test_a_file_beside_a_bundle_may_change_all_day(self, store: Path, folder: Path) -> None:
        looks = Looks({})
        looks.settled(fingerprints([store]))
        for size in range(3):
            (folder / "notes.txt").write_text(" " * size)
            assert looks.settled(fingerprints([store])) is None

    def test_one_that_is_written_again_has_changed_though_its_content_has_not(
        self, store: Path, folder: Path
    ) -> None:
        looks = Looks({})
        for _ in range(2):
            assert looks.settled(fingerprints([store])) == frozenset()
            put(store, 1)

    def test_what_is_copied_is_not_read_over_and_over(self, store: Path, folder: Path) -> None:
        read: list[Path] = []

        def verify(bundle: Path) -> Bundle:
            read.append(bundle)
            return open_bundle(bundle)

        looks = Looks({}, verify)
        content = (folder / "model.onnx").read_bytes()
        for size in range(1, 9):
            (folder / "model.onnx").write_bytes(content[:size])
            assert looks.settled(fingerprints([store])) is None
        (folder / "model.onnx").write_bytes(content)
        assert looks.settled(fingerprints([store])) is None

        assert looks.settled(fingerprints([store])) == frozenset()
        assert read == [folder] * 2

    def test_drafts_and_other_folders_are_no_bundles(self, store: Path, folder: Path) -> None:
        (store / ".draft").mkdir()
        (store / ".draft" / "bundle.json").write_text("{}")
        (store / "notes").mkdir()
        (store / "README.md").write_text("notes")

        assert fingerprints([store, store / "nowhere"]).keys() == {folder}

    def test_a_manifest_of_the_same_size_and_another_time_is_another(
        self, store: Path, folder: Path
    ) -> None:
        looks = Looks(fingerprints([store]))
        os.utime(folder / "bundle.json", (1, 1))
        assert looks.settled(fingerprints([store])) == frozenset()


class TestLater:
    """When to look again."""

    def test_it_is_soon_at_first_then_more_and_more_seldom(self) -> None:
        now = [0.0]
        later = Later(5.0, 30.0, clock=lambda: now[0])
        waited = []
        for _ in range(5):
            later.put_off()
            since = now[0]
            while not later.is_now:
                now[0] += 1.0
            waited.append(now[0] - since)

        assert waited == [5.0, 10.0, 20.0, 30.0, 30.0]

    def test_a_change_makes_it_soon_again(self) -> None:
        now = [0.0]
        later = Later(5.0, clock=lambda: now[0])
        for _ in range(4):
            later.put_off()
        later.begin_anew()
        later.put_off()
        now[0] = 5.0
        assert later.is_now
