"""The client and the real daemon: typed answers, typed refusals, and sharing between threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from bridge import Bars, Client, DaemonError, Forecast, Unreachable
from bridge.backends import open_backend
from bridge.bundles import Bundle
from bridge.client import ClientError
from bridge.wire.errors import Code
from tests.backends import graphs
from tests.conftest import Daemon, StartDaemon, shipped_model


@pytest.fixture
def client(daemon: Daemon) -> Iterator[Client]:
    """A client of the shared daemon, patient enough for a busy machine."""
    with Client(daemon.endpoint, timeout_ms=60_000) as client:
        yield client


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    """The bundle that answers for these bars where the shared daemon is asked by default."""
    return shipped_model("EURUSD")


def _small_bars(closes: list[float]) -> Bars:
    ohlc = np.repeat(np.array(closes)[:, np.newaxis], 4, axis=1)
    time = np.arange(len(closes), dtype=np.int64) * 3600
    return Bars("EURUSD", 3600, time, ohlc, np.zeros(len(closes)))


def test_a_forecast_is_typed(client: Client, bars: Bars, shipped: Bundle) -> None:
    forecast, manifest = client.forecast(bars), shipped.manifest
    assert isinstance(forecast, Forecast)
    assert forecast.model == manifest.label
    assert (forecast.symbol, forecast.tf, forecast.time) == (bars.symbol, 3600, bars.time[-1])
    assert (forecast.horizon, forecast.levels) == (manifest.horizon, manifest.levels)
    assert forecast.quantiles.shape == (manifest.horizon, len(manifest.levels))
    assert forecast.up.shape == (manifest.horizon,)
    assert forecast.cached is False
    assert 0 <= forecast.infer_us <= forecast.server_us


def test_a_forecast_has_the_models_bits(client: Client, bars: Bars, shipped: Bundle) -> None:
    window = bars.ohlc[-shipped.manifest.context :][np.newaxis]
    answer = open_backend(shipped).forecast(window, bars.time[-1:].astype(np.float64))
    forecast = client.forecast(bars)
    assert forecast.quantiles.tobytes() == answer.quantiles.tobytes()
    assert forecast.up.tobytes() == answer.up.tobytes()


def test_a_batch_is_answered_in_order(client: Client, bars: Bars) -> None:
    windows = [bars[: len(bars) - back] for back in (0, 7, 3)]
    forecasts = client.forecast_batch(windows)
    assert [forecast.time for forecast in forecasts if isinstance(forecast, Forecast)] == [
        window.time[-1] for window in windows
    ]


def test_a_batch_has_the_bits_of_its_windows_asked_alone(client: Client, bars: Bars) -> None:
    windows = [bars[: len(bars) - back] for back in range(5)]
    for forecast, window in zip(client.forecast_batch(windows), windows, strict=True):
        assert isinstance(forecast, Forecast)
        assert forecast.quantiles.tobytes() == client.forecast(window).quantiles.tobytes()


def test_a_refused_window_of_a_batch_is_an_error_in_its_place(client: Client, bars: Bars) -> None:
    first, short, last = client.forecast_batch([bars, bars[:5], bars])
    assert isinstance(first, Forecast)
    assert isinstance(short, DaemonError)
    assert short.code is Code.SHORT_WINDOW
    assert isinstance(last, Forecast)


def test_an_empty_batch_is_refused_by_the_daemon(client: Client) -> None:
    with pytest.raises(DaemonError, match="bad_field: `items` is empty"):
        client.forecast_batch([])


def test_a_batch_of_too_many_windows_is_refused_by_the_daemon(client: Client, bars: Bars) -> None:
    with pytest.raises(DaemonError, match="too_large: `items` has 1,025 maps"):
        client.forecast_batch([bars] * 1025)


def test_hello_is_typed(client: Client) -> None:
    shipped, hello = shipped_model(), client.hello()
    assert hello.server.startswith("eabridge ")
    assert hello.protocols == (1,)
    default = next(model for model in hello.models if model.default)
    assert default.label == shipped.manifest.label
    assert default.levels == shipped.manifest.levels
    assert default.symbols == shipped.manifest.symbols


def test_health_is_typed(client: Client) -> None:
    before, after = client.health(), client.health()
    assert after.status == "ready"
    assert after.requests > before.requests
    assert all(
        isinstance(count, int)
        for count in (after.uptime_s, after.errors, after.queued, after.p99_us)
    )


@pytest.mark.parametrize(
    ("change", "code", "phrase"),
    [
        (lambda bars: bars[:127], Code.SHORT_WINDOW, "127 bars"),
        (lambda bars: bars[:0], Code.SHORT_WINDOW, "0 bars"),
        (
            lambda bars: Bars("", 60, bars.time, bars.ohlc, bars.volume),
            Code.WRONG_TIMEFRAME,
            "M1",
        ),
        (
            lambda bars: Bars("", 3600, bars.time, bars.ohlc * np.nan, bars.volume),
            Code.BAD_VALUES,
            "nan",
        ),
        (
            lambda bars: Bars("E" * 33, 3600, bars.time, bars.ohlc, bars.volume),
            Code.BAD_FIELD,
            "`symbol`",
        ),
    ],
    ids=["too few bars", "no bars", "another timeframe", "NaN", "a long symbol"],
)
def test_a_refusal_is_a_daemon_error_with_code_and_message(
    client: Client,
    bars: Bars,
    change: Callable[[Bars], Bars],
    code: Code,
    phrase: str,
) -> None:
    with pytest.raises(DaemonError) as refusal:
        client.forecast(change(bars))
    assert refusal.value.code is code
    assert phrase in refusal.value.message
    assert str(refusal.value) == f"{code.value}: {refusal.value.message}"


def test_a_client_goes_on_after_a_refusal(client: Client, bars: Bars) -> None:
    with pytest.raises(DaemonError):
        client.forecast(bars[:5])
    assert client.forecast(bars).time == bars.time[-1]


def test_every_error_of_the_client_is_a_client_error() -> None:
    assert issubclass(DaemonError, ClientError)
    assert issubclass(Unreachable, ClientError)


def test_a_model_may_be_named(daemon: Daemon, bars: Bars, shipped: Bundle) -> None:
    exactly = shipped_model().manifest.label
    for model, label in (("fx-h1", shipped.manifest.label), (exactly, exactly)):
        with Client(daemon.endpoint, model=model, timeout_ms=60_000) as client:
            assert client.forecast(bars).model == label


def test_an_unknown_model_is_refused_with_those_there_are(
    daemon: Daemon, bars: Bars, shipped: Bundle
) -> None:
    with (
        Client(daemon.endpoint, model="unknown", timeout_ms=60_000) as client,
        pytest.raises(DaemonError) as refusal,
    ):
        client.forecast(bars)
    assert refusal.value.code is Code.UNKNOWN_MODEL
    assert shipped.manifest.label in refusal.value.message


def test_a_model_of_closes_is_answered_from_bars(start_daemon: StartDaemon, tmp_path: Path) -> None:
    graphs.put(tmp_path, graphs.steady(), graphs.manifest("closes"))
    daemon = start_daemon("--models", tmp_path)
    with Client(daemon.endpoint, timeout_ms=60_000) as client:
        forecast = client.forecast(_small_bars([1.0, 2.0, 3.0, 1.5]))
    assert forecast.quantiles.tobytes() == graphs.expected_quantiles(1.5).tobytes()


def test_each_of_eight_threads_that_share_a_client_gets_its_own_answers(
    client: Client, bars: Bars
) -> None:
    alone = [client.forecast(bars[: len(bars) - back]).quantiles.tobytes() for back in range(8)]
    together = threading.Barrier(8)

    def ask(back: int) -> set[tuple[int, bytes]]:
        together.wait()
        forecasts = [client.forecast(bars[: len(bars) - back]) for _ in range(50)]
        return {(forecast.time, forecast.quantiles.tobytes()) for forecast in forecasts}

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(8)))
    assert answers == [{(int(bars.time[-1 - back]), alone[back])} for back in range(8)]


def test_threads_that_share_a_new_client_all_learn_what_the_model_reads(
    daemon: Daemon, bars: Bars
) -> None:
    together = threading.Barrier(8)
    with (
        Client(daemon.endpoint, timeout_ms=60_000) as client,
        ThreadPoolExecutor(8) as threads,
    ):

        def ask(_: int) -> int:
            together.wait()
            return client.forecast(bars).time

        assert list(threads.map(ask, range(8))) == [bars.time[-1]] * 8


def test_a_client_outlives_its_daemon_and_learns_what_the_next_one_reads(
    start_daemon: StartDaemon, tmp_path: Path
) -> None:
    graphs.put(tmp_path / "a", graphs.steady(), graphs.manifest("m", context=4))
    graphs.put(tmp_path / "b", graphs.steady(), graphs.manifest("m", context=8))
    history = _small_bars([float(close) for close in range(1, 17)])
    first = start_daemon("--models", tmp_path / "a")
    with Client(first.endpoint, timeout_ms=5_000) as client:
        before = client.forecast(history)
        first.process.terminate()
        first.process.wait(60)
        start_daemon("--models", tmp_path / "b", "--bind", first.endpoint)
        after = client.forecast(history)
    assert before.model != after.model
    assert before.quantiles.tobytes() == after.quantiles.tobytes()


def test_the_end_of_with_closes_the_client(daemon: Daemon) -> None:
    with Client(daemon.endpoint) as client:
        client.health()
    with pytest.raises(ClientError, match="this client is closed"):
        client.health()


def test_a_client_may_be_closed_before_it_asked_and_again(daemon: Daemon) -> None:
    client = Client(daemon.endpoint)
    client.close()
    client.close()


@pytest.mark.parametrize(
    "endpoint",
    ["", "nonsense", "127.0.0.1:5655", "tcp://127.0.0.1", "tcp://127.0.0.1:99999", "foo://x"],
)
def test_an_endpoint_that_is_none_is_told_with_one_that_is(endpoint: str) -> None:
    with (
        Client(endpoint) as client,
        pytest.raises(ClientError, match=r"is no endpoint .* tcp://127\.0\.0\.1:5655"),
    ):
        client.health()


@pytest.mark.parametrize("limits", [{"timeout_ms": 0}, {"timeout_ms": -1}, {"retries": -1}])
def test_limits_that_make_no_sense_are_value_errors(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        Client(**limits)  # type: ignore[arg-type]
