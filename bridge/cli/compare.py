"""`eabridge compare`."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.bundles.manifest import HEADS, METHODS
from bridge.cli.arguments import add_data, add_stores, load_bars
from bridge.cli.errors import UserError, needs

if TYPE_CHECKING:
    from bridge.tuning.comparison.plan import Plan
    from bridge.tuning.comparison.tasks import Source

_DEFAULT_BASE = "fx-h1"
_NUMBERS: dict[str, tuple[int | None, str]] = {
    "seeds": (3, "runs of each method that differ in their random numbers alone"),
    "folds": (1, "walk-forward folds; 1 is one split by time"),
    "stride": (7, "bars between the windows tested at the base's own window"),
    "steps": (None, "steps of each run"),
}
_SWITCHES = ("ablation", "memory", "large")


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "compare",
        help="compare the ways to tune a model on your own exports",
        description="Train every method on the same bars, in the same steps and with several "
        "seeds, score all of them and what needs no training on bars that none saw, and write a "
        "report: report.html, its charts, runs.csv and report.json. A comparison that was "
        "interrupted goes on when the same command is given again.",
    )
    add_data(parser)
    parser.add_argument(
        "--base",
        help="the model that every method tunes: name, folder, or a GPT-2 in Hugging Face format "
        f"(default: {_DEFAULT_BASE}, or one trained on --base-data)",
    )
    parser.add_argument(
        "--base-data",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="bars of the base's own: without --base, one is trained on them first; what tuning "
        "forgets is measured on them (a GPT-2 in Hugging Face format knows no bars to forget)",
    )
    parser.add_argument(
        "--base-recipe",
        type=Path,
        metavar="FILE",
        help="TOML: shape and training of the base that is trained on --base-data, and the days "
        "that cut training, validation and test; of several folds the first is tested after them "
        "(default: the last tenth is the test)",
    )
    parser.add_argument(
        "--methods",
        nargs="+",
        default=list(METHODS),
        metavar="METHOD",
        help=f"of {', '.join(METHODS)} (default: all)",
    )
    parser.add_argument(
        "--head",
        dest="heads",
        nargs="+",
        default=list(HEADS),
        metavar="HEAD",
        help="quantile, text or both, for 20 values in and 40 out (default: both)",
    )
    for name, (value, text) in _NUMBERS.items():
        usual = "the methods' own" if value is None else value
        parser.add_argument(
            f"--{name}", type=int, default=value, metavar="N", help=f"{text} (default: {usual})"
        )
    parser.add_argument(
        "--ablation",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="bottlenecks of every size beside (default: yes)",
    )
    parser.add_argument(
        "--memory",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="measure peak memory, of training and of serving 20 adapters (default: yes)",
    )
    parser.add_argument(
        "--large",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="costs at GPT-2 small's size too, which takes 4 GB (default: yes)",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder of the report and its runs"
    )
    add_stores(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    plan = _plan(options)  # what is wrong in it is said before the slow imports
    with needs("compare", "comparing"):
        import arch  # noqa: F401  (what is missing is said before the work)
        import jinja2  # noqa: F401
        import matplotlib as mpl  # noqa: F401
        import statsmodels  # noqa: F401
        import torch  # noqa: F401

        from bridge.tuning.comparison import comparing, report
    from bridge.backends import BackendError
    from bridge.bundles import BundleError
    from bridge.cli import show_comparison
    from bridge.tuning.build import BuildError
    from bridge.tuning.comparison.losses import WindowsError
    from bridge.tuning.comparison.measures import Effort
    from bridge.tuning.comparison.pretraining import make_base
    from bridge.tuning.comparison.subject import choose_subject, require_comparable
    from bridge.tuning.comparison.tasks import ComparisonError
    from bridge.tuning.costs.memory import MeasuredRunError
    from bridge.tuning.exporting.export import ExportError
    from bridge.tuning.methods.bases import BaseError
    from bridge.tuning.methods.nf4 import Nf4Error
    from bridge.tuning.recipes.recipe import RecipeError
    from bridge.tuning.recipes.recipe_file import read_recipe
    from bridge.tuning.scoring.classical import ClassicalError
    from bridge.tuning.scoring.leakage import LeakageError
    from bridge.tuning.training.trainer import TrainingError

    sources, kept = _load(options.data, options), _load(options.base_data, options)
    options.out.mkdir(parents=True, exist_ok=True)  # or fail now, not after the training
    try:
        base = _open_base(options)
        recipe = read_recipe(options.base_recipe) if options.base_recipe else None
        subject = choose_subject(sources, kept, plan.folds, base and base.bundle, recipe)
        require_comparable(subject, plan, base, recipe)
        with show_comparison.progress() as listener:
            base = base or make_base(subject, recipe, options.out, listener)
            comparison = comparing.compare(
                subject,
                base,
                plan,
                options.out,
                command=_command(options),
                effort=Effort(memory=options.memory, large=options.large),
                listener=listener,
            )
            listener.stage("drawing charts and writing the report")
            written = report.write_report(comparison, options.out)
    except (
        *(BackendError, BaseError, BuildError, BundleError, ClassicalError, ComparisonError),
        *(ExportError, LeakageError, MeasuredRunError, Nf4Error, RecipeError, TrainingError),
        WindowsError,
    ) as error:
        raise UserError(str(error)) from error
    except KeyboardInterrupt:
        raise UserError("interrupted; the same command goes on where it stopped") from None
    show_comparison.written(written)
    return 0


def _plan(options: argparse.Namespace) -> Plan:
    from bridge.tuning.comparison.plan import Plan

    try:
        return Plan(
            methods=tuple(options.methods),
            heads=tuple(options.heads),
            seeds=options.seeds,
            steps=options.steps,
            folds=options.folds,
            ablation=options.ablation,
            stride=options.stride,
        )
    except ValueError as error:
        raise UserError(str(error)) from error


def _load(paths: list[Path], options: argparse.Namespace) -> list[Source]:
    from bridge.tuning.comparison.tasks import read_source

    if not paths:
        return []
    given = argparse.Namespace(data=paths, repair=options.repair)
    return [read_source(path, bars, repaired=options.repair) for path, bars in load_bars(given)]


def _open_base(options: argparse.Namespace) -> Any:
    """The base that is there already; None where one is to be trained first."""
    from bridge.bundles import default_stores
    from bridge.tuning.methods.bases import open_base

    if options.base is None and options.base_data:
        return None
    if options.base_recipe is not None:
        raise UserError("--base-recipe is for a base that is trained on --base-data: leave it out")
    return open_base(options.base or _DEFAULT_BASE, options.models or default_stores())


def _command(options: argparse.Namespace) -> str:
    """The command for the report: what was asked for, files and folders by their names alone, as
    it may be read on another machine. What was left at its default is left out."""
    words = ["eabridge", "compare", "--data", *_names(options.data)]
    if options.base is not None:
        words += ["--base", _base_name(options.base)]
    if options.base_data:
        words += ["--base-data", *_names(options.base_data)]
    if options.base_recipe is not None:
        words += ["--base-recipe", options.base_recipe.name]
    if options.methods != list(METHODS):
        words += ["--methods", *options.methods]
    if options.heads != list(HEADS):
        words += ["--head", *options.heads]
    for name, (usual, _) in _NUMBERS.items():
        if getattr(options, name) != usual:
            words += [f"--{name}", str(getattr(options, name))]
    words += [f"--no-{name}" for name in _SWITCHES if not getattr(options, name)]
    if options.repair:
        words.append("--repair")
    for folder in options.models or []:
        words += ["--models", *_names([folder])]
    return shlex.join([*words, "--out", *_names([options.out])])


def _names(paths: Iterable[Path]) -> list[str]:
    """Files and folders by their own names; of `.` and `..`, what they are called."""
    return [path.resolve().name if path.name in ("", "..") else path.name for path in paths]


def _base_name(text: str) -> str:
    """A base's name, or that of its folder."""
    return Path(text).name if Path(text).is_dir() else text
