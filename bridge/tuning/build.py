"""From files of bars and a recipe to a bundle: the whole of `eabridge train`, step by step."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file

from bridge.backends.onnx_runtime import OnnxRuntimeBackend
from bridge.bars import Bars, Splits, open_hours, split_by_time, timeframe_name
from bridge.bundles import Bundle, Manifest, write_bundle
from bridge.bundles.bundle import GRAPH_FILE, RECIPE_FILE, WEIGHTS_FILE
from bridge.forecaster.model import Forecaster, ForecasterConfig, Inputs
from bridge.tuning.evaluation import Source, evaluate
from bridge.tuning.export import export_onnx
from bridge.tuning.recipe import Recipe, check_name, read_recipe, recipe_for, to_toml
from bridge.tuning.samples import Samples
from bridge.tuning.trainer import Progress, Trained, train

VALIDATION_STRIDE = 7
_LEAST_WINDOWS = 1000
_LIBRARIES = ("torch", "transformers", "onnx", "onnxscript", "onnxruntime", "numpy", "safetensors")


class BuildError(ValueError):
    """These bars and this recipe make no model. The message says what would."""


@dataclass(frozen=True)
class TrainingFile:
    """A file of bars with the hash of its bytes, as the manifest records it."""

    path: Path
    bars: Bars

    def record(self, source: str, license_name: str) -> dict[str, Any]:
        """The file's entry in the manifest."""
        return {
            "file": self.path.name,
            "sha256": hashlib.sha256(self.path.read_bytes()).hexdigest(),
            "symbol": self.bars.symbol,
            "bars": len(self.bars),
            "first": int(self.bars.time[0]),
            "last": int(self.bars.time[-1]),
            "source": source,
            "license": license_name,
        }


@dataclass(frozen=True)
class Listener:
    """Where a build tells of its progress: a new stage, a training step, windows evaluated."""

    stage: Callable[[str], None] = lambda text: None
    training: Callable[[Progress], None] = lambda progress: None
    evaluating: Callable[[int, int], None] = lambda done, total: None


def build(
    files: Sequence[TrainingFile],
    recipe: Recipe,
    recipe_text: str,
    *,
    run: Path,
    out: Path,
    replace_existing: bool = False,
    listener: Listener | None = None,
) -> Bundle:
    """Train, export, score on the untouched last part, and write the bundle `out`/`recipe.name`.

    Args:
        files: the bars, all of one timeframe.
        recipe, recipe_text: what to do, and the TOML that says so; it is kept in the bundle.
        run: folder of this run: its checkpoint, its graph. Kept, so that a killed run goes on.
        out: the store to write to.
        replace_existing: replace a bundle of the same name.
        listener: is told of progress.

    Raises:
        BuildError: the files do not go together or are too short.
        TrainingError, ExportError, BundleError: as their functions say.
    """
    listener = listener or Listener()
    records = [file.record(recipe.data.source, recipe.data.license) for file in files]
    bars = [file.bars for file in files]
    splits = _split(files, recipe)
    config = _config(recipe, bars, splits)
    run.mkdir(parents=True, exist_ok=True)
    fingerprint = _fingerprint(config, recipe, records)
    (run / RECIPE_FILE).write_text(recipe_text, encoding="utf-8", newline="\n")

    shape = {"context": config.context, "horizon": config.horizon}
    samples = Samples(bars, [split.train for split in splits], **shape)
    validation = Samples(
        bars, [split.validate for split in splits], stride=VALIDATION_STRIDE, **shape
    )
    listener.stage(f"training on {len(samples):,} windows, validating on {len(validation):,}")
    trained = train(
        config,
        recipe.training,
        samples,
        validation,
        run,
        fingerprint=fingerprint,
        on_progress=listener.training,
    )
    listener.stage("exporting to ONNX and comparing with PyTorch")
    difference = export_onnx(trained.model, validation, run / GRAPH_FILE)
    save_weights(trained.model, run / WEIGHTS_FILE)
    sources = {name: run / name for name in (GRAPH_FILE, WEIGHTS_FILE, RECIPE_FILE)}
    manifest = _manifest(recipe, config, files, records, trained, difference)
    if not all(len(split.test) >= config.context + config.horizon for split in splits):
        listener.stage(
            f"no scores: some file has no bars left after {recipe.data.validate_until}; move "
            "train_until and validate_until in the recipe"
        )
    else:
        listener.stage("scoring on the bars that neither training nor validation saw")
        scored = evaluate(
            OnnxRuntimeBackend(run / GRAPH_FILE),
            manifest,
            [Source(file.path.name, file.bars) for file in files],
            on_progress=listener.evaluating,
        )
        test = {key: scored[key] for key in ("stride", "files", "overall")}
        manifest = replace(manifest, scores={**manifest.scores, "test": test})
    return write_bundle(out / recipe.name, manifest, sources, replace_existing=replace_existing)


