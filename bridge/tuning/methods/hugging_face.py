"""GPT-2 checkpoints of other people's, in Hugging Face format: from a folder or from the hub.

Only safetensors are read. Attention, MLPs, layer norms and positions are kept; of the words,
GPT-2's first few alone, among which its digits are.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import GPT2Config

from bridge.bundles.bundle import WEIGHTS_FILE
from bridge.bundles.manifest import MANIFEST_FILE
from bridge.forecaster.model import ACTIVATIONS

BLOCKS = "gpt2."
"""What the names of GPT-2's weights begin with in a network; the rest is its shell."""
WORDS = "gpt2.wte.weight"
"""GPT-2's table of words: a network has one and never looks into it."""
POSITIONS = "gpt2.wpe.weight"

_CONFIG = "config.json"
_INDEX = "model.safetensors.index.json"
_PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")
_GPT2_VOCABULARY = 50_257
_KEPT_WORDS = 25  # "!" to "9": its tokens begin as ASCII does
_USUAL = {
    "scale_attn_weights": True,
    "scale_attn_by_inverse_layer_idx": False,
    "reorder_and_upcast_attn": False,
    "add_cross_attention": False,
}


class BaseError(ValueError):
    """A base cannot be used, or not for this recipe. The message says why and what can."""


@dataclass(frozen=True)
class Checkpoint:
    """A GPT-2's configuration, and its weights (float32) by their names in a network."""

    config: GPT2Config
    weights: dict[str, Tensor]


def from_folder(folder: Path, name: str) -> Checkpoint:
    """A checkpoint as `save_pretrained` writes it: config.json beside safetensors.

    Args:
        folder: where it is. name: what messages call it.

    Raises:
        BaseError: it is no GPT-2, holds no safetensors, or is damaged.
    """
    if not (folder / _CONFIG).is_file():
        raise BaseError(
            f"{folder} holds neither {MANIFEST_FILE} nor {_CONFIG}: give the folder of a "
            "model of ours, or of a GPT-2 in Hugging Face format"
        )
    config = _read_config(folder / _CONFIG, name)
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        pickled = sorted(path.name for kind in _PICKLED for path in folder.glob(kind))
        found = f"its weights are {', '.join(pickled)}" if pickled else "it holds no weights"
        raise BaseError(
            f"{folder} is a GPT-2 without safetensors ({found}): only safetensors are read, "
            "for other formats can run code; save it again with save_pretrained"
        )
    return _checkpoint(config, files, name)


def from_hub(name: str, nothing: str) -> Checkpoint:
    """Download a checkpoint, or take it from Hugging Face's cache.

    Args:
        name: on the hub. nothing: begins the message where the hub has it neither.

    Raises:
        BaseError: as `from_folder`; the hub does not have it, or cannot be reached.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    # Off line the hub's library would try for half a minute, and tell of each attempt.
    download = partial(hf_hub_download, name, local_files_only=not _hub_has_an_address())
    try:
        config = _read_config(Path(download(_CONFIG)), name)
        try:
            files = [Path(download(WEIGHTS_FILE))]
        except LocalEntryNotFoundError:
            raise
        except EntryNotFoundError:
            index = Path(download(_INDEX)).read_text(encoding="utf-8")
            parts = sorted(set(json.loads(index)["weight_map"].values()))
            files = [Path(download(part)) for part in parts]
    except LocalEntryNotFoundError as error:
        raise BaseError(
            f"{nothing}, no folder {name}, and the Hugging Face hub cannot be reached: give a "
            "model or a folder that is here, or go online once to download it"
        ) from error
    except EntryNotFoundError as error:
        raise BaseError(
            f"'{name}' on the Hugging Face hub is no GPT-2 in safetensors: choose another"
        ) from error
    except RepositoryNotFoundError as error:
        raise BaseError(
            f"{nothing}, no folder {name}, and on the Hugging Face hub none that may be read "
            "without logging in: check the name"
        ) from error
    except (HfHubHTTPError, OSError) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise BaseError(
            f"{nothing}, no folder {name}, and the Hugging Face hub does not give it ({said[0]})"
        ) from error
    return _checkpoint(config, files, name)


def _hub_has_an_address() -> bool:
    """Whether the hub's name can be looked up; behind a proxy that is not ours to know."""
    from huggingface_hub import constants

    if getproxies():
        return True
    try:
        socket.getaddrinfo(urlsplit(constants.ENDPOINT).hostname, None)
    except OSError:
        return False
    return True


