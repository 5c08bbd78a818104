"""Results on disk: what counts as finished, and that it is read as it was given back."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from bridge.tuning.comparison.losses import Losses
from bridge.tuning.comparison.plan import OWN, RunKey
from bridge.tuning.comparison.results import LeftOut, Measures, RunResult, Timing
from bridge.tuning.comparison.storage import (
    load_measures,
    load_run,
    load_untrained,
    save_measures,
    save_run,
    save_untrained,
)
from bridge.tuning.scoring.scores import RANDOM_WALK
from tests.tuning.comparison.invented import losses, run, untrained, walk_losses

WALK = walk_losses(20)
KEY = RunKey(OWN, "lora", 0)
LEFT_OUT = LeftOut(OWN, 0, "garch", "MADE: GARCH did not converge")


def result(ratio: float = 0.97) -> RunResult:
    found = run(KEY, losses(WALK, ratio))
    return replace(found, kept=losses(WALK, 0.99), example=np.ones((3, 3)), machine="here")


def same(one: Losses, other: Losses) -> bool:
    return np.array_equal(one.pinball, other.pinball) and np.array_equal(one.time, other.time)


def rewrite(path: Path, **changes: object) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | changes), encoding="utf-8")


def test_a_run_is_given_back_as_it_will_be_read(tmp_path: Path) -> None:
    given = save_run(result(), tmp_path)
    read = load_run(KEY, tmp_path)

    assert read is not None
    assert given.kept is not None
    assert read.kept is not None
    assert same(given.test, read.test)
    assert same(given.kept, read.kept)
    assert (given.curve, given.machine, given.validation) == (read.curve, "here", read.validation)


def test_a_run_that_was_not_finished_is_none(tmp_path: Path) -> None:
    assert load_run(KEY, tmp_path) is None


def test_what_an_earlier_run_kept_is_not_taken_for_this_ones(tmp_path: Path) -> None:
    save_run(result(), tmp_path)

    assert save_run(replace(result(), kept=None), tmp_path).kept is None


def test_a_run_of_another_version_is_not_finished(tmp_path: Path) -> None:
    save_run(result(), tmp_path)
    rewrite(tmp_path / f"{KEY.name}.json", colour="blue")

    assert load_run(KEY, tmp_path) is None


def test_a_run_from_before_machines_were_kept_is_finished(tmp_path: Path) -> None:
    save_run(result(), tmp_path)
    path = tmp_path / f"{KEY.name}.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["machine"]
    path.write_text(json.dumps(content), encoding="utf-8")

    read = load_run(KEY, tmp_path)

    assert read is not None
    assert read.machine == ""


@pytest.mark.parametrize("broken", [None, b"", b"PK\x03\x04 and no more"])
def test_a_run_without_its_arrays_is_not_finished(tmp_path: Path, broken: bytes | None) -> None:
    save_run(result(), tmp_path)
    path = tmp_path / f"{KEY.name}.test.npz"
    path.unlink()
    if broken is not None:
        path.write_bytes(broken)

    assert load_run(KEY, tmp_path) is None


def test_a_run_killed_while_it_is_kept_does_not_vouch_for_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_run(result(), tmp_path)

    def full_disk(self: Losses, path: Path) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Losses, "save", full_disk)
    with pytest.raises(OSError, match="no space"):
        save_run(result(0.5), tmp_path)

    assert load_run(KEY, tmp_path) is None


def test_untrained_forecasters_are_given_back_as_they_will_be_read(tmp_path: Path) -> None:
    path = tmp_path / "untrained-own-fold0.json"
    walk = replace(untrained(RANDOM_WALK, WALK, validation=1.0), kept=WALK, example=np.ones((3, 3)))

    given, given_out = save_untrained([walk], [LEFT_OUT], "now", path)
    found = load_untrained("now", path)

    assert found is not None
    [read], left_out = found
    assert (given_out, left_out) == ([LEFT_OUT], [LEFT_OUT])
    assert same(given[0].test, read.test)
    assert read.kept is not None
    assert (read.name, read.validation) == (RANDOM_WALK, 1.0)


def test_untrained_forecasters_of_other_data_or_another_version_are_none(tmp_path: Path) -> None:
    path = tmp_path / "untrained-own-fold0.json"
    save_untrained([untrained(RANDOM_WALK, WALK)], [], "now", path)

    assert load_untrained("then", path) is None
    rewrite(path, left_out=[{"colour": "blue"}])
    assert load_untrained("now", path) is None


def test_measures_of_other_data_or_another_version_are_none(tmp_path: Path) -> None:
    path = tmp_path / "measures.json"
    timing = Timing(OWN, "full", "ONNX", 1.0, 2.0, (0.9, 1.1))
    save_measures(Measures(timings=(timing,)), "now", path)

    assert load_measures("now", path) == Measures(timings=(timing,))
    assert load_measures("then", path) is None
    rewrite(path, timings=[asdict(timing) | {"colour": "blue"}])
    assert load_measures("now", path) is None
