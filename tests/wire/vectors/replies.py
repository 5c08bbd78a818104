"""replies.json: what a daemon may answer, and widths that a client must read as well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.wire.vectors.encoding import SIGNED, UNSIGNED, As, Ext, Numbers, Vector, vector
from tests.wire.vectors.requests import TIME


def reply(name: str, message: Any) -> Vector:
    return vector(f"reply: {name}", "reply", message)


OK = {"v": 1, "id": 42, "ok": True}
LEVELS = [0.1, 0.5, 0.9]
QUANTILES = Numbers([1.07101, 1.0722, 1.07333, 1.07048, 1.07225, 1.0739])
UP = Numbers([0.5, 0.53125])
ERRORS = {
    "bad_message": "3 bytes follow the map: send exactly one msgpack map",
    "bad_version": "`v` is 2: this daemon speaks version 1",
    "unknown_op": "there is no op 'hallo': this daemon knows hello and health",
    "bad_field": "`tf` is missing: expected an integer",
    "short_window": "the window has 1 bars and fx-h1 reads 128: send at least that many",
    "bad_values": "close of bar 127 is nan: every price must be a finite positive number",
    "unknown_model": "there is no model 'nobody': this daemon has fx-h1@0123456789ab",
    "wrong_timeframe": "fx-h1 was trained on H1 bars (tf 3600) and cannot answer for M1 (tf 60)",
    "too_large": "`items` has 1,025 maps and the limit is 1024: send them in several batches",
    "busy": "4096 windows wait for fx-h1@0123456789ab: try again",
    "expired": "`ttl_ms` ran out before the forecast began",
    "draining": "the daemon is stopping: ask again when it is back",
    "model_failed": "fx-h1@0123456789ab failed on this window: the daemon's log says why",
    "internal": "a defect of the daemon: its log says more",
}


def forecast_fields(**fields: Any) -> dict[str, Any]:
    answer = {
        "model": "fx-h1@0123456789ab",
        "time": TIME,
        "tf": 3600,
        "horizon": 2,
        "levels": LEVELS,
        "quantiles": QUANTILES,
        "up": UP,
        "cached": False,
        "infer_us": 250,
        "server_us": 70_000,
    }
    return answer | fields


def hello_reply(**model: Any) -> dict[str, Any]:
    described = {
        "name": "fx-h1",
        "version": "0123456789ab",
        "task": "forecast",
        "inputs": "ohlc",
        "context": 128,
        "horizon": 2,
        "levels": LEVELS,
        "tf": 3600,
        "symbols": ["EURUSD", "GBPUSD"],
        "default": True,
    }
    any_bars = {"name": "any", "inputs": "close", "tf": 0, "symbols": [], "default": False}
    models = [described | model, described | any_bars]
    return {**OK, "server": "eabridge 0.1.0", "protocols": [1], "models": models}


def replies() -> Iterator[Vector]:
    yield reply("hello", hello_reply())
    health = {"uptime_s": 86_400, "requests": (1 << 53) + 1, "errors": 200, "queued": 3}
    for status in ("ready", "draining"):
        timing = {"p50_us": 650, "p99_us": 1900}
        yield reply(f"health, {status}", {**OK, "status": status, **health, **timing})
    yield reply("forecast with bin", {**OK, **forecast_fields()})
    lists = forecast_fields(quantiles=[*QUANTILES], up=[*UP])
    yield reply("forecast with arrays", {**OK, **lists})
    yield reply("forecast from the cache", {**OK, **forecast_fields(cached=True, infer_us=0)})
    yield reply("forecast of a time before 1970", {**OK, **forecast_fields(time=-3600)})
    failed = {"ok": False, "code": "short_window", "message": ERRORS["short_window"]}
    batch = [{"ok": True, **forecast_fields()}, failed, {"ok": True, **lists}]
    yield reply("batch with an error among its items", {**OK, "items": batch})
    for code, message in ERRORS.items():
        yield reply(f"{code}", {"v": 1, "id": 42, "ok": False, "code": code, "message": message})
    refused = {"ok": False, "code": "bad_message", "message": ERRORS["bad_message"]}
    for number in (0, 127, 128, 255, 256, 65_536, 1 << 32, 1 << 63, (1 << 64) - 1):
        yield reply(f"id {number}", {"v": 1, "id": number, **refused})
    for form in (*UNSIGNED, *SIGNED):
        yield reply(f"id as {form}", {"v": As(form, 1), "id": As(form, 42), **refused})
    wide = forecast_fields(
        model=As("str32", "fx-h1@0123456789ab"),
        time=As("int64", TIME),
        horizon=As("uint64", 2),
        levels=As("array32", [As("float32", level) for level in (0.25, 0.5, 0.75)]),
        quantiles=As("bin32", QUANTILES),
        up=As("array16", [As("float32", 0.5), 1]),
    )
    yield reply("forecast in other widths", As("map32", {**OK, **wide}))
    later = {"x": {"nested": [None, {"ok": False}]}, "y": Ext(5, b"x")}
    yield reply("unknown keys", {**later, **OK, **forecast_fields()})
