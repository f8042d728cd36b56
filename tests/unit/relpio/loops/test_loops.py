"""The compiled loops and those in Python: each against what is right, and one against the other."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from types import ModuleType
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relpio.loops import PURE_VARIABLE, pure
from relpio.protocol.txnr import MAX_TXNR
from tests.unit.relpio.loops.both import KINDS, loops

TXNRS = st.one_of(st.integers(0, 1200), st.integers(MAX_TXNR - 50, MAX_TXNR - 40))
MESSAGES = st.lists(st.binary(max_size=30), max_size=12)
LIMITS = st.one_of(st.integers(0, 40), st.just(1 << 30))


@pytest.fixture(params=KINDS, scope="module")
def module(request: pytest.FixtureRequest) -> ModuleType:
    return loops(request.param)


@pytest.fixture(scope="module")
def compiled() -> ModuleType:
    return loops("compiled")


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Bytes with a few places replaced, removed or added, mostly by what frames consist of."""
    data = bytearray(draw(whole))
    piece = st.one_of(
        st.sampled_from([b" ", b"\n", b"0", b"9", b"\0", b"rsp"]), st.binary(max_size=3)
    )
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 2))] = draw(piece)
    return bytes(data)


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, int, int]:
    """A run of frames or answers, perhaps damaged; a position; the number that is due."""
    first = draw(TXNRS)
    frames = st.one_of(
        MESSAGES.map(lambda messages: pure.encode_messages(first, messages)),
        st.integers(0, 12).map(lambda count: pure.encode_acks(first, count)),
        st.lists(st.sampled_from([b"%d syslog 1 x\n", b"%d rsp 6 200 OK\n"])).map(
            lambda forms: b"".join(form % (first + i) for i, form in enumerate(forms))
        ),
        st.binary(max_size=40),
    )
    before = draw(st.binary(max_size=5))
    at = draw(st.sampled_from([len(before), 0]))
    return before + draw(damaged(frames)), at, draw(st.sampled_from([first, first, 0, first + 1]))


