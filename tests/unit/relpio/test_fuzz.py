"""Hostile bytes for everything that reads bytes from outside.

Each target takes one input whole, byte by byte and with more bytes after it, and must say the
same each time, raise nothing but the error that it documents, and hold no more than it may. Inputs
come from two sources: hypothesis, which shrinks what it finds, and a mutator of good examples,
which is fast enough for millions (HALFOPEN_SOAK=1). Where atheris is installed (pip install
'.[fuzz]'), it looks for inputs that reach other lines; `python test_relp_fuzz.py server` runs one
target until it is stopped.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relpio import (
    Acknowledged,
    ClientConnection,
    ClientSettings,
    FrameDecoder,
    FrameError,
    InputError,
    Messages,
    OfferError,
    Refused,
    RemoteProtocolError,
    ServerConnection,
    ServerSettings,
    encode_acks,
    encode_frame,
    encode_messages,
)
from relpio.command.commands import all_commands
from relpio.command.parser import check_file
from relpio.errors import ConfigurationError
from relpio.inputs.framing import FRAMINGS, SyslogStream
from relpio.inputs.statefile import StateFile
from relpio.logs import no_log
from relpio.protocol.offers import encode_offers, own_offers, parse_offers
from relpio.protocol.responses import parse_response
from relpio.protocol.server import Oversize

SOAK = os.environ.get("HALFOPEN_SOAK") == "1"

LIMIT = 60
"""Bytes of a message in these tests; small, so that inputs reach it."""

HEADER = 9 + 1 + 32 + 1 + 9 + 1
"""Bytes of the longest header of a frame."""

MORE = b"9 syslog 5 after\n"


def ways(data: bytes) -> Iterator[list[bytes]]:
    """The same bytes in different pieces, the whole first."""
    if not data:  # an empty piece would be the end of the stream
        return
    yield [data]
    yield [data[at : at + 1] for at in range(len(data))]
    middle = len(data) // 2
    yield [piece for piece in (data[:middle], data[middle:]) if piece]


def same(results: Sequence[object]) -> None:
    assert all(result == results[0] for result in results[1:]), results


def frames(data: bytes) -> None:
    for cut_at in (0, LIMIT // 2):
        results = []
        for pieces in ways(data):
            decoder = FrameDecoder(LIMIT, cut_messages_at=cut_at)
            found: list[object] = []
            for piece in pieces:
                decoder.feed(piece)
                try:
                    while (frame := decoder.next_frame()) is not None:
                        assert len(frame.data) <= LIMIT
                        found.append((frame, decoder.cut_from))
                except FrameError as error:
                    found.append(type(error))
                    assert decoder.buffered == 0
                    break
                assert decoder.buffered <= HEADER + LIMIT + 1
            results.append(found)
        same(results)
        whole = results[0] if results else []
        decoder = FrameDecoder(LIMIT, cut_messages_at=cut_at)
        decoder.feed(data + MORE)
        again: list[object] = []
        try:
            while len(again) < len(whole) and (frame := decoder.next_frame()) is not None:
                again.append((frame, decoder.cut_from))
        except FrameError as error:
            again.append(type(error))
        assert again == whole


def server(data: bytes) -> None:
    for oversize in Oversize:
        results = []
        for pieces in ways(data):
            limits = ServerSettings(
                max_message_size=LIMIT, oversize=oversize, max_accepted_size=2 * LIMIT
            )
            connection = ServerConnection(limits)
            told: list[object] = []
            for piece in pieces:
                connection.receive_data(piece, 1.0)
                assert connection.buffered <= 4096 + HEADER + 1
                while (event := connection.next_event()) is not None:
                    if isinstance(event, Messages):
                        assert all(len(m) <= limits.longest_message for m in event.messages)
                        told += event.messages
                    else:
                        told.append(type(event))
            connection.acknowledge(connection.unacknowledged)
            while (event := connection.next_event()) is not None:
                told.append(type(event))
            results.append((told, connection.data_to_send(), connection.state))
        same(results)
        assert not results or len(results[0][1]) <= 200 * (data.count(b"\n") + 2)


def client(data: bytes) -> None:
    for opened in (False, True):
        results = []
        for pieces in ways(data):
            connection = ClientConnection(ClientSettings(window=4))
            connection.open(0.0)
            if opened:
                connection.receive_data(OPENED, 1.0)
                connection.send([b"one", b"two", b"three", b"four"], 1.0)
            for piece in pieces:
                connection.receive_data(piece, 1.0)
            told: list[object] = []
            answered: list[int] = []
            while (event := connection.next_event()) is not None:
                if isinstance(event, Acknowledged):
                    answered += range(event.first_txnr, event.first_txnr + event.count)
                elif isinstance(event, Refused):
                    answered.append(event.txnr)
                told.append(answered[:] if answered else type(event))
            assert len(set(answered)) == len(answered)
            assert set(answered) <= ({2, 3, 4, 5} if opened else set())
            assert connection.unacknowledged == 4 * opened - len(answered)
            results.append((told[-1:], answered, connection.state))
        same(results)


def offers(data: bytes) -> None:
    try:
        found = parse_offers(data)
    except OfferError:
        return
    assert sum(len(values) for values in found.values()) <= len(data) + 1
    sendable = {name: values for name, values in found.items() if values != (b"",)}
    assert parse_offers(encode_offers(sendable)) == sendable


def responses(data: bytes) -> None:
    try:
        answer = parse_response(data)
    except RemoteProtocolError:
        return
    assert 0 <= answer.code <= 999
    assert len(answer.text) + len(answer.data) + 3 <= len(data)


def syslog(data: bytes) -> None:
    for framing in FRAMINGS:
        for nul in (False, True):
            results = []
            for pieces in ways(data):
                stream, found = SyslogStream(LIMIT, framing, nul=nul), list[object]()
                try:
                    for piece in pieces:
                        found += stream.feed(piece)
                        assert stream.buffered <= LIMIT + 11
                    found += stream.finish()
                except InputError:
                    found = [InputError]  # those before it came earlier when fed byte by byte
                results.append(found)
            same(results)


def configuration(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "relpio.toml"
        path.write_bytes(data)
        try:
            check_file(path, all_commands())
        except ConfigurationError as error:
            assert str(error).startswith(f"{path}:") or "relpio.toml" not in str(error)


def state_file(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "state"
        path.write_bytes(data)
        state = StateFile(path, no_log)
        state.positions("/var/log/app.log")
        state.close()
        kept = [each for each in Path(name).iterdir() if each.name != "state.lock"]
        assert [each.read_bytes() for each in kept] == [data], "evidence is not thrown away"


OPEN = encode_frame(1, b"open", encode_offers(own_offers()))
OPENED = encode_frame(1, b"rsp", b"200 OK\n" + encode_offers(own_offers()))
SESSION = OPEN + encode_messages(2, [b"<13>one", b"two\nlines", b"\0", b"x" * LIMIT, b"y" * 70])
STATE = {"device": 2049, "inode": 77, "offset": 4096, "head": 1024, "crc": 3735928559}
TOML = b"""[send]
target = "[::1]:2514"
window = 1000
ack-timeout = "500ms"
follow = ["/var/log/a.log", "/var/log/b.log"]
[send.tls]
tls = true
tls-auth = "name"
[receive]
listen = "0.0.0.0:2514"
output = "/var/log/relp.log"
"""

TARGETS: dict[str, tuple[Callable[[bytes], None], list[bytes]]] = {
    "frames": (frames, [SESSION, encode_acks(1, 5), b"0 serverclose 0\n", b"2 syslog \n"]),
    "server": (server, [SESSION, OPEN + encode_messages(2, [b"z" * 3 * LIMIT]),
                        SESSION + b"7 close 0\n", OPEN + b"2 open 0\n", OPEN + OPEN,
                        OPEN + b"0 syslog 1 x\n" + b"2 rsp 6 200 OK\n", b"1 syslog 1 x\n" + OPEN]),
    "client": (client, [OPENED + encode_acks(2, 4), encode_acks(2, 4), b"3 rsp 6 200 OK\n",
                        b"2 rsp 7 500 bad\n" + encode_acks(3, 3) + b"0 serverclose 0\n"]),
    "offers": (offers, [encode_offers(own_offers()), b"\nrelp_version=1\ncommands=syslog,x\n"]),
    "responses": (responses, [b"200 OK", b"500 refused\nrelp_version=0", b"200 ", b"200"]),
    "syslog": (syslog, [b"<13>one\n<14>two\n", b"9 <13>abcde7 <1>\n<2>", b"<13>a\0<14>b\0",
                        b"99 " + b"z" * 99 + b"<1>" + b"w" * 130 + b"\n"]),
    "configuration": (configuration, [TOML]),
    "state file": (state_file, [
        json.dumps({"version": 1, "files": {"/var/log/app.log": [STATE, STATE]}}).encode(),
    ]),
}  # fmt: skip

TOKENS = [
    b"\n", b" ", b"\0", b"0", b"1 ", b"999999999", b"1000000000", b"syslog", b"open", b"rsp",
    b"close", b"serverclose", b"200 OK", b"500", b"=", b",", b"<", b"relp_version=", b"commands=",
    b'"', b"[", b"]", b"{", b"}", b"true", b"-1", b"1e999", b"\xff", b"\xc3\xa4", b"x" * 70,
]  # fmt: skip

SLOW = {"configuration", "state file"}


def mutate(rng: random.Random, corpus: Sequence[bytes]) -> bytes:
    """Change a good example in a few places, as AFL's stages do."""
    data = bytearray(rng.choice(corpus))
    for _ in range(rng.choice((1, 1, 2, 4, 8))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(7)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at:at] = rng.choice(TOKENS)
        elif kind == 2:
            del data[at : at + rng.choice((1, 1, 2, 10))]
        elif kind == 3:
            data[at : at + 1] = rng.choice(TOKENS)
        elif kind == 4:
            del data[at:]
        elif kind == 5:
            other = rng.choice(corpus)
            data[at:] = other[rng.randrange(len(other) + 1) :]
        else:
            end = at + rng.randrange(1, 20)
            data[at:at] = data[at:end] * rng.choice((1, 1, 3))
        del data[2000:]
    return bytes(data)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", TARGETS)
