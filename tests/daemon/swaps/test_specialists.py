"""Specialists stand on one version of their base, and take over with it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from bridge.bundles import Bundle
from tests.backends import graphs
from tests.daemon.peer import Connect
from tests.daemon.renewable import answered_by, put, renewable
from tests.waiting import until


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

    def test_one_that_nobody_asks_is_told_of_once(
        self, base: Bundle, gbp: Bundle, store: Path, connect: Connect, caplog: Any
    ) -> None:
        with renewable(store) as daemon:
            put(store, 2)
            for name in ("more", "others"):
                daemon.swap.rescan()
                put(store, 1, graphs.manifest(name))
            daemon.swap.rescan()
            daemon.swap.remove("more")

        assert caplog.text.count(f"{gbp.manifest.label} was tuned to answer for") == 1

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
                until(lambda: seen)
                daemon.swap.rescan()
                count = len(seen)
                until(lambda: len(seen) > count + 10)
            finally:
                over.set()
                thread.join()

            assert set(seen) == {gbp.manifest.label, newer_gbp.manifest.label}
