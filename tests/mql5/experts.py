"""The library's programs as a user has them after `eabridge mt5 install`, built once a session."""

from __future__ import annotations

import functools
from typing import Any

from tests.mql5.host import Program, Result, build
from tests.mql5.installed import installed

EVERY_LIKELIHOOD = {"InpMinProbability": 0.5, "InpMinMoveSpreads": 0.0}
"""Inputs with which ForecastTrader trades nearly every forecast: many trades to compare."""


@functools.cache
def trader(platform: str = "linux") -> Program:
    """ForecastTrader, which asks the daemon over the terminal's own sockets."""
    return _expert("ForecastTrader", platform)


@functools.cache
def trader_dll(platform: str = "linux") -> Program:
    """ForecastTraderDll, which asks the daemon over winsock where those are refused."""
    return _expert("ForecastTraderDll", platform)


@functools.cache
def trader_book() -> Program:
    """ForecastTraderBook, which reads a book."""
    return _expert("ForecastTraderBook", "linux")


@functools.cache
def trader_model() -> Program:
    """ForecastTraderModel, which runs the shipped model inside the terminal."""
    return _expert("ForecastTraderModel", "linux")


def _expert(name: str, platform: str) -> Program:
    return build(installed(f"Experts/EABridge/{name}.mq5"), platform=platform)


def entries(result: Result) -> list[dict[str, Any]]:
    """The deals by which positions were opened."""
    deals: list[dict[str, Any]] = result.report["deals"]  # type: ignore[assignment]
    return [deal for deal in deals if deal["entry"] == "in" and deal["type"] in ("buy", "sell")]


def assert_left_nothing(result: Result) -> None:
    """That a program which has ended left nothing open, drawn or undeleted.

    Positions stay, with their stops: they are the user's.
    """
    assert result.undeleted == []
    left = {name: what for name, what in result.report.items() if name.endswith("_left")}
    left.pop("positions_left")
    assert {"sockets_left", "objects_left"} <= left.keys()
    assert not any(left.values()), left
