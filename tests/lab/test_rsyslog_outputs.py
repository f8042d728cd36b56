"""rsyslog sends to many files of relpio: one for each peer, host and program; full ones rotate."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.rsyslogs import (
    DEADLINE,
    FROM_TCP,
    Start,
    accepts,
    free_port,
    log_over_tcp,
    read_lines,
    wait_until,
)

pytestmark = pytest.mark.lab

PEERS = ("127.0.0.2", "127.0.0.3")
HOSTS = ("web1", "db1")
APPS = ("nginx", "cron")
COUNT = 400
CHUNK = 100

StartRelpio = Callable[..., subprocess.Popen[bytes]]


def texts(peer: str) -> list[bytes]:
    """What a peer sends: each fifth message is an error."""
    return [
        f"<{11 if number % 5 == 0 else 14}>Jan  1 00:00:00 {HOSTS[number % 2]} "
        f"{APPS[number // 2 % 2]}[7]: {peer} {number:04d}".encode()
        for number in range(COUNT)
    ]


def written(directory: Path, name: str) -> list[str]:
    """The messages of a file and of those it was before, compressed or not, in order."""
    moved = [path for path in directory.glob(f"{name}-[0-9]*") if path.suffix != ".tmp"]
    paths = sorted(moved, key=_rotation)
    data = b"".join(
        gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in paths
    )
    data += (directory / name).read_bytes()
    return [json.loads(line)["message"] for line in data.splitlines()]


def _rotation(path: Path) -> tuple[str, int]:
    stamp, _, number = path.name.removesuffix(".gz").rpartition("log-")[2].partition(".")
    return stamp, int(number or 0)


def test_each_peer_host_and_program_has_its_files(
    start_rsyslog: Start, start_relpio: StartRelpio, tmp_path: Path
) -> None:
    port, output, errors = free_port(), tmp_path / "out", tmp_path / "errors"
    arguments = (
        "receive", "--listen", f"127.0.0.1:{port}", "--format", "json", "--create-directories",
        "--output", f"{output}/{{peer}}/{{host}}/{{app}}.log",
        "--output", f"[severity<=err] {errors}", "--max-open-files", "3",
        "--rotate-size", "4k", "--compress", "gzip", "--ack", "synced",
    )  # fmt: skip
    expected = {
        (peer, host, app): [
            text.decode() for text in texts(peer) if f" {host} {app}[".encode() in text
        ]
        for peer in PEERS
        for host in HOSTS
        for app in APPS
    }

    def found() -> dict[tuple[str, str, str], list[str]]:
        return {
            (peer, host, app): list(dict.fromkeys(written(output / peer / host, f"{app}.log")))
            for peer, host, app in expected
            if (output / peer / host / f"{app}.log").exists()
        }

    def count(peer: str) -> int:
        try:
            return sum(len(lines) for key, lines in found().items() if key[0] == peer)
        except (FileNotFoundError, ValueError):  # being compressed, or written, just now
            return 0

    receiver = start_relpio(*arguments)
    wait_until(lambda: accepts(port))
    for peer in PEERS:
        own = tmp_path / peer
        own.mkdir()
        entrance = free_port()
        configuration = FROM_TCP.format(
            directory=own, input=entrance, port=port, library="", tls=f'localClientIP="{peer}"'
        )
        start_rsyslog(configuration.replace('timeout="5"', 'timeout="30"'))
        wait_until(lambda entrance=entrance: accepts(entrance))  # type: ignore[misc]
        sent = texts(peer)
        for at in range(0, COUNT, CHUNK):  # what comes together is written together
            log_over_tcp(entrance, sent[at : at + CHUNK])
            wait_until(lambda peer=peer, at=at: count(peer) >= at + CHUNK)  # type: ignore[misc]
    receiver.send_signal(signal.SIGTERM)
    assert receiver.wait(DEADLINE) == 0
    assert found() == expected
    assert list(output.glob("*/*/*.gz"))
    bad = {json.loads(line)["message"] for line in read_lines(errors)}
    rotated = tmp_path.glob("errors-*")
    for path in rotated:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        bad |= {json.loads(line)["message"] for line in data.splitlines()}
    assert bad == {
        text.decode() for peer in PEERS for text in texts(peer) if text.startswith(b"<11>")
    }
