"""What the log is told of a model that fails a thousand times."""

from __future__ import annotations

import logging

import pytest

from bridge.backends import BackendError
from bridge.daemon.lanes.complaints import Complaints


@pytest.fixture
def complaints() -> Complaints:
    return Complaints("m@1")


def test_the_first_failure_is_told_with_its_traceback(
    complaints: Complaints, caplog: pytest.LogCaptureFixture
) -> None:
    complaints.tell("failed", "m@1 failed on a window that ends at 77", BackendError("secret"))
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (
        logging.ERROR,
        "m@1 failed on a window that ends at 77",
    )
    assert record.exc_info is not None
    assert record.exc_info[0] is BackendError


def test_a_thousand_failures_take_a_few_lines_and_are_counted(
    complaints: Complaints, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(1000):
        complaints.tell("failed", f"m@1 failed on window {number}", BackendError("x"))
    complaints.flush(all_of_it=True)
    assert len(caplog.records) == 3
    assert "998 times more" in caplog.text


def test_each_kind_is_told_for_itself(
    complaints: Complaints, caplog: pytest.LogCaptureFixture
) -> None:
    complaints.tell("failed", "it failed", BackendError("x"))
    complaints.tell("died", "it died")
    assert [record.getMessage() for record in caplog.records] == ["it failed", "it died"]
