"""Scores of a servable model, on bars that its training never saw."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.backends import Backend, open_backend
from bridge.bars import Bars, Part
from bridge.bundles import Bundle, Specialists, write_bundle
from bridge.bundles.bundle import GRAPH_FILE
from bridge.synthetic import random_walk_bars
from bridge.tuning.scoring.evaluation import EvaluationError, Source, evaluate
from bridge.tuning.scoring.leakage import WINDOWS_FILE, LeakageError, read_windows, write_windows
from tests.backends import graphs

VALIDATED = date(2017, 12, 15)
UNSEEN_FROM = 1_513_382_400  # 2017-12-16 00:00


def trained_on(folder: Path, name: str, bars: Bars, **changed: Any) -> Bundle:
    """A small model that says it saw these bars up to 2017-12-15, and keeps their fingerprints."""
    manifest = replace(
        graphs.manifest("steady"),
        name=name,
        tf=3600,
        symbols=(bars.symbol,),
        data={"validate_until": str(VALIDATED)},
    )
    (folder / "graph").write_bytes(graphs.steady().SerializeToString())
    seen = Part(0, int(np.searchsorted(bars.time, UNSEEN_FROM)))
    write_windows(folder / "windows", [Source("a.csv", bars)], [seen])
    files = {GRAPH_FILE: folder / "graph", WINDOWS_FILE: folder / "windows"}
    return write_bundle(folder / name, replace(manifest, **changed), files)


@pytest.fixture
def bundle(tmp_path: Path, bars: Bars) -> Bundle:
    return trained_on(tmp_path, "base", bars)


def scores(bundle: Bundle, *sources: Source, **options: Any) -> dict[str, Any]:
    options = {"seen": read_windows(bundle)} | options
    return evaluate(open_backend(bundle), bundle.manifest, sources, **options)


def gbpusd() -> Bars:
    return replace(random_walk_bars(2000, 3600, seed=1), symbol="GBPUSD")


def test_of_a_trained_symbol_only_later_bars_are_scored(bundle: Bundle, bars: Bars) -> None:
    (file,) = scores(bundle, Source("a.csv", bars))["files"]

    embargo = graphs.CONTEXT + graphs.HORIZON
    first = np.searchsorted(bars.time, UNSEEN_FROM) + embargo + graphs.CONTEXT - 1
    assert file["first"] == bars.time[first]
    assert file["training_years"] is False
    assert file["seen"] is False


def test_so_they_are_where_a_broker_writes_the_symbol_otherwise(bundle: Bundle, bars: Bars) -> None:
    (file,) = scores(bundle, Source("a.csv", replace(bars, symbol="EURUSDm")))["files"]

    assert file["first"] > UNSEEN_FROM


def test_another_symbol_without_later_bars_is_scored_and_marked(bundle: Bundle, bars: Bars) -> None:
    other = replace(gbpusd(), time=bars.time[:2000])

    (file,) = scores(bundle, Source("a.csv", other))["files"]

    assert file["first"] == bars.time[graphs.CONTEXT - 1]
    assert file["training_years"] is True
    assert file["seen"] is False


def test_years_that_taught_a_models_base_are_marked_too(bundle: Bundle, bars: Bars) -> None:
    (file,) = scores(bundle, Source("a.csv", bars))["files"]
    after = date.fromtimestamp(file["last"] + 2 * 86_400)
    data = {**bundle.manifest.data, "base_until": str(after)}
    adapter = replace(bundle.manifest, data=data)

    scored = evaluate(open_backend(bundle), adapter, [Source("a.csv", bars)])

    (again,) = scored["files"]
    assert (again["first"], again["training_years"]) == (file["first"], True)


def test_bars_that_all_were_in_training_are_not_scored_in_silence(
    bundle: Bundle, bars: Bars
) -> None:
    with pytest.raises(EvaluationError, match="--since"):
        scores(bundle, Source("a.csv", bars[:3000]))


def test_nor_are_they_under_another_name(bundle: Bundle, bars: Bars) -> None:
    with pytest.raises(LeakageError, match=r"OTHER_H1\.csv is named as bars of OTHER"):
        scores(bundle, Source("OTHER_H1.csv", replace(bars[:3000], symbol="OTHER")))


def test_nor_on_another_clock(bundle: Bundle, bars: Bars) -> None:
    years_later = replace(bars, time=bars.time + 52 * 7 * 86_400)

    with pytest.raises(LeakageError, match=r"a\.csv: bars between .* were in the training of base"):
        scores(bundle, Source("a.csv", years_later))


def test_since_scores_what_training_saw_and_marks_it(bundle: Bundle, bars: Bars) -> None:
    (file,) = scores(bundle, Source("a.csv", bars), since=date(2017, 6, 30))["files"]

    assert file["first"] < UNSEEN_FROM
    assert file["seen"] is True


def test_later_bars_under_another_symbols_name_are_refused(bundle: Bundle, bars: Bars) -> None:
    with pytest.raises(LeakageError, match="rename the file to EURUSD_"):
        scores(bundle, Source("GBPUSD_H1.csv", replace(bars, symbol="GBPUSD")))


def test_a_model_that_kept_no_fingerprints_is_scored_by_its_dates_alone(
    bundle: Bundle, bars: Bars
) -> None:
    other = Source("OTHER_H1.csv", replace(bars, symbol="OTHER"))

    assert scores(bundle, other, seen=None)["files"][0]["seen"] is False


def test_the_report_has_every_score_for_each_file_and_overall(bundle: Bundle, bars: Bars) -> None:
    scored = scores(bundle, Source("a.csv", bars), Source("b.csv", gbpusd()))

    assert (scored["model"], scored["version"]) == ("base", bundle.manifest.version)
    assert [each["file"] for each in scored["files"]] == ["a.csv", "b.csv"]
    for each in [*scored["files"], scored["overall"]]:
        assert len(each["wql_ratio_h"]) == graphs.HORIZON
        for name in ("wql_ratio", "coverage_80", "direction_1"):
            assert each[name] > 0
            assert f"{name}_ci" in each
        assert {"random_walk", "ewma", "hour_of_week"} < set(each["baselines"])
        assert each["baselines"]["random_walk"]["wql_ratio"] == 1.0


def test_progress_reaches_the_number_of_windows(bundle: Bundle, bars: Bars) -> None:
    seen: list[tuple[int, int]] = []

    scored = scores(
        bundle, Source("a.csv", bars), on_progress=lambda done, total: seen.append((done, total))
    )

    assert seen[-1] == (scored["overall"]["windows"],) * 2


def test_another_timeframe_is_refused(bundle: Bundle) -> None:
    with pytest.raises(EvaluationError, match="trained on H1 bars and these are M1"):
        scores(bundle, Source("a.csv", random_walk_bars(500, 60, seed=0)))


class TestSpecialists:
    """A base is scored as the daemon serves it: each symbol by its specialist."""

    class Routed:
        def __init__(self, base: Bundle, *specialists: Bundle) -> None:
            self.specialists = Specialists(base, specialists)
            self.opened: list[str] = []

        def bundle_for(self, symbol: str) -> Bundle:
            return self.specialists.answering(symbol)

        def backend_for(self, symbol: str) -> Backend:
            bundle = self.bundle_for(symbol)
            self.opened.append(bundle.manifest.name)
            return open_backend(bundle)

    @pytest.fixture
    def later(self, bars: Bars) -> Bars:
        """Bars of another symbol after all training."""
        return replace(gbpusd(), time=bars.time[-1] + 3600 * np.arange(1, 2001))

    @pytest.fixture
    def routed(self, tmp_path: Path, bundle: Bundle, later: Bars) -> Routed:
        manifest = graphs.specialist("base-gbpusd", bundle.manifest, ["GBPUSD"])
        promised = replace(manifest, data={**manifest.data, "validate_until": str(VALIDATED)})
        (tmp_path / "graph").write_bytes(graphs.steady().SerializeToString())
        write_windows(tmp_path / "windows", [Source("g.csv", later)], [Part(0, 1000)], bundle)
        files = {GRAPH_FILE: tmp_path / "graph", WINDOWS_FILE: tmp_path / "windows"}
        specialist = write_bundle(tmp_path / "base-gbpusd", promised, files)
        return self.Routed(bundle, specialist)

    def test_each_file_is_scored_by_the_model_that_answers_for_its_symbol(
        self, bundle: Bundle, routed: Routed, bars: Bars, later: Bars
    ) -> None:
        late = Source("g.csv", later[1100:])

        scored = scores(bundle, Source("a.csv", bars), late, routed=routed)

        assert [each["model"].split("@")[0] for each in scored["files"]] == ["base", "base-gbpusd"]
        assert routed.opened == ["base-gbpusd"]

    def test_what_the_specialist_saw_counts_as_seen(
        self, bundle: Bundle, routed: Routed, later: Bars
    ) -> None:
        with pytest.raises(LeakageError, match="training of base-gbpusd"):
            scores(bundle, Source("g.csv", later), routed=routed)
