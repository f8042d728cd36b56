"""Reads the hosts of a scenario."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from halfopen.errors import InputError
from halfopen.fields import (
    KeepaliveTimers,
    RelativeFile,
    Section,
    marks,
)
from halfopen.model.topology import MOST_LINKS
from halfopen.model.units import parse_duration
from halfopen.ports import Profile, System, Vocabulary
from halfopen.profiles import load_profile
from halfopen.scenario.containers import ContainerKeys
from halfopen.scenario.merge import deep_merge, merge_host
from halfopen.scenario.middleboxes import MiddleboxOptions
from halfopen.scenario.model import Host
from halfopen.scenario.names import MIDDLEBOX, UNKNOWN
from halfopen.scenario.raw import RawHost
from halfopen.sections import Problems, quote, say_duration, suggest, validate
from halfopen.yamlfile import Node

NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
SYSCTL = re.compile(r"net(\.[A-Za-z0-9_/-]+)+")
SECONDS_SYSCTLS = frozenset(
    f"net.ipv4.{name}" for name in ("tcp_keepalive_time", "tcp_keepalive_intvl", "tcp_fin_timeout")
)
"""Sysctls that the kernel takes in whole seconds (Documentation/networking/ip-sysctl.rst)."""

CONTAINER_KEYS = tuple(ContainerKeys.model_fields)
HOST_KEYS = ("run", "sysctls", "preload keepalive", "count", *CONTAINER_KEYS)
"""Keys of a host that runs a system, whichever it is."""


class HostReader:
    """Reads hosts.

    Args:
        vocabulary: knows the systems and profiles.
        directory: relative to which profile files are named.
        problems: takes what is wrong.
    """

    def __init__(self, vocabulary: Vocabulary, directory: Path, problems: Problems) -> None:
        self._vocabulary = vocabulary
        self._directory = directory
        self._problems = problems
        self._files: dict[str, Profile | None] = {}

    def parse(self, node: Node, base: Mapping[str, RawHost]) -> Mapping[str, RawHost] | None:
        """The hosts in the mapping `node` on top of `base`, by name; None if it is no mapping.

        A host that is in both is merged deeply; what belongs to another system, or to another
        profile, is not carried over.

        Args:
            node: the value of `hosts`.
            base: those of the scenario, if `node` is a variant's.
        """
        if not isinstance(node.value, dict):
            self._problems.add(
                node.line, "'hosts' is not a mapping", "write `name: { run: ... }` for each"
            )
            return None
        hosts = dict(base)
        for name, written in node.value.items():
            if not NAME.fullmatch(name):
                self._problems.add(
                    written.line,
                    f"{quote(name)} is not a valid host name",
                    "use up to 31 of a-z, 0-9 and -, a letter first",
                )
            old = hosts.get(name)
            whole = written if old is None else merge_host(old.node, written)
            hosts[name] = self._host(name, whole)
        return hosts

    def _host(self, name: str, node: Node) -> RawHost:
        absent = Problems(self._problems.file)
        role, host = self._described(name, node, absent)
        return RawHost(node, role, host, tuple(absent), self._count(name, node, role))

    def _count(self, name: str, node: Node, role: str) -> int:
        """Members of a group; 0 if it is none, or there is something wrong with it."""
        written = node.entries.get("count")
        if written is None or role == MIDDLEBOX:  # of that, `count` is an unknown key
            return 0
        value = written.plain()
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_LINKS:
            return value
        self._problems.add(
            written.line,
            f"count for {name}: {quote(value)} is not a number of hosts",
            f"write 1 to {MOST_LINKS}: a lab has addresses for no more",
        )
        return 0

    def _described(self, name: str, node: Node, absent: Problems) -> tuple[str, Host | None]:
        """What the host means to be, so that one mistake is not told twice, and the host."""
        problems, entries = self._problems, node.entries
        if not isinstance(node.value, dict):
            problems.add(
                node.line,
                f"host {name}: {quote(node.plain())} is not a mapping",
                "write `{ run: ... }` or `{ profile: ... }`",
            )
        elif "run" in entries and "profile" in entries:
            problems.add(
                node.line, f"host {name} has both `run` and `profile`", "leave one of them out"
            )
        elif "run" in entries:
            system = self._system(name, entries["run"])
            if system is not None:
                return system.role, self._endpoint(name, node, system, absent)
        elif "profile" in entries:
            return MIDDLEBOX, self._middlebox(name, node)
        else:
            absent.add(
                node.line,
                f"host {name} has neither `run` nor `profile`",
                "add `run: SYSTEM` or `profile: PROFILE`",
            )
        return UNKNOWN, None

    def _system(self, host: str, node: Node) -> type[System] | None:
        found = self._vocabulary.systems.get(node.value) if isinstance(node.value, str) else None
        if found is None:
            self._problems.add(
                node.line,
                f"unknown system {quote(node.plain())} on host {host}",
                suggest(str(node.plain()), self._vocabulary.systems, "available systems"),
            )
        return found

    def _endpoint(
        self, name: str, node: Node, system: type[System], absent: Problems
    ) -> Host | None:
        rest = {key: each for key, each in node.entries.items() if key not in HOST_KEYS}
        where, problems = f"for {name}", self._problems
        options = validate(system, Node(rest, node.line), where, problems, absent=absent)
        sysctls = self._sysctls(name, node.entries.get("sysctls"))
        preload = self._preload(name, node.entries.get("preload keepalive"))
        told = {key: each for key, each in node.entries.items() if key in CONTAINER_KEYS}
        container = validate(ContainerKeys, Node(told, node.line), where, problems)
        if options is None or container is None:
            return None
        if container.image is None and (reason := options.image_required()):
            absent.add(node.line, f"{reason}, and host {name} names none", "add `image: ...`")
        self._look_for_files(name, options, node)
        lines = {key: each.line for key, each in node.entries.items()}
        return Host(
            name,
            options,
            system=system.name,
            sysctls=sysctls,
            preload_keepalive=preload,
            container=container,
            line=node.line,
            lines=lines,
        )

    def _preload(self, host: str, node: Node | None) -> KeepaliveTimers | None:
        if node is None or node.value == "off":
            return None
        where = f"in `preload keepalive` for {host}"
        return validate(KeepaliveTimers, node, where, self._problems)

    def _look_for_files(self, host: str, options: Section, node: Node) -> None:
        for key, info in type(options).model_fields.items():
            value = getattr(options, key, None)
            if value is None or not any(isinstance(m, RelativeFile) for m in marks(info)):
                continue
            if not (self._directory / value).is_file():
                name = info.alias or key
                self._problems.add(
                    node.entries[name].line,
                    f"{name} for {host}: no such file: {value!r}",
                    f"name it relative to {self._directory}",
                )

    def _sysctls(self, host: str, node: Node | None) -> dict[str, str | float]:
        problems = self._problems
        if node is None:
            return {}
        if not isinstance(node.value, dict):
            problems.add(node.line, f"sysctls for {host} is not a mapping", "write `net...: 1`")
            return {}
        sysctls: dict[str, str | float] = {}
        for key, each in node.value.items():
            value = each.plain()
            if not SYSCTL.fullmatch(key) or ".." in key:
                problems.add(
                    each.line,
                    f"sysctl {key!r} for {host} does not belong to a network namespace",
                    "only net.* does",
                )
            elif isinstance(value, bool | float | dict | list) or not str(value).isprintable():
                problems.add(
                    each.line,
                    f"{key} for {host}: {quote(value)} is not a whole number or a text",
                    "write for example 1",
                )
            elif key in SECONDS_SYSCTLS:
                try:
                    sysctls[key] = parse_duration(str(value))
                except ValueError as error:
                    what, _, remedy = str(error).partition("; ")
                    if isinstance(value, int):
                        what, remedy = f"{value} has no unit", f"write for example {value} s"
                    problems.add(each.line, f"{key} for {host}: {what}", remedy)
            else:
                sysctls[key] = str(value)
        return sysctls

    def _middlebox(self, name: str, node: Node) -> Host | None:
        profile = self._profile(name, node.entries["profile"])
        if profile is None:
            return None
        line = node.entries["profile"].line
        written = Node({k: v for k, v in node.entries.items() if k != "profile"}, node.line)
        base = profile.values.model_dump(mode="json", by_alias=True)
        whole = deep_merge(_as_node(base, line), written)
        values = validate(MiddleboxOptions, whole, f"for {name}", self._problems)
        if values is None:
            return None
        lines = {key: each.line for key, each in node.entries.items()}
        found = values.model_dump(by_alias=True)
        for key, (least, most) in profile.ranges.items():
            value = found.get(key)
            if key in written.entries and value is not None and not least <= value <= most:
                self._problems.add(
                    lines[key],
                    f"{key} for {name}: {profile.title} cannot be set to {say_duration(value)}",
                    f"use {say_duration(least)} to {say_duration(most)}"
                    if least != most
                    else f"it is fixed at {say_duration(least)}",
                )
        return Host(name, values, profile=profile.name, line=node.line, lines=lines)

    def _profile(self, host: str, node: Node) -> Profile | None:
        name = node.plain()
        if isinstance(name, str) and ("/" in name or name.endswith((".yaml", ".yml"))):
            if name not in self._files:
                self._files[name] = self._load(name)
            return self._files[name]
        profile = self._vocabulary.profiles.get(name) if isinstance(name, str) else None
        if profile is None:
            remedy = suggest(str(name), self._vocabulary.profiles, "available profiles")
            if not remedy.endswith("?"):
                remedy = "see `halfopen profiles`, or name a file: ./my-firewall.yaml"
            self._problems.add(node.line, f"unknown profile {quote(name)} on host {host}", remedy)
        return profile

    def _load(self, name: str) -> Profile | None:
        path = self._directory / name
        try:
            return load_profile(path)
        except InputError as error:
            self._problems.extend(error.problems)
            return None


def _as_node(value: object, line: int) -> Node:
    if isinstance(value, dict):
        return Node({key: _as_node(each, line) for key, each in value.items()}, line)
    if value is None:
        return Node("never", line)
    if isinstance(value, str | bool | int | float):
        return Node(value, line)
    raise TypeError(f"a profile value of type {type(value).__name__}")
