"""What a fault of a host claims is what a program on that host sees, and its healing too."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from halfopen.errors import UnsupportedError
from halfopen.labs.netns.lab import LAB, NetnsLab
from halfopen.model.history import Record
from halfopen.model.topology import lay_out
from halfopen.ports import Demands, ProgramSpec, Ready
from halfopen.probes.cpu import SpareMeter
from halfopen.verbs import (
    Behaviour,
    DrainBacklog,
    FillBacklog,
    FillDisk,
    LimitFds,
    LimitMemory,
    ReplaceProgram,
    RestartProgram,
    RestoreProgram,
    SetDiskReadOnly,
    SetDnsBehaviour,
    SlowDisk,
    StepClock,
    Verb,
)

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("netns")]

LOOKER = Path(__file__).with_name("looker.py")
_DEADLINE_S = 30.0


class World:
    """Two hosts, `here` and `other`, joined by a link, and what their programs see."""

    def __init__(self, lab: NetnsLab, records: list[Record], addresses: dict[str, str]) -> None:
        self.lab = lab
        self.records = records
        self.addresses = addresses

    async def look(self, host: str, what: str, *arguments: str) -> None:
        """Start a looker."""
        argv = (sys.executable, str(LOOKER), what, *arguments)
        await self.lab.start(host, ProgramSpec(what, argv, {}, ready=Ready(event="sees")))

    def views(self, what: str) -> list[Any]:
        """All that was seen of it, in order."""
        return [
            record["event"]["value"]
            for record in self.records
            if record["kind"] == "log"
            and record["event"].get("event") == "sees"
            and record["event"]["what"] == what
        ]

    async def until(self, what: str, value: Any) -> None:
        """Wait until that is what is seen."""
        async with asyncio.timeout(_DEADLINE_S):
            while True:
                if self.views(what)[-1:] == [value]:
                    return
                await asyncio.sleep(0.02)

    async def shows(self, what: str, *steps: tuple[Verb | None, Any]) -> None:
        """Do verb by verb; each time wait for what must then be seen."""
        for verb, value in steps:
            if verb is not None:
                await self.lab.apply(verb)
            await self.until(what, value)

    def exits(self, process: str) -> list[int | None]:
        """The exit statuses of a program."""
        return [
            record["status"]
            for record in self.records
            if record["kind"] == "process"
            and (record["process"], record["state"]) == (process, "exited")
        ]


@asynccontextmanager
async def world(directory: Path, *verbs: type[Verb]) -> AsyncIterator[World]:
    """A lab that is prepared for `verbs` at `here`."""
    if lacking := [each for verb in verbs for each in LAB.lacks(verb)]:
        pytest.skip("; ".join(lacking))
    records: list[Record] = []
    networks = lay_out(("here", "other"))
    addresses = {name: network.address for name, network in networks.items()}
    demands: Demands = {"here": verbs}
    async with NetnsLab(directory, "token", records.append) as lab:
        await lab.build([("here", "other")], networks, {}, {}, demands)
        yield World(lab, records, addresses)


async def _clock(directory: Path) -> None:
    async with world(directory, StepClock) as here:
        await here.look("here", "clock")
        await here.shows(
            "clock",
            (None, 0),
            (StepClock("here", 86400.0), 24),
            (StepClock("here", -2 * 86400.0), -24),
        )


def test_a_clock_step_is_seen_while_the_program_runs(tmp_path: Path) -> None:
    asyncio.run(_clock(tmp_path))


async def _full(directory: Path) -> None:
    async with world(directory, FillDisk) as here:
        disk = str(here.lab.disk("here"))
        await here.look("here", "disk", disk)
        await here.shows("write", (None, "works"), (FillDisk("here", 65536), "ENOSPC"))
        size = here.lab.disk("here") / "open"
        assert not size.exists(), "the disk is the sandbox's own while the run goes on"
        await here.shows("write", (FillDisk("here", None), "works"))
        await here.lab.finish()
        assert size.stat().st_size >= 8192, "after the run its files are there"


def test_a_full_disk_takes_nothing_until_it_is_healed(tmp_path: Path) -> None:
    asyncio.run(_full(tmp_path))


async def _least_waited_for_disks() -> float:
    """For which part of three seconds, at least, something waited for the machine's disks."""
    meter, shares = SpareMeter(), []
    for _ in range(3):  # others may use the disk now and then
        await asyncio.sleep(1)
        shares.append(meter.read().io_s or 0.0)
    return min(shares)


async def _weak(directory: Path) -> None:
    async with world(directory, SetDiskReadOnly, SlowDisk) as here:
        await here.look("here", "disk", str(here.lab.disk("here")))
        await here.shows("write", (None, "works"), (SetDiskReadOnly("here", True), "EROFS"))
        await here.until("create", "EROFS")
        await here.shows("write", (SetDiskReadOnly("here", False), "works"))
        await here.until("create", "works")
        await here.shows("slow", (SlowDisk("here", 0.2), True))
        assert await _least_waited_for_disks() < 0.5, "a fault is not the machine's lateness"
        before = len(here.views("write"))
        await here.shows("slow", (SlowDisk("here", 0.0), False))
        assert len(here.views("write")) == before, "a slow disk is slow, it fails nothing"
        assert (here.lab.disk("here") / "open").stat().st_size >= 8192


