"""What a killed run leaves is found and removed, and nothing else is."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from halfopen.labs.docker import garbage
from halfopen.labs.docker.engine import HELPER_IMAGE
from tests.lab.processes import wait_until
from tests.lab.scenarios import SHORT, halfopen, write_short

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("images"), pytest.mark.timeout(300)]

PATIENCE_S = 120
IN_FLIGHT_S = 10
# Long enough to be found alive, whatever else the machine does; every run here is ended.
LONG = SHORT.replace("wait: 2 h", "wait: 1000 h")


@pytest.fixture
def node(request: pytest.FixtureRequest) -> list[str]:
    """What to put before a command that is to run on a machine of its own name.

    Every docker lab that starts removes what it finds of killed runs on its own machine; these
    tests are not the only ones that start some.
    """
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    script = 'echo "$0" > /proc/sys/kernel/hostname && exec "$@"'
    name = f"node-{os.getpid()}-{abs(hash(request.node.name)) % 10**6}"
    # Under nohup and the like an interrupt is ignored, and children inherit that.
    return ["env", "--default-signal=INT", "unshare", *user, "--uts", "sh", "-c", script, name]


@pytest.fixture
def stranger(client: docker.DockerClient) -> Iterator[str]:
    """A container that is none of ours, though it is of our image and has a like name."""
    made = client.containers.create(
        HELPER_IMAGE, ["sleep", "infinity"], network_mode="none",
        name=f"halfopen-stranger-{os.getpid()}", labels={"half.open.run": "no", "run": "x"},
    )  # fmt: skip
    made.start()
    yield str(made.id)
    made.remove(force=True)


def _start(node: list[str], directory: Path) -> subprocess.Popen[bytes]:
    directory.mkdir()
    scenario = write_short(directory, LONG)
    command = [*node, sys.executable, "-m", "halfopen", "run", str(scenario), "--lab", "docker"]
    command += ["--variant", "leaks", "--no-report", "--quiet"]
    return subprocess.Popen(
        command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


# Dies right after the engine was asked to start a container for the nth time.
DIES = """
import os, signal, sys, threading, time
from docker.models.containers import Container
from halfopen.cli.main import main

start, asked, nth = Container.start, 0, int(sys.argv.pop(1))

def dies(self, **more):
    global asked
    asked += 1
    if asked == nth:
        threading.Thread(target=start, args=(self,)).start()
        time.sleep(0.02 if nth % 2 else 2.0)  # on its way, or done
        os.kill(os.getpid(), signal.SIGKILL)
    start(self, **more)

