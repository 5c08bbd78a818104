"""Bases: the weights that a method tunes, from a bundle of ours or a GPT-2 of Hugging Face's.

Of a Hugging Face checkpoint the attention, the MLPs, the layer norms and the first rows of the
table of positions are kept; its words are dropped, for patches of bars take their place.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bridge.bundles import Bundle, BundleError, find_bundle, list_bundles, open_bundle
from bridge.bundles.bundle import WEIGHTS_FILE
from bridge.bundles.manifest import MANIFEST_FILE
from bridge.forecaster.model import ForecasterConfig
from bridge.forecaster.text import TextForecaster
from bridge.tuning.methods.hugging_face import (
    BLOCKS,
    POSITIONS,
    WORDS,
    BaseError,
    Checkpoint,
    from_folder,
    from_hub,
    read_weights,
)
from bridge.tuning.recipes.recipe import ModelRecipe

__all__ = [
    "BLOCKS",
    "POSITIONS",
    "WORDS",
    "Base",
    "BaseError",
    "fitting_shapes",
    "network_config",
    "open_base",
    "require_same_blocks",
    "transplant",
]

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.\-]*(/[A-Za-z0-9][\w.\-]*)?")
# What the shell's weights mean beside their shape: (beginning of a name, the settings it is for).
_MEANINGS = (
    ("patch_embedding.", ("inputs", "patch")),
    ("patch_hour.", ("open_hours", "tf")),
    ("level.", ("usual_volatility",)),
    ("head.hour.", ("open_hours", "tf")),
    ("head.gaps.", ("levels",)),
)


@dataclass(frozen=True)
class Base:
    """What a method tunes.

    Attributes:
        name: the bundle's label, or the text a Hugging Face checkpoint was named by.
        bundle, config: of a base of ours; None of another's.
        layers, heads, width, inner, activation, epsilon: of its GPT-2 blocks.
        weights: float32, by their names in a network (`gpt2.h.0.attn.c_attn.weight`, ...); of
            our own bases the shell's too.
    """

    name: str
    bundle: Bundle | None
    config: ForecasterConfig | None
    layers: int
    heads: int
    width: int
    inner: int
    activation: str
    epsilon: float
    weights: Mapping[str, Tensor]

    @property
    def weights_digest(self) -> str:
        """A hash of its weights, which tells bases of one name apart."""
        digest = hashlib.sha256()
        for name in sorted(self.weights):
            digest.update(name.encode())
            digest.update(self.weights[name].numpy().tobytes())
        return digest.hexdigest()


def open_base(text: str, stores: Sequence[Path]) -> Base:
    """Find and read a base: a bundle, else a folder in Hugging Face format, else a hub's name.

    Args:
        text: a bundle's name, `name@version` or folder; a folder with `config.json` and
            safetensors; or a name on the Hugging Face hub, such as `gpt2`.
        stores: where bundles are looked for.

    Raises:
        BaseError: there is none, it cannot be read, or it is no GPT-2 that can be tuned.
    """
    if not text:
        raise BaseError("no base is named: give a model's name, a GPT-2's folder, or `gpt2`")
    folder = Path(text)
    with suppress(OSError):  # a name that no folder can have
        if (folder / MANIFEST_FILE).is_file():
            return _from_bundle(_opened(folder))
        if folder.is_dir() and not _names_a_bundle(text, stores):
            return _from_checkpoint(from_folder(folder, text), text)
    if _names_a_bundle(text, stores):
        return _from_bundle(_found(text, stores))
    if len(folder.parts) > 2 or not _HUB_NAME.fullmatch(text):  # nothing the hub could have
        raise BaseError(f"{_found_nothing(text, stores)}, and no folder {text}")
    return _from_checkpoint(from_hub(text, _found_nothing(text, stores)), text)


def network_config(
    model: ModelRecipe,
    base: Base | None,
    *,
    tf: int,
    open_hours: tuple[int, ...],
    usual_volatility: float,
) -> ForecasterConfig:
    """The network that a recipe asks for, over a base where there is one.

    A base of ours brings its own trading week and usual volatility, in which its weights think;
    the recipe's `usual_volatility`, where it gives one, has the last word.

    Args:
        model: the recipe's. base: what it is built on.
        tf, open_hours, usual_volatility: of the training bars.

    Raises:
        BaseError: the base has another shape than the recipe says, or other bars.
        ValueError: the recipe's shape cannot be.
    """
    settings: dict[str, Any] = {
        **asdict(model),
        "tf": tf,
        "open_hours": open_hours,
        "usual_volatility": model.usual_volatility or usual_volatility,
    }
    if base is None:
        return ForecasterConfig(**settings)
    for name in ("inner", "activation", "epsilon"):
        settings[name] = getattr(base, name)
    if base.config is not None:
        if base.config.tf != tf:
            raise BaseError(
                f"base {base.name} reads bars of {base.config.tf} seconds and these have {tf}: "
                "give bars of its timeframe, or another base"
            )
        settings["open_hours"] = base.config.open_hours
        settings["usual_volatility"] = model.usual_volatility or base.config.usual_volatility
    config = ForecasterConfig(**settings)
    require_same_blocks(config, base)
    return config


def require_same_blocks(config: ForecasterConfig, base: Base) -> None:
    """Raise BaseError where the base's blocks are no blocks of this configuration."""
    for name in ("layers", "heads", "width", "activation", "epsilon"):
        ours, theirs = getattr(config, name), getattr(base, name)
        if ours != theirs:
            raise BaseError(
                f"the recipe says {name} = {ours} and base {base.name} has {theirs}: write "
                f"{name} = {theirs} under [model], or choose another base"
            )
    if (config.inner or 4 * config.width) != (base.inner or 4 * base.width):
        raise BaseError(
            f"the network's MLPs are {config.inner or 4 * config.width} wide and those of base "
            f"{base.name} {base.inner or 4 * base.width}: choose another base"
        )


