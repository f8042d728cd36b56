"""A Docker engine in a network namespace of its own.

Compose files need bridge networks, and an engine makes bridges in its own network namespace.  One
that `.ci/engine with` has started makes none, so as not to touch the machine; then another
is started here, where bridges harm nobody, and gets copies of our images.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import docker
import pytest

_START = """
ip link set lo up
mount --make-rprivate /
exec dockerd --host "unix://$0/sock" --data-root "$0/data" --exec-root "$0/exec" \
    --pidfile "$0/pid" >"$0/log" 2>&1
"""


@contextlib.contextmanager
def networked_engine(images: Collection[str]) -> Iterator[str]:
    """The address (DOCKER_HOST) of an engine that has bridge networks, and these images."""
    client = docker.from_env()
    try:
        ready = any(network.attrs["Driver"] == "bridge" for network in client.networks.list())
    finally:
        client.close()
    if ready:
        yield os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        return
    if os.geteuid() != 0:
        pytest.skip("this engine has no bridge network, and only root can start another")
    directory = Path(tempfile.mkdtemp(prefix="halfopen-engine-"))
    engine = subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", "unshare", "--net", "--mount", "--kill-child=TERM",
         "--fork", "sh", "-e", "-c", _START, str(directory)],
        start_new_session=True,
    )  # fmt: skip
    try:
        address = f"unix://{directory}/sock"
        _wait(address, engine, directory / "log")
        _copy(images, address)
        yield address
    finally:
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            os.kill(int((directory / "pid").read_text()), 15)
        engine.wait(60)
        shutil.rmtree(directory)


def _wait(address: str, engine: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and engine.poll() is None:
        asked = subprocess.run(["docker", "--host", address, "version"], capture_output=True)
        if asked.returncode == 0:
            return
        time.sleep(0.1)
    raise AssertionError(f"no engine could be started apart:\n{log.read_text()[-3000:]}")


def _copy(images: Collection[str], address: str) -> None:
    load = ["docker", "--host", address, "load", "--quiet"]
    with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as save:
        done = subprocess.run(load, stdin=save.stdout, capture_output=True, text=True, timeout=200)
    assert save.returncode == 0 and done.returncode == 0, done.stderr
