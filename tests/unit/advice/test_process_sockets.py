"""`halfopen advise --pid`: sockets of processes, by their options and by their timers."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from halfopen.advice import process_sockets, read_hop
from halfopen.advice.config_files import Configuration
from halfopen.advice.config_judge import JudgedConnection, judge_configuration
from halfopen.advice.config_model import Sysctls
from halfopen.advice.process_sockets import with_processes
from halfopen.errors import UsageError
from halfopen.kernel import Stack
from halfopen.probes import socket_options as options_module


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[socket.socket, socket.socket, str]]:
    """A client, what was accepted, and the port; loopback counts as another machine."""
    monkeypatch.setattr(process_sockets, "_on_this_machine", lambda *_: False)
    with ExitStack() as opened:
        listener = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
        client = opened.enter_context(socket.create_connection(listener.getsockname()))
        accepted = opened.enter_context(listener.accept()[0])
        yield client, accepted, str(listener.getsockname()[1])


def judged(firewall: str = "350") -> dict[str, JudgedConnection]:
    found = with_processes(Configuration((), Sysctls(), ()), [os.getpid()])
    judgements = judge_configuration(found, [read_hop(firewall, {})], Stack())
    return {each.connection.what: each for each in judgements}


def ask(each: socket.socket, idle: int, interval: int, probes: int) -> None:
    each.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, idle)
    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, interval)
    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, probes)


def test_options_of_connections(pair: tuple[socket.socket, socket.socket, str]) -> None:
    client, accepted, port = pair
    ask(accepted, 60, 20, 4)
    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 140_000)
    found = judged()
    server, mine = found[f"connection accepted at {port}"], found[f"client to 127.0.0.1:{port}"]
    assert server.survival == "safe"
    assert "keepalive 60/20/4, TCP_USER_TIMEOUT 140000 ms; margin" in server.why
    assert server.connection.place == f"pid {os.getpid()} ({_program()})"
    assert (mine.survival, mine.diff) == ("unsafe", "")
    assert mine.hint == (
        "set in the program: SO_KEEPALIVE 1, TCP_KEEPIDLE 175, TCP_KEEPINTVL 75, TCP_KEEPCNT 9"
    )
    ask(client, 600, 75, 9)
    assert judged()[f"client to 127.0.0.1:{port}"].survival == "unsafe"
    assert judged("900")[f"client to 127.0.0.1:{port}"].survival == "safe"


def _program() -> str:
    with open("/proc/self/comm") as file:  # noqa: PTH123
        return file.read().strip()


def test_connections_alike_are_counted(pair: tuple[socket.socket, socket.socket, str]) -> None:
    _, _, port = pair
    with socket.create_connection(("127.0.0.1", int(port))):
        assert f"2 times client to 127.0.0.1:{port}" in judged()


def test_a_port_without_connections_is_not_judged(
    pair: tuple[socket.socket, socket.socket, str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = judged()[f"listener {listener.getsockname()[1]}"]
    assert found.survival == "not judged"
    assert f"listener {pair[2]}" not in judged()


def test_options_that_are_not_shown_are_not_guessed(
    pair: tuple[socket.socket, socket.socket, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(process: int, descriptor: int) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(options_module, "copied", refused)
    client, _, port = pair
    ask(client, 60, 20, 4)
    found = judged()
    mine = found[f"client to 127.0.0.1:{port}"]
    assert mine.survival == "not judged"
    assert "it asks for keepalive, the next probe is due in" in mine.why
    assert "run as root" in mine.why
    assert found[f"connection accepted at {port}"].survival == "unsafe"


def test_connections_within_the_machine_do_not_count() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            assert not [what for what in judged() if what.endswith(f":{port}")]


def test_a_process_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="--pid 4194305: there is no such process"):
        with_processes(Configuration((), Sysctls(), ()), [4194305])
