"""Where in a network the adapters are placed."""

from __future__ import annotations

from typing import Any

from peft.tuners.tuners_utils import BaseTuner
from torch import nn

from bridge.tuning.methods.bottleneck.config import PLACEMENTS, BottleneckConfig
from bridge.tuning.methods.bottleneck.layer import MERGE_REFUSED, BottleneckLayer
from bridge.tuning.methods.bottleneck.older_peft import OlderBaseTuner
from bridge.tuning.methods.bottleneck.registration import PREFIX

_Tuner: Any = BaseTuner if hasattr(BaseTuner, "set_adapter") else OlderBaseTuner


class BottleneckModel(_Tuner):  # type: ignore[misc]
    """A network whose chosen layers are each followed by adapters.

    `get_peft_model(network, BottleneckConfig(...))` makes one. The form is Houlsby et al. 2019,
    "Parameter-Efficient Transfer Learning for NLP": adapters after the attention's output
    projection and after the MLP's, each before the sum with the residual stream. Pfeiffer et al.
    2020, "AdapterFusion", found the second alone to do nearly as well with half the parameters.
    """

    prefix: str = PREFIX
    tuner_layer_cls = BottleneckLayer

    @staticmethod
    def _prepare_adapter_config(
        peft_config: BottleneckConfig, model_config: dict[str, Any]
    ) -> BottleneckConfig:
        if peft_config.target_modules is None:
            if model_config.get("model_type") != "gpt2":
                raise ValueError(
                    f"placement {peft_config.placement!r} is known for GPT-2 alone, not for "
                    f"{model_config.get('model_type')}: name the layers in target_modules"
                )
            peft_config.target_modules = set(PLACEMENTS[peft_config.placement])
        return peft_config

    def _create_and_replace(
        self,
        peft_config: BottleneckConfig,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
        parameter_name: str | None = None,
    ) -> None:
        if isinstance(target, BottleneckLayer):
            target.update_layer(adapter_name, peft_config)
            return
        layer = BottleneckLayer(target, adapter_name, peft_config)
        if adapter_name not in self.active_adapters:
            layer.requires_grad_(False)  # a further adapter is trained once it is made active
        self._replace_module(parent, target_name, layer, target)

    def _check_merge_allowed(self) -> None:
        raise ValueError(MERGE_REFUSED)
