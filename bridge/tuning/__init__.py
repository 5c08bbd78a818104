"""The workshop in which a model is made and measured.

`build` leads from files of bars and a recipe to a bundle: `material` cuts the bars, `methods` makes
the network over its base, `training` fits it, `run_folder` keeps it, `exporting` and `publishing`
make it a bundle, `scoring` says what it is worth. `specialists` does so for each symbol, and
`comparison` for every method, `costs` included.

Scoring needs the serving install alone; training and exporting need `eabridge[train]`, comparing
`eabridge[compare]`. Nothing here knows of sockets.
"""

import logging

# PEFT imports bitsandbytes wherever it is installed, which then warns of kernels that it would
# like to download.
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
