"""OpenSSH: `sshd_config` and `ssh_config`.

sshd_config(5) and ssh_config(5): `TCPKeepAlive`, yes unless set, asks for keepalive with the
system's timers.  `ClientAliveInterval` (server) and `ServerAliveInterval` (client), 0 unless set,
send a request over the connection itself, which any firewall takes for data; a peer that does not
answer `ClientAliveCountMax` or `ServerAliveCountMax` of them (3 unless set; 0 for the server:
never) is given up.  Of several values the first counts; `Host *` and what comes before any `Host`
count for each host.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from math import inf

from halfopen.advice.config_model import (
    ConfigReader,
    ConfiguredConnection,
    Edit,
    OwnTraffic,
    Recommended,
    Source,
)
from halfopen.advice.configs._lines import (
    FileSection,
    Setting,
    included,
    one_of,
    seconds,
    sections_of,
    shortened,
    whole,
)

_LINE = re.compile(r"\s*(?P<key>[A-Za-z]\w*)(?:\s*=\s*|\s+)(?P<value>\S(?:.*?\S)?)\s*")
_HEADING = re.compile(r"\s*(?P<kind>host|match)(?:\s*=\s*|\s+)(?P<title>\S.*)", re.IGNORECASE)
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


class _SshReader(ConfigReader):
    """Reader of the files of a server or client."""

    alive: str
    alive_max: str
    asked: str

    def _entries(self, sections: Sequence[FileSection], mine: FileSection) -> list[Setting]:
        """What counts for a section, in its order."""
        return [
            entry
            for each in sections
            if each is mine or not each.kind or (each.kind, each.title) in _FOR_ALL
            for entry in each.settings
        ]

    def _connection(
        self, entries: Sequence[Setting], mine: FileSection, what: str, unknown: str
    ) -> ConfiguredConnection:
        first = {each.key: each for each in reversed(entries)}
        asks = "tcpkeepalive" not in first or one_of(
            first["tcpkeepalive"], ("yes", "true"), ("no", "false")
        )
        alive, most = first.get(self.alive.lower()), first.get(self.alive_max.lower())
        every = 0.0 if alive is None else seconds(alive, _UNITS)
        tries = 3 if most is None else whole(most)
        traffic = None
        if every:
            dead = every * tries if tries else None
            traffic = OwnTraffic(every, f"{self.alive}: {self.asked}", dead)

        def remedy(to: Recommended) -> Sequence[Edit]:
            if to.silence < 1:
                return ()
            if alive is not None:
                return [Edit(alive.source, *alive.span, str(to.silence))]
            return mine.put({self.alive: str(to.silence)}, self._form(mine))

        anchor = alive or first.get("tcpkeepalive")
        mine_has = anchor is not None and anchor.source is mine.source
        return ConfiguredConnection(
            mine.source,
            anchor.start if anchor is not None and mine_has and not mine.kind else mine.start,
            what,
            asks,
            traffic=traffic,
            unknown=unknown,
            remedy=remedy,
        )

    def _form(self, mine: FileSection) -> str:
        return "    {key} {value}" if mine.kind else "{key} {value}"


_OURS = (
    {f"{each}aliveinterval" for each in ("client", "server")}
    | {f"{each}alivecountmax" for each in ("client", "server")}
    | {"tcpkeepalive"}
)
_FOR_ALL = {("host", "*"), ("match", "all")}


class SshdReader(_SshReader):
    """Reader of the server's files."""

    name = "sshd"
    files = ("sshd_config", "sshd_config.d/*.conf", "*sshd_config*")
    alive, alive_max = "ClientAliveInterval", "ClientAliveCountMax"
    asked = "sshd asks the client over the connection"

    def recognises(self, text: str) -> bool:
        """Whether a keyword of only the server is there."""
        known = r"^\s*(ClientAlive\w+|PermitRootLogin|AuthorizedKeysFile|MaxSessions|HostKey)\s"
        return re.search(known, text, re.MULTILINE | re.IGNORECASE) is not None

    def read(self, sources: Sequence[Source]) -> Iterator[ConfiguredConnection]:
        """Its sessions: all, and those of a `Match` that has its own interval."""
        sections = _sections(sources)
        unknown = _not_followed(sections, sources, "`sshd -T` prints all that counts")
        common = [each for section in sections if not section.kind for each in section.settings]
        port = next((each.value for each in common if each.key == "port"), "22")
        what = f"listener {shortened(port)} (sshd)"
        yield self._connection(common, sections[0], what, unknown)
        for mine in sections:
            if mine.kind == "match" and any(
                each.key in (self.alive.lower(), self.alive_max.lower()) for each in mine.settings
            ):
                # What matches comes before what is set for all.
                entries = [*mine.settings, *common]
                what = f"sessions of Match {shortened(mine.title)} (sshd)"
                yield self._connection(entries, mine, what, unknown)


class SshReader(_SshReader):
    """Reader of the client's files."""

    name = "ssh"
    files = ("ssh_config", "ssh_config.d/*.conf", ".ssh/config")
    alive, alive_max = "ServerAliveInterval", "ServerAliveCountMax"
    asked = "ssh asks the server over the connection"

    def recognises(self, text: str) -> bool:
        """Whether a keyword of only the client is there."""
        known = r"^\s*(ServerAlive\w+|ProxyJump|ProxyCommand|IdentityFile)\s+\S"
        return re.search(known, text, re.MULTILINE | re.IGNORECASE) is not None

    def read(self, sources: Sequence[Source]) -> Iterator[ConfiguredConnection]:
        """A connection for each `Host` or `Match`; one for all if there are none."""
        sections = _sections(sources)
        unknown = _not_followed(sections, sources, "`ssh -G HOST` prints all that counts")
        headed = [each for each in sections if each.kind]
        for mine in headed or sections[:1]:
            where = shortened(f"{mine.kind.capitalize()} {mine.title}") if mine.kind else "any host"
            entries = self._entries(sections, mine)
            yield self._connection(entries, mine, f"client to {where} (ssh)", unknown)


def _sections(sources: Sequence[Source]) -> list[FileSection]:
    """The sections of all files, in the order in which they are read."""
    found = {
        each.path: sections_of(each, _HEADING, _LINE, "#", "Keyword value") for each in sources
    }
    order = [each.path for each in sources]
    for path in list(order):
        settings = [each for section in found[path] for each in section.settings]
        ours = [each.start for each in settings if each.key in _OURS]
        for each in (each for each in settings if each.key == "include"):
            names = each.value.split()
            for name in (one.path for word in names for one in included(word, sources)):
                if name != path:
                    order.remove(name)
                    first = order.index(path)
                    order.insert(first if each.start < min(ours, default=inf) else first + 1, name)
    return [section for path in order for section in found[path]]


def _not_followed(sections: Iterable[FileSection], sources: Sequence[Source], ask: str) -> str:
    for section in sections:
        for each in section.settings:
            if each.key == "include" and any(
                not included(name, sources) for name in each.value.split()
            ):
                line = each.source.line(each.start)
                return (
                    f"line {line} includes {each.value}: give its files with --config, too; {ask}"
                )
    return ""


READER = (SshdReader(), SshReader())
