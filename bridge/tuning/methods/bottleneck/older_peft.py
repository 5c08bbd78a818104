"""What PEFT's `BaseTuner` left to each method before 0.18, done for one that cannot be merged.

From 0.18 on `BaseTuner` does all of this itself, and this class is not used.
"""

from __future__ import annotations

from typing import Any

from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer, check_target_module_exists
from peft.utils import ModulesToSaveWrapper, _get_submodules
from torch import nn


class OlderBaseTuner(BaseTuner):  # type: ignore[misc, unused-ignore]
    """`BaseTuner` of PEFT 0.17 with the methods that 0.18 added to it."""

    prefix: str
    tuner_layer_cls: type[BaseTunerLayer]

    @staticmethod
    def _check_target_module_exists(peft_config: Any, key: str) -> Any:
        return check_target_module_exists(peft_config, key)

    def _mark_only_adapters_as_trainable(self, model: nn.Module) -> None:
        for name, parameter in model.named_parameters():
            if self.prefix not in name:
                parameter.requires_grad = False

    def _replace_module(
        self, parent: nn.Module, child_name: str, new_module: nn.Module, child: nn.Module
    ) -> None:
        setattr(parent, child_name, new_module)

    def set_adapter(self, adapter_name: str | list[str], inference_mode: bool = False) -> None:
        """Make an adapter, or several, the active ones; frozen in inference mode."""
        for module in self.model.modules():
            if isinstance(module, self.tuner_layer_cls):
                module.set_adapter(adapter_name)
                frozen: Any = module
                if inference_mode:
                    frozen.requires_grad_(False)
        self.active_adapter = adapter_name

    def _enable(self, enabled: bool) -> None:
        for module in self.model.modules():
            if isinstance(module, (BaseTunerLayer, ModulesToSaveWrapper)):
                module.enable_adapters(enabled)

    def enable_adapter_layers(self) -> None:
        """Let the active adapters take part again."""
        self._enable(True)

    def disable_adapter_layers(self) -> None:
        """Answer as the base does, until enabled again."""
        self._enable(False)

    def delete_adapter(self, adapter_name: str) -> None:
        """Remove an adapter; one that remains becomes active in its place.

        Raises:
            ValueError: there is none of that name.
        """
        if adapter_name not in self.peft_config:
            raise ValueError(f"Adapter {adapter_name} does not exist")
        del self.peft_config[adapter_name]
        remaining: list[str] | None = None
        for module in self.model.modules():
            if isinstance(module, self.tuner_layer_cls):
                module.delete_adapter(adapter_name)
                if remaining is None:
                    remaining = list(module.active_adapters)
        self.active_adapter = remaining or []
        self._delete_auxiliary_adapter(adapter_name, new_active_adapters=remaining)

    def unload(self) -> nn.Module:
        """The base without any adapter."""
        wrapped: tuple[Any, ...] = (self.tuner_layer_cls, ModulesToSaveWrapper)
        names = [name for name, module in self.model.named_modules() if isinstance(module, wrapped)]
        for name in names:
            found: tuple[Any, Any, str] = _get_submodules(self.model, name)
            parent, target, child = found
            if isinstance(target, ModulesToSaveWrapper):
                kept: Any = target.modules_to_save
                setattr(parent, child, kept[target.active_adapter])
            else:
                setattr(parent, child, target.get_base_layer())
        base: nn.Module = self.model
        return base

    def merge_and_unload(self, *_: Any, **__: Any) -> nn.Module:
        """Refused where `_check_merge_allowed` refuses."""
        check: Any = self._check_merge_allowed
        check()
        return self.unload()

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "model":  # not there yet while the tuner is made
                raise
            return getattr(self.model, name)
