"""Who may connect to a receiver, and how fast."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from relpio.command.main import main
from relpio.net.addresses import TcpAddress, UnixAddress
from relpio.receiver.admission import Admission

from ..doubles import OPEN, Events, Memory, receiving, run

if TYPE_CHECKING:
    from pathlib import Path


def test_permitted_networks() -> None:
    admission = Admission([ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")])
    for host in ("192.0.2.9", "2001:db8::1", "unix"):
        assert admission.refusal(host) is None
    for host in ("198.51.100.1", "2001:db9::1", "fe80::1%eth0"):
        assert admission.refusal(host) == ("network", f"{host} is not in a permitted network")
    assert Admission().refusal("198.51.100.1") is None


def test_connections_of_one_host_are_counted() -> None:
    admission = Admission(most_sessions=1)
    admission.entered("192.0.2.1")
    assert admission.refusal("192.0.2.1") == (
        "max-sessions-per-peer", "192.0.2.1 has 1 connections"
    )  # fmt: skip
    assert admission.refusal("192.0.2.2") is None
    admission.left("192.0.2.1")
    assert admission.refusal("192.0.2.1") is None


def test_a_second_is_free_and_the_rest_is_a_debt() -> None:
    now = [0.0]
    admission = Admission(rate=100, clock=lambda: now[0])
    assert admission.delay("a", 100) == 0
    assert admission.delay("a", 50) == pytest.approx(0.5)
    assert admission.delay("b", 50) == 0  # each host has its own
    now[0] = 0.25
    assert admission.delay("a", 0) == pytest.approx(0.25)
    now[0] = 1000.0  # quiet for long, and still one second's worth
    assert admission.delay("a", 200) == pytest.approx(1.0)


def test_hosts_that_have_paid_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relpio.receiver.admission._MANY", 3)
    now = [0.0]
    admission = Admission(rate=10, clock=lambda: now[0])
    for host in "abc":
        admission.delay(host, 5)
    admission.delay("c", 100)
    now[0] = 1.0
    admission.delay("d", 1)
    assert set(admission._buckets) == {"c", "d"}


def test_a_stranger_is_closed_and_a_unix_socket_is_not(tmp_path: Path) -> None:
    async def work() -> None:
        log, output = Events(), Memory()
        unix = UnixAddress(str(tmp_path / "socket"))
        async with receiving(
            output, log=log, listen=[TcpAddress("127.0.0.1", 0), unix],
            permitted_networks=[ip_network("192.0.2.0/24")],
        ) as receiver:  # fmt: skip
            reader, writer = await asyncio.open_connection(*receiver.address)
            assert await reader.read() == b""
            writer.close()
            (refused,) = log.of("session-refused")
            assert refused["reason"] == "network"
            reader, writer = await asyncio.open_unix_connection(unix.path)
            writer.write(OPEN + b"2 syslog 5 local\n3 close 0\n")
            assert b"2 rsp 6 200 OK\n" in await reader.read()
            writer.close()
        assert output.data == b"local\n"

    run(work)


def test_a_fast_client_is_read_at_the_rate_and_another_session_of_it_too() -> None:
    rate, count = 200, 600
    many = b"".join(b"%d syslog 1 x\n" % (number + 2) for number in range(count))

    async def work() -> None:
        log, output = Events(), Memory()
        loop = asyncio.get_running_loop()
        async with receiving(output, log=log, max_rate_per_peer=rate) as receiver:
            began = loop.time()
            reader, writer = await asyncio.open_connection(*receiver.address)
            writer.write(OPEN + many)
            await reader.readuntil(b"%d rsp 6 200 OK\n" % (count + 1))
            later, another = await asyncio.open_connection(*receiver.address)
            another.write(OPEN)
            await later.readuntil(b"commands=syslog\n")
            another.write(b"2 syslog 1 y\n")
            await later.readuntil(b"2 rsp 6 200 OK\n")
            # One second's worth is free.
            assert loop.time() - began >= (count - rate) / rate * 0.9
            writer.close()
            another.close()
        assert output.data == b"x\n" * count + b"y\n"
        assert len(log.of("rate-limited")) == 2  # once for each session

    run(work)


def test_a_reload_sets_new_rules() -> None:
    async def work() -> None:
        log = Events()
        async with receiving(log=log) as receiver:
            new = replace(
                receiver.settings, permitted_networks=[ip_network("127.0.0.1")],
                max_sessions_per_peer=1, max_rate_per_peer=1.0,
            )  # fmt: skip
            receiver.reload(new)
            reader, writer = await asyncio.open_connection(*receiver.address)
            writer.write(OPEN + b"2 syslog 1 x\n3 syslog 1 x\n")
            await reader.readuntil(b"3 rsp 6 200 OK\n")
            assert log.of("rate-limited")
            for host in ("127.0.0.1", "127.0.0.2"):
                one_more, other = await asyncio.open_connection(
                    *receiver.address, local_addr=(host, 0)
                )
                assert await one_more.read() == b""
                other.close()
            reasons = [each["reason"] for each in log.of("session-refused")]
            assert reasons == ["max-sessions-per-peer", "network"]
            writer.close()

    run(work)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("192.0.2.1/24", "'192.0.2.1/24' has bits of a host: the network is 192.0.2.0/24"),
        ("web1", "'web1' is not a network: write for example 192.0.2.0/24 or 2001:db8::/32"),
    ],
)
def test_what_is_not_a_network(text: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["receive", "--permitted-network", text])
    assert words in " ".join(capsys.readouterr().err.split())
