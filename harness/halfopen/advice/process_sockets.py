"""Connections of processes that run, as `halfopen advise --pid` judges them.

What a process sends by itself is not seen: a connection without keepalive is unsafe here, although
the program may break the silence.
"""

from __future__ import annotations

import ipaddress
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from halfopen.advice.advise import say
from halfopen.advice.config_files import Configuration
from halfopen.advice.config_model import ConfiguredConnection, ConfiguredTimers, Source
from halfopen.errors import UsageError
from halfopen.probes.procfs import read_text
from halfopen.probes.socket_options import SocketOptions, socket_options
from halfopen.probes.sockets import SocketProbe

_TRACE = (
    "the kernel shows a socket's options only to who may trace the process: run as root, or set "
    "the sysctl kernel.yama.ptrace_scope to 0"
)


_SYSTEMS = ConfiguredTimers()


@dataclass(frozen=True)
class _Group:
    """What connections have in common."""

    what: str
    asks: bool
    timers: ConfiguredTimers = _SYSTEMS
    user_timeout_ms: int = 0
    unknown: str = ""


def with_processes(configuration: Configuration, processes: Sequence[int]) -> Configuration:
    """The same, with the connections of these processes.

    Raises:
        UsageError: a process is gone, or not ours to look at.
    """
    connections, silent = list(configuration.connections), list(configuration.silent)
    for pid in dict.fromkeys(processes):
        try:
            program = read_text(f"/proc/{pid}/comm").strip()
            source = Source(f"pid {pid} ({program})", "", lines=False)
            found = Counter(_groups(pid))
        except (FileNotFoundError, ProcessLookupError):
            raise UsageError(f"--pid {pid}: there is no such process") from None
        except OSError as error:
            raise UsageError(
                f"--pid {pid}: its sockets cannot be read: {error.strerror}; run as its user, or "
                "as root"
            ) from None
        connections += (_connection(source, each, number) for each, number in found.items())
        if not found:
            silent.append(source.path)
    return replace(configuration, connections=connections, silent=silent)


def _connection(source: Source, group: _Group, number: int) -> ConfiguredConnection:
    what = group.what if number == 1 else f"{number} times {group.what}"
    return ConfiguredConnection(
        source,
        0,
        what,
        group.asks,
        group.timers,
        group.user_timeout_ms,
        unknown=group.unknown,
    )


def _groups(pid: int) -> Iterator[_Group]:
    """One for each connection to another machine, and for each port without one."""
    found, hidden = [], []
    for each in socket_options(pid):
        if isinstance(each, SocketOptions):
            found.append(each)
        else:
            hidden.append(each)
    ports = {_port(each.local) for each in found if not each.peer}
    accepted = {_port(each.local) for each in found if each.peer} & ports
    for each in found:
        if not each.peer and _port(each.local) not in accepted and not _on_this_machine(each.local):
            yield _Group(
                f"listener {_port(each.local)}",
                asks=False,
                unknown="it has no connection now: ask again when it has one",
            )
        elif each.peer and not _on_this_machine(each.peer, each.local):
            yield _Group(
                _what(each.local, each.peer, ports),
                each.keepalive,
                ConfiguredTimers(each.idle, each.interval, each.probes),
                each.user_timeout_ms,
            )
    if hidden:
        yield from _by_timers(pid, set(hidden))


def _by_timers(pid: int, inodes: set[int]) -> Iterator[_Group]:
    """What sock_diag(7) tells of sockets whose options are not shown: the timer that runs."""
    if os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net"):  # noqa: PTH115
        yield _Group("a socket in another network namespace", asks=False, unknown=_TRACE)
        return
    with closing(SocketProbe()) as probe:
        seen = [each for each in probe.read({}) if each.inode in inodes]
    ports = {_port(each.record["local"]) for each in seen if each.kind == "listen"}
    for each in seen:
        socket = each.record
        if each.kind == "listen" or _on_this_machine(socket["peer"], socket["local"]):
            continue
        what = _what(socket["local"], socket["peer"], ports)
        timer = socket.get("timer", "off")
        if timer == "keepalive":
            least = say(socket.get("timer_s", 0.0))
            unknown = f"it asks for keepalive, the next probe is due in {least}; {_TRACE}"
            yield _Group(what, asks=True, unknown=unknown)
        elif timer == "off" and socket["state"] == "ESTABLISHED" and not socket.get("wqueue"):
            # The timer of a socket that asks always runs (net/ipv4/tcp_timer.c).
            yield _Group(what, asks=False)
        else:
            yield _Group(what, asks=False, unknown=f"data is on its way; {_TRACE}")


def _what(local: str, peer: str, ports: set[str]) -> str:
    port = _port(local)
    return f"connection accepted at {port}" if port in ports else f"client to {peer}"


def _port(end: str) -> str:
    return end.rpartition(":")[2]


def _on_this_machine(peer: str, local: str = "") -> bool:
    address, own = (end.rpartition(":")[0].strip("[]").partition("%")[0] for end in (peer, local))
    return address == own or ipaddress.ip_address(address).is_loopback
