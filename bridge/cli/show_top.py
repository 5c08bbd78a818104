"""What `eabridge top` draws: one frame from one status, for terminals of any width and encoding."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, Group
from rich.text import Text

from bridge.bars import timeframe_name

_HEALTH = {
    "ready": ("READY", "bold black on green"),
    "degraded": ("DEGRADED", "bold black on yellow"),
    "draining": ("STOPPING", "bold white on blue"),
}
_LOST = ("NO ANSWER", "bold white on red")
_STATES = {"open": "paused"}  # a circuit breaker's word for: it failed too often
_BLOCKS, _ASCII_BLOCKS = "▁▂▃▄▅▆▇█", ".:-=+*%#"
_LABEL = 9  # columns before a sparkline
_FIXED_LINES = 13  # of a frame, beside its models and forecasts
_LEAST_ROWS = 2
_MOST_DIGITS = 8
_NARROWEST = 12  # columns of a model's label


@dataclass(frozen=True)
class _Column:
    """A column: its title, whether its cells stand at the right, and the width it is worth."""

    title: str
    right: bool = True
    from_width: int = 0


def is_plain(console: Console) -> bool:
    """Whether the console shows nothing but ASCII safely: an old Windows console, another page."""
    return console.legacy_windows or not console.encoding.lower().startswith("utf")


def frame(
    status: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
    *,
    width: int,
    height: int | None = None,
    ascii_only: bool = False,
    lost_s: float | None = None,
) -> Group:
    """One picture of a daemon.

    Args:
        status: as the control socket gives it.
        before: the status of a moment ago, for rates by model; dashes without it.
        width, height: of the terminal, in characters; the height may be without limit.
        ascii_only: draw with nothing else, symbols of other letters with question marks.
        lost_s: seconds since the daemon stopped answering, or None where it answers.
    """
    lanes, forecasts = list(status["lanes"]), list(status["forecasts"])
    lanes.sort(key=lambda lane: lane["state"] == "ready")  # those in trouble first
    room = 10**6 if height is None else max(2 * _LEAST_ROWS, height - _FIXED_LINES)
    for_lanes = min(len(lanes), max(_LEAST_ROWS, room - min(len(forecasts), room // 2)))
    lines = [
        _title(status, lost_s),
        _figures(status),
        Text(),
        *_sparklines(status, width, ascii_only),
        Text(),
        *_lane_lines(lanes[:for_lanes], _paces(status, before), width),
        *_more(len(lanes) - for_lanes, "models"),
        Text(),
        _errors(status["errors"]),
        Text(),
        *_forecast_lines(forecasts[: max(0, room - for_lanes)], status["now"], width),
        *_more(len(forecasts) - max(0, room - for_lanes), "forecasts"),
    ]
    for line in lines:
        if lost_s is not None and line is not lines[0]:
            line.stylize("dim")
        line.plain = _printable(line.plain, ascii_only)
        line.truncate(width, overflow="crop")
    return Group(*lines)


def _decimals(closes: Sequence[float]) -> int:
    """The symbol's decimals: as many as its closes need to be written as they are.

    Where they have no end, as prices that were computed have not, as many as show six digits.
    """
    for digits in range(_MOST_DIGITS + 1):
        if all(abs(round(close, digits) - close) <= close * 1e-12 for close in closes):
            return digits
    return min(12, max(0, 5 - math.floor(math.log10(max(closes)))))


def _title(status: Mapping[str, Any], lost_s: float | None) -> Text:
    known = _HEALTH.get(status["health"], (str(status["health"]).upper(), "bold"))
    word, style = known if lost_s is None else _LOST
    line = Text(no_wrap=True)
    line.append(f" {word} ", style)
    if lost_s is not None:
        line.append(f"  for {_span(lost_s)}; below is what was known; waiting for it")
        return line
    line.append(f"  {status['server']}", "bold")
    line.append(f"  up {_span(status['uptime_s'])}, process {status['pid']}")
    if status["memory_bytes"]:
        line.append(f", {status['memory_bytes'] / 1e6:,.0f} MB")
    return line


def _figures(status: Mapping[str, Any]) -> Text:
    rows = status["strip"][-10:]
    pace = sum(row["requests"] for row in rows) / max(1, len(rows))
    latency, cache = status["latency_us"], status["cache"]
    parts = [
        f"{pace:,.1f} requests/s",
        f"p50 {_ms(latency['p50'])} p99 {_ms(latency['p99'])}",
        f"{status['queued']:,} waiting",
    ]
    if status["connections"] is not None:
        parts.append(f"{status['connections']:,} connected")
    if cache is None:
        parts.append("no cache")
    else:
        asked = cache["hits"] + cache["misses"]
        parts.append(f"cache {cache['hits'] / asked:.1%}" if asked else "cache not asked")
    return Text("  ".join(parts), no_wrap=True)


def _sparklines(status: Mapping[str, Any], width: int, ascii_only: bool) -> list[Text]:
    columns = max(10, min(len(status["strip"]) or 10, width - _LABEL - 22))
    rows = status["strip"][-columns:]
    blocks = _ASCII_BLOCKS if ascii_only else _BLOCKS
    latencies = [row["p99_us"] for row in rows]
    asked = [latency for latency in latencies if latency > 0]
    requests = [row["requests"] for row in rows]
    lines = []
    if asked:
        least, most = min(asked), max(asked)
        steps = [
            math.log(max(each, 1) / least) / math.log(most / least) if most > least else 0.0
            for each in latencies
        ]
        shown = _spark(latencies, steps, blocks)
        lines.append(_spark_line("p99", shown, f"{_ms(least)} to {_ms(most)}"))
    else:
        lines.append(_spark_line("p99", "", f"no forecasts in {len(rows)} s"))
    most = max(requests, default=0)
    shown = _spark(requests, [each / max(most, 1) for each in requests], blocks) if most else ""
    words = f"at most {most:,} a second" if most else f"none in {len(rows)} s"
    lines.append(_spark_line("requests", shown, words))
    return lines


def _spark(values: Sequence[int], shares: Sequence[float], blocks: str) -> str:
    """A character a value; a blank where it is zero."""
    last = len(blocks) - 1
    return "".join(
        blocks[round(min(1.0, max(0.0, share)) * last)] if value else " "
        for value, share in zip(values, shares, strict=True)
    )


def _spark_line(name: str, shown: str, words: str) -> Text:
    line = Text(no_wrap=True)
    line.append(f"{name:<{_LABEL}}", "dim")
    line.append(shown, "green")
    line.append(f" {words}" if shown else words, "dim")
    return line


def _paces(status: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, float]:
    """Windows a second by model, since the status before; of the same daemon's models alone."""
    if before is None or before["pid"] != status["pid"]:
        return {}
    seconds = status["now"] - before["now"]
    known = {lane["model"]: lane["requests"] for lane in before["lanes"]}
    return {
        lane["model"]: max(0.0, (lane["requests"] - known[lane["model"]]) / seconds)
        for lane in status["lanes"]
        if lane["model"] in known and seconds > 0
    }


