"""The Python API: a lab in plain code, for those who prefer pytest to YAML.

Everything blocks until it is done, so that a test reads from top to bottom; the lab itself runs
in a thread of its own.  Durations are production values, as in a scenario (`"75 min"`); `scale`
divides them.  What was seen is judged by the same checkers as a scenario's.

    with open_lab(directory, scale=600) as lab:
        lab.path("sender", lab.middlebox("firewall", "fortigate"), "receiver")
        lab.run("receiver", "relpio receive", keepalive="off")
        sender = lab.run("sender", "relpio send", to="receiver")
        sender.send(20)
        lab.wait("75 min")
        assert lab.check("idle drops", at="firewall", count=1).verdict == "pass"
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import ValidationError

from halfopen.checkers import judge_history
from halfopen.errors import UnsupportedError, UsageError
from halfopen.fields import KeepaliveTimers, Section
from halfopen.labs import lab_named
from halfopen.model.history import FILE_NAME, History, HistoryWriter, expand
from halfopen.model.plan import Plan, PlannedCheck, PlannedHost
from halfopen.model.records import DeliveredRecord, EndRecord, HeaderRecord, Record, SentRecord, at
from halfopen.model.topology import Family
from halfopen.model.units import parse_duration
from halfopen.model.verdict import CheckResult
from halfopen.ports import LabSpec
from halfopen.runner.injected import Injected
from halfopen.runner.play import header_record
from halfopen.runner.stage import Stage
from halfopen.scenario.scaling import scale_section
from halfopen.sections import suggest
from halfopen.verbs import Verb
from halfopen.vocabulary import default_vocabulary

T = TypeVar("T")
S = TypeVar("S", bound=Section)


@dataclass(frozen=True)
class Middlebox:
    """A middlebox on a path: name, profile, and its scaled values."""

    name: str
    profile: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """A program that runs on a host of the lab."""

    host: str
    pid: int
    _lab: OpenLab = field(repr=False)

    def send(self, count: int, *, every: str | None = None) -> None:
        """Write `count` numbered messages to its standard input, one each `every`."""
        self._lab.send(self.host, count, every=every)

    def stop(self, timeout: float = 5.0) -> None:
        """End it: SIGTERM, after `timeout` seconds SIGKILL."""
        self._lab.stop(self.host, timeout)

    def start(self) -> Subject:
        """Start it again, with the options that it has by now; returns it with its new pid."""
        return self._lab.start(self.host)


@dataclass(frozen=True)
class InjectedFault:
    """A fault that was injected: also a context manager, which heals it.

    Attributes:
        name: of the fault.
        flows: that it touched, as `client > server`.
    """

    name: str
    flows: tuple[str, ...]
    _injected: Injected = field(repr=False)
    _lab: OpenLab = field(repr=False)

    def heal(self) -> None:
        """End it; one that was over at once, or has ended, stays as it is."""
        self._lab._do(self._injected.heal())

    def played(self) -> None:
        """Wait until it has done all that it does later, as `link flap` and `failover` do."""
        self._lab._do(self._injected.played())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.heal()


class OpenLab:
    """A lab in use; made by :func:`open_lab`.

    It is the stage on which scenarios are played, too (:mod:`halfopen.runner.stage`), in a thread
    of its own.
    """

    def __init__(self, spec: LabSpec, directory: Path, scale: float, seed: int, name: str) -> None:
        self._spec = spec
        self._directory = directory
        self._scale = scale
        self._seed = seed
        self._name = name
        self._vocabulary = default_vocabulary()
        self._loop = asyncio.new_event_loop()
        self._path: tuple[str, ...] = ()
        self._returns: tuple[str, ...] = ()
        self._family: Family = "ipv4"
        self._options: dict[str, Section] = {}  # as written, not scaled
        self._prepared: frozenset[str] = frozenset()
        self._news = threading.Condition()
        self._records: list[Record] = []
        self._stage: Stage

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
                `engine="userspace"`.

        Raises:
            UsageError: if there is no such profile, or a value is wrong.
        """
        profiles = self._vocabulary.profiles
        if profile not in profiles:
            raise _unknown("profile", profile, profiles)
        values = {**profiles[profile].values.model_dump(), **overrides}
        section = _validated(type(profiles[profile].values), values, f"middlebox {name}")
        return Middlebox(name, profile, self._scaled(section))

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
            returns: the way back, from the last host to the first, if it is another.
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
        boxes = {h.name: h for h in (*hosts, *returns) if isinstance(h, Middlebox)}
        path, back = (
            tuple(h.name if isinstance(h, Middlebox) else h for h in way)
            for way in (hosts, returns)
        )
        names = tuple(dict.fromkeys((*path, *back)))
        verbs = self._verbs_of(faults)
        settings = {} if sysctls is None else sysctls
        if unknown := sorted(settings.keys() - set(names)):
            raise _unknown("host", unknown[0], names)
        planned = [
            PlannedHost(
                name,
                None,
                boxes[name].values if name in boxes else {},
                settings.get(name, {}),
                profile=boxes[name].profile if name in boxes else None,
            )
            for name in names
        ]
        demands = dict.fromkeys(names, verbs)
        try:
            self._do(self._stage.build(planned, path, demands, family=family, returns=back))
        except ValueError as error:
            raise UsageError(str(error)) from None
        self._path, self._returns, self._family = path, back, family
        self._prepared = frozenset(faults)

    def _verbs_of(self, faults: Sequence[str]) -> list[type[Verb]]:
        found: dict[type[Verb], None] = {}
        for name in faults:
            if name not in self._vocabulary.faults:
                raise _unknown("fault", name, self._vocabulary.faults)
            for verb in self._vocabulary.faults[name].uses:
                if verb not in self._spec.verbs:
                    raise UnsupportedError(
                        f"the lab {self._spec.name} does not support the fault {name!r}"
                    )
                if lacking := self._spec.lacks(verb):
                    raise UnsupportedError(
                        f"the fault {name!r} is not supported here: {'; '.join(lacking)}"
                    )
                found[verb] = None
        return list(found)

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
            raise _unknown("system", system, self._vocabulary.systems)
        written = _validated(kind, options, f"{system} on {host}")
        preload = None
        if preload_keepalive is not None:
            where = f"preload_keepalive on {host}"
            preload = self._scaled(_validated(KeepaliveTimers, preload_keepalive, where))
        self._options[host] = written
        self._stage.hosts[host] = replace(
            self._stage.hosts[host],
            system=system,
            options=self._scaled(written),
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
        return Subject(host, self._do(self._stage.start(host)), self)

    def send(
        self, host: str, count: int, *, every: str | None = None, background: bool = False
    ) -> None:
        """Write `count` numbered messages to the program on `host`."""
        self._must_run(host)
        pause = self._seconds(every) if every else 0.0
        self._do(self._stage.send(host, count, every=pause, background=background))

    def wait(self, duration: str) -> None:
        """Let production time pass: `lab.wait("75 min")`."""
        time.sleep(self._seconds(duration))

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
            raise _unknown("fault", name, self._vocabulary.faults)
        written = _validated(kind, params, f"fault {name}")
        if unknown := sorted(set(written.hosts()) - self._stage.hosts.keys()):
            raise _unknown("host", unknown[0], self._stage.hosts)
        fault = kind.model_validate(self._scaled(written))
        text = f"{name} at {', '.join(fault.hosts())}"
        options = self._changed_options(written.new_options())
        try:
            injected = self._do(self._stage.inject(fault, text=text, options=options))
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
        self._options[host] = _validated(type(before), whole, f"the new options of {host}")
        return self._scaled(self._options[host])

    def heal(self, name: str) -> None:
        """End every fault of that name that is open."""
        for injected in [each for each in self._stage.faults if each.fault.name == name]:
            self._do(injected.heal())

    def stop(self, host: str, timeout: float = 5.0) -> None:
        """End the program on a host."""
        self._must_run(host)
        self._do(self._stage.stop(host, timeout))

    def _must_run(self, host: str) -> None:
        if host not in self._options:
            raise UsageError(f"no program was run on {host!r}: use run() first")

    def wait_until(self, condition: Callable[[History], bool], timeout: float = 10.0) -> History:
        """Wait until the history so far meets a condition; returns it.

        Args:
            condition: asked again whenever something was recorded.
            timeout: lab seconds.

        Raises:
            TimeoutError: if it is not met in time.
        """
        with self._news:
            deadline = time.monotonic() + timeout
            while not condition(history := self.history()):
                if not self._news.wait(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError(f"the condition was not met within {timeout:g} s")
            return history

    def settle(self, timeout: float = 10.0) -> History:
        """Wait until every message that was sent has been delivered."""

        def all_there(history: History) -> bool:
            delivered = {n for r in history.of(DeliveredRecord) for n in expand(r["seqs"])}
            return all(n in delivered for r in history.of(SentRecord) for n in expand(r["seqs"]))

        return self.wait_until(all_there, timeout)

    def history(self) -> History:
        """What was recorded so far, as if the run were complete now."""
        records = list(self._records)
        end: EndRecord = {"kind": "end", "reason": "complete", "detail": ""}
        return History([self._header(()), *records, at(self._stage.lab.now(), end)])

    def check(self, check: str, /, **params: Any) -> CheckResult:
        """Judge what was seen so far by one checker (see `halfopen checks`).

        It waits until the connections have not changed for a few samples.

        Raises:
            UsageError: if there is no such check, or a parameter is wrong.
        """
        kind = self._vocabulary.checks.get(check)
        if kind is None:
            raise _unknown("check", check, self._vocabulary.checks)
        scaled = self._scaled(_validated(kind, params, f"check {check}"))
        self._do(self._stage.quiet())
        history = self.history()
        header = self._header((PlannedCheck(check, scaled, check),))
        return judge_history(History([header, *history.records[1:]]))[0]

    def _header(self, checks: tuple[PlannedCheck, ...]) -> HeaderRecord:
        return header_record(self._plan(checks), self.addresses)

    def _plan(self, checks: tuple[PlannedCheck, ...] = ()) -> Plan:
        return Plan(
            scenario=self._name,
            file=self._name,
            variant="default",
            lab=self._spec.name,
            scale=self._scale,
            seed=self._seed,
            hosts=tuple(self._stage.hosts.values()),
            path=self._path,
            steps=(),
            checks=checks,
            family=self._family,
            returns=self._returns,
        )

    def _scaled(self, section: Section) -> dict[str, Any]:
        return scale_section(section, self._scale)[0].model_dump(mode="json")

    def _seconds(self, duration: str) -> float:
        try:
            return parse_duration(duration) / self._scale
        except ValueError as error:
            raise UsageError(str(error)) from None

    def _record(self, record: Record) -> None:
        with self._news:
            self._records.append(record)
            self._news.notify_all()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        done = asyncio.run_coroutine_threadsafe(work, self._loop).result()
        self._stage.check_failure()
        return done

    def _begin(self) -> None:
        self._thread = threading.Thread(target=self._loop.run_forever, name="lab", daemon=True)
        self._thread.start()

        async def enter() -> Stage:
            stage = Stage(
                self._spec,
                self._directory / "hosts",
                f"{self._seed:08x}"[-16:],
                self._record,
                self._vocabulary,
                seed=self._seed,
                base=str(Path.cwd()),
            )
            return await stage.__aenter__()

        self._stage = asyncio.run_coroutine_threadsafe(enter(), self._loop).result()

    def _end(self) -> None:
        try:
            if self._path:
                asyncio.run_coroutine_threadsafe(self._stage.finish(), self._loop).result()
            with (self._directory / FILE_NAME).open("w", encoding="utf-8") as file:
                writer = HistoryWriter(file)
                for record in self.history().records:
                    writer.write(record)
        finally:
            leaving = self._stage.__aexit__(None, None, None)
            asyncio.run_coroutine_threadsafe(leaving, self._loop).result()

    def _close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def open_lab(
    directory: Path,
    *,
    lab: str = "netns",
    scale: float = 1.0,
    seed: int = 0,
    name: str = "python",
) -> Iterator[OpenLab]:
    """A fresh lab; everything in it is gone when the block ends, however it ends.

    Args:
        directory: for the history and the programs' files.
        lab: see `halfopen doctor`.
        scale: seconds of production time that pass in one second.
        seed: for whatever is random.
        name: of the run, in the history.

    Raises:
        UsageError: if there is no such lab, or the scale is below 1.
        UnsupportedError: if not supported on this machine.
    """
    spec = lab_named(lab)
    if not 1 <= scale <= 1e9:
        raise UsageError(
            f"a scale of {scale!r} is not accepted; it divides time and must be 1 or more"
        )
    if problems := spec.missing():
        raise UnsupportedError("\n".join([f"the lab {lab} does not work here:", *problems]))
    directory.mkdir(parents=True, exist_ok=True)
    opened = OpenLab(spec, directory, scale, seed, name)
    try:
        opened._begin()
        try:
            yield opened
        finally:
            opened._end()
    finally:
        opened._close()


def _validated(section: type[S], values: Mapping[str, Any], where: str) -> S:
    try:
        return section.model_validate(dict(values))
    except ValidationError as error:
        found = error.errors(include_url=False)
        text = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in found)
        raise UsageError(f"{where}: {text}") from None


def _unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    return UsageError(f"unknown {kind} {name!r}; {suggest(name, known, 'available')}")
