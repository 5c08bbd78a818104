"""How each method is applied to GPT-2's blocks, saved, loaded, and taken apart for export.

Every method but `full` is a PEFT adapter over a `GPT2Model`, and its two files are PEFT's own:
`PeftModel.from_pretrained(gpt2, folder)` loads them without any of this.

    lora        Hu et al. 2021, on the attention's queries, keys and values; merged for export
    qlora       Dettmers et al. 2023: the same over blocks held in 4 bits (NF4)
    bottleneck  Houlsby et al. 2019, or Pfeiffer et al. 2020 by `placement`; stays in the graph
    prefix      Li and Liang 2021, keys and values in front of every window; stays in the graph
    ia3         Liu et al. 2022, factors on attention and MLP; merged for export
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any, TypeAlias

from peft import (
    IA3Config,
    LoraConfig,
    PeftModel,
    PeftType,
    get_peft_model,
    get_peft_model_state_dict,
    set_peft_model_state_dict,
)
from torch import nn
from transformers import GPT2Model

from bridge.tuning.methods.bottleneck import BottleneckConfig
from bridge.tuning.methods.hugging_face import BaseError, read_weights
from bridge.tuning.methods.nf4 import dequantise_blocks, quantise_blocks
from bridge.tuning.methods.prefix import PrefixedGPT2, begin_prefix
from bridge.tuning.recipes.recipe import MethodRecipe

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"

Tuned: TypeAlias = Any
"""A `GPT2Model`, or what stands around one and is called as it is."""

_ATTENTION = ["c_attn"]
_PEFT_TYPES = {
    "lora": "LORA",
    "qlora": "LORA",
    "bottleneck": "BOTTLENECK",
    "prefix": "PREFIX_TUNING",
    "ia3": "IA3",
}


def attach(gpt2: GPT2Model, method: MethodRecipe) -> Tuned:
    """GPT-2's blocks with a new adapter, which alone requires a gradient; `full` is nothing new.

    The blocks are changed in place. The result is called as they were.
    """
    if method.name == "full":
        return gpt2
    if method.name == "prefix":
        with _quiet():
            return begin_prefix(gpt2, method.prefix_tokens)
    if method.name == "qlora":
        quantise_blocks(gpt2)
    return _peft(gpt2, _config(method))


def attach_saved(gpt2: GPT2Model, method: str, folder: Path) -> Tuned:
    """GPT-2's blocks with the adapter of a folder, frozen. `qlora`'s blocks are to hold the
    values that NF4 stands for already (`nf4.round_trip`).

    Raises:
        FileNotFoundError: the folder holds no adapter.
        BaseError: it is another method's, its weights are damaged, or others than it has.
    """
    if method == "full":
        return gpt2
    for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):  # else PEFT would ask the hub for it
        if not (folder / name).is_file():
            raise FileNotFoundError(2, "there is no such file", str(folder / name))
    _require_kind(folder, method)
    held = read_weights([folder / ADAPTER_WEIGHTS], folder.name).keys()
    try:
        with _quiet():
            tuned = PeftModel.from_pretrained(gpt2, str(folder), torch_device="cpu")
    except KeyError as error:  # of a prefix alone: what is missing elsewhere stays as it began
        raise _unlike(folder, {str(error.args[0])}) from error
    with _quiet():
        wanted = get_peft_model_state_dict(tuned, save_embedding_layers=False).keys()
    if wanted != held:
        raise _unlike(folder, wanted ^ held)
    return PrefixedGPT2(tuned) if method == "prefix" else tuned


def _require_kind(folder: Path, method: str) -> None:
    """Raise BaseError where the adapter's own settings are another method's."""
    path = folder / ADAPTER_CONFIG
    try:
        kind = json.loads(path.read_text(encoding="utf-8"))["peft_type"]
    except (ValueError, KeyError, TypeError) as error:
        raise BaseError(f"{path} is no adapter's settings ({error!r})") from error
    if kind != _PEFT_TYPES[method]:
        raise BaseError(
            f"{path} is of a {kind} adapter where {method} is promised: copy the model again from "
            "where it was made"
        )


def _unlike(folder: Path, names: Set[str]) -> BaseError:
    return BaseError(
        f"{folder / ADAPTER_WEIGHTS} holds other tensors than {ADAPTER_CONFIG} beside it asks for "
        f"(such as {min(names)}): copy both again from where they were made, or tune again"
    )


def save_adapter(tuned: Tuned, folder: Path) -> list[str]:
    """Write an adapter as PEFT does, and nothing beside it. Returns the names of the files."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        # PEFT writes a model card too, which says nothing that the manifest does not.
        adapter = tuned.tuned if isinstance(tuned, PrefixedGPT2) else tuned
        adapter.save_pretrained(scratch, save_embedding_layers=False)
        config = json.loads((Path(scratch) / ADAPTER_CONFIG).read_text(encoding="utf-8"))
        (folder / ADAPTER_CONFIG).write_text(
            json.dumps(_settled(config), indent=2, sort_keys=True) + "\n",
            encoding="utf-8",
            newline="\n",
        )
        shutil.copyfile(Path(scratch) / ADAPTER_WEIGHTS, folder / ADAPTER_WEIGHTS)
    return [ADAPTER_CONFIG, ADAPTER_WEIGHTS]


