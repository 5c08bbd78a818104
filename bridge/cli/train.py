"""`eabridge train`."""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.bundles.manifest import HEADS, METHODS, RUNTIMES
from bridge.cli.arguments import add_data, add_stores, load_bars
from bridge.cli.errors import UserError, needs, written_file

if TYPE_CHECKING:
    from bridge.tuning.build import TrainingFile
    from bridge.tuning.recipes.recipe import Recipe

_CHECKPOINT = "checkpoint.safetensors"


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "train",
        help="train or tune a model on your own exports",
        description="Train a GPT-2 forecaster on exported bars, or tune one with an adapter; score "
        "it on bars it never saw, and write it where `eabridge serve` finds it. A run that was "
        "interrupted goes on when the same command is given again.",
    )
    add_data(parser)
    _add_method(parser)
    parser.add_argument(
        "--recipe",
        type=Path,
        metavar="FILE",
        help="TOML: name, data, model, method and training; what it leaves out is as without "
        "one: the shape of the base, else of fx-h1, the method's training, and of the bars the "
        "last tenth for the test, the tenth before it to validate",
    )
    parser.add_argument("--name", help="name of the model (default: the recipe's, else my-model)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("models"),
        metavar="DIR",
        help="the folder of models to write to (default: ./models)",
    )
    parser.add_argument(
        "--run",
        dest="run_folder",
        type=Path,
        metavar="DIR",
        help="where checkpoints are kept (default: ./runs/NAME)",
    )
    parser.add_argument("--restart", action="store_true", help="begin anew, whatever is kept there")
    parser.add_argument("--replace", action="store_true", help="replace a model of the same name")
    add_stores(parser)
    parser.set_defaults(run=run)


def _add_method(parser: Any) -> None:
    parser.add_argument(
        "--method",
        metavar="METHOD",
        help=f"how a base is tuned: {', '.join(METHODS)} (default: the recipe's, else full; "
        "with --per-symbol bottleneck)",
    )
    parser.add_argument(
        "--base",
        metavar="BASE",
        help="what is tuned: a model's name, a folder with a GPT-2 in Hugging Face format, or "
        "its name on the hub, such as gpt2 (default: the shipped model; for full none, which "
        "trains from scratch)",
    )
    parser.add_argument(
        "--head",
        metavar="HEAD",
        help=f"{' or '.join(HEADS)}: quantiles in one pass, or prices written digit by digit "
        "(default: the recipe's, else quantile)",
    )
    parser.add_argument(
        "--to",
        choices=RUNTIMES,
        help="what serves it: onnx (the default), or torch, which holds a base with many "
        "adapters once (the default for the text head, which no ONNX graph can hold)",
    )
    parser.add_argument(
        "--per-symbol",
        action="store_true",
        help="one adapter for each file; those that beat the base on validation are written as "
        "BASE-SYMBOL and answer for the base on their symbol",
    )


def run(options: argparse.Namespace) -> int:
    _check_words(options)
    with needs("train", "training"):
        import torch  # noqa: F401  (the slowest import first: the message comes before the work)

        from bridge.tuning import build
    from bridge.cli import show_training
    from bridge.tuning.scoring.leakage import near_duplicates

    files = [build.TrainingFile(path, bars, options.repair) for path, bars in load_bars(options)]
    for alike in near_duplicates(files, []):
        print(f"{alike}: two sources of one market count twice in training", file=sys.stderr)
    stores = training_stores(options.models, options.out)
    with told():
        if options.per_symbol:
            return _run_per_symbol(options, files, stores)
        recipe, recipe_text = build.choose_recipe(
            options.recipe,
            options.name,
            files,
            method=options.method,
            base=options.base,
            head=options.head,
            stores=stores,
        )
        folder = _prepare(options, recipe.name)
        with show_training.training_progress(recipe.training.steps) as listener:
            bundle = build.build(
                files,
                recipe,
                recipe_text,
                run=folder,
                out=options.out,
                stores=stores,
                runtime=_runtime(options, recipe),
                replace_existing=options.replace,
                listener=listener,
            )
    show_training.bundle(bundle)
    if "test" in bundle.manifest.scores:
        show_training.scores(bundle.manifest.label, bundle.manifest.scores["test"])
    return 0


