"""The frozen base of QLoRA in four bits (Dettmers et al. 2023), by bitsandbytes.

Each 64 neighbouring weights share a scale and are stored as the nearest of 16 values, which are
the quantiles of a normal distribution ("NF4"). Only GPT-2's four matrices per block become so;
biases, layer norms and positions stay float32, as does every product.

What a quantised base stands for is a plain set of float32 weights, `round_trip(weights)`: an
adapter that was tuned over the one works over the other. Merged and exported it needs no
bitsandbytes to be served; beside a base of ours in PyTorch it does, to round that base.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GPT2Model
from transformers.pytorch_utils import Conv1D

BLOCK = 64  # weights that share a scale, as in the paper
_MATRICES = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
_QUANTISED = re.compile(rf"(^|\.)h\.\d+\.({'|'.join(map(re.escape, _MATRICES))})\.weight$")


class Nf4Error(RuntimeError):
    """This machine cannot hold weights in four bits."""


def quantise_blocks(gpt2: GPT2Model, *, double: bool = False) -> None:
    """Put GPT-2's matrices into four bits, in place, for PEFT to lay LoRA over.

    They become `bitsandbytes.nn.Linear4bit`, frozen, which answer as `round_trip` of the weights
    would; LoRA over them takes `fan_in_fan_out=False`.

    Args:
        gpt2: plain, without adapter.
        double: quantise the scales too ("double quantization"), for 0.37 bits less per weight.

    Raises:
        Nf4Error: see `require_nf4`.
    """
    bitsandbytes = require_nf4()
    for layer, name, child in _matrices(gpt2):
        if not isinstance(child, Conv1D):
            raise Nf4Error(
                f"{name} is a {type(child).__name__}, not GPT-2's own layer: quantise the base "
                "before an adapter is laid over it, and once"
            )
        setattr(layer, name.rpartition(".")[2], _linear4bit(bitsandbytes, child, double))
    marked: Any = gpt2
    marked.is_loaded_in_4bit = True  # by which PEFT chooses its own layer over Linear4bit


def dequantise_blocks(gpt2: GPT2Model) -> None:
    """Undo `quantise_blocks`: plain float32 layers, in place, with the values NF4 stood for.

    Adapters must be off (`PeftModel.unload`) before; load them again afterwards and merge.
    """
    bitsandbytes = require_nf4()
    for layer, name, child in _matrices(gpt2):
        found: Any = child
        if getattr(found.weight, "quant_state", None) is None:
            continue
        made: Any = Conv1D
        plain = made(found.out_features, found.in_features)
        values = _values(bitsandbytes, found.weight, (found.out_features, found.in_features))
        plain.weight = nn.Parameter(values.T.contiguous(), requires_grad=False)
        plain.bias = found.bias
        setattr(layer, name.rpartition(".")[2], plain)
    marked: Any = gpt2
    marked.is_loaded_in_4bit = False


def round_trip(weights: Mapping[str, Tensor], *, double: bool = False) -> dict[str, Tensor]:
    """The float32 weights that a quantised base stands for.

    Args:
        weights: by name, as in the `state_dict` of a GPT-2 or of what holds one
            (`h.0.attn.c_attn.weight`, `gpt2.h.0...`), matrices as `Conv1D` has them, [in, out].
        double: as in `quantise_blocks`.

    Returns:
        The same names. What would not be quantised is the very tensor that came in.

    Raises:
        Nf4Error: see `require_nf4`.
    """
    bitsandbytes = require_nf4()
    result = dict(weights)
    for name, weight in weights.items():
        if _QUANTISED.search(name):
            packed = _packed(bitsandbytes, weight, double)
            values = _values(bitsandbytes, packed, tuple(weight.T.shape))
            result[name] = values.T.contiguous()
    return result


def require_nf4() -> Any:
    """The `bitsandbytes` module, once it has shown that it can do NF4 here.

    Raises:
        Nf4Error: it is missing, or has no kernels for this processor.
    """
    try:
        import bitsandbytes
    except ImportError as error:
        raise Nf4Error(
            "qlora keeps the base in four bits, which needs bitsandbytes (0.48 or later): "
            'pip install "eabridge[compare]", or tune by lora, which keeps it in float32'
        ) from error
    probe = torch.linspace(-1.0, 1.0, 4 * BLOCK).reshape(4, BLOCK)
    try:
        packed, state = bitsandbytes.functional.quantize_4bit(
            probe, blocksize=BLOCK, quant_type="nf4"
        )
        values = bitsandbytes.functional.dequantize_4bit(packed, state)
        error_size = float((values.float() - probe).abs().max())
    except Exception as error:  # whatever it raises says that it cannot
        raise Nf4Error(_cannot(bitsandbytes, f"{type(error).__name__}: {error}")) from error
    if not error_size < 0.2:  # neighbours among the 16 values are at most 0.31 apart
        raise Nf4Error(_cannot(bitsandbytes, f"values come back wrong by {error_size:.2g}"))
    return bitsandbytes


def _cannot(module: Any, reason: str) -> str:
    return (
        f"bitsandbytes {module.__version__} cannot quantise to NF4 on this processor ({reason}). "
        "It needs Windows or Linux on x86-64 or ARM64 with the libraries of its own wheel, or an "
        "NVIDIA GPU: pip install --force-reinstall bitsandbytes, or tune by lora, which keeps "
        "the base in float32"
    )


def _packed(bitsandbytes: Any, weight: Tensor, double: bool, module: Any = None) -> Any:
    """The `Params4bit` of a [in, out] weight, as one row of its [out, in] values.

    One row, because bitsandbytes (0.50, AVX-512) decodes a matrix wrongly whose rows are no
    whole number of blocks. Blocks run over the ends of rows either way.
    """
    row = weight.detach().float().T.reshape(1, -1)
    parameter = bitsandbytes.nn.Params4bit(
        row,
        requires_grad=False,
        blocksize=BLOCK,
        compress_statistics=double,
        quant_type="nf4",
        module=module,
    )
    return parameter.to(row.device)  # which is what quantises it


def _values(bitsandbytes: Any, weight: Any, shape: tuple[int, ...]) -> Tensor:
    """The float32 values that a `Params4bit` stands for."""
    values: Tensor = bitsandbytes.functional.dequantize_4bit(weight.data, weight.quant_state)
    return values.float().reshape(shape)


def _linear4bit(bitsandbytes: Any, child: Conv1D, double: bool) -> Any:
    inputs, outputs = child.weight.shape
    whole = inputs % BLOCK == 0
    kind = bitsandbytes.nn.Linear4bit if whole else _odd_linear4bit(bitsandbytes)
    made = kind(
        inputs,
        outputs,
        compute_dtype=torch.float32,
        compress_statistics=double,
        quant_type="nf4",
    )
    made.weight = _packed(bitsandbytes, child.weight, double, made)
    if whole:
        made.weight.quant_state.shape = torch.Size((outputs, inputs))
    made.bias = nn.Parameter(child.bias.detach().clone(), requires_grad=False)
    # Where a processor has AVX512-BF16, bitsandbytes would else compute in bfloat16 whenever
    # nothing is trained, and repack the weights so that training cannot go on.
    made.support_avx512bf16_for_cpu = False
    return made


@functools.cache
def _odd_linear4bit(bitsandbytes: Any) -> Any:
    """`Linear4bit` for rows of no whole number of blocks: see `_packed`."""

    class OddLinear4bit(bitsandbytes.nn.Linear4bit):  # type: ignore[misc]
        def forward(self, x: Tensor) -> Tensor:
            shape = (self.out_features, self.in_features)
            return F.linear(x, _values(bitsandbytes, self.weight, shape), self.bias)

    return OddLinear4bit


def _matrices(gpt2: GPT2Model) -> list[tuple[nn.Module, str, nn.Module]]:
    """What holds each matrix, the matrix's full name, and its layer."""
    found = []
    for index in range(len(gpt2.h)):
        for matrix in _MATRICES:
            name = f"h.{index}.{matrix}"
            holder = gpt2.get_submodule(name.rpartition(".")[0])
            found.append((holder, name, gpt2.get_submodule(name)))
    return found
