"""Making books: the daemon's own bits for every bar, whole or not at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from bridge.bars import Bars
from bridge.book import BookError, make_book, making, read_book
from bridge.bundles import Bundle, find_bundle, shipped_store
from bridge.client import Client
from bridge.synthetic import random_walk_bars
from tests.backends import graphs
from tests.conftest import Daemon


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many batches and blocks out of few bars."""
    monkeypatch.setattr(making, "_BATCH", 3)
    monkeypatch.setattr(making, "_BLOCK", 7)


@pytest.fixture
def shipped() -> Bundle:
    return find_bundle("fx-h1", [shipped_store()])


def test_a_book_holds_what_the_daemon_answers_bit_for_bit(
    tmp_path: Path, daemon: Daemon, bars: Bars, shipped: Bundle
) -> None:
    history = bars[-400:]

    book = read_book(make_book(shipped, history, tmp_path / "fx.book").path)

    with Client(daemon.endpoint) as client:
        answers = client.forecast_batch([history[:stop] for stop in range(128, 401)])
    assert len(book) == len(answers) == 273
    for stop, answer in enumerate(answers, start=128):
        entry = book.find(int(history.time[stop - 1]))
        assert entry.quantiles.tobytes() == answer.quantiles.tobytes()
        assert entry.up.tobytes() == answer.up.tobytes()


def test_it_does_not_matter_into_what_pieces_the_work_falls(
    tmp_path: Path, bars: Bars, shipped: Bundle, request: pytest.FixtureRequest
) -> None:
    at_once = make_book(shipped, bars[:200], tmp_path / "a.book").path.read_bytes()
    request.getfixturevalue("small_pieces")

    in_pieces = make_book(shipped, bars[:200], tmp_path / "b.book").path.read_bytes()

    assert in_pieces == at_once


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize(
    ("model", "inputs"), [(graphs.steady, "ohlc"), (graphs.one_at_a_time, "close")]
)
def test_models_of_every_kind_fill_a_book(
    tmp_path: Path, model: Callable[..., onnx.ModelProto], inputs: str
) -> None:
    graph = model(inputs) if inputs == "ohlc" else model()
    bundle = graphs.put(tmp_path / "store", graph, graphs.manifest("odd", inputs=inputs))
    walk = random_walk_bars(50, 3600, seed=2)

    book = read_book(make_book(bundle, walk, tmp_path / "walk.book").path)

    assert book.info.columns == (4 if inputs == "ohlc" else 1)
    assert len(book) == 47
    for row in range(3, 50):
        np.testing.assert_array_equal(
            book.find(int(walk.time[row])).quantiles,
            graphs.expected_quantiles(float(walk.close[row])),
        )


def test_a_model_of_any_timeframe_takes_the_bars_as_they_are(tmp_path: Path) -> None:
    bundle = graphs.put(tmp_path / "store", graphs.steady(), graphs.manifest("any", tf=0))

    made = make_book(bundle, random_walk_bars(10, 900, seed=0), tmp_path / "walk.book")

    assert read_book(made.path).info.tf == 900


def test_only_bars_between_the_days_are_forecast_from_both_included(
    tmp_path: Path, bundle: Bundle
) -> None:
    walk = random_walk_bars(200, 3600, seed=3)
    first = date(1970, 1, 1).toordinal() + int(walk.time[100]) // 86_400
    since, until = date.fromordinal(first), date.fromordinal(first + 1)

    book = read_book(make_book(bundle, walk, tmp_path / "days.book", since=since, until=until).path)

    assert len(book) == 48
    assert book.time[0] == int(walk.time[100]) // 86_400 * 86_400
    assert book.time[-1] == book.time[0] + 47 * 3600


def test_days_without_bars_are_said_with_those_there_are(
    tmp_path: Path, bundle: Bundle, walk: Bars
) -> None:
    with pytest.raises(BookError, match=r"no bar between these days: the bars run from 2020-"):
        make_book(bundle, walk, tmp_path / "none.book", since=date(2024, 1, 1))


def test_days_with_too_few_bars_before_them_are_told_apart_from_days_without_any(
    tmp_path: Path, bundle: Bundle
) -> None:
    begun = random_walk_bars(48, 3600, seed=1)[21:]  # 3 bars of the first day; a window takes 4
    day = date(1970, 1, 1) + timedelta(seconds=int(begun.time[0]))

    with pytest.raises(BookError, match="no bar between these days has 4 bars up to it"):
        make_book(bundle, begun, tmp_path / "none.book", until=day)


