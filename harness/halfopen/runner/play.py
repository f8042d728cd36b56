"""Plays one plan in one lab and writes the history; it judges nothing."""

from __future__ import annotations

import asyncio
import datetime
import random
import shutil
import string
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from halfopen.errors import LabError, UnsupportedError, UsageError
from halfopen.model.history import FILE_NAME, VERSION, HistoryWriter
from halfopen.model.messages import Form
from halfopen.model.plan import Plan, PlannedHost, PlannedStep
from halfopen.model.records import EndRecord, HeaderRecord, Record, StepRecord, at
from halfopen.model.topology import HostNetwork, addresses_seen, lay_out
from halfopen.pcap.files import DIRECTORY
from halfopen.ports import (
    Demands,
    Fault,
    Lab,
    LabSpec,
    ProgramSpec,
    SystemContext,
    SystemSpec,
    Vocabulary,
)
from halfopen.runner.conditions import Conditions, UnmetError
from halfopen.runner.injection import Injector
from halfopen.runner.settling import Settling
from halfopen.systems import _libkeepalive as preload
from halfopen.verbs import Verb

Listener = Callable[[Plan, Record], None]
"""Is told of every record as it is written; what it does cannot change the run."""

SAMPLE_S = 0.25
# How long after the last step messages may still be under way, in lab seconds.  They need
# milliseconds; what takes longer than this is what the scenario is about.
_ARRIVE_S = 3.0
_START_ORDER = ("receiver", "proxy", "sender")


def message_token(plan: Plan) -> str:
    """The identity of a run's messages: eight letters or digits that follow from the seed."""
    rng = random.Random(f"{plan.seed}/{plan.scenario}/{plan.variant}")
    return "".join(rng.choices(string.ascii_lowercase + string.digits, k=8))


def verbs_of(plan: Plan, vocabulary: Vocabulary) -> list[tuple[Fault, Verb]]:
    """Every verb that the faults of a plan come to, with its fault."""
    found = []
    for step in plan.steps:
        if step.do == "fault":
            kind = vocabulary.faults[step.args["name"]]
            fault = kind.model_validate(step.args["params"])
            found += [(fault, verb) for verb in fault.every_verb()]
    return found


def needs(plan: Plan, vocabulary: Vocabulary, lab: LabSpec) -> str | None:
    """What of a plan the lab cannot do here, in words; None if it can do all."""
    for fault, verb in verbs_of(plan, vocabulary):
        if type(verb) not in lab.verbs:
            return f"the lab {lab.name} cannot do the fault {fault.name!r}"
        if lacking := lab.lacks(type(verb)):
            return f"the fault {fault.name!r} cannot be done here: {'; '.join(lacking)}"
    for host in plan.hosts:
        if reason := out_of_place(host, vocabulary, lab):
            return reason
        if not lab.images and (lacking := lacking_for(host, vocabulary)):
            return f"{host.system} cannot be run on {host.name}: {'; '.join(lacking)}"
    return None


def out_of_place(host: PlannedHost, vocabulary: Vocabulary, lab: LabSpec) -> str | None:
    """What of a host is for labs with containers and this is none, or the other way round."""
    if not lab.images:
        if host.image is not None:
            return (
                f"{host.name} runs the image {host.image}, which the lab {lab.name} cannot: "
                "use --lab docker"
            )
        if host.limits:
            return f"{host.name} has limits, which the lab {lab.name} has not: use --lab docker"
        return None
    system = None if host.system is None else vocabulary.systems[host.system]
    if system is None or host.image is not None:
        return None
    if reason := system.beyond_image(system.options.model_validate(dict(host.options))):
        return f"the lab {lab.name} cannot run it on {host.name}: {reason}"
    if system.product is None or system.image is not None:
        return None
    return (
        f"the lab {lab.name} has no image of {system.product.name} for {host.name}: name one that "
        "holds it as `image`"
    )


def lacking_for(host: PlannedHost, vocabulary: Vocabulary) -> Sequence[str]:
    """What this machine lacks for the system of a host, each with its remedy."""
    if host.system is None:
        return ()
    system = vocabulary.systems[host.system]
    lacking = list(system.missing(system.options.model_validate(dict(host.options))))
    return [*lacking, *preload.missing()] if host.preload_keepalive is not None else lacking


