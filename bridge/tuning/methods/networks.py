"""Networks: a shell (embeddings and a head) around GPT-2's blocks, with or without an adapter.

tuned_network   ready to train       plain_network  ready to export
save_network    to a run's folder    load_network   from a bundle, for this or that
shared_network  from a bundle, on a base that is in memory already and stays there once
"""

from __future__ import annotations

import contextlib
import copy
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import GPT2Model

from bridge.bundles import Bundle
from bridge.bundles.bundle import WEIGHTS_FILE
from bridge.forecaster.model import Forecaster, ForecasterConfig
from bridge.forecaster.text import TextForecaster
from bridge.tuning.methods.adapters import (
    attach,
    attach_saved,
    detach,
    save_adapter,
    without_adapter,
)
from bridge.tuning.methods.adapters import blocks as blocks_of
from bridge.tuning.methods.bases import (
    BLOCKS,
    POSITIONS,
    WORDS,
    Base,
    BaseError,
    fitting_shapes,
    transplant,
)
from bridge.tuning.methods.hugging_face import read_weights
from bridge.tuning.methods.nf4 import round_trip
from bridge.tuning.recipes.recipe import MethodRecipe

Network: TypeAlias = Forecaster | TextForecaster

SHELL_FILE = "shell.safetensors"
"""What an adapter's training changed outside of it (head, embeddings, positions), by plain name."""


