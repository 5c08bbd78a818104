"""Training, export and honest scores: the workshop in which a model is made and measured.

Scoring (`evaluation`, `baselines`, `scores`) needs the serving install alone; training and
export need `eabridge[train]`. Nothing here knows of sockets.
"""

import logging

# PEFT imports bitsandbytes wherever it is installed, which then warns of kernels that it would
# like to download.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
