"""The model inside the terminal: the same graph, run by the terminal itself."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.bars import Bars
from bridge.bars.times import stamp
from bridge.local import forecast_here
from tests.backends import graphs
from tests.mql5.history import read_probe, write_export
from tests.mql5.host import build
from tests.mql5.installed import beside_installed, shipped_bundle
from tests.mql5.terminal import Terminal

TESTED_BARS = 60


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return Terminal(tmp_path_factory.mktemp("terminal"), allow_dll=True)


@pytest.fixture(scope="module")
def history(bars: Bars) -> Bars:
    return bars[-(TESTED_BARS + 128) :]


def test_it_gives_the_forecast_that_python_gives(terminal: Terminal, history: Bars) -> None:
    probe = build(beside_installed("Probe.mq5"))
    result = probe.test(
        terminal,
        bars=write_export(terminal.folder, history),
        inputs={"InpSource": "model"},
    )
    assert result.code == 0
    answered = [
        each for each in read_probe(terminal.agent_files / "probe.bin") if each.numbers.size
    ]
    assert len(answered) == TESTED_BARS
    for number, each in enumerate(answered):
        known = history[: 128 + number]
        assert each.bar == history.time[128 + number]
        here = forecast_here(shipped_bundle(), known)
        expected = np.concatenate([here.quantiles.reshape(-1), here.up])
        assert each.numbers.tobytes() == expected.tobytes()


@pytest.fixture(scope="module")
def told(terminal: Terminal, history: Bars) -> dict[str, list[list[str]]]:
    """What programs/Embedded.mq5 said of each model."""
    program = build(beside_installed("Embedded.mq5"))
    result = program.script(terminal, bars=write_export(terminal.folder, history))
    assert result.code == 0
    assert not result.undeleted
    rows: dict[str, list[list[str]]] = {}
    for name, *said in (line.split("\t") for line in result.journal if "\t" in line):
        rows.setdefault(name, []).append(said)
    return rows


def test_a_model_that_reads_closes_gets_closes(
    told: dict[str, list[list[str]]], history: Bars
) -> None:
    (chosen, source), (label, time, low, median, up) = told["close"]
    assert chosen == "true"
    assert source == "model inside the terminal"
    assert label.startswith("test-close@")
    closed = history[:-1]
    assert time == stamp(int(closed.time[-1])).replace("-", ".")
    expected = graphs.expected_quantiles(float(closed.close[-1]))
    assert (float(low), float(median)) == (expected[0, 0], expected[1, 1])
    assert float(up) == pytest.approx(0.5 + 0.25 * np.sin(float(closed.time[-1])))


def test_numbers_that_are_none_are_refused(told: dict[str, list[list[str]]]) -> None:
    (chosen, _), (error, text) = told["nan"]
    assert (chosen, error) == ("true", "embed_failed")
    assert "test-nan@" in text


@pytest.mark.parametrize("name", ["other", "broken"])
def test_a_graph_that_is_not_what_its_description_says_is_refused_at_once(
    told: dict[str, list[list[str]]], name: str
) -> None:
    (chosen, _), (error, text) = told[name]
    assert (chosen, error) == ("false", "embed_failed")
    assert f"test-{name}@" in text
    assert "eabridge mt5 install" in text


def test_without_a_source_it_says_how_to_choose_one(told: dict[str, list[list[str]]]) -> None:
    for name in ("none", "closed"):
        ((error, text),) = told[name]
        assert error == "not_set_up"
        assert "UseDaemon" in text