def _lane_lines(
    lanes: Sequence[Mapping[str, Any]], paces: Mapping[str, float], width: int
) -> list[Text]:
    columns = [
        _Column("model", right=False),
        _Column("state", right=False),
        _Column("by", right=False),
        _Column("req/s"),
        _Column("p50"),
        _Column("p99"),
        _Column("wait"),
        _Column("failed"),
        _Column("forecasts", from_width=95),
        _Column("in work", from_width=105),
        _Column("restarts", from_width=115),
        _Column("answers for", right=False, from_width=130),
    ]
    rows, styles = [], []
    for lane in lanes:
        pace = paces.get(lane["model"])
        asked = lane["batches"] > 0
        rows.append(
            [
                f"{'*' if lane['default'] else ' '}{lane['model']}",
                _STATES.get(lane["state"], str(lane["state"])),
                "loop" if lane["mode"] == "inline" else "worker",
                "-" if pace is None else f"{pace:,.1f}",
                _ms(lane["infer_p50_us"]) if asked else "-",
                _ms(lane["infer_p99_us"]) if asked else "-",
                f"{lane['queued']:,}",
                f"{lane['failed']:,}",
                f"{lane['requests']:,}",
                f"{lane['in_flight']:,}",
                f"{lane['restarts']:,}",
                ", ".join(lane["answers_for"]),
            ]
        )
        styles.append("" if lane["state"] == "ready" else "bold red")
    return _table(columns, rows, styles, width)