def tuned_network(
    config: ForecasterConfig, method: MethodRecipe, base: Base | None, *, seed: int
) -> Network:
    """A network over a base, ready to train: what the method trains requires a gradient.

    Args:
        config: its shape (`bases.network_config`). method: how it is tuned.
        base: what it tunes; None for `full` from scratch.
        seed: fixes every weight that the base does not bring.

    Raises:
        BaseError: the method needs a base, or this one is of another shape.
    """
    if base is None and method.name != "full":
        raise BaseError(
            f"{method.name} tunes a base and none is given: name one (--base fx-h1, or "
            "base = under [method]), or train from scratch with method full"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _new(config)
        if base is None:
            return network
        fresh = transplant(network, base)
        if method.name == "full":
            return network
        network.requires_grad_(False)
        network.gpt2 = attach(network.gpt2, method)
    for name in {*fresh, *(_shell_names(network) if method.train_shell else ())}:
        plain_parameter(network, name).requires_grad_(True)
    marked: Any = network
    marked.has_foreign_base = base.bundle is None
    return network


def trainable_parameters(network: nn.Module) -> int:
    """Number of parameters that training changes."""
    return sum(_size(each) for each in network.parameters() if each.requires_grad)


def all_parameters(network: nn.Module) -> int:
    """Number of parameters, adapter and 4-bit weights included."""
    return sum(_size(each) for each in network.parameters())


def blocks(network: Network) -> GPT2Model:
    """The `GPT2Model` inside a network, whatever adapter wraps it."""
    return blocks_of(network.gpt2)


def plain_parameter(network: Network, name: str) -> Tensor:
    """A parameter outside the adapter by its name in a plain network (`gpt2.wpe.weight`, ...)."""
    if name.startswith(BLOCKS):
        return blocks(network).get_parameter(name.removeprefix(BLOCKS))
    return network.get_parameter(name)


def plain_network(network: Network) -> Network:
    """A copy that answers as this one does and exports: eval mode, merged where that can be.

    lora, qlora (out of NF4) and ia3 are merged into GPT-2's weights; bottleneck and prefix stay.
    """
    plain = copy.deepcopy(network)
    plain.gpt2 = detach(plain.gpt2)
    return plain.requires_grad_(False).eval()


def save_network(network: Network, method: MethodRecipe, folder: Path) -> list[str]:
    """Write what `load_network` needs beside the manifest. Returns the names of the files.

    `full` writes model.safetensors. The others write PEFT's two files and, where something
    outside the adapter was trained, shell.safetensors. Over a base that is no bundle of ours
    its blocks are written too, as model.safetensors, so that the bundle needs nothing else.
    """
    if method.name == "full":
        _save(network.state_dict(), folder / WEIGHTS_FILE)
        return [WEIGHTS_FILE]
    files = save_adapter(network.gpt2, folder)
    shell = {
        name: value
        for name in _plain_names(network)
        if (value := plain_parameter(network, name)).requires_grad
    }
    if shell:
        _save(shell, folder / SHELL_FILE)
        files.append(SHELL_FILE)
    if getattr(network, "has_foreign_base", False):
        _save(_unadapted_blocks(network), folder / WEIGHTS_FILE)
        files.append(WEIGHTS_FILE)
    return files


def load_network(bundle: Bundle, find_base: Callable[[str], Base]) -> Network:
    """The network of a bundle as it was trained, in eval mode, adapter and all.

    Args:
        bundle: of any method. find_base: gives the base that a manifest's `base` names.

    Raises:
        BaseError: it does not fit its base, or has no weights.
        ValueError: its manifest records no network that can be built.
    """
    if WEIGHTS_FILE in bundle.manifest.files:
        return shared_network(bundle, None)
    base = find_base(bundle.manifest.base)
    return shared_network(bundle, shared_weights(base, bundle.manifest.method))


def shared_network(bundle: Bundle, weights: Mapping[str, Tensor] | None) -> Network:
    """The network of a bundle over weights that are in memory: they are used, not copied.

    Args:
        bundle: of any method.
        weights: `shared_weights` of its base and method; None reads those in the bundle itself.

    Raises:
        BaseError: it does not fit those weights, or has none.
        ValueError: its manifest records no network that can be built.
    """
    manifest = bundle.manifest
    config = ForecasterConfig.from_record(manifest.network)
    with _without_memory():  # every parameter is put in below
        network = _new(config)
    if weights is None:
        if WEIGHTS_FILE not in manifest.files:
            raise BaseError(f"{manifest.label} holds no {WEIGHTS_FILE}: its base is needed too")
        weights = read_weights([bundle.path / WEIGHTS_FILE], manifest.label)
    shell = [bundle.path / SHELL_FILE] if SHELL_FILE in manifest.files else []
    known = {**fitting_shapes(network, weights), **read_weights(shell, manifest.label)}
    missing = dict(network.named_parameters()).keys() - known.keys() - {WORDS}
    if missing:
        raise BaseError(
            f"{manifest.label} does not fit {manifest.base or 'its weights'}: "
            f"{min(missing)} is in neither, or of another shape"
        )
    words = torch.zeros(blocks(network).wte.weight.shape)
    network.load_state_dict({**known, WORDS: words}, strict=False, assign=True)
    network.requires_grad_(False)
    network.gpt2 = attach_saved(network.gpt2, manifest.method, bundle.path)
    return network.requires_grad_(False).eval()


def shared_weights(base: Base, method: str) -> Mapping[str, Tensor]:
    """What networks over a base share: its weights; for `qlora` the values NF4 keeps of them."""
    return round_trip(base.weights) if method == "qlora" else base.weights


def _new(config: ForecasterConfig) -> Network:
    return TextForecaster(config) if config.head == "text" else Forecaster(config)


@contextlib.contextmanager
def _without_memory() -> Iterator[None]:
    """Parameters that this thread makes meanwhile have a shape and no values.

    A network whose weights are in memory already is so built without room for a second set, and
    without drawing random numbers that nobody will see. Buffers are made as ever.
    """
    thread = threading.get_ident()
    modules: Any = nn.Module
    with _BUILDING:
        register = nn.Module.register_parameter

        def register_empty(module: nn.Module, name: str, value: nn.Parameter | None) -> None:
            if value is not None and threading.get_ident() == thread:
                value = nn.Parameter(value.to("meta"), requires_grad=value.requires_grad)
            register(module, name, value)

        modules.register_parameter = register_empty
        try:
            yield
        finally:
            modules.register_parameter = register


_BUILDING = threading.Lock()


def _plain_names(network: Network) -> list[str]:
    """Names of what stands outside an adapter and can be trained: the shell and positions."""
    return [*_shell_names(network), POSITIONS]


def _shell_names(network: Network) -> list[str]:
    return [name for name, _ in network.named_parameters() if not name.startswith(BLOCKS)]


def _unadapted_blocks(network: Network) -> dict[str, Tensor]:
    """The blocks' weights as the adapter found them, positions aside where they were trained."""
    plain = without_adapter(copy.deepcopy(network.gpt2))
    return {
        f"{BLOCKS}{name}": value
        for name, value in plain.named_parameters()
        if f"{BLOCKS}{name}" != WORDS and not value.requires_grad
    }


def _save(weights: Mapping[str, Tensor], path: Path) -> None:
    save_file({name: value.detach().contiguous() for name, value in weights.items()}, path)


def _size(parameter: Tensor) -> int:
    packed = type(parameter).__name__ == "Params4bit"  # two weights in a byte
    return parameter.numel() * (2 * parameter.element_size() if packed else 1)
