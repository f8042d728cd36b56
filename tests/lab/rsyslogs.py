"""rsyslog's RELP modules over loopback, and what is sent to them and read of them."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

DEADLINE = 60.0
COUNT = 300
PATIENCE_S = 30
"""How long omrelp waits for an answer."""

# One worker for rsyslog's main queue: by default, a second one starts when 40,000 messages wait,
# and from then on rsyslog itself does not keep their order.
RECEIVE = """\
global(workDirectory="{directory}" maxMessageSize="64k")
main_queue(queue.size="200000" queue.workerThreads="1")
$EscapeControlCharactersOnReceive off
module(load="imrelp")
input(type="imrelp" address="127.0.0.1" port="{port}")
template(name="raw" type="string" string="%rawmsg%\\n")
action(type="omfile" file="{output}" template="raw")
"""

SEND = """\
global(workDirectory="{directory}")
main_queue(queue.size="200000" queue.workerThreads="1")
module(load="imuxsock" SysSock.Use="off")
module(load="omrelp")
input(type="imuxsock" socket="{socket}" createPath="on" ratelimit.interval="0")
template(name="raw" type="string" string="%msg%")
action(type="omrelp" target="127.0.0.1" port="{port}" template="raw" timeout="30"
       action.resumeRetryCount="-1" action.resumeInterval="1" queue.type="LinkedList")
"""

FROM_TCP = """\
global(workDirectory="{directory}" maxMessageSize="140k")
main_queue(queue.size="200000" queue.workerThreads="1")
$EscapeControlCharactersOnReceive off
module(load="imptcp")
module(load="omrelp" {library})
input(type="imptcp" address="127.0.0.1" port="{input}" supportOctetCountedFraming="on")
template(name="raw" type="string" string="%rawmsg%")
action(type="omrelp" target="127.0.0.1" port="{port}" template="raw" timeout="5" windowSize="2000"
       action.resumeRetryCount="-1" action.resumeInterval="1" {tls})
"""

TO_FILE = """\
global(workDirectory="{directory}" maxMessageSize="140k")
main_queue(queue.size="200000" queue.workerThreads="1")
$EscapeControlCharactersOnReceive off
module(load="imrelp" {library})
input(type="imrelp" address="127.0.0.1" port="{port}" maxDataSize="140k" {tls})
template(name="raw" type="string" string="%rawmsg%\\n")
action(type="omfile" file="{output}" template="raw" queue.type="LinkedList")
"""

Start = Callable[[str], subprocess.Popen[bytes]]


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


def log_over_tcp(port: int, texts: list[bytes]) -> None:
    """Hand messages to imptcp, octet-counted (RFC 6587)."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"".join(b"%d %b" % (len(text), text) for text in texts))
