"""A receiver with thousands of idle sessions: memory, and what they cost those that work."""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SOAK = os.environ.get("HALFOPEN_SOAK") == "1"
CROWD = 10_000 if SOAK else 2_000
LIMIT = 200 * 1024 * 1024
"""Bytes of memory that a receiver with 10 000 idle sessions may use."""

OPEN_DATA = (
    b"relp_version=0\nrelp_software=librelp,1.11.0,http://librelp.adiscon.com\ncommands=syslog"
)
OPEN = b"1 open %d %b\n" % (len(OPEN_DATA), OPEN_DATA)

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("crowds")]

# The crowd lives in a process of its own: both ends together need twice the descriptors.
CROWD_PROGRAM = """
import socket, sys
port, count, greeting = int(sys.argv[1]), int(sys.argv[2]), bytes.fromhex(sys.argv[3])
socks = []
for number in range(count):
    sock = socket.create_connection(("127.0.0.1", port))
    sock.sendall(greeting)
    socks.append(sock)
for sock in socks:
    assert sock.recv(1000).startswith(b"1 rsp ")
print("up", flush=True)
sys.stdin.read()
"""


def with_descriptors(count: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        pytest.skip(f"needs {count} file descriptors; the hard limit is {hard}")


@contextmanager
def receiver(tmp_path: Path, *more: str) -> Iterator[tuple[subprocess.Popen[bytes], int, str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "relpio", "receive", "--listen", "127.0.0.1:0", "--output",
         str(tmp_path / "out"), "--max-sessions", "20000", "--metrics-listen", "127.0.0.1:0",
         "--log-json", *more],
        stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        events = [json.loads(process.stderr.readline()) for _ in range(2)]
        found = {event["event"]: event for event in events}
        # Nobody reads the rest; a crowd has a line each for its opening.
        drain = subprocess.Popen(["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL)
        process.stderr.close()
        yield process, found["listening"]["port"], found["metrics-listening"]["address"]
    finally:
        process.kill()
        process.wait()
        drain.wait()


@contextmanager
def crowd(port: int, count: int) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-c", CROWD_PROGRAM, str(port), str(count), OPEN.hex()],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_NOFILE, (count + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        ),
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        assert process.stdout.readline() == b"up\n"
        yield
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()


def figures(address: str) -> dict[str, float]:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, value in (x.rsplit(" ", 1) for x in lines if x[0] != "#")}


def processor_time(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_idle_sessions_are_cheap(tmp_path: Path) -> None:
    with_descriptors(CROWD + 200)
    with receiver(tmp_path) as (process, port, address):
        before = figures(address)["process_resident_memory_bytes"]
        with crowd(port, CROWD):
            now = figures(address)
            assert now["relpio_receive_sessions"] == CROWD
            assert now["process_open_fds"] > CROWD
            resident = now["process_resident_memory_bytes"]
            # Whatever the crowd of this run is: ten thousand of them must stay below the limit.
            assert before + (resident - before) / CROWD * 10_000 < LIMIT
            # It costs nothing to have them: a message is answered, and no processor time is used.
            with socket.create_connection(("127.0.0.1", port)) as sock:
                sock.settimeout(20)
                sock.sendall(OPEN + b"2 syslog 5 hello\n")
                got = b""
                while not got.endswith(b"2 rsp 6 200 OK\n"):
                    got += sock.recv(1000)
            start, used = time.monotonic(), processor_time(process.pid)
            while time.monotonic() - start < 1.0:
                time.sleep(0.1)  # the time that is measured
            assert (processor_time(process.pid) - used) / (time.monotonic() - start) < 0.3
        deadline = time.monotonic() + 60
        while figures(address)["relpio_receive_sessions"]:
            assert time.monotonic() < deadline
        assert figures(address)["process_open_fds"] < 100
