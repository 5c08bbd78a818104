"""Windows as tensors: what a batch holds, and what mirroring keeps."""

from __future__ import annotations

import numpy as np
import torch

from bridge.bars import Bars, Part
from bridge.synthetic import random_walk_bars
from bridge.tuning.training.samples import Samples

SHAPE = {"context": 32, "horizon": 4}


def test_a_window_is_the_bars_up_to_its_time_and_its_moves_are_what_follows(hourly: Bars) -> None:
    samples = Samples([hourly], [Part(100, 200)], **SHAPE)

    batch = samples.batch(np.array([0]))

    assert torch.equal(batch.bars[0], torch.from_numpy(hourly.ohlc[100:132]))
    assert batch.time[0].item() == hourly.time[131]
    expected = np.log(hourly.close[132:136] / hourly.close[131])
    assert np.allclose(batch.moves[0].numpy(), expected, atol=1e-12)


def test_no_window_reaches_out_of_its_part(hourly: Bars) -> None:
    samples = Samples([hourly], [Part(100, 200)], **SHAPE)

    assert len(samples) == 100 - 32 - 4 + 1
    assert samples.batch(np.array([len(samples) - 1])).time[0].item() == hourly.time[195]


def test_no_window_spans_two_files() -> None:
    first, second = (random_walk_bars(100, 3600, seed) for seed in (1, 2))
    both = Samples([first, second], [Part(0, 100), Part(0, 100)], **SHAPE)
    alone = Samples([second], [Part(0, 100)], **SHAPE)

    assert len(both) == 2 * len(alone)
    index = np.array([len(alone)])
    assert torch.equal(both.batch(index).bars, alone.batch(np.array([0])).bars)


def test_a_mirrored_window_moves_as_much_the_other_way(hourly: Bars) -> None:
    samples = Samples([hourly], [Part(0, 200)], **SHAPE)
    index = np.array([10])

    plain, turned = samples.batch(index), samples.batch(index, np.array([True]))

    assert torch.equal(turned.moves, -plain.moves)
    steps, mirrored = (torch.log(each.bars[0, :, 3]).diff() for each in (plain, turned))
    assert torch.allclose(mirrored, -steps, atol=1e-12)
    assert (turned.bars[0, :, 1] >= turned.bars[0, :, 2]).all()
