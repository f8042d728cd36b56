"""The misbehaving receiver does what its name for it says, and never acknowledges a message."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from halfopen.guests.misbehaving_receiver import BEHAVIOURS, listening_socket, serve

OPEN = b"1 open 15 relp_version=0\n\n"
MESSAGES = b"2 syslog 5 hello\n3 syslog 0\n4 close 0\n"


async def _talk(does: str, pieces: Iterable[bytes]) -> bytes:
    """All that it answers before it hangs up."""
    sock = listening_socket("127.0.0.1:0", small=does == "reads slowly")
    server = asyncio.create_task(serve(does, [sock]))
    reader, writer = await asyncio.open_connection(*sock.getsockname())
    said = b""
    with contextlib.suppress(ConnectionError, TimeoutError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        writer.write_eof()
        async with asyncio.timeout(5):
            while data := await reader.read(4096):
                said += data
    writer.close()
    server.cancel()
    await asyncio.gather(server, return_exceptions=True)
    return said


def talk(does: str, *pieces: bytes) -> bytes:
    """What it answers."""
    return asyncio.run(_talk(does, pieces))


@pytest.mark.parametrize("does", BEHAVIOURS)
def test_no_behaviour_acknowledges_a_message(does: str) -> None:
    said = talk(does, OPEN, MESSAGES)
    for txnr in (b"2", b"3"):
        assert txnr + b" rsp 6 200 OK" not in said
        assert txnr + b" rsp 3 200" not in said


@pytest.mark.parametrize("does", ["acknowledges nothing", "answers 500", "reads slowly"])
def test_sessions_are_opened_where_the_name_says_so(does: str) -> None:
    assert talk(does, OPEN, MESSAGES).startswith(b"1 rsp 63 200 OK\nrelp_version=0\n")


def test_500_is_answered_to_each_message() -> None:
    said = talk("answers 500", OPEN, MESSAGES)
    assert b"2 rsp 15 500 misbehaving\n3 rsp 15 500 misbehaving\n" in said


@pytest.mark.parametrize("does", ["never answers", "closes at once"])
def test_nothing_is_said(does: str) -> None:
    assert talk(does, OPEN, MESSAGES) == b""


def test_garbage_is_no_frame() -> None:
    said = talk("sends garbage", OPEN)
    assert len(said) == 65
    assert b"rsp" not in said


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, len(OPEN + MESSAGES)), max_size=6))
def test_frames_may_come_in_pieces(cuts: list[int]) -> None:
    whole = OPEN + MESSAGES
    ends = [0, *sorted(cuts), len(whole)]
    pieces = [whole[a:b] for a, b in itertools.pairwise(ends)]
    assert talk("answers 500", *pieces).count(b" 500 misbehaving\n") == 3


def test_an_address_may_be_of_either_family() -> None:
    for address, family in (("127.0.0.1:0", socket.AF_INET), ("[::1]:0", socket.AF_INET6)):
        with listening_socket(address, small=False) as sock:
            assert sock.family == family