def _read_config(path: Path, name: str) -> GPT2Config:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BaseError(f"base {name}: {_CONFIG} is not JSON ({error})") from error
    kind = content.get("model_type") if isinstance(content, dict) else None
    if kind != "gpt2":
        raise BaseError(
            f"base {name} is no GPT-2 but {kind or 'of no stated kind'}: only GPT-2 can be "
            "tuned here (gpt2, distilgpt2, or one of your own)"
        )
    try:
        config = GPT2Config.from_dict(content)
    except (TypeError, ValueError) as error:
        raise BaseError(f"base {name}: {_CONFIG} is no GPT-2's ({error})") from error
    odd = [option for option, usual in _USUAL.items() if getattr(config, option, usual) != usual]
    if odd:
        raise BaseError(
            f"base {name} computes attention in another way ({', '.join(odd)}): choose a GPT-2 "
            "with the usual settings"
        )
    if config.activation_function not in ACTIVATIONS:
        raise BaseError(
            f"base {name} has the activation {config.activation_function}: known are "
            f"{', '.join(ACTIVATIONS)}"
        )
    return config


def _checkpoint(config: GPT2Config, files: Sequence[Path], name: str) -> Checkpoint:
    found = {
        # GPT2LMHeadModel names its blocks `transformer.`, GPT2Model does not.
        BLOCKS + key.removeprefix("transformer."): value
        for key, value in read_weights(files, name).items()
    }
    weights = {}
    for key, shape in _expected(config).items():
        value = found.get(key)
        if value is None or tuple(value.shape) != shape:
            has = "is missing" if value is None else f"has the shape {list(value.shape)}"
            raise BaseError(
                f"base {name}: {key.removeprefix(BLOCKS)} {has}, where its {_CONFIG} means "
                f"{list(shape)}: its files do not belong together, download it again"
            )
        weights[key] = value
    words = found.get(WORDS)
    if words is not None and len(words) == _GPT2_VOCABULARY:
        weights[WORDS] = words[:_KEPT_WORDS].clone()
    return Checkpoint(config, weights)


def _expected(config: GPT2Config) -> dict[str, tuple[int, ...]]:
    """The names and shapes of a GPT-2's weights, words aside."""
    width, inner = config.n_embd, config.n_inner or 4 * config.n_embd
    block: dict[str, tuple[int, ...]] = {
        "ln_1.weight": (width,),
        "ln_1.bias": (width,),
        "attn.c_attn.weight": (width, 3 * width),
        "attn.c_attn.bias": (3 * width,),
        "attn.c_proj.weight": (width, width),
        "attn.c_proj.bias": (width,),
        "ln_2.weight": (width,),
        "ln_2.bias": (width,),
        "mlp.c_fc.weight": (width, inner),
        "mlp.c_fc.bias": (inner,),
        "mlp.c_proj.weight": (inner, width),
        "mlp.c_proj.bias": (width,),
    }
    return {
        **{
            f"{BLOCKS}h.{layer}.{name}": shape
            for layer in range(config.n_layer)
            for name, shape in block.items()
        },
        POSITIONS: (config.n_positions, width),
        f"{BLOCKS}ln_f.weight": (width,),
        f"{BLOCKS}ln_f.bias": (width,),
    }


def read_weights(files: Sequence[Path], name: str) -> dict[str, Tensor]:
    """The tensors of safetensors files, as float32, in memory: the files may go or change.

    Raises:
        BaseError: a file cannot be read, or holds what is no finite number.
    """
    weights: dict[str, Tensor] = {}
    for path in files:
        try:
            found = load_file(path)
        except (SafetensorError, OSError) as error:
            raise BaseError(f"base {name}: {path.name} cannot be read ({error})") from error
        for key, value in found.items():
            if not value.is_floating_point():
                continue  # masks of old checkpoints: nothing asks for them
            if not torch.isfinite(value).all():
                raise BaseError(f"base {name}: {key} holds values that are not finite")
            # What was read is a view of the file, which Windows then lets nobody replace.
            weights[key] = value.to(torch.float32, copy=True)
    return weights
