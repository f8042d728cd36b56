"""The check `accept queue`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from halfopen.checkers._bounds import AtEndAndPeak, Weighed, peak_of
from halfopen.checkers._words import late, moment, unknown
from halfopen.model.flows import sampled_hosts
from halfopen.model.history import History
from halfopen.model.sockets import TcpSocket
from halfopen.model.verdict import Evidence
from halfopen.ports import Finding

# Between two samples a program may well be about to accept.
_SAMPLES = 2


class AcceptQueue(AtEndAndPeak):
    """Connections that the kernel completed and no program has accepted.

    The kernel completes the handshake by itself and puts the connection into the queue of the
    listening socket (listen(2)); until the program calls accept(2) no process holds it.  A program
    that is out of file descriptors (EMFILE) leaves it there.  For the sender it is established: it
    writes its first bytes, in RELP the command `open`, they are acknowledged, and no answer comes.

    Attributes:
        at: the host that listens.
        at_end: connections that wait at the end of the run.
        peak: connections that wait at the same time.
    """

    name = "accept queue"
    summary = "connections that no program accepts: their clients wait in `open`"

    def judge(self, history: History) -> Finding:
        """Count the connections that no process holds."""
        if missing := sorted(set(self.counted) - sampled_hosts(history)):
            return unknown(self.asked, f"no socket of {missing[0]} was ever sampled")
        found = [each for host in self.counted for each in waiting_at(history, host)]
        weighed = self._weigh(history, found)
        evidence = tuple(
            Evidence(
                each.start,
                f"{each.peer} connected at {moment(history, each.start)} and was not accepted "
                + (f"until {moment(history, each.ended)}" if each.ended else "by the end")
                + f"; {each.unread} bytes unread",
            )
            for each in found
        )
        why = f"connections that no program accepted: {weighed.why}"
        finding = weighed.finding(why, evidence)
        delays = {each.peer: history.delay(each.start, each.seen) for each in found}
        sure = [e for e in found if e.seen - e.start >= _least(history, delays[e.peer])]
        if finding.verdict is self._weigh(history, sure).verdict:
            return finding
        return late(self.asked, finding, max(delays.values()), "and so may its programs have been")

    def _weigh(self, history: History, found: Sequence[Waiting]) -> Weighed:
        changes = [(each.start, 1) for each in found]
        changes += [(each.ended, -1) for each in found if each.ended is not None]
        return self.weigh(history, sum(e.ended is None for e in found), peak_of(changes)[0])


@dataclass
class Waiting:
    """One connection while nobody holds it.

    Attributes:
        peer: address and port of the other side.
        start: t of the first sample that shows it.
        seen: t of the last.
        unread: bytes received and not read.
        ended: t of the first sample in which it is accepted or gone, None if there is none.
    """

    peer: str
    start: float
    seen: float
    unread: int
    ended: float | None = None


def waiting_at(history: History, host: str) -> list[Waiting]:
    """Every connection of `host` that waited longer than accepting takes, in order of time."""
    open_: dict[tuple[str, str], Waiting] = {}
    done: list[Waiting] = []
    for t, sockets in history.sockets(host):
        ports = {_port(s) for s in sockets if s.state == "LISTEN"}
        now = {(s.local, s.peer): s for s in sockets if _unheld(s) and _port(s) in ports}
        for key in [key for key in open_ if key not in now]:
            open_[key].ended = t
            done.append(open_.pop(key))
        for key, socket in now.items():
            each = open_.setdefault(key, Waiting(socket.peer, t, t, 0))
            each.seen, each.unread = t, max(each.unread, socket.rqueue)
    found = [*done, *open_.values()]
    long = [each for each in found if each.seen - each.start >= _least(history)]
    return sorted(long, key=lambda each: each.start)


def _least(history: History, delay: float = 0.0) -> float:
    """Lab seconds for which a connection must wait to count, if programs may be late by `delay`."""
    return _SAMPLES * history.header["sample_s"] + delay


def _port(socket: TcpSocket) -> str:
    return socket.local.rpartition(":")[2]


def _unheld(socket: TcpSocket) -> bool:
    # What a program closes leaves these states at once (FIN_WAIT1, LAST_ACK): nobody had it yet.
    return socket.pid == 0 and socket.state in ("ESTABLISHED", "CLOSE_WAIT")
