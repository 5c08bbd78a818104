"""Objects on the chart: made, moved, deleted, and reported where a program leaves them behind."""

from __future__ import annotations

from tests.mql5.expectations import PROGRAMS, expect_all
from tests.mql5.host import build
from tests.mql5.terminal import Terminal


def test_objects_are_made_changed_and_deleted(terminal: Terminal) -> None:
    report = expect_all("Charts", terminal, "linux").report
    assert report["objects_left"] == []
    assert report["comment_left"] == ""


def test_what_a_program_leaves_on_the_chart_is_reported(terminal: Terminal) -> None:
    report = build(PROGRAMS / "Charts.mq5").script(terminal, inputs={"Leave": 1}).report
    assert report["objects_left"] == ["and this", "left over"]
    assert report["comment_left"] == "still here"