Container.start = dies
main()
"""


@pytest.mark.parametrize("nth", range(1, 6))
def test_what_nobody_was_told_of_ends_too(
    tmp_path: Path, client: docker.DockerClient, node: list[str], nth: int
) -> None:
    """Helper, two pause containers, two programs are started one after the other."""
    scenario = write_short(tmp_path, LONG)
    command = [*node, sys.executable, "-c", DIES, str(nth), "run", str(scenario), "--lab", "docker"]
    command += ["--variant", "leaks", "--no-report", "--quiet"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assert process.wait(PATIENCE_S) == -signal.SIGKILL
        # What is on its way comes up first, unless the engine gives it up.
        wait_until(lambda: _started(client, process.pid) >= nth, IN_FLIGHT_S, 0.2)
        assert wait_until(lambda: _running(client, process.pid) == 0, PATIENCE_S, 0.5)
        left = _of(client, process.pid)
        assert left is not None and len(left.containers) >= nth
    finally:
        process.kill()
        process.wait()
        _clean(node)


def _clean(node: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*node, sys.executable, "-m", "halfopen", "clean", *options],
        capture_output=True, text=True, timeout=PATIENCE_S,
    )  # fmt: skip


def _of(client: docker.DockerClient, pid: int) -> garbage.Leftover | None:
    """What there is of the run that the process `pid` plays."""
    for each in client.api.containers(all=True, filters={"label": garbage.RUN}):
        if f'"pid": {pid},' in each["Labels"][garbage.OWNER]:
            run = each["Labels"][garbage.RUN]
            return next((r for r in garbage.find(client) if r.run == run), None)
    return None


def _running(client: docker.DockerClient, pid: int) -> int:
    found = _of(client, pid)
    return 0 if found is None else found.running


def _started(client: docker.DockerClient, pid: int) -> int:
    """How many containers of that run were ever started."""
    found = client.api.containers(all=True, filters={"label": garbage.RUN})
    return sum(
        each["State"] != "created" and f'"pid": {pid},' in each["Labels"][garbage.OWNER]
        for each in found
    )


def test_a_killed_run_is_removed_by_clean_and_nothing_else_is(
    tmp_path: Path, client: docker.DockerClient, stranger: str, node: list[str]
) -> None:
    """`kill -9` of one of two runs.

    Five containers each: helper, two holders, two programs.
    """
    killed, alive = _start(node, tmp_path / "killed"), _start(node, tmp_path / "alive")
    try:
        for each in (killed, alive):
            assert wait_until(lambda pid=each.pid: _running(client, pid) == 5, PATIENCE_S)  # type: ignore[misc]
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        # Its helper notices, and nothing runs any more; the entries are still there.
        assert wait_until(lambda: _running(client, killed.pid) == 0, PATIENCE_S)
        left = _of(client, killed.pid)
        assert left is not None
        assert (len(left.containers), len(left.volumes)) == (5, 1)

        told = _clean(node, "--dry-run")
        assert "would be removed, its process is gone" in told.stdout
        assert _of(client, killed.pid) is not None

        done = _clean(node)
        assert done.returncode == 0, done.stderr
        assert f"{left.run}: 5 containers and 1 volume, 0 running: removed" in done.stdout
        assert all(name in done.stdout for name in left.containers)
        assert re.search(r"^\d+ containers? and \d+ volumes? of \d+ runs?\n", done.stdout)
        assert re.search(r"\nkept: \d+ containers? and \d+ volumes? of \d+ runs?\n$", done.stdout)
        goes_on = _of(client, alive.pid)
        assert goes_on is not None
        line = f"{goes_on.run}: 5 containers and 1 volume, 5 running: kept, still running"
        assert line in done.stdout
        assert _of(client, killed.pid) is None
        assert _running(client, alive.pid) == 5
        assert client.containers.get(stranger).status == "running"
    finally:
        for each in (killed, alive):
            each.send_signal(signal.SIGINT if each is alive else signal.SIGKILL)
            each.wait(PATIENCE_S)
    # An interrupted run takes its own away.
    assert _of(client, alive.pid) is None


def test_the_next_run_removes_what_a_killed_one_left(
    tmp_path: Path, client: docker.DockerClient, node: list[str]
) -> None:
    first = _start(node, tmp_path / "first")
    assert wait_until(lambda: _running(client, first.pid) > 0, PATIENCE_S)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert _of(client, first.pid) is not None
    second = _start(node, tmp_path / "second")
    try:
        assert wait_until(lambda: _running(client, second.pid) > 0, PATIENCE_S)
        assert _of(client, first.pid) is None
    finally:
        second.send_signal(signal.SIGINT)
        second.wait(PATIENCE_S)


def test_a_run_of_another_machine_is_left_alone_unless_it_is_named(
    tmp_path: Path, client: docker.DockerClient
) -> None:
    run = garbage.new_run()
    labels = garbage.labels(run, "files")
    labels[garbage.OWNER] = '{"node": "elsewhere/1", "pid": 1, "started": 1.0}'
    volume = client.volumes.create(f"halfopen-{run}", labels=labels)
    try:
        done = halfopen("clean", cwd=tmp_path)
        assert done.returncode == 0
        assert f"{run}: 0 containers and 1 volume, 0 running: kept" in done.stdout
        assert volume.name in [each.name for each in client.volumes.list()]
        assert halfopen("clean", "--run", "nothing-of-that-name", cwd=tmp_path).returncode == 2
        named = halfopen("clean", "--run", run, cwd=tmp_path)
        assert named.returncode == 0
        assert volume.name not in [each.name for each in client.volumes.list()]
    finally:
        garbage.remove(client, garbage.Leftover(run, "", "", (), (f"halfopen-{run}",), 0))
