"""Two hosts joined by one link of MTU 1500, in a sandbox: where the benchmarks run.

Over loopback, with its MTU of 65536, librelp's TCP_CORK holds back segments and rsyslog crawls at
2,000 messages a second: a comparison there would flatter us.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from halfopen.labs.agent import network
from halfopen.model.topology import lay_out

SENDER, RECEIVER = "sender", "receiver"
NETWORKS = lay_out([SENDER, RECEIVER])
ADDRESS = NETWORKS[RECEIVER].address


def build() -> None:
    """Make the two hosts and the link; only inside a sandbox."""
    network.NAMESPACES.mkdir(parents=True, exist_ok=True)
    for host in (SENDER, RECEIVER):
        network.create_host(host)
    network.connect(SENDER, RECEIVER, NETWORKS)
    for host in (SENDER, RECEIVER):
        network.await_usable(host, NETWORKS[host].interfaces)


def start(
    host: str, argv: Sequence[str], log: Path, stdin: int | None = None
) -> subprocess.Popen[bytes]:
    """Start a program on a host; its output goes to `log`."""
    with log.open("ab") as out:
        return subprocess.Popen(
            ["nsenter", f"--net={network.NAMESPACES / host}", "--", *argv],
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=out,
            stderr=out,
            env=os.environ,
        )


def end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End programs, by force after ten seconds."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(condition: Callable[[], bool], what: str, timeout: float = 120.0) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: if it does not within `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        time.sleep(0.005)


def count_lines(path: Path) -> int:
    """Line feeds in a file."""
    total = 0
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            total += chunk.count(b"\n")
    return total


def wait_for_lines(path: Path, lines: int, octets: int, timeout: float = 300.0) -> None:
    """Wait until `path` holds `lines` lines of at least `octets` each."""

    def there() -> bool:
        return (
            path.exists() and path.stat().st_size >= lines * octets and count_lines(path) >= lines
        )

    wait_for(there, f"{lines} lines in {path.name}", timeout)
