"""`eabridge top`: what it draws, on terminals of any size and encoding."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any, cast

import pytest
from rich.console import Console

from bridge.cli import show_top, top
from bridge.control import Control, NoDaemon
from tests.cli.conftest import Run
from tests.client.fake import FakeDaemon, reply
from tests.page import statuses


def drawn(
    status: dict[str, Any], before: dict[str, Any] | None = None, **options: Any
) -> list[str]:
    """The lines of a frame, as a terminal would get them."""
    width = options.setdefault("width", 80)
    console = Console(file=io.StringIO(), width=width, height=options.get("height"))
    console.print(show_top.frame(status, before, **options))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def control_socket(status: dict[str, Any]) -> FakeDaemon:
    """Answers `status` as a daemon does."""
    return FakeDaemon(lambda number, request, send: send(reply(request, **status)))


def test_a_busy_daemon_fits_a_small_terminal() -> None:
    lines = drawn(statuses.busy(), height=24)

    text = "\n".join(lines)
    assert len(lines) <= 24
    assert all(len(line) <= 80 for line in lines)
    assert " DEGRADED   eabridge 0.5.0  up 3d 2h, process 4711, 181 MB" in text
    assert "p50 0.44 ms p99 1.30 ms" in text
    assert "cache 67.6%" in text
    assert "errors since the start: busy 212, expired 31" in text
    for name in ("EURUSD", "USDJPY", "EURGBP", "XAUUSD", "BTCUSD", "151.238", "64250.1"):
        assert name in text


def test_models_in_trouble_stand_first_and_the_default_is_marked() -> None:
    lines = drawn(statuses.busy())

    start = next(index for index, line in enumerate(lines) if line.startswith("model "))
    assert lines[start + 1].split()[:3] == ["gold-m5@77aa01f2c3d4", "restarting", "worker"]
    assert lines[start + 2].startswith("*fx-h1@3f9a1c5e77d2")


def test_rates_come_from_two_looks() -> None:
    before, after = statuses.busy(), statuses.busy()
    after["now"] += 2.0
    after["lanes"][0]["requests"] += 300
    row = next(line for line in drawn(after, before) if line.startswith("*fx-h1@"))
    assert row.split()[3] == "150.0"

    before["pid"] += 1  # another daemon's count is no start
    row = next(line for line in drawn(after, before) if line.startswith("*fx-h1@"))
    assert row.split()[3] == "-"


def test_a_forecast_in_a_line() -> None:
    made = statuses.forecast(ago_s=127.0)
    lines = drawn(statuses.one_ea() | {"forecasts": [made]})

    head, row = lines[-2:]
    end = made["quantiles"][-1]
    assert head.split() == [
        "symbol",
        "bars",
        "close",
        "ahead",
        "10%",
        "median",
        "90%",
        "rise",
        "age",
    ]
    assert row.split() == [
        *("EURUSD", "H1", "1.08345", "+16"),
        *(f"{end[0]:.5f}", f"{end[4]:.5f}", f"{end[-1]:.5f}", "55%", "127s"),
    ]


def test_nobody_has_asked_yet() -> None:
    text = "\n".join(drawn(statuses.quiet()))

    assert "no EA has asked yet" in text
    assert "no forecasts in 42 s" in text
    assert "no errors since the start" in text
    assert "cache not asked" in text


def test_without_a_cache() -> None:
    assert "no cache" in "\n".join(drawn(statuses.busy() | {"cache": None, "connections": None}))


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
@pytest.mark.parametrize("height", [10, 24, 60])
def test_any_terminal_is_kept_to(width: int, height: int) -> None:
    status = statuses.busy()
    status["lanes"] = [statuses.lane(f"model-{n}@0123456789ab") for n in range(30)]
    status["forecasts"] = [statuses.forecast(f"SYM{n}") for n in range(64)]

    lines = drawn(status, width=width, height=height)

    assert all(len(line) <= width for line in lines)
    if height >= 24:
        assert len(lines) <= height
        assert any("models more" in line for line in lines)
        assert any("forecasts more" in line for line in lines)


def test_a_wide_terminal_is_told_more() -> None:
    narrow, wide = ("\n".join(drawn(statuses.busy(), width=width)) for width in (80, 180))

    for word in ("answers for", "restarts", "fx-h1-eurgbp@8d01b2c44f60", "cache"):
        assert word in wide
    assert "answers for" not in narrow


def test_an_old_console_gets_what_it_has() -> None:
    status = statuses.busy()
    status["forecasts"][0]["symbol"] = "ЗОЛОТО"
    text = "\n".join(drawn(status, ascii_only=True))

    assert text.isascii()
    assert "??????" in text


@pytest.mark.parametrize(
    ("encoding", "plain"), [("utf-8", False), ("cp1252", True), ("cp437", True), ("ascii", True)]
)
def test_what_a_console_can_show_is_asked(encoding: str, plain: bool) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=stream, width=80, legacy_windows=False)
    assert show_top.is_plain(console) is plain
    console.print(show_top.frame(statuses.busy(), width=80, ascii_only=plain))
    stream.flush()


def test_a_symbol_s_name_commands_no_terminal() -> None:
    status = statuses.busy()
    status["forecasts"][0]["symbol"] = "\x1b]0;owned\x07\x1b[2J[red]x"
    text = "\n".join(drawn(status, width=160))

    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[red]x" in text


def test_a_daemon_that_is_gone_is_told_above_what_was_known() -> None:
    lines = drawn(statuses.busy(), lost_s=75.0)

    assert lines[0].startswith(" NO ANSWER   for 75s")
    assert "EURUSD" in "\n".join(lines)


def test_the_live_view_waits_for_a_daemon_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[dict[str, Any] | None] = [statuses.one_ea(), None, None, statuses.quiet()]

    class Daemon:
        def status(self) -> dict[str, Any]:
            if not answers:
                raise KeyboardInterrupt
            answer = answers.pop(0)
            if answer is None:
                raise NoDaemon
            return answer

    monkeypatch.setattr(top.time, "sleep", lambda seconds: None)
    out = Console(file=io.StringIO(), width=80, height=24, force_terminal=True, color_system=None)
    with pytest.raises(KeyboardInterrupt):
        top._watch(out, cast(Control, Daemon()), statuses.busy(), 1.0)

    assert isinstance(out.file, io.StringIO)
    frames = re.findall(r" (DEGRADED|READY|NO ANSWER) ", out.file.getvalue())
    assert frames == ["DEGRADED", "READY", "NO ANSWER", "NO ANSWER", "READY"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminal here")
def test_ctrl_c_leaves_a_terminal_as_it_was() -> None:
    import pty

    ours, theirs = pty.openpty()
    with control_socket(statuses.busy()) as daemon:
        command = [sys.executable, "-m", "bridge", "top", "--control", daemon.endpoint]
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
        # Where the tests run in the background, Ctrl-C is ignored, and so it would be by the child.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
        )
        signal.signal(signal.SIGINT, before)
        os.close(theirs)
        seen = b""
        while seen.count(b"DEGRADED") < 2:
            seen += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        with suppress(OSError):  # the other end is closed
            while more := os.read(ours, 4096):
                seen += more
        assert process.wait(30) == 0
    os.close(ours)
    assert seen.count(b"\x1b[?1049h") == seen.count(b"\x1b[?1049l") == 1  # the screen of its own
    assert seen.rfind(b"\x1b[?25h") > seen.rfind(b"\x1b[?25l")  # and the cursor is back
    assert b"Traceback" not in seen


def test_once_prints_one_frame(run: Run) -> None:
    with control_socket(statuses.busy()) as daemon:
        ran = run("top", "--control", daemon.endpoint, "--once")

    assert ran.code == 0, ran.err
    assert ran.out.count("DEGRADED") == 1
    assert "gold-m5@77aa01f2c3d4" in ran.out
    assert "\x1b" not in ran.out


def test_into_a_file_it_prints_one_frame_too(run: Run) -> None:
    with control_socket(statuses.busy()) as daemon:
        assert run("top", "--control", daemon.endpoint).out.count("DEGRADED") == 1


def test_json_is_the_status_as_it_came(run: Run) -> None:
    with control_socket(statuses.busy()) as daemon:
        ran = run("top", "--control", daemon.endpoint.removeprefix("tcp://"), "--json")

    assert json.loads(ran.out) == statuses.busy()


def test_no_daemon_is_told(run: Run) -> None:
    ran = run("top", "--control", "tcp://127.0.0.1:9", "--once")

    assert ran.code == 2
    assert ran.out == ""
    assert "no daemon answers on tcp://127.0.0.1:9" in ran.err
    assert "eabridge serve" in ran.err


def test_an_interval_that_will_not_do_is_told(run: Run) -> None:
    ran = run("top", "--interval", "0")
    assert ran.code == 2
    assert "--interval 0: from 0.2 to" in ran.err
