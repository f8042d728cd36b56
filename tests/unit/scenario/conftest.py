"""A small vocabulary, so that the loader is tested without the real systems and checkers."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BeforeValidator, Field

from halfopen.checkers._bounds import AtOneOrTogether
from halfopen.errors import InputError
from halfopen.faults import all_faults
from halfopen.fields import (
    BoundField,
    Duration,
    Endpoint,
    MiddleboxHost,
    RealTimeout,
    Section,
    Selector,
    Timer,
    WholeSeconds,
)
from halfopen.model.history import History
from halfopen.model.verdict import Verdict
from halfopen.ports import Check, Finding, ProgramSpec, System, SystemContext, Vocabulary
from halfopen.profiles import all_profiles
from halfopen.scenario import Scenario, load_scenario

from .kinds import Complain, Load


class KeepaliveTimers(Section):
    idle: WholeSeconds
    interval: WholeSeconds
    probes: int = Field(ge=1, le=127)


Keepalive = Annotated[
    KeepaliveTimers | None, BeforeValidator(lambda v: None if v in ("off", False) else v)
]


class Fake(System):
    keepalive: Keepalive = None

    def program(self, context: SystemContext) -> ProgramSpec:
        return ProgramSpec("fake", ("/bin/true",), {}, None)

    def timers(self) -> list[Timer]:
        keep = self.keepalive
        if keep is None:
            return []
        return [
            Timer("keepalive probe period", max(keep.idle, keep.interval), "silence"),
            Timer("keepalive detection", keep.idle + keep.probes * keep.interval, "silence"),
        ]


class RelpioSend(Fake):
    name = "relpio send"
    summary = "a sender"
    role = "sender"

    to: Endpoint
    window: int = Field(default=128, ge=1)
    ack_timeout: RealTimeout = 90.0
    user_timeout: RealTimeout = None
    pauses: tuple[Duration, ...] = ()
    mode: Literal["plain", "tls"] | int = "plain"

    def timers(self) -> list[Timer]:
        answers = [("ack timeout", self.ack_timeout), ("user timeout", self.user_timeout)]
        return super().timers() + [Timer(n, s, "answer") for n, s in answers if s is not None]


class RelpioReceive(Fake):
    name = "relpio receive"
    summary = "a receiver"
    role = "receiver"

    durable: bool = False


class Undecided(Check):
    def judge(self, history: History) -> Finding:
        return Finding(Verdict.UNKNOWN, None, "", "")


class Delivery(Undecided):
    name = summary = "delivery"

    lost: BoundField | None = None


class HalfOpen(AtOneOrTogether, Undecided):
    name = summary = "half-open"
    bounds = ("at_end", "peak")

    at_end: BoundField
    peak: BoundField | None = None


class IdleDrops(Undecided):
    name = summary = "idle drops"

    at: MiddleboxHost
    at_end: BoundField


class Fds(Undecided):
    name = summary = "fds"

    at: Endpoint
    kind: Annotated[Literal["tcp", "file"], Selector()] = "tcp"
    at_end: BoundField


class Reconnect(Undecided):
    name = summary = "reconnect"

    at: Endpoint
    within: Duration
    not_before: Duration | None = None

    def timers(self) -> list[Timer]:
        return [Timer("within", self.within, "answer")]


class DeadConnectionRemoval(Reconnect):
    name = summary = "dead connection removal"

    def timers(self) -> list[Timer]:
        return [Timer("within", self.within, "silence")]


CHECKS: tuple[type[Check], ...] = (
    Delivery,
    HalfOpen,
    IdleDrops,
    Fds,
    Reconnect,
    DeadConnectionRemoval,
)
SYSTEMS: tuple[type[System], ...] = (RelpioSend, RelpioReceive)

BASE = """\
scenario: an hour of silence
scale: 600
hosts:
  sender:
    run: relpio send
    to: receiver
    keepalive: off
  firewall:
    profile: fortigate
  receiver:
    run: relpio receive
path: [sender, firewall, receiver]
steps:
  - send: 20 messages
  - wait: 75 min
  - send: 20 messages
expect:
  - half-open: { at: receiver, at end: 0 }
"""


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return Vocabulary(
        systems={s.name: s for s in SYSTEMS},
        checks={c.name: c for c in CHECKS},
        faults=all_faults(),
        profiles=all_profiles(),
    )


@pytest.fixture
def base() -> str:
    return BASE


@pytest.fixture
def load(vocabulary: Vocabulary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads a text as the file `s.yaml`."""
    monkeypatch.chdir(tmp_path)

    def from_text(text: str) -> Scenario:
        Path("s.yaml").write_text(text, encoding="utf-8")
        return load_scenario("s.yaml", vocabulary)

    return from_text


@pytest.fixture
def complain(vocabulary: Vocabulary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Complain:
    """What is wrong with a text, line by line."""
    monkeypatch.chdir(tmp_path)

    def about(text: str | bytes) -> list[str]:
        data = text if isinstance(text, bytes) else text.encode()
        Path("s.yaml").write_bytes(data)
        with pytest.raises(InputError) as caught:
            load_scenario("s.yaml", vocabulary)
        return str(caught.value).splitlines()

    return about
