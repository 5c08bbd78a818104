"""The bottleneck adapter of Houlsby et al. 2019 as a PEFT method.

Importing this package makes PEFT know the method, after which every function of PEFT works with
it: `get_peft_model`, `PeftModel.from_pretrained`, `save_pretrained`, several adapters on one
base, switching, disabling and deleting them.

    from bridge.tuning.methods.bottleneck import BottleneckConfig
    tuned = get_peft_model(gpt2, BottleneckConfig(reduction=8, placement="houlsby"))

Files: `config` (the options), `layer` (the adapter itself, which is where to begin reading),
`model` (where in a network adapters are placed), `registration` (how PEFT learns of them),
`older_peft` (what PEFT before 0.18 left to each method).
"""

from bridge.tuning.methods.bottleneck.config import ACTIVATIONS, PLACEMENTS, BottleneckConfig
from bridge.tuning.methods.bottleneck.layer import BottleneckLayer
from bridge.tuning.methods.bottleneck.model import BottleneckModel
from bridge.tuning.methods.bottleneck.registration import register

__all__ = [
    "ACTIVATIONS",
    "PLACEMENTS",
    "BottleneckConfig",
    "BottleneckLayer",
    "BottleneckModel",
]

register(BottleneckConfig, BottleneckModel)
