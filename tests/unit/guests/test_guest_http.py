"""The HTTP client and server, as programs on the loopback interface."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from halfopen.guests._tcp import shown
from tests.unit.guests.started import Subject, started, wait_for


@contextmanager
def server(directory: Path, *arguments: str) -> Iterator[tuple[Subject, str]]:
    """A server, and `127.0.0.1:port`."""
    with started(
        "http_server", directory / "server.log", "--listen", "127.0.0.1:0",
        "--output", directory / "messages", *arguments,
    ) as running:  # fmt: skip
        yield running, running.await_event("listening")["address"]


@contextmanager
def client(directory: Path, target: str, *arguments: str) -> Iterator[Subject]:
    """A client that takes requests."""
    with started(
        "http_client", directory / "client.log", "--target", target,
        "--ledger", directory / "ledger", *arguments,
    ) as running:  # fmt: skip
        running.await_event("ready")
        yield running


def states(running: Subject, number: int) -> list[str]:
    return [each["state"] for each in running.events("operation") if each["number"] == number]


def outcome(running: Subject, number: int, attempts: int = 1) -> dict[str, Any]:
    """The last event of an operation, once it has one for each attempt."""
    wait_for(lambda: len(states(running, number)) == 2 * attempts)
    return [each for each in running.events("operation") if each["number"] == number][-1]


@contextmanager
def listener() -> Iterator[tuple[socket.socket, str]]:
    """A server of the test's own, and its `127.0.0.1:port`."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.settimeout(30)
        yield sock, shown(sock.getsockname())


def test_one_connection_carries_all_requests_and_each_is_written_once(tmp_path: Path) -> None:
    with server(tmp_path) as (serves, target), client(tmp_path, target, "--echo") as asks:
        asks.say(*(f"message {n}" for n in range(1, 6)))
        for number in range(1, 6):
            assert outcome(asks, number)["state"] == "ok"
        lines = (tmp_path / "messages").read_text().splitlines()
        assert lines == [f"message {n}" for n in range(1, 6)]
        assert len(serves.events("session-open")) == 1
        ledger = (tmp_path / "ledger").read_text().splitlines()
        assert ledger == [f"{what} {n}" for n in range(1, 6) for what in ("accepted", "acked")]


def test_requests_are_under_way_at_once_up_to_the_size_of_the_pool(tmp_path: Path) -> None:
    with (
        server(tmp_path, "--answer-after", "0.3") as (serves, target),
        client(tmp_path, target, "--connections", "3") as asks,
    ):
        asks.say(*"abcdef")
        for number in range(1, 7):
            assert outcome(asks, number)["state"] == "ok"
        assert len(serves.events("session-open")) == 3


def test_nobody_listening_is_a_failure_that_did_nothing(tmp_path: Path) -> None:
    with listener() as (sock, target):
        sock.close()
        with client(tmp_path, target, "--retries", "2") as asks:
            asks.say("a")
            last = outcome(asks, 1, attempts=3)
            assert last["state"] == "failed"
            assert "ConnectError" in last["reason"]
            assert states(asks, 1) == ["begun", "failed"] * 3
        assert (tmp_path / "ledger").read_text() == "accepted 1\n"


def test_a_status_of_an_error_is_a_failure(tmp_path: Path) -> None:
    with server(tmp_path, "--status", "503") as (_, target), client(tmp_path, target) as asks:
        asks.say("a")
        last = outcome(asks, 1)
        assert (last["state"], last["reason"]) == ("failed", "status 503")


@pytest.mark.parametrize("answers", ["never", "reset", "too short"])
def test_what_was_sent_and_not_answered_may_have_been_done(tmp_path: Path, answers: str) -> None:
    with listener() as (sock, target), client(tmp_path, target, "--timeout", "0.5") as asks:
        asks.say("a")
        connection, _ = sock.accept()
        with connection:
            assert connection.recv(1 << 16).startswith(b"POST / HTTP/1.1\r\n")
            if answers == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                connection.close()
            elif answers == "too short":
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
                connection.close()
            last = outcome(asks, 1)
        kinds = {"never": "ReadTimeout", "reset": "ReadError", "too short": "RemoteProtocolError"}
        assert last["state"] == "unknown"
        assert last["reason"].startswith(kinds[answers])


def test_an_answer_that_is_not_what_was_sent_is_wrong(tmp_path: Path) -> None:
    with listener() as (sock, target), client(tmp_path, target, "--echo") as asks:
        asks.say("what was sent")
        connection, _ = sock.accept()
        with connection:
            connection.recv(1 << 16)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother")
            last = outcome(asks, 1)
        assert (last["state"], last["reason"]) == ("wrong", "answered with b'other'")


def test_the_pool_closes_a_connection_that_was_idle_for_too_long(tmp_path: Path) -> None:
    with (
        server(tmp_path) as (serves, target),
        client(tmp_path, target, "--idle-expiry", "0.05") as asks,
    ):
        asks.say("a")
        outcome(asks, 1)
        threading.Event().wait(0.2)  # an idle time is what is tested
        asks.say("b")
        assert outcome(asks, 2)["state"] == "ok"
        assert len(serves.events("session-open")) == 2
        assert serves.await_event("session-lost")["reason"] == "closed"


def test_the_server_closes_what_is_idle_and_the_client_sees_it_before_it_sends(
    tmp_path: Path,
) -> None:
    with (
        server(tmp_path, "--idle-timeout", "0.1") as (serves, target),
        client(tmp_path, target, "--idle-expiry", "off") as asks,
    ):
        asks.say("a")
        outcome(asks, 1)
        serves.await_event("session-lost")
        asks.say("b")
        assert outcome(asks, 2)["state"] == "ok"
        assert len(serves.events("session-open")) == 2


def test_keepalive_is_set_on_both_ends(tmp_path: Path) -> None:
    options = ("--keepalive", "77/5/3", "--user-timeout", "9")
    with server(tmp_path, *options) as (_, target), client(tmp_path, target, *options) as asks:
        asks.say("a")
        outcome(asks, 1)
        port = f":{int(target.rpartition(':')[2]):04X}"

        def timers() -> list[str]:
            """Those of both ends; net/ipv4/tcp_ipv4.c, get_tcp4_sock."""
            lines = [each.split() for each in Path("/proc/net/tcp").read_text().splitlines()]
            return [
                each[5][:2]
                for each in lines
                if each[3] == "01" and port in (each[1][-5:], each[2][-5:])
            ]

        # 2 while keepalive waits; 1 until the last answer is acknowledged
        wait_for(lambda: timers() == ["02", "02"])


def test_other_methods_carry_no_body(tmp_path: Path) -> None:
    for method in ("GET", "HEAD"):
        directory = tmp_path / method
        directory.mkdir()
        with (
            server(directory) as (_, target),
            client(directory, target, "--method", method, "--path", "/health") as asks,
        ):
            asks.say("a")
            assert outcome(asks, 1)["state"] == "ok"
            assert (directory / "messages").read_text() == ""