def test_mutations_of_good_examples(name: str) -> None:
    target, corpus = TARGETS[name]
    count = (20_000 if name in SLOW else 250_000) if SOAK else (250 if name in SLOW else 1200)
    seed = random.SystemRandom().getrandbits(32) if SOAK else 2514
    rng = random.Random(seed)
    for example in corpus:
        target(example)
    for turn in range(count):
        data = mutate(rng, corpus)
        try:
            target(data)
        except Exception as error:
            error.add_note(f"input {turn} of seed {seed}: {data!r}")
            raise


@pytest.mark.parametrize("name", TARGETS)
def test_whatever_hypothesis_thinks_of(name: str) -> None:
    target, corpus = TARGETS[name]
    fragments = [example[at:end] for example in corpus
                 for at in range(0, len(example), 7) for end in (at + 3, at + 20)]  # fmt: skip

    @settings(max_examples=(20_000 if SOAK else 60) // (10 if name in SLOW else 1) or 10)
    @given(st.lists(st.binary(max_size=8) | st.sampled_from([*corpus, *TOKENS, *fragments]),
                    max_size=8))  # fmt: skip
    def run(parts: list[bytes]) -> None:
        target(b"".join(parts))

    run()


def test_the_fuzzer_finds_a_planted_bug() -> None:
    """A target that cannot fail would say nothing: this one has an off-by-one in its limit."""

    def planted(data: bytes) -> None:
        decoder = FrameDecoder(LIMIT + 1)
        decoder.feed(data)
        try:
            while (frame := decoder.next_frame()) is not None:
                assert len(frame.data) <= LIMIT
        except FrameError:
            pass

    rng = random.Random(2514)
    corpus = [encode_frame(1, b"syslog", b"x" * LIMIT)]
    with pytest.raises(AssertionError):
        for _ in range(20_000):
            planted(mutate(rng, corpus))


@pytest.mark.parametrize(
    "octets",
    [b"1 syslog 999999999 " + b"x" * 1000, b"9" * 1000, b"1 " + b"a" * 1000, b"<13>" + b"x" * 1000],
)
def test_endless_input_takes_no_memory(octets: bytes) -> None:
    """Ten megabytes of each: what is held stays below one message and its header."""

    def endless() -> Iterator[bytes]:
        yield octets
        for _ in range(10_000):
            yield octets[-1:] * 1000

    for cut_at in (0, LIMIT):
        connection = ServerConnection(ServerSettings(
            max_message_size=LIMIT, oversize=Oversize.TRUNCATE if cut_at else Oversize.ABORT,
        ))  # fmt: skip
        stream = SyslogStream(LIMIT)
        connection.receive_data(OPEN, 0.0)
        tracemalloc.start()
        for piece in endless():
            connection.receive_data(piece, 0.0)
            stream.feed(piece)
            while connection.next_event() is not None:
                pass
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 256 * 1024


ATHERIS = """
import importlib.util, sys, atheris
spec = importlib.util.spec_from_file_location("targets", sys.argv[1])
module = importlib.util.module_from_spec(spec)
with atheris.instrument_imports(include=["relpio"]):
    spec.loader.exec_module(module)
atheris.Setup(sys.argv[2:], module.TARGETS[sys.argv[2]][0])
atheris.Fuzz()
"""
"""Imports this file with what it tests prepared to tell which lines ran, then lets libFuzzer go."""


if importlib.util.find_spec("atheris") is not None:

    @pytest.mark.timeout(0)
    @pytest.mark.parametrize("name", sorted(TARGETS.keys() - SLOW))
    def test_with_atheris(name: str, tmp_path: Path) -> None:
        for at, example in enumerate(TARGETS[name][1]):
            (tmp_path / f"{at}").write_bytes(example)
        runs = 200_000 if SOAK else 500
        fuzzer = [sys.executable, "-c", ATHERIS, __file__, name]
        done = subprocess.run(
            [*fuzzer, f"-runs={runs}", "-max_len=400", str(tmp_path)],
            capture_output=True, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr.decode(errors="replace")[-4000:]
        assert b"DONE" in done.stderr or f"Done {runs}".encode() in done.stderr


if __name__ == "__main__":
    os.execv(sys.executable, [sys.executable, "-c", ATHERIS, __file__, *sys.argv[1:]])


def test_what_follows_a_cut_message_without_its_lf_is_no_message() -> None:
    """Found by a million mutations: what came after it in another piece was taken for messages."""
    offers = encode_frame(1, b"open", encode_offers(own_offers()))
    server(offers + b"2 syslog 180 " + b"z" * 180 + b"2 syslog 3 one\n")
    server(offers + b"2 syslog 180 " + b"z" * 180 + b"\n3 syslog 3 one\n")
