"""`bundle.json`: written and read back, and refused where it is not what it claims to be."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.bundles import BundleError, Manifest

HASH = "0123456789abcdef" * 4
MANIFEST = Manifest(
    name="fx-h1",
    task="forecast",
    inputs="ohlc",
    context=128,
    horizon=16,
    levels=(0.1, 0.5, 0.9),
    tf=3600,
    symbols=("EURUSD", "USDJPY"),
    files={"model.onnx": HASH},
    network={"layers": 4},
    data={"split": "2017-01-01"},
    recipe={"seed": 7},
    scores={"pinball": 0.5},
    libraries={"torch": "2.9"},
)
TUNED = replace(
    MANIFEST,
    name="fx-h1-eurgbp",
    symbols=("EURGBP",),
    data={"specialist": True},
    runtime="torch",
    method="bottleneck",
    base="fx-h1@0123456789ab",
    quantisation="int8",
    head="text",
)
LATER_FIELDS = ("runtime", "method", "base", "quantisation", "head")
REQUIRED = ("name", "task", "inputs", "context", "horizon", "levels", "tf", "symbols", "files")


def test_a_manifest_is_read_back_as_it_was_written() -> None:
    assert Manifest.from_json(MANIFEST.to_json()) == MANIFEST


def test_what_was_tuned_and_how_is_read_back_too() -> None:
    read = Manifest.from_json(TUNED.to_json())
    assert read == TUNED
    assert read.version == TUNED.version


def test_a_manifest_of_before_these_fields_keeps_its_version() -> None:
    content = json.loads(MANIFEST.to_json())
    assert not content.keys() & set(LATER_FIELDS)
    assert MANIFEST.version == "b49b3b7d5cf3"


def test_a_manifest_that_spells_out_a_default_is_the_same_one() -> None:
    content = {**json.loads(MANIFEST.to_json()), "runtime": "onnx", "head": "quantile"}
    assert Manifest.from_json(json.dumps(content)) == MANIFEST


@pytest.mark.parametrize(
    ("change", "is_one"),
    [
        ({}, True),
        ({"base": ""}, False),
        ({"symbols": ()}, False),
        ({"data": {}}, False),
        ({"data": {"specialist": "yes"}}, False),
    ],
    ids=repr,
)
def test_a_specialist_is_marked_and_has_a_base_and_symbols(
    change: dict[str, Any], is_one: bool
) -> None:
    assert replace(TUNED, **change).is_specialist is is_one


def test_a_manifest_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        MANIFEST.name = "other"  # type: ignore[misc]


def test_the_label_is_name_at_version() -> None:
    assert MANIFEST.label == f"fx-h1@{MANIFEST.version}"


def test_the_version_is_twelve_hexadecimal_digits() -> None:
    assert len(MANIFEST.version) == 12
    int(MANIFEST.version, 16)


def test_equal_content_has_equal_versions() -> None:
    assert replace(MANIFEST).version == MANIFEST.version


@pytest.mark.parametrize(
    "change",
    [
        {"name": "fx-h2"},
        {"inputs": "close"},
        {"context": 129},
        {"horizon": 17},
        {"levels": (0.1, 0.5)},
        {"tf": 60},
        {"symbols": ("EURUSD",)},
        {"files": {"model.onnx": HASH[::-1]}},
        {"network": {"layers": 5}},
        {"data": {}},
        {"recipe": {"seed": 8}},
        {"scores": {}},
        {"libraries": {}},
        {"runtime": "torch"},
        {"method": "lora"},
        {"base": "gpt2"},
        {"quantisation": "int8"},
        {"head": "text"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_other_content_has_another_version(change: dict[str, Any]) -> None:
    assert replace(MANIFEST, **change).version != MANIFEST.version


@given(
    st.builds(
        Manifest,
        name=st.from_regex(r"[a-z0-9][a-z0-9._\-]{0,63}", fullmatch=True),
        task=st.just("forecast"),
        inputs=st.sampled_from(["close", "ohlc"]),
        context=st.integers(1, 4096),
        horizon=st.integers(1, 512),
        levels=st.lists(st.floats(0.001, 0.999), min_size=1, max_size=20, unique=True).map(
            lambda levels: tuple(sorted(levels))
        ),
        tf=st.integers(0, 2_592_000),
        symbols=st.lists(st.text("ABCDEFUSDJPY.#_", min_size=1, max_size=32)).map(tuple),
        files=st.just({"model.onnx": HASH}),
        recipe=st.dictionaries(st.text(), st.integers() | st.floats(allow_nan=False) | st.text()),
    )
)
def test_any_manifest_is_read_back_with_its_version(manifest: Manifest) -> None:
    read = Manifest.from_json(manifest.to_json())
    assert (read, read.version) == (manifest, manifest.version)


@pytest.mark.parametrize("text", ["", "not JSON", "{", '{"manifest": 1', "\x00"])
def test_text_that_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(BundleError, match=r"bundle\.json is not JSON"):
        Manifest.from_json(text)


@pytest.mark.parametrize("text", ["[]", "1", "null", '"fx-h1"', "true"])
def test_json_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(BundleError, match=r"bundle\.json is not a JSON object"):
        Manifest.from_json(text)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_json_nested_without_end_is_refused(opening: str) -> None:
    with pytest.raises(BundleError, match=r"bundle\.json is nested too deeply"):
        Manifest.from_json(opening * 200_000)


def test_a_record_nested_without_end_is_refused() -> None:
    text = MANIFEST.to_json().replace('"seed": 7', '"seed": ' + "[" * 900 + "]" * 900)
    with pytest.raises(BundleError):
        Manifest.from_json(text)


@pytest.mark.parametrize("number", [0, 2, "1", True, 1.5, None, [1]])
def test_another_manifest_version_is_refused_with_both_versions(number: object) -> None:
    content = json.loads(MANIFEST.to_json())
    content["manifest"] = number
    with pytest.raises(BundleError) as refusal:
        Manifest.from_json(json.dumps(content))
    assert f"manifest version {number!r}" in str(refusal.value)
    assert "reads version 1" in str(refusal.value)


def test_a_manifest_without_its_version_number_is_refused() -> None:
    content = json.loads(MANIFEST.to_json())
    del content["manifest"]
    with pytest.raises(BundleError, match="manifest version None"):
        Manifest.from_json(json.dumps(content))


def test_content_changed_by_hand_is_refused() -> None:
    text = MANIFEST.to_json().replace('"context": 128', '"context": 64')
    with pytest.raises(BundleError, match="changed after it was written"):
        Manifest.from_json(text)


@pytest.mark.parametrize("version", [None, 5, "", "0" * 12, MANIFEST.version.upper() + " "])
def test_a_version_that_is_not_the_contents_is_refused(version: object) -> None:
    content = json.loads(MANIFEST.to_json())
    content["version"] = version
    with pytest.raises(BundleError, match="changed after it was written"):
        Manifest.from_json(json.dumps(content))


def test_a_field_of_nobodys_is_refused() -> None:
    content = json.loads(MANIFEST.to_json())
    content["surprise"] = 1
    with pytest.raises(BundleError, match="`surprise`"):
        Manifest.from_json(json.dumps(content))


@pytest.mark.parametrize("field", REQUIRED)
def test_a_missing_field_is_named(field: str) -> None:
    content = json.loads(MANIFEST.to_json())
    del content[field]
    with pytest.raises(BundleError, match=f"`{field}` is missing: expected"):
        Manifest.from_json(json.dumps(content))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (field.name, value)
        for field in fields(Manifest)
        for value in (None, True, -1, 1.5, "", "x y", [[]], {"../x": 1})
        if (field.name, value) not in [("base", ""), ("quantisation", "")]  # what none is called
    ],
    ids=repr,
)
def test_a_field_of_the_wrong_type_is_refused(field: str, value: object) -> None:
    content = json.loads(MANIFEST.to_json())
    content[field] = value
    with pytest.raises(BundleError):
        Manifest.from_json(json.dumps(content))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "FX"),
        ("name", "../fx"),
        ("name", "fx h1"),
        ("name", "a" * 65),
        ("name", ".hidden"),
        ("name", "fx\n"),
        ("name", "fx@1"),
        ("task", "parse"),
        ("inputs", "volume"),
        ("inputs", ["close"]),
        ("context", 0),
        ("context", 128.0),
        ("context", "128"),
        ("context", 10**12),
        ("horizon", 0),
        ("horizon", 10**12),
        ("levels", []),
        ("levels", [0.5, 0.1]),
        ("levels", [0.1, 0.1]),
        ("levels", [0.0, 0.5]),
        ("levels", [0.5, 1.0]),
        ("levels", [float("nan")]),
        ("levels", ["0.5"]),
        ("levels", 0.5),
        ("tf", -1),
        ("tf", 1 << 32),
        ("tf", "H1"),
        ("symbols", "EURUSD"),
        ("symbols", [1]),
        ("symbols", ["E" * 33]),
        ("symbols", ["\ud800"]),
        ("symbols", [""]),
        ("files", []),
        ("files", {}),
        ("files", {"model.onnx": 1}),
        ("files", {"model.onnx": "abc"}),
        ("files", {"model.onnx": HASH.upper()}),
        ("libraries", ["torch"]),
        ("runtime", "tensorflow"),
        ("runtime", ["onnx"]),
        ("method", "finetune"),
        ("base", 5),
        ("base", "x" * 201),
        ("base", "a\nb"),
        ("quantisation", "int4"),
        ("head", "point"),
    ],
    ids=repr,
)
def test_a_field_out_of_range_is_named_with_what_would_be_right(field: str, value: object) -> None:
    content = json.loads(MANIFEST.to_json())
    content[field] = value
    with pytest.raises(BundleError, match=f"`{field}` is .*: expected "):
        Manifest.from_json(json.dumps(content))


@pytest.mark.parametrize(
    "name",
    [
        "../model.onnx",
        "..",
        ".",
        "",
        "/etc/passwd",
        "folder/model.onnx",
        "..\\model.onnx",
        "C:model.onnx",
        "C:\\model.onnx",
        ".hidden",
        "model.onnx\n",
        "model\x00.onnx",
        "~/model.onnx",
        "a" * 129,
    ],
)
def test_a_file_name_that_leaves_the_bundle_is_refused(name: str) -> None:
    content = json.loads(MANIFEST.to_json())
    content["files"] = {"model.onnx": HASH, name: HASH}
    with pytest.raises(BundleError, match=r"`files` .*: expected plain file names"):
        Manifest.from_json(json.dumps(content))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_is_a_manifest_or_a_bundle_error(content: object) -> None:
    with pytest.raises(BundleError):
        Manifest.from_json(json.dumps(content))


@given(
    st.sampled_from([*REQUIRED, "manifest", "version", "network", "scores"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
)
def test_any_value_in_any_field_is_read_or_a_bundle_error(field: str, value: object) -> None:
    content = {**json.loads(MANIFEST.to_json()), field: value}
    try:
        read = Manifest.from_json(json.dumps(content))
    except BundleError:
        return
    assert read == MANIFEST
