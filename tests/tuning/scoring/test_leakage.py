"""Leakage: what comes in twice, or was in training, is found whatever its file is called."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from bridge.bars import Bars, Part, read_bars
from bridge.bars.fingerprints import CERTAIN_BARS, fingerprints
from bridge.bundles import Bundle, BundleError, write_bundle
from bridge.synthetic import random_walk_bars
from bridge.tuning.scoring.leakage import (
    WINDOWS_FILE,
    LeakageError,
    duplicates,
    near_duplicates,
    read_windows,
    require_distinct,
    require_named_right,
    require_unseen,
    write_windows,
)
from tests.backends import graphs
from tests.cli.conftest import export

SEEN = 3000  # bars of the history that training and validation saw


@dataclass(frozen=True)
class File:
    path: Path
    bars: Bars


def named(bars: Bars, name: str) -> File:
    return File(Path(name), replace(bars, symbol=name.split("_")[0]))


def walk(name: str, seed: int, count: int = 3000) -> File:
    return named(random_walk_bars(count, 3600, seed), name)


def trained_on(folder: Path, *files: File, base: Bundle | None = None) -> Bundle:
    """A bundle that keeps fingerprints of the first `SEEN` bars of each file."""
    folder.mkdir()
    windows, graph = folder / "windows", folder / "graph"
    write_windows(windows, files, [Part(0, SEEN)] * len(files), base)
    graph.write_bytes(graphs.steady().SerializeToString())
    manifest = graphs.manifest("mine")
    return write_bundle(folder / "mine", manifest, {"model.onnx": graph, WINDOWS_FILE: windows})


def another_brokers(bars: Bars, *, pips: float = 0.5) -> Bars:
    """The same market half a pip apart here and there, some bars missing."""
    draw = np.random.default_rng(5)
    kept = draw.random(len(bars)) > 0.002
    apart = np.round(bars.ohlc + draw.uniform(-pips, pips, bars.ohlc.shape) * 1e-4, 5)
    return Bars(bars.symbol, bars.tf, bars.time[kept], apart[kept], bars.volume[kept])


@pytest.fixture
def eurusd(bars: Bars) -> File:
    return named(bars, "EURUSD_H1.csv")


class TestTwoFiles:
    """The same bars come in once."""

    def test_distinct_files_pass(self, eurusd: File) -> None:
        require_distinct([eurusd, walk("GBPUSD_H1.csv", 1), walk("USDJPY_H1.csv", 2)])

    def test_the_same_bars_under_two_names_are_refused_with_both(self, eurusd: File) -> None:
        with pytest.raises(LeakageError) as refused:
            require_distinct(
                [eurusd, walk("USDJPY_H1.csv", 2), named(eurusd.bars, "GBPUSD_H1.csv")]
            )

        assert str(refused.value).startswith(
            "EURUSD_H1.csv and GBPUSD_H1.csv hold the same bars between 2017-04-"
        )
        assert "export EURUSD and GBPUSD again" in str(refused.value)

    @pytest.mark.parametrize("start", [0, 777, 5000 - CERTAIN_BARS])
    def test_a_part_of_another_file_is_refused(self, eurusd: File, start: int) -> None:
        part = named(eurusd.bars[start : start + CERTAIN_BARS], "EURUSD_H1_new.csv")

        with pytest.raises(LeakageError, match="give each bar once"):
            require_distinct([eurusd, part])

    def test_two_exports_that_overlap_are_refused_with_the_time_they_share(
        self, eurusd: File
    ) -> None:
        bars = eurusd.bars
        older, newer = named(bars[:3000], "EURUSD_a.csv"), named(bars[2600:], "EURUSD_b.csv")

        (found,) = duplicates([older, newer])

        assert bars.time[2600] <= found.since < found.until <= bars.time[2999]

    def test_a_file_beside_its_zipped_self_is_refused(self, bars: Bars, tmp_path: Path) -> None:
        plain = export(tmp_path / "EURUSD_H1.csv", bars)
        zipped = tmp_path / "EURUSD_H1.csv.gz"
        zipped.write_bytes(gzip.compress(plain.read_bytes()))

        with pytest.raises(LeakageError, match=r"EURUSD_H1\.csv and EURUSD_H1\.csv\.gz hold"):
            require_distinct([File(path, read_bars(path)[0]) for path in (plain, zipped)])

    def test_files_of_one_name_are_told_apart_by_their_folders(self, bars: Bars) -> None:
        files = [File(Path(folder) / "EURUSD_H1.csv", bars) for folder in ("old", "new")]

        with pytest.raises(LeakageError, match=r"old.EURUSD_H1\.csv and new.EURUSD_H1\.csv"):
            require_distinct(files)

    def test_bars_with_one_digit_fewer_are_refused(self, eurusd: File) -> None:
        coarse = replace(eurusd.bars, ohlc=np.round(eurusd.bars.ohlc, 4))

        with pytest.raises(LeakageError):
            require_distinct([eurusd, named(coarse, "EURUSD_short.csv")])

    @pytest.mark.parametrize("pips", [0.5, 0.2])
    def test_another_brokers_bars_are_not_refused(self, eurusd: File, pips: float) -> None:
        other = named(another_brokers(eurusd.bars, pips=pips), "EURUSD.r_H1.csv")

        require_distinct([eurusd, other])


class TestNearDuplicates:
    """Two sources of one market are reported."""

    def test_another_brokers_bars_are_reported_with_their_correlation(self, eurusd: File) -> None:
        other = named(another_brokers(eurusd.bars), "EURUSD.r_H1.csv")

        (found,) = near_duplicates([eurusd, walk("GBPUSD_H1.csv", 1), other])

        assert str(found).startswith(
            "EURUSD_H1.csv and EURUSD.r_H1.csv move alike (correlation 0.9"
        )
        assert found.hours_apart == 0
        assert found.bars > 4900

    def test_so_they_are_where_the_brokers_clocks_differ(self, eurusd: File) -> None:
        other = another_brokers(eurusd.bars)
        ahead = named(replace(other, time=other.time + 2 * 3600), "EURUSD.r_H1.csv")

        (found,) = near_duplicates([eurusd, ahead])

        assert found.hours_apart == 2
        assert "their clocks 2 h apart" in str(found)

    def test_a_pair_turned_round_is_its_mirror_image(self, eurusd: File) -> None:
        turned = replace(eurusd.bars, ohlc=np.round(1 / eurusd.bars.ohlc[:, [0, 2, 1, 3]], 5))

        (found,) = near_duplicates([eurusd, named(turned, "USDEUR_H1.csv")])

        assert found.correlation < -0.99
        assert "as mirror images" in str(found)

    def test_one_bad_tick_does_not_hide_them(self, eurusd: File) -> None:
        other = another_brokers(eurusd.bars)
        other.ohlc[2500, 3] *= 1.5

        assert near_duplicates([eurusd, named(other, "EURUSD.r_H1.csv")])

    def test_markets_that_only_lean_on_each_other_are_not_reported(self, eurusd: File) -> None:
        draw = np.random.default_rng(3)
        own = np.exp(np.cumsum(draw.normal(0, 6e-4, len(eurusd.bars))))
        related = replace(eurusd.bars, ohlc=eurusd.bars.ohlc * own[:, None])

        assert near_duplicates([eurusd, named(related, "GBPUSD_H1.csv")]) == []

    def test_what_is_the_same_is_no_near_duplicate(self, eurusd: File) -> None:
        assert near_duplicates([eurusd, named(eurusd.bars, "GBPUSD_H1.csv")]) == []

    def test_files_with_no_time_in_common_are_not_compared(self, eurusd: File) -> None:
        later = replace(eurusd.bars, time=eurusd.bars.time + 10**9)

        assert near_duplicates([eurusd, named(another_brokers(later), "X_H1.csv")]) == []

    def test_bars_that_never_move_are_like_nothing(self, eurusd: File) -> None:
        flat = replace(eurusd.bars, ohlc=np.ones_like(eurusd.bars.ohlc))

        assert near_duplicates([eurusd, named(flat, "USDUSD_H1.csv")]) == []


class TestWhatTrainingSaw:
    """A bundle keeps fingerprints of all bars that its training, and its base's, saw."""

    def test_it_is_kept_by_symbol(self, tmp_path: Path, eurusd: File) -> None:
        gbpusd = walk("GBPUSD_H1.csv", 1)

        seen = read_windows(trained_on(tmp_path / "a", eurusd, gbpusd))

        assert list(seen) == ["EURUSD", "GBPUSD"]
        for file in (eurusd, gbpusd):
            assert np.array_equal(seen[file.bars.symbol], fingerprints(file.bars, Part(0, SEEN)))

    def test_what_the_base_saw_is_kept_too(self, tmp_path: Path, eurusd: File) -> None:
        base = trained_on(tmp_path / "a", eurusd)

        seen = read_windows(trained_on(tmp_path / "b", walk("GBPUSD_H1.csv", 1), base=base))

        assert np.array_equal(seen["EURUSD"], read_windows(base)["EURUSD"])

    def test_two_parts_of_one_symbol_are_joined(self, tmp_path: Path, eurusd: File) -> None:
        base = trained_on(tmp_path / "a", walk("EURUSD_2010.csv", 7))

        seen = read_windows(trained_on(tmp_path / "b", eurusd, base=base))["EURUSD"]

        both = (read_windows(base)["EURUSD"], fingerprints(eurusd.bars, Part(0, SEEN)))
        assert np.array_equal(seen, np.union1d(*both))

    def test_the_same_bars_give_the_same_file(self, tmp_path: Path, eurusd: File) -> None:
        first, second = (trained_on(tmp_path / name, eurusd) for name in "ab")

        assert first.manifest.version == second.manifest.version

    @pytest.mark.parametrize("symbol", ["", "#US30/x", "日経"])
    def test_any_symbol_may_stand_in_it(self, tmp_path: Path, bars: Bars, symbol: str) -> None:
        file = File(Path("a.csv"), replace(bars, symbol=symbol))

        assert list(read_windows(trained_on(tmp_path / "a", file))) == [symbol]

    def test_a_bundle_without_it_knows_nothing(self, tmp_path: Path) -> None:
        assert read_windows(graphs.put(tmp_path, graphs.steady(), graphs.manifest("old"))) == {}

    def test_a_list_that_is_none_is_refused_with_the_bundle(self, tmp_path: Path) -> None:
        (tmp_path / "windows").write_bytes(b"no zip")
        (tmp_path / "graph").write_bytes(graphs.steady().SerializeToString())
        files = {"model.onnx": tmp_path / "graph", WINDOWS_FILE: tmp_path / "windows"}
        bundle = write_bundle(tmp_path / "odd", graphs.manifest("odd"), files)

        with pytest.raises(BundleError, match=r"odd: windows\.npz is no list of fingerprints"):
            read_windows(bundle)

    def test_it_is_small(self, tmp_path: Path, eurusd: File) -> None:
        bundle = trained_on(tmp_path / "a", eurusd)

        assert (bundle.path / WINDOWS_FILE).stat().st_size < SEEN


