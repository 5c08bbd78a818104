"""A training run's state on disk, in safetensors: nothing is pickled, nothing is half-written."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, optim

_STATE = "state"


class DamagedCheckpoint(ValueError):
    """A checkpoint cannot be read."""


class UnwritableCheckpoint(OSError):
    """A checkpoint cannot be written. The one before it is still whole."""


def save_checkpoint(
    path: Path,
    groups: Mapping[str, Mapping[str, Tensor]],
    optimizer: optim.Optimizer,
    state: dict[str, Any],
) -> None:
    """Write named groups of tensors, the optimizer and `state` (plain JSON values).

    The old file stays until the new one is whole and on the disk.

    Raises:
        UnwritableCheckpoint: the disk is full, or lets nothing be written there.
    """
    tensors = {
        f"{group}.{name}": _plain(value)
        for group, members in groups.items()
        for name, value in members.items()
    }
    for index, moments in optimizer.state_dict()["state"].items():
        for name, value in moments.items():
            tensors[f"optimizer.{index}.{name}"] = _plain(value)
    draft = path.with_suffix(".part")
    try:
        save_file(tensors, draft, metadata={_STATE: json.dumps(state)})
        with draft.open("rb+") as written:
            os.fsync(written.fileno())  # a rename may reach the disk before the bytes do
        draft.replace(path)
    except (OSError, SafetensorError) as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise UnwritableCheckpoint(f"{path} cannot be written ({reason})") from error


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
    path: Path, groups: Mapping[str, Mapping[str, Tensor]], optimizer: optim.Optimizer
) -> dict[str, Any]:
    """Fill the tensors of `groups` and the optimizer as they were saved; returns `state`.

    Raises:
        DamagedCheckpoint: it holds other tensors than the network has.
    """
    tensors = load_file(path)
    with torch.no_grad():
        for group, members in groups.items():
            for name, value in members.items():
                kept = tensors.get(f"{group}.{name}")
                if kept is None or kept.shape != value.shape:
                    raise DamagedCheckpoint(f"{path} has no {name} such as this network's")
                value.copy_(kept)
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


def _plain(value: Tensor) -> Tensor:
    """A copy on the CPU: safetensors writes no tensor twice, and no view of one."""
    return value.detach().to("cpu", copy=True).contiguous()