def fitting_shapes(network: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those weights that a plain network has room for, by name and shape, in their own memory.

    Positions are cut to the network's; words are left out.
    """
    fits = {}
    for name, own in network.state_dict().items():
        theirs = weights.get(name)
        if name == POSITIONS and theirs is not None:
            theirs = theirs[: len(own)]
        if theirs is not None and name != WORDS and theirs.shape == own.shape:
            fits[name] = theirs
    return fits


def transplant(network: nn.Module, base: Base) -> frozenset[str]:
    """Copy what fits of a base into a plain network; what is left over is fresh.

    A weight fits when its shape does and it means the same: hours of another trading week or
    patches of other bars stay behind.

    Returns:
        The names of the parameters that the base did not bring and training has to.

    Raises:
        BaseError: the base's blocks are no blocks of this network.
    """
    config: Any = network.config
    require_same_blocks(config, base)
    fits = {
        name: value
        for name, value in fitting_shapes(network, base.weights).items()
        if _means_the_same(name, config, base.config)
    }
    parameters = dict(network.named_parameters())
    with torch.no_grad():
        for name, value in fits.items():
            parameters[name].copy_(value)
        known = base.weights[POSITIONS]
        if POSITIONS not in fits and _means_the_same(POSITIONS, config, base.config):
            parameters[POSITIONS][: len(known)].copy_(known)  # a longer window than it knew
    if isinstance(network, TextForecaster) and base.bundle is None and WORDS in base.weights:
        network.start_digits(base.weights[WORDS])
    return frozenset(parameters.keys() - fits.keys() - {WORDS})


def _means_the_same(name: str, ours: ForecasterConfig, theirs: ForecasterConfig | None) -> bool:
    """Whether a weight of a base is about what the network's weight of that name is about."""
    if name == POSITIONS:  # of patches in the one head, of digits in the other; of words in theirs
        return theirs is None or ours.head == theirs.head
    if name.startswith(BLOCKS):
        return True
    return theirs is not None and all(
        getattr(ours, setting) == getattr(theirs, setting)
        for beginning, settings in _MEANINGS
        if name.startswith(beginning)
        for setting in settings
    )


def _opened(folder: Path) -> Bundle:
    try:
        return open_bundle(folder)
    except BundleError as error:
        raise BaseError(str(error)) from error


def _found(text: str, stores: Sequence[Path]) -> Bundle:
    try:
        return find_bundle(text, stores)
    except BundleError as error:
        raise BaseError(str(error)) from error


def _names_a_bundle(text: str, stores: Sequence[Path]) -> bool:
    """Whether a store has a folder or a bundle of this name, be it damaged."""
    if "@" in text and not Path(text).is_dir():
        return True  # nothing else is named so
    known = {bundle.manifest.name for bundle in list_bundles(stores)[0]}
    with suppress(OSError):
        return text in known or any((store / text / MANIFEST_FILE).is_file() for store in stores)
    return text in known


def _from_bundle(bundle: Bundle) -> Base:
    manifest = bundle.manifest
    label = manifest.label
    if manifest.method != "full":
        raise BaseError(
            f"{label} is itself an adapter ({manifest.method}) and is no base: tune what it was "
            f"tuned from, --base {manifest.base or 'BASE'}, on its files and yours together"
        )
    if WEIGHTS_FILE not in manifest.files:
        raise BaseError(
            f"{label} holds no {WEIGHTS_FILE}, so nothing of it can be tuned: choose a model "
            "that eabridge trained, such as fx-h1"
        )
    try:
        config = ForecasterConfig.from_record(manifest.network)
    except ValueError as error:
        raise BaseError(f"{label} cannot be tuned: {error}") from error
    weights = read_weights([bundle.path / WEIGHTS_FILE], label)
    shape = {name: getattr(config, name) for name in _SHAPE}
    return Base(name=label, bundle=bundle, config=config, weights=weights, **shape)


_SHAPE = ("layers", "heads", "width", "inner", "activation", "epsilon")


def _from_checkpoint(checkpoint: Checkpoint, name: str) -> Base:
    config = checkpoint.config
    activation = config.activation_function
    if activation == "gelu_new":
        activation = "gelu_pytorch_tanh"  # the same function, in one kernel
    return Base(
        name=name,
        bundle=None,
        config=None,
        layers=config.n_layer,
        heads=config.n_head,
        width=config.n_embd,
        inner=config.n_inner or 0,
        activation=activation,
        epsilon=config.layer_norm_epsilon,
        weights=checkpoint.weights,
    )


def _found_nothing(text: str, stores: Sequence[Path]) -> str:
    known = ", ".join(bundle.manifest.label for bundle in list_bundles(stores)[0]) or "none"
    return f"there is no model '{text}' (there are: {known})"