class TestMessages:
    @given(first=TXNRS, messages=st.lists(st.binary(min_size=1, max_size=30), max_size=12))
    def test_what_was_encoded_is_taken(
        self, module: ModuleType, first: int, messages: list[bytes]
    ) -> None:
        data = b"###" + module.encode_messages(first, messages) + b"7 close 0\n"
        taken = module.take_messages(data, 3, first, 30, MAX_TXNR)
        assert taken == (messages, len(data) - len(b"7 close 0\n"))

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"5",
            b"5 syslog 3 ab",
            b"5 syslog 3 abc",
            b"5 syslog 3 abc\r",
            b"5 syslog 2 abc\n",
            b"5 syslog 0\n",
            b"5 syslog 0 \n",
            b"5 syslog  3 abc\n",
            b"5 syslog 3\nabc\n",
            b"5 syslog x abc\n",
            b"5 syslog 0000000003 abc\n",
            b"0000000005 syslog 3 abc\n",
            b"6 syslog 3 abc\n",
            b" 5 syslog 3 abc\n",
            b"-5 syslog 3 abc\n",
            b"5 SYSLOG 3 abc\n",
            b"5 rsp 6 200 OK\n",
            b"5 syslog 9 abcdefghi\n",
        ],
    )
    def test_anything_else_is_left(self, module: ModuleType, data: bytes) -> None:
        assert module.take_messages(data, 0, 5, 8, MAX_TXNR) == ([], 0)
        good = b"4 syslog 0001 x\n"
        assert module.take_messages(good + data, 0, 4, 8, MAX_TXNR) == ([b"x"], len(good))

    def test_no_more_are_taken_than_asked_for(self, module: ModuleType) -> None:
        data = module.encode_messages(7, [b"a", b"b", b"c"])
        assert module.take_messages(data, 0, 7, 9, 2) == ([b"a", b"b"], len(data) // 3 * 2)
        assert module.take_messages(data, 0, 7, 9, 0) == ([], 0)

    def test_an_empty_message_has_no_space(self, module: ModuleType) -> None:
        assert module.encode_messages(9, (b"", b"x")) == b"9 syslog 0\n10 syslog 1 x\n"

    def test_only_bytes_are_messages(self, module: ModuleType) -> None:
        for wrong in (["text"], [b"x", 5], [None]):
            with pytest.raises(TypeError):
                module.encode_messages(1, wrong)
            with pytest.raises(TypeError):
                module.join_lines(wrong)
            with pytest.raises(TypeError):
                module.checksums(wrong, 1)


class TestAcks:
    @given(first=TXNRS, count=st.integers(0, 40), limit=LIMITS)
    def test_what_was_encoded_is_counted(
        self, module: ModuleType, first: int, count: int, limit: int
    ) -> None:
        data = b"#" + module.encode_acks(first, count)
        found, end = module.count_acks(data + b"1 rsp", 1, first, limit)
        assert found == min(count, limit)
        assert data[1:end] == module.encode_acks(first, found)

    def test_they_are_what_librelp_sends(self, module: ModuleType) -> None:
        assert module.encode_acks(9, 2) == b"9 rsp 6 200 OK\n10 rsp 6 200 OK\n"

    def test_another_answer_ends_the_run(self, module: ModuleType) -> None:
        good = b"4 rsp 6 200 OK\n5 rsp 6 200 OK\n"
        for bad in (
            b"6 rsp 6 500 NO\n",
            b"7 rsp 6 200 OK\n",
            b"06 rsp 6 200 OK\n",
            b"6 rsp 6 200 OK",
        ):
            assert module.count_acks(good + bad, 0, 4, 9) == (2, len(good))


class TestLines:
    def test_what_would_break_a_line_is_escaped(self, module: ModuleType) -> None:
        assert module.join_lines([b"a\nb", b"", b"\0c\r"]) == b"a#012b\n\n#000c\r\n"
        assert module.join_lines(()) == b""

    def test_lines_are_split_at_lf_only(self, module: ModuleType) -> None:
        assert module.split_lines(b"") == ([b""], 0)
        assert module.split_lines(b"\n") == ([b"", b""], 0)
        assert module.split_lines(b"a\r\nbcd\n\0") == ([b"a\r", b"bcd", b"\0"], 3)


class TestChecksums:
    def test_they_are_crc32_of_number_and_message(self, module: ModuleType) -> None:
        messages = [b"", b"123456789", bytes(range(256)) * 3]
        for first in (0, 1, 2**32 - 1, 2**40, 2**64 - 1):
            due = [crc32(each, first + at & 0xFFFFFFFF) for at, each in enumerate(messages)]
            assert module.checksums(messages, first) == struct.pack("<3I", *due)
        assert module.checksums([b"123456789"], 0) == bytes.fromhex("2639f4cb")  # its check value
        assert module.checksums((), 7) == b""


class TestBothAreTheSame:
    @given(messages=MESSAGES, first=st.integers(0, 2**64 - 1))
    def test_checksums(self, compiled: ModuleType, messages: list[bytes], first: int) -> None:
        assert pure.checksums(messages, first) == compiled.checksums(messages, first)

    @given(stream=streams(), longest=st.integers(0, 40), most=LIMITS)
    def test_taking_messages(
        self, compiled: ModuleType, stream: tuple[bytes, int, int], longest: int, most: int
    ) -> None:
        both = [each.take_messages(*stream, longest, most) for each in (pure, compiled)]
        assert both[0] == both[1]

    @given(stream=streams(), limit=LIMITS)
    def test_counting_acks(
        self, compiled: ModuleType, stream: tuple[bytes, int, int], limit: int
    ) -> None:
        assert pure.count_acks(*stream, limit) == compiled.count_acks(*stream, limit)

    @given(first=TXNRS, messages=MESSAGES, many=st.sampled_from([list, tuple]))
    def test_encoding(
        self, compiled: ModuleType, first: int, messages: list[bytes], many: Any
    ) -> None:
        assert pure.encode_messages(first, messages) == compiled.encode_messages(
            first, many(messages)
        )
        text = b"\n".join(messages)
        assert pure.split_lines(text) == compiled.split_lines(text)
        assert pure.join_lines(messages) == compiled.join_lines(many(messages))
        count = len(messages)
        assert pure.encode_acks(first, count) == compiled.encode_acks(first, count)


@pytest.mark.parametrize(("value", "uses_it"), [("1", False), ("0", True), ("", True)])
def test_a_variable_leaves_the_compiled_part_unused(
    compiled: ModuleType, value: str, uses_it: bool
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "relpio.loops"],
        env={**os.environ, PURE_VARIABLE: value},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0
    assert done.stdout.startswith("relpio: compiled loops\n") == uses_it
    assert (PURE_VARIABLE in done.stdout) != uses_it


def test_a_compiled_part_of_another_version_is_left_unused() -> None:
    program = (
        "import sys, types\n"
        "old = types.ModuleType('relpio.loops._compiled')\n"
        "old.take_messages = None\n"
        "sys.modules['relpio.loops._compiled'] = old\n"
        "import relpio.loops as loops\n"
        "from relpio.loops import pure\n"
        "assert not loops.COMPILED\n"
        "assert loops.take_messages is pure.take_messages\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
