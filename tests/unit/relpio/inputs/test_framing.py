"""Syslog in a stream: octet counting and LF framing, told apart message by message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relpio.errors import InputError
from relpio.inputs.framing import Framing, SyslogStream, pieces

RFC5424 = b"<165>1 2003-10-11T22:14:15.003Z host app - ID47 - \xef\xbb\xbfmessage"
RFC3164 = b"<34>Oct 11 22:14:15 host su: 'su root' failed"

VECTORS: list[tuple[bytes, list[bytes]]] = [
    (RFC3164 + b"\n", [RFC3164]),
    (RFC5424 + b"\n" + RFC3164 + b"\n", [RFC5424, RFC3164]),
    (b"%d %b%d %b" % (len(RFC5424), RFC5424, len(RFC3164), RFC3164), [RFC5424, RFC3164]),
    (b"5 a\nb\0c<13>x\n3 <1>", [b"a\nb\0c", b"<13>x", b"<1>"]),
    (b"\n\n<13>x\n\n", [b"<13>x"]),
    (b"2026-11-21 no priority\n", [b"2026-11-21 no priority"]),
    (b"0 x\n", [b"0 x"]),
    (b"1234567890 ten digits\n", [b"1234567890 ten digits"]),
    (b"12\n3 abc", [b"12", b"abc"]),
    (b"<13>\r\n", [b"<13>\r"]),
    (b"<13>0123456789abcdef\n<1>\n", [b"<13>0123", b"456789ab", b"cdef", b"<1>"]),
    (b"18 0123456789abcdefgh<1>\n", [b"01234567", b"89abcdef", b"gh", b"<1>"]),
    (b"<13>0123\n", [b"<13>0123"]),
    (b"<13>012301234567\n", [b"<13>0123", b"01234567"]),
]


def fed(stream: SyslogStream, data: bytes, size: int) -> list[bytes]:
    found = []
    for at in range(0, len(data), size):
        found += stream.feed(data[at : at + size])
    return found


@pytest.mark.parametrize(("octets", "messages"), VECTORS)
def test_vector_whole_octet_by_octet_and_with_more_after_it(
    octets: bytes, messages: list[bytes]
) -> None:
    size = 8 if any(len(message) == 8 for message in messages) else 1000
    for step in (len(octets), 1, 3):
        stream = SyslogStream(size)
        assert fed(stream, octets, step) == messages
        assert stream.finish() == []
        assert fed(stream, octets * 2, step) == messages * 2
        assert fed(stream, b"<7>more", step) == []
        assert stream.finish() == [b"<7>more"]


def test_a_message_that_the_end_cuts_off_is_kept() -> None:
    for octets, rest in ((b"<13>half", b"<13>half"), (b"20 <13>half", b"<13>half"), (b"12", b"12")):
        stream = SyslogStream(100)
        assert stream.feed(octets) == []
        assert stream.finish() == [rest]


def test_long_messages_are_counted_once_each() -> None:
    stream = SyslogStream(4)
    assert (
        b"".join(fed(stream, b"<1>abcdefghijk\n9 123456789<2>\n", 1))
        == b"<1>abcdefghijk123456789<2>"
    )
    assert stream.cut == 2


def test_a_framing_can_be_demanded() -> None:
    lines = SyslogStream(100, "lf")
    assert lines.feed(b"3 abc\n") == [b"3 abc"]
    counted = SyslogStream(100, "octet-counted")
    assert counted.feed(b"3 a\nb") == [b"a\nb"]
    with pytest.raises(InputError, match="no octet count"):
        counted.feed(b"<13>x\n")


def test_nul_ends_a_line_where_syslog_3_writes() -> None:
    assert SyslogStream(100, nul=True).feed(b"<13>a\0<13>b\n3 a\0b") == [
        b"<13>a",
        b"<13>b",
        b"a\0b",
    ]
    assert SyslogStream(100).feed(b"<13>a\0b\n") == [b"<13>a\0b"]


FRAMINGS: list[Framing] = ["auto", "octet-counted", "lf"]


@given(
    st.lists(
        st.binary(max_size=30)
        | st.sampled_from([b"\n", b"12 ", b"999999999 ", b"7 <13>abc\n", b"<1>", b"\0"]),
        max_size=12,
    ),
    st.integers(1, 20),
    st.sampled_from(FRAMINGS),
    st.booleans(),
)
def test_any_octets_give_the_same_messages_however_they_are_cut(
    chunks: list[bytes], longest: int, framing: Framing, nul: bool
) -> None:
    def run(parts: list[bytes]) -> tuple[list[bytes], bool]:
        stream, found = SyslogStream(longest, framing, nul=nul), list[bytes]()
        for part in parts:
            try:
                found += stream.feed(part)
            except InputError:
                return found, True
            assert stream.buffered <= longest + 11
        return found + stream.finish(), False

    octets = b"".join(chunks)
    whole, failed = run([octets])
    single, failed_single = run([octets[at : at + 1] for at in range(len(octets))])
    assert failed == failed_single
    if not failed:
        assert run(chunks) == (whole, False)
        assert single == whole
        assert all(0 < len(message) <= longest for message in whole)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=10), st.integers(1, 64))
def test_octet_counting_carries_anything(messages: list[bytes], step: int) -> None:
    octets = b"".join(b"%d %b" % (len(message), message) for message in messages)
    assert fed(SyslogStream(40), octets, step) == messages


@given(st.binary(max_size=50), st.integers(1, 10))
def test_pieces_are_the_message(message: bytes, size: int) -> None:
    cut = pieces(message, size)
    assert b"".join(cut) == message
    assert all(len(piece) == size for piece in cut[:-1])
