"""What the names in a variant are held against, and who takes what is wrong with them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from halfopen.fields import HostReference, Section, host_references
from halfopen.ports import Vocabulary
from halfopen.scenario.names import UNKNOWN, Names
from halfopen.sections import Problems, quote, suggest
from halfopen.yamlfile import Node


@dataclass(frozen=True)
class Context:
    """Context in which one variant is resolved.

    Attributes:
        vocabulary: what a scenario may name.
        names: of the variant's hosts.
        problems: takes what is wrong.
    """

    vocabulary: Vocabulary
    names: Names
    problems: Problems

    def check(self, name: str, line: int, where: str) -> bool:
        """Note an unknown host."""
        if name in self.names.roles:
            return True
        if (members := self.names.groups.get(name)) is not None:
            self.problems.add(
                line,
                f"{where} asks for one host, but {name} is a group of {len(members)}",
                f"name one of its hosts, like {members[-1]}",
            )
            return False
        self.problems.add(
            line,
            f"{where} names unknown host {quote(name)}",
            suggest(name, self.names.roles, "available hosts"),
        )
        return False

    def check_endpoint(self, name: str, line: int, where: str) -> None:
        """Note it if `name` is no host that runs a system."""
        endpoints = self.names.endpoints
        if self.check(name, line, where) and name not in endpoints:
            self.problems.add(
                line,
                f"{where} needs a host that runs a system, but {name} is a middlebox",
                f"name one of {', '.join(sorted(endpoints)) or 'the endpoints'}",
            )

    def check_middlebox(self, name: str, line: int, where: str) -> None:
        """Note it if `name` is not a middlebox."""
        middleboxes = self.names.middleboxes
        if self.check(name, line, where) and name not in middleboxes:
            self.problems.add(
                line,
                f"{where} needs a middlebox, but {name} runs a system",
                f"name one of {', '.join(sorted(middleboxes)) or 'the middleboxes'}",
            )

    def check_neighbours(self, pair: tuple[str, str], line: int, where: str) -> None:
        """Note it if no link joins two hosts."""
        found = [self.check(name, line, where) for name in pair]  # both are told
        if not all(found):
            return
        names = self.names
        joined = list(
            dict.fromkeys(
                itertools.chain.from_iterable(
                    itertools.pairwise(each) for each in (*names.paths, names.returns)
                )
            )
        )
        if names.paths and set(pair) not in [set(link) for link in joined]:
            shown = ", ".join(" and ".join(link) for link in joined)
            self.problems.add(
                line, f"{where}: no link joins {pair[0]} and {pair[1]}", f"the links are: {shown}"
            )

    def check_references(self, section: Section, node: Node, where: str) -> None:
        """Note every host that a section names, and that is not there or not of its kind."""
        for reference in host_references(section):
            written = node.entries.get(reference.key)
            line = node.line if written is None else written.line
            self._check_reference(reference, line, where)

    def _check_reference(self, reference: HostReference, line: int, where: str) -> None:
        named, ref = reference.names, reference.ref
        match ref.role:
            case "middlebox":
                self.check_middlebox(named[0], line, where)
            case "endpoint":
                self.check_endpoint(named[0], line, where)
            case "host":
                self.check(named[0], line, where)
            case "link":
                self.check_neighbours((named[0], named[1]), line, where)
        host = self.names.hosts.get(named[0])
        if ref.system is not None and host is not None and host.system not in (ref.system, None):
            self.problems.add(
                line,
                f"{where} needs a host that runs {ref.system}, but {host.name} runs {host.system}",
                f"name one that does, like `proxy: {{ run: {ref.system}, ... }}`",
            )

    def sender(self, name: str | None, node: Node) -> str | None:
        """The host that a send step sends from: the one it names, or the only sender."""
        roles = self.names.roles
        senders = sorted(host for host, role in roles.items() if role == "sender")
        if name is not None:
            line = node.entries["from"].line
            if self.check(name, line, "a send step") and roles[name] not in ("sender", UNKNOWN):
                self.problems.add(
                    line,
                    f"a send step needs a host that runs a sender, which {name} does not",
                    f"name one of {', '.join(senders) or 'the senders'}",
                )
            return name
        if len(senders) == 1:
            return senders[0]
        if senders:
            self.problems.add(
                node.line, "a send step must say from which host", f"add `from: {senders[0]}`"
            )
        elif self.names.endpoints and UNKNOWN not in roles.values():
            self.problems.add(
                node.line,
                "a send step, but no host runs a sender",
                "give a host a sender, for example `run: relpio send`",
            )
        return None