def _forecast_lines(forecasts: Sequence[Mapping[str, Any]], now: float, width: int) -> list[Text]:
    if not forecasts:
        return [Text("no EA has asked yet (eabridge doctor tells what is missing)", "dim")]
    levels = {(each["levels"][0], each["levels"][-1]) for each in forecasts}
    low, high = (f"{level:.0%}" for level in levels.pop()) if len(levels) == 1 else ("low", "high")
    columns = [
        _Column("symbol", right=False),
        _Column("bars", right=False),
        _Column("close"),
        _Column("ahead"),
        _Column(low),
        _Column("median"),
        _Column(high),
        _Column("rise"),
        _Column("age"),
        _Column("took", from_width=90),
        _Column("from", right=False, from_width=100),
        _Column("model", right=False, from_width=120),
    ]
    rows = []
    for each in forecasts:
        digits = _decimals(each["closes"])
        end = each["quantiles"][-1]
        rows.append(
            [
                each["symbol"] or "-",
                timeframe_name(each["tf"]),
                f"{each['closes'][-1]:.{digits}f}",
                f"+{len(each['quantiles'])}",
                f"{end[0]:.{digits}f}",
                f"{_median(each['levels'], end):.{digits}f}",
                f"{end[-1]:.{digits}f}",
                f"{each['up'][-1]:.0%}",
                _span(max(0.0, now - each["asked_at"])),
                _ms(each["server_us"]),
                "cache" if each["cached"] else "model",
                each["model"],
            ]
        )
    return _table(columns, rows, [""] * len(rows), width)


def _table(
    columns: Sequence[_Column], rows: Sequence[Sequence[str]], styles: Sequence[str], width: int
) -> list[Text]:
    """Lines of cells; where they do not fit, the first column gives way, then the last ones."""
    kept = [index for index, column in enumerate(columns) if width >= column.from_width]
    widths = {
        index: max([len(columns[index].title), *(len(row[index]) for row in rows)])
        for index in kept
    }
    over = sum(widths.values()) + 2 * (len(kept) - 1) - width
    if over > 0:
        widths[kept[0]] = max(min(widths[kept[0]], _NARROWEST), widths[kept[0]] - over)

    def line(cells: Sequence[str], style: str) -> Text:
        parts = []
        for index in kept:
            cell = cells[index][: widths[index]]
            wide = widths[index]
            parts.append(f"{cell:>{wide}}" if columns[index].right else f"{cell:<{wide}}")
        return Text("  ".join(parts).rstrip(), style, no_wrap=True)

    head = line([column.title for column in columns], "dim")
    return [head, *(line(row, style) for row, style in zip(rows, styles, strict=True))]


def _errors(errors: Mapping[str, int]) -> Text:
    found = sorted(((n, code) for code, n in errors.items() if n), reverse=True)
    if not found:
        return Text("no errors since the start", "dim")
    line = Text("errors since the start: ", no_wrap=True)
    return line.append(", ".join(f"{code} {n:,}" for n, code in found), "yellow")


def _more(count: int, noun: str) -> list[Text]:
    return [Text(f"and {count} {noun} more", "dim")] if count > 0 else []


def _median(levels: Sequence[float], row: Sequence[float]) -> float:
    """The quantile of 50%: the model's own, or linear between the two beside it."""
    above = next((i for i, level in enumerate(levels) if level >= 0.5 - 1e-9), len(levels) - 1)
    if above == 0 or abs(levels[above] - 0.5) < 1e-9 or levels[above] < 0.5:
        return row[above]
    share = (0.5 - levels[above - 1]) / (levels[above] - levels[above - 1])
    return row[above - 1] + share * (row[above] - row[above - 1])


def _ms(us: float) -> str:
    """Microseconds in three digits: 0.42 ms, 12.8 ms, 1.28 s; a dash for zero, which is none."""
    if us <= 0:
        return "-"
    value, unit = (us / 1e3, "ms") if us < 1e6 else (us / 1e6, "s")
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f} {unit}"


def _span(seconds: float) -> str:
    whole = int(seconds)
    for unit, size, smaller, part in (("d", 86_400, "h", 3600), ("h", 3600, "m", 60)):
        if whole >= size:
            return f"{whole // size}{unit} {whole % size // part}{smaller}"
    return f"{whole // 60}m" if whole >= 600 else f"{whole}s"


def _printable(text: str, ascii_only: bool) -> str:
    """The text without what a terminal would obey: a symbol's name is a stranger's word."""
    if ascii_only:
        text = text.encode("ascii", "replace").decode("ascii")
    return "".join(each if each.isprintable() else "?" for each in text)
