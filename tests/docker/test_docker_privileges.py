"""The helper has the capabilities that it needs, and no other."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Collection
from pathlib import Path

import docker
import pytest

from halfopen.errors import HalfopenError
from halfopen.labs.docker.containers import CAPABILITIES
from halfopen.labs.docker.session import DockerLab
from halfopen.model.history import Record
from halfopen.model.images import our_image
from halfopen.model.program import Feed, ProgramSpec, Ready
from halfopen.model.topology import lay_out
from halfopen.profiles import all_profiles
from halfopen.verbs import LimitFds, SignalProgram

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("images"), pytest.mark.timeout(240)]

PATH = ("sender", "firewall", "receiver")
EVERYTHING = {"plugged", "fds", "delivered", "killed"}


async def _exercise(directory: Path, capabilities: Collection[str]) -> set[str]:
    """What could be done and seen of programs of another user, with these capabilities."""
    records: list[Record] = []
    done: set[str] = set()
    values = all_profiles()["fortigate"].values.model_dump() | {"engine": "userspace"}
    lab = DockerLab(directory, "abcdefgh", records.append, tuple(capabilities))
    try:
        async with lab:
            networks = lay_out(PATH)
            await lab.build(PATH, networks, {"firewall": values}, {})
            done.add("plugged")
            address = networks["receiver"].address
            output = str(lab.disk("receiver") / "messages")
            image = our_image("relpio")
            python = (sys.executable, "-m", "relpio")
            receive = (*python, "receive", "--output", output, "--log-json")
            await lab.start("receiver", ProgramSpec(
                "receive", (*receive, "--listen", f"{address}:2514"), {},
                ready=Ready(event="listening"), output=output, image=image,
            ))  # fmt: skip
            await lab.start("sender", ProgramSpec(
                "send", (*python, "send", "--target", f"{address}:2514", "--log-json"), {},
                ready=Ready(event="session-open"), feed=Feed(), image=image,
            ))  # fmt: skip
            await lab.feed("sender", 1, 20)
            async with asyncio.timeout(20):
                while not any(r["kind"] == "delivered" and r["seqs"] for r in records):
                    await lab.sample()
                    await asyncio.sleep(0.1)
            done.add("delivered")
            if {r["host"] for r in records if r["kind"] == "fds"} == {"sender", "receiver"}:
                done.add("fds")
            await lab.apply(SignalProgram("receiver", "KILL"))
            async with asyncio.timeout(20):
                while not any(r["kind"] == "process" and r["state"] == "exited" for r in records):
                    await asyncio.sleep(0.1)
            done.add("killed")
    except (HalfopenError, TimeoutError) as error:
        (directory / "why").write_text(f"{capabilities}: {error}")
    return done


def test_each_capability_of_the_helper_is_needed(tmp_path: Path) -> None:
    """All of them: everything works.  Any one left out: something does not."""

    async def all_of_them() -> dict[str, set[str]]:
        choices = {"none": CAPABILITIES}
        for left_out in CAPABILITIES:
            choices[left_out] = tuple(each for each in CAPABILITIES if each != left_out)
        for name in choices:
            (tmp_path / name).mkdir()
        found = await asyncio.gather(
            *(_exercise(tmp_path / name, chosen) for name, chosen in choices.items())
        )
        return dict(zip(choices, found, strict=True))

    found = asyncio.run(all_of_them())
    assert found.pop("none") == EVERYTHING
    for name, done in found.items():
        assert done < EVERYTHING, f"{name} is not needed"


def test_the_containers_have_no_network_and_are_not_privileged(
    tmp_path: Path, client: docker.DockerClient
) -> None:
    async def look() -> list[dict[str, object]]:
        async with DockerLab(tmp_path, "abcdefgh", lambda _: None) as lab:
            await lab.build(PATH, lay_out(PATH), {}, {})
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
            await lab.build(PATH, lay_out(PATH), {}, {})
            await lab.start("sender", ProgramSpec(
                "idle", ("python3", "-c", "import signal; signal.pause()"), {},
                image=our_image("relpio"),
            ))  # fmt: skip
            await lab.apply(LimitFds("sender", 3))

    with pytest.raises(HalfopenError, match="another user"):
        asyncio.run(limit())
