"""`eabridge`: find the command, run it, turn expected errors into one sentence and exit code 2."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from bridge.cli import (
    ask,
    book,
    compare,
    data,
    demo,
    evaluate,
    export,
    keys,
    load,
    models,
    mt5,
    serve,
    top,
    train,
)
from bridge.cli.errors import UserError, written_file

_DESCRIPTION = """\
Forecasts from your own GPT-2 model for Expert Advisors in MetaTrader 5.

  eabridge demo                    see it work: a daemon, real EURUSD hours, a live view
  eabridge serve                   answer EAs on tcp://127.0.0.1:5655 until Ctrl-C
  eabridge models                  what is served; have the daemon reload, or drop one
  eabridge top                     watch it at work: latency, errors, forecasts
  eabridge keys new                keys, for a daemon that other computers reach
  eabridge forecast --data FILE    forecast from the last bars of a MetaTrader export
  eabridge train --data FILE ...   train a model on your own exports, or tune one
  eabridge evaluate --data FILE    score a model against random walks, honestly
  eabridge export --model RUN      write a trained model as an ONNX graph, in float32 or int8
  eabridge compare --data FILE ... compare the ways to tune a model, and write a report
  eabridge book --data FILE        compute forecasts ahead, for testers that reach no daemon
  eabridge mt5 install             put the MQL5 library and the example EA into MetaTrader 5
  eabridge doctor                  look for what stands between an EA and its forecasts
"""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of one command, `run` among them; ends the program where there is no such one."""
    parser = argparse.ArgumentParser(
        prog="eabridge",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"eabridge {version('eabridge')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for group in (
        *(demo, serve, models, top, keys, ask, data, train, evaluate, export, compare, book, mt5),
        load,
    ):
        group.add_parser(commands)
    options, unknown = parser.parse_known_args(arguments)
    if unknown:  # told with the command's own usage, which `parse_args` would not show
        commands.choices[options.command].error(f"unrecognized arguments: {' '.join(unknown)}")
    options.given = list(arguments[1:])  # for a command that runs itself again
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0, 1 where something needs the user,
    2 for a user's error, 130 for Ctrl-C."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        code: int = options.run(options)
    except UserError as error:
        print(f"eabridge {options.command}: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # a folder that cannot be written, a disk that is full
        reason = error.strerror or str(error)
        where = f"{name}: " if (name := written_file(error)) else ""
        print(f"eabridge {options.command}: {where}{reason}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return code