def demands(plan: Plan, vocabulary: Vocabulary) -> Demands:
    """The kinds of verbs that a plan asks of each host."""
    found: dict[str, set[type[Verb]]] = {}
    for _, verb in verbs_of(plan, vocabulary):
        for host in verb.hosts:
            found.setdefault(host, set()).add(type(verb))
    return found


def header_record(plan: Plan, addresses: Mapping[str, str]) -> HeaderRecord:
    """The first record of a history: the plan, and the addresses that the hosts got."""
    return {
        "t": 0.0,
        "kind": "header",
        "version": VERSION,
        "scenario": plan.scenario,
        "file": plan.file,
        "variant": plan.variant,
        "lab": plan.lab,
        "scale": plan.scale,
        "seed": plan.seed,
        "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "sample_s": SAMPLE_S,
        "addresses": dict(addresses),
        "plan": plan.to_json(),
    }


class Player:
    """One run of one plan.

    Args:
        plan: what to do.
        vocabulary: the systems and faults that it names.
        directory: for the history and the programs' files; an earlier run's history is replaced.
        listener: is told of every record.
        pcap: each link is captured, into a file below `directory`.
    """

    def __init__(
        self,
        plan: Plan,
        vocabulary: Vocabulary,
        directory: Path,
        listener: Listener | None = None,
        *,
        pcap: bool = False,
    ) -> None:
        self._plan = plan
        self._vocabulary = vocabulary
        self._directory = directory
        self._listener = listener
        self._captures = (directory / DIRECTORY).resolve() if pcap else None
        self._networks: Mapping[str, HostNetwork] = lay_out(
            plan.path, family=plan.family, returns=plan.returns
        )
        self._addresses = {name: network.address for name, network in self._networks.items()}
        self._next_seq = 1
        self._background_s = 0.0
        self._changed = asyncio.Event()
        self._conditions = Conditions()
        self._settling = Settling(SAMPLE_S)
        self._broken: LabError | None = None
        self._contained = False
        self._hosts = {host.name: host for host in plan.hosts}  # as they are by now

    async def play(self, spec: LabSpec) -> None:
        """Play the plan, from the building of the lab to its end.

        However it ends, the history has an `end` record that says how, unless the process dies.

        Raises:
            UnsupportedError: if the lab cannot do what the plan needs; nothing was judged.
            asyncio.CancelledError: if the run was interrupted.
        """
        if reason := needs(self._plan, self._vocabulary, spec):
            raise UnsupportedError(reason)
        if self._captures is not None and not spec.captures:
            raise UnsupportedError(f"the lab {spec.name} cannot capture what its links carry")
        self._contained = spec.images
        self._make_room()
        with (self._directory / FILE_NAME).open("w", encoding="utf-8") as file:
            self._writer = HistoryWriter(file)
            self._write(header_record(self._plan, self._addresses))
            end: EndRecord = {"kind": "end", "reason": "complete", "detail": ""}
            begun = time.monotonic()
            try:
                token = message_token(self._plan)
                async with spec.open(self._directory / "hosts", token, self._write) as lab:
                    begun = lab.origin
                    await self._in(lab)
            except UnsupportedError as error:
                end["reason"], end["detail"] = "unsupported", str(error)
                raise
            except UnmetError as error:
                end["reason"], end["detail"] = "unmet", str(error)
            except LabError as error:
                end["reason"], end["detail"] = "error", str(error)
            except asyncio.CancelledError:
                end["reason"] = "interrupted"
                raise
            finally:
                self._write(at(time.monotonic() - begun, end))

    def _make_room(self) -> None:
        """Remove what an earlier run left in the directory, and nothing that is not ours."""
        history, files = self._directory / FILE_NAME, self._directory / "hosts"
        if files.exists():
            if not history.exists():
                raise UsageError(f"{files} is not from a run of halfopen; name another --out")
            shutil.rmtree(files)
            shutil.rmtree(self._directory / DIRECTORY, ignore_errors=True)
        (self._captures or self._directory).mkdir(parents=True, exist_ok=True)

    async def _in(self, lab: Lab) -> None:
        plan = self._plan
        sysctls = {host.name: host.sysctls for host in plan.hosts}
        middleboxes = {name: plan.host(name).options for name in plan.middleboxes}
        wanted = demands(plan, self._vocabulary)
        await lab.build(plan.path, self._networks, middleboxes, sysctls, wanted)
        if self._captures is not None:
            await lab.capture(self._captures)
        endpoints = [host for host in plan.hosts if host.system is not None]
        # Senders last: one that finds nobody would begin with its back-off.
        for host in sorted(endpoints, key=lambda h: _START_ORDER.index(self._system(h).role)):
            await self._start(lab, host)

        def stamp(record: Record) -> None:
            self._write(at(lab.now(), record))

        def renew(host: str, options: Mapping[str, Any]) -> ProgramSpec:
            self._hosts[host] = replace(self._hosts[host], options=options)
            return self._programs(lab, self._hosts[host])[-1]

        faults = Injector(lab, self._vocabulary, self._conditions, stamp, renew)
        try:
            for index, step in enumerate(plan.steps):
                mark: StepRecord = {
                    "kind": "step",
                    "index": index,
                    "text": step.text,
                    "line": step.line,
                    "state": "begin",
                }
                stamp(mark)
                await self._step(lab, faults, step)
                stamp({**mark, "state": "end"})
                self._stop_if_broken(faults)
            await lab.fed(self._background_s)
            await faults.heal_all()
            self._stop_if_broken(faults)
        finally:
            faults.abandon()
        await self._arrive()
        await self._settling.wait(lab.now, lab.sample)
        await lab.finish()
        self._stop_if_broken(faults)

    def _stop_if_broken(self, faults: Injector) -> None:
        if (failure := self._broken or faults.failure) is not None:
            raise failure

    def _programs(self, lab: Lab, host: PlannedHost) -> tuple[ProgramSpec, ...]:
        system, plan = self._system(host), self._plan
        context = SystemContext(
            host=host.name,
            address=self._addresses[host.name],
            addresses=addresses_seen(plan.path, self._networks, plan.translating, host.name),
            directory=str(lab.disk(host.name)),
            seed=self._plan.seed,
            base=str(Path(self._plan.file).resolve().parent),
            notes=str(lab.host_directory(host.name)),
            contained=self._contained,
            sockets=str(lab.sockets(host.name)),
        )
        options = system.options.model_validate(dict(host.options))
        image = host.image or system.image
        programs = tuple(
            replace(each, image=image, limits=host.limits)
            for each in system.programs(options, context)
        )
        if host.preload_keepalive is None:
            return programs
        extra = preload.environment(host.preload_keepalive, lab.libkeepalive)
        return tuple(replace(each, env={**each.env, **extra}) for each in programs)

    async def _start(self, lab: Lab, host: PlannedHost) -> None:
        *others, subject = self._programs(lab, host)
        for program in others:
            await lab.start(host.name, program, program.starts_within, keep=True)
        await lab.start(host.name, subject, subject.starts_within)

    async def _step(self, lab: Lab, faults: Injector, step: PlannedStep) -> None:
        arguments = step.args
        match step.do:
            case "send":
                count, every = arguments["count"], arguments["every"] or 0.0
                first, self._next_seq = self._next_seq, self._next_seq + count
                background = arguments["background"]
                if background:
                    self._background_s += count * every
                form = Form(arguments["severity"], arguments["size"])
                await lab.feed(arguments["host"], first, count, every, background, form)
            case "wait":
                await asyncio.sleep(arguments["seconds"])
            case "wait until":
                await faults.reach(arguments["until"], arguments["at_most"], step)
            case "fault":
                await faults.begin(step)
            case "heal":
                await faults.heal(arguments["name"])
            case "stop":
                await lab.stop(arguments["host"])
            case "start":
                await self._start(lab, self._hosts[arguments["host"]])
            case unknown:
                raise LabError(f"the runner knows no step {unknown!r}")

    async def _arrive(self) -> None:
        """Wait until all that was sent has arrived, but not longer than things take to arrive."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_ARRIVE_S):
                while not self._conditions.figures.all_delivered:
                    self._changed.clear()
                    await self._changed.wait()

    def _system(self, host: PlannedHost) -> SystemSpec:
        return self._vocabulary.systems[host.system or ""]

    def _write(self, record: Record) -> None:
        self._writer.write(record)
        self._conditions.take(record)
        self._settling.take(record)
        if record["kind"] in ("delivered", "refused"):
            self._changed.set()
        elif record["kind"] == "lab":
            self._broken = LabError(record["problem"])
            self._conditions.give_up(self._broken)
        if self._listener is not None:
            self._listener(self._plan, record)
