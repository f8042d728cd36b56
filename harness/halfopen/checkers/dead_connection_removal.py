"""The check `dead connection removal`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from halfopen.checkers._words import cut_short, say, unknown
from halfopen.checkers.half_open import unsampled
from halfopen.fields import Duration, Endpoint, Timer
from halfopen.model.flows import Flow, SocketLifetime, flows, half_open
from halfopen.model.history import History
from halfopen.model.records import ProcessRecord
from halfopen.model.units import count, format_duration
from halfopen.model.verdict import Evidence, Verdict
from halfopen.ports import Check, Finding


class DeadConnectionRemoval(Check):
    """How long a dead connection keeps its socket.

    A connection is dead when its peer is gone, or when a middlebox has forgotten its flow.  The
    time is measured from when the peer was last heard.  A socket that goes because its program
    ended does not count.

    Attributes:
        at: the host with the sockets.
        within: silence after which the socket must be gone.
        not_before: silence before which it must still be there.
    """

    name = "dead connection removal"
    summary = "how soon a dead connection's socket is removed after its peer was last heard"
    silent = True
    # Flows expire, and their ends are removed, as long as a run lasts: a wait for that would change
    # the end state that other checks judge.
    awaited = False

    at: Endpoint
    within: Duration
    not_before: Duration = 0.0

    def judge(self, history: History) -> Finding:
        """Measure, for every connection that died, its silence until its socket was gone.

        What was observed is the longest silence in seconds of production (the shortest, if one went
        too early).
        """
        bound = f"within {format_duration(self.within * history.scale)}"
        if self.not_before:
            bound += f", not before {format_duration(self.not_before * history.scale)}"
        if missing := unsampled(history, self.at):
            return unknown(bound, missing)
        deaths = [each for each in _deaths(history, self.at) if not each.by_program]
        evidence = tuple(_evidence(history, self, each) for each in deaths)
        if not deaths:
            return unknown(bound, f"no connection died at {self.at}: nothing to measure")
        # A socket that is gone went at some moment between the last two samples.
        late = [d for d in deaths if d.age - d.ended * history.sample_s > self.within]
        early = [d for d in deaths if d.ended and d.age < self.not_before]
        cleaned = [d for d in deaths if d.ended]
        ages = [d.age for d in (late or early or cleaned or deaths)]
        worst = round((min(ages) if early and not late else max(ages)) * history.scale, 3)
        verdict = Verdict.PASS
        if late or early:
            verdict, words = Verdict.FAIL, []
            if late:
                words.append(f"{len(late)} of {len(deaths)} dead connections stayed for too long")
            if early:
                words.append(f"{len(early)} of {len(deaths)} went too early")
            why = " and ".join(words)
        elif not cleaned:
            verdict = Verdict.UNKNOWN
            why = f"still there, but younger than {bound}: {count(len(deaths), 'dead connection')}"
        else:
            why = f"{len(cleaned)} of {len(deaths)} dead connections were cleaned up in time"
            if len(cleaned) < len(deaths):
                why += ", the others are still younger than the bound"
            if not history.complete:
                verdict, why = Verdict.UNKNOWN, f"{cut_short(history)}; so far {why}"
        return Finding(verdict, worst, bound, why, evidence)

    @property
    def aftermath(self) -> float:
        """As long as it may take."""
        return self.within

    def timers(self) -> Sequence[Timer]:
        """The bounds that the time scale must keep in order."""
        timers = [Timer("dead connection removal within", self.within, "silence")]
        if self.not_before:
            timers.append(Timer("dead connection removal not before", self.not_before, "silence"))
        return tuple(timers)


@dataclass(frozen=True)
class _Death:
    """A socket whose peer, or whose path, went away.

    Attributes:
        socket: the one that was left behind.
        flow: what it belongs to.
        heard: when its peer was last heard.
        by_program: True if it went because its program ended, which is not what the check is about.
    """

    socket: SocketLifetime
    flow: Flow
    heard: float
    by_program: bool

    @property
    def ended(self) -> bool:
        return self.socket.interval.ended

    @property
    def age(self) -> float:
        """Silence until the socket was gone, or until the history ends."""
        return self.socket.interval.end - self.heard


def _deaths(history: History, at: str) -> Iterator[_Death]:
    known = flows(history)
    dead = {
        (each.socket.local, each.socket.peer, each.socket.interval.start): each.interval.start
        for each in half_open(history, known)
        if each.first_state != "CLOSE_WAIT"  # a FIN came: it was told that its peer is leaving
    }
    for flow in known:
        for socket in (*flow.client_sockets, *flow.server_sockets):
            if socket.host != at:
                continue
            key = (socket.local, socket.peer, socket.interval.start)
            gone = dead.get(key, _path_gone(flow, socket))
            if gone is None:
                continue
            heard = socket.last_heard()
            yield _Death(
                socket, flow, gone if heard is None else heard, _left_with_program(history, socket)
            )


def _path_gone(flow: Flow, socket: SocketLifetime) -> float | None:
    """When a middlebox forgot the flow for good, as far as this socket could tell."""
    lost = [
        entry.interval.end
        for entry in flow.entries
        if entry.interval.ended and entry.cause in ("expired", "lifetime", "forgotten")
    ]
    heard = socket.last_heard()
    if not lost or heard is None or heard > max(lost):
        return None
    back = any(entry.interval.end > max(lost) for entry in flow.entries)
    here = any(s.start <= max(lost) <= s.end for s in socket.established)
    return max(lost) if here and not back else None


def _left_with_program(history: History, socket: SocketLifetime) -> bool:
    if not socket.interval.ended:
        return False
    _, last = socket.samples[-1]
    return any(
        socket.last_seen <= record["t"] <= socket.interval.end + history.sample_s
        and record.get("pid") == last.pid
        for record in history.of(ProcessRecord, host=socket.host, state="exited")
    )


def _evidence(history: History, check: DeadConnectionRemoval, death: _Death) -> Evidence:
    age = say(history, death.age)
    if not death.ended:
        text = f"still there, {age} after its peer was last heard"
    else:
        text = f"gone {age} after its peer was last heard"
        if death.age < check.not_before:
            text += ": too early"
    last = death.socket.samples[-1][1]
    text = f"{last.local} of {last.peer}: {text}"
    if last.timer != "off" and last.retrans:
        text += f"; {last.retrans} {last.timer} probes unanswered when last seen"
    return Evidence(death.socket.interval.end, text, death.flow.name)
