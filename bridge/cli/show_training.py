"""What training, exporting and scoring draw on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import MofNCompleteColumn, TextColumn
from rich.table import Table

from bridge.bars.times import stamp
from bridge.cli.show import console, progress

if TYPE_CHECKING:
    from bridge.bundles import Bundle, Manifest
    from bridge.tuning.publishing import Listener
    from bridge.tuning.specialists import Specialist


@contextmanager
def training_progress(steps: int) -> Iterator[Listener]:
    """A build's stages, with loss, scores and time left while it trains."""
    from bridge.tuning.publishing import Listener
    from bridge.tuning.training.trainer import Progress as Step

    columns = (
        TextColumn("{task.description}"),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with progress(*columns) as shown:
        task = shown.add_task("training", total=steps, visible=False, note="")  # nothing yet

        def on_step(step: Step) -> None:
            note = f"loss {step.loss:.4f}"
            if step.best is not None:
                note += f", best validation {step.score} {step.best:.4f}"
            shown.update(task, completed=step.step, visible=True, note=note)
            if step.validation is not None:
                shown.console.print(
                    f"step {step.step}: loss {step.loss:.5f}, "
                    f"validation {step.score} {step.validation:.5f}"
                )

        scoring = shown.add_task("scoring", total=None, visible=False, note="")

        def on_windows(done: int, total: int) -> None:
            shown.update(scoring, completed=done, total=total, visible=True)

        yield Listener(shown.console.print, on_step, on_windows)


@contextmanager
def exporting_progress() -> Iterator[Listener]:
    """An export's stages, and a bar while it is scored."""
    from bridge.tuning.publishing import Listener

    with progress(TextColumn("{task.description}"), MofNCompleteColumn()) as shown:
        scoring = shown.add_task("scoring", total=None, visible=False)

        def on_windows(done: int, total: int) -> None:
            shown.update(scoring, completed=done, total=total, visible=True)

        yield Listener(stage=shown.console.print, evaluating=on_windows)


def export_scores(manifest: Manifest) -> None:
    """What an export's verification found."""
    out = console()
    if "int8" not in manifest.scores:
        if "onnx_vs_torch" in manifest.scores:
            out.print(
                f"prices differ from PyTorch's by at most {manifest.scores['onnx_vs_torch']:.1e} "
                "(relative); the same bits alone and in any batch"
            )
        return
    found = manifest.scores["int8"]
    out.print(
        f"pinball ratio on validation windows: {found['validation_float32']:.5f} in float32, "
        f"{found['validation_int8']:.5f} in int8 ({found['worse_by']:+.5f}, at most "
        f"{found['allowed']:+.3f} is allowed{'; forced' if found['forced'] else ''})"
    )
    out.print(
        f"prices differ from PyTorch's by at most {found['int8_vs_torch']:.1e} (relative); the "
        "same bits alone and in any batch"
    )


def specialists(base: Bundle, made: Sequence[Specialist]) -> None:
    """What came of one adapter for each symbol."""
    out = console()
    label = base.manifest.label
    table = Table(title=f"specialists of {label}: pinball ratio on validation windows")
    table.add_column("symbol", no_wrap=True)
    for name in ("base", "tuned", "gain", "95% interval"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for each in made:
        found = each.comparison
        interval = "-" if found.interval is None else "{:+.5f} to {:+.5f}".format(*found.interval)
        verdict = "not kept" if each.bundle is None else f"wrote {each.bundle.manifest.label}"
        table.add_row(
            each.symbol,
            f"{found.base:.5f}",
            f"{found.tuned:.5f}",
            f"{found.gain:+.5f}",
            interval,
            verdict,
        )
    out.print(table)
    kept = [each for each in made if each.bundle is not None]
    out.print(
        f"{len(kept)} of {len(made)} beat the base beyond chance; for the other symbols the base "
        "answers. A gain below zero is better."
    )
    stores = dict.fromkeys(each.bundle.path.parent for each in kept if each.bundle)
    if stores:
        at_home = all(store.resolve() == Path("models").resolve() for store in stores)
        named = () if at_home else dict.fromkeys([*stores, base.path.parent])
        options = "".join(f" --models {store}" for store in named)
        out.print(f"serve them beside it with: eabridge serve{options}", soft_wrap=True)
    for each in kept:
        test = each.bundle.manifest.scores.get("test") if each.bundle else None
        if test is not None:
            scores(each.name, test)


def bundle(made: Bundle) -> None:
    """A bundle that was just written, and what to do with it."""
    out = console()
    out.print(f"\nwrote [bold]{made.manifest.label}[/] to {made.path}")
    store = (
        ""
        if made.path.parent.resolve() == Path("models").resolve()
        else (f" --models {made.path.parent}")
    )
    out.print(f"serve it with: eabridge serve{store} --default {made.manifest.name}")


def scores(label: str, scored: Mapping[str, Any]) -> None:
    """The scores of one model, a row a file; the baselines beside them, or below where narrow."""
    out = console()
    rows = [(each["symbol"] or each["file"], each) for each in scored["files"]]
    rows.append(("all", scored["overall"]))
    ours = ["from", "windows", "ratio", "1 bar", "last bar", "in 80%", "direction"]
    theirs = ["ewma", "hour of week", "bounded", "reversal"]
    title = f"{label}: pinball loss over the random walk's (below 1 is better)"
    if out.width >= _WIDE:
        _score_table(out, title, rows, [*ours, *theirs], lambda each: _ours(each) + _theirs(each))
    else:
        _score_table(out, title, rows, ours[2:-1], lambda each: _ours(each)[2:-1])
        _score_table(
            out,
            "direction, and the baselines",
            rows,
            [ours[-1], *theirs],
            lambda each: [_ours(each)[-1], *_theirs(each)],
        )
    if any(each.get("training_years") for _, each in rows):
        out.print("* bars of the years that the model was trained on: no proof of anything")
    if any(each.get("seen") for _, each in rows):
        out.print("! bars that the model was trained on: a score on them says nothing")
    overall = scored["overall"]["wql_ratio"]
    if overall is not None and overall >= 1:
        out.print("no better than the random walk on these bars: do not trade by it", style="bold")
    out.print(_HOW_TO_READ, style="dim")


def _score_table(
    out: Console,
    title: str,
    rows: Sequence[tuple[str, Mapping[str, Any]]],
    columns: Sequence[str],
    cells: Callable[[Mapping[str, Any]], list[str]],
) -> None:
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1))
    table.add_column("bars of", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for name, each in rows:
        if name == "all":
            table.add_section()
        mark = "!" if each.get("seen") else "*" if each.get("training_years") else ""
        table.add_row(name + mark, *cells(each))
    out.print(table)


def _ours(each: Mapping[str, Any]) -> list[str]:
    coverage = each.get("coverage_80")
    return [
        stamp(each["first"])[:10] if "first" in each else "",
        f"{each['windows']:,}",
        _with_interval(each, "wql_ratio"),
        _ratio(each["wql_ratio_h"], 0),
        _ratio(each["wql_ratio_h"], -1),
        "-" if coverage is None else f"{coverage:.3f}",
        _with_interval(each, "direction_1"),
    ]


def _theirs(each: Mapping[str, Any]) -> list[str]:
    base = each["baselines"]
    walks = [_with_interval({**base[key], "wql_ratio_ci": None}, "wql_ratio") for key in _WALKS]
    return [*walks, _with_interval({**base["reversal"], "direction_1_ci": None}, "direction_1")]


def _ratio(ratios: Sequence[float] | None, h: int) -> str:
    return "-" if ratios is None else f"{ratios[h]:.4f}"


_WIDE = 140
_WALKS = ("ewma", "hour_of_week", "hour_of_week_bounded")
_HOW_TO_READ = (
    "Brackets: 95% block-bootstrap intervals; none where there are too few weeks. Baselines: three "
    "random walks' ratios, and how often the last move turned round is the next one. A direction "
    "is worth something only beyond that, and beyond the spread."
)


def _with_interval(scores: Mapping[str, Any], name: str) -> str:
    value, interval = scores[name], scores[f"{name}_ci"]
    if value is None:
        return "-"
    digits = 4 if name == "wql_ratio" else 3
    shown = f"{value:.{digits}f}"
    return shown if interval is None else f"{shown} [{interval[0]:.3f}, {interval[1]:.3f}]"
