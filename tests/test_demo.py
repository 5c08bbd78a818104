"""The replay behind `eabridge demo`: bar by bar, and judged by what came."""

from __future__ import annotations

import pytest

from bridge.bars import Bars
from bridge.client import Client
from bridge.demo import DemoDataMissing, Step, Summary, demo_bars, replay
from tests.conftest import Daemon


def test_the_demo_replays_real_euro_hours(bars: Bars) -> None:
    assert len(demo_bars()) == len(bars) == 5000
    assert demo_bars().symbol == "EURUSD"


def test_without_its_data_the_demo_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(DemoDataMissing) as missing:
        demo_bars()

    assert missing.value.name == "backtesting"


@pytest.fixture
def summary() -> Summary:
    return Summary()


@pytest.fixture
def steps(daemon: Daemon, bars: Bars, summary: Summary) -> list[Step]:
    """Twenty hours, replayed without waiting."""
    with Client(daemon.endpoint) as client:
        return list(
            replay(
                client,
                bars,
                context=128,
                steps=20,
                seconds=1.0,
                summary=summary,
                pause=lambda seconds: None,
            )
        )


def test_each_step_knows_one_bar_more_and_none_of_the_future(
    steps: list[Step], summary: Summary
) -> None:
    assert [len(step.known) for step in steps] == list(range(4981, 5001))
    assert all(step.forecast.time == step.known.time[-1] for step in steps)
    assert len(summary.round_trips_us) == 20


def test_every_close_is_held_against_every_forecast_made_for_it(
    steps: list[Step], summary: Summary
) -> None:
    # Step n is judged by those of the 16 before it: 0 + 1 + ... + 16 + 16 + 16 + 16.
    assert summary.judged == sum(min(16, n) for n in range(20))
    inside = 0
    for made, step in enumerate(steps):
        for h, later in enumerate(steps[made + 1 : made + 17]):
            low, high = step.forecast.quantiles[h, 0], step.forecast.quantiles[h, -1]
            inside += bool(low <= later.known.close[-1] <= high)
    assert summary.inside == inside
