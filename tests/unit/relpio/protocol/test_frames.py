"""The frame codec. Every vector runs whole, byte by byte, and with more bytes after it."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relpio import (
    Frame,
    FrameDecoder,
    FrameError,
    FrameTooLongError,
    LocalProtocolError,
    encode_acks,
    encode_frame,
    encode_messages,
)
from relpio.protocol import frames
from tests.unit.relpio.loops.both import KINDS, loops


@pytest.fixture(params=KINDS, scope="module", autouse=True)
def kind_of_loops(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test runs with the loops in Python and with the compiled ones."""
    module = loops(request.param)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("count_acks", "take_messages"):
            patch.setattr(frames, name, getattr(module, name))
        yield


GOOD = [
    (b"2 rsp 0\n", Frame(2, b"rsp", b"")),
    (b"2 syslog 5 hello\n", Frame(2, b"syslog", b"hello")),
    (b"0002 syslog 0005 hello\n", Frame(2, b"syslog", b"hello")),
    (b"000000002 syslog 000000005 hello\n", Frame(2, b"syslog", b"hello")),
    (b"2 syslog \n", Frame(2, b"syslog", b"")),
    (b"2 syslog 0\n", Frame(2, b"syslog", b"")),
    (b"2 syslog 3 a\0\n\n", Frame(2, b"syslog", b"a\0\n")),
    (b"999999999 close 0\n", Frame(999999999, b"close", b"")),
    (b"0 serverclose 0\n", Frame(0, b"serverclose", b"")),
    (b"2 " + b"x" * 32 + b" 1 y\n", Frame(2, b"x" * 32, b"y")),
    (b"1 OPEN 0\n", Frame(1, b"OPEN", b"")),
]

BAD = [
    (b"0000000002 syslog 5 hello\n", "transaction number has at most 9 digits"),
    (b"2 syslog 0000000005 hello\n", "datalen has at most 9 digits"),
    (b"2 " + b"x" * 33 + b" 0\n", "at most 32 letters"),
    (b"2 syslog 0 x", "a space follows a datalen of 0"),
    (b"\x16\x03\x01\x02\x00\x01", "the peer seems to speak TLS, this side does not"),
    (b"2 rsp 0\r\n", "datalen is a number"),
    (b"2 syslog 5 hello\r\n", "0x0d where the LF"),
    (b"2 syslog 5 hello3 syslog 1 x\n", "0x33 where the LF"),
    (b"2  syslog 5 hello\n", "made of letters"),
    (b"2 syslog  5 hello\n", "datalen"),
    (b"2\tsyslog 5 hello\n", "one space follows the transaction number"),
    (b"x syslog 5 hello\n", "starts with its number"),
    (b" 2 syslog 5 hello\n", "starts with its number"),
    (b"\n", "starts with its number"),
    (b"-1 syslog 5 hello\n", "starts with its number"),
    (b"2 sys1og 5 hello\n", "one space follows the command"),
    (b"2 syslog 5\n", "before the data"),
    (b"2\n", "one space follows the transaction number"),
]

FRAMES = st.builds(
    Frame,
    st.integers(0, 999_999_999),
    st.from_regex(rb"[A-Za-z]{1,32}", fullmatch=True),
    st.binary(max_size=80),
)


def decode(decoder: FrameDecoder, data: bytes) -> list[Frame]:
    decoder.feed(data)
    frames = []
    while (frame := decoder.next_frame()) is not None:
        frames.append(frame)
    return frames


def decode_pieces(data: bytes, sizes: list[int], max_data: int = 1000) -> list[Frame]:
    decoder, frames = FrameDecoder(max_data), []
    while data:
        size = sizes.pop() if sizes else len(data)
        frames += decode(decoder, data[:size])
        data = data[size:]
    return frames


@pytest.mark.parametrize(("octets", "frame"), GOOD)
def test_good_frame(octets: bytes, frame: Frame) -> None:
    assert decode(FrameDecoder(), octets) == [frame]
    assert decode_pieces(octets, [1] * len(octets)) == [frame]
    assert decode(FrameDecoder(), octets + b"3 clo") == [frame]
    assert decode(FrameDecoder(), octets * 3) == [frame] * 3


@pytest.mark.parametrize(("octets", "reason"), BAD)
def test_bad_frame(octets: bytes, reason: str) -> None:
    for sizes in ([], [1] * len(octets)):
        with pytest.raises(FrameError, match=reason):
            decode_pieces(octets, sizes)
    with pytest.raises(FrameError, match=reason):
        decode(FrameDecoder(), octets + b"3 syslog 1 x\n")


