"""`eabridge evaluate`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from bridge.cli.arguments import add_data, add_model, choose_bundle, day, load_bars
from bridge.cli.errors import UserError


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="score a model against random walks",
        description="Score a model's quantiles on bars after its training, beside four random "
        "walks on the same windows; a model with specialists is scored with them, as the daemon "
        "serves it. Bars that training saw are refused. (A file of a symbol that it was not "
        "trained on, without later bars, is scored whole and marked.) A ratio below 1 beats the "
        "Gaussian random walk; brackets hold 95% intervals.",
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
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from bridge.backends import BackendError
    from bridge.bundles import BundleError, default_stores
    from bridge.cli import show, show_training
    from bridge.runtimes import Routed
    from bridge.tuning.scoring.evaluation import EvaluationError, Source, evaluate
    from bridge.tuning.scoring.leakage import LeakageError, read_windows

    if options.stride < 1:
        raise UserError(f"--stride {options.stride}: at least 1")
    bundle = choose_bundle(options.model, options.models)
    sources = [Source(path.name, bars) for path, bars in load_bars(options)]
    try:
        routed = Routed(
            bundle, options.models or default_stores(), routes=_is_bare_name(options.model)
        )
        with show.counting("scoring windows") as on_progress:
            scored = evaluate(
                routed.backend_for(""),
                bundle.manifest,
                sources,
                seen=read_windows(bundle),
                routed=routed,
                stride=options.stride,
                since=options.since,
                on_progress=on_progress,
            )
    except (EvaluationError, LeakageError, BackendError, BundleError) as error:
        raise UserError(str(error)) from error
    if options.json:
        print(json.dumps(scored, indent=2))
    else:
        show_training.scores(bundle.manifest.label, scored)
    return 0


def _is_bare_name(model: str | None) -> bool:
    """Whether specialists may answer: `name@version` and a folder mean that very bundle."""
    return model is None or ("@" not in model and not Path(model).is_dir())
