"""A training run's state on disk, in safetensors: nothing is pickled, nothing is half-written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn, optim

_STATE = "state"


class DamagedCheckpoint(ValueError):
    """A checkpoint cannot be read."""


def save_checkpoint(
    path: Path,
    modules: dict[str, nn.Module],
    optimizer: optim.Optimizer,
    state: dict[str, Any],
) -> None:
    """Write modules, optimizer and `state` (plain JSON values); the old file stays until done."""
    tensors: dict[str, Tensor] = {}
    for name, module in modules.items():
        for key, value in module.state_dict().items():
            tensors[f"{name}.{key}"] = value.clone().contiguous()
    for index, moments in optimizer.state_dict()["state"].items():
        for key, value in moments.items():
            tensors[f"optimizer.{index}.{key}"] = value.clone().contiguous()
    draft = path.with_suffix(".part")
    save_file(tensors, draft, metadata={_STATE: json.dumps(state)})
    draft.replace(path)


def read_state(path: Path) -> dict[str, Any]:
    """The `state` that a checkpoint was saved with.

    Raises:
        DamagedCheckpoint: the file is no whole checkpoint.
    """
    try:
        with safe_open(path, framework="pt") as file:
            state: dict[str, Any] = json.loads(file.metadata()[_STATE])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DamagedCheckpoint(f"{path} is damaged ({error})") from error
    return state


def load_checkpoint(
    path: Path, modules: dict[str, nn.Module], optimizer: optim.Optimizer
) -> dict[str, Any]:
    """Put modules and optimizer back as they were saved; returns `state`."""
    tensors = load_file(path)
    for name, module in modules.items():
        prefix = f"{name}."
        module.load_state_dict(
            {
                key.removeprefix(prefix): value
                for key, value in tensors.items()
                if key.startswith(prefix)
            }
        )
    moments: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".", 2)
            # A copy: the optimizer would keep the file mapped, and Windows then not replace it.
            moments.setdefault(int(index), {})[name] = value.clone()
    optimizer.load_state_dict(
        {"state": moments, "param_groups": optimizer.state_dict()["param_groups"]}
    )
    return read_state(path)
