"""What a checker is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from halfopen.fields import Section, Timer
from halfopen.model.history import History
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports._nothing import no_hosts, no_timers


@dataclass(frozen=True)
class Finding:
    """What a checker's pure function returns; the caller adds name, label and line.

    Attributes:
        verdict: pass, fail or unknown.
        observed: the figure that was held against the bound, None where there is none.
        bound: what was asked for, in words.
        why: one or two sentences for a person.
        evidence: the facts behind it.
    """

    verdict: Verdict
    observed: float | None
    bound: str
    why: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class CheckSpec:
    """A checker.

    Attributes:
        name: as a scenario's `expect` names it.
        summary: one line.
        params: what it can be asked; durations in it are scaled to lab time before `judge`.
        judge: the pure function of history and parameters (an instance of `params`).
        hosts: the host names in the parameters, so that the loader can check them.
        timers: the bounds that the time scale must keep in order.
        silent: it is about what becomes of a TCP connection when a middlebox drops it silently:
            the loader refuses it at a host of which no connection goes through a middlebox.
    """

    name: str
    summary: str
    params: type[Section]
    judge: Callable[[History, Any], Finding]
    hosts: Callable[[Any], Sequence[str]] = no_hosts
    timers: Callable[[Any], Sequence[Timer]] = no_timers
    silent: bool = False
