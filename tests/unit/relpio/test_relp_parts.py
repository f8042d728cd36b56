"""The small parts: runs, back-off, options, formats, socket options, lines, ledger, logs."""

from __future__ import annotations

import asyncio
import io
import json
import random
import socket
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relpio import (
    BackoffPolicy,
    ConfigurationError,
    InputError,
    JsonLog,
    Keepalive,
    TextLog,
    as_lines,
    octet_counted,
)
from relpio.command import options
from relpio.command.ledger import Ledger
from relpio.inputs.lines import LineSplitter
from relpio.net.addresses import format_address, parse_address, resolve
from relpio.net.sockopts import set_keepalive, set_user_timeout
from relpio.protocol.runs import Runs, runs_of
from relpio.sender.backoff import Backoff

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import Tools


@given(st.lists(st.integers(0, 5), max_size=8), st.randoms(use_true_random=False))
def test_runs_are_a_set(counts: list[int], rng: random.Random) -> None:
    runs, model, start = Runs(), set[int](), 1
    for count in counts:
        runs.extend(start, count)
        model |= set(range(start, start + count))
        start += count
        for _ in range(3):
            number = rng.randint(0, start)
            assert runs.discard(number) == (number in model)
            model.discard(number)
        if len(runs) and rng.random() < 0.5:
            first = runs.first_run()
            assert first.start == min(model)
            runs.drop_first(1)
            model.discard(first.start)
        assert list(runs) == sorted(model)
        assert len(runs) == len(model)


@given(st.sets(st.integers(1, 40)))
def test_runs_of_rising_numbers(numbers: set[int]) -> None:
    runs = list(runs_of(sorted(numbers)))
    assert {n for first, last in runs for n in range(first, last + 1)} == numbers
    assert all(b[0] > a[1] + 1 for a, b in pairwise(runs))


def test_runs_of_a_range() -> None:
    assert list(runs_of(range(3, 6))) == [(3, 5)]
    assert list(runs_of(range(0))) == []


def test_backoff_doubles_with_jitter_and_repeats_with_its_seed() -> None:
    policy = BackoffPolicy(1.0, 10.0)
    backoff, again = (Backoff(policy, random.Random(7)) for _ in range(2))
    delays = [backoff.next_delay() for _ in range(6)]
    for delay, ceiling in zip(delays, [1, 2, 4, 8, 10, 10], strict=True):
        assert ceiling / 2 <= delay <= ceiling
    assert delays == [again.next_delay() for _ in range(6)]
    backoff.reset()
    assert backoff.next_delay() <= 1.0


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (options.duration, "30", 30.0),
        (options.duration, "1.5", 1.5),
        (options.duration, ".5", 0.5),
        (options.duration, "250ms", 0.25),
        (options.duration, "2 s", 2.0),
        (options.duration, "10min", 600.0),
        (options.duration, "2h", 7200.0),
        (options.duration_or_off, "off", None),
        (options.user_timeout, "1.5", 1.5),
        (options.user_timeout, "off", None),
        (options.keepalive, "60/10/6", Keepalive(60, 10, 6)),
        (options.keepalive, "30min/75s/9", Keepalive(1800, 75, 9)),
        (options.keepalive, "32767/32767/127", Keepalive(32767, 32767, 127)),
        (options.keepalive, "on", Keepalive(None, None, None)),
        (options.keepalive, "off", None),
        (options.backoff, "0.2/1min", BackoffPolicy(0.2, 60.0)),
        (options.count, "7", 7),
        (options.target_address, "localhost:514", ("localhost", 514)),
        (options.target_address, "[::1]:2514", ("::1", 2514)),
        (options.listen_address, "127.0.0.1:0", ("127.0.0.1", 0)),
    ],
)
def test_options(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "reason"),
    [
        (options.duration, "0", "above 0"),
        (options.duration, "-1", "no duration"),
        (options.duration, "1d", "no duration"),
        (options.duration, "nan", "no duration"),
        (options.duration, "off", "no duration"),
        (options.user_timeout, "0.1ms", "1 ms to"),
        (options.user_timeout, "1000h", "1 ms to"),
        (options.keepalive, "60/10", "IDLE/INTERVAL/PROBES"),
        (options.keepalive, "60/10/x", "IDLE/INTERVAL/PROBES"),
        (options.keepalive, "0/10/6", "idle 0: the kernel takes 1 to 32767 seconds"),
        (options.keepalive, "32768/10/6", "idle 32768"),
        (options.keepalive, "60/10h/6", "interval 36000"),
        (options.keepalive, "60/10/128", "probes 128: the kernel takes 1 to 127"),
        (options.keepalive, "1.5/10/6", "whole seconds"),
        (options.backoff, "1", "FIRST/MAX"),
        (options.backoff, "2/1", "FIRST <= MAX"),
        (options.backoff, "0/1", "0 < FIRST"),
        (options.count, "0", "at least 1"),
        (options.count, "x", "at least 1"),
        (options.target_address, "host", "HOST:PORT"),
        (options.target_address, ":514", "HOST:PORT"),
        (options.target_address, "::1:514", r"write an IPv6 address as \[::1\]:2514"),
        (options.target_address, "host:0", "port must be 1 to 65535"),
        (options.target_address, "host:65536", "port must be"),
        (options.listen_address, "host:x", "port must be 0 to"),
    ],
)
def test_options_say_what_would_be_right(
    parse: Callable[[str], object], text: str, reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        parse(text)


def test_addresses() -> None:
    assert format_address(("::1", 5, 0, 0)) == "[::1]:5"
    assert format_address(("127.0.0.1", 5)) == "127.0.0.1:5"
    assert format_address(None) == "None"
    assert parse_address("a.example:1") == ("a.example", 1)
    assert asyncio.run(resolve("127.0.0.1", 5)) == [("127.0.0.1", 5)]
    for name in ("no.such.name.invalid", "a" * 64 + ".invalid"):
        with pytest.raises(OSError):
            asyncio.run(resolve(name, 5))


def test_line_format_is_one_line_a_message() -> None:
    assert as_lines([b"a"]) == b"a\n"
    assert as_lines([b"a", b"", b"b"]) == b"a\n\nb\n"
    assert as_lines([b"a\nb", b"c\0"]) == b"a#012b\nc#000\n"
    assert as_lines([b"a\n", b"\t#012"]) == b"a#012\n\t#012\n"


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=5))
def test_octet_counting_loses_nothing(messages: list[bytes]) -> None:
    stream, found = octet_counted(messages), []
    while stream:
        size, _, rest = stream.partition(b" ")
        found.append(rest[: int(size)])
        stream = rest[int(size) :]
    assert found == messages
    assert as_lines(messages).count(b"\n") == len(messages)


