"""The receiving core against what is too long, too slow or too quiet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relpio import (
    ConfigurationError,
    LossReason,
    Messages,
    Oversize,
    Oversized,
    ServerConnection,
    ServerEvent,
    ServerSettings,
    SessionLost,
    encode_frame,
)

from ..doubles import HINT, OPEN


def events_of(server: ServerConnection) -> list[ServerEvent]:
    found = []
    while (event := server.next_event()) is not None:
        found.append(event)
    return found


def opened(settings: ServerSettings, now: float = 0.0) -> ServerConnection:
    server = ServerConnection(settings, now)
    server.receive_data(OPEN, now)
    events_of(server)
    server.data_to_send()
    return server


def messages_of(events: list[ServerEvent]) -> list[bytes]:
    return [m for event in events if isinstance(event, Messages) for m in event.messages]


@pytest.mark.parametrize("step", [1, 2, 7, 1000, 10**6])
@pytest.mark.parametrize("size", [11, 12, 4096, 300_000])
def test_truncate_keeps_the_front_and_counts_the_rest(size: int, step: int) -> None:
    server = opened(ServerSettings(max_message_size=10, oversize=Oversize.TRUNCATE))
    octets = b"2 syslog 2 ab\n" + encode_frame(3, b"syslog", (b"0123456789" * size)[:size])
    octets += b"4 syslog 10 9876543210\n"
    events: list[ServerEvent] = []
    most = 0
    for start in range(0, len(octets), step):
        server.receive_data(octets[start : start + step], 0.0)
        most = max(most, server.buffered)
        events += events_of(server)
    assert messages_of(events) == [b"ab", b"0123456789", b"9876543210"]
    assert [e for e in events if isinstance(e, Oversized)] == [Oversized(3, size, 10)]
    assert most <= 40
    server.acknowledge(3)
    assert server.data_to_send() == b"2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 6 200 OK\n"


def test_truncate_holds_nothing_of_what_it_throws_away() -> None:
    server = opened(ServerSettings(max_message_size=1000, oversize=Oversize.TRUNCATE))
    server.receive_data(b"2 syslog 999999999 ", 0.0)
    for _ in range(100):
        server.receive_data(b"x" * 10_000, 0.0)
        assert server.buffered == 1000
    assert events_of(server) == []


def test_a_cut_message_must_end_as_a_frame_does() -> None:
    server = opened(ServerSettings(max_message_size=2, oversize=Oversize.TRUNCATE))
    server.receive_data(b"2 syslog 5 hello", 0.0)
    assert events_of(server) == []
    server.receive_data(b"X", 0.0)
    (event,) = events_of(server)
    assert isinstance(event, SessionLost)
    assert event.reason is LossReason.PROTOCOL_ERROR
    assert server.data_to_send() == HINT
    assert server.buffered == 0


def test_truncate_does_not_cut_other_commands() -> None:
    server = ServerConnection(ServerSettings(max_message_size=5, oversize=Oversize.TRUNCATE))
    server.receive_data(OPEN, 0.0)
    assert b"200 OK" in server.data_to_send()
    server.receive_data(b"2 close 5000 ", 0.0)
    assert server.data_to_send() == HINT


def test_accept_takes_it_whole_up_to_its_own_limit() -> None:
    settings = ServerSettings(
        max_message_size=10, oversize=Oversize.ACCEPT, max_accepted_size=10_000
    )
    server = opened(settings)
    server.receive_data(encode_frame(2, b"syslog", b"y" * 10_000), 0.0)
    assert events_of(server) == [Oversized(2, 10_000, 10_000), Messages(2, [b"y" * 10_000])]
    server.acknowledge(1)
    server.data_to_send()
    server.receive_data(b"3 syslog 10001 ", 0.0)
    assert server.data_to_send() == HINT


def test_settings_are_checked() -> None:
    for bad in (
        {"idle_timeout": 0},
        {"frame_timeout": -1},
        {"oversize": Oversize.ACCEPT, "max_accepted_size": 10},
    ):
        with pytest.raises(ConfigurationError):
            ServerSettings(**bad)


def test_an_idle_session_ends() -> None:
    server = opened(ServerSettings(idle_timeout=10), now=100.0)
    assert server.next_timeout() == 110.0
    server.receive_data(b"2 syslog 1 a\n", 105.0)
    assert server.next_timeout() is None  # it is owed an answer: the silence is ours
    server.acknowledge(1)
    assert server.next_timeout() == 115.0
    server.handle_timeout(114.9)
    assert [type(event) for event in events_of(server)] == [Messages]
    server.data_to_send()
    server.handle_timeout(115.0)
    (event,) = events_of(server)
    assert isinstance(event, SessionLost)
    assert event.reason is LossReason.IDLE_TIMEOUT
    assert server.data_to_send() == HINT
    assert server.next_timeout() is None


def test_a_frame_that_does_not_end_ends_the_session_however_it_drips() -> None:
    server = opened(ServerSettings(frame_timeout=10, idle_timeout=8), now=100.0)
    now = 100.0
    for octet in b"2 syslog 100 abc":
        now += 0.5
        server.receive_data(bytes([octet]), now)
    assert server.clocks.frame_since == 100.5
    assert server.next_timeout() == 110.5
    server.handle_timeout(110.5)
    (event,) = events_of(server)
    assert isinstance(event, SessionLost)
    assert event.reason is LossReason.FRAME_TIMEOUT


@pytest.mark.parametrize("oversize", list(Oversize))
def test_each_complete_frame_restarts_the_clock(oversize: Oversize) -> None:
    settings = ServerSettings(frame_timeout=10, oversize=oversize, max_message_size=5000)
    server = opened(settings, now=100.0)
    server.receive_data(b"2 syslog 1 a\n3 sys", 101.0)
    assert server.next_timeout() == 111.0
    server.receive_data(b"log 1 b\n4 s", 105.0)
    assert server.next_timeout() == 115.0
    server.receive_data(b"yslog 1 c\n", 106.0)
    assert server.next_timeout() is None
    server.receive_data(b"5 syslog 4000 x", 107.0)
    assert server.next_timeout() == 117.0
    server.clocks.resume(200.0)
    assert server.next_timeout() == 210.0


def test_given_up_by_the_program() -> None:
    server = opened(ServerSettings())
    server.abandon(LossReason.MEMORY, "too much")
    server.abandon(LossReason.MEMORY, "once is enough")
    assert events_of(server) == [SessionLost(LossReason.MEMORY, "too much", 0)]
    assert server.data_to_send() == HINT


PIECES = [OPEN, b"1 syslog 1 a\n", b"2 syslog 30 ", b"x" * 30, b"\n", b"2 close 0\n", b"3 syslog "]


@given(
    st.lists(st.sampled_from(PIECES) | st.binary(max_size=30), max_size=12).map(b"".join),
    st.sampled_from(Oversize),
    st.lists(st.integers(1, 9), min_size=1, max_size=5),
)
def test_however_octets_are_cut_the_outcome_is_the_same(
    octets: bytes, oversize: Oversize, steps: list[int]
) -> None:
    settings = ServerSettings(max_message_size=20, oversize=oversize, max_accepted_size=100)
    whole, pieces = ServerConnection(settings), ServerConnection(settings)
    whole.receive_data(octets or b"0", 0.0)
    rest = octets or b"0"
    at = 0
    while rest:
        step = steps[at % len(steps)]
        pieces.receive_data(rest[:step], 0.0)
        assert pieces.buffered <= 4096 + 70
        rest, at = rest[step:], at + 1
    a, b = events_of(whole), events_of(pieces)
    assert messages_of(a) == messages_of(b)
    assert whole.state is pieces.state
    assert whole.data_to_send() == pieces.data_to_send()
    others = [[e for e in events if not isinstance(e, Messages | SessionLost)] for events in (a, b)]
    assert others[0] == others[1]
    lost = [[e.reason for e in events if isinstance(e, SessionLost)] for events in (a, b)]
    assert lost[0] == lost[1]
