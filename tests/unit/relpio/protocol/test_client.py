"""The sending core against a server made of bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relpio import (
    Acknowledged,
    ClientConnection,
    ClientEvent,
    ClientSettings,
    ClientState,
    ConfigurationError,
    LocalProtocolError,
    LossReason,
    Refused,
    SessionClosed,
    SessionLost,
    SessionOpened,
    encode_acks,
    encode_frame,
)

ANSWER = encode_frame(1, b"rsp", b"200 OK\nrelp_version=0\ncommands=syslog")


def events_of(client: ClientConnection) -> list[ClientEvent]:
    found = []
    while (event := client.next_event()) is not None:
        found.append(event)
    return found


def hear(client: ClientConnection, octets: bytes, now: float = 0.0) -> list[ClientEvent]:
    client.receive_data(octets, now)
    return events_of(client)


def opened(now: float = 0.0, **settings: float | None) -> ClientConnection:
    client = ClientConnection(ClientSettings(**settings))  # type: ignore[arg-type]
    client.open(now)
    client.data_to_send()
    (event,) = hear(client, ANSWER, now)
    assert isinstance(event, SessionOpened)
    return client


def lost(events: list[ClientEvent]) -> SessionLost:
    assert isinstance(events[-1], SessionLost)
    return events[-1]


def test_open() -> None:
    client = ClientConnection()
    assert client.capacity == 0
    client.open(0.0)
    data = client.data_to_send()
    assert data.startswith(b"1 open ")
    assert b"relp_version=0\n" in data
    assert client.capacity == 0
    (event,) = hear(client, ANSWER)
    assert isinstance(event, SessionOpened)
    assert client.capacity == 128


@pytest.mark.parametrize(
    "data",
    [
        b"200 OK\nrelp_version=0\ncommands=syslog",
        b"200 OK\ncommands=syslog",  # librelp accepts an absent version
        b"200 OK relp_version=0\nrelp_software=logstash,1.1.0\ncommands=syslog",
        b"200 OK\n\nrelp_version=0\ncommands=syslog\n",
        b"200 OK\nrelp_version=00\ncommands=foo,syslog\nother",
    ],
)
def test_answers_to_open_that_are_accepted(data: bytes) -> None:
    client = ClientConnection()
    client.open(0.0)
    (event,) = hear(client, encode_frame(1, b"rsp", data))
    assert isinstance(event, SessionOpened)


@pytest.mark.parametrize(
    "octets",
    [
        encode_frame(1, b"rsp", b"500 command disabled"),
        encode_frame(1, b"rsp", b"200 OK\nrelp_version=1\ncommands=syslog"),
        encode_frame(1, b"rsp", b"200 OK\nrelp_version=a\ncommands=syslog"),
        encode_frame(1, b"rsp", b"200 OK\nrelp_version=0"),
        encode_frame(1, b"rsp", b"200 OK\nrelp_version=0\ncommands"),
        encode_frame(1, b"rsp"),
        encode_frame(2, b"rsp", b"200 OK"),
        encode_frame(1, b"syslog", b"hello"),
        encode_frame(0, b"syslog", b"hello"),
        encode_frame(0, b"rsp", b"200 OK"),
        encode_frame(1, b"serverclose"),
        b"HTTP/1.1 400 Bad Request\r\n",
    ],
)
def test_answers_to_open_that_end_the_session(octets: bytes) -> None:
    client = ClientConnection()
    client.open(0.0)
    assert lost(hear(client, octets)).reason is LossReason.PROTOCOL_ERROR
    assert client.state is ClientState.LOST


def test_messages_are_numbered_from_2() -> None:
    client = opened()
    assert client.send([b"a", b"", b"\n\0"], 0.0) == range(2, 5)
    assert client.data_to_send() == b"2 syslog 1 a\n3 syslog 0\n4 syslog 2 \n\0\n"
    assert client.send([], 0.0) == range(5, 5)
    assert client.data_to_send() == b""


def test_the_window_is_strict() -> None:
    client = opened(window=3)
    with pytest.raises(LocalProtocolError, match="4 messages to send, room for 3"):
        client.send([b"x"] * 4, 0.0)
    client.send([b"x"] * 3, 0.0)
    assert client.capacity == 0
    assert hear(client, encode_acks(2, 2)) == [Acknowledged(2, 2)]
    assert client.capacity == 2
    assert client.unacknowledged == 1


def test_acks_out_of_order_are_accepted() -> None:
    client = opened(window=5)
    client.send([b"x"] * 5, 0.0)
    assert hear(client, encode_acks(4, 1)) == [Acknowledged(4, 1)]
    assert hear(client, encode_acks(6, 1)) == [Acknowledged(6, 1)]
    assert hear(client, encode_acks(2, 2)) == [Acknowledged(2, 2)]
    assert hear(client, encode_acks(5, 1)) == [Acknowledged(5, 1)]
    assert client.capacity == 5


@pytest.mark.parametrize("txnr", [0, 1, 2, 4, 999])
def test_an_ack_that_is_not_due_ends_the_session(txnr: int) -> None:
    client = opened()
    client.send([b"a", b"b"], 0.0)
    hear(client, encode_acks(2, 1))
    gone = lost(hear(client, encode_acks(txnr, 1)))
    assert gone.reason is LossReason.PROTOCOL_ERROR
    assert gone.unacknowledged == 1


def test_an_ack_before_any_message_ends_the_session() -> None:
    assert lost(hear(opened(), encode_acks(2, 1))).reason is LossReason.PROTOCOL_ERROR


def test_other_answers_refuse() -> None:
    client = opened()
    client.send([b"a", b"b", b"c"], 0.0)
    octets = b"2 rsp 6 200 OK\n3 rsp 13 500 disk full\n4 rsp 3 201\n"
    assert hear(client, octets) == [
        Acknowledged(2, 1),
        Refused(3, 500, "disk full"),
        Refused(4, 201, ""),
    ]
    assert client.unacknowledged == 0


def test_an_answer_without_code_ends_the_session() -> None:
    client = opened()
    client.send([b"a"], 0.0)
    assert lost(hear(client, b"2 rsp 0\n")).reason is LossReason.PROTOCOL_ERROR


def test_the_ack_timer_watches_the_oldest_message() -> None:
    client = opened(ack_timeout=30.0)
    assert client.next_timeout() is None
    client.send([b"a"], 10.0)
    client.send([b"b"], 20.0)
    assert client.next_timeout() == 40.0
    hear(client, encode_acks(3, 1), 25.0)  # not the oldest: no progress
    assert client.next_timeout() == 40.0
    client.handle_timeout(39.9)
    assert events_of(client) == []
    client.handle_timeout(40.0)
    gone = lost(events_of(client))
    assert gone.reason is LossReason.ACK_TIMEOUT
    assert "message 2 for 30 s" in gone.detail
    assert client.next_timeout() is None


def test_the_ack_timer_starts_again_when_the_oldest_message_changes() -> None:
    client = opened(ack_timeout=30.0, window=10)
    client.send([b"a", b"b", b"c"], 0.0)
    hear(client, encode_acks(2, 1), 20.0)
    assert client.next_timeout() == 50.0
    hear(client, b"3 rsp 5 500 x\n", 25.0)
    assert client.next_timeout() == 55.0
    hear(client, encode_acks(4, 1), 26.0)
    assert client.next_timeout() is None


def test_timers_can_be_switched_off() -> None:
    client = opened(ack_timeout=None, close_timeout=None, open_timeout=None)
    client.send([b"a"], 0.0)
    client.close(0.0)
    client.handle_timeout(1e9)
    assert client.next_timeout() is None
    assert events_of(client) == []


def test_open_timer() -> None:
    client = ClientConnection(ClientSettings(open_timeout=7))
    client.open(1.0)
    assert client.next_timeout() == 8.0
    client.handle_timeout(8.0)
    assert lost(events_of(client)).reason is LossReason.OPEN_TIMEOUT
    assert opened(open_timeout=7).next_timeout() is None


def test_hints_and_ends() -> None:
    for octets, reason in ((b"0 serverclose 0\n", LossReason.SERVERCLOSE), (b"", LossReason.EOF)):
        client = opened()
        client.send([b"a"], 0.0)
        assert lost(hear(client, octets)).reason is reason
        assert hear(client, encode_acks(2, 1)) == []
        with pytest.raises(LocalProtocolError, match='"send messages" is not possible'):
            client.send([b"b"], 0.0)


@pytest.mark.parametrize(
    "octets", [b"3 rsp 0\n", b"3 rsp 6 200 OK\n", b"3 rsp 0\n0 serverclose 0\n", b"",
               b"0 serverclose 0\n"],
)  # fmt: skip
def test_close_drains_first_and_takes_any_answer(octets: bytes) -> None:
    client = opened()
    client.send([b"a"], 0.0)
    client.data_to_send()
    client.close(0.0)
    client.close(0.0)
    assert client.capacity == 0
    assert client.data_to_send() == b""
    hear(client, encode_acks(2, 1))
    assert client.data_to_send() == b"3 close 0\n"
    client.close(0.0)
    assert hear(client, octets) == [SessionClosed()]
    assert client.state is ClientState.CLOSED


def test_close_has_a_time_limit() -> None:
    client = opened(close_timeout=5.0)
    client.close(1.0)
    assert client.next_timeout() == 6.0
    client.handle_timeout(6.0)
    assert events_of(client) == [SessionClosed()]  # nothing was outstanding

    client = opened(close_timeout=5.0)
    client.send([b"a"], 0.0)
    client.close(1.0)
    client.handle_timeout(6.0)
    assert lost(events_of(client)) == SessionLost(
        LossReason.CLOSE_TIMEOUT, "no answer to close in time", 1
    )


def test_close_without_a_session() -> None:
    for client in (ClientConnection(), ClientConnection()):
        client.close(0.0)
        assert events_of(client) == [SessionClosed()]
    client = ClientConnection()
    client.open(0.0)
    client.close(0.0)
    assert events_of(client) == [SessionClosed()]


def test_the_session_is_renewed_before_the_numbers_run_out() -> None:
    client = opened(last_txnr=6, window=3)
    client.send([b"a", b"b", b"c"], 0.0)  # 2, 3, 4
    hear(client, encode_acks(2, 3))
    assert client.capacity == 1  # 5; 6 is for close
    client.send([b"d"], 0.0)
    assert client.capacity == 0
    assert client.state is ClientState.DRAINING
    client.data_to_send()
    hear(client, encode_acks(5, 1))
    assert client.data_to_send() == b"6 close 0\n"
    assert client.next_timeout() == 5.0
    assert hear(client, b"6 rsp 0\n") == [SessionClosed()]


def test_the_last_numbers_of_the_grammar_are_never_passed() -> None:
    assert ClientSettings().last_txnr < 999_999_999


@pytest.mark.parametrize(
    "bad", [{"window": 0}, {"ack_timeout": 0}, {"open_timeout": -1.0}, {"close_timeout": 0},
            {"last_txnr": 2}, {"last_txnr": 999_999_999}],
)  # fmt: skip
def test_settings_are_checked(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        ClientSettings(**bad)  # type: ignore[arg-type]


@given(
    st.lists(
        st.sampled_from([ANSWER, encode_acks(2, 1), encode_acks(2, 3), encode_acks(3, 1), b"",
                         b"3 rsp 5 500 x\n", b"0 serverclose 0\n"]) | st.binary(max_size=20),
        max_size=10,
    )
)  # fmt: skip
def test_no_octets_make_it_raise(chunks: list[bytes]) -> None:
    client = ClientConnection(ClientSettings(window=4))
    client.open(0.0)
    done, sent = 0, 0
    for chunk in chunks:
        for event in hear(client, chunk):
            done += event.count if isinstance(event, Acknowledged) else isinstance(event, Refused)
        if room := client.capacity:
            client.send([b"m"] * room, 0.0)
            sent += room
        assert client.unacknowledged == sent - done <= 4


def test_a_hint_that_nobody_knows_is_ignored() -> None:
    client = ClientConnection()
    client.open(0.0)
    assert hear(client, encode_frame(0, b"whatever", b"x")) == []
    hear(client, encode_frame(1, b"rsp", b"200 OK\nrelp_version=0\ncommands=syslog"))
    assert client.state is ClientState.OPEN


@pytest.mark.parametrize(
    ("offered", "answered", "accepted"),
    [(0, b"0", True), (0, b"1", False), (1, b"0", True), (1, b"1", True), (1, b"2", False)],
)
def test_a_version_that_was_not_offered_is_refused(
    offered: int, answered: bytes, accepted: bool
) -> None:
    client = ClientConnection(ClientSettings(version=offered))
    client.open(0.0)
    assert b"relp_version=%d" % offered in client.data_to_send()
    hear(client, encode_frame(1, b"rsp", b"200 OK\nrelp_version=%b\ncommands=syslog" % answered))
    assert (client.state is ClientState.OPEN) == accepted
