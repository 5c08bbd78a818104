"""A bundle as source code: the include that puts its graph into a program inside the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bridge.bars import timeframe_name
from bridge.bundles import Bundle, Manifest, Specialists

DEFAULT_INCLUDE = "Default.mqh"
"""Includes the model that was installed last, so that an EA need not know its name."""

_LARGEST_GRAPH = 128 << 20  # what MQL5 takes as one resource
_LONGEST_TOKEN = 48  # MQL5's identifiers end at 63 characters, prefixes included
_SPELLED = {"-": "_", "_": "_U", ".": "_D"}  # names are lower case, so no two become one

_MODEL = """\
{box}
#ifndef EABRIDGE_MODEL_{token}
#define EABRIDGE_MODEL_{token}

#include "../Sources/Embedded.mqh"

#resource "{name}.onnx" as uchar EABridge_{token}[]

class CModel_{token} : public CEmbeddedModel
  {{
public:
   virtual void      Describe(CModelInfo &info) override;
   virtual long      Create() override;
  }};

// What the model reads and answers, as its bundle says.
void CModel_{token}::Describe(CModelInfo &info)
  {{
   info.Clear();
   info.label = "{label}";
   info.columns = {columns};
   info.context = {context};
   info.horizon = {horizon};
   info.tf = {tf};
   ArrayResize(info.levels, {count});
{levels}
  }}

// On the CPU, as the daemon runs it.
long CModel_{token}::Create()
  {{
   return OnnxCreateFromBuffer(EABridge_{token}, ONNX_USE_CPU_ONLY);
  }}

#endif // EABRIDGE_MODEL_{token}
"""

_DEFAULT = """\
{box}
#ifndef EABRIDGE_MODELS_DEFAULT_MQH
#define EABRIDGE_MODELS_DEFAULT_MQH

#include "{name}.mqh"

class CDefaultModel : public CModel_{token}
  {{
  }};

#endif // EABRIDGE_MODELS_DEFAULT_MQH
"""

_ROUTED_DEFAULT = """\
{box}
#ifndef EABRIDGE_MODELS_DEFAULT_MQH
#define EABRIDGE_MODELS_DEFAULT_MQH

#include "../Symbols.mqh"
#include "{name}.mqh"
{includes}

class CDefaultModel : public CModel_{token}
  {{
private:
{members}

public:
   virtual CEmbeddedModel *Answering(const string symbol) override;
  }};

// Specialists answer for their symbols, as they do in the daemon.
CEmbeddedModel *CDefaultModel::Answering(const string symbol)
  {{
{routes}
   return GetPointer(this);
  }}

#endif // EABRIDGE_MODELS_DEFAULT_MQH
"""


class EmbeddingError(ValueError):
    """This bundle cannot be put into a program. The message says why."""


def write_embedded(bundle: Bundle, folder: Path, loaded: Iterable[Bundle] = ()) -> list[Path]:
    """Write a bundle's include and graph, and `Default.mqh`, into `.../EABridge/Models`.

    Args:
        bundle: the model. folder: where to.
        loaded: bundles whose specialists of it are written likewise; `Default.mqh` routes to them.

    Raises:
        EmbeddingError: MQL5 cannot take this bundle, or a specialist of it.
    """
    files = embedded_files(bundle, loaded)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def embedded_files(bundle: Bundle, loaded: Iterable[Bundle] = ()) -> dict[str, bytes]:
    """The files that `write_embedded` writes, by name.

    Raises:
        EmbeddingError: MQL5 cannot take this bundle, or a specialist of it.
    """
    specialists = Specialists(bundle, loaded)
    files: dict[str, bytes] = {}
    for each in (bundle, *specialists.of):
        manifest = each.manifest
        files[f"{manifest.name}.onnx"] = _graph(each)
        files[f"{manifest.name}.mqh"] = _model_include(manifest).encode("ascii")
    files[DEFAULT_INCLUDE] = _default_include(specialists).encode("ascii")
    return files


def _graph(bundle: Bundle) -> bytes:
    manifest = bundle.manifest
    if manifest.runtime != "onnx":
        raise EmbeddingError(
            f"{manifest.label} is run by PyTorch, which no terminal has: export it with eabridge "
            f"export --model {manifest.name} --to onnx"
        )
    graph = bundle.graph.read_bytes()
    if len(graph) > _LARGEST_GRAPH:
        raise EmbeddingError(
            f"{manifest.label} is {len(graph) >> 20} MB and a program in the terminal takes "
            f"{_LARGEST_GRAPH >> 20} MB: ask the daemon, or make a book"
        )
    if f"{manifest.name}.mqh" == DEFAULT_INCLUDE.lower():  # the same file on Windows
        raise EmbeddingError(
            f"a model cannot be put into a program as '{manifest.name}': {DEFAULT_INCLUDE} stands "
            "for whichever was installed last; train it under another --name"
        )
    return graph


def _token(name: str) -> str:
    """A model's name as a part of identifiers, a different one for each name."""
    token = "".join(_SPELLED.get(letter, letter) for letter in name)
    if len(token) > _LONGEST_TOKEN:
        raise EmbeddingError(
            f"the name '{name}' is too long for MQL5, whose names end at 63 characters: train the "
            "model under a shorter --name"
        )
    return token


def _model_include(manifest: Manifest) -> str:
    levels = "\n".join(
        f"   info.levels[{index}] = {level!r};" for index, level in enumerate(manifest.levels)
    )
    bars = f"{timeframe_name(manifest.tf)} bars" if manifest.tf else "bars of any timeframe"
    return _MODEL.format(
        box=_box(f"{manifest.name}.mqh", f"{manifest.label}, for {bars}, inside the program."),
        token=_token(manifest.name),
        name=manifest.name,
        label=manifest.label,
        columns=4 if manifest.inputs == "ohlc" else 1,
        context=manifest.context,
        horizon=manifest.horizon,
        tf=manifest.tf,
        count=len(manifest.levels),
        levels=levels,
    )


def _default_include(specialists: Specialists[Bundle]) -> str:
    name = specialists.base.manifest.name
    box = _box(DEFAULT_INCLUDE, "CDefaultModel: the model that was installed last.")
    if not specialists.of:
        return _DEFAULT.format(box=box, token=_token(name), name=name)
    names = [each.manifest.name for each in specialists.of]
    routes = [
        f"   if(SymbolIsFor(symbol, {_text(symbol)}))\n"
        f"      return GetPointer(m_{_token(each.manifest.name)});"
        for symbol, each in specialists.by_symbol.items()
    ]
    return _ROUTED_DEFAULT.format(
        box=box,
        token=_token(name),
        name=name,
        includes="\n".join(f'#include "{each}.mqh"' for each in names),
        members="\n".join(f"   CModel_{_token(each)} m_{_token(each)};" for each in names),
        routes="\n".join(routes),
    )


def _text(symbol: str) -> str:
    """A symbol as MQL5 writes a string."""
    if not symbol.isascii():
        raise EmbeddingError(
            f"the symbol '{symbol}' cannot stand in a program: train its model on a file that is "
            "named in letters of English"
        )
    escaped = symbol.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _box(file: str, what: str) -> str:
    """A header as MetaEditor's styler draws it."""
    edge = "//+" + 66 * "-" + "+"
    lines = [f"{file:>65} ", f" {what}", " Written by `eabridge mt5 install`: not to be edited."]
    return "\n".join([edge, *(f"//|{line:66.66}|" for line in lines), edge])
