"""Looks at the machine from outside a sandbox."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def network_namespaces() -> set[str]:
    """The network namespaces that some process lives in, as far as we may look.

    Without those of whatever else runs on the machine: other tests, other labs, containers.
    """
    found = set()
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            if not _of_others(directory):
                found.add(str((directory / "ns/net").readlink()))
        except OSError:
            continue
    return found


def _of_others(directory: Path) -> bool:
    """Whether it was not started for this test: by its environment, which a sandbox hands down.

    One without an environment may be ours.
    """
    test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0]
    environment = (directory / "environ").read_bytes()
    if environment:
        return f"PYTEST_CURRENT_TEST={test} ".encode() not in environment
    return "docker" in (directory / "cgroup").read_text()


def with_marker(marker: str) -> list[int]:
    """Pids of the processes that carry `marker` in their environment."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (directory / "environ").read_bytes():
                found.append(int(directory.name))
        except OSError:
            continue
    return found


def machine_network() -> str:
    """Named namespaces, links and rules of the machine itself; rules only if we may see them."""
    commands = (["ip", "netns", "list"], ["ip", "-o", "link"], ["nft", "list", "ruleset"])
    done = [subprocess.run(c, capture_output=True, text=True, timeout=10) for c in commands]
    return "\n".join(each.stdout for each in done)


def wait_until(condition: Callable[[], bool], timeout: float = 60.0, pause: float = 0.02) -> bool:
    """True as soon as `condition` holds, False if it does not within `timeout` seconds.

    Args:
        condition: what is waited for.
        timeout: seconds.
        pause: seconds between two looks: more, where a look is at all that runs on the machine.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
