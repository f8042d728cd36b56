"""Other people's programs write to relpio's inputs: logger(1), Python's handler, rsyslog."""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.crashes import DEADLINE, Program
from tests.lab.processes import wait_until

pytestmark = pytest.mark.lab

FORWARD = """\
global(workDirectory="{directory}")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" socket="{socket}" createPath="on" ratelimit.interval="0")
template(name="raw" type="string" string="%rawmsg%")
action(type="omfwd" target="127.0.0.1" port="{port}" protocol="{protocol}" template="raw"
       TCP_Framing="{framing}" action.resumeRetryCount="-1" action.resumeInterval="1")
"""


class Pair:
    """A running sender and receiver; what comes out, by line."""

    def __init__(self, sender: Program, receiver: Program, output: Path, directory: Path) -> None:
        self.sender = sender
        self.receiver = receiver
        self.output = output
        self.datagrams = directory / "log"
        self.stream = directory / "stream"

    def port(self, kind: str) -> int:
        (event,) = [e for e in self.sender.events("input-listening") if e["input"] == kind]
        return int(event["port"])

    def lines(self) -> list[str]:
        return self.output.read_text().splitlines() if self.output.exists() else []

    def wait_lines(self, count: int) -> list[str]:
        assert wait_until(lambda: len(self.lines()) >= count, DEADLINE), self.lines()[-3:]
        assert len(self.lines()) == count
        return self.lines()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    output = tmp_path / "out"
    with Program(
        tmp_path, "receive", "--listen", "127.0.0.1:0", "--output", str(output)
    ) as receiver:
        receiver.start()
        assert wait_until(lambda: bool(receiver.events("listening")))
        port = receiver.events("listening")[0]["port"]
        with Program(
            tmp_path, "send", "--target", f"127.0.0.1:{port}",
            "--listen-tcp", "127.0.0.1:0", "--listen-udp", "127.0.0.1:0",
            "--listen-unix", str(tmp_path / "log"),
            "--listen-unix-stream", str(tmp_path / "stream"),
            "--metrics-file", str(tmp_path / "figures.json"), "--metrics-interval", "0.1",
        ) as sender:  # fmt: skip
            sender.start()
            made = Pair(sender, receiver, output, tmp_path)
            assert wait_until(lambda: bool(sender.events("session-open"))), sender.events()
            yield made
            assert sender.terminate() == 0, sender.events()
            assert receiver.terminate() == 0
            assert not made.datagrams.exists()
            figures = json.loads((tmp_path / "figures.json").read_text())["metrics"]
            received = [f["value"] for f in figures if f["name"] == "relpio_input_messages_total"]
            assert len(received) == 4
            assert sum(received) == len(made.lines())


@pytest.mark.parametrize("form", ["--rfc3164", "--rfc5424"])
def test_logger_by_every_way(pair: Pair, form: str) -> None:
    logger = shutil.which("logger")
    if logger is None:
        pytest.skip("needs logger: apt-get install bsdutils")
    tcp = ["--server", "127.0.0.1", "--port", str(pair.port("tcp")), "--tcp"]
    ways = [
        ["--server", "127.0.0.1", "--port", str(pair.port("udp")), "--udp"],
        tcp,
        [*tcp, "--octet-count"],
        ["--socket", str(pair.datagrams)],
    ]
    for at, way in enumerate(ways, 1):
        command = [logger, form, "--priority", "local3.err", "--tag", "app", *way, f"way {at}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        (*_, last) = pair.wait_lines(at)
        assert last.startswith("<155>")
        assert last.endswith(f"way {at}")
        assert "app" in last
    # Whatever came by the other ways is what logger itself writes to a socket.
    assert len({line.removeprefix("<155>")[:2] for line in pair.lines()[:3]}) == 1


def test_pythons_own_handlers(pair: Pair) -> None:
    addresses: list[tuple[str | tuple[str, int], socket.SocketKind | None]] = [
        (("127.0.0.1", pair.port("udp")), socket.SOCK_DGRAM),
        (str(pair.datagrams), None),
    ]
    for at, (address, kind) in enumerate(addresses, 1):
        handler = logging.handlers.SysLogHandler(address, socktype=kind)
        record = logging.LogRecord("app", logging.ERROR, "", 0, "hello %d", (at,), None)
        handler.emit(record)
        handler.close()
        assert pair.wait_lines(at)[-1] == f"<11>hello {at}"


@pytest.mark.parametrize(
    ("protocol", "framing"), [("tcp", "octet-counted"), ("tcp", "traditional"), ("udp", "x")]
)
def test_rsyslog_forwards(pair: Pair, tmp_path: Path, protocol: str, framing: str) -> None:
    path = shutil.which("rsyslogd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if path is None:
        pytest.skip("needs rsyslog: apt-get install rsyslog")
    source = tmp_path / "rsyslog.sock"
    config = tmp_path / "rsyslog.conf"
    config.write_text(
        FORWARD.format(
            directory=tmp_path, socket=source, port=pair.port(protocol), protocol=protocol,
            framing=framing if protocol == "tcp" else "traditional",
        )
    )  # fmt: skip
    count = 500
    with subprocess.Popen(
        [path, "-n", "-f", str(config), "-i", str(tmp_path / "pid")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as rsyslog:  # fmt: skip
        try:
            assert wait_until(source.exists)
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                sock.connect(str(source))
                for number in range(count):
                    sock.send(b"<13>Nov 21 12:00:00 app: message %d" % number)
            lines = pair.wait_lines(count)
        finally:
            rsyslog.send_signal(signal.SIGTERM)
            rsyslog.wait(DEADLINE)
    assert [line.rsplit(" ", 1)[1] for line in lines] == [str(number) for number in range(count)]
    assert all(line.startswith("<13>") for line in lines)
