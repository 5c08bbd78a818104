"""What is trained of a network: its weights, their running average and the best of it.

Frozen weights have no part in it: an adapter on a large base needs no copy of the base.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn


class TrainedWeights:
    """The weights of a network that require a gradient, their running average, and the best
    average so far.

    Raises:
        ValueError: none requires a gradient.
    """

    def __init__(self, network: nn.Module) -> None:
        self.trained = {
            name: parameter
            for name, parameter in network.named_parameters()
            if parameter.requires_grad
        }
        if not self.trained:
            raise ValueError("nothing in this network can be trained: every weight is frozen")
        self._average = {name: value.detach().clone() for name, value in self.trained.items()}
        self._best = {name: value.clone() for name, value in self._average.items()}

    @property
    def groups(self) -> dict[str, Mapping[str, Tensor]]:
        """All three, as a checkpoint keeps them."""
        return {"model": self.trained, "average": self._average, "best": self._best}

    @torch.no_grad()
    def update_average(self, decay: float, step: int) -> None:
        """Exponential, but a plain mean over a quarter of the steps while there are few."""
        share = 1.0 if step == 1 else max(1.0 - decay, 4.0 / (3.0 + step))
        for name, average in self._average.items():
            if step == 1:
                average.copy_(self.trained[name])
            else:
                average.lerp_(self.trained[name], share)

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """The network bears the averaged weights meanwhile."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def keep_average_as_best(self) -> None:
        """The average is the best so far."""
        for name, best in self._best.items():
            best.copy_(self._average[name])

    @torch.no_grad()
    def use_best(self) -> None:
        """The network bears the best average from now on."""
        for name, parameter in self.trained.items():
            parameter.copy_(self._best[name])

    def _swap(self) -> None:
        for name, parameter in self.trained.items():
            parameter.data, self._average[name] = self._average[name], parameter.data
