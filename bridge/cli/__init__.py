"""The command line: one thin module per command group. Parse, call, print; no logic.

Each module has `add_parser(commands)` and a function that runs it. Imports of what a command
does stand inside that function, so that `eabridge serve` starts without paying for training.
"""
