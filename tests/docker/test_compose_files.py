"""The compose files show live what they promise, and keep to the conventions."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import docker
import pytest
from ruamel.yaml import YAML

from halfopen.errors import HalfopenError
from halfopen.labs.docker.engine import missing_image
from halfopen.middlebox.attachment import Attachment
from halfopen.model.topology import Interface
from halfopen.products.images import our_image
from tests.docker.apart import networked_engine

COMPOSE = Path(__file__).parents[2] / "compose"
FILES = sorted(COMPOSE.glob("*/compose.yaml"))
IMAGES = ["kafka", "middlebox", "relpio", "rsyslog", "toxiproxy"]
NAMES = [file.parent.name for file in FILES]

# FortiGate's hour in six seconds; whoever speaks each nine comes too late.
FAST = {"SCALE": "600", "SILENCE": "9", "ACK_TIMEOUT": "2", "KEEPALIVE": "1/1/3"}

# One engine, and one set of projects, for all.
pytestmark = pytest.mark.xdist_group("compose")


def _live(test: Callable[..., None]) -> Callable[..., None]:
    marked: Callable[..., None] = pytest.mark.docker(pytest.mark.timeout(300)(test))
    return marked


@dataclass
class Project:
    """What one `docker compose up` has started."""

    name: str
    client: docker.DockerClient

    def log(self, service: str) -> str:
        label = [f"com.docker.compose.project={self.name}", f"com.docker.compose.service={service}"]
        found = self.client.containers.list(all=True, filters={"label": label})
        return "".join(each.logs().decode(errors="replace") for each in found)

    def wait(self, service: str, *texts: str) -> str:
        """Wait until its log says all of that; returns the log."""
        return self.until(service, lambda log: all(text in log for text in texts), str(texts))

    def until(self, service: str, holds: Callable[[str], bool], what: str) -> str:
        """Wait until something holds for its log; returns the log."""
        deadline = time.monotonic() + 120
        while not holds(log := self.log(service)):
            assert time.monotonic() < deadline, f"{service} never said {what}:\n{log}"
            time.sleep(0.3)
        return log


@pytest.fixture(scope="module")
def engine(images: None) -> Iterator[str]:
    """Address of an engine with bridge networks and our images."""
    names = [our_image(name) for name in IMAGES]
    client = docker.from_env()
    there = {tag for image in client.images.list() for tag in image.tags}
    client.close()
    if missing := [name for name in names if name not in there]:
        pytest.skip(missing_image(missing[0]))
    with networked_engine(names) as address:
        yield address


@contextlib.contextmanager
def _up(engine: str, name: str, settings: Mapping[str, str]) -> Iterator[Project]:
    compose = _compose()
    project = f"halfopen-{uuid.uuid4().hex[:8]}"
    client = docker.DockerClient(base_url=engine)
    environment = {**os.environ, "DOCKER_HOST": engine, **FAST, **settings}

    def run(*arguments: str) -> None:
        done = subprocess.run(
            [*compose, "-p", project, *arguments],
            cwd=COMPOSE / name,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    try:
        run("up", "-d")
        yield Project(project, client)
    finally:
        run("down", "--timeout", "1", "--volumes")
        client.close()


@cache
def _compose() -> list[str]:
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) is None:
            continue
        if subprocess.run([*command, "version"], capture_output=True).returncode == 0:
            return command
    pytest.skip("neither `docker compose` nor docker-compose: install docker-compose")


# What is up: a directory of compose/, and what it is told beside FAST.
SHOWN: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "firewall": ("relp-firewall", {}),
    "toxiproxy": ("relp-toxiproxy", {"PAUSE": "3"}),
    "rsyslog": ("rsyslog", {"KEEPALIVE": "off"}),
    "rsyslog with keepalive": ("rsyslog", {"KEEPALIVE": "on"}),
    "kafka": ("kafka", {}),
    "kafka with keepalive": ("kafka", {"PRELOAD": "libkeepalive.so.0"}),
}


@pytest.fixture(scope="module")
def projects(engine: str) -> Iterator[Mapping[str, Project]]:
    """All of them up at once: they do little but wait."""
    ups = [_up(engine, directory, settings) for directory, settings in SHOWN.values()]
    with ThreadPoolExecutor(len(ups)) as pool, contextlib.ExitStack() as stack:
        started = [pool.submit(up.__enter__) for up in ups]
        stack.callback(lambda: list(pool.map(lambda up: up.__exit__(None, None, None), ups)))
        yield dict(zip(SHOWN, [each.result() for each in started], strict=True))


def _most(log: str) -> int:
    return max((int(n) for n in re.findall(r"holds (\d+) connections", log)), default=0)


@_live
def test_relp_behind_a_firewall(projects: Mapping[str, Project]) -> None:
    project = projects["firewall"]
    project.wait("middlebox", "forgets a flow after 6 s", "FORGOTTEN", "late packets")
    project.wait("without-keepalive", "session lost: reason ack-timeout", "replay")
    # Two senders, and yet three connections: nobody told the receiver of the dead one.
    project.until("connections", lambda log: _most(log) > 2, "more than 2 connections")
    project.wait("receiver", "without keepalive 2", "with keepalive 3")
    assert "session lost" not in project.log("with-keepalive")


@_live
def test_relp_through_toxiproxy(projects: Mapping[str, Project]) -> None:
    project = projects["toxiproxy"]
    project.wait("faults", "answers STALL", "answers flow again")
    project.wait("sender", "session lost: reason ack-timeout", "replay")
    # Acknowledgements were lost, no message was: what was sent again came twice.
    lines = project.wait("receiver", "message 10\n").splitlines()
    received = [line for line in lines if line.startswith("message ")]
    assert {f"message {n}" for n in range(1, 11)} <= set(received)
    assert len(received) > len(set(received))


@_live
def test_rsyslog_to_rsyslog(projects: Mapping[str, Project]) -> None:
    project = projects["rsyslog"]
    project.wait("receiver", "received: message 1\n")
    project.wait("middlebox", "FORGOTTEN", "late packets")
    project.wait("sender", "logs message 3\n")
    assert "received: message 2\n" not in project.log("receiver")


@_live
def test_rsyslog_with_keepalive(projects: Mapping[str, Project]) -> None:
    project = projects["rsyslog with keepalive"]
    project.wait("receiver", "received: message 1\n", "received: message 3\n")
    assert "FORGOTTEN" not in project.log("middlebox")


@_live
def test_a_kafka_broker_keeps_dead_connections(projects: Mapping[str, Project]) -> None:
    project = projects["kafka"]
    project.wait("middlebox", "FORGOTTEN", "late packets")
    # One producer, and yet three connections: it made two more, and nobody told the broker.
    project.until("connections", lambda log: _most(log) > 2, "more than 2 connections")
    project.wait("producer", "acked 3\n")
    project.wait("reader", "message 1\n", "message 3\n")


@_live
def test_a_kafka_broker_with_libkeepalive(projects: Mapping[str, Project]) -> None:
    project = projects["kafka with keepalive"]
    project.wait("reader", "message 1\n", "message 3\n")
    assert "FORGOTTEN" not in project.log("middlebox")


@_live
def test_a_middlebox_names_the_settings_that_it_lacks(engine: str) -> None:
    done = subprocess.run(
        ["docker", "--host", engine, "run", "--rm", "--network", "none", "--cap-drop", "ALL",
         "--sysctl", "net.ipv4.ip_forward=0", our_image("middlebox")],
        capture_output=True,
        text=True,
        timeout=250,
    )  # fmt: skip
    assert (done.returncode, "`sysctls`:\nnet.ipv4.ip_forward: 1" in done.stderr) == (1, True), done


def _firewall() -> ModuleType:
    source = COMPOSE / "images" / "middlebox" / "firewall.py"
    spec = importlib.util.spec_from_file_location("firewall", source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        ("fortinet", "PROFILE=fortinet: there is none; available"),
        ("haproxy", "PROFILE=haproxy: this is a proxy"),
    ],
)
def test_a_middlebox_says_what_is_wrong(profile: str, said: str) -> None:
    with pytest.raises(HalfopenError, match=said):
        _firewall().values_of(profile, 1)


@pytest.mark.parametrize(("late", "refusal"), [("drop", "drop"), ("rst sender", "reject")])
def test_a_middlebox_has_the_timers_of_its_profile(late: str, refusal: str) -> None:
    firewall = _firewall()
    values = firewall.values_of("fortigate", 300) | {"late_packet": late}
    rules = firewall.gateway(
        values,
        Attachment(
            Interface("in", "198.18.1.1", 24, "client"),
            Interface("out", "198.18.2.1", 24, "server"),
            "198.18.2.2",
        ),
    )
    assert "established: 12," in rules and "unack: 12," in rules
    assert f"ct state invalid,new,untracked {refusal}" in rules


def _services(name: str) -> Mapping[str, Any]:
    loaded = YAML(typ="safe", pure=True).load((COMPOSE / name / "compose.yaml").read_text())
    services: dict[str, Any] = loaded["services"]
    return services


def test_all_of_them_are_tested() -> None:
    assert NAMES == ["kafka", "relp-firewall", "relp-toxiproxy", "rsyslog"]


@pytest.mark.parametrize("name", NAMES)
def test_conventions(name: str) -> None:
    text = (COMPOSE / name / "compose.yaml").read_text()
    loaded = YAML(typ="safe", pure=True).load(text)
    assert all(network == {"internal": True} for network in loaded["networks"].values())
    for service, each in loaded["services"].items():
        where = f"{name}: {service}"
        image, _, version = each["image"].partition(":")
        assert f"{image}:{version}" == our_image(image.removeprefix("halfopen-")), where
        assert (COMPOSE / "images" / image.removeprefix("halfopen-") / "Dockerfile").exists(), where
        assert each["cap_drop"] == ["ALL"] and each["read_only"] and each["init"], where
        assert each["security_opt"] == ["no-new-privileges:true"], where
        assert not each.keys() & {"privileged", "ports", "devices", "pid"}, where
        wanted = ["NET_ADMIN"] if service == "middlebox" else None
        assert each.get("cap_add") == wanted, where
        assert "healthcheck" in each or service == "middlebox", where  # its image has one
        dockerfile = (
            COMPOSE / "images" / image.removeprefix("halfopen-") / "Dockerfile"
        ).read_text()
        ordinary = "USER 10514:10514" in dockerfile or each.get("user") == "10514:10514"
        assert ordinary or service == "middlebox", where
