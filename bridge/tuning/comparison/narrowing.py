"""Why the bottleneck goes down and up again: what its ablation says, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.tuning.comparison.estimates import Estimate
from bridge.tuning.comparison.phrases import above, below, tells, with_interval
from bridge.tuning.comparison.plan import DEFAULT_VARIANT, OWN, Variant
from bridge.tuning.comparison.tables import Scores, Tables
from bridge.tuning.comparison.training_costs import Cost

Trained = tuple[Variant, Cost, Scores]


def bottleneck_findings(tables: Tables) -> list[str]:
    """What its size and its non-linearity are worth; empty without an ablation."""
    rows = tables.ablation()
    sized = [
        row
        for row in rows
        if (row[0].placement, row[0].activation)
        == (DEFAULT_VARIANT.placement, DEFAULT_VARIANT.activation)
    ]
    if len(sized) < 2:
        return []
    width = tables.comparison.facts[OWN].width
    return [
        _sizes(tables, sized, width),
        *_square(tables, sized, width),
        *_linear(tables, rows, sized, width),
    ]


def _sizes(tables: Tables, sized: Sequence[Trained], width: int) -> str:
    sizes = [width // variant.reduction for variant, _, _ in sized]
    ratios = [score.pinball.value for _, _, score in sized]
    best = min(sized, key=lambda row: row[2].pinball.value)
    others = [variant for variant, _, _ in sized if variant != best[0]]
    apart = [tables.ablation_difference(best[0], other) for other in others]
    if all(each.low is None for each in apart):
        told = "the test is too short to tell them apart"
    else:
        out = sum(below(each, 0.0) for each in apart)
        told = (
            "the paired 95% interval of its difference to another, each by itself, "
            f"{tells(out, len(apart))}"
        )
    return (
        f"Of bottlenecks from {min(sizes)} to {max(sizes)} numbers wide (the network's width is "
        f"{width}), the one of {width // best[0].reduction} has the lowest pinball ratio of these "
        f"runs, {best[2].pinball.value:.4f}. All lie within {max(ratios) - min(ratios):.4f} of "
        f"each other; {told}."
    )


def _square(tables: Tables, sized: Sequence[Trained], width: int) -> list[str]:
    by_variant = {variant: cost for variant, cost, _ in sized}
    square = Variant(1)
    if square not in by_variant or DEFAULT_VARIANT not in by_variant:
        return []
    times = by_variant[square].trainable / by_variant[DEFAULT_VARIANT].trainable
    change = tables.ablation_difference(DEFAULT_VARIANT, square)
    return [
        f"The square one, which does not narrow at all, trains {times:.1f} times the parameters "
        f"of the usual one ({width // DEFAULT_VARIANT.reduction} wide). The usual one's pinball "
        f"ratio is {with_interval(change, '+.4f')} from the square one's: {_which(change)}."
    ]


def _linear(
    tables: Tables, rows: Sequence[Trained], sized: Sequence[Trained], width: int
) -> list[str]:
    known = {variant for variant, _, _ in rows}
    sentences = []
    for variant, _, _ in sized:
        linear = Variant(variant.reduction, "identity", variant.placement)
        if linear in known:
            change = tables.ablation_difference(linear, variant)
            sentences.append(
                f"Without the non-linearity the adapter of {width // variant.reduction} is a "
                "linear map; its pinball ratio is "
                f"{with_interval(change, '+.4f')} from the one with it: {_which(change)}."
            )
    return sentences


def _which(change: Estimate) -> str:
    """What the interval says of a difference; lower is better."""
    if change.low is None:
        return "the test is too short to tell whether that is more than luck"
    if below(change, 0.0):
        return "better, by its interval"
    if above(change, 0.0):
        return "worse, by its interval"
    return "no difference can be told"
