"""Plays one plan in one lab and writes the history; it judges nothing."""

from __future__ import annotations

import asyncio
import datetime
import random
import shutil
import string
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from halfopen.errors import LabError, UnsupportedError, UsageError
from halfopen.model.history import FILE_NAME, VERSION, HistoryWriter, Record, expand
from halfopen.model.plan import Plan, PlannedHost, PlannedStep
from halfopen.model.topology import HostNetwork, lay_out
from halfopen.ports import FaultSpec, Lab, LabSpec, SystemContext, Vocabulary
from halfopen.verbs import Verb

Listener = Callable[[Plan, Record], None]
"""Is told of every record as it is written; what it does cannot change the run."""

SAMPLE_S = 0.25
# How long after the last step messages may still be under way, in lab seconds.  They need
# milliseconds; what takes longer than this is what the scenario is about.
_SETTLE_S = 3.0
_AFTERMATH_S = 4 * SAMPLE_S


def message_token(plan: Plan) -> str:
    """The identity of a run's messages: eight letters or digits that follow from the seed."""
    rng = random.Random(f"{plan.seed}/{plan.scenario}/{plan.variant}")
    return "".join(rng.choices(string.ascii_lowercase + string.digits, k=8))


def verbs_of(plan: Plan, vocabulary: Vocabulary) -> list[tuple[FaultSpec, Verb]]:
    """Every verb that the faults of a plan come to, with its fault."""
    found = []
    for step in plan.steps:
        if step.do == "fault":
            spec = vocabulary.faults[step.args["name"]]
            params = spec.params.model_validate(step.args["params"])
            found += [(spec, verb) for verb in spec.every_verb(params)]
    return found


def needs(plan: Plan, vocabulary: Vocabulary, lab: LabSpec) -> str | None:
    """What of a plan the lab cannot do here, in words; None if it can do all."""
    for spec, verb in verbs_of(plan, vocabulary):
        if type(verb) not in lab.verbs:
            return f"the lab {lab.name} cannot do the fault {spec.name!r}"
        if lacking := lab.lacks(type(verb)):
            return f"the fault {spec.name!r} cannot be done here: {'; '.join(lacking)}"
    return None


def demands(plan: Plan, vocabulary: Vocabulary) -> dict[str, set[str]]:
    """The names of the verbs that a plan asks of each middlebox."""
    found: dict[str, set[str]] = {name: set() for name in plan.middleboxes}
    for _, verb in verbs_of(plan, vocabulary):
        at = getattr(verb, "at", None)
        if at in found:
            found[at].add(type(verb).__name__)
    return found


def header_record(plan: Plan, addresses: Mapping[str, str]) -> Record:
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


@dataclass(eq=False)
class _OpenFault:
    """A fault that was injected and is yet to be healed."""

    spec: FaultSpec
    params: Any
    step: PlannedStep
    healing: asyncio.Task[None] | None = None

    @property
    def mark(self) -> dict[str, Any]:
        """The fields of its records."""
        name, step = self.spec.name, self.step
        return {"kind": "fault", "name": name, "text": step.text, "line": step.line}