class TestUnseen:
    """No bar is scored that training saw."""

    @pytest.fixture
    def bundle(self, tmp_path: Path, eurusd: File) -> Bundle:
        return trained_on(tmp_path / "a", eurusd)

    def test_later_bars_pass(self, bundle: Bundle, eurusd: File) -> None:
        require_unseen([eurusd], [Part(SEEN + 36, len(eurusd.bars))], bundle)

    def test_another_symbols_bars_of_the_same_years_pass(self, bundle: Bundle) -> None:
        require_unseen([walk("GBPUSD_H1.csv", 1)], [Part(0, 3000)], bundle)

    @pytest.mark.parametrize("name", ["EURUSD_H1.csv", "GBPJPY_H1.csv", "test.csv"])
    def test_bars_that_training_saw_are_refused_whatever_they_are_called(
        self, bundle: Bundle, bars: Bars, name: str
    ) -> None:
        with pytest.raises(LeakageError) as refused:
            require_unseen([named(bars, name)], [Part(2000, 5000)], bundle)

        message = str(refused.value)
        assert message.startswith(f"{name}: bars between 2017-08-")
        assert "were in the training of mine, or of its base, as bars of EURUSD" in message
        assert "--since" in message

    def test_so_is_a_file_cut_out_of_them(self, bundle: Bundle, bars: Bars) -> None:
        part = named(bars[1234 : 1234 + CERTAIN_BARS], "OTHER_H1.csv")

        with pytest.raises(LeakageError):
            require_unseen([part], [Part(0, CERTAIN_BARS)], bundle)

    def test_so_are_bars_that_only_the_base_saw(self, tmp_path: Path, eurusd: File) -> None:
        base = trained_on(tmp_path / "base", eurusd)
        tuned = trained_on(tmp_path / "tuned", walk("GBPUSD_H1.csv", 1), base=base)

        with pytest.raises(LeakageError, match="or of its base"):
            require_unseen([eurusd], [Part(2000, 5000)], tuned)

    def test_a_bundle_that_kept_nothing_refuses_nothing(self, tmp_path: Path, eurusd: File) -> None:
        old = graphs.put(tmp_path, graphs.steady(), graphs.manifest("old"))

        require_unseen([eurusd], [Part(0, 5000)], old)
        require_unseen([eurusd], [Part(0, 5000)], None)


class TestNames:
    """A file holds the bars of the symbol that its name says, as far as the base can tell."""

    @pytest.fixture
    def base(self, tmp_path: Path, eurusd: File) -> Bundle:
        return trained_on(tmp_path / "a", eurusd, walk("GBPUSD_H1.csv", 1))

    @pytest.mark.parametrize("name", ["EURUSD_H1.csv", "EURUSDm_H1.csv", "FX.EURUSD_H1.csv"])
    def test_the_symbol_as_any_broker_writes_it_passes(
        self, base: Bundle, bars: Bars, name: str
    ) -> None:
        require_named_right([named(bars, name)], base)

    def test_a_symbol_that_the_base_does_not_know_passes(self, base: Bundle) -> None:
        require_named_right([walk("USDJPY_H1.csv", 2)], base)

    def test_one_symbols_file_under_anothers_name_is_refused(
        self, base: Bundle, bars: Bars
    ) -> None:
        with pytest.raises(LeakageError) as refused:
            require_named_right([named(bars, "GBPUSD_H1.csv")], base)

        assert str(refused.value) == (
            "GBPUSD_H1.csv is named as bars of GBPUSD, and mine was trained on the same bars as "
            "EURUSD: rename the file to EURUSD_..., or export GBPUSD again"
        )
