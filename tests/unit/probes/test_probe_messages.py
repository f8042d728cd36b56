"""What the probes make of the kernel's messages, without the kernel."""

from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from halfopen.probes import conntrack, netlink, sockets
from halfopen.probes.netlink import attribute, attributes, messages


@given(st.dictionaries(st.integers(0, 0x3FFF), st.binary(max_size=60), max_size=8))
def test_attributes_are_read_as_they_were_written(given_: dict[int, bytes]) -> None:
    written = b"".join(attribute(kind, payload) for kind, payload in given_.items())
    assert len(written) % 4 == 0
    assert attributes(written) == given_
    assert attributes(b"head" + written, 4) == given_


@given(st.binary(max_size=200))
def test_attributes_that_are_none_do_no_harm(data: bytes) -> None:
    assert all(len(payload) <= len(data) for payload in attributes(data).values())


def header(length: int, kind: int) -> bytes:
    return struct.pack("=IHHII", length, kind, 0, 1, 0)


def test_messages_are_told_apart_and_errors_raised() -> None:
    data = header(20, 256) + b"abcd" + header(17, 258) + b"x" + bytes(3)
    assert list(messages(data)) == [(256, b"abcd"), (258, b"x")]
    refused = header(20, 2) + struct.pack("=i", -1)
    with pytest.raises(PermissionError):
        list(messages(data + refused))
    assert len(list(messages(header(20, 2) + struct.pack("=i", 0)))) == 1


def tuple_of(family: socket.AddressFamily, source: str, target: str, protocol: int = 6) -> bytes:
    first = 1 if family == socket.AF_INET else 3
    ip = attribute(first, socket.inet_pton(family, source))
    ip += attribute(first + 1, socket.inet_pton(family, target))
    proto = attribute(1, bytes([protocol]))
    proto += attribute(2, struct.pack("!H", 40001)) + attribute(3, struct.pack("!H", 514))
    return attribute(1, ip, nested=True) + attribute(2, proto, nested=True)


def test_a_tuple_names_client_and_server_in_both_families() -> None:
    assert conntrack._flow(tuple_of(socket.AF_INET, "198.18.1.1", "198.18.2.2")) == (
        "198.18.1.1:40001",
        "198.18.2.2:514",
    )
    assert conntrack._flow(tuple_of(socket.AF_INET6, "fd00:1::1", "fd00:2::2")) == (
        "[fd00:1::1]:40001",
        "[fd00:2::2]:514",
    )
    assert conntrack._flow(tuple_of(socket.AF_INET, "198.18.1.1", "198.18.2.2", 17)) is None
    assert conntrack._flow(b"") is None


def test_the_state_of_a_flow_is_named_as_the_kernel_does() -> None:
    info = attribute(1, attribute(1, bytes([3])), nested=True)
    assert conntrack._state(info) == "ESTABLISHED"
    assert conntrack._state(None) is None
    assert conntrack._state(attribute(1, attribute(1, bytes([200])))) is None


def diag(family: socket.AddressFamily, address: bytes, state: int = 1) -> bytes:
    """A struct inet_diag_msg with TCP_INFO."""
    both = address.ljust(16, b"\0")
    ident = struct.pack("!HH", 2514, 40001) + both + both + bytes(12)
    body = bytes([family, state, 2, 1]) + ident + struct.pack("=IIIII", 1500, 7, 9, 0, 77)
    info = struct.pack("=24xI24xII", 3, 4000, 2500)
    return body + attribute(2, info)


def test_a_socket_is_recorded_with_timer_queues_and_owner() -> None:
    probe = sockets.SocketProbe()
    try:
        address = socket.inet_aton("198.18.2.2")
        seen = probe._seen(diag(socket.AF_INET, address), {77: 12})
        assert seen.record == {
            "local": "198.18.2.2:2514",
            "peer": "198.18.2.2:40001",
            "state": "ESTABLISHED",
            "timer": "keepalive",
            "timer_s": 1.5,
            "retrans": 1,
            "rqueue": 7,
            "wqueue": 9,
            "unacked": 3,
            "last_heard_s": 2.5,
            "pid": 12,
        }
        mapped = probe._seen(diag(socket.AF_INET6, bytes(10) + b"\xff\xff" + address), {})
        assert mapped.record["local"] == "198.18.2.2:2514"  # as the other side knows it
        listening = probe._seen(diag(socket.AF_INET6, bytes(16), 10), {})
        assert (listening.kind, listening.record["peer"]) == ("listen", "")
        assert listening.record["local"] == "[::]:2514"
    finally:
        probe.close()


def test_a_refused_request_is_an_error() -> None:
    requests = netlink.RequestSocket(netlink.SOCK_DIAG)
    try:
        with pytest.raises(OSError, match=r"Invalid argument|No such file|not supported"):
            list(requests.dump(20, bytes([255, 6, 0, 0])))
    finally:
        requests.close()
