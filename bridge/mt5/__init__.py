"""The MQL5 library in a trader's terminals: finding them, installing, reading their settings.

Files and folders only: nothing here asks a daemon or runs a model.
"""

from bridge.mt5.embedded import EmbeddingError, write_embedded
from bridge.mt5.install import Outcome, Record, State, compare, install, read_record
from bridge.mt5.library import Files, library_files, model_files, shipped_library
from bridge.mt5.settings import Settings, read_settings
from bridge.mt5.terminals import (
    NO_PLACES,
    Places,
    Terminal,
    TerminalError,
    find_terminals,
    known_places,
    terminal_at,
)

__all__ = [
    "NO_PLACES",
    "EmbeddingError",
    "Files",
    "Outcome",
    "Places",
    "Record",
    "Settings",
    "State",
    "Terminal",
    "TerminalError",
    "compare",
    "find_terminals",
    "install",
    "known_places",
    "library_files",
    "model_files",
    "read_record",
    "read_settings",
    "shipped_library",
    "terminal_at",
    "write_embedded",
]
