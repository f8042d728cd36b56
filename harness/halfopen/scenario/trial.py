"""The scenario that `halfopen try` plays: two commands of somebody's own, and a silence between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from halfopen.yamlfile import double_quoted

HOSTS = ("client", "server")
"""By these names the two commands find each other."""

_IN_THE_LAB_S = 6.0
"""About how long the shortest of the times takes in a lab with scaled time."""

_TEMPLATE = """\
# Written by `halfopen try`; `halfopen run` plays it again. Times are those of production.
# What else can be told of a command: halfopen systems "command send".
scenario: {title}
{scale}hosts:
  client:
    run: command send             # takes messages on its standard input
    start: {client}
    ready: {{ connected: {port} }}
{firewalls}  server:
    run: command receive          # its output holds the messages
    start: {server}
    ready: {{ listening: {port} }}
    output: {output}
path: {path}

steps:
  - send: {count} messages
    from: client
  - wait: {silence}
  - send: {count} messages
    from: client

expect:
  - delivery: {{ lost: 0, corrupted: 0 }}
  - half-open: {{ at: server, at end: 0 }}
"""

_WITH_KEEPALIVE = """\

variants:
  as-it-is: {{}}
  with-keepalive:
    about: libkeepalive asks for keepalive on every connection of both programs.
    hosts:
      client: {{ preload keepalive: {keepalive} }}
      server: {{ preload keepalive: {keepalive} }}
"""


@dataclass(frozen=True)
class TrialFirewall:
    """A firewall between the two.

    Attributes:
        profile: its name, or its file.
        idle_timeout: seconds, None for never.
        own: whether somebody chose that, so that it must be written.
    """

    profile: str
    idle_timeout: float | None
    own: bool


@dataclass(frozen=True)
class Trial:
    """What is tried.

    Attributes:
        client: the command that connects, and takes messages on its standard input.
        server: the command that listens.
        port: on which it does.
        firewalls: between them, nearest to the client first.
        silence: seconds of production without a message.
        output: `standard output`, or the file in which the server's messages appear.
        keepalive: (idle, interval, probes) of the variant with libkeepalive, None for no such.
    """

    client: Sequence[str]
    server: Sequence[str]
    port: int
    firewalls: Sequence[TrialFirewall]
    silence: float
    output: str = "standard output"
    keepalive: tuple[float, float, int] | None = None

    count = 10

    @property
    def scale(self) -> float:
        """That of a lab with scaled time: nothing that matters takes less than some seconds."""
        times = [self.silence, *(f.idle_timeout for f in self.firewalls if f.idle_timeout)]
        if self.keepalive is not None:
            times.append(self.keepalive[1] * _IN_THE_LAB_S)  # a second between probes is the least
        return max(1.0, float(f"{min(times) / _IN_THE_LAB_S:.2g}"))

    def text(self, scale: float) -> str:
        """The scenario file."""
        numbers = range(1, len(self.firewalls) + 1)
        names = [f"firewall{number if number > 1 else ''}" for number in numbers]
        silence = _exact(self.silence)
        return _TEMPLATE.format(
            title=double_quoted(
                f"{_name(self.client)} and {_name(self.server)}, {silence} of silence"
            ),
            scale=f"scale: {scale:g}\n" if scale != 1 else "",
            client=double_quoted(list(self.client)),
            server=double_quoted(list(self.server)),
            port=self.port,
            firewalls="".join(map(_host, names, self.firewalls)),
            output=double_quoted(self.output),
            path=double_quoted(["client", *names, "server"]),
            count=self.count,
            silence=silence,
        ) + (_variants(self.keepalive) if self.keepalive is not None else "")


def _name(command: Sequence[str]) -> str:
    return PurePath(command[0]).name or command[0]


def _host(name: str, firewall: TrialFirewall) -> str:
    words = f"profile: {double_quoted(firewall.profile)}"
    if firewall.own:
        idle = firewall.idle_timeout
        words += f", idle timeout: {'never' if idle is None else _exact(idle)}"
    return f"  {name}: {{ {words} }}\n"


def _variants(keepalive: tuple[float, float, int]) -> str:
    idle, interval, probes = keepalive
    words = f"{{ idle: {_exact(idle)}, interval: {_exact(interval)}, probes: {probes} }}"
    return _WITH_KEEPALIVE.format(keepalive=words)


def _exact(seconds: float) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:.10g} s"
