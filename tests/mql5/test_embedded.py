"""The model inside the terminal: the same graph, run by the terminal itself."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.bars import Bars
from bridge.bars.times import stamp
from bridge.bundles import Specialists, list_bundles, shipped_store
from bridge.local import forecast_here
from tests.backends import graphs
from tests.bundles.test_routing import WRITTEN
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
    bundles, _ = list_bundles([shipped_store()])
    model = Specialists(shipped_bundle(), bundles).answering(history.symbol)
    answered = [
        each for each in read_probe(terminal.agent_files / "probe.bin") if each.numbers.size
    ]
    assert len(answered) == TESTED_BARS
    for number, each in enumerate(answered):
        known = history[: 128 + number]
        assert each.bar == history.time[128 + number]
        here = forecast_here(model, known)
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
    assert float(up) == pytest.approx(0.5 + 0.25 * (int(closed.time[-1]) % 86_400) / 86_400)


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


def test_a_specialist_answers_for_its_symbol_as_the_daemon_routes(
    terminal: Terminal, history: Bars
) -> None:
    written = {f"{symbol}|{known}": is_so for symbol, known, is_so in WRITTEN}
    asked = ["EURUSD", "EURGBP", "mEURGBP.r", "BROKEN", "EURUSD", "EURGBPX"]
    program = build(beside_installed("Routing.mq5"))
    result = program.script(
        terminal,
        bars=write_export(terminal.folder, history),
        inputs={"InpWritten": ";".join(written), "InpAsked": ";".join(asked)},
    )
    assert (result.code, result.undeleted) == (0, [])
    rows = [line.split("\t") for line in result.journal if "\t" in line]
    told = {name: said == "true" for kind, name, said in rows if kind == "written"}
    assert told == written
    (chart,) = [row[1:] for row in rows if row[0] == "chart"]
    assert chart[0] == "EURUSD"
    assert chart[1].startswith("test-base@")
    answers = [said.partition("@")[0] for kind, _, said in rows if kind == "asked"]
    broken = answers.pop(3)
    assert answers == ["test-base", "test-gbp", "test-gbp", "test-base", "test-base"]
    assert broken == "The model test-none"


def test_without_a_source_it_says_how_to_choose_one(told: dict[str, list[list[str]]]) -> None:
    for name in ("none", "closed"):
        ((error, text),) = told[name]
        assert error == "not_set_up"
        assert "UseDaemon" in text
