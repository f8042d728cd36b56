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
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from halfopen.checkers import judge_history
from halfopen.errors import UnsupportedError, UsageError
from halfopen.fields import Section
from halfopen.labs import all_labs
from halfopen.model.history import FILE_NAME, History, HistoryWriter, expand
from halfopen.model.plan import Plan, PlannedCheck, PlannedHost
from halfopen.model.records import DeliveredRecord, EndRecord, HeaderRecord, Record, SentRecord, at
from halfopen.model.topology import Family, HostNetwork, addresses_seen, lay_out
from halfopen.model.units import parse_duration
from halfopen.model.verdict import CheckResult
from halfopen.ports import Lab, LabSpec, SystemContext
from halfopen.runner.play import header_record
from halfopen.scenario.scaling import scale_section
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


class OpenLab:
    """A lab in use; made by :func:`open_lab`."""

    def __init__(self, spec: LabSpec, directory: Path, scale: float, seed: int, name: str) -> None:
        self._spec = spec
        self._directory = directory
        self._scale = scale
        self._seed = seed
        self._name = name
        self._vocabulary = default_vocabulary()
        self._loop = asyncio.new_event_loop()
        self._networks: dict[str, HostNetwork] = {}
        self._hosts: dict[str, PlannedHost] = {}
        self._path: tuple[str, ...] = ()
        self._family: Family = "ipv4"
        self._next_seq = 1
        self._news = threading.Condition()
        self._records: list[Record] = []
        self._lab: Lab

    @property
    def addresses(self) -> dict[str, str]:
        """The address of every host by name."""
        return {name: network.address for name, network in self._networks.items()}

    def middlebox(self, name: str, profile: str, **overrides: Any) -> Middlebox:
        """A middlebox for :meth:`path`.

        Args:
            name: of the host.
            profile: see `halfopen profiles`.
            overrides: single values of the profile, such as `idle_timeout="30 min"`.

        Raises:
            UsageError: if there is no such profile, or a value is wrong.
        """
        found = self._vocabulary.profiles.get(profile)
        if found is None:
            raise UsageError(f"there is no profile {profile!r}: see `halfopen profiles`")
        values = {**found.values.model_dump(), **overrides}
        section = _validated(type(found.values), values, f"middlebox {name}")
        return Middlebox(name, profile, self._scaled(section))

    def path(self, *hosts: str | Middlebox, family: Family = "ipv4") -> None:
        """Build the hosts and the links between neighbours.

        Args:
            hosts: from end to end.
            family: of their addresses.

        Raises:
            UsageError: if there is a path already.
            UnsupportedError: if this lab cannot play a profile.
        """
        if self._path:
            raise UsageError("this lab has a path already: open another lab for another path")
        names = tuple(h.name if isinstance(h, Middlebox) else h for h in hosts)
        try:
            self._networks = lay_out(names, family=family)
        except ValueError as error:
            raise UsageError(str(error)) from None
        boxes = {h.name: h for h in hosts if isinstance(h, Middlebox)}
        for name in names:
            box = boxes.get(name)
            self._hosts[name] = PlannedHost(
                name, None, box.values if box else {}, profile=box.profile if box else None
            )
        values = {name: box.values for name, box in boxes.items()}
        self._do(self._lab.build(names, self._networks, values, {}, {}))
        self._path, self._family = names, family

    def run(self, host: str, system: str, **options: Any) -> Subject:
        """Start a system under test on a host, and wait until it is ready.

        Args:
            host: on the path.
            system: see `halfopen systems`.
            options: the system's options, such as `keepalive="off"`.

        Raises:
            UsageError: if an option is wrong.
            LabError: if it does not start.
        """
        if host not in self._hosts:
            raise UsageError(f"there is no host {host!r}: name it in path() first")
        spec = self._vocabulary.systems.get(system)
        if spec is None:
            raise UsageError(f"there is no system {system!r}: see `halfopen systems`")
        scaled = self._scaled(_validated(spec.options, options, f"{system} on {host}"))
        self._hosts[host] = PlannedHost(host, system, scaled)
        context = SystemContext(
            host=host,
            address=self.addresses[host],
            addresses=addresses_seen(self._path, self._networks, self._plan().translating, host),
            directory=str(self._lab.disk(host)),
            seed=self._seed,
            notes=str(self._lab.host_directory(host)),
            contained=self._spec.images,
            sockets=str(self._lab.sockets(host)),
        )
        settled = spec.options.model_validate(scaled)
        if not self._spec.images and (lacking := spec.missing(settled)):
            raise UnsupportedError(f"{system} cannot be run here: {'; '.join(lacking)}")
        programs = spec.programs(settled, context)
        *others, subject = (replace(each, image=spec.image) for each in programs)
        for program in others:
            self._do(self._lab.start(host, program, program.starts_within))
        pid = self._do(self._lab.start(host, subject, subject.starts_within))
        return Subject(host, pid, self)

    def send(self, host: str, count: int, *, every: str | None = None) -> None:
        """Write `count` numbered messages to the program on `host`."""
        first, self._next_seq = self._next_seq, self._next_seq + count
        pause = self._seconds(every) if every else 0.0
        self._do(self._lab.feed(host, first, count, pause))

    def wait(self, duration: str) -> None:
        """Let production time pass: `lab.wait("75 min")`."""
        time.sleep(self._seconds(duration))

    def fault(self, name: str, **params: Any) -> list[str]:
        """Inject a fault now (see `halfopen faults`); returns the flows that it touched.

        Nothing heals it; what it does later, as `link flap` does, is done when this returns.
        """
        spec = self._vocabulary.faults.get(name)
        if spec is None:
            raise UsageError(f"there is no fault {name!r}: see `halfopen faults`")
        written = _validated(spec, params, f"fault {name}")
        settled = spec.model_validate(self._scaled(written))
        for verb in settled.every_verb():
            if type(verb) not in self._spec.verbs:
                raise UnsupportedError(f"the lab {self._spec.name} cannot do {name!r}")
            if lacking := self._spec.lacks(type(verb)):
                raise UnsupportedError(f"{name!r} cannot be done here: {'; '.join(lacking)}")
        touched: list[str] = []
        for verb in settled.verbs():
            touched += self._do(self._lab.apply(verb))
        begun = time.monotonic()
        for offset, verb in settled.schedule():
            time.sleep(max(0.0, begun + offset - time.monotonic()))
            touched += self._do(self._lab.apply(verb))
        return touched

    def stop(self, host: str, timeout: float = 5.0) -> None:
        """End the program on a host."""
        self._do(self._lab.stop(host, timeout))

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
        return History([self._header(()), *records, at(self._lab.now(), end)])

    def check(self, check: str, /, **params: Any) -> CheckResult:
        """Judge what was seen so far by one checker (see `halfopen checks`).

        Raises:
            UsageError: if there is no such check, or a parameter is wrong.
        """
        kind = self._vocabulary.checks.get(check)
        if kind is None:
            raise UsageError(f"there is no check {check!r}: see `halfopen checks`")
        scaled = self._scaled(_validated(kind, params, f"check {check}"))
        self._do(self._lab.sample())
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
            hosts=tuple(self._hosts.values()),
            path=self._path,
            steps=(),
            checks=checks,
            family=self._family,
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
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _begin(self) -> None:
        self._thread = threading.Thread(target=self._loop.run_forever, name="lab", daemon=True)
        self._thread.start()
        token = f"{self._seed:08x}"[-16:]
        self._lab = self._spec.open(self._directory / "hosts", token, self._record)
        self._do(self._lab.__aenter__())

    def _end(self) -> None:
        try:
            if self._path:
                self._do(self._lab.finish())
            with (self._directory / FILE_NAME).open("w", encoding="utf-8") as file:
                writer = HistoryWriter(file)
                for record in self.history().records:
                    writer.write(record)
        finally:
            self._do(self._lab.__aexit__(None, None, None))

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
        UnsupportedError: if this machine cannot do it.
    """
    specs = all_labs()
    if lab not in specs:
        raise UsageError(f"there is no lab {lab!r}; there are: {', '.join(sorted(specs))}")
    if not 1 <= scale <= 1e9:
        raise UsageError(f"a scale of {scale!r} makes no sense; it divides time: 1 or more")
    if problems := specs[lab].missing():
        raise UnsupportedError("\n".join([f"the lab {lab} does not work here:", *problems]))
    directory.mkdir(parents=True, exist_ok=True)
    opened = OpenLab(specs[lab], directory, scale, seed, name)
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