def test_a_bar_that_may_still_be_forming_is_not_forecast_from(
    tmp_path: Path, bundle: Bundle, walk: Bars
) -> None:
    now = int(time.time()) // 3600 * 3600
    fresh = replace(walk, time=walk.time + (now - int(walk.time[-1])))

    book = read_book(make_book(bundle, fresh, tmp_path / "fresh.book").path)

    assert book.time[-1] == fresh.time[-2]


def test_another_timeframe_is_refused_with_both(tmp_path: Path, bundle: Bundle) -> None:
    quarters = random_walk_bars(20, 900, seed=0)

    with pytest.raises(BookError, match="steady was trained on H1 bars and these are M15"):
        make_book(bundle, quarters, tmp_path / "walk.book")


def test_a_history_shorter_than_a_window_is_refused_with_both_numbers(
    tmp_path: Path, bundle: Bundle, walk: Bars
) -> None:
    with pytest.raises(BookError, match="there are 3 closed bars and steady reads 4"):
        make_book(bundle, walk[:3], tmp_path / "walk.book")


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("model", [graphs.nan_above, graphs.raising_above])
def test_a_window_without_an_answer_is_named_and_no_book_is_left(
    tmp_path: Path, model: Callable[[], onnx.ModelProto]
) -> None:
    bundle = graphs.put(tmp_path / "store", model(), graphs.manifest("failing"))
    walk = random_walk_bars(40, 3600, seed=0)
    walk.ohlc[30] = graphs.FAILS_ABOVE + 1

    with pytest.raises(BookError, match=r"failing@\w+ has no answer for the window that ends at"):
        make_book(bundle, walk, tmp_path / "walk.book")

    assert [each.name for each in tmp_path.iterdir()] == ["store"]


def test_windows_that_fail_only_together_are_asked_one_by_one(tmp_path: Path) -> None:
    bundle = graphs.put(tmp_path / "store", graphs.first_only_above(), graphs.manifest("shy"))
    walk = random_walk_bars(40, 3600, seed=0)
    walk.ohlc[30] = graphs.FAILS_ABOVE + 1

    book = read_book(make_book(bundle, walk, tmp_path / "walk.book").path)

    for row in (29, 30, 31):
        np.testing.assert_array_equal(
            book.find(int(walk.time[row])).quantiles,
            graphs.expected_quantiles(float(walk.close[row])),
        )


def test_a_book_that_cannot_be_made_leaves_the_one_before_it(
    tmp_path: Path, bundle: Bundle, walk: Bars, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_book(bundle, walk, tmp_path / "walk.book").path
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(making, "write_head", full)
    with pytest.raises(OSError, match="the disk is full"):
        make_book(bundle, walk, path)

    assert path.read_bytes() == before
    assert {each.name for each in tmp_path.iterdir()} == {"store", "walk.book"}


def test_a_disk_without_room_is_said_before_the_work(
    tmp_path: Path, bundle: Bundle, walk: Bars, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making.shutil, "disk_usage", lambda _: SimpleNamespace(free=100))

    with pytest.raises(BookError, match=r"the book needs 0\.0 GB and .* has 0\.0 GB free"):
        make_book(bundle, walk, tmp_path / "walk.book")


@pytest.mark.usefixtures("small_pieces")
def test_progress_is_told_to_its_end(tmp_path: Path, bundle: Bundle, walk: Bars) -> None:
    steps: list[tuple[int, int]] = []

    made = make_book(
        bundle, walk, tmp_path / "w.book", on_progress=lambda *step: steps.append(step)
    )

    assert steps == [(7, 9), (9, 9)]
    assert (made.forecasts, made.bars) == (9, 12)
    assert made.bytes == made.path.stat().st_size


def test_answers_wait_for_the_disk_in_small_number_and_come_in_order() -> None:
    """However long the history, only some blocks of it are held."""
    made, lock = [], threading.Lock()

    def answer(rows: range) -> np.ndarray:
        with lock:
            made.append(rows)
        return np.array([[float(row)] for row in rows])

    most_ahead, seen = 0, []
    for count, block in enumerate(making._in_order(answer, range(10, 100_010)), start=1):
        most_ahead = max(most_ahead, len(made) - count)
        seen.append(block)

    assert np.concatenate(seen)[:, 0].tolist() == list(range(10, 100_010))
    assert most_ahead <= making._BLOCKS_AHEAD * (making.os.cpu_count() or 1)
