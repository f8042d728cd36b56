"""What the tests that need namespaces share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import relpio
from halfopen.labs.netns import sandbox
from tests.lab.rsyslogs import Start


@pytest.fixture(scope="session")
def netns() -> None:
    """Skip, with the reason, where the netns lab does not work."""
    if problems := sandbox.missing():
        pytest.skip(f"needs the netns lab: {'; '.join(problems)}")


@pytest.fixture(scope="session")
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
