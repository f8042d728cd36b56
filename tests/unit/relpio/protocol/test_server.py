"""The receiving core against a client made of bytes: every rule of negotiation and order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relpio import (
    ConfigurationError,
    LocalProtocolError,
    LossReason,
    Messages,
    ServerConnection,
    ServerEvent,
    ServerSettings,
    ServerState,
    SessionClosed,
    SessionLost,
    SessionOpened,
    encode_frame,
)

OFFERS = b"relp_version=0\nrelp_software=librelp,1.11.0,http://librelp.adiscon.com\ncommands=syslog"
OPEN = encode_frame(1, b"open", OFFERS)
HINT = b"0 serverclose 0\n"


def talk(server: ServerConnection, octets: bytes) -> tuple[bytes, list[ServerEvent]]:
    server.receive_data(octets, 0.0)
    return server.data_to_send(), events_of(server)


def events_of(server: ServerConnection) -> list[ServerEvent]:
    found = []
    while (event := server.next_event()) is not None:
        found.append(event)
    return found


def opened(settings: ServerSettings | None = None) -> ServerConnection:
    server = ServerConnection(settings)
    answer, (event,) = talk(server, OPEN)
    assert answer.startswith(b"1 rsp ")
    assert isinstance(event, SessionOpened)
    return server


def lost(events: list[ServerEvent]) -> SessionLost:
    assert isinstance(events[-1], SessionLost)
    return events[-1]


def test_open_is_answered_with_version_0_and_own_offers() -> None:
    answer, (event,) = talk(ServerConnection(), OPEN)
    data = b"200 OK\nrelp_version=0\nrelp_software=relpio,0.1.0\ncommands=syslog"
    assert answer == b"1 rsp %d %b\n" % (len(data), data)
    assert isinstance(event, SessionOpened)
    assert event.offers[b"relp_software"][0] == b"librelp"


@pytest.mark.parametrize(
    "offers",
    [
        b"relp_version=1\ncommands=syslog",
        b"commands=syslog,foo",
        b"\nrelp_version=0\ncommands=syslog\n",
        b"x=y\ncommands=syslog",
    ],
)
def test_offers_that_are_accepted_get_version_0(offers: bytes) -> None:
    answer, (event,) = talk(ServerConnection(), encode_frame(1, b"open", offers))
    assert b" 200 OK\nrelp_version=0\n" in answer
    assert isinstance(event, SessionOpened)


@pytest.mark.parametrize(
    ("offers", "text"),
    [
        (b"relp_version=x\ncommands=syslog", b"500 relp_version is not one number"),
        (b"relp_version=0\ncommands=foo", b"500 required command not supported by client"),
        (b"", b"500 required command not supported by client"),
    ],
)
def test_offers_that_are_refused_end_the_session(offers: bytes, text: bytes) -> None:
    server = ServerConnection()
    answer, events = talk(server, encode_frame(1, b"open", offers))
    assert text in answer
    assert answer.endswith(b"\n" + HINT)
    assert lost(events).reason is LossReason.PROTOCOL_ERROR
    assert server.state is ServerState.LOST


def test_a_message_before_open_is_refused_and_the_session_goes_on() -> None:
    server = ServerConnection()
    answer, events = talk(server, b"1 syslog 5 hello\n")
    assert answer == b"1 rsp 20 500 command disabled\n"
    assert events == []
    answer, (event,) = talk(server, encode_frame(2, b"open", OFFERS))
    assert answer.startswith(b"2 rsp ")
    assert isinstance(event, SessionOpened)


def test_a_second_open_is_refused_and_ends_the_session() -> None:
    answer, events = talk(opened(), encode_frame(2, b"open", OFFERS))
    assert answer == b"2 rsp 43 500 protocol error: connection already open\n" + HINT
    assert "already open" in lost(events).detail


def test_open_and_messages_in_one_segment() -> None:
    answer, events = talk(ServerConnection(), OPEN + b"2 syslog 1 a\n3 syslog 1 b\n4 sys")
    assert answer.count(b"rsp") == 1
    assert events[1:] == [Messages(2, [b"a", b"b"])]


def test_close_is_answered_empty_then_hint() -> None:
    for server, txnr in ((opened(), 2), (ServerConnection(), 1)):
        answer, events = talk(server, b"%d close 0\n" % txnr)
        assert answer == b"%d rsp 0\n" % txnr + HINT
        assert events == [SessionClosed()]


def test_close_waits_for_the_answers_before_it_and_hears_nothing_after_it() -> None:
    server = opened()
    answer, events = talk(server, b"2 syslog 1 a\n3 close 0\nnonsense")
    assert answer == b""
    assert events == [Messages(2, [b"a"])]
    server.acknowledge(1)
    assert server.data_to_send() == b"2 rsp 6 200 OK\n3 rsp 0\n" + HINT
    assert events_of(server) == [SessionClosed()]


def test_acknowledge_is_in_order_and_never_twice() -> None:
    server = opened()
    talk(server, b"2 syslog 1 a\n3 syslog 1 b\n4 syslog 1 c\n")
    server.acknowledge(1)
    server.acknowledge(1)
    assert server.data_to_send() == b"2 rsp 6 200 OK\n3 rsp 6 200 OK\n"
    assert server.unacknowledged == 1
    with pytest.raises(LocalProtocolError, match="2 answers for 1 messages"):
        server.acknowledge(2)
    server.acknowledge(1)
    assert server.data_to_send() == b"4 rsp 6 200 OK\n"
    with pytest.raises(LocalProtocolError):
        server.acknowledge(1)
    with pytest.raises(LocalProtocolError):
        server.refuse()


def test_refuse_answers_the_oldest() -> None:
    server = opened()
    talk(server, b"2 syslog 1 a\n3 syslog 1 b\n")
    server.refuse("disk full")
    server.acknowledge(1)
    assert server.data_to_send() == b"2 rsp 13 500 disk full\n3 rsp 6 200 OK\n"
    for code in (200, -1, 1000):
        with pytest.raises(LocalProtocolError):
            server.refuse(code=code)


def test_after_the_end_answers_go_nowhere() -> None:
    server = opened()
    talk(server, b"2 syslog 1 a\n3 syslog 1 b\n")
    _, events = talk(server, HINT)
    assert lost(events).unacknowledged == 2
    server.acknowledge(1)
    server.refuse()
    assert server.data_to_send() == b""
    assert talk(server, b"4 syslog 1 c\n") == (b"", [])


@pytest.mark.parametrize("answer_first", [False, True])
def test_what_was_handed_out_before_a_violation_is_answered_first(answer_first: bool) -> None:
    server = opened()
    answer, events = talk(server, b"2 syslog 1 a\n3 syslog 1 b\njunk\n4 syslog 1 c\n")
    assert (answer, events) == (b"", [Messages(2, [b"a", b"b"])])
    assert server.next_timeout() is None
    if answer_first:
        server.acknowledge(1)
        assert server.data_to_send() == b"2 rsp 6 200 OK\n"
    assert talk(server, b"5 syslog 1 d\n") == (b"", [])
    if answer_first:
        server.refuse("no")
        assert server.data_to_send() == b"3 rsp 6 500 no\n" + HINT
    else:
        server.acknowledge(2)
        assert server.data_to_send() == b"2 rsp 6 200 OK\n3 rsp 6 200 OK\n" + HINT
    event = server.next_event()
    assert isinstance(event, SessionLost)
    assert (event.reason, event.unacknowledged) == (LossReason.PROTOCOL_ERROR, 0)
    assert server.state is ServerState.LOST


def test_a_second_open_is_answered_after_the_messages_before_it() -> None:
    server = opened()
    answer, _ = talk(server, b"2 syslog 1 a\n" + encode_frame(3, b"open", OFFERS))
    assert answer == b""
    server.acknowledge(1)
    text = b"500 protocol error: connection already open"
    assert server.data_to_send() == b"2 rsp 6 200 OK\n3 rsp %d %b\n" % (len(text), text) + HINT


def test_close_from_this_side_waits_for_the_answers_and_a_cut_does_not() -> None:
    for cut in (False, True):
        server = opened()
        talk(server, b"2 syslog 1 a\n")
        server.close()
        assert talk(server, b"3 syslog 1 b\n") == (b"", [])
        if cut:
            server.cut()
            assert server.data_to_send() == HINT
        else:
            server.acknowledge(1)
            assert server.data_to_send() == b"2 rsp 6 200 OK\n" + HINT
        assert isinstance(server.next_event(), SessionClosed)
        assert server.state is ServerState.CLOSED


def test_a_limit_is_told_after_the_answers_also_after_an_end_of_stream_meanwhile() -> None:
    server = opened()
    talk(server, b"2 syslog 1 a\n3 syslog 100 xx")
    server.abandon(LossReason.MEMORY, "too much")
    assert server.buffered == 0
    assert (server.data_to_send(), server.next_event()) == (b"", None)
    assert talk(server, b"") == (b"", [])
    server.acknowledge(1)
    assert server.data_to_send() == b"2 rsp 6 200 OK\n" + HINT
    assert events_of(server) == [SessionLost(LossReason.MEMORY, "too much", 0)]


def test_a_message_numbered_as_hint_is_delivered_and_answered() -> None:
    server = opened()
    _, events = talk(server, b"0 syslog 5 hello\n2 syslog 0\n")
    assert events == [Messages(0, [b"hello"]), Messages(2, [b""])]
    server.acknowledge(2)
    assert server.data_to_send() == b"0 rsp 6 200 OK\n2 rsp 6 200 OK\n"


@pytest.mark.parametrize(
    "octets",
    [
        b"3 syslog 1 a\n",  # a gap
        b"1 syslog 1 a\n",  # a repetition
        b"2 rsp 6 200 OK\n",
        b"2 starttls 0\n",
        b"2 abort 0\n",
        b"2 OPEN 0\n",
        b"2 syslog 5 hello\r\n",
        b"GET / HTTP/1.1\r\n",
        b"2 syslog 1001 ",
    ],
)
def test_violations_are_answered_with_the_hint_alone(octets: bytes) -> None:
    server = opened(ServerSettings(max_message_size=1000))
    # 1000 is below what `open` may need: the limit for messages still holds.
    octets = octets + b"x" * 1001 + b"\n" if octets.endswith(b"1001 ") else octets
    answer, events = talk(server, octets)
    assert answer == HINT
    assert lost(events).reason is LossReason.PROTOCOL_ERROR
    assert server.state is ServerState.LOST


def test_the_first_number_is_1() -> None:
    answer, _ = talk(ServerConnection(), encode_frame(2, b"open", OFFERS))
    assert answer == HINT


@pytest.mark.parametrize("size", [5, 5000, 200_000])
def test_size_limit(size: int) -> None:
    server = opened(ServerSettings(max_message_size=size))
    _, events = talk(server, encode_frame(2, b"syslog", b"x" * size))
    assert events == [Messages(2, [b"x" * size])]
    server.acknowledge(1)
    server.data_to_send()
    answer, events = talk(server, encode_frame(3, b"syslog", b"x" * (size + 1)))
    assert answer == HINT
    assert lost(events).reason is LossReason.PROTOCOL_ERROR


def test_serverclose_of_a_client_ends_the_session_without_a_hint_back() -> None:
    answer, events = talk(opened(), HINT)
    assert answer == b""
    assert lost(events).reason is LossReason.SERVERCLOSE


def test_end_of_stream() -> None:
    server = opened()
    talk(server, b"2 syslog")
    answer, events = talk(server, b"")
    assert answer == b""
    assert lost(events) == SessionLost(LossReason.EOF, "the peer closed the connection", 0)


@pytest.mark.parametrize("more", [b"", b"3 close 0\n", b"0 nonsense"], ids=["", "close", "bad"])
def test_what_a_client_sent_before_it_closed_its_direction_is_answered(more: bytes) -> None:
    server = opened()
    talk(server, b"2 syslog 1 a\n" + more)
    assert talk(server, b"") == (b"", [])
    server.acknowledge(1)
    assert server.data_to_send().startswith(b"2 rsp 6 200 OK\n")
    (event,) = events_of(server)
    assert isinstance(event, SessionLost | SessionClosed)
    assert isinstance(event, SessionClosed) == (more.startswith(b"3 close"))


def test_close_from_this_side_is_a_hint() -> None:
    server = opened()
    server.close()
    assert server.data_to_send() == HINT
    assert events_of(server) == [SessionClosed()]
    with pytest.raises(LocalProtocolError, match="not possible"):
        server.close()


@pytest.mark.parametrize("last", [999_999_999, 999_999_998])
def test_numbers_wrap_to_1(last: int) -> None:
    server = opened()
    server._last_txnr = last - 1
    _, events = talk(server, b"%d syslog 1 a\n1 syslog 1 b\n2 syslog 1 c\n" % last)
    messages = [m for e in events if isinstance(e, Messages) for m in e.messages]
    assert messages == [b"a", b"b", b"c"]
    server.acknowledge(3)
    assert server.data_to_send() == b"%d rsp 6 200 OK\n1 rsp 6 200 OK\n2 rsp 6 200 OK\n" % last


def test_numbers_do_not_wrap_earlier() -> None:
    server = opened()
    server._last_txnr = 999_999_996
    talk(server, b"999999997 syslog 1 a\n")
    server.acknowledge(1)
    server.data_to_send()
    answer, _ = talk(server, b"1 syslog 1 b\n")
    assert answer == HINT


def test_open_timer() -> None:
    server = ServerConnection(ServerSettings(open_timeout=10), now=100.0)
    assert server.next_timeout() == 110.0
    server.handle_timeout(109.9)
    assert events_of(server) == []
    server.handle_timeout(110.0)
    assert server.data_to_send() == HINT
    assert lost(events_of(server)).reason is LossReason.OPEN_TIMEOUT
    assert opened(ServerSettings(open_timeout=10)).next_timeout() is None


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigurationError):
        ServerSettings(max_message_size=0)
    with pytest.raises(ConfigurationError):
        ServerSettings(open_timeout=0)


COMMANDS = [OPEN, b"1 syslog 1 a\n", b"2 syslog 1 a\n", b"3 syslog 0\n", b"2 close 0\n", HINT, b""]


@given(st.lists(st.sampled_from(COMMANDS) | st.binary(max_size=30), max_size=12))
def test_no_octets_make_it_raise_and_each_message_is_answered_once(chunks: list[bytes]) -> None:
    server, sent, owed = ServerConnection(ServerSettings(max_message_size=100)), b"", 0
    for chunk in chunks:
        server.receive_data(chunk, 0.0)
        for event in events_of(server):
            if isinstance(event, Messages):
                owed += len(event.messages)
        assert server.unacknowledged == owed
        if owed and server.state is ServerState.OPEN:
            server.acknowledge(owed)
            owed = 0
        sent += server.data_to_send()
    answered = [line.split()[0] for line in sent.splitlines() if b" rsp 6 200 OK" in line]
    assert len([n for n in answered if n != b"0"]) == len({n for n in answered if n != b"0"})


def in_turns(server: ServerConnection, octets: bytes) -> list[ServerEvent]:
    server.receive_data(octets, 0.0)
    found = events_of(server)
    while server.more:
        server.take_more(0.0)
        found += events_of(server)
    return found


def test_a_turn_takes_so_many_messages_and_leaves_the_rest() -> None:
    server = opened(ServerSettings(messages_per_turn=10))
    octets = b"".join(encode_frame(number, b"syslog", b"x") for number in range(2, 27))
    server.receive_data(octets, 0.0)
    sizes = []
    while True:
        (event,) = events_of(server)
        assert isinstance(event, Messages)
        sizes.append((event.first_txnr, len(event.messages)))
        if not server.more:
            break
        server.take_more(0.0)
    assert sizes == [(2, 10), (12, 10), (22, 5)]


@given(
    st.integers(1, 7),
    st.lists(st.sampled_from([b"x", b"", b"two", b"a\nb", b"open", b"close", b"bad"]), max_size=30),
)
def test_taken_in_turns_or_at_once_is_the_same(most: int, datas: list[bytes]) -> None:
    octets = b""
    for number, data in enumerate(datas, 2):
        command = data if data in (b"open", b"close", b"bad") else b"syslog"
        octets += encode_frame(number, command, data if command == b"syslog" else b"")

    def told(settings: ServerSettings) -> tuple[list[tuple[int, bytes]], list[ServerEvent], bytes]:
        server = opened(settings)
        events = in_turns(server, octets)
        taken = [
            (event.first_txnr + place, message)
            for event in events
            if isinstance(event, Messages)
            for place, message in enumerate(event.messages)
        ]
        server.acknowledge(len(taken))
        rest = [event for event in events if not isinstance(event, Messages)]
        return taken, rest + events_of(server), server.data_to_send()

    assert told(ServerSettings(messages_per_turn=most)) == told(ServerSettings())


def test_a_hint_that_is_not_known_is_ignored() -> None:
    server = opened()
    answer, events = talk(server, b"0 weather 5 sunny\n" + encode_frame(2, b"syslog", b"x"))
    assert answer == b""
    assert events == [Messages(2, [b"x"])]
