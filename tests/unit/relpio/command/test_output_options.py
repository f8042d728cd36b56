"""`relpio receive` with many files: they rotate, it is killed, and what it answered is there."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..doubles import OPEN

if TYPE_CHECKING:
    from tests.unit.relpio.conftest import RelpioProcess

    Start = Callable[..., RelpioProcess]

CONFIG = """
[receive]
listen = "0.0.0.0:0"
ack = "{ack}"
format = "json"
max-open-files = 2
output = ["{directory}/{{peer}}/{{host}}-{{app}}.log", "[severity<=err] {directory}/errors"]

[receive.files]
create-directories = true
directory-mode = "0700"
file-mode = "0600"
rotate-size = "1k"
compress = "gzip"
"""

PEERS = ("127.0.0.1", "127.0.0.2")
HOSTS, APPS = ("web1", "db1"), ("nginx", "cron")


def connect(port: int, peer: str) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), 20, (peer, 0))
    sock.sendall(OPEN)
    assert b"200 OK" in sock.recv(4096)
    return sock


def message(peer: str, number: int) -> bytes:
    severity = 3 if number % 5 == 0 else 6
    return b"<%d>1 - %b %b - - - %b %d" % (
        8 + severity, HOSTS[number % 2].encode(), APPS[number // 2 % 2].encode(), peer.encode(),
        number,
    )  # fmt: skip


def send(sock: socket.socket, messages: list[bytes], first: int) -> None:
    """Send messages numbered from `first`, and wait for their answers."""
    frames = (b"%d syslog %d %b\n" % (n, len(m), m) for n, m in enumerate(messages, first))
    sock.sendall(b"".join(frames))
    got, last = b"", b"%d rsp 6 200 OK\n" % (first + len(messages) - 1)
    while not got.endswith(last):
        data = sock.recv(65536)
        assert data, got
        got += data


def stored(directory: Path, pattern: str) -> set[str]:
    """The messages in all files of a name, whole or rotated, compressed or not."""
    found: set[str] = set()
    for path in directory.glob(pattern):
        if path.suffix == ".tmp":
            continue
        data = path.read_bytes()
        with contextlib.suppress(gzip.BadGzipFile):
            data = gzip.decompress(data)
        found |= {json.loads(line)["message"] for line in data.splitlines()}
    return found


@pytest.mark.parametrize("ack", ["written", "synced"])
def test_what_is_answered_is_in_the_files_however_the_receiver_ends(
    relpio: Start, tmp_path: Path, ack: str
) -> None:
    config, directory = tmp_path / "relpio.toml", tmp_path / "out"
    directory.mkdir()
    config.write_text(CONFIG.format(ack=ack, directory=directory))
    answered: dict[str, set[str]] = {peer: set() for peer in PEERS}
    for run in range(3):
        receiver = relpio("receive", "--config", str(config))
        port = receiver.wait_event("listening")["port"]
        for peer in PEERS:
            with connect(port, peer) as sock:
                for batch in range(6):
                    numbers = range(run * 1000 + batch * 7, run * 1000 + batch * 7 + 7)
                    messages = [message(peer, number) for number in numbers]
                    send(sock, messages, 2 + batch * 7)
                    answered[peer] |= {each.decode() for each in messages}
        receiver.kill()
    for peer in PEERS:
        assert stored(directory, f"{peer}/*") == answered[peer]
        for host in HOSTS:
            for app in APPS:
                own = {each for each in answered[peer] if f" {host} {app} " in each}
                assert stored(directory, f"{peer}/{host}-{app}.log*") == own
        assert (directory / peer).stat().st_mode & 0o777 == 0o700
        assert {path.stat().st_mode & 0o777 for path in (directory / peer).iterdir()} == {0o600}
    bad = {each for peer in PEERS for each in answered[peer] if each.startswith("<11>")}
    assert stored(directory, "errors*") == bad
    assert list(directory.glob("*/*.log-*"))  # they did rotate
