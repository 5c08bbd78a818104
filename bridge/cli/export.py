"""`eabridge export`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.bundles.manifest import RUNTIMES
from bridge.cli.arguments import add_model, choose_bundle, load_bars
from bridge.cli.errors import UserError, needs
from bridge.cli.train import told, training_stores

if TYPE_CHECKING:
    from bridge.tuning.build import TrainingFile


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "export",
        help="write a trained model as an ONNX graph, in float32 or int8",
        description="Export a trained model: adapters are merged or put inside the graph, int8 is "
        "calibrated on training windows, and the graph is held against PyTorch on validation "
        "windows and scored on the test. --model takes a run's folder, or a model.",
    )
    add_model(parser)
    parser.add_argument(
        "--to", choices=RUNTIMES, default="onnx", help="what serves it (default: onnx)"
    )
    parser.add_argument(
        "--quantize",
        choices=("int8",),
        help="int8: smaller, and faster the wider the model is; refused where it worsens the "
        "pinball ratio by more than 0.002",
    )
    parser.add_argument(
        "--data",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="the files it was trained on, to calibrate and score with (default: those that the "
        "run's folder remembers)",
    )
    parser.add_argument("--repair", action="store_true", help="drop broken rows of --data")
    parser.add_argument(
        "--force", action="store_true", help="write an int8 model that scores worse than allowed"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("models"),
        metavar="DIR",
        help="the folder of models to write to (default: ./models)",
    )
    parser.add_argument(
        "--name", help="name of the model (default: its own, with -int8 where it is quantised)"
    )
    parser.add_argument("--replace", action="store_true", help="replace a model of the same name")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    with needs("train", "exporting"):
        import torch  # noqa: F401

        from bridge.tuning import build
    from bridge.bundles import shipped_store
    from bridge.cli import show_training
    from bridge.tuning.material import material_of
    from bridge.tuning.methods.bases import open_base
    from bridge.tuning.methods.networks import load_network
    from bridge.tuning.publishing import Target, publish
    from bridge.tuning.recipes.recipe import check_name
    from bridge.tuning.run_folder import remembered_files

    if options.quantize and options.to != "onnx":
        raise UserError("--quantize: PyTorch serves float32; quantise with --to onnx")
    bundle = choose_bundle(options.model, options.models)
    name = options.name or bundle.manifest.name + (f"-{options.quantize}" * bool(options.quantize))
    stores = [*training_stores(options.models, options.out), shipped_store()]
    with told():
        check_name(name)
        target = Target(
            options.out,
            name,
            options.to,
            options.quantize or "",
            force=options.force,
            replace_existing=options.replace,
        )
        target.require_room()
        files: list[TrainingFile] = (
            [build.TrainingFile(path, bars, options.repair) for path, bars in load_bars(options)]
            if options.data
            else remembered_files(bundle.path)
        )
        with show_training.exporting_progress() as listener:
            made = publish(
                bundle,
                load_network(bundle, lambda label: open_base(label, stores)),
                material_of(files, bundle),
                target,
                listener,
            )
    show_training.bundle(made)
    show_training.export_scores(made.manifest)
    if "test" in made.manifest.scores:
        show_training.scores(made.manifest.label, made.manifest.scores["test"])
    return 0
