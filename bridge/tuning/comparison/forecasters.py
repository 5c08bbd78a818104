"""Forecasts of whole tests as log-returns, by networks and by forecasters without training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bridge.backends import Backend
from bridge.forecaster.model import ForecasterConfig
from bridge.tuning.comparison.losses import Losses, window_losses
from bridge.tuning.comparison.plan import OWN
from bridge.tuning.comparison.results import Example, LeftOut, Untrained
from bridge.tuning.comparison.tasks import Scored, Task
from bridge.tuning.methods.bases import Base
from bridge.tuning.scoring import baselines
from bridge.tuning.scoring.asking import Ask, forecast_moves
from bridge.tuning.scoring.classical import CLASSICAL, ClassicalError, classical_quantiles
from bridge.tuning.scoring.scores import RANDOM_WALK, pinball
from bridge.tuning.training.objectives import validation_ratio

Array = NDArray[np.float64]
BASE = "base"
BASELINES_VERSION = 2
"""To be raised with whatever changes what `scoring.baselines` or `scoring.classical` forecast:
what was scored before is then scored again."""

_PAST_SHOWN = 60


def network_losses(network: nn.Module, scored: Sequence[Scored]) -> Losses:
    """The losses of a network in evaluation mode on windows of several files."""
    return _asked_losses(_ask_network(network), network.config, scored)  # type: ignore[arg-type]


def backend_losses(backend: Backend, task: Task) -> Losses:
    """A backend's losses on the test windows."""
    return _asked_losses(backend.forecast, task.config, task.test)


def _ask_network(network: nn.Module) -> Ask:
    device = next(network.parameters()).device

    def ask(bars: Array, time: Array) -> tuple[Array, Array]:
        with torch.no_grad():
            prices, up = network(
                torch.from_numpy(bars).to(device), torch.from_numpy(time).to(device)
            )
        return prices.cpu().numpy(), up.cpu().numpy()

    return ask


def _asked_losses(ask: Ask, config: ForecasterConfig, scored: Sequence[Scored]) -> Losses:
    answers = [forecast_moves(ask, config, each.bars, each.ends) for each in scored]
    return _losses(
        scored,
        config,
        np.concatenate([quantiles for quantiles, _ in answers]),
        np.concatenate([up for _, up in answers]),
    )


def untrained(task: Task, base_network: nn.Module | None) -> tuple[list[Untrained], list[LeftOut]]:
    """Walks, classical methods and the base before tuning, on a task's test windows.

    A classical method that cannot be fitted to one of the files is left out, and said to be.

    Args:
        task: the task.
        base_network: the base as it is, where it can answer this task's windows.
    """
    by_file = [walks(each, task.config) for each in task.test]
    found = {name: [walk[name] for walk in by_file] for name in by_file[0]}
    left_out = []
    for name in CLASSICAL:
        try:
            found[name] = _classical(name, task)
        except ClassicalError as error:
            left_out.append(LeftOut(task.name, task.fold, name, str(error)))
    validations = walk_validation(task)
    shown, row = example_window(task)
    place = next(index for index, each in enumerate(task.test) if each is shown)
    results = [
        Untrained(
            task=task.name,
            name=name,
            fold=task.fold,
            test=_losses(
                task.test,
                task.config,
                np.concatenate(quantiles),
                # The last move turned round: the one classical caller of direction.
                _reversal(task) if name == RANDOM_WALK else None,
            ),
            validation=validations.get(name),
            kept=_kept_walk(task) if name == RANDOM_WALK and task.kept else None,
            example=quantiles[place][row],
        )
        for name, quantiles in found.items()
    ]
    if base_network is not None:
        results.append(_untuned(task, base_network))
    return results, left_out


def untrained_fingerprint(task: Task, base: Base) -> str:
    """Of all that decides what `untrained` gives."""
    content = [
        *(BASELINES_VERSION, baselines.EWMA_DECAY, baselines.SHOCK),
        asdict(task.config),
        task.data_hash,
        [len(each.ends) for each in task.validated],
        base.weights_digest if task.name == OWN else "",  # elsewhere the base cannot answer
    ]
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()