def detach(tuned: Tuned) -> Tuned:
    """The tuned blocks as plain a module as answers alike; consumes `tuned`.

    What can be merged is: the result of lora, qlora and ia3 is a `GPT2Model`. Bottleneck and
    prefix stay in their places, for no weight of GPT-2 could stand for them.
    """
    if not isinstance(tuned, PeftModel) or not _merges(tuned):
        return tuned
    if not is_quantised(tuned):
        return tuned.merge_and_unload()
    # PEFT would round the sum to 4 bits again: merge in float32 instead.
    config: Any = tuned.peft_config["default"]
    config.fan_in_fan_out = True  # of Conv1D, which stands where the 4-bit layers stood
    weights = get_peft_model_state_dict(tuned, save_embedding_layers=False)
    again = _peft(without_adapter(tuned), config)
    set_peft_model_state_dict(again, weights)
    return detach(again)


def without_adapter(tuned: Tuned) -> GPT2Model:
    """GPT-2's blocks as an adapter found them, out of 4 bits; consumes `tuned`."""
    if isinstance(tuned, PeftModel):
        tuned = tuned.unload()
    gpt2 = blocks(tuned)
    if is_quantised(gpt2):
        dequantise_blocks(gpt2)
    return gpt2


def blocks(tuned: Tuned) -> GPT2Model:
    """The `GPT2Model` inside, whatever wraps it."""
    inner: Any = tuned
    while not isinstance(inner, GPT2Model):
        inner = inner.get_base_model() if isinstance(inner, PeftModel) else inner.gpt2
    return inner


def is_quantised(tuned: nn.Module) -> bool:
    """Whether some of its weights are held in 4 bits."""
    return any(type(parameter).__name__ == "Params4bit" for parameter in tuned.parameters())


def _config(method: MethodRecipe) -> Any:
    if method.name == "bottleneck":
        return BottleneckConfig(
            reduction=method.reduction,
            placement=method.placement,
            activation=method.activation,
            dropout=method.dropout,
        )
    if method.name == "ia3":
        return IA3Config(
            target_modules=[*_ATTENTION, "mlp.c_proj"],
            feedforward_modules=["mlp.c_proj"],
            fan_in_fan_out=True,
        )
    return LoraConfig(
        r=method.rank,
        lora_alpha=method.alpha,  # type: ignore[arg-type]  # any number will do
        lora_dropout=method.dropout,
        target_modules=_ATTENTION,
        fan_in_fan_out=method.name == "lora",  # Conv1D keeps its weight the other way round
    )


def _peft(gpt2: nn.Module, config: Any) -> Tuned:
    with _quiet():
        return get_peft_model(gpt2, config)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """PEFT remarks on what is as it should be: a base without a name, 4-bit layers no Conv1D."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _merges(tuned: PeftModel) -> bool:
    return tuned.peft_config["default"].peft_type in (PeftType.LORA, PeftType.IA3)


def _settled(config: dict[str, Any]) -> dict[str, Any]:
    """The adapter's configuration without what differs from run to run, for plain GPT-2 blocks."""
    for name, value in config.items():
        if name.endswith("_modules") and isinstance(value, list):
            config[name] = sorted(value)  # PEFT keeps sets
    if config.get("peft_type") == "LORA":
        config["fan_in_fan_out"] = True  # for GPT2Model's Conv1D; while training it was 4-bit
    return config
