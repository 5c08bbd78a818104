"""The terminals: the library in them, what was compiled from it, and what EAs may do there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from bridge.bundles import Bundle
from bridge.doctor.findings import Finding, Mark
from bridge.mt5 import (
    NO_PLACES,
    EmbeddingError,
    State,
    Terminal,
    TerminalError,
    compare,
    find_terminals,
    known_places,
    library_files,
    model_files,
    read_record,
    read_settings,
    shipped_library,
    terminal_at,
)

_NAMED = 3  # files that a finding names


def examine_terminals(
    folders: Sequence[Path] | None, bundles: Sequence[Bundle], host: str = "127.0.0.1"
) -> Iterator[Finding]:
    """Look at the terminals with these data folders, or at all that are found where None.

    `host` is the one that their EAs connect to.
    """
    places = known_places()
    terminals = []
    for folder in folders or ():
        try:
            terminals.append(terminal_at(folder))
        except TerminalError as error:
            yield Finding(Mark.BROKEN, str(error))
    if folders is None:
        terminals = find_terminals(places)
        if not terminals:
            listed = ", ".join(places.lines())
            looked = f"Looked in {listed}" if listed else NO_PLACES
            yield Finding(
                Mark.NOTE,
                "no terminal of MetaTrader 5 was found",
                f"if there is one, give its --data-folder. {looked}",
            )
    for terminal in terminals:
        yield Finding(Mark.OK, f"terminal {terminal}")
        try:
            yield from _library(terminal, bundles)
        except OSError as error:
            yield Finding(
                Mark.CARE,
                f"the library there cannot be read ({error})",
                "look at the folder's permissions",
            )
        yield from _settings(terminal, host)


def _library(terminal: Terminal, bundles: Sequence[Bundle]) -> Iterator[Finding]:
    record = read_record(terminal.mql5)
    install = f'eabridge mt5 install --data-folder "{terminal.data}"'
    if record is None:
        yield Finding(Mark.CARE, "the MQL5 library is not installed there", f"give: {install}")
        return
    files = dict(library_files(shipped_library()))
    name = record.model.partition("@")[0]
    bundle = next((each for each in bundles if each.manifest.name == name), None)
    if bundle is not None:
        with suppress(EmbeddingError):
            files.update(model_files(bundle, bundles))
    states = compare(terminal.mql5, files, record)
    by_state = {state: [p for p, s in states.items() if s is state] for state in State}
    for state, mark, what in (
        (State.MISSING, Mark.BROKEN, "missing from the library"),
        (State.OUTDATED, Mark.CARE, "of another version than this eabridge"),
        (State.OBSOLETE, Mark.CARE, "of an older version"),
    ):
        if paths := by_state[state]:
            yield Finding(mark, f"{_files(paths, 'is', 'are')} {what}", f"give: {install}")
    if changed := by_state[State.CHANGED]:
        yield Finding(
            Mark.NOTE,
            f"{_files(changed, 'was', 'were')} changed by you",
            f"an update will ask before it replaces {'it' if len(changed) == 1 else 'them'}",
        )
    if len(by_state[State.CURRENT]) == len(states):
        yield Finding(Mark.OK, f"library {record.version} with the model {record.model}")
    yield from _programs(terminal, [path for path in files if (terminal.mql5 / path).is_file()])


def _programs(terminal: Terminal, sources: Sequence[PurePosixPath]) -> Iterator[Finding]:
    """Whether what was installed has been compiled since it, or what it includes, was written."""
    written = {path: (terminal.mql5 / path).stat().st_mtime for path in sources}
    programs = [path for path in sources if path.suffix == ".mq5"]
    included = max((written[path] for path in written.keys() - set(programs)), default=0.0)
    missing: list[PurePosixPath] = []
    stale: list[PurePosixPath] = []
    fresh: list[PurePosixPath] = []
    for path in programs:
        compiled = (terminal.mql5 / path).with_suffix(".ex5")
        if not compiled.is_file():
            missing.append(path)
        elif compiled.stat().st_mtime < max(written[path], included):
            stale.append(path)
        else:
            fresh.append(path)
    if missing:
        yield Finding(
            Mark.NOTE,
            f"{_files(missing, 'is', 'are')} not compiled",
            f"before use, {_compile(missing)}",
        )
    if stale:
        what = f"{_files(stale, 'was', 'were')} compiled before the last update"
        yield Finding(Mark.CARE, what, _compile(stale))
    if fresh:
        yield Finding(Mark.OK, f"{_files(fresh, 'is', 'are')} compiled")


def _settings(terminal: Terminal, host: str) -> Iterator[Finding]:
    settings = read_settings(terminal.data)
    options = "in the terminal, Tools > Options > Expert Advisors"
    if settings is None:
        yield Finding(
            Mark.NOTE,
            "what its EAs may do cannot be read from its files",
            f"{options}: see that Allow WebRequest for listed URL is ticked and lists {host}",
        )
        return
    if settings.may_connect is False:
        yield Finding(
            Mark.CARE,
            "its EAs may not connect to anything (as of when the terminal last saved it)",
            f"{options}: tick Allow WebRequest for listed URL, and add {host}",
        )
    elif settings.addresses is None:
        yield Finding(
            Mark.NOTE,
            "its list of allowed addresses is encrypted: it cannot be read from here",
            f"{options}: see that {host} is in the list",
        )
    elif any(host in address for address in settings.addresses):
        yield Finding(Mark.OK, f"its EAs may connect to {host}")
    else:
        yield Finding(
            Mark.CARE,
            f"its list of allowed addresses lacks {host} (as of when the terminal last saved it)",
            f"{options}: add {host}",
        )
    if settings.may_use_dlls is not None:
        allowed = "allowed" if settings.may_use_dlls else "not allowed"
        yield Finding(
            Mark.NOTE,
            f"DLLs are {allowed} there",
            "live trading needs none; in the Strategy Tester an EA reaches the daemon only with "
            "them, and a book or the embedded model without",
        )


def _compile(paths: Sequence[PurePosixPath]) -> str:
    one = "it" if len(paths) == 1 else "each"
    return f"open {one} in MetaEditor and compile it (F7)"


def _files(paths: Sequence[PurePosixPath], singular: str, plural: str) -> str:
    """The first few by name, with the verb that fits their number."""
    shown = ", ".join(path.name for path in paths[:_NAMED])
    more = len(paths) - _NAMED
    verb = singular if len(paths) == 1 else plural
    return f"{shown} and {more} more {verb}" if more > 0 else f"{shown} {verb}"