def walks(scored: Scored, config: ForecasterConfig) -> dict[str, Array]:
    """[W, H, Q] quantiles of the random walks that `evaluate` has."""
    found = baselines.walks(scored.bars, scored.ends, config.context, config.horizon)
    return {
        name: baselines.gaussian_quantiles(value, config.levels) for name, value in found.items()
    }


def _classical(name: str, task: Task) -> list[Array]:
    """[W, H, Q] of each file."""
    config = task.config
    return [
        classical_quantiles(
            name,
            scored.bars,
            split.train,
            scored.ends,
            context=config.context,
            horizon=config.horizon,
            levels=config.levels,
        )
        for scored, split in zip(task.test, task.splits, strict=True)
    ]


def walk_validation(task: Task) -> dict[str, float]:
    """Each walk's pinball ratio on the validation windows, as the trainer scores networks."""
    config = task.config
    levels = np.array(config.levels)
    sums: dict[str, Array] = {}
    for scored in task.validated:
        moves = scored.moves(config.horizon)
        for name, quantiles in walks(scored, config).items():
            loss = pinball(quantiles, moves, levels).sum(axis=0)
            sums[name] = sums.get(name, np.zeros(config.horizon)) + loss
    return {name: float((loss / sums[RANDOM_WALK]).mean()) for name, loss in sums.items()}


def example_window(task: Task) -> tuple[Scored, int]:
    """The test window that is drawn, by its file and row: the one whose moves, in units of its
    own past volatility, are the median of all. No forecaster's result chooses it."""
    wildness = [
        np.abs(each.moves(task.config.horizon)).mean(axis=1)
        / np.maximum(
            baselines.random_walk(
                each.bars, each.ends, task.config.context, task.config.horizon
            ).mean(axis=1),
            1e-12,
        )
        for each in task.test
    ]
    joined = np.concatenate(wildness)
    place = int(np.argsort(joined, kind="stable")[len(joined) // 2])
    for each in task.test:
        if place < len(each.ends):
            return each, place
        place -= len(each.ends)
    raise AssertionError("a task has windows")


def example(task: Task) -> Example:
    """The window that is drawn: what was before it and what came."""
    scored, row = example_window(task)
    end, bars = int(scored.ends[row]), scored.bars
    past = slice(max(0, end + 1 - max(task.config.context, _PAST_SHOWN)), end + 1)
    return Example(
        task=task.name,
        symbol=bars.symbol,
        time=int(bars.time[end]),
        past=tuple(bars.close[past][-_PAST_SHOWN:].tolist()),
        actual=tuple(bars.close[end + 1 : end + 1 + task.config.horizon].tolist()),
    )


def example_forecast(task: Task, network: nn.Module) -> Array:
    """[H, Q] the network's forecast of the example window, log-returns."""
    scored, row = example_window(task)
    one = Scored(scored.bars, scored.ends[row : row + 1])
    quantiles, _ = forecast_moves(_ask_network(network), task.config, one.bars, one.ends)
    first: Array = quantiles[0]
    return first


def _untuned(task: Task, network: nn.Module) -> Untrained:
    validation = validation_ratio(network, task.validation)  # type: ignore[arg-type]
    network.eval()
    return Untrained(
        task=task.name,
        name=BASE,
        fold=task.fold,
        test=network_losses(network, task.test),
        validation=validation,
        kept=network_losses(network, task.kept) if task.kept else None,
        example=example_forecast(task, network),
    )


def _reversal(task: Task) -> Array:
    return np.concatenate([baselines.reversal(each.bars, each.ends) for each in task.test])


def _kept_walk(task: Task) -> Losses:
    quantiles = [
        baselines.gaussian_quantiles(
            baselines.random_walk(each.bars, each.ends, task.config.context, task.config.horizon),
            task.config.levels,
        )
        for each in task.kept
    ]
    return _losses(task.kept, task.config, np.concatenate(quantiles), None)


def _losses(
    scored: Sequence[Scored], config: ForecasterConfig, quantiles: Array, up: Array | None
) -> Losses:
    return window_losses(
        np.concatenate([each.bars.time[each.ends] for each in scored]),
        np.concatenate([each.moves(config.horizon) for each in scored]),
        config.levels,
        quantiles,
        up,
    )
