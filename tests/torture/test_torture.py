"""A short run. A long one: `python -m tests.torture --minutes N`."""

from __future__ import annotations

from tests.torture.askers import KINDS
from tests.torture.run import Plan, torture
from tests.torture.wardrobe import has_torch

SEED = 2024
HARMS = ["kill_daemon", "fill_disk", "swap_by_order", "put_rotten"]


def test_every_answer_is_right_and_every_failure_has_its_reason_whatever_is_done() -> None:
    said: list[str] = []
    harms = [*HARMS, *(["kill_worker"] if has_torch() else [])]
    plan = Plan(20.0, SEED, torch=True, quick=True, only=harms, questions=100, versions=2)
    record = torture(plan, said.append)
    assert record.violations == [], "\n".join(said)
    done = record.counts("harm")
    assert set(harms) - set(done) <= {"fill_disk"}, "where no disk can be filled"
    for who, _, _ in KINDS:
        answers = record.counts(f"answers to {who}")
        right = "bad_field" if who == "wrong requests" else "ok"
        assert answers[right] > 0, f"{who}: {answers}"
