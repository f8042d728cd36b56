"""Each thing that can be wrong with engine, image or container has its own clear words."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests.lab.scenarios import halfopen, write_short

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("images"), pytest.mark.timeout(240)]

OWN = """\
scenario: an image of one's own
scale: 1800
hosts:
  sender:
    run: command send
    image: IMAGE
    start: START
  firewall: { profile: fortigate }
  receiver: { run: tcp server, port: 4000 }
path: [sender, firewall, receiver]
steps:
  - send: 20 messages
expect:
  - delivery: { lost: 0, corrupted: 0 }
"""


@pytest.fixture(scope="module")
def bare() -> Iterator[str]:
    """An image that holds one statically linked program, /bin/relay, and no shell."""
    program = shutil.which("busybox")
    if program is None:
        pytest.skip("needs busybox-static: apt-get install busybox-static")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(program, "bin/busybox")
    client = docker.from_env()
    name = f"bare-{os.getpid()}"
    client.api.import_image_from_data(buffer.getvalue(), repository=name, tag="1")
    yield f"{name}:1"
    client.images.remove(f"{name}:1", force=True)
    client.close()


def _play(
    directory: Path, image: str, start: str, more: str = ""
) -> subprocess.CompletedProcess[str]:
    text = OWN.replace("IMAGE", image).replace("START", start + more)
    path = write_short(directory, text)
    return halfopen("run", path, "--lab", "docker", "--no-report", "-q", cwd=directory)


def _words(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stdout + done.stderr).split())


def test_an_image_without_a_shell_is_no_problem(tmp_path: Path, bare: str) -> None:
    done = _play(tmp_path, bare, '["/bin/busybox", nc, "${receiver}", "4000"]')
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_shell_that_an_image_has_not_is_named(tmp_path: Path, bare: str) -> None:
    done = _play(tmp_path, bare, '[sh, -c, "nc ${receiver} 4000"]')
    assert done.returncode == 3
    assert "its image holds no program 'sh'" in _words(done)
    assert "without a shell" in _words(done)


def test_a_container_that_dies_at_its_start_is_shown_with_what_it_said(
    tmp_path: Path, bare: str
) -> None:
    ready = "\n    ready: { connected: 4000 }"
    done = _play(tmp_path, bare, '["/bin/busybox", ls, /no/such/place]', ready)
    assert done.returncode == 3
    assert "ended as soon as it started" in _words(done)
    assert "/no/such/place: No such file" in _words(done)


def test_an_image_that_is_not_there_is_named_with_the_way_to_get_it(tmp_path: Path) -> None:
    done = _play(tmp_path, "nobody/has-this:7.3", "[anything]")
    assert done.returncode == 3
    assert "docker pull nobody/has-this:7.3" in _words(done)


def test_one_of_ours_that_is_not_there_is_to_be_made(tmp_path: Path) -> None:
    done = _play(tmp_path, "halfopen-relpio:0.0.0", "[anything]")
    assert done.returncode == 3
    assert "make images" in _words(done)


def test_what_is_no_image_at_all_is_wrong_input_with_its_line(tmp_path: Path) -> None:
    done = _play(tmp_path, '"--privileged"', "[anything]")
    assert done.returncode == 2
    assert "short.scenario.yaml:6:" in done.stderr


def test_what_only_an_image_can_say_needs_one(tmp_path: Path) -> None:
    text = OWN.replace("    image: IMAGE\n    start: START\n", "    arguments: [send]\n")
    done = halfopen("run", write_short(tmp_path, text), "--lab", "docker", cwd=tmp_path)
    assert done.returncode == 2
    assert "short.scenario.yaml:4: without `start` the image decides what runs" in " ".join(
        done.stderr.split()
    )
    assert "host sender names none; add `image: ...`" in " ".join(done.stderr.split())


def test_no_engine_is_3_and_says_what_to_start(tmp_path: Path) -> None:
    path = write_short(tmp_path)
    nowhere = {"DOCKER_HOST": f"unix://{tmp_path}/no.sock"}
    done = halfopen("run", path, "--lab", "docker", cwd=tmp_path, env=nowhere)
    assert done.returncode == 3
    assert "no Docker engine answers" in done.stderr
    assert "apt-get install docker.io" in " ".join(done.stderr.split())
    cleaned = halfopen("clean", cwd=tmp_path, env=nowhere)
    assert cleaned.returncode == 3
    told = halfopen("doctor", cwd=tmp_path, env=nowhere)
    assert "no Docker engine" in " ".join(told.stdout.split())
