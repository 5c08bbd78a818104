"""The report's files, from a small comparison that was really trained."""

from __future__ import annotations

import csv
import json
import re
import struct
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bridge.tuning.comparison.plan import OWN, QUANTILE, TEXT
from bridge.tuning.comparison.report import Report, write_report
from bridge.tuning.comparison.style import COLOURS, LABELS, MARKERS
from bridge.tuning.comparison.tables import Tables
from tests.tuning.comparison.conftest import PLAN, Made


@dataclass(frozen=True)
class Written:
    """The report's folder, and its page's text."""

    folder: Path
    report: Report
    page: str


@pytest.fixture(scope="module")
def written(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("report")
    report = write_report(made.comparison, folder)
    return Written(folder, report, report.page.read_text(encoding="utf-8"))


class Addresses(HTMLParser):
    """What a page loads or leads to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found += [
            (tag, value or "") for name, value in attributes if name in ("src", "href", "srcset")
        ]


def test_the_page_stands_alone(written: Written) -> None:
    addresses = Addresses()
    addresses.feed(written.page)

    assert addresses.found
    for tag, address in addresses.found:
        assert address.startswith("data:image/png;base64," if tag == "img" else "#"), address
    assert "<script" not in written.page


def test_the_page_leads_to_sections_that_are_there(written: Written) -> None:
    anchors = re.findall(r'href="#(\w+)"', written.page)

    assert len(anchors) > 6
    assert all(f'id="{anchor}"' in written.page for anchor in anchors)


def test_every_chart_is_a_png_of_at_least_a_thousand_pixels(written: Written) -> None:
    charts = sorted((written.folder / "charts").iterdir())

    names = {path.name for path in charts}
    assert {"quality.png", "cost.png", "curves.png", "points.png", "latency.png"} <= names
    assert {f"forecasts-{task}.png" for task in (OWN, QUANTILE, TEXT)} <= names
    for path in charts:
        header = path.read_bytes()[:24]
        assert header[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">I", header[16:20])[0] >= 1000


def test_every_chart_is_in_the_page_with_words_for_those_who_cannot_see_it(
    written: Written,
) -> None:
    charts = list((written.folder / "charts").iterdir())

    assert written.page.count("<img ") == written.page.count('alt="') == len(charts)
    assert 'alt=""' not in written.page


def test_the_page_says_how_many_seeds_and_windows_and_which_dates(written: Written) -> None:
    windows, seeds = (
        r"[\d,]+ windows that end \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d",
        "2 seeds of each",
    )

    assert re.search(windows, written.page)
    assert seeds in written.page
    assert "training saw" in written.page


@pytest.mark.parametrize("name", ["full", "bottleneck", "base, not tuned", "Theta", "GARCH(1,1)-t"])
def test_every_forecaster_is_in_the_page(written: Written, name: str) -> None:
    assert name in written.page


def test_the_page_names_no_folder_of_the_machine(written: Written, made: Made) -> None:
    assert str(made.folder) not in written.page
    assert str(Path.home()) not in written.page


def test_the_csv_has_a_row_for_each_run(written: Written, made: Made) -> None:
    with (written.folder / "runs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert [(row["task"], row["method"], int(row["seed"])) for row in rows] == [
        (run.task, run.method, run.seed) for run in PLAN.runs(made.base.width)
    ]
    assert all(float(row["pinball_ratio"]) > 0 for row in rows)


def test_the_json_holds_what_the_page_says(written: Written) -> None:
    def refuse(constant: str) -> Any:
        raise AssertionError(f"{constant} is no JSON")

    text = (written.folder / "report.json").read_text(encoding="utf-8")
    content = json.loads(text, parse_constant=refuse)

    assert {"plan", "scores", "costs", "targets", "findings", "significance"} <= content.keys()
    assert content["base"].startswith("base@")
    bottleneck = next(row for row in content["scores"]["own"] if row["name"] == "bottleneck")
    shown = f"{bottleneck['pinball']['value']:.4f}"
    assert shown in written.page
    assert len(content["runs"][0]["curve"]) > 1


def test_the_headline_is_a_table_for_a_readme(written: Written) -> None:
    lines = (written.folder / "headline.md").read_text(encoding="utf-8").splitlines()

    columns = lines[0].count("|")
    assert lines[0].startswith("| method | trained, of all |")
    assert [line.count("|") for line in lines[: 2 + len(PLAN.methods)]] == [columns] * 4


def test_methods_are_told_apart_without_colour_too() -> None:
    assert len(set(MARKERS.values())) == len(MARKERS) == len(COLOURS)
    assert len(set(LABELS.values())) == len(LABELS)


def test_tables_can_be_made_of_results_alone(made: Made) -> None:
    tables = Tables(made.comparison)

    assert [row.name for row in tables.scores[OWN][:2]] == list(PLAN.methods)
