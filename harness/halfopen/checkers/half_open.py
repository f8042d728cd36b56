"""The check `half-open`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from halfopen.checkers._bounds import AtEndAndPeak, peak_of
from halfopen.checkers._words import moment, production, say, unknown
from halfopen.model.flows import Flow, HalfOpenInterval, flows, half_open, sampled_hosts
from halfopen.model.history import History
from halfopen.model.sockets import TcpSocket
from halfopen.model.verdict import Evidence
from halfopen.ports import Finding


class HalfOpen(AtEndAndPeak):
    """Connections that one side still believes in after the other side has gone.

    Every state counts in which a program can still use the socket: ESTABLISHED, also with a zero
    window; FIN_WAIT1, FIN_WAIT2, CLOSING and LAST_ACK as long as a program holds it (it has shut
    down its sending side and waits for the rest); CLOSE_WAIT.  A socket that its program has closed
    does not count: the kernel removes it by itself.

    Attributes:
        at: the host that still believes.
        sum_over: instead of `at`: several such hosts, or a group; what they believe is added up.
        at_end: half-open connections at the end of the run.
        peak: half-open connections at the same time.
    """

    name = "half-open"
    summary = "connections that one side still holds open after the other side has gone"
    silent = True

    def judge(self, history: History) -> Finding:
        """Count the sockets at a host that are in use while their peer has none that is."""
        missing = [words for host in self.counted if (words := unsampled(history, host))]
        if missing:
            return unknown(self.asked, missing[0])
        known = flows(history)
        idle = [words for host in self.counted if (words := never_connected(known, host))]
        if len(idle) == len(self.counted):
            return unknown(self.asked, idle[0])
        found = [each for each in half_open(history, known) if each.socket.host in self.counted]
        at_end = [each for each in found if not each.interval.ended]
        perhaps = [
            each
            for each in half_open(history, known, certain=False)
            if each.socket.host in self.counted and not each.interval.ended
        ]
        changes = [(e.interval.start, 1) for e in found]
        changes += [(e.interval.end, -1) for e in found if e.interval.ended]
        peak, peak_t = peak_of(changes)
        weighed = self.weigh(history, len(at_end), peak)
        evidence = [_evidence(history, each) for each in found]
        if self.peak is not None and peak:
            evidence.append(
                Evidence(peak_t, f"{peak} half-open at once from {moment(history, peak_t)} on")
            )
        why = f"half-open connections: {weighed.why}"
        if at_end:
            states = Counter(each.last_state for each in at_end)
            why += "; left in " + ", ".join(f"{state}: {n}" for state, n in sorted(states.items()))
        young = len(perhaps) - len(at_end)
        if (
            self.at_end is not None
            and len({self.at_end.holds(len(at_end) + more) for more in range(young + 1)}) > 1
        ):
            why += f"; {young} more may have become so in the last moment: too young to tell"
            return unknown(weighed.bound, why)
        return weighed.finding(why, evidence)


def _states(each: HalfOpenInterval, last: TcpSocket) -> str:
    """The state that it was left in, and the one that it came to."""
    first, state = each.first_state, each.last_state
    if last.timer == "persist":
        state += " with a zero window"
    return state if state.startswith(first) else f"{state} (was {first})"


def unsampled(history: History, at: str) -> str:
    """Which socket samples are missing to join the flows of host `at`; empty if none are."""
    sampled = sampled_hosts(history)
    endpoints = {str(h["name"]) for h in history.plan["hosts"] if h.get("profile") is None}
    if at not in sampled:
        return f"no socket of {at} was ever sampled"
    if missing := sorted(endpoints - sampled):
        return f"no socket of {', '.join(missing)} was ever sampled: the peers are not known"
    return ""


def never_connected(known: Sequence[Flow], at: str) -> str:
    """Why nothing can be said of the connections of a host; empty if it had one."""
    for flow in known:
        for lifetime in (*flow.client_sockets, *flow.server_sockets):
            if lifetime.host == at and lifetime.connected:
                return ""
    return f"{at} never had an established connection: nothing was at stake"


def _evidence(history: History, each: HalfOpenInterval) -> Evidence:
    socket = each.socket.at(each.interval.end)
    heard = each.socket.last_heard(each.interval.end)
    state = _states(each, socket)
    parts = [f"{socket.local} is {state} and has no live peer at {socket.peer}"]
    length = say(history, each.interval.length)
    parts.append(f"for {length}" + (" until it was gone" if each.interval.ended else " to the end"))
    if heard is not None:
        parts.append(f"last heard at {moment(history, max(0.0, heard))}")
    if each.interval.ended:
        pass
    elif socket.timer == "off":
        parts.append("no timer runs: nothing will ever end it")
    else:
        parts.append(f"{socket.timer} timer, next in {production(history, socket.timer_s)}")
    return Evidence(each.interval.start, "; ".join(parts), each.flow.name)
