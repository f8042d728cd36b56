"""Docker Compose: the sysctls of services.

Compose's specification, `sysctls` (a mapping, or a list of NAME=VALUE) and `network_mode`.  A
container has a network namespace of its own, which begins with Linux's defaults, whatever the
host's sysctls are (net/ipv4/tcp_ipv4.c, tcp_sk_init); with `network_mode: host` it has the host's.
Sysctls turn keepalive on for no socket: what is judged are sockets that ask for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import PurePath

from halfopen.advice.config_model import (
    ConfigReader,
    ConfiguredConnection,
    ConfiguredTimers,
    Edit,
    Recommended,
    Source,
)
from halfopen.advice.configs._lines import Setting, shortened
from halfopen.advice.configs._sysctls import TIMERS, recommended, timers_of
from halfopen.advice.configs._yaml import YamlNode, documents

_SERVICES = re.compile(r"""^["']?services["']?\s*:|[{,]\s*["']services["']\s*:""", re.MULTILINE)
_OTHERS = re.compile(r"(service|container):(.*)")


class ComposeReader(ConfigReader):
    """Reader of Compose files; those of one directory are one project, the last value counts."""

    name = "compose"
    files = ("docker-compose*.y*ml", "compose.y*ml", "compose.*.y*ml", "*compose*.y*ml")

    def recognises(self, text: str) -> bool:
        """Whether it has services."""
        return _SERVICES.search(text) is not None

    def read(self, sources: Sequence[Source]) -> Iterator[ConfiguredConnection]:
        """Sockets of each service that ask for keepalive and set no timers."""
        found: dict[tuple[str, str], list[tuple[YamlNode, YamlNode]]] = {}
        for source in sources:
            for root in documents(source, _SERVICES):
                services = root.get("services")
                for name, service in services.entries if services is not None else ():
                    if name.text != "<<":
                        project = str(PurePath(source.path).parent)
                        found.setdefault((project, name.text), []).append((name, service))
        for (_, service_name), definitions in found.items():
            yield _service(service_name, definitions)


def _service(name: str, definitions: Sequence[tuple[YamlNode, YamlNode]]) -> ConfiguredConnection:
    entries = [each for _, service in definitions for each in _entries(service)]
    mode = ""
    for _, service in definitions:
        if (node := service.get("network_mode")) is not None:
            mode = node.text
    key, _ = definitions[-1]
    anchor = next((each for each in reversed(entries) if each.source is key.source), None)
    unknown = _unknown(mode, entries, [service for _, service in definitions])
    timers = ConfiguredTimers()
    if mode != "host" and not unknown:
        timers = timers_of(entries)
    return ConfiguredConnection(
        key.source,
        anchor.start if anchor else key.start,
        f"a socket of service {shortened(name)} that asks for keepalive and sets no timers",
        asks=True,
        timers=timers,
        unknown=unknown,
        remedy=(lambda _: ()) if mode == "host" else partial(_edits, entries, definitions[-1][1]),
        hint="network_mode is host: set the host's sysctls" if mode == "host" else "",
    )


def _unknown(mode: str, entries: Sequence[Setting], services: Sequence[YamlNode]) -> str:
    if other := _OTHERS.fullmatch(mode):
        return f"it has the network of {other[1]} {shortened(other[2].strip())}, and its sysctls"
    if "$" in mode:
        return f"network_mode is a variable: {shortened(mode)}"
    for each in entries:
        if "$" in each.value:
            return f"{each.key} is a variable: {shortened(each.value)}"
    for service in services:
        if service.get("extends") is not None:
            return "it extends another service: give what `docker compose config` prints"
        for name in ("command", "entrypoint"):
            node = service.get(name)
            words = [] if node is None else [node.text, *(each.text for each in node.items)]
            if any("tcp_keepalive" in each for each in words):
                return f"its {name} may set sysctls itself"
    return ""


def _entries(service: YamlNode) -> list[Setting]:
    """The sysctls of keepalive that a service sets."""
    node = service.get("sysctls")
    if node is None:
        return []
    found = [value.setting(name.text) for name, value in node.entries]
    for item in node.items:
        name, equals, value = item.text.partition("=")
        setting = item.setting(name.strip())
        if equals:
            found.append(Setting(setting.source, setting.key, value, setting.start, setting.span))
    return [each for each in found if each.key in TIMERS]


def _edits(entries: Sequence[Setting], service: YamlNode, to: Recommended) -> Sequence[Edit]:
    if to.keepalive is None or service.kind != "mapping" or not service.entries:
        return ()
    values = recommended(to.keepalive)
    edits = []
    for entry in {each.key: each for each in entries}.values():
        value = values.pop(entry.key)
        listed = "=" in entry.source.text[slice(*entry.span)]
        edits.append(Edit(entry.source, *entry.span, f"{entry.key}={value}" if listed else value))
    if not values:
        return edits
    node = service.get("sysctls")
    if node is None:
        lines = [f"{name}: {value}" for name, value in values.items()]
        if service.flow:
            return [*edits, service.within(f"sysctls: {{{', '.join(lines)}}}")]
        return [*edits, service.first(["sysctls:", *(f"  {line}" for line in lines)])]
    if node.kind == "list":
        lines = [f"{name}={value}" for name, value in values.items()]
        if not node.flow:
            at, text = node.start, "".join(f"- {line}\n{node.margin}" for line in lines)
            return [*edits, Edit(node.source, at, at, text)]
    else:
        lines = [f"{name}: {value}" for name, value in values.items()]
        if node.entries and not node.flow:
            return [*edits, node.first(lines)]
    return [*edits, node.within(", ".join(lines))] if node.flow else ()


READER = ComposeReader()