def test_frames_before_a_bad_one_are_returned_and_the_error_stays() -> None:
    decoder = FrameDecoder()
    decoder.feed(b"1 open 0\nbad")
    assert decoder.next_frame() == Frame(1, b"open", b"")
    for _ in range(2):
        with pytest.raises(FrameError):
            decoder.next_frame()
        decoder.feed(b"2 syslog 1 x\n")
    assert decoder.buffered == 0


def test_a_frame_above_the_limit_is_refused_as_soon_as_it_is_announced() -> None:
    decoder = FrameDecoder(max_data=5)
    assert decode(decoder, b"2 syslog 5 hello\n") == [Frame(2, b"syslog", b"hello")]
    with pytest.raises(FrameTooLongError, match="announces 6 bytes of data; the limit is 5"):
        decode(decoder, b"3 syslog 6 ")


def test_an_error_in_a_header_is_found_before_the_header_is_complete() -> None:
    with pytest.raises(FrameError):
        decode(FrameDecoder(), b"12x")


@given(st.lists(FRAMES, max_size=8), st.randoms(use_true_random=False))
def test_round_trip_however_the_stream_is_cut(frames: list[Frame], rng: random.Random) -> None:
    stream = b"".join(encode_frame(*frame) for frame in frames)
    sizes = [rng.randint(1, 30) for _ in stream]
    assert decode_pieces(stream, sizes) == frames


@given(st.lists(st.binary(max_size=40) | st.sampled_from([o for o, _ in GOOD]), max_size=20))
def test_arbitrary_octets_raise_nothing_but_a_frame_error(chunks: list[bytes]) -> None:
    decoder = FrameDecoder(max_data=50)
    for chunk in chunks:
        try:
            decode(decoder, chunk)
        except FrameError:
            assert decoder.buffered == 0
            break
        assert decoder.buffered <= 50 + 55


@given(
    st.lists(st.binary(max_size=20), max_size=10), st.integers(1, 999_999_000), st.integers(1, 50)
)
def test_batch_and_single_encoding_are_the_same(
    messages: list[bytes], first: int, size: int
) -> None:
    stream = encode_messages(first, messages)
    assert stream == b"".join(
        encode_frame(first + at, b"syslog", message) for at, message in enumerate(messages)
    )
    decoder, taken = FrameDecoder(1000), list[bytes]()
    for at in range(0, len(stream), size):
        decoder.feed(stream[at : at + size])
        # The short cut and the full grammar take turns, as in a connection.
        while True:
            taken += decoder.take_messages(first + len(taken), 1000)
            frame = decoder.next_frame()
            if frame is None:
                break
            assert frame.txnr == first + len(taken)
            taken.append(frame.data)
    assert taken == messages


@pytest.mark.parametrize(
    "octets",
    [b"3 syslog 1 x\n", b"2 syslog 0\n", b"2 syslog 9 too long.\n", b"2 rsp 1 x\n",
     b"2 syslog 1 xy", b"2 syslog 2 x"],
)  # fmt: skip
def test_the_short_cut_leaves_what_it_does_not_expect(octets: bytes) -> None:
    decoder = FrameDecoder()
    decoder.feed(octets)
    assert decoder.take_messages(2, 8) == []
    assert decoder.buffered == len(octets)


def test_acks_are_taken_as_far_as_they_are_due() -> None:
    decoder = FrameDecoder()
    decoder.feed(encode_acks(5, 3) + b"8 rsp 6 20")
    assert decoder.take_acks(4, 9) == 0
    assert decoder.take_acks(5, 2) == 2
    assert decoder.take_acks(7, 9) == 1
    assert decoder.take_acks(8, 9) == 0
    assert decode(decoder, b"0 OK\n") == [Frame(8, b"rsp", b"200 OK")]


@pytest.mark.parametrize(
    ("txnr", "command"), [(-1, b"rsp"), (1_000_000_000, b"rsp"), (1, b""), (1, b"a1"),
                          (1, b"x" * 33), (1, "ä".encode())],
)  # fmt: skip
def test_the_encoder_refuses_what_is_no_frame(txnr: int, command: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        encode_frame(txnr, command)


@pytest.mark.parametrize("cut", range(1, 12))
def test_an_empty_frame_with_a_space_before_its_end_is_taken(cut: int) -> None:
    octets = b"2 syslog 0 \n3 syslog 1 x\n"
    decoder = FrameDecoder()
    found = []
    for part in (octets[:cut], octets[cut:]):
        decoder.feed(part)
        while (frame := decoder.next_frame()) is not None:
            found.append(frame)
    assert found == [Frame(2, b"syslog", b""), Frame(3, b"syslog", b"x")]
