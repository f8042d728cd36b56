"""`relpio receive` as a process: outputs, depth of acks, metrics, signals, bad options."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from relpio.command.main import main

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import RelpioProcess, Tools

    Start = Callable[..., RelpioProcess]

OPEN = b"1 open 30 relp_version=0\ncommands=syslog\n"


def receive(relpio: Start, output: str, *more: str) -> tuple[RelpioProcess, int]:
    receiver = relpio("receive", "--listen", "127.0.0.1:0", "--output", output, *more)
    return receiver, receiver.wait_event("listening")["port"]


class Client:
    """A session made of bytes."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.sock = socket.create_connection((host, port), timeout=20)
        self.txnr = 1
        self.sock.sendall(OPEN)
        self.until(b"commands=syslog\n")

    def until(self, end: bytes) -> bytes:
        got = b""
        while not got.endswith(end):
            data = self.sock.recv(65536)
            assert data, got
            got += data
        return got

    def send(self, *messages: bytes) -> None:
        """Send messages and wait until all are acknowledged."""
        for message in messages:
            self.txnr += 1
            self.sock.sendall(b"%d syslog %d %b\n" % (self.txnr, len(message), message))
        self.until(b"%d rsp 6 200 OK\n" % self.txnr)


@pytest.mark.parametrize("depth", ["received", "written", "synced"])
def test_depth(relpio: Start, tmp_path: Path, depth: str) -> None:
    path = tmp_path / "out"
    receiver, port = receive(relpio, str(path), "--ack", depth)
    client = Client(port)
    client.send(*(b"%d" % number for number in range(50)))
    if depth != "received":  # what is acknowledged is there, however the receiver ends
        receiver.kill()
    else:
        assert receiver.terminate() == 0
    assert path.read_bytes() == b"".join(b"%d\n" % number for number in range(50))
    client.sock.close()


def test_reopened_by_sighup(relpio: Start, tmp_path: Path) -> None:
    path = tmp_path / "out"
    receiver, port = receive(relpio, str(path))
    client = Client(port)
    client.send(b"before")
    path.rename(tmp_path / "out.1")
    receiver.process.send_signal(signal.SIGHUP)
    receiver.wait_event("output-reopened")
    client.send(b"after")
    assert receiver.terminate() == 0
    assert (tmp_path / "out.1").read_bytes() == b"before\n"
    assert path.read_bytes() == b"after\n"
    client.sock.close()


def test_one_file_for_each_host(relpio: Start, tmp_path: Path) -> None:
    receiver = relpio(
        "receive", "--listen", "127.0.0.1:0", "--listen", "[::1]:0",
        "--output", str(tmp_path / "{peer}.log"), "--max-open-files", "1", "--ack", "synced",
    )  # fmt: skip
    receiver.wait_event("listening", 2)
    four, six = receiver.events("listening")
    for host, event in (("127.0.0.1", four), ("::1", six)):
        client = Client(event["port"], host)
        client.send(host.encode())
        client.sock.close()
    assert receiver.terminate() == 0
    assert (tmp_path / "127.0.0.1.log").read_text() == "127.0.0.1\n"
    assert (tmp_path / "::1.log").read_text() == "::1\n"


@pytest.mark.parametrize("confirm", [False, True])
def test_a_program(relpio: Start, tmp_path: Path, confirm: bool) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\n"
        "out = open(sys.argv[1], 'a')\n"
        f"say = (lambda: print('OK', flush=True)) if {confirm} else (lambda: None)\n"
        "say()\n"
        "for line in sys.stdin:\n"
        "    out.write(line); out.flush(); say()\n"
        "out.write('end of input')\n"
    )
    out = tmp_path / "out file"
    command = f"|{sys.executable} -S {program} '{out}'"
    receiver, port = receive(relpio, command, *(["--program-confirm"] if confirm else []))
    client = Client(port)
    client.send(b"a", b"b", b"c")
    if confirm:
        assert out.read_text() == "a\nb\nc\n"
    assert receiver.terminate() == 0
    assert out.read_text() == "a\nb\nc\nend of input"
    client.sock.close()


