"""What a bottleneck adapter can be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from peft import PeftConfig

from bridge.tuning.methods.bottleneck.registration import peft_type

PLACEMENTS: dict[str, frozenset[str]] = {
    "houlsby": frozenset({"attn.c_proj", "mlp.c_proj"}),
    "pfeiffer": frozenset({"mlp.c_proj"}),
}
"""The layers of GPT-2 that adapters follow: after attention and after the MLP (Houlsby et al.
2019), or after the MLP alone (Pfeiffer et al. 2020)."""

ACTIVATIONS = ("gelu", "relu", "tanh", "identity")


@dataclass
class BottleneckConfig(PeftConfig):  # type: ignore[misc, unused-ignore]
    """Options of one adapter; `adapter_config.json` of a saved one holds them.

    Attributes:
        reduction: the bottleneck is this many times narrower than the layer's output; 1 is
            square. What does not divide is rounded down.
        placement: a key of `PLACEMENTS`.
        activation: one of `ACTIVATIONS`, between the projections.
        dropout: share of the bottleneck's values dropped in training.
        init_std: spread of both projections' first weights, cut at two deviations.
        target_modules: which layers adapters follow; None lets `placement` say it for GPT-2.
        exclude_modules, layers_to_transform, layers_pattern, modules_to_save: as for LoRA.
    """

    reduction: int = 8
    placement: str = "houlsby"
    activation: str = "gelu"
    dropout: float = 0.0
    init_std: float = 1e-2
    target_modules: list[str] | set[str] | str | None = None
    exclude_modules: list[str] | set[str] | str | None = None
    layers_to_transform: list[int] | int | None = None
    layers_pattern: list[str] | str | None = None
    modules_to_save: list[str] | None = field(default=None)

    def __post_init__(self) -> None:
        super().__post_init__()  # type: ignore[no-untyped-call, unused-ignore]
        self.peft_type = peft_type()
        if type(self.reduction) is not int or self.reduction < 1:
            raise ValueError(
                f"reduction {self.reduction!r} is no whole number from 1: 8 makes the bottleneck "
                "an eighth of the layer's width, 1 as wide as the layer"
            )
        if self.placement not in PLACEMENTS:
            raise ValueError(
                f"placement {self.placement!r} is unknown: choose houlsby (after attention and "
                "after the MLP) or pfeiffer (after the MLP alone)"
            )
        if self.activation not in ACTIVATIONS:
            raise ValueError(
                f"activation {self.activation!r} is unknown: choose one of {', '.join(ACTIVATIONS)}"
            )
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"dropout {self.dropout} is outside 0 to 1: 0 drops nothing")
        if not self.init_std > 0.0:
            raise ValueError(
                f"init_std {self.init_std} is not above 0: with both projections at zero neither "
                "would ever get a gradient; 0.01 is Houlsby's"
            )
        if isinstance(self.target_modules, list):
            self.target_modules = set(self.target_modules)
        if isinstance(self.exclude_modules, list):
            self.exclude_modules = set(self.exclude_modules)