def choose_recipe(
    path: Path | None, name: str | None, files: Sequence[TrainingFile]
) -> tuple[Recipe, str]:
    """The recipe to follow and its TOML: the file's, or one made for these bars.

    Raises:
        RecipeError: the file cannot be used, or the name is no plain one.
    """
    if name is not None:
        check_name(name)
    if path is not None:
        recipe, text = read_recipe(path), path.read_text(encoding="utf-8")
        if name is not None and name != recipe.name:
            recipe = replace(recipe, name=name)
            text = to_toml(recipe)
    else:
        recipe = recipe_for([file.bars.time for file in files], name or Recipe.name)
        text = to_toml(recipe)
    return recipe, text


def save_weights(model: Forecaster, path: Path) -> None:
    """The network's weights as safetensors."""
    save_file({key: value.contiguous() for key, value in model.state_dict().items()}, path)


def load_forecaster(bundle: Bundle) -> Forecaster:
    """The PyTorch network of a bundle, in evaluation mode, as it was before export."""
    from safetensors.torch import load_file

    network = dict(bundle.manifest.network)
    for key in ("levels", "open_hours"):
        network[key] = tuple(network[key])
    model = Forecaster(ForecasterConfig(**network))
    model.load_state_dict(load_file(bundle.path / WEIGHTS_FILE))
    return model.eval()


def _split(files: Sequence[TrainingFile], recipe: Recipe) -> list[Splits]:
    first = files[0]
    context, horizon = recipe.model.context, recipe.model.horizon
    splits = []
    for file in files:
        if file.bars.tf != first.bars.tf:
            raise BuildError(
                f"{file.path.name} has {timeframe_name(file.bars.tf)} bars and {first.path.name} "
                f"{timeframe_name(first.bars.tf)}: train on one timeframe at a time"
            )
        split = split_by_time(
            file.bars.time,
            recipe.data.train_until,
            recipe.data.validate_until,
            context=context,
            horizon=horizon,
        )
        for name, part, until in (
            ("train on", split.train, recipe.data.train_until),
            ("validate on", split.validate, recipe.data.validate_until),
        ):
            need = context + horizon + (_LEAST_WINDOWS if part is split.train else 0)
            if len(part) < need:
                raise BuildError(
                    f"{file.path.name} has {len(part):,} bars to {name} up to {until}, and at "
                    f"least {need:,} are needed: give more history, or move train_until and "
                    "validate_until in the recipe"
                )
        splits.append(split)
    return splits


def _config(recipe: Recipe, bars: Sequence[Bars], splits: Sequence[Splits]) -> ForecasterConfig:
    model = recipe.model
    inputs: Inputs = "ohlc" if model.inputs == "ohlc" else "close"
    seen = np.concatenate(
        [each.time[: split.train.stop] for each, split in zip(bars, splits, strict=True)]
    )
    learned = {
        "inputs": inputs,
        "tf": bars[0].tf,
        "open_hours": open_hours(seen),
        "usual_volatility": model.usual_volatility or _usual_volatility(bars, splits),
    }
    try:
        return ForecasterConfig(**{**asdict(model), **learned})
    except ValueError as error:
        raise BuildError(f"the recipe's model: {error}") from error


def _usual_volatility(bars: Sequence[Bars], splits: Sequence[Splits]) -> float:
    """How far a usual training bar's log-return deviates, told by those that moved; two digits."""
    moves = np.concatenate(
        [
            np.abs(np.diff(np.log(each.close[: split.train.stop])))
            for each, split in zip(bars, splits, strict=True)
        ]
    )
    moved = moves[moves > 0]
    # A normal move's deviation is 1.48 times the median of its size.
    return (
        float(f"{1.48 * np.median(moved):.1e}") if len(moved) else ForecasterConfig.usual_volatility
    )


def _fingerprint(
    config: ForecasterConfig, recipe: Recipe, records: Sequence[dict[str, Any]]
) -> str:
    content = [asdict(config), asdict(recipe.training), asdict(recipe.data), list(records)]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def _manifest(
    recipe: Recipe,
    config: ForecasterConfig,
    files: Sequence[TrainingFile],
    records: list[dict[str, Any]],
    trained: Trained,
    difference: float,
) -> Manifest:
    plain: dict[str, Any] = json.loads(json.dumps(asdict(recipe), default=str))
    return Manifest(
        name=recipe.name,
        task="forecast",
        inputs=config.inputs,
        context=config.context,
        horizon=config.horizon,
        levels=config.levels,
        tf=config.tf,
        symbols=tuple(sorted({file.bars.symbol for file in files})),
        files={},
        network=json.loads(json.dumps(asdict(config))),
        data={
            "files": records,
            "train_until": str(recipe.data.train_until),
            "validate_until": str(recipe.data.validate_until),
            "embargo_bars": config.context + config.horizon,
        },
        recipe=plain,
        scores={
            "validation": {
                "wql_ratio": round(trained.validation, 5),
                "stride": VALIDATION_STRIDE,
                "step": trained.best_step,
                "steps": trained.steps,
            },
            "onnx_vs_torch": difference,
        },
        libraries={
            "python": platform.python_version(),
            "eabridge": version("eabridge"),
            **{name: version(name) for name in _LIBRARIES},
        },
    )
