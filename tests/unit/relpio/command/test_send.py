"""The `relpio` command as a process: input, output, exit status, ledger, signals, descriptors."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from relpio import encode_frame
from relpio.command.main import main

from ..doubles import OPEN

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import RelpioProcess, Tools

Start = Callable[..., "RelpioProcess"]


def lines(first: int, last: int) -> bytes:
    return b"".join(b"message %d\n" % number for number in range(first, last + 1))


def start_receiver(
    relpio: Start, output: str | Path, *more: str, port: int = 0, **options: Any
) -> tuple[RelpioProcess, str]:
    listen = f"127.0.0.1:{port}"
    receiver = relpio("receive", "--listen", listen, "--output", str(output), *more, **options)
    event = receiver.wait_event("listening")
    return receiver, f"{event['address']}:{event['port']}"


def ledger_numbers(path: Path, word: str) -> set[int]:
    numbers: set[int] = set()
    for line in path.read_text().splitlines():
        name, _, span = line.partition(" ")
        first, _, last = span.partition("-")
        if name == word:
            numbers |= set(range(int(first), int(last or first) + 1))
    return numbers


def test_standard_input_to_file(relpio: Start, tmp_path: Path) -> None:
    output, ledger = tmp_path / "out", tmp_path / "ledger"
    receiver, address = start_receiver(relpio, output)
    sender = relpio("send", "--target", address, "--ledger", str(ledger), stdin=subprocess.PIPE)
    sender.feed(lines(1, 499) + b"message 500")  # the last line has no LF
    assert sender.wait() == 0
    assert output.read_bytes() == lines(1, 500)
    assert [event["event"] for event in sender.events()] == [
        "connecting", "connected", "session-open", "session-closed", "done",
    ]  # fmt: skip
    done = sender.events("done")[0]
    assert (done["accepted"], done["acked"]) == (500, 500)
    everything = set(range(1, 501))
    assert ledger_numbers(ledger, "accepted") == ledger_numbers(ledger, "acked") == everything
    assert receiver.terminate() == 0
    assert [event["event"] for event in receiver.events()] == [
        "listening", "session-open", "session-closed", "done",
    ]  # fmt: skip


def test_files_and_standard_input_in_order(relpio: Start, tmp_path: Path) -> None:
    output = tmp_path / "out"
    (tmp_path / "a").write_bytes(lines(1, 3000))
    (tmp_path / "b").write_bytes(lines(3002, 3003))
    _, address = start_receiver(relpio, output, "--format", "octet-counted")
    sender = relpio(
        "send", "--target", address, "--window", "1000", "--queue-size", "50",
        str(tmp_path / "a"), "-", str(tmp_path / "b"), stdin=subprocess.PIPE,
    )  # fmt: skip
    sender.process.communicate(lines(3001, 3001))
    assert sender.wait() == 0
    expected = lines(1, 3003).splitlines()
    assert output.read_bytes() == b"".join(b"%d %b" % (len(m), m) for m in expected)


def test_output_to_a_pipe(relpio: Start, tmp_path: Path) -> None:
    # More than the pipe holds, so that the receiver has to wait for this reader.
    expected, source = lines(1, 20_000), tmp_path / "in"
    source.write_bytes(expected)
    receiver, address = start_receiver(relpio, "-", stdout=subprocess.PIPE)
    sender = relpio("send", "--target", address, str(source))
    assert receiver.read(len(expected)) == expected
    assert sender.wait() == 0
    assert receiver.terminate() == 0


def test_a_full_pipe_does_not_delay_the_end(relpio: Start, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.write_bytes(lines(1, 20_000))
    receiver, address = start_receiver(
        relpio, "-", "--shutdown-timeout", "0.5", stdout=subprocess.PIPE
    )
    sender = relpio("send", "--target", address, "--shutdown-timeout", "0.2", str(source))
    sender.wait_event("session-open")
    start = time.monotonic()
    assert receiver.terminate() == 0
    assert sender.terminate() == 1
    assert time.monotonic() - start < 10
    done = sender.events("done")[0]
    assert done["acked"] < done["accepted"] <= 20_000


def test_a_reader_that_leaves_ends_the_receiver(relpio: Start) -> None:
    receiver, address = start_receiver(relpio, "-", stdout=subprocess.PIPE)
    receiver.leave()
    sender = relpio("send", "--target", address, "--shutdown-timeout", "0.1", stdin=subprocess.PIPE)
    sender.feed(lines(1, 1))
    assert receiver.wait() == 1
    assert sender.terminate() == 1
    assert receiver.events("output-error")


def test_a_write_error_is_loud_and_nothing_is_acknowledged(relpio: Start, tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    receiver, address = start_receiver(relpio, "/dev/full")
    sender = relpio("send", "--target", address, "--shutdown-timeout", "0.1", stdin=subprocess.PIPE)
    sender.feed(lines(1, 2))
    assert "No space left" in receiver.wait_event("output-error")["detail"]
    assert sender.terminate() == 1
    assert sender.events("done")[0]["acked"] == 0


def test_an_output_that_recovers_loses_nothing(relpio: Start, tmp_path: Path) -> None:
    output = tmp_path / "out"

    receiver, address = start_receiver(relpio, output)
    pid, unlimited = receiver.process.pid, resource.RLIM_INFINITY
    # Python ignores SIGXFSZ, so that a write above the limit fails with EFBIG.
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1000, unlimited))
    sender = relpio("send", "--target", address, stdin=subprocess.PIPE)
    sender.feed(lines(1, 200))
    receiver.wait_event("output-error")
    assert output.stat().st_size == 1000  # a part of a batch was written
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))
    assert sender.wait() == 0
    assert output.read_bytes() == lines(1, 200)
    assert receiver.events("output-recovered")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_receiver_restarted_loses_nothing(
    relpio: Start, tools: type[Tools], tmp_path: Path, how: signal.Signals
) -> None:
    port, outputs = tools.free_port(), [tmp_path / "first", tmp_path / "second"]
    ledger = tmp_path / "ledger"
    receiver, address = start_receiver(relpio, outputs[0], port=port)
    sender = relpio(
        "send", "--target", address, "--backoff", "0.05/0.2", "--ledger", str(ledger),
        "--window", "16", stdin=subprocess.PIPE,
    )  # fmt: skip
    sender.feed(lines(1, 3000), end=False)
    tools.wait_until(lambda: outputs[0].stat().st_size > 0)
    receiver.process.send_signal(how)
    receiver.wait()
    acked = ledger_numbers(ledger, "acked")
    sender.feed(lines(3001, 4000))
    tools.wait_until(lambda: len(sender.events("session-lost")) > 0)
    start_receiver(relpio, outputs[1], port=port)
    assert sender.wait() == 0
    first, second = (output.read_bytes().splitlines() for output in outputs)
    expected = lines(1, 4000).splitlines()
    assert set(first) | set(second) == set(expected)
    assert {b"message %d" % number for number in acked} <= set(first)
    assert len(first) + len(second) <= 4000 + 16
    assert first == expected[: len(first)]
    assert second == expected[4000 - len(second) :]


def test_a_black_hole_is_left_and_tried_again(relpio: Start, black_hole: tuple[str, int]) -> None:
    host, port = black_hole
    sender = relpio(
        "send", "--target", f"{host}:{port}", "--open-timeout", "100ms", "--backoff", "0.01/0.02",
        "--shutdown-timeout", "0.3", stdin=subprocess.PIPE,
    )  # fmt: skip
    sender.feed(lines(1, 3), end=False)
    assert sender.wait_event("session-lost", 2)["reason"] == "open-timeout"
    start = time.monotonic()
    assert sender.terminate() == 1
    assert time.monotonic() - start < 5
    assert sender.events("error")[0]["detail"] == "3 of 3 messages were not acknowledged"


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGTERM, 1), (signal.SIGINT, 130)])
def test_signals_end_it_in_time_while_it_awaits_acknowledgements(
    relpio: Start, signum: signal.Signals, status: int
) -> None:
    # The server opens the session and then says nothing more.
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        sender = relpio(
            "send", "--target", address, "--shutdown-timeout", "0.3", stdin=subprocess.PIPE
        )
        sender.feed(lines(1, 3), end=False)
        peer, _ = server.accept()
        with peer:
            peer.recv(1000)
            peer.sendall(encode_frame(1, b"rsp", b"200 OK\nrelp_version=0\ncommands=syslog"))
            sender.wait_event("session-open")
            start = time.monotonic()
            sender.process.send_signal(signum)
            assert sender.wait() == status
            assert time.monotonic() - start < 5


def test_sigterm_drains_and_closes(relpio: Start, tools: type[Tools], tmp_path: Path) -> None:
    output = tmp_path / "out"
    receiver, address = start_receiver(relpio, output)
    sender = relpio("send", "--target", address, stdin=subprocess.PIPE)
    sender.feed(lines(1, 10), end=False)
    tools.wait_until(lambda: output.read_bytes() == lines(1, 10))
    assert sender.terminate() == 0  # the input is still open
    tools.wait_until(lambda: len(receiver.events("session-closed")) == 1)


def test_bad_input_ends_with_2_after_the_good_part(relpio: Start, tmp_path: Path) -> None:
    output, source = tmp_path / "out", tmp_path / "app.log"
    source.write_bytes(lines(1, 5) + b"x" * 101 + b"\n" + lines(7, 8))
    _, address = start_receiver(relpio, output)
    sender = relpio("send", "--target", address, "--max-message-size", "100", str(source))
    assert sender.wait() == 2
    assert output.read_bytes() == lines(1, 5)
    assert "line 6 is longer than 100 bytes" in sender.events("error")[0]["detail"]


def test_no_input_is_no_failure(relpio: Start, tools: type[Tools]) -> None:
    sender = relpio("send", "--target", f"127.0.0.1:{tools.free_port()}", stdin=subprocess.DEVNULL)
    assert sender.wait() == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["send", "--target", "127.0.0.1:1", "/no/such/file"], "/no/such/file"),
        (["receive", "--listen", "127.0.0.1:0", "--output", "/no/such/file"], "/no/such/file"),
        (["receive", "--listen", "192.0.2.1:2514", "--output", "-"], "cannot listen on 192.0.2.1"),
        (["send", "--target", "127.0.0.1:1", "--ledger", "/no/such/file"], "/no/such/file"),
    ],
)
def test_what_cannot_be_used_ends_with_2(
    arguments: list[str], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert words in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "COMMAND"),
        (["send"], "--target"),
        (["send", "--target", "nowhere"], "expected HOST:PORT"),
        (["send", "--target", "a:1", "--keepalive", "0/1/1"], "the kernel takes 1 to 32767"),
        (["send", "--target", "a:1", "--window", "0"], "at least 1"),
        (["receive", "--listen", "a:1"], "--output"),
        (["receive", "--listen", "a:1", "--output", "-", "--format", "xml"], "octet-counted"),
        (["receive", "--listen", "a:1", "--output", "/{hots}"], "did you mean {host}?"),
        (["receive", "--listen", "a:1", "--output", "[severty=3] x"], "did you mean severity?"),
        (["receive", "--listen", "a:1", "--output", "x", "--file-mode", "9"], "octal"),
    ],
)
def test_bad_options_end_with_2_and_say_what_is_right(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["send"], ["receive"]])
def test_help(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    assert "relpio" in capsys.readouterr().out


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Stretch(NamedTuple):
    """What a stretch of steady traffic took."""

    cpu: float  # seconds of the receiver
    trip: float  # median round trip, seconds


EXCHANGES = 75  # at 20 ms or more each: longer than the pause before `accept` is tried again
CPU_RESOLUTION = 0.05  # seconds: five ticks of /proc/PID/stat
TRIP_RESOLUTION = 0.001  # seconds: what the scheduler may add to a short round trip


def steady_traffic(sock: socket.socket, first_txnr: int, pid: int) -> Stretch:
    trips: list[float] = []
    before = cpu_seconds(pid)
    for txnr in range(first_txnr, first_txnr + EXCHANGES):
        asked = time.monotonic()
        sock.sendall(b"%d syslog 5 hello\n" % txnr)
        assert sock.recv(100) == b"%d rsp 6 200 OK\n" % txnr
        trips.append(time.monotonic() - asked)
        time.sleep(0.02)  # a rhythm, not a synchronisation
    return Stretch(cpu_seconds(pid) - before, median(trips))


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_out_of_descriptors_it_serves_on_without_spinning_and_recovers(
    relpio: Start, tools: type[Tools], tmp_path: Path
) -> None:
    output = tmp_path / "out"
    receiver, address = start_receiver(relpio, output)
    pid = receiver.process.pid
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (24, 24))
    host, port = address.split(":")
    first = socket.create_connection((host, int(port)))
    first.settimeout(tools.DEADLINE)
    first.sendall(OPEN)
    assert first.recv(1000).startswith(b"1 rsp ")
    plain = steady_traffic(first, 2, pid)
    crowd = [socket.create_connection((host, int(port))) for _ in range(40)]
    try:
        receiver.wait_event("accept-paused")
        limit = steady_traffic(first, 2 + EXCHANGES, pid)
        # One that tries again at once burns several times the processor; one that sleeps in its
        # loop, or burns it, lets everybody wait.
        assert limit.cpu <= 3 * max(plain.cpu, CPU_RESOLUTION), (plain, limit)
        assert limit.trip <= 10 * max(plain.trip, TRIP_RESOLUTION), (plain, limit)
        assert len(receiver.events("accept-paused")) == 1
        for sock in crowd:
            sock.close()
        receiver.wait_event("accept-resumed")
        sender = relpio("send", "--target", address, stdin=subprocess.PIPE)
        sender.process.communicate(b"after\n")
        assert sender.wait() == 0
        assert output.read_bytes() == b"hello\n" * (2 * EXCHANGES) + b"after\n"
    finally:
        first.close()
        for sock in crowd:
            sock.close()
    assert receiver.terminate() == 0
