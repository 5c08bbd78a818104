"""Statuses as a daemon gives them, made up: quiet, busy, in trouble."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

NOW = 1_763_800_000.25  # this machine's clock
BAR = 1_714_744_800  # 2024-05-03 14:00 of the broker's clock
LEVELS = [round(level / 10, 1) for level in range(1, 10)]
HORIZON = 16


def forecast(
    symbol: str = "EURUSD",
    *,
    last: float = 1.08345,
    digits: int = 5,
    tf: int = 3600,
    model: str = "fx-h1@3f9a1c5e77d2",
    ago_s: float = 4.0,
    bars: int = 96,
    horizon: int = HORIZON,
    cached: bool = False,
    server_us: int = 431,
    seed: int = 0,
) -> dict[str, Any]:
    """One forecast; its closes are prices of so many digits that end with `last`."""
    draw = np.random.default_rng([seed, *symbol.encode()])
    steps = draw.normal(0.0, 0.0011, bars)
    steps[0] = 0.0
    closes = [round(last * math.exp(-step), digits) for step in np.cumsum(steps)][::-1]
    z = np.array([-1.28, -0.84, -0.52, -0.25, 0.0, 0.25, 0.52, 0.84, 1.28])
    drift = draw.normal(0.0, 0.0002)
    quantiles = [
        [last * math.exp(drift * h + 0.0012 * math.sqrt(h) * each) for each in z]
        for h in range(1, horizon + 1)
    ]
    return {
        "symbol": symbol,
        "tf": tf,
        "model": model,
        "time": BAR,
        "asked_at": NOW - ago_s,
        "closes": closes,
        "levels": LEVELS,
        "quantiles": quantiles,
        "up": [0.5 + 0.003 * h for h in range(1, horizon + 1)],
        "cached": cached,
        "server_us": server_us,
    }


def lane(label: str = "fx-h1@3f9a1c5e77d2", **changes: Any) -> dict[str, Any]:
    """One model's figures."""
    name, _, version = label.partition("@")
    return {
        "model": label,
        "name": name,
        "version": version,
        "default": False,
        "symbols": ["AUDUSD", "EURGBP", "USDJPY"],
        "answers_for": [],
        "tf": 3600,
        "context": 128,
        "horizon": HORIZON,
        "queued": 0,
        "in_flight": 0,
        "mode": "inline",
        "state": "ready",
        "requests": 18_204,
        "failed": 0,
        "cached": 120,
        "batches": 12_000,
        "windows": 18_084,
        "queue_p50_us": 38,
        "infer_p50_us": 388,
        "infer_p99_us": 612,
        "restarts": 0,
    } | changes


def strip(rates: Sequence[int], errors: Sequence[int] = ()) -> list[dict[str, int]]:
    """A row a second up to now; latencies as a machine has them that does other things, too."""
    draw = np.random.default_rng(5)
    found = []
    for index, requests in enumerate(rates):
        p50_us = int(400 * math.exp(draw.normal(0, 0.06))) if requests else 0
        spread = math.exp(abs(draw.normal(0.5, 0.4)) + (2.5 if draw.random() < 0.01 else 0))
        found.append(
            {
                "t": int(NOW) - len(rates) + index,
                "requests": requests,
                "errors": errors[index] if errors else 0,
                "p50_us": p50_us,
                "p99_us": int(p50_us * spread),
            }
        )
    return found


def quiet() -> dict[str, Any]:
    """A daemon that was just started and that nobody has asked."""
    return {
        "server": "eabridge 0.5.0",
        "pid": 4711,
        "now": NOW,
        "started": NOW - 42,
        "uptime_s": 42,
        "health": "ready",
        "requests": 0,
        "errors": {},
        "queued": 0,
        "connections": 0,
        "latency_us": {"p50": 0, "p99": 0},
        "cache": {
            "entries": 0,
            "bytes": 0,
            "limit_bytes": 67_108_864,
            "hits": 0,
            "misses": 0,
        },
        "lanes": [
            lane(default=True, requests=0, batches=0, windows=0, queue_p50_us=0, infer_p50_us=0)
        ],
        "swaps": {"done": 0, "refused": 0, "last": None},
        "memory_bytes": 96_400_000,
        "forecasts": [],
        "strip": strip([0] * 42),
    }


def one_ea() -> dict[str, Any]:
    """One EA that has asked once an hour: what most see most of the time."""
    return quiet() | {
        "uptime_s": 93_784,
        "requests": 27,
        "connections": 1,
        "latency_us": {"p50": 1_204, "p99": 2_911},
        "cache": {
            "entries": 26,
            "bytes": 41_000,
            "limit_bytes": 67_108_864,
            "hits": 1,
            "misses": 26,
        },
        "lanes": [lane(default=True, requests=27, batches=26, windows=26)],
        "forecasts": [forecast(ago_s=127)],
        "strip": strip([0] * 172 + [1] + [0] * 127),
    }


def busy() -> dict[str, Any]:
    """Several EAs and a tester, some errors, one model that restarts."""
    draw = np.random.default_rng(3)
    rates = [int(rate) for rate in draw.poisson(140, 300)]
    rates[40:55] = [0] * 15
    errors = [int(draw.random() < 0.03) * int(draw.integers(1, 9)) for _ in rates]
    return quiet() | {
        "uptime_s": 268_000,
        "health": "degraded",
        "requests": 1_234_567,
        "errors": {"busy": 212, "expired": 31, "short_window": 4, "model_failed": 1},
        "queued": 7,
        "connections": 12,
        "latency_us": {"p50": 437, "p99": 1_302},
        "cache": {
            "entries": 41_208,
            "bytes": 61_310_000,
            "limit_bytes": 67_108_864,
            "hits": 834_211,
            "misses": 400_356,
        },
        "lanes": [
            lane(default=True, requests=1_100_402, queued=3, in_flight=2, failed=31),
            lane(
                "fx-h1-eurgbp@8d01b2c44f60",
                answers_for=["EURGBP"],
                symbols=["EURGBP"],
                requests=88_120,
            ),
            lane(
                "gold-m5@77aa01f2c3d4",
                mode="worker",
                state="restarting",
                tf=300,
                requests=46_045,
                failed=212,
                queued=4,
                restarts=2,
                infer_p50_us=7_310,
                infer_p99_us=19_400,
                queue_p50_us=2_210,
            ),
        ],
        "swaps": {
            "done": 3,
            "refused": 1,
            "last": "fx-h1@3f9a1c5e77d2 took the place of fx-h1@90c1de22ab07",
        },
        "memory_bytes": 181_000_000,
        "forecasts": [
            forecast("EURUSD", ago_s=0.4),
            forecast("USDJPY", last=151.238, digits=3, ago_s=2.0, cached=True, server_us=61),
            forecast(
                "EURGBP",
                last=0.85512,
                ago_s=3.0,
                model="fx-h1-eurgbp@8d01b2c44f60",
                server_us=512,
            ),
            forecast(
                "XAUUSD",
                last=2341.07,
                digits=2,
                tf=300,
                model="gold-m5@77aa01f2c3d4",
                ago_s=95.0,
                server_us=11_420,
                horizon=8,
            ),
            forecast("BTCUSD", last=64_250.1, digits=1, ago_s=3_800.0, server_us=902),
        ],
        "strip": strip(rates, errors),
    }
