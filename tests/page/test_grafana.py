"""The Grafana dashboard: it asks for what the daemon tells, and for all of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bridge.page
from bridge.daemon.cache.memory import ForecastCache
from bridge.daemon.telemetry.counts import Telemetry
from bridge.daemon.telemetry.metrics import DaemonCollector
from bridge.daemon.telemetry.snapshot import LaneFacts, ServiceFacts, Source
from tests.conftest import shipped_model

FILE = Path(bridge.page.__file__).parent / "grafana-dashboard.json"
ADDED_BY_PROMETHEUS = {"instance", "job"}


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def exported() -> dict[str, set[str]]:
    """The labels of every metric that a daemon tells of, by the sample's name."""
    manifest = shipped_model().manifest
    telemetry = Telemetry()
    telemetry.lane(manifest.label).record(1, 2, 3)
    lane = LaneFacts(manifest, True, (), 0, 0, "inline", "ready")
    facts = ServiceFacts("eabridge 1", "ready", 0, 3, (lane,))
    source = Source(lambda: facts, telemetry, ForecastCache(1_000_000))
    samples = [sample for metric in DaemonCollector(source).collect() for sample in metric.samples]
    return {sample.name: set(sample.labels) for sample in samples}


def expressions(dashboard: dict[str, Any]) -> Iterator[str]:
    """Every query in it."""
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    for variable in dashboard["templating"]["list"]:
        yield variable.get("definition", "")
    yield from (each.get("expr", "") for each in dashboard["annotations"]["list"])


def test_every_metric_that_it_asks_for_is_told(
    dashboard: dict[str, Any], exported: dict[str, set[str]]
) -> None:
    asked = {
        name for each in expressions(dashboard) for name in re.findall(r"\beabridge_\w+", each)
    }
    assert asked
    assert asked <= set(exported)


def test_every_metric_that_is_told_is_shown(
    dashboard: dict[str, Any], exported: dict[str, set[str]]
) -> None:
    text = "\n".join(expressions(dashboard))
    parts = ("_bucket", "_sum", "_count", "_created")  # one of a histogram's series is enough
    whole = {re.sub(f"({'|'.join(parts)})$", "", name) for name in exported}
    assert {name for name in whole if name not in text} == set()


def test_every_label_that_it_asks_for_is_there(
    dashboard: dict[str, Any], exported: dict[str, set[str]]
) -> None:
    for expression in expressions(dashboard):
        known = {"le"} if "_bucket" in expression else set()
        for name in re.findall(r"\beabridge_\w+", expression):
            known |= exported[name] | ADDED_BY_PROMETHEUS
        named = set(re.findall(r"[{,]\s*(\w+)\s*(?:=~|!=|!~|=)", expression))
        for group in re.findall(r"\bby \(([^)]*)\)", expression):
            named |= {label.strip() for label in group.split(",")}
        assert named <= known, expression


def test_every_series_has_a_name_made_of_labels_it_has(dashboard: dict[str, Any]) -> None:
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                groups = re.findall(r"\bby \(([^)]*)\)", target["expr"])
                if groups:
                    assert all(label in re.split(r",\s*", group) for group in groups), target


def test_percentiles_are_of_buckets_summed_by_le(dashboard: dict[str, Any]) -> None:
    found = [each for each in expressions(dashboard) if "histogram_quantile" in each]
    assert len(found) >= 8
    for each in found:
        assert re.search(r"histogram_quantile\(0\.\d+, sum by \(le\b[^)]*\) \(rate\(", each), each
    text = "\n".join(found)
    for stage in ("queue", "inference", "total"):
        assert f'stage="{stage}"' in text


def test_it_is_asked_of_whatever_source_the_viewer_has(dashboard: dict[str, Any]) -> None:
    variables = {each["name"]: each for each in dashboard["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    for panel in dashboard["panels"]:
        if panel["type"] != "row":
            sources = [panel["datasource"], *(each["datasource"] for each in panel["targets"])]
            assert all(source["uid"] == "${datasource}" for source in sources)


def test_its_panels_lie_beside_each_other(dashboard: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["type"] == "row" or panel["description"]


def test_its_schema_is_one_that_grafana_10_and_later_read(dashboard: dict[str, Any]) -> None:
    assert 36 <= dashboard["schemaVersion"] <= 41
    assert dashboard["id"] is None
    assert {panel["type"] for panel in dashboard["panels"]} <= {
        *("row", "stat", "timeseries", "heatmap", "state-timeline")
    }
