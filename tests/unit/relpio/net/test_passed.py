"""Sockets passed by a service manager: by name, all, and those that are of no use."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator

import pytest

from relpio.command.receive_options import receiver_address
from relpio.net.addresses import TcpAddress
from relpio.net.passed import PassedAddress, PassedSockets
from relpio.receiver.binding import bind_all

from ..doubles import run


@pytest.fixture
def first() -> Iterator[int]:
    """Descriptors 100 and 101: a socket that listens and a datagram socket."""
    stream, datagram = socket.create_server(("127.0.0.1", 0)), socket.socket(type=socket.SOCK_DGRAM)
    with stream, datagram:
        os.dup2(stream.fileno(), 100)
        os.dup2(datagram.fileno(), 101)
        yield 100
    for descriptor in (100, 101):
        with contextlib.suppress(OSError):
            os.close(descriptor)


def environment(**more: str) -> dict[str, str]:
    return {
        "LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "relp:other", **more
    }  # fmt: skip


def test_each_is_taken_once_by_its_name_or_as_one_of_the_rest(first: int) -> None:
    passed = PassedSockets(environment(), first=first)
    (sock,) = passed.take(PassedAddress("relp"))
    with sock:
        assert sock.fileno() == 100
        assert not sock.getblocking()
        assert not sock.get_inheritable()
        with pytest.raises(OSError, match="passed no socket with FileDescriptorName=relp;"):
            passed.take(PassedAddress("relp"))
        with pytest.raises(OSError, match="descriptor 101 is not a stream socket that listens"):
            passed.take(PassedAddress(""))


@pytest.mark.parametrize("wrong", [{"LISTEN_PID": "1"}, {"LISTEN_FDS": "many"}, {"LISTEN_FDS": ""}])
def test_what_is_meant_for_another_process_is_left_alone(first: int, wrong: dict[str, str]) -> None:
    passed = PassedSockets(environment(**wrong), first=first)
    with pytest.raises(OSError, match="cannot listen on systemd: systemd passed no socket; start"):
        passed.take(PassedAddress(""))


def test_nothing_stays_bound_when_one_address_cannot_be_used() -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            used = TcpAddress(*taken.getsockname())
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                free = TcpAddress(*probe.getsockname())
            with pytest.raises(OSError, match="cannot listen on"):
                await bind_all([free], [used], tls=True)
            (again,) = await bind_all([free], tls=True)
            assert again.protected
            again.bound.close()

    run(main)


def test_how_it_is_written() -> None:
    assert receiver_address("systemd") == PassedAddress("")
    assert str(receiver_address("systemd:relp")) == "systemd:relp"
    assert receiver_address("systemd:2514") == TcpAddress("systemd", 2514)  # a host of that name
