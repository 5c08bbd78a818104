"""`eabridge train` and `eabridge evaluate`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from bridge.cli.arguments import add_data, add_model, choose_bundle, day, load_bars
from bridge.cli.errors import UserError, needs


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "train",
        help="train a model on your own exports",
        description="Train a GPT-2 forecaster on exported bars, score it on bars it never saw, "
        "and write it where `eabridge serve` finds it. A run that was interrupted goes on when "
        "the same command is given again.",
    )
    add_data(parser)
    parser.add_argument(
        "--recipe",
        type=Path,
        metavar="FILE",
        help="TOML: name, data, model and training (default: the shipped model's, named "
        "my-model, its dates set to your bars: the last tenth for the test, the tenth before "
        "it to validate)",
    )
    parser.add_argument("--name", help="name of the model (default: the recipe's)")
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
    parser.set_defaults(run=run_train)

    parser = commands.add_parser(
        "evaluate",
        help="score a model against random walks",
        description="Score a model's quantiles on bars after its training, beside four random "
        "walks on the same windows. (A file of a symbol that it was not trained on, without later "
        "bars, is scored whole and marked.) A ratio below 1 beats the Gaussian random walk; "
        "brackets hold 95% intervals.",
    )
    add_data(parser)
    add_model(parser)
    parser.add_argument(
        "--stride",
        type=int,
        default=7,
        metavar="BARS",
        help="bars between the windows scored (default: %(default)s)",
    )
    parser.add_argument(
        "--since",
        type=day,
        metavar="DATE",
        help="score all bars after this day, even those that training saw",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run_evaluate)


def run_train(options: argparse.Namespace) -> int:
    with needs("train", "training"):
        import torch  # noqa: F401  (the slowest import first: the message comes before the work)

        from bridge.tuning import build
    from bridge.bundles import BundleError
    from bridge.cli import show
    from bridge.tuning.export import ExportError
    from bridge.tuning.recipe import RecipeError
    from bridge.tuning.trainer import TrainingError

    files = [build.TrainingFile(path, bars) for path, bars in load_bars(options)]
    try:
        recipe, recipe_text = build.choose_recipe(options.recipe, options.name, files)
        run = options.run_folder or Path("runs") / recipe.name
        if (options.out / recipe.name).exists() and not options.replace:
            raise UserError(
                f"{options.out / recipe.name} exists: give --name another, or --replace"
            )
        options.out.mkdir(parents=True, exist_ok=True)  # or fail now, not after the training
        if options.restart:
            (run / "checkpoint.safetensors").unlink(missing_ok=True)
        with show.training_progress(recipe.training.steps) as listener:
            bundle = build.build(
                files,
                recipe,
                recipe_text,
                run=run,
                out=options.out,
                replace_existing=options.replace,
                listener=listener,
            )
    except (RecipeError, TrainingError, ExportError, BundleError, build.BuildError) as error:
        raise UserError(str(error)) from error
    except KeyboardInterrupt:
        raise UserError("interrupted; the same command goes on from the last checkpoint") from None
    show.bundle(bundle)
    if "test" in bundle.manifest.scores:
        show.scores(bundle.manifest.label, bundle.manifest.scores["test"])
    return 0


def run_evaluate(options: argparse.Namespace) -> int:
    from bridge.backends import BackendError, open_backend
    from bridge.cli import show
    from bridge.tuning.evaluation import EvaluationError, Source, evaluate

    if options.stride < 1:
        raise UserError(f"--stride {options.stride}: at least 1")
    bundle = choose_bundle(options.model, options.models)
    sources = [Source(path.name, bars) for path, bars in load_bars(options)]
    try:
        with show.counting("scoring windows") as on_progress:
            scored = evaluate(
                open_backend(bundle),
                bundle.manifest,
                sources,
                stride=options.stride,
                since=options.since,
                on_progress=on_progress,
            )
    except (EvaluationError, BackendError) as error:
        raise UserError(str(error)) from error
    if options.json:
        print(json.dumps(scored, indent=2))
    else:
        show.scores(bundle.manifest.label, scored)
    return 0
