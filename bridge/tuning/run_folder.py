"""A run's folder: the checkpoint, then the trained network as a bundle, and where its bars lie.

checkpoint.safetensors   what a killed run goes on from
bundle.json              the manifest of the trained network, which PyTorch can serve as it is
recipe.toml, windows.npz, model.safetensors or an adapter's files
run.json                 the training files' paths and hashes: what an export calibrates on.
                         No part of the bundle: paths mean nothing on another machine
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from bridge.bars import BarsError, read_bars
from bridge.bundles import Bundle, Manifest
from bridge.bundles.bundle import RECIPE_FILE, seal_folder
from bridge.bundles.manifest import BASE_UNTIL, SPECIALIST
from bridge.forecaster.model import ForecasterConfig
from bridge.tuning.material import VALIDATION_STRIDE, BuildError, Material, TrainingFile
from bridge.tuning.methods.bases import Base
from bridge.tuning.methods.networks import Network, save_network
from bridge.tuning.recipes.recipe import Recipe
from bridge.tuning.scoring.leakage import WINDOWS_FILE, write_windows
from bridge.tuning.training.trainer import Trained

RUN_FILE = "run.json"
SCORE_KEYS = {"pinball ratio": "wql_ratio", "bits per digit": "bits_per_digit"}
"""What validation's scores are called in a manifest."""

_LIBRARIES = ("torch", "transformers", "onnx", "onnxscript", "onnxruntime", "numpy", "safetensors")


def remember_files(run: Path, files: Sequence[TrainingFile]) -> None:
    """Write where the training files lie."""
    entries = [
        {"path": str(file.path.resolve()), "sha256": file.sha256, "repaired": file.repaired}
        for file in files
    ]
    text = json.dumps({"files": entries}, indent=2) + "\n"
    (run / RUN_FILE).write_text(text, encoding="utf-8", newline="\n")


def remembered_files(folder: Path) -> list[TrainingFile]:
    """The files that a run was trained on, read again.

    Raises:
        BuildError: the folder remembers none, or one is gone or changed.
    """
    try:
        entries = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))["files"]
        known = [(Path(each["path"]), each["sha256"], bool(each["repaired"])) for each in entries]
    except FileNotFoundError as error:
        raise BuildError(
            f"{folder} does not remember the files it was trained on: give them with --data, or "
            "the folder of its run with --model"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BuildError(
            f"{folder / RUN_FILE} is damaged ({error!r}): give the files with --data"
        ) from error
    files = []
    for path, sha256, repaired in known:
        if not path.is_file():
            raise BuildError(
                f"{path}, which this run was trained on, is no longer there: give it with --data"
            )
        try:
            bars, _ = read_bars(path, repair=repaired)
        except BarsError as error:
            raise BuildError(f"{error}: give the file with --data") from error
        file = TrainingFile(path, bars, repaired)
        if file.sha256 != sha256:
            raise BuildError(
                f"{path} has changed since this run was trained on it: give the file as it was "
                "with --data"
            )
        files.append(file)
    return files


def seal_run(
    run: Path,
    recipe: Recipe,
    material: Material,
    base: Base | None,
    trained: Trained,
    network: Network,
    *,
    specialist: bool = False,
) -> Bundle:
    """Write the trained network and what belongs to it, and make the folder a bundle.

    The recipe's text stands there already.

    Raises:
        BuildError, OSError: a file cannot be written; the checkpoint stays.
    """
    write_windows(run / WINDOWS_FILE, material.files, material.seen, base.bundle if base else None)
    try:
        names = save_network(network, recipe.method, run)
    except SafetensorError as error:
        raise BuildError(
            f"the trained weights cannot be written to {run} ({error}): make room; the same "
            "command goes on from the checkpoint"
        ) from error
    manifest = _manifest(recipe, network.config, material, base, trained)
    if specialist:
        manifest = replace(manifest, data={**manifest.data, SPECIALIST: True})
    return seal_folder(run, manifest, [*names, RECIPE_FILE, WINDOWS_FILE])


def base_name(base: Base | None) -> str:
    """What a manifest calls the base: a bundle's label, else its name without its folder."""
    if base is None:
        return ""
    return base.name if base.bundle or not Path(base.name).is_dir() else Path(base.name).name


def _manifest(
    recipe: Recipe,
    config: ForecasterConfig,
    material: Material,
    base: Base | None,
    trained: Trained,
) -> Manifest:
    plain: dict[str, Any] = json.loads(json.dumps(asdict(recipe), default=str))
    libraries = [*_LIBRARIES]
    if recipe.method.name != "full":
        libraries.append("peft")
    if recipe.method.name == "qlora":
        libraries.append("bitsandbytes")
    return Manifest(
        name=recipe.name,
        task="forecast",
        inputs=config.inputs,
        context=config.context,
        horizon=config.horizon,
        levels=config.levels,
        tf=config.tf,
        symbols=tuple(sorted({file.bars.symbol for file in material.files})),
        files={},
        network=json.loads(json.dumps(asdict(config))),
        data={
            "files": material.records(recipe.data),
            "train_until": str(recipe.data.train_until),
            "validate_until": str(recipe.data.validate_until),
            "embargo_bars": config.context + config.horizon,
            **_base_until(base),
        },
        recipe=plain,
        scores={
            "validation": {
                SCORE_KEYS.get(trained.score, trained.score): round(trained.validation, 5),
                "stride": VALIDATION_STRIDE,
                "step": trained.best_step,
                "steps": trained.steps,
            },
        },
        libraries={
            "python": platform.python_version(),
            "eabridge": version("eabridge"),
            **{name: _version(name) for name in libraries},
        },
        runtime="torch",
        method=recipe.method.name,
        base=base_name(base),
        head=config.head,
    )


def _base_until(base: Base | None) -> dict[str, str]:
    """The last day that taught the base anything, or the base it was itself tuned from."""
    data = base.bundle.manifest.data if base and base.bundle else {}
    days = [data[key] for key in ("validate_until", BASE_UNTIL) if key in data]
    return {BASE_UNTIL: max(days)} if days else {}


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "unknown"