def test_a_weak_disk_is_slow_or_refuses_changes_in_open_files(tmp_path: Path) -> None:
    asyncio.run(_weak(tmp_path))


async def _disks_of_both_kinds(directory: Path) -> None:
    async with world(directory, FillDisk, SetDiskReadOnly) as here:
        await here.look("here", "disk", str(here.lab.disk("here")))
        await here.shows(
            "write",
            (None, "works"),
            (FillDisk("here", 0), "ENOSPC"),
            (SetDiskReadOnly("here", True), "EROFS"),
            (FillDisk("here", None), "EROFS"),
            (SetDiskReadOnly("here", False), "works"),
        )


def test_a_disk_may_be_full_and_read_only(tmp_path: Path) -> None:
    asyncio.run(_disks_of_both_kinds(tmp_path))


def _name_files() -> list[bytes]:
    paths = [Path("/etc") / name for name in ("resolv.conf", "hosts", "nsswitch.conf")]
    return [path.read_bytes() for path in paths if path.exists()]


async def _names(directory: Path) -> None:
    machine = _name_files()
    async with world(directory, SetDnsBehaviour) as here:
        await here.look("here", "names")
        right = here.addresses["other"]
        await here.shows(
            "name",
            (None, right),
            (SetDnsBehaviour("here", "no such name"), "EAI_NONAME"),
            (SetDnsBehaviour("here", "refused"), "EAI_AGAIN"),
            (SetDnsBehaviour("here", "wrong address"), right.rpartition(".")[0] + ".250"),
            (SetDnsBehaviour("here", "silent"), "EAI_AGAIN"),
            (SetDnsBehaviour("here", "right"), right),
        )
        assert _name_files() == machine, "the machine's own files are untouched"


def test_names_fail_in_each_way_and_come_back(tmp_path: Path) -> None:
    asyncio.run(_names(tmp_path))


async def _limits(directory: Path) -> None:
    async with world(directory, LimitMemory, LimitFds) as here:
        await here.look("here", "memory")
        await here.shows(
            "memory",
            (None, "works"),
            (far := LimitMemory("here", 1 << 40), "works"),
        )
        assert (await here.lab.touched(far)).counts == {"bytes": 0}, "it never comes to it"
        await here.shows("memory", (near := LimitMemory("here", 1 << 20), "ENOMEM"))
        assert (await here.lab.touched(near)).counts["bytes"] > 1 << 20
        await here.shows("memory", (LimitMemory("here", None), "works"))
        await here.lab.stop("here")
        await here.look("here", "fds")
        (first,) = here.views("fds")
        await here.shows("fds", (LimitFds("here", 17), 17), (LimitFds("here", None), first))


def test_limits_of_a_running_program_hold_and_are_taken_back(tmp_path: Path) -> None:
    asyncio.run(_limits(tmp_path))


async def _backlog(directory: Path) -> None:
    async with world(directory, FillBacklog) as here:
        await here.look("here", "greeter", here.addresses["here"])
        await here.look("other", "peer", here.addresses["here"])
        await here.shows(
            "peer",
            (None, "hello"),
            (FillBacklog("here"), "silence"),
            (DrainBacklog("here"), "hello"),
        )
        assert not here.exits("greeter")


def test_a_full_backlog_answers_nobody(tmp_path: Path) -> None:
    asyncio.run(_backlog(tmp_path))


async def _replacements(directory: Path) -> None:
    async with world(directory, ReplaceProgram) as here:
        await here.look("here", "greeter", here.addresses["here"])
        await here.look("other", "peer", here.addresses["here"])
        await here.until("peer", "hello")
        cases: tuple[tuple[Behaviour, str], ...] = (
            ("never answers", "silence"),
            ("answers 500", "1 rsp 63"),
            ("closes at once", ""),
        )
        for does, says in cases:
            await here.shows(
                "peer", (ReplaceProgram("here", does), says), (RestoreProgram("here"), "hello")
            )
        assert here.exits("misbehaving-receiver") == [-15] * 3


def test_somebody_else_answers_in_the_place_of_a_program(tmp_path: Path) -> None:
    asyncio.run(_replacements(tmp_path))


async def _restarts(directory: Path) -> None:
    async with world(directory, RestartProgram) as here:
        await here.look("here", "greeter", here.addresses["here"])
        await here.look("other", "peer", here.addresses["here"])
        await here.until("peer", "hello")
        before = here.lab.now()
        await here.lab.apply(RestartProgram("here", orderly=True, down=0.5))
        assert here.lab.now() - before >= 0.5
        assert "ConnectionRefusedError" in here.views("peer")
        await here.until("peer", "hello")
        await here.lab.apply(RestartProgram("here", orderly=False))
        await here.until("peer", "hello")
        assert here.exits("greeter") == [-15, -9]
        assert here.views("greeter") == ["listens"] * 3


def test_a_program_is_restarted_in_order_or_not(tmp_path: Path) -> None:
    asyncio.run(_restarts(tmp_path))


def test_what_a_host_was_not_prepared_for_is_refused_in_words(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as here:
            await here.lab.apply(StepClock("here", by=3600.0))

    with pytest.raises(UnsupportedError, match="here was not prepared for StepClock"):
        asyncio.run(play())
