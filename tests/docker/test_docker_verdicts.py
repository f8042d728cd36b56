"""The docker lab gives verdicts to an ordinary user, and of images of one's own."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from halfopen.pcap.files import read_capture
from halfopen.products.images import our_image
from tests.lab.scenarios import INCIDENT, halfopen, write_short

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("images"), pytest.mark.timeout(400)]

SOAK = bool(os.environ.get("HALFOPEN_SOAK"))
SOCKET = Path("/var/run/docker.sock")
NOBODY_IN_PARTICULAR = 54321
TREE = Path(__file__).parents[2]


@pytest.fixture
def anywhere() -> Iterator[Path]:
    """A directory that every user can enter and write to; pytest's own are root's alone."""
    path = Path(tempfile.mkdtemp(prefix="halfopen-user-"))
    path.chmod(0o777)
    (path / "code").mkdir()
    (path / "python").mkdir()
    yield path
    shutil.rmtree(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="then every other test here is this one")
def test_a_user_in_the_group_of_the_socket_needs_neither_root_nor_sudo(anywhere: Path) -> None:
    """All variants of the FortiGate incident."""
    scenario = anywhere / INCIDENT.name
    shutil.copyfile(INCIDENT, scenario)
    group = SOCKET.stat().st_gid
    assert stat.S_IMODE(SOCKET.stat().st_mode) & stat.S_IWGRP
    user = str(NOBODY_IN_PARTICULAR)
    # Our code may lie in a home directory that is closed to others: root's always is.
    mounted = """mount --bind "$1" code && mount --bind "$2" python && shift 2 && exec "$@" """
    readable = {"PYTHONPATH": f"{anywhere}/code/harness:{anywhere}/code/impl"}

    played = None if SOAK else ("keepalive-off", "keepalive-1800")
    chosen = [word for variant in played or () for word in ("--variant", variant)]

    def as_user(*groups: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", mounted, "sh", str(TREE), sys.prefix,
             "setpriv", "--reuid", user, "--regid", user, *groups, "--bounding-set=-all",
             "--inh-caps=-all", "--no-new-privs", str(anywhere / "python/bin/python"), "-m",
             "halfopen", "run", str(scenario), "--lab", "docker", "--no-report", "-q",
             "--json", "r.json", *chosen],
            cwd=anywhere, env={**os.environ, "HOME": str(anywhere), **readable}, text=True,
            capture_output=True, timeout=300,
        )  # fmt: skip

    done = as_user("--groups", str(group))
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((anywhere / "r.json").read_text())["results"]
    assert len(results) == (len(played) if played else 6)
    assert {each["verdict"] for each in results} <= {"pass", "reproduced"}
    # What its programs wrote is where it is after a run in namespaces, and the user's own.
    messages = anywhere / "out/fortigate-idle-relp/keepalive-1800/hosts/receiver/disk/messages"
    assert len(messages.read_text().splitlines()) == 95
    assert messages.stat().st_uid == int(user)
    refused = as_user("--clear-groups")
    assert refused.returncode == 3
    assert "no permission" in refused.stderr
    assert "usermod -aG docker" in refused.stderr


IMAGES = """\
scenario: images of their own
scale: 1800
hosts:
  sender:
    run: relpio send
    to: receiver
    image: RELPIO
    limits: { nofile: 256, memory: 256 MiB, cpu: 1 }
  firewall: { profile: fortigate }
  receiver: { run: rsyslog receive }
path: [sender, firewall, receiver]
steps:
  - send: 20 messages
  - wait: 2 h
  - send: 20 messages
expect:
  - delivery: { lost: 0, corrupted: 0, duplicated: at most 20 }
  - fds: { at: sender, kind: tcp, at end: 1 }
  - half-open: { at: receiver, at end: 0 }
reproduces: { half-open: 1 }
"""


def test_images_run_as_their_own_user_within_limits(tmp_path: Path) -> None:
    """That of relpio runs as a user who is nobody in particular; that of rsyslog is root."""
    path = write_short(tmp_path, IMAGES.replace("RELPIO", our_image("relpio")))
    done = halfopen("run", path, "--lab", "docker", "--no-report", "-q", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    history = (tmp_path / "out/short/default/history.jsonl").read_text().splitlines()
    samples = [each for each in map(json.loads, history) if each["kind"] == "fds"]
    assert {each["limit"] for each in samples if each["host"] == "sender"} == {256}
    assert {each["process"] for each in samples} == {"relpio-send", "rsyslog-receive"}


def test_the_scenario_of_the_guide_runs_as_it_says(tmp_path: Path) -> None:
    """What its images run by themselves, told by arguments and by a file; and captured."""
    page = (Path(__file__).parents[2] / "docs/docker.md").read_text()
    (whole,) = re.findall(r"```yaml\n(scenario:.*?)```", page, re.DOTALL)
    path = write_short(tmp_path, whole)
    done = halfopen("run", path, "--lab", "docker", "--pcap", "--no-report", "-q", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    captures = [read_capture(p) for p in (tmp_path / "out/short/default/captures").iterdir()]
    assert len(captures) == 2
    said = {frame.comment for each in captures for frame in each.frames if frame.comment}
    assert said and all("dropped by firewall: no such flow" in each for each in said)


def test_other_labs_say_that_they_run_no_images(tmp_path: Path) -> None:
    path = write_short(tmp_path, IMAGES.replace("RELPIO", our_image("relpio")))
    done = halfopen("run", path, "--no-report", cwd=tmp_path)
    assert done.returncode == 3
    assert "--lab docker" in " ".join(done.stdout.split())
