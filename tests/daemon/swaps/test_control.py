"""The control socket: orders, questions, and bytes from whoever is on this machine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgpack
import pytest

from bridge.bundles import Bundle
from bridge.control import Control, ControlError, NoDaemon
from bridge.daemon.swaps.control import ControlRefused, ControlSocket, choose_endpoint
from bridge.daemon.swaps.swap import Report
from bridge.wire.control import control_endpoint
from tests.backends import graphs
from tests.daemon.peer import Connect, forecast, refused, request
from tests.daemon.renewable import WINDOW, Renewable, put, renewable

ANY_PORT = "tcp://127.0.0.1:*"
_PATIENCE_S = 60.0


@pytest.fixture
def taken(daemon: Renewable) -> Iterator[str]:
    """Where orders are taken."""
    with _orders(daemon) as endpoint:
        yield endpoint


@pytest.fixture
def control(taken: str) -> Iterator[Control]:
    with Control(taken, timeout_s=_PATIENCE_S) as client:
        yield client


@contextmanager
def _orders(
    daemon: Renewable, status: Callable[[], dict[str, Any]] = lambda: {"server": "a test's"}
) -> Iterator[str]:
    with ControlSocket(ANY_PORT, daemon.service, daemon.swap, status) as taken:
        assert taken.endpoint is not None
        yield taken.endpoint


class Slow:
    """Makes looks at the stores wait until they are let go."""

    def __init__(self, daemon: Renewable) -> None:
        self.begun, self.let_go, self.looks = threading.Event(), threading.Event(), 0
        self._rescan = daemon.swap.rescan
        daemon.swap.rescan = self._slowly  # type: ignore[method-assign]

    def _slowly(self, **arguments: Any) -> Report:
        self.looks += 1
        self.begun.set()
        assert self.let_go.wait(_PATIENCE_S)
        return self._rescan(**arguments)


class TestOrders:
    def test_a_reload_serves_what_the_stores_hold_and_says_what_it_did(
        self, daemon: Renewable, base: Bundle, store: Path, control: Control
    ) -> None:
        newer = put(store, 2)
        more = put(store, 1, graphs.manifest("more"))
        put(store, 1, graphs.manifest("worse"), b"no graph")

        report = control.reload()

        assert report.replaced == ((base.manifest.label, newer.manifest.label),)
        assert report.added == (more.manifest.label,)
        assert "is not a readable graph" in report.refused[0]
        assert report.missing == ()

    def test_the_default_is_another_model(
        self, daemon: Renewable, store: Path, control: Control, connect: Connect
    ) -> None:
        more = put(store, 1, graphs.manifest("more"))
        control.reload()

        assert control.default("more") == more.manifest.label

        assert connect(daemon.endpoint).ask(forecast(WINDOW))["model"] == more.manifest.label

    def test_a_model_is_removed(
        self, daemon: Renewable, store: Path, control: Control, connect: Connect
    ) -> None:
        put(store, 1, graphs.manifest("more"))
        control.reload()

        control.remove("more")

        refused(connect(daemon.endpoint).ask(forecast(WINDOW, model="more")), "unknown_model")

    def test_a_refusal_is_a_sentence(self, control: Control, base: Bundle) -> None:
        with pytest.raises(ControlError, match=f"no model 'gold'.*{base.manifest.label}"):
            control.default("gold")
        with pytest.raises(ControlError, match="is to answer requests that name no model"):
            control.remove("base")

    def test_while_models_are_loaded_questions_are_answered(
        self, daemon: Renewable, taken: str, connect: Connect
    ) -> None:
        slow = Slow(daemon)
        ordering, asking = connect(taken), connect(taken)
        ordering.send_message(request("reload"))
        slow.begun.wait(_PATIENCE_S)

        assert asking.ask(request("status"))["ok"]
        assert asking.ask(request("models"))["ok"]
        slow.let_go.set()

        assert ordering.receive_message()["ok"]

    def test_reloads_that_come_while_one_runs_are_done_as_one_after_it(
        self, daemon: Renewable, taken: str, connect: Connect
    ) -> None:
        slow = Slow(daemon)
        peers = [connect(taken) for _ in range(5)]
        peers[0].send_message(request("reload"))
        slow.begun.wait(_PATIENCE_S)
        for peer in peers[1:]:
            peer.send_message(request("reload"))
            peer.send_message(request("models"))
            peer.receive_message()  # the order was read before it
        slow.let_go.set()

        assert all(peer.receive_message()["ok"] for peer in peers)
        assert slow.looks == 2

    def test_more_orders_than_can_wait_are_told_so(
        self, daemon: Renewable, taken: str, connect: Connect
    ) -> None:
        slow = Slow(daemon)
        peer = connect(taken)
        peer.send_message(request("reload"))
        slow.begun.wait(_PATIENCE_S)
        for _ in range(17):
            peer.send_message(request("remove", model="gold"))

        refused(peer.receive_message(), "busy", "16 orders wait")
        slow.let_go.set()

    def test_a_client_waits_for_a_reload_as_long_as_the_daemon_lives(
        self, daemon: Renewable, taken: str
    ) -> None:
        slow = Slow(daemon)
        threading.Timer(1.0, slow.let_go.set).start()
        with Control(taken, timeout_s=0.2) as control:
            assert control.reload().refused == ()

    def test_an_order_that_died_with_its_daemon_is_not_waited_for(self, daemon: Renewable) -> None:
        slow = Slow(daemon)

        def restart() -> None:
            slow.begun.wait(_PATIENCE_S)
            first.__exit__()  # while the order is carried out: nobody tells what came of it
            again.__enter__()

        first = ControlSocket(ANY_PORT, daemon.service, daemon.swap, dict)
        first.__enter__()
        assert first.endpoint is not None
        again = ControlSocket(first.endpoint, daemon.service, daemon.swap, dict)
        thread = threading.Thread(target=restart)
        thread.start()
        with (
            Control(first.endpoint, timeout_s=0.5) as control,
            pytest.raises(NoDaemon, match="ended before it answered"),
        ):
            control.reload()
        slow.let_go.set()
        thread.join()
        with Control(first.endpoint) as control:
            assert control.models().served
        again.__exit__()

    def test_what_is_done_when_the_daemon_stops_is_still_told(
        self, daemon: Renewable, connect: Connect
    ) -> None:
        slow = Slow(daemon)
        with _orders(daemon) as taken:
            peer = connect(taken)
            peer.send_message(request("reload"))
            slow.begun.wait(_PATIENCE_S)
            slow.let_go.set()
        assert peer.receive_message()["ok"]

    def test_a_stop_meanwhile_is_told(self, base: Bundle, store: Path) -> None:
        with renewable(store) as daemon:
            pass
        put(store, 2)
        with (
            _orders(daemon) as taken,
            Control(taken) as control,
            pytest.raises(ControlError, match="the daemon is stopping"),
        ):
            control.reload()

    def test_a_defect_is_told_and_logged(
        self, daemon: Renewable, connect: Connect, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail() -> dict[str, Any]:
            raise ZeroDivisionError("a defect")

        with _orders(daemon, fail) as taken:
            peer = connect(taken)
            refused(peer.ask(request("status")), "internal", "its log says more")
            assert peer.ask(request("models"))["ok"]
        assert "a defect" in caplog.text


class TestQuestions:
    def test_models_tells_what_is_served_and_what_is_not(
        self, daemon: Renewable, base: Bundle, store: Path, control: Control
    ) -> None:
        gbp = put(store, 1, graphs.specialist("gbp", base.manifest, ["EURGBP"]))
        worse = put(store, 1, graphs.manifest("worse"), b"no graph")
        control.reload()

        models = control.models()

        assert [each.model.label for each in models.served] == [
            base.manifest.label,
            gbp.manifest.label,
        ]
        assert [each.model.default for each in models.served] == [True, False]
        assert [each.answers_for for each in models.served] == [(), ("EURGBP",)]
        assert models.served[0].folder == str(base.path)
        (other,) = models.besides
        assert other.model == worse.manifest.label
        assert "is not a readable graph" in other.why

    def test_status_is_the_daemons(self, control: Control) -> None:
        assert control.status() == {"server": "a test's"}

    def test_status_is_not_made_anew_for_each_of_many_questions(
        self, daemon: Renewable, connect: Connect
    ) -> None:
        made: list[float] = []

        def status() -> dict[str, Any]:
            made.append(time.monotonic())
            return {}

        with _orders(daemon, status) as taken:
            peer = connect(taken)
            begun = time.monotonic()
            for _ in range(40):
                peer.ask(request("status"))
            took_s = time.monotonic() - begun

        assert len(made) <= 2 + took_s / 0.2


class TestStrangers:
    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"", "bad_message"),
            (b"\xc1" * 100, "bad_message"),
            (msgpack.packb([1, 2]), "bad_message"),
            (msgpack.packb({"op": "reload"}), "bad_version"),
            (msgpack.packb({"v": 1}), "bad_field"),
            (msgpack.packb({"v": 1, "op": "format"}), "unknown_op"),
            (msgpack.packb({"v": 1, "op": "remove"}), "bad_field"),
            (msgpack.packb({"v": 1, "op": "remove", "model": "x" * 10_000}), "bad_field"),
            (msgpack.packb({"v": 1, "op": "remove", "model": "../../etc"}), "unknown_model"),
            (msgpack.packb({"v": 1, "op": "default", "model": {"a": 1}}), "bad_field"),
            (msgpack.packb({"v": 1, "op": "forecast"}), "unknown_op"),
        ],
    )
    def test_what_is_no_order_is_refused(
        self, taken: str, connect: Connect, body: bytes, code: str
    ) -> None:
        peer = connect(taken)
        refused(peer.ask_bytes(body), code)
        assert peer.ask(request("models"))["ok"]

    def test_an_envelope_that_is_not_reqs_is_refused(self, taken: str, connect: Connect) -> None:
        peer = connect(taken)
        peer.send(b"junk")
        (body,) = peer.receive()
        refused(msgpack.unpackb(body), "bad_message", "the envelope is not REQ's")
        peer.send(b"", b"a", b"b")
        refused(peer.receive_message(), "bad_message")

    def test_a_message_that_is_too_large_cuts_its_sender_off_alone(
        self, taken: str, connect: Connect
    ) -> None:
        large, other = connect(taken), connect(taken)
        large.send(b"", bytes(1 << 20))
        assert other.ask(request("models"))["ok"]

    @pytest.mark.parametrize(
        "noise", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"\xff", bytes(4096)]
    )
    def test_noise_harms_nobody(self, taken: str, connect: Connect, noise: bytes) -> None:
        host, port = taken.removeprefix("tcp://").split(":")
        with socket.create_connection((host, int(port))) as stranger:
            stranger.sendall(noise)
            assert connect(taken).ask(request("models"))["ok"]

    def test_a_flood_is_answered_in_time_and_served_on(
        self, daemon: Renewable, taken: str, connect: Connect
    ) -> None:
        flood = connect(taken)
        for _ in range(300):
            flood.try_to_send(request("models"))
        assert connect(daemon.endpoint).ask(forecast(WINDOW))["ok"]
        assert flood.receive_message()["ok"]


class TestWhere:
    def test_it_follows_the_port_that_is_served(self) -> None:
        assert control_endpoint("tcp://127.0.0.1:5655") == "tcp://127.0.0.1:5656"
        assert choose_endpoint("tcp://0.0.0.0:7000", None) == "tcp://127.0.0.1:7001"
        assert choose_endpoint("tcp://[::1]:7000", None) == "tcp://127.0.0.1:7001"

    def test_where_no_port_follows_it_is_told(self, caplog: pytest.LogCaptureFixture) -> None:
        assert choose_endpoint("tcp://127.0.0.1:65535", None) is None
        assert "give --control one" in caplog.text

    def test_it_may_be_elsewhere_or_nowhere(self) -> None:
        served = "tcp://127.0.0.1:5655"
        for given in ("tcp://127.0.0.1:9000", "tcp://localhost:9000", "tcp://[::1]:*"):
            assert choose_endpoint(served, given) == given
        assert choose_endpoint(served, "off") is None

    @pytest.mark.parametrize(
        "given",
        [
            *("tcp://0.0.0.0:5656", "tcp://*:5656", "tcp://192.168.0.1:5656", "ipc://control"),
            *("tcp://127.0.0.1.example.org:5656", "tcp://127.0.0.1:99999", "tcp://127.0.0.1", ""),
        ],
    )
    def test_it_is_on_loopback_alone(self, given: str) -> None:
        with pytest.raises(ControlRefused, match="loopback alone"):
            choose_endpoint("tcp://127.0.0.1:5655", given)

    def test_a_port_in_use_is_a_warning(
        self, daemon: Renewable, caplog: pytest.LogCaptureFixture, connect: Connect
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            endpoint = f"tcp://127.0.0.1:{other.getsockname()[1]}"
            with ControlSocket(endpoint, daemon.service, daemon.swap, dict) as control:
                assert control.endpoint is None
                assert connect(daemon.endpoint).ask(forecast(WINDOW))["ok"]
        assert f"no control socket on {endpoint}" in caplog.text

    def test_its_port_is_free_afterwards(self, daemon: Renewable) -> None:
        with _orders(daemon) as taken:
            pass
        with ControlSocket(taken, daemon.service, daemon.swap, dict) as again:
            assert again.endpoint == taken


class TestClient:
    def test_nobody_there_is_told(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with Control(f"tcp://127.0.0.1:{port}") as control, pytest.raises(NoDaemon) as caught:
            control.models()
        assert f"no daemon answers on tcp://127.0.0.1:{port}" in str(caught.value)
        assert "eabridge serve" in str(caught.value)

    def test_somebody_silent_is_told(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as mute:
            endpoint = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
            with Control(endpoint, timeout_s=0.3) as control, pytest.raises(NoDaemon):
                control.models()

    def test_a_daemons_own_socket_is_not_its_control_socket(self, daemon: Renewable) -> None:
        with (
            Control(daemon.endpoint) as control,
            pytest.raises(ControlError, match=r"is no control socket .* on the port after the one"),
        ):
            control.models()

    def test_what_is_no_endpoint_is_told(self) -> None:
        for nonsense in ("nonsense", "tcp://127.0.0.1:99999"):
            with Control(nonsense) as control, pytest.raises(ControlError, match="is no endpoint"):
                control.status()

    def test_a_daemon_that_comes_back_is_found_again(self, daemon: Renewable) -> None:
        with _orders(daemon) as taken, Control(taken, timeout_s=1.0) as control:
            control.models()
        with Control(taken, timeout_s=0.5) as control:
            with pytest.raises(NoDaemon):
                control.models()
            with ControlSocket(taken, daemon.service, daemon.swap, dict):
                assert control.models().served
