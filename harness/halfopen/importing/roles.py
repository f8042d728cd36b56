"""The systems that stand for the programs that were seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from halfopen.importing.facts import Side

_PROGRAMS = {
    "rsyslogd": "rsyslog",
    "syslog-ng": "syslog-ng",
    "relpio": "relpio",
}
_PORTS = {514: "rsyslog", 2514: "relpio", 9092: "kafka"}
_TOGETHER = (  # families that speak one protocol
    {"rsyslog", "syslog-ng"},
    {"rsyslog", "relpio"},
    {"kafka"},
    {"tcp"},
)
_RELP_PORT = 2514

_NAMES: Mapping[tuple[str, Side], str] = {
    ("rsyslog", "client"): "rsyslog send",
    ("rsyslog", "server"): "rsyslog receive",
    ("syslog-ng", "client"): "syslog-ng send",
    ("syslog-ng", "server"): "syslog-ng receive",
    ("relpio", "client"): "relpio send",
    ("relpio", "server"): "relpio receive",
    ("kafka", "client"): "kafka produce",
    ("kafka", "server"): "kafka broker",
    ("tcp", "client"): "tcp client",
    ("tcp", "server"): "tcp server",
}


@dataclass(frozen=True)
class Role:
    """What plays one side.

    Attributes:
        system: its name.
        why: it was chosen.
        options: key and value of its options, with a comment for each.
        timers: whether it takes keepalive with timers of its own.
        keepalive: whether it takes keepalive at all.
    """

    system: str
    why: str
    options: tuple[tuple[str, str, str], ...] = ()
    timers: bool = True
    keepalive: bool = True


def choose_roles(
    port: int, programs: Mapping[Side, str], speaks_relp: bool | None = None
) -> dict[Side, Role]:
    """The systems for both sides of a connection to `port`.

    Args:
        port: of the server.
        programs: the name of the program at a side, where it is known.
        speaks_relp: whether it is RELP; None if no input tells.
    """
    sides: tuple[Side, Side] = ("client", "server")
    known = {side: _PROGRAMS.get(programs.get(side, ""), "") for side in sides}
    usual = known["client"] or known["server"] or "tcp"
    families = {side: known[side] or _PORTS.get(port) or usual for side in sides}
    if not any(set(families.values()) <= each for each in _TOGETHER):
        families = dict.fromkeys(sides, usual)
    if not any(set(families.values()) <= each for each in _TOGETHER):
        families = dict.fromkeys(sides, "tcp")
    if speaks_relp is False and "relpio" in families.values():
        families = dict.fromkeys(sides, "rsyslog")
    found = set(families.values())
    relp = "relpio" in found or (port == _RELP_PORT and "syslog-ng" not in found)
    told = speaks_relp is not None
    relp = speaks_relp if speaks_relp is not None else relp
    return {
        side: _role(side, families[side], relp, port, programs.get(side, ""), told)
        for side in sides
    }


def _role(side: Side, family: str, relp: bool, port: int, program: str, told: bool) -> Role:
    system = _NAMES[family, side]
    why = f"program {program}" if program else f"port {port}"
    if family == "tcp":
        if program:
            why = f"no system of its own for the program {program}"
        else:
            why = f"not known: the program at port {port}; `command` systems take your own"
    options: tuple[tuple[str, str, str], ...] = ()
    if family == "rsyslog":
        key, name = ("output", "omrelp" if relp else "omfwd")
        if side == "server":
            key, name = ("input", "imrelp" if relp else "imtcp")
        other = "plain TCP" if relp else "RELP"
        note = "as the other side" if told else f"not known: it may as well be {other}"
        options = ((key, name, note),)
    return Role(
        system,
        why,
        options,
        timers=family != "kafka",
        # omrelp has none (products/rsyslog/releases.py).
        keepalive=(family, side) != ("kafka", "server")
        and not (relp and (family, side) == ("rsyslog", "client")),
    )