def test_keepalive_and_user_timeout_reach_the_kernel() -> None:
    with socket.socket() as sock:
        set_keepalive(sock, None)
        set_user_timeout(sock, None)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0
        default = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
        set_keepalive(sock, Keepalive(None, None, None))
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == default
        set_keepalive(sock, Keepalive(32767, 3, 127))
        set_user_timeout(sock, 1.2345)
        found = [
            sock.getsockopt(socket.IPPROTO_TCP, option)
            for option in (
                socket.TCP_KEEPIDLE,
                socket.TCP_KEEPINTVL,
                socket.TCP_KEEPCNT,
                socket.TCP_USER_TIMEOUT,
            )
        ]
        assert found == [32767, 3, 127, 1234]


@given(st.lists(st.binary(max_size=12), max_size=8), st.integers(1, 9))
def test_lines_however_the_input_is_cut(chunks: list[bytes], size: int) -> None:
    data = b"\n".join(chunks)
    splitter, lines = LineSplitter("input", 1000), []
    for at in range(0, len(data), size):
        found, error = splitter.feed(data[at : at + size])
        assert error is None
        lines += found
    lines += splitter.finish()
    assert lines == (data[:-1] if data.endswith(b"\n") else data).split(b"\n")[: len(lines)]
    assert len(lines) == data.count(b"\n") + (not data.endswith(b"\n") and bool(data))


@pytest.mark.parametrize("chunks", [[b"a\nb\nxxxxxx\nc\n"], [b"a\nb\nxxx", b"xxx"],
                                    [b"a\nb\nxxxx", b"xx\nc\n"]])  # fmt: skip
def test_a_line_above_the_limit_is_named_and_those_before_it_count(chunks: list[bytes]) -> None:
    splitter, lines, errors = LineSplitter("app.log", 5), list[bytes](), list[InputError]()
    for chunk in chunks:
        found, error = splitter.feed(chunk)
        lines += found
        if error is not None:
            errors.append(error)
            break
    assert lines == [b"a", b"b"]
    assert "app.log: line 3 is longer than 5 octets" in str(errors[0])


def test_ledger(tools: type[Tools], tmp_path: Path) -> None:
    path = tmp_path / "ledger"

    async def write() -> str:
        ledger = Ledger(path)
        ledger.accepted(1, 20)
        ledger.accepted(21, 21)
        ledger.acked([1, 2, 3, 7, 9, 10])
        assert path.read_text() == ""
        await tools.eventually(lambda: path.read_text() != "")
        seen = path.read_text()
        ledger.acked(range(11, 13))
        ledger.close()
        return seen

    seen = asyncio.run(write())
    assert seen == "accepted 1-20\naccepted 21\nacked 1-3\nacked 7\nacked 9-10\n"
    assert path.read_text() == seen + "acked 11-12\n"


def test_a_ledger_that_cannot_be_written_is_reported_and_tried_again() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("needs /dev/full")
    stream = io.StringIO()

    async def write() -> None:
        ledger = Ledger(full, TextLog(stream))
        for number in range(3):
            ledger.accepted(number, number)
            ledger.flush()
        ledger.close()

    asyncio.run(write())
    assert stream.getvalue().count("ledger error: detail [Errno 28]") == 1
    stream.close()


def test_logs() -> None:
    stream = io.StringIO()
    JsonLog(stream)("backoff", seconds=1.5)
    record = json.loads(stream.getvalue())
    assert (record["event"], record["seconds"]) == ("backoff", 1.5)
    assert isinstance(record["t"], float)
    stream = io.StringIO()
    log = TextLog(stream)
    log("session-lost", reason="eof", unacknowledged=3)
    log("accept-resumed")
    log("error", detail="what is wrong")
    assert stream.getvalue() == (
        "relpio: session lost: reason eof, unacknowledged 3\n"
        "relpio: accept resumed\nrelpio: what is wrong\n"
    )
    stream.close()


@pytest.mark.parametrize("bad", [(0, 10, 6), (60, 40000, 6), (60, 10, 200)])
def test_keepalive_is_checked(bad: tuple[int, int, int]) -> None:
    with pytest.raises(ConfigurationError):
        Keepalive(*bad)
