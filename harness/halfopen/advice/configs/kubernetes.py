"""Kubernetes: the sysctls of pods, in manifests of pods and of what makes pods.

Kubernetes' documentation, "Using sysctls in a Kubernetes Cluster": `securityContext.sysctls` of a
pod, each a name and a string.  net.ipv4.tcp_keepalive_* are safe since 1.29; before, the kubelet
must allow them.  A pod has a network namespace of its own, which begins with Linux's defaults; with
`hostNetwork` it has the node's.  Sysctls turn keepalive on for no socket: what is judged are
sockets that ask for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

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

_TEMPLATE = ("spec", "template", "spec")
_PODS = {
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
    "Deployment": _TEMPLATE,
    "StatefulSet": _TEMPLATE,
    "DaemonSet": _TEMPLATE,
    "ReplicaSet": _TEMPLATE,
    "ReplicationController": _TEMPLATE,
    "Job": _TEMPLATE,
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
"""Kind -> where the pod's specification is."""
_WANTED = re.compile(rf"""\bkind["']?\s*:\s*["']?({"|".join(_PODS)}|List|\w+List)\b""")
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")


class KubernetesReader(ConfigReader):
    """Reader of manifests, each document by itself."""

    name = "kubernetes"
    files = ()

    def recognises(self, text: str) -> bool:
        """Whether it has the kind and version of an object."""
        known = r"""^\s*["']?(apiVersion|kind)["']?\s*:\s*["']?[A-Za-z]"""
        return len(set(re.findall(known, text, re.MULTILINE))) == 2

    def read(self, sources: Sequence[Source]) -> Iterator[ConfiguredConnection]:
        """Sockets of each pod that ask for keepalive and set no timers."""
        for source in sources:
            for root in documents(source, _WANTED):
                for thing in [root, *(items.items if (items := root.get("items")) else ())]:
                    yield from _object(thing)


def _object(thing: YamlNode) -> Iterator[ConfiguredConnection]:
    kind = thing.get("kind")
    if kind is None or kind.text not in _PODS:
        return
    pod = thing.get(*_PODS[kind.text])
    if pod is None or not pod.entries:
        return
    name = thing.get("metadata", "name")
    said = f"{kind.text} {name.text}" if name is not None else kind.text
    entries = _entries(pod)
    host = (node := pod.get("hostNetwork")) is not None and node.text.lower() == "true"
    unknown = _unknown(pod, entries)
    anchor = next((each.start for each in entries if each.source is pod.source), kind.start)
    yield ConfiguredConnection(
        pod.source,
        anchor,
        f"a socket of {shortened(said)} that asks for keepalive and sets no timers",
        asks=True,
        timers=ConfiguredTimers() if host or unknown else timers_of(entries),
        unknown=unknown,
        remedy=(lambda _: ()) if host else partial(_edits, entries, pod),
        hint="hostNetwork is true: set the node's sysctls" if host else "",
    )


def _unknown(pod: YamlNode, entries: Sequence[Setting]) -> str:
    for each in entries:
        if re.search(r"\$[({]|\{\{", each.value):
            return f"{each.key} is a variable: {shortened(each.value)}"
    for name in _CONTAINERS:
        containers = pod.get(name)
        for container in containers.items if containers is not None else ():
            for words in (container.get("command"), container.get("args")):
                for word in words.items if words is not None else ():
                    if "tcp_keepalive" in word.text:
                        line = word.source.line(word.start)
                        return f"a container may set sysctls itself, see line {line}"
    return ""


def _entries(pod: YamlNode) -> list[Setting]:
    """The sysctls of keepalive that a pod sets."""
    found = []
    sysctls = pod.get("securityContext", "sysctls")
    for item in sysctls.items if sysctls is not None else ():
        name, value = item.get("name"), item.get("value")
        if name is None or value is None or name.text.replace("/", ".") not in TIMERS:
            continue
        entry = value.setting(name.text.replace("/", "."))
        if value.plain and value.text.isdecimal():
            raise entry.error(
                f"{entry.key}: a number is not accepted here",
                f'write a string, "{shortened(value.text)}"',
            )
        found.append(entry)
    return found


def _edits(entries: Sequence[Setting], pod: YamlNode, to: Recommended) -> Sequence[Edit]:
    if to.keepalive is None:
        return ()
    values = recommended(to.keepalive)
    edits = [
        Edit(each.source, *each.span, f'"{values.pop(each.key)}"')
        for each in {each.key: each for each in entries}.values()
    ]
    if not values:
        return edits
    context, sysctls = pod.get("securityContext"), pod.get("securityContext", "sysctls")
    short = ", ".join(f'{{name: {name}, value: "{value}"}}' for name, value in values.items())
    lines = [
        line
        for name, value in values.items()
        for line in (f"- name: {name}", f'  value: "{value}"')
    ]
    if sysctls is not None:
        if sysctls.flow:
            return [*edits, sysctls.within(short)]
        if not sysctls.items:
            return ()
        at, text = sysctls.start, "".join(f"{line}\n{sysctls.margin}" for line in lines)
        return [*edits, Edit(sysctls.source, at, at, text)]
    if context is not None:
        if context.flow:
            return [context.within(f"sysctls: [{short}]")]
        return [context.first(["sysctls:", *lines])] if context.entries else ()
    if pod.flow:
        return [pod.within(f"securityContext: {{sysctls: [{short}]}}")]
    return [pod.first(["securityContext:", "  sysctls:", *(f"  {each}" for each in lines)])]


READER = KubernetesReader()
