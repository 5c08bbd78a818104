"""Bundles: immutable folders with one servable model each, and the stores that hold them.

Weights are data: a bundle is a manifest (`bundle.json`), ONNX and safetensors. Every file is
checked against its hash before use, and nothing in a bundle is ever run or unpickled.
"""

from bridge.bundles.bundle import Bundle, open_bundle, write_bundle
from bridge.bundles.manifest import BundleError, Manifest, may_pass
from bridge.bundles.routing import Specialists, find_routed
from bridge.bundles.store import (
    default_model,
    default_stores,
    find_bundle,
    list_bundles,
    shipped_store,
)

__all__ = [
    "Bundle",
    "BundleError",
    "Manifest",
    "Specialists",
    "default_model",
    "default_stores",
    "find_bundle",
    "find_routed",
    "list_bundles",
    "may_pass",
    "open_bundle",
    "shipped_store",
    "write_bundle",
]
