"""The helper has the capabilities that it needs, and no other."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Collection
from pathlib import Path

import docker
import pytest

from halfopen.errors import HalfopenError
from halfopen.labs.docker.containers import CAPABILITIES
from halfopen.labs.docker.session import DockerLab
from halfopen.model.history import Record
from halfopen.model.program import Feed, ProgramSpec, Ready
from halfopen.model.topology import lay_out
from halfopen.products.images import our_image
from halfopen.profiles import all_profiles
from halfopen.verbs import LimitFds, SignalProgram

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("images"), pytest.mark.timeout(240)]

PATH = ("sender", "firewall", "receiver")
EVERYTHING = {"plugged", "fds", "delivered", "killed"}


async def _until(condition: Callable[[], bool], patience: float) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        await asyncio.sleep(0.1)


async def _exercise(
    directory: Path, capabilities: Collection[str], patience: float
) -> tuple[set[str], float]:
    """What could be done and seen of programs of another user, with these capabilities.

    And how long that took, seconds.
    """
    begun = time.monotonic()
    records: list[Record] = []
    done: set[str] = set()
    values = all_profiles()["fortigate"].values.model_dump() | {"engine": "userspace"}
    lab = DockerLab(directory, "abcdefgh", records.append, tuple(capabilities))
    try:
        async with lab:
            networks = lay_out(PATH)
            await lab.build([PATH], networks, {"firewall": values}, {}, {})
            done.add("plugged")
            address = networks["receiver"].address
            output = str(lab.disk("receiver") / "messages")
            image = our_image("relpio")
            python = (sys.executable, "-m", "relpio")
            receive = (*python, "receive", "--output", output, "--log-json")
            await lab.start("receiver", ProgramSpec(
                "receive", (*receive, "--listen", f"{address}:2514"), {},
                ready=Ready(listening=2514), output=output, image=image,
            ))  # fmt: skip
            await lab.start("sender", ProgramSpec(
                "send", (*python, "send", "--target", f"{address}:2514", "--log-json"), {},
                ready=Ready(connected=2514), feed=Feed(), image=image,
            ))  # fmt: skip
            await lab.feed("sender", 1, 20)
            await _until(
                lambda: any(r["kind"] == "delivered" and r["seqs"] for r in records), patience
            )
            done.add("delivered")
            await lab.sample()
            if {r["host"] for r in records if r["kind"] == "fds"} == {"sender", "receiver"}:
                done.add("fds")
            await lab.apply(SignalProgram("receiver", "KILL"))
            await _until(lambda: any(r.get("state") == "exited" for r in records), patience)
            done.add("killed")
    except (HalfopenError, TimeoutError) as error:
        (directory / "why").write_text(f"{capabilities}: {error}")
    return done, time.monotonic() - begun


def test_each_capability_of_the_helper_is_needed(tmp_path: Path) -> None:
    """All of them: everything works.  Any one left out: something does not."""

    async def without_one(took: float) -> list[set[str]]:
        work = []
        for left_out in CAPABILITIES:
            (tmp_path / left_out).mkdir()
            rest = [each for each in CAPABILITIES if each != left_out]
            work.append(_exercise(tmp_path / left_out, rest, 2 * took))
        return [done for done, _ in await asyncio.gather(*work)]

    (tmp_path / "all").mkdir()
    everything, took = asyncio.run(_exercise(tmp_path / "all", CAPABILITIES, 60))
    assert everything == EVERYTHING
    for name, done in zip(CAPABILITIES, asyncio.run(without_one(took)), strict=True):
        assert done < EVERYTHING, f"{name} is not needed"


def test_the_containers_have_no_network_and_are_not_privileged(
    tmp_path: Path, client: docker.DockerClient
) -> None:
    async def look() -> list[dict[str, object]]:
        async with DockerLab(tmp_path, "abcdefgh", lambda _: None) as lab:
            await lab.build([PATH], lay_out(PATH), {}, {}, {})
            run = lab.run
            found = client.api.containers(filters={"label": f"halfopen.run={run}"})
            return [client.api.inspect_container(each["Id"]) for each in found]

    inspected = asyncio.run(look())
    assert len(inspected) == 1 + len(PATH)
    for each in inspected:
        host = json.loads(json.dumps(each["HostConfig"]))
        assert host["NetworkMode"] == "none"
        assert not host["Privileged"]
        assert host["CapDrop"] == ["ALL"]
        assert not host["Binds"]
        assert not host["PortBindings"]
    privileged = [json.loads(json.dumps(each["HostConfig"])) for each in inspected]
    assert [each["CapAdd"] for each in privileged if each["CapAdd"]] == [list(CAPABILITIES)]


def test_what_cannot_be_limited_is_said(tmp_path: Path) -> None:
    """A program of another user keeps its limits: CAP_SYS_RESOURCE is not asked for."""

    async def limit() -> None:
        async with DockerLab(tmp_path, "abcdefgh", lambda _: None) as lab:
            await lab.build([PATH], lay_out(PATH), {}, {}, {})
            await lab.start("sender", ProgramSpec(
                "idle", ("python3", "-c", "import signal; signal.pause()"), {},
                image=our_image("relpio"),
            ))  # fmt: skip
            await lab.apply(LimitFds("sender", 3))

    with pytest.raises(HalfopenError, match="another user"):
        asyncio.run(limit())
