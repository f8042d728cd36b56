"""The scenario that inputs lead to: commented, each figure with the place that it comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from halfopen.errors import UsageError
from halfopen.importing.explain import WHAT_CAME, Candidate, MiddleboxEvidence, evidence, rank
from halfopen.importing.facts import Facts, SeenConnection, SeenKeepalive, SeenOption, Side
from halfopen.importing.heading import heading, safe
from halfopen.importing.roles import Role, choose_roles
from halfopen.importing.sysctl import KEEPALIVE, RETRIES
from halfopen.importing.timers import Timers, timers
from halfopen.ports import Profile
from halfopen.sections import say_duration

_IN_THE_LAB_S = 6.0
"""About how long the shorter of silence and idle timeout takes in a lab with scaled time."""

_LONGEST_WAIT = 30 * 86400.0
_USUAL_WAIT = 4500.0
_NEXT = 2  # profiles that fit less well, named in comments
_LARGEST_SCALE = 7200.0


@dataclass(frozen=True)
class Draft:
    """A scenario to start from.

    Attributes:
        server_port: whose connections it plays.
        best: the profile in it, and others by how well they fit.
        silence: seconds that it waits between messages.
        scale: at which the shorter of its times takes some seconds in a lab.
    """

    server_port: int
    best: Sequence[Candidate]
    silence: float
    scale: float
    _head: str
    _body: str

    def text(self, scale: float) -> str:
        """The scenario file."""
        said = f"scale: {scale:g}    # a lab in real time divides every time by this\n"
        return self._head + (said if scale != 1 else "") + self._body


def draft(facts: Facts, profiles: Mapping[str, Profile], inputs: Sequence[str]) -> Draft:
    """The scenario for the connections that are in trouble, or for the busiest server port.

    Args:
        facts: that were read.
        profiles: to choose the middlebox from.
        inputs: the files that they were read from.

    Raises:
        UsageError: if no input shows a TCP connection, or a port that is listened on.
    """
    ports = _ports(facts)
    if not ports:
        raise UsageError(
            f"no input shows a TCP connection; understood: {facts}; "
            "add --ss, --conntrack or --pcap with the connections of the machine"
        )
    port, *others = ports
    group = [each for each in facts.connections if each.server.port == port]
    seen = evidence(group, facts)
    best = rank(seen, profiles)
    return _Writer(facts, port, others, group, seen, best, inputs).draft()


def _ports(facts: Facts) -> list[int]:
    """Server ports: those with trouble first, then the busiest, then those listened on only."""
    pairs = {(each.client, each.server) for each in facts.connections}
    busy = Counter(server.port for _, server in pairs)
    trouble = Counter(each.server.port for each in facts.connections if each.late)
    known = dict.fromkeys([*busy, *facts.listeners])
    return sorted((port for port in known if port), key=lambda p: (not trouble[p], -busy[p], p))


class _Writer:
    def __init__(
        self,
        facts: Facts,
        port: int,
        others: Sequence[int],
        group: Sequence[SeenConnection],
        seen: MiddleboxEvidence,
        best: Sequence[Candidate],
        inputs: Sequence[str],
    ) -> None:
        self._facts = facts
        self._port = port
        self._others = others
        self._group = group
        self._seen = seen
        self._best = best
        self._inputs = inputs
        self._idle = best[0].override or best[0].idle
        self._silence, self._why_silence = self._wait()
        programs: dict[Side, str] = {}
        if (listener := facts.listeners.get(port)) is not None:
            programs["server"] = listener.program
        for each in group:
            programs |= {side: name for side, name in each.programs.items() if name}
        relp = [each.relp for each in (*group, listener) if each and each.relp is not None]
        self._listener = listener
        self._roles = choose_roles(port, programs, relp[0] if relp else None)

    def draft(self) -> Draft:
        short = min(self._silence, self._idle or self._silence)
        scale = min(max(1.0, float(f"{short / _IN_THE_LAB_S:.2g}")), _LARGEST_SCALE)
        sides: tuple[Side, Side] = ("client", "server")
        seen = {side: timers(self._keepalive(side), self._facts) for side in sides}
        hosts = [self._host("client", seen["client"]), self._firewall()]
        hosts.append(self._host("server", seen["server"]))
        body = ["hosts:", *(line for host in hosts for line in host)]
        body += ["path: [client, firewall, server]", "", *self._steps(), *self._variants()]
        head = (
            "\n".join(heading(self._facts, self._port, self._others, self._group, self._inputs))
            + "\n"
        )
        return Draft(self._port, self._best, self._silence, scale, head, "\n".join(body) + "\n")

    def _keepalive(self, side: Side) -> list[SeenKeepalive]:
        found = [each.keepalive[side] for each in self._group if side in each.keepalive]
        if side == "server" and not found and self._listener and self._listener.keepalive:
            found = [self._listener.keepalive]
        return found

    def _options(self, side: Side) -> list[str]:
        """Those of the role, with what a configuration file says instead or besides."""
        given: Sequence[SeenOption] = ()
        if side == "server":
            given = self._listener.options if self._listener else ()
        elif configured := next((each for each in self._group if each.options), None):
            given = configured.options
        found = {
            key: SeenOption(key, value, note) for key, value, note in self._roles[side].options
        }
        if self._roles[side].system.startswith("rsyslog"):
            found |= {each.key: each for each in given}
        return [
            f"    {each.key}: {each.value:<17} # {safe(each.note)}"
            if each.value
            else f"    # {safe(each.note)}"
            for each in found.values()
        ]

    def _host(self, side: Side, seen: Timers) -> list[str]:
        role: Role = self._roles[side]
        lines = [f"  {side}:{self._where(side)}", f"    run: {role.system:<22}# {safe(role.why)}"]
        if side == "client":
            lines.append("    to: server")
        lines.append(f"    port: {self._port}")
        lines += self._options(side)
        if role.keepalive:
            lines += [f"    # {safe(comment)}" for comment in seen.comments]
            value = str(seen) if role.timers else ("off" if seen.values is None else "on")
            lines.append(f"    keepalive: {value}")
        return lines + self._sysctls(side, role)

    def _where(self, side: Side) -> str:
        ends = Counter(getattr(each, side).address for each in self._group)
        if not ends:
            return ""
        (address, _), *more = ends.most_common()
        others = f" and {len(more)} more" if more else ""
        where = next(e.where for e in self._group if getattr(e, side).address == address)
        return f"                       # {safe(address)}{others} ({safe(where)})"

    def _sysctls(self, side: Side, role: Role) -> list[str]:
        if side != self._home:
            return []
        names = [RETRIES] if role.timers else [RETRIES, *KEEPALIVE]
        lines = []
        for name in names:
            found = self._facts.settings.get(name)
            if found is None or not 1 <= found.value <= (255 if name == RETRIES else 32767):
                continue
            seconds = " s" if name in KEEPALIVE[:2] else ""
            lines.append(f"      {name}: {found.value:.0f}{seconds}   # {safe(found.where)}")
        if not lines:
            return []
        note = "" if self._told else "    # not known: whose these are"
        return [f"    sysctls:{note}", *lines]

    @property
    def _told(self) -> set[Side]:
        """The sides at which `ss` was called."""
        return {side for each in self._group for side in (*each.programs, *each.keepalive)}

    @property
    def _home(self) -> Side:
        return "client" if self._told == {"client"} else "server"

    def _firewall(self) -> list[str]:
        best, *others = self._best
        nothing = self._seen == MiddleboxEvidence()
        if nothing:
            lines = ["  firewall:                     # not known: no input tells what it is"]
        else:
            lines = ["  firewall:", f"    # {best.title}: it would explain what was seen"]
            lines += [f"    #   {reason}" for reason in best.reasons]
        lines.append(f"    profile: {best.profile}")
        if best.override is not None:
            lines.append(f"    idle timeout: {say_duration(best.override)}    # fits what was seen")
        if self._seen.nat:
            lines.append(f"    nat: {self._seen.nat}")
        lines += self._foreign()
        for each in others[: 0 if nothing else _NEXT]:
            lines.append(f"    # or {each.profile} ({each.title}):")
            lines += [f"    #   {reason}" for reason in each.reasons]
        return [safe(line) for line in lines]

    def _foreign(self) -> list[str]:
        """Flow tables that cannot be what forgot the flow."""
        _, most = self._seen.window
        return [
            f"    # {what} ({figure.where}) waits for {say_duration(figure.value)}: that is not "
            "what forgot the connection"
            for what, figure in (
                ("the flow table", self._seen.tracked),
                ("this machine's connection tracking", self._seen.timeout),
            )
            if figure is not None and figure.value > most
        ]

    def _wait(self) -> tuple[float, str]:
        """How long nothing is sent, and why."""
        seen = self._seen.killed
        idle = self._idle
        longest = max(
            (each.silence for each in self._group if each.silence),
            key=lambda f: f.value,
            default=None,
        )
        if seen is not None:
            late = self._seen.late[0] if self._seen.late else "drop"
            why = f"after {say_duration(round(seen.value))} {WHAT_CAME[late]}: {seen.where}"
            if idle is None or seen.value > 1.1 * idle:
                return _whole(seen.value), why
            return _whole(1.25 * idle), f"{why}; longer than the idle timeout"
        if longest is not None and longest.value > (idle or 0) and longest.value >= 1:
            return _whole(longest.value), f"longest silence seen: {longest.where}"
        wanted = min(1.25 * idle, _LONGEST_WAIT) if idle else _USUAL_WAIT
        said = "not known: the silence; this is longer than the idle timeout"
        if longest is not None and longest.value >= 1:
            said += f" (seen: {say_duration(round(longest.value, 1))}, {longest.where})"
        return _whole(wanted), said

    def _steps(self) -> list[str]:
        return [
            "steps:",
            "  - send: 20 messages           # not known: how much is sent, and what",
            "    from: client",
            f"  # {safe(self._why_silence)}",
            f"  - wait: {say_duration(self._silence)}",
            "  - send: 20 messages",
            "    from: client",
            "",
            "expect:                         # not known: what your programs promise",
            "  - delivery: { lost: 0, corrupted: 0 }",
            "  - half-open: { at: server, at end: 0 }",
        ]

    def _variants(self) -> list[str]:
        lines = ["", "variants:", "  as-imported: {}"]
        roles = [(side, self._roles[side]) for side in self._roles]
        idle = self._idle if self._idle is not None else _USUAL_WAIT
        if idle < 4 or not all(role.timers for _, role in roles):
            return lines
        probe = min(float(int(idle // 2)), 7200.0)
        wanted = Timers((probe, float(max(1, min(75, int(probe // 4)))), 9), ())
        both = all(role.keepalive for _, role in roles)
        who = "Both sides send" if both else "The server sends"
        lines += [
            "  with-keepalive:",
            f"    about: {who} probes before the firewall forgets the flow.",
            "    hosts:",
            *(f"      {side}: {{ keepalive: {wanted} }}" for side, role in roles if role.keepalive),
        ]
        return lines


def _whole(seconds: float) -> float:
    return float(max(1, round(min(seconds, _LONGEST_WAIT))))
