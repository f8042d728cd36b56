"""The TCP client and server, as programs on the loopback interface."""

from __future__ import annotations

import errno
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from halfopen.guests._tcp import endpoint, reason, set_options, shown
from tests.unit.guests.started import Subject, started, wait_for


@contextmanager
def server(directory: Path, *arguments: str, port: str = "0") -> Iterator[tuple[Subject, str]]:
    """A server, and `127.0.0.1:port`."""
    output = directory / "messages"
    with started(
        "tcp_server", directory / "server.log", "--listen", f"127.0.0.1:{port}",
        "--output", output, *arguments,
    ) as running:  # fmt: skip
        yield running, running.await_event("listening")["address"]


@contextmanager
def client(directory: Path, target: str, *arguments: str) -> Iterator[Subject]:
    """A client that has connected."""
    with started(
        "tcp_client", directory / "client.log", "--target", target,
        "--ledger", directory / "ledger", "--backoff", "0.02", *arguments,
    ) as running:  # fmt: skip
        running.await_event("connected")
        yield running


@contextmanager
def listener() -> Iterator[tuple[socket.socket, str]]:
    """A server of the test's own, and its `127.0.0.1:port`."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.settimeout(30)
        yield sock, shown(sock.getsockname())


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def test_lines_go_out_in_turn_and_each_connection_keeps_its_order(tmp_path: Path) -> None:
    with server(tmp_path) as (_, target), client(tmp_path, target, "--connections", "3") as sender:
        sent = [f"line {n}" for n in range(30)]
        sender.say(*sent)
        wait_for(lambda: len(lines(tmp_path / "messages")) == 30)
        arrived = lines(tmp_path / "messages")
        for turn in range(3):
            mine = [f"line {n}" for n in range(turn, 30, 3)]
            assert [line for line in arrived if line in mine] == mine
        wait_for(lambda: len(lines(tmp_path / "ledger")) == 30)
        assert set(lines(tmp_path / "ledger")) == {f"accepted {n}" for n in range(1, 31)}
        assert len({event["local"] for event in sender.events("session-open")}) == 3


def test_with_echo_what_was_not_answered_is_sent_again(tmp_path: Path) -> None:
    with listener() as (sock, target), client(tmp_path, target, "--echo") as sender:
        first, _ = sock.accept()
        with first, first.makefile("rb") as stream:
            sender.say("one", "two", "three")
            received = [stream.readline() for _ in range(3)]
            first.sendall(received[0])
            wait_for(lambda: "acked 1" in lines(tmp_path / "ledger"))
        second, _ = sock.accept()
        with second, second.makefile("rb") as stream:
            assert [stream.readline() for _ in range(2)] == [b"two\n", b"three\n"]
            second.sendall(b"two\nthree\n")
            wait_for(lambda: "acked 3" in lines(tmp_path / "ledger"))
    ledger = lines(tmp_path / "ledger")
    assert [line for line in ledger if line.startswith("acked")] == [
        "acked 1",
        "acked 2",
        "acked 3",
    ]
    assert ledger[:3] == ["accepted 1", "accepted 2", "accepted 3"]


def test_echo_survives_a_server_that_is_killed(tmp_path: Path) -> None:
    with (
        server(tmp_path, "--echo") as (running, target),
        client(tmp_path, target, "--echo", "--connections", "2") as sender,
    ):
        sender.say("a", "b")
        wait_for(lambda: {"acked 1", "acked 2"} <= set(lines(tmp_path / "ledger")))
        running.kill()
        sender.await_event("session-lost", 2)
        sender.say("c", "d")
        with server(tmp_path, "--echo", port=target.rpartition(":")[2]):
            wait_for(lambda: {"acked 3", "acked 4"} <= set(lines(tmp_path / "ledger")))
        assert sorted(lines(tmp_path / "messages")) == ["a", "b", "c", "d"]
        sender.process.terminate()
        assert sender.process.wait(timeout=30) == 0


def test_without_echo_what_the_kernel_took_is_lost(tmp_path: Path) -> None:
    with listener() as (sock, target), client(tmp_path, target) as sender:
        first, _ = sock.accept()
        sender.say("lost")
        wait_for(lambda: lines(tmp_path / "ledger") == ["accepted 1"])
        # Not read before it is closed: the kernel answers with RST (RFC 2525, 2.17).
        first.close()
        assert sender.await_event("session-lost")["reason"] == "reset"
        second, _ = sock.accept()
        with second, second.makefile("rb") as stream:
            sender.say("next")
            assert stream.readline() == b"next\n"


def test_no_two_attempts_to_connect_have_the_same_port_if_the_first_is_named(
    tmp_path: Path,
) -> None:
    with (
        listener() as (sock, target),
        client(tmp_path, target, "--local-port", "20000") as sender,
    ):
        for count in range(1, 4):
            first, _ = sock.accept()
            first.close()
            sender.await_event("session-lost", count)
        sender.await_event("session-open", 4)
        ports = [int(event["local"].rpartition(":")[2]) for event in sender.events("session-open")]
    # One that somebody else has is passed over.
    assert 20000 <= ports[0] < 20100
    assert ports == sorted(set(ports))
    assert ports[-1] - ports[0] < 100


def test_an_answer_that_never_comes_ends_the_session(tmp_path: Path) -> None:
    with (
        server(tmp_path) as (_, target),
        client(tmp_path, target, "--echo", "--ack-timeout", "0.3") as sender,
    ):
        sender.say("hello")
        assert sender.await_event("session-lost")["reason"] == "ack-timeout"
        wait_for(lambda: lines(tmp_path / "messages").count("hello") >= 2)


def test_an_answer_that_is_wrong_ends_the_session(tmp_path: Path) -> None:
    with listener() as (sock, target), client(tmp_path, target, "--echo") as sender:
        accepted, _ = sock.accept()
        with accepted:
            sender.say("hello")
            accepted.sendall(b"hallo\n")
            assert sender.await_event("session-lost")["reason"] == "wrong-answer"
            wait_for(lambda: lines(tmp_path / "ledger") == ["accepted 1"])


def test_a_server_with_an_idle_timeout_closes_what_is_silent(tmp_path: Path) -> None:
    with (
        server(tmp_path, "--idle-timeout", "0.3") as (running, target),
        client(tmp_path, target) as sender,
    ):
        assert sender.await_event("session-lost")["reason"] == "closed"
        assert running.await_event("session-lost")["reason"] == "idle-timeout"
        sender.await_event("session-open", 2)


def test_a_line_without_its_end_is_no_line(tmp_path: Path) -> None:
    with server(tmp_path, "--echo") as (running, target):
        host, port = endpoint(target)
        with socket.create_connection((host, port)) as sock:
            sock.sendall(b"whole\ncut")
            assert sock.recv(100) == b"whole\n"
        running.await_event("session-lost")
        assert lines(tmp_path / "messages") == ["whole"]


def test_a_client_goes_on_while_nobody_listens(tmp_path: Path) -> None:
    with listener() as (_, target):
        pass
    log = tmp_path / "client.log"
    with started("tcp_client", log, "--target", target, "--backoff", "0.01") as sender:
        assert sender.await_event("connect-failed", 3)["reason"] == "refused"
        sender.say("kept")
        with server(tmp_path, port=target.rpartition(":")[2]):
            wait_for(lambda: lines(tmp_path / "messages") == ["kept"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_both_end_in_order(tmp_path: Path, number: signal.Signals) -> None:
    with server(tmp_path) as (running, target), client(tmp_path, target) as sender:
        sender.process.send_signal(number)
        assert sender.process.wait(timeout=30) == 0
        assert running.await_event("session-lost")["reason"] == "closed"
        running.process.send_signal(number)
        assert running.process.wait(timeout=30) == 0


def test_thousands_of_connections_in_one_process(tmp_path: Path) -> None:
    with (
        server(tmp_path) as (running, target),
        client(tmp_path, target, "--connections", "1500") as sender,
    ):
        assert len(sender.events("session-open")) == 1500
        sender.say(*(str(n) for n in range(1500)))
        wait_for(lambda: len(lines(tmp_path / "messages")) == 1500)
        assert len(running.events("session-open")) == 1500


def test_more_connections_than_descriptors_is_said_at_once(tmp_path: Path) -> None:
    limited = ("sh", "-c", 'ulimit -n 64 && exec "$@"', "sh")
    with started(
        "tcp_client", tmp_path / "log", "--target", "127.0.0.1:1", "--connections", "100",
        before=limited,
    ) as sender:  # fmt: skip
        assert sender.process.wait(timeout=30) == 2
    assert "no more than 64 may be had" in (tmp_path / "log").read_text()


def test_keepalive_is_off_unless_it_is_asked_for() -> None:
    with socket.socket() as naive, socket.socket() as asked:
        set_options(naive, None, None)
        set_options(asked, (7, 3, 5), 1.5)
        assert naive.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0
        assert naive.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 0
        assert asked.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        names = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        assert [asked.getsockopt(socket.IPPROTO_TCP, name) for name in names] == [7, 3, 5]
        assert asked.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 1500


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (None, "closed"),
        (OSError(errno.ECONNRESET, ""), "reset"),
        (OSError(errno.ETIMEDOUT, ""), "timed-out"),
        (TimeoutError(), "timed-out"),
        (OSError(errno.EHOSTUNREACH, ""), "unreachable"),
        (OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS)), "ENOBUFS"),
    ],
)
def test_every_end_has_a_word(error: OSError | None, word: str) -> None:
    assert reason(error) == word


def test_an_address_is_read_as_it_is_shown() -> None:
    assert endpoint(shown(("::1", 80, 0, 0))) == ("::1", 80)
    assert endpoint(shown(("10.0.0.1", 80))) == ("10.0.0.1", 80)
