"""`eabridge forecast` and `check`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.bars import Bars
from tests.backends import graphs
from tests.cli.conftest import Run, export
from tests.conftest import Daemon, StartDaemon, shipped_model


def test_a_forecast_is_a_row_for_each_bar_ahead(run: Run, export_file: Path) -> None:
    ran = run("forecast", "--data", export_file)

    assert ran.code == 0
    assert "EURUSD after 2018-02-07 15:00, close 1.22904" in ran.out
    for label in ("+1", "+16", "10%", "50%", "90%", "up"):
        assert label in ran.out


def test_a_daemon_and_this_process_forecast_alike(
    run: Run, export_file: Path, daemon: Daemon
) -> None:
    here = run("forecast", "--data", export_file)
    there = run("forecast", "--data", export_file, "--connect", daemon.endpoint)

    assert there.code == 0
    assert there.out == here.out


def test_the_fan_chart_is_a_picture(run: Run, export_file: Path, tmp_path: Path) -> None:
    ran = run("forecast", "--data", export_file, "--plot", tmp_path / "fan.png")

    assert "drew" in ran.out
    picture = (tmp_path / "fan.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 20_000


@pytest.mark.parametrize(
    ("picture", "message"), [("fan.jpg", "name it fan.png"), ("nowhere/fan.png", "is no folder")]
)
def test_a_picture_that_cannot_be_drawn_is_refused_before_the_work(
    run: Run, export_file: Path, picture: str, message: str
) -> None:
    ran = run("forecast", "--data", export_file, "--plot", picture)

    assert ran.code == 2
    assert message in ran.err


def test_wildcards_are_expanded_where_the_shell_does_not(run: Run, export_file: Path) -> None:
    ran = run("check", "--data", "EURUSD_H1_*.csv")

    assert ran.code == 0
    assert export_file.name in ran.out


def test_wildcards_that_match_nothing_are_named(run: Run) -> None:
    ran = run("check", "--data", "GBPUSD_*.csv")

    assert ran.code == 2
    assert "GBPUSD_*.csv: no file matches" in ran.err


def test_too_few_bars_are_said_with_both_numbers(run: Run, tmp_path: Path, bars: Bars) -> None:
    ran = run("forecast", "--data", export(tmp_path / "EURUSD_H1.csv", bars[:100]))

    assert ran.code == 2
    name = shipped_model("EURUSD").manifest.name
    assert f"the window has 100 bars and {name} reads 128" in ran.err
    assert "Traceback" not in ran.err


def test_a_missing_file_is_named(run: Run) -> None:
    ran = run("forecast", "--data", "nothing.csv")

    assert ran.code == 2
    assert "nothing.csv: there is no such file" in ran.err


def test_an_unknown_model_is_answered_with_those_there_are(run: Run, export_file: Path) -> None:
    ran = run("forecast", "--data", export_file, "--model", "gold-m5")

    assert ran.code == 2
    assert "there is no model 'gold-m5'" in ran.err
    assert "fx-h1@" in ran.err


def test_nobody_listening_is_said_with_what_to_do(run: Run, export_file: Path) -> None:
    ran = run("forecast", "--data", export_file, "--connect", "tcp://127.0.0.1:9")

    assert ran.code == 2
    assert "is the daemon running? Start it with: eabridge serve" in ran.err


def test_prices_are_whole_on_a_terminal_of_eighty_columns(
    run: Run, export_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.cli.show._NARROWEST", 80)

    forecast = run("forecast", "--data", export_file)
    scores = run("evaluate", "--data", export_file, "--stride", "29")

    for ran in (forecast, scores):
        assert ran.code == 0
        assert "\N{HORIZONTAL ELLIPSIS}" not in ran.out
        assert all(len(line) <= 80 for line in ran.out.splitlines())
    assert "50%" in forecast.out
    assert "hour of week" in scores.out


def test_a_folder_is_not_a_file_of_bars(run: Run, tmp_path: Path) -> None:
    ran = run("forecast", "--data", tmp_path)

    assert ran.code == 2
    assert "is a folder: give its files" in ran.err


def test_check_reports_what_is_in_a_file(run: Run, export_file: Path) -> None:
    ran = run("check", "--data", export_file)

    assert ran.code == 0
    assert "5,000 bars of EURUSD H1" in ran.out
    assert "gaps beyond weekends" in ran.out


def test_check_names_a_broken_row_and_repair_drops_it(run: Run, export_file: Path) -> None:
    lines = export_file.read_text().split("\n")
    lines[7] = lines[7].replace("1.0", "1,oops", 1)
    export_file.write_text("\n".join(lines))

    broken = run("check", "--data", export_file)
    repaired = run("check", "--data", export_file, "--repair")

    assert broken.code == 2
    assert "line 8" in broken.err
    assert "--repair" in broken.err
    assert repaired.code == 0
    assert "4,999 bars" in repaired.out
    assert "dropped 1 broken row" in repaired.out


def test_a_specialist_answers_for_its_symbol_here_as_in_the_daemon(
    run: Run, export_file: Path, tmp_path: Path, start_daemon: StartDaemon
) -> None:
    store = tmp_path / "store"
    base = graphs.put(store, graphs.steady(), graphs.manifest("fx"))
    promised = graphs.specialist("fx-eurusd", base.manifest, ["EURUSD"])
    specialist = graphs.put(store, graphs.steady(), promised)
    data = ("--data", export_file)

    here = run("forecast", *data, "--models", store)
    there = run("forecast", *data, "--connect", start_daemon("--models", store).endpoint)
    exactly = run("forecast", *data, "--models", store, "--model", base.manifest.label)

    assert specialist.manifest.label in here.out
    assert there.out == here.out
    assert base.manifest.label in exactly.out
