"""Names of hosts that the parts of a scenario may use, and what each of them must be."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

from halfopen.fields import HostReference, Section, host_references
from halfopen.scenario.model import Host
from halfopen.sections import Problems, quote, suggest
from halfopen.yamlfile import Node

PROXY = "proxy"
"""Role of a host that stands on the path and ends TCP connections."""

UNKNOWN = "unknown"
"""Role of a host of which it is not known what it runs: that is told already, no more is."""


@dataclass(frozen=True)
class Names:
    """The names that steps, checks and options may use.

    Attributes:
        endpoints: hosts that run a system, with its role.
        middleboxes: hosts that play a profile.
        path: the hosts in the order in which links join them; empty if that is not settled.
        returns: the hosts in the order of the way back, if that is another.
        hosts: those that were read rightly.
    """

    endpoints: Mapping[str, str]
    middleboxes: frozenset[str]
    path: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()
    hosts: Mapping[str, Host] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """Every host."""
        return {*self.endpoints, *self.middleboxes}

    def check(self, name: str, line: int, where: str, problems: Problems) -> bool:
        """Note an unknown host."""
        if name in self.names:
            return True
        problems.add(
            line,
            f"{where} names unknown host {quote(name)}",
            suggest(name, self.names, "available hosts"),
        )
        return False

    def check_endpoint(self, name: str, line: int, where: str, problems: Problems) -> None:
        """Note it if `name` is no host that runs a system."""
        if self.check(name, line, where, problems) and name not in self.endpoints:
            problems.add(
                line,
                f"{where} needs a host that runs a system, but {name} is a middlebox",
                f"name one of {', '.join(sorted(self.endpoints)) or 'the endpoints'}",
            )

    def check_middlebox(self, name: str, line: int, where: str, problems: Problems) -> None:
        """Note it if `name` is no middlebox."""
        if self.check(name, line, where, problems) and name not in self.middleboxes:
            problems.add(
                line,
                f"{where} needs a middlebox, but {name} runs a system",
                f"name one of {', '.join(sorted(self.middleboxes)) or 'the middleboxes'}",
            )

    def check_neighbours(
        self, pair: tuple[str, str], line: int, where: str, problems: Problems
    ) -> None:
        """Note it if no link joins two hosts."""
        found = [self.check(name, line, where, problems) for name in pair]  # both are told
        if not all(found):
            return
        joined = [*itertools.pairwise(self.path), *itertools.pairwise(self.returns)]
        if self.path and set(pair) not in [set(link) for link in joined]:
            shown = ", ".join(" and ".join(link) for link in joined)
            problems.add(
                line, f"{where}: no link joins {pair[0]} and {pair[1]}", f"the links are: {shown}"
            )

    def check_references(
        self, section: Section, node: Node, where: str, problems: Problems
    ) -> None:
        """Note every host that a section names, and that is not there or not of its kind."""
        for reference in host_references(section):
            written = node.entries.get(reference.key)
            line = node.line if written is None else written.line
            self._check_reference(reference, line, where, problems)

    def _check_reference(
        self, reference: HostReference, line: int, where: str, problems: Problems
    ) -> None:
        names, ref = reference.names, reference.ref
        match ref.role:
            case "middlebox":
                self.check_middlebox(names[0], line, where, problems)
            case "endpoint":
                self.check_endpoint(names[0], line, where, problems)
            case "host":
                self.check(names[0], line, where, problems)
            case "link":
                self.check_neighbours((names[0], names[1]), line, where, problems)
        host = self.hosts.get(names[0])
        if ref.system is not None and host is not None and host.system not in (ref.system, None):
            problems.add(
                line,
                f"{where} needs a host that runs {ref.system}, but {host.name} runs {host.system}",
                f"name one that does, like `proxy: {{ run: {ref.system}, ... }}`",
            )

    def sender(self, name: str | None, node: Node, problems: Problems) -> str | None:
        """The host that a send step sends from: the one it names, or the only sender."""
        senders = sorted(host for host, role in self.endpoints.items() if role == "sender")
        if name is not None:
            line = node.entries["from"].line
            if self.check(name, line, "a send step", problems) and (
                self.endpoints.get(name) not in ("sender", UNKNOWN)
            ):
                problems.add(
                    line,
                    f"a send step needs a host that runs a sender, which {name} does not",
                    f"name one of {', '.join(senders) or 'the senders'}",
                )
            return name
        if len(senders) == 1:
            return senders[0]
        if senders:
            problems.add(
                node.line, "a send step must say from which host", f"add `from: {senders[0]}`"
            )
        elif self.endpoints and UNKNOWN not in self.endpoints.values():
            problems.add(
                node.line,
                "a send step, but no host runs a sender",
                "give a host a sender, for example `run: relpio send`",
            )
        return None
