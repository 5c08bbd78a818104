"""Everything that is looked at, in the order in which it is best mended."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from bridge.bundles import Bundle, BundleError, list_bundles
from bridge.doctor.daemon import examine_daemon, host_and_port
from bridge.doctor.findings import Finding, Mark
from bridge.doctor.terminals import examine_terminals
from bridge.keys import KeyPair


def examine(
    endpoint: str,
    stores: Sequence[Path],
    data_folders: Sequence[Path] | None = None,
    *,
    keys: KeyPair | None = None,
    server_key: str | None = None,
) -> Iterator[Finding]:
    """Look at everything, and tell each finding as it is found.

    Args:
        endpoint: where the EA asks.
        stores: folders of models, as the daemon has them.
        data_folders: of the terminals to look at; all that are found where None.
        keys, server_key: for a daemon that asks for keys.
    """
    packages = ", ".join(f"{name} {version(name)}" for name in ("onnxruntime", "pyzmq", "numpy"))
    here = f"eabridge {version('eabridge')}, Python {platform.python_version()}, {packages}"
    yield Finding(Mark.OK, here)
    bundles, refused = list_bundles(stores)
    yield from _models_on_disk(bundles, refused, stores)
    yield from examine_daemon(endpoint, bundles, keys=keys, server_key=server_key)
    host, _ = host_and_port(endpoint) or ("127.0.0.1", 0)
    yield from examine_terminals(data_folders, bundles, host)


def _models_on_disk(
    bundles: Sequence[Bundle], refused: Sequence[BundleError], stores: Sequence[Path]
) -> Iterator[Finding]:
    for bundle in bundles:
        yield Finding(Mark.OK, f"model {bundle.manifest.label}: every file as it was exported")
    for refusal in refused:
        yield Finding(
            Mark.CARE,
            f"model refused: {refusal}",
            "the daemon does not serve it; the others it does",
        )
    if not bundles:
        where = ", ".join(map(str, stores))
        yield Finding(Mark.BROKEN, f"no model in {where}", "give --models a folder of models")
