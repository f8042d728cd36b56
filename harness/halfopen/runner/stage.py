"""The stage of a run: its hosts, programs, messages and faults in one lab.

Whatever plays something in a lab plays it here: scenarios (:mod:`halfopen.runner.play`), the Python
API (:mod:`halfopen.api`) and the proof of an advice (:mod:`halfopen.advice.proof`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Self

from halfopen.errors import HalfopenError, LabError, UnsupportedError
from halfopen.model.messages import DEFAULT, MessageShape, feeding_s
from halfopen.model.plan import PlannedHost
from halfopen.model.records import EffectRecord, FaultRecord, Record, at
from halfopen.model.sampling import SAMPLE_S
from halfopen.model.topology import Family, HostNetwork, addresses_seen, lay_out
from halfopen.ports import Demands, Fault, LabSpec, ProgramSpec, SystemContext, Vocabulary
from halfopen.products import libkeepalive
from halfopen.runner.aftermath import OpenQuestion
from halfopen.runner.conditions import Conditions
from halfopen.runner.effects import Effect
from halfopen.runner.injected import Injected
from halfopen.runner.requirements import fault_needs, host_needs
from halfopen.runner.settling import Settling
from halfopen.verbs import RestartProgram, Verb

# How long after the last step messages may still be under way, in lab seconds.  They need
# milliseconds; what takes longer than this is what the scenario is about.
_ARRIVE_S = 3.0
_DECISIVE = ("delivered", "refused", "acked", "sockets", "conntrack", "process")
"""Records that can end the wait for what has not happened yet."""
# Senders last: one that finds nobody would begin with its back-off.
_START_ORDER = ("receiver", "proxy", "sender")


class Stage:
    """A lab in use: an asynchronous context manager; leaving it takes the lab away.

    Args:
        spec: the kind of lab.
        directory: for the programs' files.
        token: identity of the run's messages.
        record: takes every record, stamped with lab time.
        vocabulary: the systems and faults that can be named.
        seed: seed of the random generator in programs.
        base: directory relative to which options name files; empty if there is none.
        at_end: by what factor the end is waited for longer, see :mod:`halfopen.model.plan`.

    Attributes:
        lab: the lab.
        conditions: what steps may wait for, and the figures behind it.
        hosts: as they are by now: a fault may change the options of one.
        faults: those that were injected and are not healed.
        failure: what went wrong in the background.
        overtime_s: lab seconds for which :meth:`settle` took longer because samples were late.
    """

    def __init__(
        self,
        spec: LabSpec,
        directory: Path,
        token: str,
        record: Callable[[Record], None],
        vocabulary: Vocabulary,
        *,
        seed: int = 0,
        base: str = "",
        at_end: float = 1.0,
    ) -> None:
        self._spec = spec
        self._record = record
        self._vocabulary = vocabulary
        self._seed = seed
        self._base = base
        self._at_end = at_end
        self.lab = spec.open(directory, token, self._take)
        self.conditions = Conditions()
        self.hosts: dict[str, PlannedHost] = {}
        self.faults: list[Injected] = []
        self.failure: HalfopenError | None = None
        self._paths: Sequence[Sequence[str]] = ()
        self._networks: Mapping[str, HostNetwork] = {}
        self._settling = Settling(SAMPLE_S)
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._next_seq = 1
        self._feeding_s = 0.0
        self.overtime_s = 0.0

    async def __aenter__(self) -> Self:
        await self.lab.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        for fault in self.faults:
            fault.abandon()
        for task in self._tasks:
            task.cancel()
        await self.lab.__aexit__(*error)

    @property
    def addresses(self) -> dict[str, str]:
        """The address of every host by name."""
        return {name: network.address for name, network in self._networks.items()}

    async def build(
        self,
        hosts: Sequence[PlannedHost],
        path: Sequence[str],
        demands: Demands,
        *,
        family: Family = "ipv4",
        returns: Sequence[str] = (),
        branches: Sequence[Sequence[str]] = (),
        captures: Path | None = None,
    ) -> None:
        """Make the hosts and their links.

        Args:
            hosts: endpoints and middleboxes, with their options.
            path: their names, from end to end.
            demands: what faults will ask of each: what a host is not prepared for is refused.
            family: of the addresses.
            returns: the names on the way back, if it differs.
            branches: further paths.
            captures: a directory, which is there, for what each link carries.

        Raises:
            ValueError: if the paths make no topology.
            UnsupportedError: if the lab cannot play a profile.
            LabError: if the lab breaks.
        """
        self._networks = lay_out(path, family=family, returns=returns, branches=branches)
        self._paths = (path, *branches)
        self.hosts = {host.name: host for host in hosts}
        middleboxes = {host.name: host.options for host in hosts if host.profile is not None}
        sysctls = {host.name: host.sysctls for host in hosts}
        await self.lab.build(self._paths, self._networks, middleboxes, sysctls, demands)
        if captures is not None:
            await self.lab.capture(captures)

    async def start_all(self) -> None:
        """Start the programs of all endpoints, receivers first."""
        endpoints = [host for host in self.hosts.values() if host.system is not None]
        for host in sorted(endpoints, key=self._start_order):
            await self.start(host.name)

    def _start_order(self, host: PlannedHost) -> int:
        return _START_ORDER.index(self._vocabulary.systems[host.system or ""].role)

    async def start(self, name: str) -> int:
        """Start the programs of a host; returns the pid of its subject when it is ready.

        Raises:
            UnsupportedError: if the lab does not support its system here.
            LabError: if a program does not start.
        """
        if reason := host_needs(self.hosts[name], self._vocabulary, self._spec):
            raise UnsupportedError(reason)
        *others, subject = self.programs(name)
        for program in others:
            await self.lab.start(name, program, program.starts_within * self._at_end, keep=True)
        return await self.lab.start(name, subject, subject.starts_within * self._at_end)

    def programs(self, name: str) -> tuple[ProgramSpec, ...]:
        """The programs of a host, as its options are by now; its subject is the last."""
        host = self.hosts[name]
        system = self._vocabulary.systems[host.system or ""]
        context = SystemContext(
            host=name,
            address=self.addresses[name],
            addresses=addresses_seen(self._paths, self._networks, self._translating(), name),
            directory=str(self.lab.disk(name)),
            seed=self._seed,
            base=self._base,
            ledger_directory=str(self.lab.host_directory(name)),
            contained=self._spec.images,
            sockets=str(self.lab.sockets(name)),
        )
        options = system.model_validate(dict(host.options))
        image = host.image or system.image
        programs = tuple(
            replace(each, image=image, limits=host.limits) for each in options.programs(context)
        )
        if host.preload_keepalive is None:
            return programs
        extra = libkeepalive.environment(host.preload_keepalive, self.lab.libkeepalive)
        return tuple(replace(each, env={**each.env, **extra}) for each in programs)

    def _translating(self) -> dict[str, str]:
        found = {
            name: str(host.options.get("nat", "none"))
            for name, host in self.hosts.items()
            if host.profile is not None
        }
        return {name: nat for name, nat in found.items() if nat != "none"}

    async def stop(self, name: str, timeout: float = 5.0) -> None:
        """End the programs of a host, by force after `timeout` seconds each."""
        await self.lab.stop(name, timeout * self._at_end)

    async def send(
        self,
        name: str,
        count: int,
        *,
        every: float = 0.0,
        background: bool = False,
        form: MessageShape = DEFAULT,
    ) -> None:
        """Feed numbered messages to the program on a host.

        Args:
            name: of the host.
            count: of messages; their numbers go on from those that were sent before.
            every: lab seconds between two of them.
            background: return at once.
            form: of the messages.
        """
        first, self._next_seq = self._next_seq, self._next_seq + count
        self._feeding_s += feeding_s(count, every)
        await self.lab.feed(name, first, count, every, background, form)

    async def fed(self) -> list[str]:
        """Wait until what is fed is written; returns a sentence for each step that is not."""
        return await self.lab.fed(self._feeding_s)

    async def inject(
        self,
        fault: Fault,
        *,
        text: str,
        line: int = 0,
        options: Mapping[str, Any] | None = None,
        ends_later: bool = False,
        may_miss: bool = False,
    ) -> Injected:
        """Begin a fault now; what it does later goes on in the background.

        Args:
            fault: with durations of the lab.
            text: of the step, for the history.
            line: of the step.
            options: all options of the host whose options it changes, from now on.
            ends_later: it is healed by somebody, and not after the last thing that it does.
            may_miss: it is all right if it touches nothing.

        Raises:
            UnsupportedError: if the lab does not support it here, or was not told of it.
            LabError: if the lab breaks.
        """
        if reason := fault_needs(fault, self._spec):
            raise UnsupportedError(reason)
        mark: FaultRecord = {
            "kind": "fault",
            "name": fault.name,
            "text": text,
            "line": line,
            "state": "begin",
        }
        self.note(mark)
        effect = Effect(fault, self.lab.apply, self.lab.touched)
        flows: list[str] = []
        await self._look()
        for verb in self._verbs(fault, options):
            flows += (await effect.apply(verb)).flows

        def tell_effect() -> None:
            told: EffectRecord = {
                "kind": "effect",
                "name": fault.name,
                "text": text,
                "line": line,
                "touched": effect.touched,
            }
            if may_miss:
                told["may_miss"] = True
            self.note(told)

        def ended(injected: Injected) -> None:
            self.faults.remove(injected)
            self.note({**mark, "state": "end", "flows": []})
            tell_effect()

        injected = Injected(fault, flows, effect, self.lab.apply, self._look, ended, tell_effect)
        if not injected.open:
            self.note({**mark, "state": "end", "flows": flows, "at_once": True})
            tell_effect()
            return injected
        self.faults.append(injected)
        injected.begin(self.spawn)
        if fault.schedule() and not ends_later:
            self.spawn(_heal_when_played(injected))
        return injected

    async def _look(self) -> None:
        """What the active faults have touched so far: the next verb may end what one counts."""
        for injected in tuple(self.faults):
            await injected.effect.look()

    def _verbs(self, fault: Fault, options: Mapping[str, Any] | None) -> Sequence[Verb]:
        changed = fault.new_options()
        if changed is None or options is None:
            return fault.verbs()
        host = changed[0]
        self.hosts[host] = replace(self.hosts[host], options=options)
        program = asdict(self.programs(host)[-1])
        return [
            replace(verb, program=program) if isinstance(verb, RestartProgram) else verb
            for verb in fault.verbs()
        ]

    async def settle(self, questions: Sequence[OpenQuestion] = ()) -> None:
        """Wait until what was sent has arrived and connections have not changed for a while.

        Not longer than such things take: what never arrives, or always changes, is judged as it is.

        Args:
            questions: what must be known beside, if it is within the time that it may take.
        """
        if questions:
            await self.lab.sample()
        await asyncio.gather(
            self._arrive(),
            *(self._until(each) for each in questions),
        )
        self.overtime_s = await self._settling.wait(
            self.lab.now, self.lab.sample, since=self.lab.now()
        )

    async def _arrive(self) -> None:
        # Not put off by lateness: what arrives only because the run lasted longer is lost to it.
        with suppress(TimeoutError):
            async with asyncio.timeout(_ARRIVE_S * self._at_end):
                while not self.conditions.figures.all_delivered:
                    await self._changed.wait()

    async def _until(self, question: OpenQuestion) -> None:
        async def watch() -> None:
            while not question.is_answered(self.conditions.figures):
                await self._changed.wait()

        with suppress(TimeoutError):
            await self.conditions.lateness.within(question.seconds, watch())

    async def quiet(self) -> None:
        """Wait until the connections have not changed for a few samples, which may be so now."""
        await self._settling.wait(self.lab.now, self.lab.sample, since=0.0)

    async def finish(self) -> None:
        """Take the last samples; after this nothing more is recorded.

        What the faults have touched that are still active is recorded before.
        """
        for injected in self.faults:
            await injected.tell()
        await self.lab.finish()

    def check_failure(self) -> None:
        """Raise what went wrong in the background, if anything did."""
        if self.failure is not None:
            raise self.failure

    def note(self, record: Record) -> None:
        """Record something now."""
        self._take(at(self.lab.now(), record))

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something in the background; what goes wrong is the stage's `failure`."""

        async def watched() -> None:
            try:
                await work
            except HalfopenError as error:
                self.failure = self.failure or error

        task = asyncio.create_task(watched())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: work.close())  # if it was cancelled before it began
        return task

    def _take(self, record: Record) -> None:
        self._record(record)
        self.conditions.take(record)
        self._settling.take(record)
        if record["kind"] in _DECISIVE:
            self._changed.set()
            self._changed = asyncio.Event()
        elif record["kind"] == "lab":
            self.failure = LabError(record["problem"])
            self.conditions.give_up(self.failure)


async def _heal_when_played(injected: Injected) -> None:
    await injected.played()
    await injected.heal()
