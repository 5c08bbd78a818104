"""Models tried in a process of their own: what explodes is refused with what it did."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnx
import psutil
import pytest

from bridge.backends import trial
from bridge.backends.trial import Trial, TrialError, try_bundles
from bridge.bundles import Bundle, list_bundles, shipped_store
from tests.backends import bombs, fake_runtime, graphs

LIMIT = 512 << 20


def tried(bundle: Bundle, **limits: float) -> Trial:
    return try_bundles([bundle.path], **{"memory_bytes": LIMIT, "seconds": 30.0, **limits})[  # type: ignore[arg-type]
        bundle.path
    ]


def test_the_models_that_ship_are_let_in_with_what_a_window_takes() -> None:
    bundles, _ = list_bundles([shipped_store()])
    found = try_bundles([bundle.path for bundle in bundles])
    assert list(found) == [bundle.path for bundle in bundles]
    for bundle in bundles:
        outcome = found[bundle.path]
        assert outcome.refusal(bundle) is None
        assert outcome.version == bundle.manifest.version
        assert 0.0 < outcome.window_us < 1e6
        assert 1 << 20 < outcome.peak_bytes < LIMIT


def test_a_model_that_admits_one_window_at_a_time_is_let_in(tmp_path: Path) -> None:
    bundle = graphs.put(tmp_path, graphs.one_at_a_time(), graphs.manifest("single"))
    assert tried(bundle).refused is None


def test_a_model_that_reads_all_four_prices_is_let_in(tmp_path: Path) -> None:
    bundle = graphs.put(tmp_path, graphs.steady("ohlc"), graphs.manifest("m", inputs="ohlc"))
    assert tried(bundle).refused is None


def test_a_graph_that_another_program_holds_may_be_free_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = graphs.put(tmp_path, graphs.steady(), graphs.manifest("held"))
    assert not tried(bundle).may_pass
    start = trial.start_child
    monkeypatch.setattr(
        trial, "start_child", lambda _: start("tests.backends.locked_trial:try_all")
    )

    outcome = tried(bundle)

    assert "Permission denied" in (outcome.refusal(bundle) or "")
    assert outcome.may_pass


def test_a_bundle_that_pytorch_runs_is_not_asked(tmp_path: Path) -> None:
    outcome = tried(fake_runtime.put(tmp_path, "hanging"))
    assert (outcome.refused, outcome.window_us) == (None, math.inf)


def test_nothing_to_try_needs_no_process() -> None:
    assert try_bundles([]) == {}


@pytest.mark.parametrize(
    ("model", "what"),
    [
        (bombs.constant_of_shape, "to answer one window"),
        (bombs.folded_while_loading, "while it was loaded"),
        (bombs.expand, "to answer one window"),
        (lambda: bombs.endless_loop(growing=True), "to answer one window"),
        (bombs.larger_in_a_batch, "to answer 64 windows at once"),
    ],
    ids=["ConstantOfShape", "constants folded at load", "Expand", "a growing loop", "in a batch"],
)
def test_a_graph_that_takes_too_much_memory_is_refused_with_what_it_was_at(
    tmp_path: Path, model: Callable[[], onnx.ModelProto], what: str
) -> None:
    bundle = graphs.put(tmp_path, model(), graphs.manifest("bomb"))
    outcome = tried(bundle)
    assert outcome.refused is not None
    assert outcome.refused.startswith(f"bundle {bundle.path}: its graph, a file of ")
    assert f"KiB, took over 512.0 MiB of memory {what}" in outcome.refused
    assert outcome.window_us == math.inf


def test_a_graph_that_asks_for_more_than_the_runtime_gives_is_refused(tmp_path: Path) -> None:
    bundle = graphs.put(tmp_path, bombs.tile(), graphs.manifest("bomb"))
    assert tried(bundle).refused is not None


def test_a_loop_without_end_is_refused(tmp_path: Path) -> None:
    bundle = graphs.put(tmp_path, bombs.endless_loop(), graphs.manifest("endless"))
    expected = f"bundle {bundle.path}: it took over 0.5 seconds to answer one window"
    assert tried(bundle, seconds=0.5).refused == expected


@pytest.mark.parametrize(
    "content",
    [b"", b"not a graph", b"\x00" * 1024, bombs.nested(20), bombs.nested(20_000)],
    ids=["empty", "no graph", "zeros", "nested", "nested without end"],
)
def test_bytes_that_are_no_graph_are_refused(tmp_path: Path, content: bytes) -> None:
    bundle = graphs.put(tmp_path, content, graphs.manifest("m"))
    refused = tried(bundle).refused
    assert refused is not None
    assert refused.startswith(f"bundle {bundle.path}: model.onnx is not a readable graph: ")
    assert "\n" not in refused


def test_branches_in_branches_are_tried_like_any_graph(tmp_path: Path) -> None:
    bundle = graphs.put(tmp_path, bombs.branching(25), graphs.manifest("deep"))
    assert tried(bundle).refused is None


def test_a_model_that_breaks_its_promise_is_refused_as_it_is_elsewhere(tmp_path: Path) -> None:
    bundle = graphs.put(tmp_path, graphs.blending(), graphs.manifest("m"))
    refused = tried(bundle).refused
    assert refused is not None
    assert "changes with the other windows of its batch" in refused


def test_a_damaged_bundle_is_refused_as_it_is_elsewhere(tmp_path: Path) -> None:
    bundle = graphs.put(tmp_path, graphs.steady(), graphs.manifest("m"))
    bundle.graph.write_bytes(b"other")
    outcome = tried(bundle)
    assert outcome.refused is not None
    assert outcome.refused.startswith(f"bundle {bundle.path}: model.onnx is not the file that was")
    assert outcome.version == ""


def test_the_others_are_tried_after_one_that_was_ended(tmp_path: Path) -> None:
    bundles = [
        graphs.put(tmp_path, model, graphs.manifest(name))
        for name, model in {
            "a": graphs.steady(),
            "b": bombs.expand(),
            "c": graphs.steady(),
            "d": bombs.endless_loop(),
            "e": graphs.steady(),
        }.items()
    ]
    found = try_bundles([bundle.path for bundle in bundles], memory_bytes=LIMIT, seconds=1.0)
    assert [found[bundle.path].refused is None for bundle in bundles] == [True, False] * 2 + [True]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
@pytest.mark.parametrize(
    ("name", "reason", "may_pass"),
    [
        ("SIGSEGV", "its graph ended the process that tried it (signal SIGSEGV) to answer", False),
        ("SIGKILL", "was killed (signal SIGKILL) to answer one window, perhaps by a system", True),
    ],
)
def test_a_graph_that_ends_the_process_is_refused_and_the_others_are_tried(
    tmp_path: Path, name: str, reason: str, may_pass: bool
) -> None:
    fatal = graphs.put(tmp_path, bombs.endless_loop(), graphs.manifest("fatal"))
    steady = graphs.put(tmp_path, graphs.steady(), graphs.manifest("steady"))
    others = set(psutil.Process().children(recursive=True))  # such as a daemon that tests share
    killing = threading.Thread(target=_end_what_computes, args=(signal.Signals[name], others))
    killing.start()
    found = try_bundles([fatal.path, steady.path])
    killing.join()
    refused = found[fatal.path].refused
    assert refused is not None
    assert reason in refused
    assert found[fatal.path].may_pass is may_pass
    assert found[steady.path].refused is None


def _end_what_computes(number: signal.Signals, others: set[psutil.Process]) -> None:
    """End a new child of this process once it has computed for longer than any start takes."""
    while True:
        for child in set(psutil.Process().children(recursive=True)) - others:
            if child.cpu_times().user > 1.0:
                child.send_signal(number)
                return
        time.sleep(0.05)


@pytest.mark.parametrize("failing", ["the process", "its first word"])
def test_what_was_found_counts_though_nothing_can_be_tried_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    bomb = graphs.put(tmp_path, bombs.expand(), graphs.manifest("bomb"))
    steady = graphs.put(tmp_path, graphs.steady(), graphs.manifest("steady"))
    begin, begun = trial.start_child, []

    def once(function: str) -> subprocess.Popen[bytes]:
        begun.append(function)
        if len(begun) == 1:
            return begin(function)
        if failing == "the process":
            raise OSError(12, "Cannot allocate memory")
        return begin("bridge.nothing_at_all:try_all")

    monkeypatch.setattr(trial, "start_child", once)
    found = try_bundles([bomb.path, steady.path], memory_bytes=LIMIT)
    assert "took over 512.0 MiB of memory" in (found[bomb.path].refused or "")
    assert (found[steady.path].refused or "").startswith(f"bundle {steady.path}: ")
    assert [each.may_pass for each in found.values()] == [False, True]


def test_a_machine_that_is_short_of_memory_is_told_so_and_the_graph_not_blamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = graphs.put(tmp_path, bombs.expand(), graphs.manifest("m"))
    memory = psutil.virtual_memory()._replace(available=1 << 20)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    outcome = tried(bundle)
    assert outcome.refused is not None
    assert "256.0 MiB of memory to answer one window, and this machine has no more" in (
        outcome.refused
    )
    assert outcome.may_pass


@pytest.mark.parametrize(
    ("work", "refused"),
    [
        ("try_with_a_defect", "it could not be tried (ZeroDivisionError: division by zero)"),
        ("try_with_noise", None),
    ],
)
def test_neither_a_defect_of_ours_nor_what_a_library_writes_is_blamed_on_the_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: str, refused: str | None
) -> None:
    bundle = graphs.put(tmp_path, graphs.steady(), graphs.manifest("m"))
    begin = trial.start_child
    monkeypatch.setattr(
        trial, "start_child", lambda _: begin(f"tests.backends.fake_runtime:{work}")
    )
    assert tried(bundle).refused == (refused and f"bundle {bundle.path}: {refused}")


def test_the_limit_grows_with_an_honest_file(tmp_path: Path) -> None:
    weights = bombs.honest(64 << 20)
    bundle = graphs.put(tmp_path, weights, graphs.manifest("large"))
    assert tried(bundle, memory_bytes=64 << 20).refused is None


def test_a_bundle_that_was_changed_since_is_refused(tmp_path: Path) -> None:
    before = graphs.put(tmp_path, graphs.steady(), graphs.manifest("m"))
    other = replace(before, manifest=replace(before.manifest, horizon=9))
    refusal = tried(before).refusal(other)
    assert refusal == f"bundle {before.path}: it was changed while it was tried: put it there again"


def test_where_no_process_can_be_started_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = graphs.put(tmp_path, graphs.steady(), graphs.manifest("m"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(TrialError, match="no process can be started"):
        tried(bundle)


def test_a_process_that_ends_before_it_begins_is_told_with_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = graphs.put(tmp_path, graphs.steady(), graphs.manifest("m"))
    begin = trial.start_child
    monkeypatch.setattr(trial, "start_child", lambda _: begin("bridge.nothing_at_all:try_all"))
    with pytest.raises(TrialError, match=r"No module named 'bridge\.nothing_at_all'"):
        tried(bundle)


def test_no_process_is_left_behind(tmp_path: Path) -> None:
    before = set(psutil.Process().children())
    tried(graphs.put(tmp_path, bombs.endless_loop(), graphs.manifest("m")), seconds=0.3)
    tried(graphs.put(tmp_path, graphs.steady(), graphs.manifest("n")))
    assert set(psutil.Process().children()) == before


def test_the_process_ends_with_the_one_that_began_it(tmp_path: Path) -> None:
    bundle = graphs.put(tmp_path, bombs.endless_loop(), graphs.manifest("m"))
    script = (
        "import sys; from pathlib import Path; from bridge.backends.trial import try_bundles; "
        "try_bundles([Path(sys.argv[1])])"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(bundle.path)]) as parent:
        watched = psutil.Process(parent.pid)
        until = time.monotonic() + 30.0
        children: list[psutil.Process] = []
        while not children and time.monotonic() < until:
            children = watched.children(recursive=True)
        parent.kill()
    gone, alive = psutil.wait_procs(children, timeout=30.0)
    assert gone
    assert not alive