def _check_words(options: argparse.Namespace) -> None:
    """Tell a wrong word before the slow imports, not after them."""
    from bridge.tuning.recipes.recipe import RecipeError, check_word

    try:
        for flag, chosen, known in (
            ("--method", options.method, METHODS),
            ("--head", options.head, HEADS),
        ):
            if chosen is not None:
                check_word(flag, chosen, known)
    except RecipeError as error:
        raise UserError(str(error)) from error


def training_stores(given: Sequence[Path] | None, out: Path) -> list[Path]:
    """Where bases are looked for: the stores, and where models are written."""
    from bridge.bundles import default_stores

    stores = list(given or default_stores())
    known = {store.resolve() for store in stores}
    return [*stores, *([out] if out.is_dir() and out.resolve() not in known else [])]


@contextmanager
def told() -> Iterator[None]:
    """What the workshop refuses is said in one sentence."""
    from bridge.bundles import BundleError
    from bridge.tuning.exporting.export import ExportError
    from bridge.tuning.material import BuildError
    from bridge.tuning.methods.bases import BaseError
    from bridge.tuning.methods.nf4 import Nf4Error
    from bridge.tuning.recipes.recipe import RecipeError
    from bridge.tuning.scoring.evaluation import EvaluationError
    from bridge.tuning.scoring.leakage import LeakageError
    from bridge.tuning.training.trainer import TrainingError

    try:
        yield
    except (
        *(RecipeError, TrainingError, ExportError, BundleError, BuildError),
        *(BaseError, LeakageError, EvaluationError, Nf4Error),
    ) as error:
        raise UserError(str(error)) from error
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise UserError(
            f"{written_file(error) or 'a file'} cannot be written, the disk is full: make room, "
            "and the same command goes on from the last checkpoint"
        ) from error
    except KeyboardInterrupt:
        raise UserError("interrupted; the same command goes on from the last checkpoint") from None


def _run_per_symbol(
    options: argparse.Namespace, files: Sequence[TrainingFile], stores: Sequence[Path]
) -> int:
    from bridge.cli import show_training
    from bridge.tuning.build import choose_recipe
    from bridge.tuning.specialists import build_specialists, specialist_name, tuned_base

    recipe, _ = choose_recipe(
        options.recipe,
        None,
        files,
        method=options.method,
        base=options.base,
        head=options.head,
        stores=stores,
        usual_method="bottleneck",
    )
    if options.name:
        raise UserError("--name: with --per-symbol each model is named BASE-SYMBOL, leave it out")
    base = tuned_base(recipe, stores)
    for file in files:
        _prepare(options, specialist_name(base, file.bars.symbol))
    with show_training.training_progress(recipe.training.steps) as listener:
        made = build_specialists(
            files,
            recipe,
            base,
            runs=options.run_folder or Path("runs"),
            out=options.out,
            runtime=_runtime(options, recipe),
            replace_existing=options.replace,
            listener=listener,
        )
    if base.bundle is not None:  # as `tuned_base` has seen to
        show_training.specialists(base.bundle, made)
    return 0


def _runtime(options: argparse.Namespace, recipe: Recipe) -> str:
    runtime: str | None = options.to
    return runtime or ("torch" if recipe.model.head == "text" else "onnx")


def _prepare(options: argparse.Namespace, name: str) -> Path:
    """The run's folder, and the store's: made now, to fail now and not after the training."""
    if options.per_symbol:
        folder = (options.run_folder or Path("runs")) / name
    else:
        folder = options.run_folder or Path("runs") / name
    options.out.mkdir(parents=True, exist_ok=True)
    if options.restart:
        (folder / _CHECKPOINT).unlink(missing_ok=True)
    return Path(folder)
