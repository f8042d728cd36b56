"""The lab of the Python API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from halfopen.api.arguments import unknown, validated
from halfopen.api.handles import InjectedFault, Middlebox, Subject
from halfopen.api.paths import names_of, planned_hosts, verbs_of
from halfopen.api.settings import RunSettings
from halfopen.api.thread import StageThread
from halfopen.checkers import judge_history
from halfopen.errors import UnsupportedError, UsageError
from halfopen.fields import KeepaliveTimers, Section
from halfopen.model.history import History, expand
from halfopen.model.plan import PlannedCheck
from halfopen.model.recording import HistoryWriter
from halfopen.model.records import (
    DeliveredRecord,
    EndRecord,
    HeaderRecord,
    SentRecord,
    at,
)
from halfopen.model.topology import Family
from halfopen.model.verdict import CheckResult
from halfopen.runner.play import header_record
from halfopen.runner.requirements import check_needs
from halfopen.runner.stage import Stage
from halfopen.scenario.middleboxes import MiddleboxOptions
from halfopen.vocabulary import default_vocabulary

T = TypeVar("T")


class OpenLab:
    """A lab in use; made by :func:`open_lab`.

    It is the stage on which scenarios are played, too (:mod:`halfopen.runner.stage`), in a thread
    of its own.
    """

    def __init__(self, settings: RunSettings) -> None:
        self._settings = settings
        self._vocabulary = default_vocabulary()
        self._path: tuple[str, ...] = ()
        self._returns: tuple[str, ...] = ()
        self._family: Family = "ipv4"
        self._options: dict[str, Section] = {}  # as written, not scaled
        self._prepared: frozenset[str] = frozenset()
        self._thread = StageThread(
            lambda record: settings.stage(self._vocabulary, record), settings.lab.loop
        )

    @property
    def lab(self) -> str:
        """The name of the kind of lab."""
        return self._settings.lab.name

    @property
    def lab_why(self) -> str:
        """Why it is this one, if halfopen chose it."""
        return self._settings.lab_why

    @property
    def addresses(self) -> dict[str, str]:
        """The address of every host by name."""
        return self._stage.addresses

    def middlebox(self, name: str, profile: str, **overrides: Any) -> Middlebox:
        """A middlebox for :meth:`path`.

        Args:
            name: of the host.
            profile: see `halfopen profiles`.
            overrides: single values of the profile, such as `idle_timeout="30 min"` or
                `engine="userspace"`; `pool=["server"]` makes it a balancer.

        Raises:
            UsageError: if there is no such profile, or a value is wrong.
        """
        profiles = self._vocabulary.profiles
        if profile not in profiles:
            raise unknown("profile", profile, profiles)
        values = {**profiles[profile].values.model_dump(), **overrides}
        section = validated(MiddleboxOptions, values, f"middlebox {name}")
        return Middlebox(name, profile, self._settings.scaled(section))

    def path(
        self,
        *hosts: str | Middlebox,
        returns: Sequence[str | Middlebox] = (),
        family: Family = "ipv4",
        sysctls: Mapping[str, Mapping[str, str]] | None = None,
        faults: Sequence[str] = (),
    ) -> None:
        """Build the hosts and the links between neighbours.

        Args:
            hosts: from end to end.
            returns: the way back, from the last host to the first, if it differs.
            family: of their addresses.
            sysctls: `net.*` settings by host; they are not scaled.
            faults: names of faults that hosts must be prepared for: those of clocks and disks, and
                those for which a middlebox needs another engine than the kernel's, such as `delay`.

        Raises:
            UsageError: if there is a path already, or no such fault.
            UnsupportedError: if this lab cannot play a profile, or do a fault.
        """
        if self._path:
            raise UsageError("this lab already has a path: open another lab for another path")
        path, back = names_of(hosts), names_of(returns)
        planned = planned_hosts((*hosts, *returns), sysctls or {}, path[-1:])
        verbs = verbs_of(self._vocabulary, self._settings.lab, faults)
        demands = {each.name: verbs for each in planned}
        try:
            self.do(self._stage.build(planned, path, demands, family=family, returns=back))
        except ValueError as error:
            raise UsageError(str(error)) from None
        self._path, self._returns, self._family = path, back, family
        self._prepared = frozenset(faults)

    def run(
        self,
        host: str,
        system: str,
        /,
        *,
        preload_keepalive: Mapping[str, Any] | None = None,
        image: str | None = None,
        limits: Mapping[str, float] | None = None,
        **options: Any,
    ) -> Subject:
        """Start a system under test on a host, and wait until it is ready.

        Args:
            host: on the path.
            system: see `halfopen systems`.
            preload_keepalive: keepalive that libkeepalive puts on all connections of its programs,
                such as `{"idle": "30 min", "interval": "75 s", "probes": 9}`.
            image: that its programs come in, for labs of containers.
            limits: of each of its programs, for labs of containers: `nofile`, `memory`, `cpu`.
            options: the system's options, such as `keepalive="off"`.

        Raises:
            UsageError: if an option is wrong.
            UnsupportedError: if this machine lacks what the system needs.
            LabError: if it does not start.
        """
        if host not in self._stage.hosts:
            raise UsageError(f"unknown host {host!r}: name it in path() first")
        kind = self._vocabulary.systems.get(system)
        if kind is None:
            raise unknown("system", system, self._vocabulary.systems)
        written = validated(kind, options, f"{system} on {host}")
        preload = None
        if preload_keepalive is not None:
            where = f"preload_keepalive on {host}"
            preload = self._settings.scaled(validated(KeepaliveTimers, preload_keepalive, where))
        self._options[host] = written
        self._stage.hosts[host] = replace(
            self._stage.hosts[host],
            system=system,
            options=self._settings.scaled(written),
            preload_keepalive=preload,
            image=image,
            limits=limits or {},
        )
        return self.start(host)

    def start(self, host: str) -> Subject:
        """Start the program on a host again, with the options that it has by now.

        Raises:
            UsageError: if nothing was ever run there.
            LabError: if it does not start, or still runs.
        """
        self._must_run(host)
        return Subject(host, self.do(self._stage.start(host)), self)

    def send(
        self, host: str, count: int, *, every: str | None = None, background: bool = False
    ) -> None:
        """Write `count` numbered messages to the program on `host`."""
        self._must_run(host)
        pause = self._settings.seconds(every) if every else 0.0
        self.do(self._stage.send(host, count, every=pause, background=background))

    def wait(self, duration: str) -> None:
        """Let production time pass: `lab.wait("75 min")`."""
        self.do(asyncio.sleep(self._settings.seconds(duration)))

    def fault(self, name: str, /, **params: Any) -> InjectedFault:
        """Inject a fault now (see `halfopen faults`); it lasts until it is healed.

        What it does later, as `link flap` does, goes on in the background; after that it is healed.

        Raises:
            UsageError: if there is no such fault, or a parameter is wrong.
            UnsupportedError: if the lab does not support it, or :meth:`path` was not told of it.
            LabError: if the lab breaks.
        """
        kind = self._vocabulary.faults.get(name)
        if kind is None:
            raise unknown("fault", name, self._vocabulary.faults)
        written = validated(kind, params, f"fault {name}")
        if strangers := sorted(set(written.hosts()) - self._stage.hosts.keys()):
            raise unknown("host", strangers[0], self._stage.hosts)
        fault = kind.model_validate(self._settings.scaled(written))
        text = f"{name} at {', '.join(fault.hosts())}"
        options = self._changed_options(written.new_options())
        try:
            injected = self.do(self._stage.inject(fault, text=text, options=options))
        except UnsupportedError as error:
            if name in self._prepared:
                raise
            hint = f"prepare the hosts for it: path(..., faults=[{name!r}])"
            raise UnsupportedError(f"{error}; {hint}") from None
        return InjectedFault(name, injected.flows, injected, self)

    def _changed_options(
        self, change: tuple[str, Mapping[str, Any]] | None
    ) -> Mapping[str, Any] | None:
        """All options that a host has after a fault that changes some of them."""
        if change is None:
            return None
        host, changed = change
        self._must_run(host)
        before = self._options[host]
        whole = {**before.model_dump(mode="json"), **changed}
        self._options[host] = validated(type(before), whole, f"the new options of {host}")
        return self._settings.scaled(self._options[host])

    def heal(self, name: str) -> None:
        """End every fault of that name that is open."""
        for injected in [each for each in self._stage.faults if each.fault.name == name]:
            self.do(injected.heal())

    def stop(self, host: str, timeout: float = 5.0) -> None:
        """End the program on a host."""
        self._must_run(host)
        self.do(self._stage.stop(host, timeout))

    def _must_run(self, host: str) -> None:
        if host not in self._options:
            raise UsageError(f"no program was run on {host!r}: use run() first")

    def wait_until(self, condition: Callable[[History], bool], timeout: float = 10.0) -> History:
        """Wait until the history so far meets a condition; returns it.

        Args:
            condition: asked again whenever something was recorded.
            timeout: seconds of a lab with real time; one on virtual time waits for as long in
                production.

        Raises:
            TimeoutError: if it is not met in time.
        """
        seconds = timeout * self._settings.at_end
        if not self._thread.wait_until(lambda: condition(self.history()), seconds):
            raise TimeoutError(f"the condition was not met within {timeout:g} s")
        return self.history()

    def settle(self, timeout: float = 10.0) -> History:
        """Wait until every message that was sent has been delivered."""

        def all_there(history: History) -> bool:
            delivered = {n for r in history.of(DeliveredRecord) for n in expand(r["seqs"])}
            return all(n in delivered for r in history.of(SentRecord) for n in expand(r["seqs"]))

        return self.wait_until(all_there, timeout)

    def history(self) -> History:
        """What was recorded so far, as if the run were complete now."""
        records = list(self._thread.records)
        end: EndRecord = {"kind": "end", "reason": "complete", "detail": ""}
        return History([self._header(()), *records, at(self._stage.lab.now(), end)])

    def check(self, check: str, /, **params: Any) -> CheckResult:
        """Judge what was seen so far by one checker (see `halfopen checks`).

        It waits until the connections have not changed for a few samples.

        Raises:
            UsageError: if there is no such check, or a parameter is wrong.
            UnsupportedError: if the lab cannot show what it judges.
        """
        kind = self._vocabulary.checks.get(check)
        if kind is None:
            raise unknown("check", check, self._vocabulary.checks)
        if reason := check_needs(check, self._settings.lab):
            raise UnsupportedError(reason)
        scaled = self._settings.scaled(validated(kind, params, f"check {check}"))
        self.do(self._stage.quiet())
        history = self.history()
        header = self._header((PlannedCheck(check, scaled, check),))
        return judge_history(History([header, *history.records[1:]]))[0]

    def _header(self, checks: tuple[PlannedCheck, ...]) -> HeaderRecord:
        plan = self._settings.plan(self._stage.hosts, self._path, self._family, self._returns)
        return header_record(replace(plan, checks=checks), self.addresses, self._settings.lab)

    @property
    def _stage(self) -> Stage:
        return self._thread.stage

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run work on the stage, in the lab's thread, and wait for it."""
        return self._thread.do(work)

    def begin(self) -> None:
        """Enter the lab; called by :func:`open_lab`."""
        self._thread.begin()

    def end(self) -> None:
        """Leave the lab, and write the history; called by :func:`open_lab`."""
        try:
            if self._path:
                self._thread.run(self._stage.finish())
            header, *records = self.history().records
            assert header["kind"] == "header"
            with HistoryWriter(self._settings.directory, header) as writer:
                for record in records:
                    writer.write(record)
        finally:
            self._thread.leave()

    def close(self) -> None:
        """End the lab's thread; called by :func:`open_lab`."""
        self._thread.close()
