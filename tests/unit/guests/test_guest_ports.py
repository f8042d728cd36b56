"""Local ports of a client with many connections."""

from __future__ import annotations

import asyncio
import errno
import itertools
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.guests import _ports
from halfopen.guests._ports import LocalPorts, parts


@given(low=st.integers(1024, 60_000), size=st.integers(1, 400))
def test_the_parts_cover_the_range_and_go_on_by_one_port(low: int, size: int) -> None:
    high = low + size - 1
    covered: set[int] = set()
    for first, last in itertools.islice(parts(low, high), size):
        assert low <= first <= last <= high
        new = set(range(first, last + 1)) - covered
        assert new or covered == set(range(low, high + 1))
        covered |= new
    assert covered == set(range(low, high + 1))


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield listening


def local_ports(ports: LocalPorts, listener: socket.socket, count: int) -> list[int]:
    """Of `count` connections, which are all open at once."""

    async def connect() -> list[int]:
        found = []
        socks = [socket.socket() for _ in range(count)]
        try:
            for sock in socks:
                sock.setblocking(False)
                await ports.connect(sock, listener.getsockname())
                found.append(sock.getsockname()[1])
        finally:
            for sock in socks:
                sock.close()
        return found

    return asyncio.run(connect())


def narrow_range() -> tuple[int, int]:
    low, high = map(int, _ports._RANGE.read_text().split())
    return low, high


def test_a_client_with_few_connections_leaves_the_choice_to_the_kernel(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(sock: socket.socket, low: int, high: int) -> None:
        raise AssertionError("the search was narrowed")

    monkeypatch.setattr(_ports, "_look_in", never)
    assert len(set(local_ports(LocalPorts(None, 5), listener, 5))) == 5


def test_one_with_many_finds_each_in_a_small_part_of_the_range(listener: socket.socket) -> None:
    low, _ = narrow_range()
    found = local_ports(LocalPorts(None, _ports.MANY), listener, 40)
    assert len(set(found)) == 40
    # Whichever kernel plays it: one that cannot narrow chooses from all.
    if _narrows():
        assert all(low + n <= port < low + n + _ports._WIDTH for n, port in enumerate(found))


def _narrows() -> bool:
    with socket.socket() as sock:
        try:
            _ports._look_in(sock, 40_000, 40_001)
        except OSError as error:
            assert error.errno == errno.ENOPROTOOPT
            return False
        return True


def test_a_part_that_is_taken_stops_nobody(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    low, _ = narrow_range()
    monkeypatch.setattr(_ports, "parts", lambda *_: itertools.repeat((low, low)))
    found = local_ports(LocalPorts(None, _ports.MANY), listener, 3)
    assert len(set(found)) == 3


def test_a_kernel_that_cannot_narrow_the_search_goes_on_as_ever(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(sock: socket.socket, low: int, high: int) -> None:
        raise OSError(errno.ENOPROTOOPT, "Protocol not available")

    monkeypatch.setattr(_ports, "_look_in", unknown)
    found = local_ports(LocalPorts(None, _ports.MANY), listener, 3)
    assert len(set(found)) == 3