class Player:
    """One run of one plan.

    Args:
        plan: what to do.
        vocabulary: the systems and faults that it names.
        directory: for the history and the programs' files; an earlier run's history is replaced.
        listener: is told of every record.
    """

    def __init__(
        self, plan: Plan, vocabulary: Vocabulary, directory: Path, listener: Listener | None = None
    ) -> None:
        self._plan = plan
        self._vocabulary = vocabulary
        self._directory = directory
        self._listener = listener
        self._networks: Mapping[str, HostNetwork] = lay_out(plan.path)
        self._addresses = {name: network.address for name, network in self._networks.items()}
        self._next_seq = 1
        self._background_s = 0.0
        self._changed = asyncio.Event()
        self._sent: set[int] = set()
        self._arrived: set[int] = set()
        self._broken: str | None = None
        self._open: list[_OpenFault] = []

    async def play(self, spec: LabSpec) -> None:
        """Play the plan, from the building of the lab to its end.

        However it ends, the history has an `end` record that says how, unless the process dies.

        Raises:
            UnsupportedError: if the lab cannot do what the plan needs; nothing was judged.
            asyncio.CancelledError: if the run was interrupted.
        """
        if reason := needs(self._plan, self._vocabulary, spec):
            raise UnsupportedError(reason)
        self._make_room()
        with (self._directory / FILE_NAME).open("w", encoding="utf-8") as file:
            self._writer = HistoryWriter(file)
            self._write(header_record(self._plan, self._addresses))
            end: dict[str, Any] = {"kind": "end", "reason": "complete", "detail": ""}
            begun = time.monotonic()
            try:
                token = message_token(self._plan)
                async with spec.open(self._directory / "hosts", token, self._write) as lab:
                    begun = lab.origin
                    await self._in(lab)
            except UnsupportedError as error:
                end |= {"reason": "unsupported", "detail": str(error)}
                raise
            except LabError as error:
                end |= {"reason": "error", "detail": str(error)}
            except asyncio.CancelledError:
                end |= {"reason": "interrupted"}
                raise
            finally:
                self._write({"t": round(time.monotonic() - begun, 4), **end})

    def _make_room(self) -> None:
        """Remove what an earlier run left in the directory, and nothing that is not ours."""
        history, files = self._directory / FILE_NAME, self._directory / "hosts"
        if files.exists():
            if not history.exists():
                raise UsageError(f"{files} is not from a run of halfopen; name another --out")
            shutil.rmtree(files)
        self._directory.mkdir(parents=True, exist_ok=True)

    async def _in(self, lab: Lab) -> None:
        plan = self._plan
        sysctls = {host.name: host.sysctls for host in plan.hosts}
        middleboxes = {name: plan.host(name).options for name in plan.middleboxes}
        wanted = demands(plan, self._vocabulary)
        await lab.build(plan.path, self._networks, middleboxes, sysctls, wanted)
        endpoints = [host for host in plan.hosts if host.system is not None]
        # Receivers first: a sender that finds nobody would begin with its back-off.
        for host in sorted(endpoints, key=lambda h: self._system(h).role != "receiver"):
            await self._start(lab, host)
        for index, step in enumerate(plan.steps):
            mark = {"kind": "step", "index": index, "text": step.text, "line": step.line}
            self._write({"t": round(lab.now(), 4), **mark, "state": "begin"})
            await self._step(lab, step)
            self._write({"t": round(lab.now(), 4), **mark, "state": "end"})
        await lab.fed(self._background_s)
        await self._heal_all(lab)
        await self._settle()
        # The samples of two hosts are not of one moment: what is true at the end has to be seen
        # to last for a few of them.
        await asyncio.sleep(_AFTERMATH_S)
        await lab.finish()
        if self._broken is not None:
            raise LabError(self._broken)

    async def _start(self, lab: Lab, host: PlannedHost) -> None:
        system = self._system(host)
        context = SystemContext(
            host=host.name,
            address=self._addresses[host.name],
            addresses=self._addresses,
            directory=str(lab.host_directory(host.name)),
            seed=self._plan.seed,
        )
        options = system.options.model_validate(dict(host.options))
        await lab.start(host.name, system.program(options, context))

    async def _step(self, lab: Lab, step: PlannedStep) -> None:
        arguments = step.args
        match step.do:
            case "send":
                count, every = arguments["count"], arguments["every"] or 0.0
                first, self._next_seq = self._next_seq, self._next_seq + count
                background = arguments["background"]
                if background:
                    self._background_s += count * every
                await lab.feed(arguments["host"], first, count, every, background)
            case "wait":
                await asyncio.sleep(arguments["seconds"])
            case "fault":
                await self._inject(lab, step)
            case "heal":
                for fault in [f for f in self._open if f.spec.name == arguments["name"]]:
                    await self._heal(lab, fault)
            case "stop":
                await lab.stop(arguments["host"])
            case "start":
                await self._start(lab, self._plan.host(arguments["host"]))
            case unknown:
                raise LabError(f"the runner knows no step {unknown!r}")
        if self._broken is not None:
            raise LabError(self._broken)

    async def _inject(self, lab: Lab, step: PlannedStep) -> None:
        spec = self._vocabulary.faults[step.args["name"]]
        fault = _OpenFault(spec, spec.params.model_validate(step.args["params"]), step)
        self._write({"t": round(lab.now(), 4), **fault.mark, "state": "begin"})
        flows: list[str] = []
        for verb in spec.verbs(fault.params):
            flows += await lab.apply(verb)
        if not spec.heal(fault.params):
            self._write({"t": round(lab.now(), 4), **fault.mark, "state": "end", "flows": flows})
            return
        self._open.append(fault)
        if step.args["lasts"]:
            fault.healing = asyncio.create_task(self._heal_later(lab, fault, step.args["lasts"]))

    async def _heal_later(self, lab: Lab, fault: _OpenFault, seconds: float) -> None:
        await asyncio.sleep(seconds)
        fault.healing = None
        try:
            await self._heal(lab, fault)
        except LabError as error:
            self._broken = str(error)

    async def _heal(self, lab: Lab, fault: _OpenFault) -> None:
        self._open.remove(fault)
        if fault.healing is not None:
            fault.healing.cancel()
        for verb in fault.spec.heal(fault.params):
            await lab.apply(verb)
        self._write({"t": round(lab.now(), 4), **fault.mark, "state": "end", "flows": []})

    async def _heal_all(self, lab: Lab) -> None:
        """Heal before judging: the question is what is left of the damage, not that there is some.

        A fault that has a time of its own keeps it; one that `stays` is judged as it is.
        """
        for fault in list(self._open):
            if fault.healing is not None:
                await asyncio.wait([fault.healing])
            elif not fault.step.args["stays"]:
                await self._heal(lab, fault)

    async def _settle(self) -> None:
        """Wait until all that was sent has arrived, but not longer than things take to arrive."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                while not self._sent <= self._arrived:
                    self._changed.clear()
                    await self._changed.wait()

    def _system(self, host: PlannedHost) -> Any:
        return self._vocabulary.systems[host.system or ""]

    def _write(self, record: Record) -> None:
        self._writer.write(record)
        kind = record["kind"]
        if kind == "sent":
            self._sent.update(expand(record["seqs"]))
        elif kind == "delivered":
            self._arrived.update(expand(record["seqs"]))
            self._changed.set()
        elif kind == "lab":
            self._broken = str(record["problem"])
        if self._listener is not None:
            self._listener(self._plan, record)
