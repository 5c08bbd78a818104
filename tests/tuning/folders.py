"""Small networks on disk: bundles as training writes them, and GPT-2s in Hugging Face format."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from transformers import GPT2Config, GPT2Model, PreTrainedModel

from bridge.bundles import Bundle, Manifest, write_bundle
from bridge.forecaster.model import ForecasterConfig
from bridge.tuning.methods.networks import Network, save_network, tuned_network
from bridge.tuning.recipes.recipe import MethodRecipe

SHAPE = ForecasterConfig(context=32, horizon=4, layers=2, heads=2, width=32)


def manifest(config: ForecasterConfig, name: str, **fields: Any) -> Manifest:
    """What training would say of a network of this configuration."""
    return Manifest(
        name=name,
        task="forecast",
        inputs=config.inputs,
        context=config.context,
        horizon=config.horizon,
        levels=config.levels,
        tf=config.tf,
        symbols=(),
        files={},
        network=json.loads(json.dumps(asdict(config))),
        head=config.head,
        **{"runtime": "torch", **fields},
    )


def put(
    store: Path, network: Network, name: str, method: MethodRecipe | None = None, base: str = ""
) -> Bundle:
    """The bundle of a network in a store."""
    method = method or MethodRecipe()
    drafts = store / f".{name}"
    drafts.mkdir(parents=True)
    files = {file: drafts / file for file in save_network(network, method, drafts)}
    said = manifest(network.config, name, method=method.name, base=base)
    return write_bundle(store / name, said, files)


def put_base(
    store: Path, name: str = "base", config: ForecasterConfig = SHAPE, seed: int = 1
) -> Bundle:
    """A base of ours: an untrained network, but with weights far from any special value."""
    return put(store, shaken(tuned_network(config, MethodRecipe(), None, seed=seed)), name)


def shaken(network: Network, noise: float = 0.05, seed: int = 7) -> Network:
    """A network whose trainable weights training has moved, as it were."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.requires_grad:
                parameter.add_(noise * torch.randn(parameter.shape, generator=draw))
    return network


def save_gpt2(
    folder: Path,
    kind: type[PreTrainedModel] = GPT2Model,
    max_shard_size: str = "1GB",
    **changes: Any,
) -> PreTrainedModel:
    """A small GPT-2 as Hugging Face saves it; returned too."""
    shape = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64, "vocab_size": 60}
    torch.manual_seed(3)
    model = kind(GPT2Config(**{**shape, **changes}))
    model.save_pretrained(folder, max_shard_size=max_shard_size)
    return model.eval()


def over(base: Any, config: ForecasterConfig = SHAPE) -> ForecasterConfig:
    """The configuration of a network over this base's blocks."""
    names: Sequence[str] = ("layers", "heads", "width", "inner", "activation", "epsilon")
    return replace(config, **{name: getattr(base, name) for name in names})
