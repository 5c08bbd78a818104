"""The adapter itself, and the layer that carries one or several of them.

`B` windows, `P` patches, `D` width of the layer's output, `M` width of the bottleneck.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from bridge.tuning.methods.bottleneck.config import BottleneckConfig


class BottleneckLayer(nn.Module, BaseTunerLayer):  # type: ignore[misc, unused-ignore]
    """A layer, and after it: down to a few values, a non-linearity, up again, and the sum.

    This is the adapter of Houlsby et al. 2019, figure 2. Why down and up: a full D x D matrix
    after every layer would be about as many parameters as the layer itself, whereas D x M and
    M x D are a small share of them, and M bounds how far the adapter can take the layer from
    what the base learned. Why not down alone: what follows expects D values. The non-linearity
    makes it more than a matrix of rank M, which is what LoRA adds.

    Both projections start so small that the sum with the layer's output is nearly that output
    ("near-identity", section 2 there), so tuning starts at the base.

    A layer carries any number of adapters by name; each active one sees the layer's own output.

    Attributes:
        base_layer: the layer, frozen: GPT-2's `Conv1D`, or an `nn.Linear`.
        bottleneck_down, bottleneck_up: the projections of each adapter, `nn.Linear` by name.
    """

    adapter_layer_names: tuple[str, ...] = ("bottleneck_down", "bottleneck_up")
    other_param_names: tuple[str, ...] = ("bottleneck_dropout", "bottleneck_activation")

    def __init__(self, base_layer: nn.Module, adapter_name: str, config: BottleneckConfig) -> None:
        super().__init__()
        self.base_layer = base_layer
        self.bottleneck_down = nn.ModuleDict()
        self.bottleneck_up = nn.ModuleDict()
        self.bottleneck_dropout = nn.ModuleDict()
        self.bottleneck_activation: dict[str, str] = {}
        self.merged_adapters: list[str] = []  # always empty; PEFT asks for it
        self._disable_adapters = False
        self.update_layer(adapter_name, config)

    def update_layer(self, adapter_name: str, config: BottleneckConfig) -> None:
        """Add an adapter, or begin the one of this name anew.

        Raises:
            ValueError: the reduction leaves no bottleneck.
        """
        width = output_width(self.get_base_layer())
        if config.reduction > width:
            raise ValueError(
                f"reduction {config.reduction} leaves no bottleneck of a layer {width} wide: "
                f"choose at most {width}"
            )
        down = nn.Linear(width, width // config.reduction)
        up = nn.Linear(width // config.reduction, width)
        for projection in (down, up):
            limit = 2.0 * config.init_std
            nn.init.trunc_normal_(projection.weight, std=config.init_std, a=-limit, b=limit)
            nn.init.zeros_(projection.bias)
        self.bottleneck_down[adapter_name] = down
        self.bottleneck_up[adapter_name] = up
        self.bottleneck_dropout[adapter_name] = nn.Dropout(config.dropout)
        self.bottleneck_activation[adapter_name] = config.activation
        self._move_adapter_to_device_of_base_layer(adapter_name)
        self.set_adapter(self.active_adapters)

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """[B, P, D_in] to [B, P, D]."""
        output: Tensor = self.base_layer(x, *args, **kwargs)
        if self.disable_adapters:
            return output
        changed = output
        for name in self.active_adapters:
            if name in self.bottleneck_down:
                changed = changed + self._change(name, output)
        return changed

    def _change(self, name: str, output: Tensor) -> Tensor:
        down: Any = self.bottleneck_down[name]
        # PEFT keeps adapters in float32 over a base in half precision.
        inner = down(output.to(down.weight.dtype))  # [B, P, M]
        inner = _activate(inner, self.bottleneck_activation[name])
        inner = self.bottleneck_dropout[name](inner)
        change: Tensor = self.bottleneck_up[name](inner)  # [B, P, D]
        return change.to(output.dtype)

    def merge(self, safe_merge: bool = False, adapter_names: Sequence[str] | None = None) -> None:
        """Refused: see `MERGE_REFUSED`."""
        raise ValueError(MERGE_REFUSED)

    def unmerge(self) -> None:
        """Nothing to do: nothing is ever merged."""


MERGE_REFUSED = (
    "a bottleneck adapter is not merged into the layer it follows: with a non-linearity between "
    "its projections, no single matrix does what the two layers do together. Leave it in the "
    "network (it is exported to ONNX as it is), or tune by lora, whose change is a matrix"
)


def output_width(layer: nn.Module) -> int:
    """How many values a layer gives for each position.

    Raises:
        ValueError: it is neither GPT-2's `Conv1D` nor an `nn.Linear`.
    """
    if isinstance(layer, nn.Linear):
        return layer.out_features
    if isinstance(layer, Conv1D):
        return int(layer.nf)
    raise ValueError(
        f"a bottleneck adapter follows a Conv1D or a Linear layer, not {type(layer).__name__}: "
        "name such layers in target_modules"
    )


def _activate(values: Tensor, activation: str) -> Tensor:
    if activation == "gelu":
        return F.gelu(values, approximate="tanh")  # as GPT-2 has it
    if activation == "relu":
        return F.relu(values)
    if activation == "tanh":
        return values.tanh()
    return values
