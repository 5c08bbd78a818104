"""`eabridge keys`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bridge.cli.errors import UserError

_STEPS = """\
A daemon that listens beyond its own computer asks every client for a key (CURVE, ZeroMQ's
encryption). On the daemon's computer

  eabridge keys new                                 the daemon's pair, once
  eabridge serve --bind tcp://0.0.0.0:5655 --keys

and for each client, on the client's computer

  eabridge keys new laptop --out .                  the client's own pair; take laptop.public to
                                                    the daemon's computer, and daemon.public here
  eabridge forecast --data FILE --connect HOST:5655 --keys laptop.secret --server-key daemon.public

and on the daemon's

  eabridge keys allow laptop laptop.public          a running daemon knows it at once

Only files that end in .public ever leave the computer that they were made on.
"""


def add_parser(commands: Any) -> None:
    parser = commands.add_parser(
        "keys",
        help="make keys, and say whose are allowed, for a daemon that others reach",
        description=_STEPS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    jobs = parser.add_subparsers(dest="job", metavar="JOB", required=True)

    job = _job(
        jobs,
        "new",
        "make a pair of keys",
        "Make a pair of CURVE keys: NAME.secret, which only you can read and which stays on this "
        "computer, and NAME.public, for the others. A pair that is there is never overwritten.",
    )
    job.add_argument(
        "name", nargs="?", metavar="NAME", help="whose they are (default: daemon, the daemon's own)"
    )
    job.add_argument(
        "--out", type=Path, metavar="DIR", help="where to write the two files (default: --keys-dir)"
    )
    job.set_defaults(run=run_new)

    job = _job(
        jobs,
        "allow",
        "let a client connect",
        "Let the client with this public key connect. A daemon that runs knows it at once.",
    )
    job.add_argument("name", metavar="NAME", help="what to call the client")
    job.add_argument(
        "key", metavar="PUBLIC_KEY|FILE", help="its public key, in quotes, or the file with it"
    )
    job.set_defaults(run=run_allow)

    job = _job(
        jobs,
        "list",
        "show the pairs there are, and who may connect",
        "Show the pairs that were made here, with their public keys, and the clients that may "
        "connect.",
    )
    job.set_defaults(run=run_list)

    job = _job(
        jobs,
        "revoke",
        "refuse a client from now on",
        "Refuse a client's connections from now on. One that is open stays until it ends.",
    )
    job.add_argument("name", metavar="NAME", help="as it was allowed")
    job.set_defaults(run=run_revoke)


def run_new(options: argparse.Namespace) -> int:
    from bridge import keys

    name = options.name or keys.DAEMON
    with _as_user_errors():
        secret, public = keys.new_pair(options.out or _folder(options), name)
        print(f"wrote {secret}: secret, readable by you alone; it stays on this computer")
        print(f"wrote {public}: public, for whoever is to know {name}")
        print(f"public key of {name}: {keys.read_public(public)}")
    return 0


def run_allow(options: argparse.Namespace) -> int:
    from bridge import keys

    with _as_user_errors():
        path = keys.allow(_folder(options), options.name, options.key)
    print(f"{options.name} may connect ({path}); a daemon that runs knows it at once")
    return 0


def run_list(options: argparse.Namespace) -> int:
    from bridge import keys

    folder = _folder(options)
    made = list(keys.pairs(folder))
    allowed, problems = keys.read_allowed(folder)
    print(f"keys in {folder}")
    for path, pair in made:
        whose = "the daemon itself" if path.stem == keys.DAEMON else path.name
        print(f"  {path.stem:<16} {pair.public}  {whose}")
    print("may connect" if allowed else "nobody may connect yet: eabridge keys allow NAME FILE")
    for name, public in allowed.items():
        print(f"  {name:<16} {public}")
    unreadable = sorted(set(folder.glob("*.secret")) - {path for path, _ in made})
    for path in unreadable:
        try:
            keys.read_pair(path)
        except keys.KeysError as error:
            problems.append(str(error))
    if problems:
        raise UserError("; ".join(problems))
    return 0


def run_revoke(options: argparse.Namespace) -> int:
    from bridge import keys

    with _as_user_errors():
        keys.revoke(_folder(options), options.name)
    print(
        f"{options.name} may not connect any more: its next connection is refused. One that is "
        "open stays until it ends; restart the daemon to end it now"
    )
    return 0


def _job(jobs: Any, name: str, summary: str, description: str) -> Any:
    job = jobs.add_parser(name, help=summary, description=description)
    job.add_argument(
        "--keys-dir",
        type=Path,
        metavar="DIR",
        help="the folder of keys (default: the user's own, as eabridge keys list shows it)",
    )
    return job


def _folder(options: argparse.Namespace) -> Path:
    from bridge.keys import default_folder

    folder: Path | None = options.keys_dir
    return folder or default_folder()


@contextmanager
def _as_user_errors() -> Iterator[None]:
    """Tell what is wrong with keys as a user's error."""
    from bridge.keys import KeysError

    try:
        yield
    except KeysError as error:
        raise UserError(str(error)) from error
