"""relpio and rsyslog's own RELP modules, both ways, over loopback."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import relpio
from relpio.net.addresses import TcpAddress
from tests.lab.rsyslogs import (
    COUNT,
    DEADLINE,
    FROM_TCP,
    PATIENCE_S,
    RECEIVE,
    SEND,
    TO_FILE,
    Start,
    accepts,
    feed,
    free_port,
    log_over_tcp,
    log_to,
    messages,
    read_lines,
    wait_until,
)

pytestmark = pytest.mark.lab


def test_relpio_to_imrelp(
    start_rsyslog: Start, start_relpio: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    port, output = free_port(), tmp_path / "out"
    receiver = start_rsyslog(RECEIVE.format(directory=tmp_path, port=port, output=output))
    wait_until(lambda: accepts(port))
    sender = start_relpio("send", "--target", f"127.0.0.1:{port}")
    sent = [*messages(1, COUNT), b"<13>Jan  1 00:00:00 host app: " + b"x" * 20_000]
    feed(sender, sent)
    sender.communicate()
    assert sender.returncode == 0
    wait_until(lambda: len(read_lines(output)) >= len(sent))
    assert read_lines(output) == sent
    receiver.send_signal(signal.SIGTERM)
    assert receiver.wait(DEADLINE) == 0


def test_relpio_to_imrelp_restarted(
    start_rsyslog: Start, start_relpio: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    port, output = free_port(), tmp_path / "out"
    configuration = RECEIVE.format(directory=tmp_path, port=port, output=output)
    receiver = start_rsyslog(configuration)
    wait_until(lambda: accepts(port))
    window = 16
    sender = start_relpio(
        "send", "--target", f"127.0.0.1:{port}", "--window", str(window), "--backoff", "0.1/0.5"
    )
    feed(sender, messages(1, COUNT))
    wait_until(lambda: len(read_lines(output)) > 0)
    receiver.send_signal(signal.SIGTERM)
    receiver.wait(DEADLINE)
    feed(sender, messages(COUNT + 1, 2 * COUNT))
    start_rsyslog(configuration)
    sender.communicate()
    assert sender.returncode == 0
    sent = messages(1, 2 * COUNT)
    wait_until(lambda: set(read_lines(output)) == set(sent))
    assert len(read_lines(output)) <= len(sent) + window
    assert list(dict.fromkeys(read_lines(output))) == sent


def test_omrelp_to_relpio(
    start_rsyslog: Start, start_relpio: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    port, output, path = free_port(), tmp_path / "out", tmp_path / "log"
    receiver = start_relpio("receive", "--listen", f"127.0.0.1:{port}", "--output", str(output))
    wait_until(lambda: accepts(port))
    sender = start_rsyslog(SEND.format(directory=tmp_path, port=port, socket=path))
    wait_until(path.exists)
    texts = [b"%04d" % number for number in range(COUNT)]
    log_to(path, texts)
    wait_until(lambda: len(read_lines(output)) >= COUNT)
    assert [line.strip() for line in read_lines(output)] == texts
    # An orderly close: rsyslog does not have to wait for anything.
    start = time.monotonic()
    sender.send_signal(signal.SIGTERM)
    assert sender.wait(DEADLINE) == 0
    assert time.monotonic() - start < PATIENCE_S / 2
    receiver.send_signal(signal.SIGTERM)
    assert receiver.wait(DEADLINE) == 0


def test_omrelp_to_relpio_restarted(
    start_rsyslog: Start, start_relpio: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    port, output, path = free_port(), tmp_path / "out", tmp_path / "log"
    arguments = ("receive", "--listen", f"127.0.0.1:{port}", "--output", str(output))
    receiver = start_relpio(*arguments)
    wait_until(lambda: accepts(port))
    start_rsyslog(SEND.format(directory=tmp_path, port=port, socket=path))
    wait_until(path.exists)
    texts = [b"%04d" % number for number in range(COUNT)]
    log_to(path, texts[: COUNT // 2])
    wait_until(lambda: len(read_lines(output)) > 0)
    receiver.send_signal(signal.SIGTERM)
    assert receiver.wait(DEADLINE) == 0
    log_to(path, texts[COUNT // 2 :])
    start_relpio(*arguments)
    # rsyslog notices unanswered messages only at the next one, so give it one from time to time.
    end = time.monotonic() + DEADLINE
    while not {line.strip() for line in read_lines(output)} >= set(texts):
        assert time.monotonic() < end, "messages are missing"
        log_to(path, [b"nudge"])
        time.sleep(0.2)


def test_sizes_and_octets_to_imrelp(start_rsyslog: Start, tmp_path: Path) -> None:
    port, output = free_port(), tmp_path / "out"
    start_rsyslog(TO_FILE.format(directory=tmp_path, port=port, output=output, tls="", library=""))
    wait_until(lambda: accepts(port))
    head = b"<13>Jan  1 00:00:00 host app: "
    sizes = [0, 1, 2, 100, 8095, 8096, 8097, 32767, 32768, 65535, 65536, 65537, 131072]
    sent = [b"x" * size for size in sizes]
    sent += [head + b"a\nb", head + b"a\0b", head + bytes(range(128, 256))]

    async def main() -> None:
        settings = relpio.SenderSettings(targets=[TcpAddress("127.0.0.1", port)])
        async with relpio.Sender(settings) as sender:
            await sender.put(sent)
            await sender.drain()
            assert sender.acked == len(sent)

    asyncio.run(main())
    # rsyslog writes a NUL as #000, whatever it is told about control characters.
    expected = b"".join(message + b"\n" for message in sent).replace(b"\0", b"#000")
    wait_until(lambda: output.exists() and output.stat().st_size >= len(expected))
    assert output.read_bytes() == expected


def test_sizes_and_octets_from_omrelp(
    start_rsyslog: Start, start_relpio: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    port, entry, output = free_port(), free_port(), tmp_path / "out"
    start_relpio(
        "receive", "--listen", f"127.0.0.1:{port}", "--output", str(output), "--format",
        "octet-counted",
    )  # fmt: skip
    wait_until(lambda: accepts(port))
    start_rsyslog(FROM_TCP.format(directory=tmp_path, port=port, input=entry, tls="", library=""))
    wait_until(lambda: accepts(entry))
    head = b"<13>Jan  1 00:00:00 host app: "
    sizes = [1, 2, 100, 8095, 8096, 8097, 32768, 65536, 131072]
    sent = [head + b"x" * (size - len(head)) if size > len(head) else b"x" * size for size in sizes]
    sent += [head + b"a\nb", head + bytes(range(128, 256))]
    log_over_tcp(entry, sent)
    expected = b"".join(b"%d %b" % (len(message), message) for message in sent)
    wait_until(lambda: output.exists() and output.stat().st_size >= len(expected))
    assert output.read_bytes() == expected


MANY = 200_000 if os.environ.get("HALFOPEN_SOAK") == "1" else 50_000


def test_many_in_order_both_ways(
    start_rsyslog: Start, start_relpio: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    ports = [free_port() for _ in range(3)]
    outputs = [tmp_path / "from-relpio", tmp_path / "from-rsyslog"]
    sent = messages(1, MANY)
    start_rsyslog(
        TO_FILE.format(directory=tmp_path, port=ports[0], output=outputs[0], tls="", library="")
    )
    wait_until(lambda: accepts(ports[0]))
    sender = start_relpio("send", "--target", f"127.0.0.1:{ports[0]}", "--window", "2000")
    feed(sender, sent)
    sender.communicate()
    assert sender.returncode == 0
    size = sum(map(len, sent)) + MANY
    wait_until(lambda: outputs[0].stat().st_size >= size)
    assert read_lines(outputs[0]) == sent

    start_relpio("receive", "--listen", f"127.0.0.1:{ports[1]}", "--output", str(outputs[1]))
    wait_until(lambda: accepts(ports[1]))
    start_rsyslog(
        FROM_TCP.format(directory=tmp_path, port=ports[1], input=ports[2], tls="", library="")
    )
    wait_until(lambda: accepts(ports[2]))
    log_over_tcp(ports[2], sent)
    wait_until(lambda: outputs[1].stat().st_size >= size)
    assert read_lines(outputs[1]) == sent


def test_imrelp_killed_in_mid_stream(
    start_rsyslog: Start, start_relpio: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    port, outputs = free_port(), [tmp_path / "first", tmp_path / "second"]
    texts = [
        RECEIVE.format(directory=tmp_path, port=port, output=output) for output in outputs
    ]  # fmt: skip
    receiver = start_rsyslog(texts[0])
    wait_until(lambda: accepts(port))
    ledger = tmp_path / "ledger"
    sender = start_relpio(
        "send", "--target", f"127.0.0.1:{port}", "--window", "16", "--backoff", "0.1/0.5",
        "--ledger", str(ledger),
    )  # fmt: skip
    feed(sender, messages(1, COUNT))
    wait_until(lambda: ledger.exists() and b"acked" in ledger.read_bytes())
    receiver.kill()
    receiver.wait()
    feed(sender, messages(COUNT + 1, 2 * COUNT))
    start_rsyslog(texts[1])
    sender.communicate()
    assert sender.returncode == 0
    sent = messages(1, 2 * COUNT)
    # A killed rsyslog loses what it had acknowledged and not written: that is its promise, not
    # ours. All that it did not acknowledge must be in the second file, in order.
    acked = max(
        int(line.rpartition(" ")[2].rpartition("-")[2])
        for line in ledger.read_text().splitlines() if line.startswith("acked")
    )  # fmt: skip
    assert acked == 2 * COUNT
    wait_until(lambda: read_lines(outputs[1])[-1:] == sent[-1:])
    second = read_lines(outputs[1])
    assert second == sent[-len(second) :]
    assert len(second) >= COUNT


def hang_up_during_open(port: int) -> None:
    """Accept one connection, read a part of `open`, and hang up."""
    with socket.create_server(("127.0.0.1", port)) as server:
        peer, _ = server.accept()
        with peer:
            assert peer.recv(6).startswith(b"1 open")


def test_a_hang_up_during_open_both_ways(
    start_rsyslog: Start, start_relpio: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    port, output = free_port(), tmp_path / "from-relpio"
    sender = start_relpio("send", "--target", f"127.0.0.1:{port}", "--backoff", "0.1/0.5")
    feed(sender, messages(1, COUNT))
    hang_up_during_open(port)
    start_rsyslog(RECEIVE.format(directory=tmp_path, port=port, output=output))
    sender.communicate()
    assert sender.returncode == 0
    wait_until(lambda: len(read_lines(output)) >= COUNT)
    assert read_lines(output) == messages(1, COUNT)

    port, entry, output = free_port(), free_port(), tmp_path / "from-rsyslog"
    start_rsyslog(FROM_TCP.format(directory=tmp_path, port=port, input=entry, tls="", library=""))
    wait_until(lambda: accepts(entry))
    log_over_tcp(entry, messages(1, COUNT))
    hang_up_during_open(port)
    start_relpio("receive", "--listen", f"127.0.0.1:{port}", "--output", str(output))
    wait_until(lambda: len(set(read_lines(output))) >= COUNT)
    assert list(dict.fromkeys(read_lines(output))) == messages(1, COUNT)
