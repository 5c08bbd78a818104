"""`eabridge models`: what is served, and orders to change it."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.client import Client
from tests.backends import graphs
from tests.cli.conftest import Run
from tests.conftest import Daemon, StartDaemon
from tests.daemon.renewable import put
from tests.waiting import until

Ordering = Callable[..., tuple[Daemon, str]]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    folder.mkdir()
    put(folder, 1)
    return folder


@pytest.fixture
def ordering(start_daemon: StartDaemon, store: Path) -> Ordering:
    """Starts a daemon that watches nothing by itself; it, and where it takes orders."""

    def start(*arguments: str) -> tuple[Daemon, str]:
        daemon = start_daemon(
            *("--models", store, "--no-watch", "--control", "tcp://127.0.0.1:0"), *arguments
        )
        match = re.search(r"taking orders on (tcp://\S+)", daemon.log())
        assert match is not None, daemon.log()
        return daemon, match[1]

    return start


def default_of(daemon: Daemon) -> str:
    with Client(daemon.endpoint) as client:
        (label,) = [model.label for model in client.hello().models if model.default]
    return label


def test_the_list_tells_what_is_served_and_what_is_not(
    run: Run, ordering: Ordering, store: Path
) -> None:
    _, control = ordering()
    worse = put(store, 1, graphs.manifest("worse"), b"no graph")
    run("models", "reload", "--control", control)

    ran = run("models", "--control", control)

    assert ran.code == 0
    assert "(default)" in ran.out
    assert f"from {store}: base\n" in ran.out
    assert f"not served: {worse.manifest.label}: " in ran.out
    assert "is not a readable graph" in ran.out


def test_a_reload_tells_what_came_of_it(run: Run, ordering: Ordering, store: Path) -> None:
    daemon, control = ordering()
    old = default_of(daemon)
    new = put(store, 2)
    more = put(store, 1, graphs.manifest("more"))

    ran = run("models", "reload", "--control", control)

    assert ran.code == 0
    assert f"serving {new.manifest.label} in the place of {old}" in ran.out
    assert f"serving {more.manifest.label}\n" in ran.out
    assert default_of(daemon) == new.manifest.label
    assert run("models", "reload", "--control", control).out == "nothing new\n"


def test_a_reload_that_refuses_something_says_so_and_exits_1(
    run: Run, ordering: Ordering, store: Path
) -> None:
    daemon, control = ordering()
    put(store, 2, model=graphs.never_finite())

    ran = run("models", "reload", "--control", control)

    assert ran.code == 1
    assert ran.err.startswith("refused: ")
    assert "not finite" in ran.err
    assert default_of(daemon).startswith("base@")


def test_the_default_is_changed_and_how_to_keep_it_told(
    run: Run, ordering: Ordering, store: Path
) -> None:
    more = put(store, 1, graphs.manifest("more"))
    daemon, control = ordering("--default", "base")

    ran = run("models", "default", "more", "--control", control)

    assert ran.code == 0
    assert "eabridge serve --default more" in ran.out
    assert default_of(daemon) == more.manifest.label


def test_a_model_is_removed(run: Run, ordering: Ordering, store: Path) -> None:
    more = put(store, 1, graphs.manifest("more"))
    daemon, control = ordering("--default", "base")

    ran = run("models", "remove", "more", "--control", control.removeprefix("tcp://"))

    assert ran.code == 0
    assert f"{more.manifest.label} is served no more" in ran.out
    with Client(daemon.endpoint) as client:
        assert len(client.hello().models) == 1


def test_a_refusal_is_one_sentence(run: Run, ordering: Ordering) -> None:
    _, control = ordering()

    ran = run("models", "remove", "base", "--control", control)

    assert ran.code == 2
    assert ran.err.startswith("eabridge models: base@")
    assert "eabridge models default NAME" in ran.err


@pytest.mark.parametrize("action", ["reload", "default fx-h1", "remove fx-h1", "list"])
def test_that_no_daemon_runs_is_told_with_what_to_do(run: Run, action: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        control = f"tcp://127.0.0.1:{free.getsockname()[1]}"

    ran = run("models", *action.split(), "--control", control)

    assert ran.code == 2
    assert f"no daemon answers on {control}" in ran.err
    assert "eabridge serve" in ran.err


def test_where_none_runs_the_list_is_what_would_be_served(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        monkeypatch.setattr(
            "bridge.cli.models._DEFAULT", f"tcp://127.0.0.1:{free.getsockname()[1]}"
        )

    ran = run("models")

    assert ran.code == 0
    assert "fx-h1@" in ran.out
    assert "H1" in ran.out
    assert "eabridge serve would load" in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("default", "models default takes the NAME of a model"),
        ("remove", "models remove takes the NAME of a model"),
        ("reload fx-h1", "models reload takes no name: leave 'fx-h1' out"),
        ("reload --connect 127.0.0.1:5655", "give --control its control socket"),
        ("remove fx-h1 --models .", "in place of --models"),
        ("drop fx-h1", "invalid choice: 'drop'"),
    ],
)
def test_what_makes_no_sense_is_told(run: Run, arguments: str, message: str) -> None:
    ran = run("models", *arguments.split())

    assert ran.code == 2
    assert message in ran.err


def test_a_control_that_others_could_reach_is_refused(run: Run, store: Path) -> None:
    ran = run("serve", "--models", store, "--control", "0.0.0.0:5656", "--bind", "127.0.0.1:0")

    assert ran.code == 2
    assert "--control tcp://0.0.0.0:5656" in ran.err
    assert "loopback alone" in ran.err


def test_a_daemon_that_takes_no_orders_says_nothing_of_them(
    start_daemon: StartDaemon, store: Path
) -> None:
    assert "taking orders" not in start_daemon("--models", store, "--control", "off").log()


def test_a_bundle_dropped_into_a_store_is_served_by_the_command_itself(
    start_daemon: StartDaemon, store: Path
) -> None:
    daemon = start_daemon("--models", store)
    new = put(store, 2)
    until(lambda: default_of(daemon) == new.manifest.label)
    told = f"serving {new.manifest.label} (default) in the place of base@"
    until(lambda: told in daemon.log())  # when it has happened


def test_a_store_without_models_is_said_to_be_one(run: Run, tmp_path: Path) -> None:
    ran = run("models", "--models", tmp_path)

    assert ran.code == 2
    assert f"no model in {tmp_path}" in ran.err


def test_models_of_a_daemon_name_the_default(run: Run, daemon: Daemon) -> None:
    ran = run("models", "--connect", daemon.endpoint)

    assert "(default)" in ran.out


def test_an_address_is_taken_as_an_ea_writes_it(run: Run, daemon: Daemon) -> None:
    ran = run("models", "--connect", daemon.endpoint.removeprefix("tcp://"))

    assert "(default)" in ran.out


def test_a_damaged_model_is_listed_as_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "store" / "broken").mkdir(parents=True)
    (tmp_path / "store" / "broken" / "bundle.json").write_text("{}")

    ran = run("models", "--models", tmp_path / "store")

    assert ran.code == 2
    assert "refused: " in ran.err
    assert "broken" in ran.err
