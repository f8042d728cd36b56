"""Output of `ss` (iproute2, misc/ss.c): `ss -tanpo`, `ss -tnoi`, with or without header."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from halfopen.errors import InputError
from halfopen.importing.facts import (
    End,
    Facts,
    SeenConnection,
    SeenKeepalive,
    SeenListener,
    Side,
    SourcedNumber,
    likely_server,
)
from halfopen.importing.lines import InputLine

STATES = frozenset(
    [
        "ESTAB",
        "LISTEN",
        "SYN-SENT",
        "SYN-RECV",
        "FIN-WAIT-1",
        "FIN-WAIT-2",
        "TIME-WAIT",
        "CLOSE-WAIT",
        "LAST-ACK",
        "CLOSING",
        "UNCONN",
        "CLOSED",
        "UNKNOWN",
        "NEW-SYN-RECV",
        "BOUND-INACTIVE",
    ]
)
_SYNCHRONIZED = ("ESTAB", "CLOSE-WAIT", "FIN-WAIT-1", "LAST-ACK")
_FAMILIES = frozenset(
    [
        "tcp",
        "mptcp",
        "udp",
        "raw",
        "icmp",
        "icmp6",
        "u_str",
        "u_seq",
        "u_dgr",
        "nl",
        "p_raw",
        "p_dgr",
        "v_str",
        "v_dgr",
        "ti_st",
        "xdp",
        "sctp",
        "dccp",
        "???",
    ]
)
_HEADER = frozenset(
    [
        "Netid",
        "State",
        "Recv-Q",
        "Send-Q",
        "Local",
        "Address:Port",
        "Peer",
        "Address:PortProcess",
        "Process",
        "Timer",
    ]
)
_ATTRIBUTE = re.compile(r"[A-Za-z_<-][\w.<>-]*(:|$)")
_USERS = re.compile(r'users:\(\("([^"]*)"')
_TIMER = re.compile(r"timer:\(([^()]*)\)")
_LASTS = re.compile(r"\blast(snd|rcv):(\d{1,12})\b")
_TIME = re.compile(r"(?:(\d{1,9})min)?(?:(\d{1,9})(?:sec|\.(\d{3})ms))?(?:(\d{1,9})ms)?")
_MANY = 3  # retransmissions after which an acknowledgement is not merely late

REMEDY = "write it with `ss -tanpo` or `ss -tnoi`"


def read_ss(lines: Iterator[InputLine], facts: Facts) -> None:
    """Add what the output of `ss` tells.

    A line that begins with white space holds details (`-i`) of the socket before it. Sockets of
    other families than TCP are passed over.

    Raises:
        InputError: for a line that is not of `ss`, a name instead of a number, a cut line.
    """
    socket: _Socket | None = None
    for line in lines:
        words = line.text.split()
        if words[0] in ("State", "Netid"):
            _check_header(line, words, facts)
        elif line.text[0].isspace() and words[0] not in STATES | _FAMILIES:
            if socket is not None:
                socket = replace(socket, details=socket.details + " " + line.text)
        else:
            _add(socket, facts)
            socket = _socket(line, words, facts)
    _add(socket, facts)


@dataclass(frozen=True)
class _Socket:
    where: str
    state: str
    queued: int  # bytes sent and not acknowledged; of LISTEN, the backlog
    local: End
    peer: End | None
    details: str


def _check_header(line: InputLine, words: list[str], facts: Facts) -> None:
    unknown = [word for word in words if word not in _HEADER]
    if unknown:
        raise line.wrong(
            f"unknown column {unknown[0]!r}",
            f"known columns: State, Recv-Q, Send-Q, Local and Peer Address:Port, Process; {REMEDY}",
            facts,
        )


def _socket(line: InputLine, words: list[str], facts: Facts) -> _Socket | None:
    if words[0] in _FAMILIES:
        family, *words = words
        if family not in ("tcp", "mptcp"):
            return None
    if not words or words[0] not in STATES:
        raise _not_ss(line, facts)
    if len(words) < 5:
        raise line.wrong(f"{len(words)} columns instead of 5 or more", REMEDY, facts)
    state, received, sent, local, peer, *rest = words
    if not (received.isdecimal() and sent.isdecimal() and len(sent) < 20):
        raise line.wrong("Recv-Q and Send-Q are not numbers", REMEDY, facts)
    details = " ".join(rest)
    if rest and not _ATTRIBUTE.match(rest[0]):
        raise line.wrong(f"unknown column after the peer's address: {rest[0]!r}", REMEDY, facts)
    if details.count("(") != details.count(")"):
        raise line.wrong("a bracket is not closed", REMEDY, facts)
    here = _end(line, local, facts)
    if here is None:
        raise line.wrong(f"{local!r} has no port", REMEDY, facts)
    return _Socket(line.where, state, int(sent), here, _end(line, peer, facts), details)


def _not_ss(line: InputLine, facts: Facts) -> InputError:
    first, *more = line.text.split()
    rows = first in ("tcp", "tcp6") and bool(more) and more[0].isdecimal()
    if rows or first in ("Proto", "Active"):
        return line.wrong("this is the output of netstat", REMEDY, facts)
    return line.wrong(f"{first!r} is not a state of `ss`", REMEDY, facts)


def _end(line: InputLine, text: str, facts: Facts) -> End | None:
    address, colon, port = text.rpartition(":")
    if not colon:
        raise line.wrong(f"{text!r} is not ADDRESS:PORT", REMEDY, facts)
    if port == "*":
        return None
    if not port.isdecimal() or not 0 <= int(port[:6]) <= 65535 or len(port) > 5:
        raise line.wrong(f"{port!r} is not the number of a port", f"{REMEDY}: -n", facts)
    address = address.strip("[]").partition("%")[0]
    return End(address.removeprefix("::ffff:") or "*", int(port))


def _add(socket: _Socket | None, facts: Facts) -> None:
    if socket is None:
        return
    users = _USERS.search(socket.details)
    program = users[1] if users else ""
    if socket.state == "LISTEN":
        old = facts.listeners.get(socket.local.port)
        if old is None or not old.program:
            facts.listeners[socket.local.port] = SeenListener(
                socket.local.port, program, socket.where
            )
        return
    if socket.peer is None or socket.state in ("UNCONN", "CLOSED", "BOUND-INACTIVE"):
        return
    server = likely_server(socket.local, socket.peer)
    side: Side = "server" if server is socket.local else "client"
    found = SeenConnection(
        socket.peer if side == "server" else socket.local,
        server,
        socket.where,
        state=socket.state,
        sure=False,
        programs={side: program} if program else {},
    )
    if socket.state in _SYNCHRONIZED:
        found = _timed(found, socket, side, facts)
    facts.connections.append(found)


def _timed(found: SeenConnection, socket: _Socket, side: Side, facts: Facts) -> SeenConnection:
    timer = _TIMER.search(socket.details)
    kind, _, rest = (timer[1] if timer else "").partition(",")
    left, _, tries = rest.partition(",")
    if timer:
        facts.shows_timers = True
    lasts = {what: int(each) / 1000 for what, each in _LASTS.findall(socket.details)}
    quiet = min(lasts.values(), default=0.0)
    if quiet:
        found = replace(found, silence=SourcedNumber(quiet, socket.where))
    if kind == "keepalive":
        at_least = _seconds(left)
        seen = SeenKeepalive(
            socket.where,
            # After an unanswered probe the timer is that of the interval.
            at_least=SourcedNumber(at_least, socket.where) if at_least and tries == "0" else None,
        )
        return replace(found, keepalive={side: seen})
    if not timer and socket.state == "ESTAB" and not socket.queued:
        return replace(found, keepalive={side: SeenKeepalive(socket.where, asked=False)})
    if kind == "on" and tries.isdecimal() and int(tries[:6]) >= _MANY and socket.queued:
        heard = lasts.get("rcv", 0.0)
        return replace(
            found,
            late=("drop", socket.where),
            retries=int(tries[:6]),
            killed=SourcedNumber(heard, socket.where) if heard else None,
        )
    return found


def _seconds(text: str) -> float | None:
    """Seconds of `119min`, `1min23sec`, `4.123ms` (which are 4.123 s) or `200ms` (ss.c)."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    minutes, seconds, thousandths, ms = (int(each or 0) for each in match.groups())
    return 60 * minutes + seconds + (thousandths + ms) / 1000
