"""How PEFT learns of the method. The one place that touches PEFT's own tables."""

from __future__ import annotations

from typing import Any

from peft.mapping import (
    PEFT_TYPE_TO_CONFIG_MAPPING,
    PEFT_TYPE_TO_PREFIX_MAPPING,
    PEFT_TYPE_TO_TUNER_MAPPING,
)
from peft.utils import PeftType, register_peft_method

NAME = "bottleneck"
PREFIX = "bottleneck_"
"""Begins the name of every parameter of the method, as `lora_` does for LoRA."""


def peft_type() -> Any:
    """`PeftType.BOTTLENECK`, which is made on the first call.

    PEFT's registration asks for a member of `PeftType`, and an enumeration that has members can
    be neither subclassed nor extended by its own means. So the member is made as
    `enum.EnumMeta.__new__` makes one, and is entered where it enters them: an attribute of the
    class, then the three tables behind iteration, lookup by name and lookup by value.
    """
    name = NAME.upper()
    if name not in PeftType.__members__:
        member: Any = str.__new__(PeftType, name)
        member._name_ = name
        member._value_ = name
        member.__objclass__ = PeftType
        member._sort_order_ = len(PeftType._member_names_)
        setattr(PeftType, name, member)  # before the tables: a listed name cannot be set
        PeftType._member_names_.append(name)
        PeftType._member_map_[name] = member
        PeftType._value2member_map_[name] = member
    return PeftType[name]


def register(config: type, model: type) -> None:
    """Register the method with PEFT. Once more replaces what was registered before.

    Args:
        config: the `PeftConfig`. model: the `BaseTuner`.
    """
    member = peft_type()
    for table in (
        PEFT_TYPE_TO_CONFIG_MAPPING,
        PEFT_TYPE_TO_PREFIX_MAPPING,
        PEFT_TYPE_TO_TUNER_MAPPING,
    ):
        table.pop(member, None)  # a module imported anew brings new classes
    register_peft_method(name=NAME, config_cls=config, model_cls=model, prefix=PREFIX)
