"""relpio and rsyslog's own RELP modules, both ways, over loopback."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import relpio

pytestmark = pytest.mark.lab

DEADLINE = 60.0
COUNT = 300

RECEIVE = """\
global(workDirectory="{directory}" maxMessageSize="64k")
$EscapeControlCharactersOnReceive off
module(load="imrelp")
input(type="imrelp" address="127.0.0.1" port="{port}")
template(name="raw" type="string" string="%rawmsg%\\n")
action(type="omfile" file="{output}" template="raw")
"""

SEND = """\
global(workDirectory="{directory}")
module(load="imuxsock" SysSock.Use="off")
module(load="omrelp")
input(type="imuxsock" socket="{socket}" createPath="on" ratelimit.interval="0")
template(name="raw" type="string" string="%msg%")
action(type="omrelp" target="127.0.0.1" port="{port}" template="raw" timeout="5"
       action.resumeRetryCount="-1" action.resumeInterval="1" queue.type="LinkedList")
"""

Start = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture(scope="module")
def rsyslogd() -> str:
    """The path of rsyslogd, when its RELP modules are there, too."""
    path = shutil.which("rsyslogd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    folders = [*Path("/usr/lib").glob("*/rsyslog"), Path("/usr/lib/rsyslog"),
               Path("/usr/lib64/rsyslog")]  # fmt: skip
    modules = {"imrelp.so", "omrelp.so"}
    if path is None or not any(all((f / m).exists() for m in modules) for f in folders):
        pytest.skip("needs rsyslog and rsyslog-relp: apt-get install rsyslog rsyslog-relp")
    return path


@pytest.fixture
def start_rsyslog(rsyslogd: str, tmp_path: Path) -> Iterator[Start]:
    """Start rsyslogd with a configuration; it is gone at the end of the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(configuration: str) -> subprocess.Popen[bytes]:
        name = f"rsyslog-{len(started)}"
        conf = tmp_path / f"{name}.conf"
        conf.write_text(configuration)
        with (tmp_path / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [rsyslogd, "-n", "-f", str(conf), "-i", str(tmp_path / f"{name}.pid")],
                stdout=log,
                stderr=log,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def start_relpio() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start a `relpio` command; it is gone at the end of the test."""
    started: list[subprocess.Popen[bytes]] = []
    root = str(Path(relpio.__file__).parent.parent)
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    }

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "relpio", *arguments],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "the condition did not come true"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def accepts(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def messages(first: int, last: int) -> list[bytes]:
    return [b"<13>Jan  1 00:00:00 host app: %04d" % number for number in range(first, last + 1)]


def read_lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines() if path.exists() else []


def feed(process: subprocess.Popen[bytes], lines: list[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.write(b"".join(line + b"\n" for line in lines))
    process.stdin.flush()


def log_to(path: Path, texts: list[bytes]) -> None:
    """Hand messages to rsyslog through its socket; blocks while rsyslog is busy."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect(str(path))
        for text in texts:
            sock.send(b"<13>Jan  1 00:00:00 app: " + text)


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
    assert time.monotonic() - start < 4
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
