"""`eabridge load`, `bench` and `demo`: real daemons, short runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.load import LoadPlan, run_load
from tests.cli.conftest import Run
from tests.client.fake import FakeDaemon, hello_alone
from tests.conftest import Daemon


def test_a_closed_loop_keeps_every_client_busy(run: Run, daemon: Daemon) -> None:
    ran = run("load", "--connect", daemon.endpoint, "--clients", "3", "--seconds", "1", "--json")

    result = json.loads(ran.out)
    assert result["requests"] > 100
    assert result["errors"] == {}
    assert result["unanswered"] == 0
    ordered = [result[f"{name}_us"] for name in ("p50", "p90", "p99", "p99.9", "max")]
    assert ordered == sorted(ordered)


def test_an_open_loop_asks_at_its_rate(daemon: Daemon) -> None:
    result = run_load(LoadPlan(daemon.endpoint, clients=4, seconds=2.0, rate=100.0))

    assert 190 <= result.forecasts <= 202
    assert result.unanswered == result.unsent == 0


def test_an_open_loop_shows_what_waiting_clients_would_hide(daemon: Daemon) -> None:
    """Asked far more often than it can answer, the queue must grow and the latency with it."""
    closed = run_load(LoadPlan(daemon.endpoint, clients=1, seconds=1.0, rate=None))
    sustained = closed.in_time / closed.seconds

    flooded = run_load(LoadPlan(daemon.endpoint, clients=1, seconds=1.0, rate=20 * sustained))

    assert flooded.as_dict()["p50_us"] > 5 * closed.as_dict()["p50_us"]


def test_a_daemon_that_falls_silent_is_not_a_fast_one() -> None:
    """It says hello, and then nothing: every request has waited to the end."""
    with FakeDaemon(hello_alone) as silent:
        result = run_load(LoadPlan(silent.endpoint, clients=2, seconds=0.5, rate=100.0))

    assert result.forecasts == 0
    assert result.unanswered > 40
    assert result.as_dict()["p50_us"] > 1_000_000


def test_errors_are_counted_by_code_and_are_not_fast_forecasts(daemon: Daemon) -> None:
    """Work that may wait no time at all is refused at once."""
    result = run_load(LoadPlan(daemon.endpoint, clients=2, seconds=0.5, rate=100.0, ttl_ms=0))

    assert result.errors.keys() == {"expired"}
    assert result.forecasts == 0
    assert result.as_dict()["max_us"] == 0


def test_load_prints_a_table(run: Run, daemon: Daemon) -> None:
    ran = run(
        "load", "--connect", daemon.endpoint, "--clients", "2", "--seconds", "0.5", "--rate", "50"
    )

    assert ran.code == 0
    for word in ("forecasts", "p99.9", "unanswered", "sender late"):
        assert word in ran.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--connect", "tcp://127.0.0.1:9"), "is the daemon running"),
        (("--clients", "0"), "--clients 0: from 1 to 10,000"),
        (("--clients", "99999"), "--clients 99999: from 1 to"),
        (("--rate", "0"), "--rate 0: from 0.1 to 100,000"),
        (("--rate", "inf"), "--rate inf: from"),
        (("--seconds", "nan"), "--seconds nan: from 0.1 to 86,400"),
    ],
)
def test_load_says_what_is_wrong(run: Run, arguments: tuple[str, ...], message: str) -> None:
    ran = run("load", "--seconds", "0.5", *arguments)

    assert ran.code == 2
    assert message in ran.err


def test_load_with_more_clients_than_a_process_has_sockets_is_told(
    run: Run, daemon: Daemon
) -> None:
    ran = run("load", "--connect", daemon.endpoint, "--clients", "9999", "--seconds", "0.5")

    assert ran.code == 2
    assert "9,999 clients are too many here: give fewer" in ran.err


def test_load_of_an_unknown_model_is_refused(run: Run, daemon: Daemon) -> None:
    ran = run("load", "--connect", daemon.endpoint, "--model", "none", "--seconds", "0.5")

    assert ran.code == 2
    assert "unknown_model" in ran.err


def test_bench_prints_ratios_beside_their_floors(run: Run) -> None:
    ran = run("bench", "--rounds", "2", "--json")

    result = json.loads(ran.out)
    rows = {row["name"]: row for row in result["rows"]}
    assert len(rows) == 7
    assert all(0 < row["p50_us"] <= row["p99_us"] for row in rows.values())
    figures = {figure["name"]: figure for figure in result["figures"]}
    assert figures["resident memory when serving"]["value"] > 10
    assert figures["process start to ready"]["value"] > 0.05
    assert figures["serving install's site-packages"]["value"] > 50
    assert figures["a book, over asking for its forecasts bar by bar"]["value"] > 0


def test_the_demo_ends_by_itself_with_a_summary_and_a_picture(run: Run, tmp_path: Path) -> None:
    ran = run("demo", "--seconds", "2")

    assert ran.code == 0, ran.err
    assert "daemon ready on tcp://127.0.0.1:" in ran.out
    assert "16 forecasts; round trip" in ran.out
    assert "fan chart: eabridge-demo.png" in ran.out
    assert (tmp_path / "eabridge-demo.png").read_bytes().startswith(b"\x89PNG")