def test_metrics_on_a_port_and_in_a_file(relpio: Start, tmp_path: Path, tools: type[Tools]) -> None:
    file = tmp_path / "metrics.json"
    receiver, port = receive(
        relpio, str(tmp_path / "out"), "--metrics-listen", "127.0.0.1:0",
        "--metrics-file", str(file), "--metrics-interval", "50ms",
    )  # fmt: skip
    address = receiver.wait_event("metrics-listening")["address"]
    client = Client(port)
    client.send(b"a", b"b")
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    assert "\nrelpio_receive_acks_total 2\n" in text
    assert "\nprocess_max_fds " in text

    def written() -> bool:
        found = json.loads(file.read_text())["metrics"]
        return {"relpio_receive_acks_total": 2} in [{m["name"]: m["value"]} for m in found]

    tools.wait_until(written)
    assert receiver.terminate() == 0
    client.sock.close()


def test_metrics_on_a_unix_socket(relpio: Start, tmp_path: Path) -> None:
    path = tmp_path / "metrics"
    receiver, _ = receive(relpio, str(tmp_path / "out"), "--metrics-listen", f"unix:{path}")
    receiver.wait_event("metrics-listening")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect(str(path))
        sock.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
    assert receiver.terminate() == 0
    assert not path.exists()


def test_limits(relpio: Start, tmp_path: Path) -> None:
    path = tmp_path / "out"
    receiver, port = receive(
        relpio, str(path), "--max-message-size", "4", "--oversize", "truncate",
        "--max-sessions-per-peer", "1",
    )  # fmt: skip
    client = Client(port)
    client.send(b"1234567")
    with socket.create_connection(("127.0.0.1", port), timeout=20) as second:
        assert second.recv(100) == b""
    assert receiver.wait_event("session-refused")["reason"] == "max-sessions-per-peer"
    assert receiver.terminate() == 0
    assert path.read_bytes() == b"1234\n"
    client.sock.close()


def test_timers(relpio: Start, tmp_path: Path) -> None:
    receiver, port = receive(
        relpio, str(tmp_path / "out"), "--idle-timeout", "200ms", "--frame-timeout", "300ms"
    )
    idle, slow = Client(port), Client(port)
    slow.sock.sendall(b"2 syslog 5 hel")
    for client in (idle, slow):
        assert client.until(b"0 serverclose 0\n")
        client.sock.close()
    receiver.wait_event("session-lost", 2)
    assert receiver.terminate() == 0
    lost = {event["reason"] for event in receiver.events("session-lost")}
    assert lost <= {"idle-timeout", "frame-timeout"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--output", "-", "--ack", "synced"], "needs a file"),
        (["--output", "|cat", "--ack", "synced"], "--program-confirm"),
        (["--output", "|"], "PROGRAM"),
        (["--output", "|'", ], "quotation"),
        (["--output", "x", "--program-confirm"], "no effect"),
        (["--output", "|x", "--program-confirm", "--format", "octet-counted"], "--format line"),
        (["--output", "/var/{peer}/log"], "--create-directories"),
        (["--output", "[severity<=err] /x"], "[rest] OUTPUT"),
        (["--output", "/x", "--output", "[host=a] /x"], "given twice"),
        (["--output", "/x", "--compress", "gzip"], "--rotate-size"),
        (["--output", "/x", "--rotate-keep", "3"], "--rotate-keep: no effect without --rotate-s"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit_together(
    arguments: list[str], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["receive", "--listen", "127.0.0.1:0", *arguments]) == 2
    assert words in capfd.readouterr().err


def test_a_synced_receiver_answers_while_it_syncs(relpio: Start, tmp_path: Path) -> None:
    """Group commit: many sessions share each sync, so all together wait for few."""
    receiver, port = receive(relpio, str(tmp_path / "out"), "--ack", "synced")
    clients = [Client(port) for _ in range(20)]
    for _ in range(20):
        for client in clients:
            client.txnr += 1
            client.sock.sendall(b"%d syslog 1 x\n" % client.txnr)
    for client in clients:
        client.until(b"%d rsp 6 200 OK\n" % client.txnr)
    assert receiver.terminate() == 0
    assert os.stat(tmp_path / "out").st_size == 20 * 20 * 2  # noqa: PTH116
    for client in clients:
        client.sock.close()
