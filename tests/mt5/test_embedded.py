"""Models as MQL5 source: what MetaEditor gets to compile."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.bundles import Bundle
from bridge.mt5 import EmbeddingError, write_embedded
from tests.backends import graphs


def test_a_model_is_an_include_its_graph_and_the_default(bundle: Bundle, tmp_path: Path) -> None:
    written = write_embedded(bundle, tmp_path / "Models")

    assert {path.name for path in written} == {"my-model.mqh", "my-model.onnx", "Default.mqh"}
    assert (tmp_path / "Models" / "my-model.onnx").read_bytes() == bundle.graph.read_bytes()


def test_the_include_says_what_the_bundle_says(bundle: Bundle, tmp_path: Path) -> None:
    write_embedded(bundle, tmp_path)
    text = (tmp_path / "my-model.mqh").read_text(encoding="ascii")

    for line in (
        '#include "../Sources/Embedded.mqh"',
        '#resource "my-model.onnx" as uchar EABridge_my_model[]',
        "class CModel_my_model : public CEmbeddedModel",
        f'info.label = "{bundle.manifest.label}";',
        "info.columns = 1;",
        "info.context = 4;",
        "info.horizon = 2;",
        "info.tf = 3600;",
        "ArrayResize(info.levels, 3);",
        "info.levels[2] = 0.9;",
        "return OnnxCreateFromBuffer(EABridge_my_model, ONNX_USE_CPU_ONLY);",
    ):
        assert line in text


def test_the_default_is_a_class_of_one_name_whatever_the_model(
    bundle: Bundle, tmp_path: Path
) -> None:
    write_embedded(bundle, tmp_path)
    text = (tmp_path / "Default.mqh").read_text(encoding="ascii")

    assert '#include "my-model.mqh"' in text
    assert "class CDefaultModel : public CModel_my_model" in text


def test_specialists_stand_beside_their_base_and_the_default_routes_to_them(
    bundle: Bundle, tmp_path: Path
) -> None:
    store = bundle.path.parent
    gbp = graphs.specialist("my-gbp", bundle.manifest, ["EURGBP", "EURGBP.r"])
    loaded = [
        graphs.put(store, graphs.steady(), gbp),
        graphs.put(store, graphs.steady(), graphs.manifest("other")),
        bundle,
    ]
    written = write_embedded(bundle, tmp_path / "Models", loaded)
    text = (tmp_path / "Models" / "Default.mqh").read_text(encoding="ascii")

    assert {path.stem for path in written} == {"my-model", "my-gbp", "Default"}
    assert "class CDefaultModel : public CModel_my_model" in text
    for line in (
        '#include "my-gbp.mqh"',
        "CModel_my_gbp m_my_gbp;",
        'if(SymbolIsFor(symbol, "EURGBP"))\n      return GetPointer(m_my_gbp);',
    ):
        assert line in text
    assert text.index('"EURGBP.r"') < text.index('"EURGBP"')  # the longest name that fits


def test_a_symbol_is_written_as_mql5_writes_strings(bundle: Bundle, tmp_path: Path) -> None:
    odd = graphs.specialist("odd", bundle.manifest, ['A\\B"C'])
    write_embedded(bundle, tmp_path, [graphs.put(tmp_path / "s", graphs.steady(), odd)])

    assert 'SymbolIsFor(symbol, "A\\\\B\\"C")' in (tmp_path / "Default.mqh").read_text()


def test_a_symbol_that_no_program_can_say_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    odd = graphs.specialist("odd", bundle.manifest, ["ZŁOTO"])
    specialist = graphs.put(tmp_path / "s", graphs.steady(), odd)

    with pytest.raises(EmbeddingError, match="'ZŁOTO' cannot stand in a program"):
        write_embedded(bundle, tmp_path / "Models", [specialist])


def test_a_model_that_pytorch_runs_is_refused_with_how_to_export_it(
    bundle: Bundle, tmp_path: Path
) -> None:
    promised = replace(graphs.manifest("net"), runtime="torch")
    network = graphs.put(tmp_path / "s", graphs.steady(), promised)

    with pytest.raises(EmbeddingError, match=r"net@.* eabridge export --model net --to onnx"):
        write_embedded(network, tmp_path / "Models")


def test_an_ohlc_model_reads_four_columns(tmp_path: Path) -> None:
    candles = graphs.put(tmp_path, graphs.steady("ohlc"), graphs.manifest("c", inputs="ohlc"))
    write_embedded(candles, tmp_path)

    assert "info.columns = 4;" in (tmp_path / "c.mqh").read_text()


def test_names_that_differ_stay_different(tmp_path: Path) -> None:
    names = ["fx-h1", "fx_h1", "fx.h1", "fxh1", "fx-u-h1", "fx-uh1", "1fx"]
    tokens = set()
    for name in names:
        bundle = graphs.put(tmp_path / "store", graphs.steady(), graphs.manifest(name))
        write_embedded(bundle, tmp_path)
        text = (tmp_path / f"{name}.mqh").read_text()
        tokens |= {token.lower() for token in re.findall(r"class (CModel_\w+) :", text)}
        assert max(map(len, re.findall(r"\w+", text.partition("#ifndef")[2]))) <= 63

    assert tokens >= {"cmodel_fx_h1", "cmodel_fx_uh1", "cmodel_fx_dh1"}


@pytest.mark.parametrize(
    ("name", "message"),
    [("default", "a model cannot be put into a program as 'default'"), ("x" * 60, "is too long")],
)
def test_a_name_that_mql5_cannot_take_is_refused(tmp_path: Path, name: str, message: str) -> None:
    bundle = graphs.put(tmp_path / "store", graphs.steady(), graphs.manifest(name))

    with pytest.raises(EmbeddingError, match=message):
        write_embedded(bundle, tmp_path / "Models")
    assert not (tmp_path / "Models").exists()


def test_a_graph_larger_than_a_resource_is_refused_with_what_else_there_is(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.mt5.embedded._LARGEST_GRAPH", 100)

    with pytest.raises(EmbeddingError, match="ask the daemon, or make a book"):
        write_embedded(bundle, tmp_path)
