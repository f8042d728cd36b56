"""Reads a scenario file: every problem in it at once, each with its line."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

from halfopen.errors import InputError, Problem
from halfopen.ports import Vocabulary
from halfopen.scenario.expect import read_expectations, read_reproduces
from halfopen.scenario.hosts import HostReader, check_option_hosts
from halfopen.scenario.merge import RawVariant, merge, raw_variant
from halfopen.scenario.model import Scenario, Variant
from halfopen.scenario.names import UNKNOWN, Names
from halfopen.scenario.paths import read_family, read_path, read_return_path
from halfopen.scenario.proxies import check_proxies
from halfopen.scenario.steps import read_steps
from halfopen.sections import Problems, check_keys, quote
from halfopen.yamlfile import Node, read_yaml

VARIANT_KEYS = ("about", "scale", "hosts", "family", "path", "return path", "steps", "expect")
KEYS = ("scenario", "source", *VARIANT_KEYS, "variants")
LARGEST_SCALE = 1_000_000.0
_VARIANT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")


def load_scenario(path: Path | str, vocabulary: Vocabulary) -> Scenario:
    """The scenario in the file at `path`.

    Args:
        path: the file; problems name it as given.
        vocabulary: what a scenario may name.

    Raises:
        InputError: with every problem found, in the order of the file.
    """
    path = Path(path)
    before: list[Problem] = []
    root = read_yaml(path, problems=before)
    problems = Problems(str(path))
    check_keys(
        root, (*KEYS, "reproduces") if "variants" not in root.entries else KEYS, "here", problems
    )
    name = _text(root, "scenario", problems, required=True)
    source = _text(root, "source", problems)
    reader = _VariantReader(vocabulary, path.parent, problems)
    base = raw_variant(root)
    about = _text(root, "about", problems)
    variants = []
    if (node := root.entries.get("variants")) is None:
        if found := reader.read("default", replace(base, about=None)):
            variants.append(found)
    elif not isinstance(node.value, dict) or not node.value:
        problems.add(
            node.line,
            "'variants' is not a mapping of names",
            "write `name: { about: ... }` for each, or leave it out",
        )
    else:
        reader.read("", replace(base, about=None, reproduces=None), partial=True)
        for variant_name, each in node.value.items():
            if not _VARIANT_NAME.fullmatch(variant_name):
                problems.add(
                    each.line,
                    f"{quote(variant_name)} is not a valid variant name",
                    "use up to 61 of A-Z, a-z, 0-9, `.`, `_` and `-`",
                )
            where = f"in variant {variant_name}"
            if not check_keys(each, (*VARIANT_KEYS, "reproduces"), where, problems):
                continue
            whole = merge(replace(base, about=None), raw_variant(each), vocabulary.checks)
            if found := reader.read(variant_name, whole):
                variants.append(found)
    if before or len(problems):
        raise InputError(problems.sorted(before))
    return Scenario(name, str(path), about, source, tuple(variants))


def _text(root: Node, key: str, problems: Problems, *, required: bool = False) -> str:
    node = root.entries.get(key)
    if node is None:
        if required:
            problems.add(root.line, f"{key!r} is missing", f"add `{key}: ...` at the top")
        return ""
    return _text_of(node, key, problems)


def _text_of(node: Node | None, key: str, problems: Problems) -> str:
    if node is None:
        return ""
    if not isinstance(node.value, str) or not node.value.strip():
        problems.add(node.line, f"{key}: {quote(node.plain())} is not a text", "write a text")
        return ""
    return node.value.strip()


class _VariantReader:
    def __init__(self, vocabulary: Vocabulary, directory: Path, problems: Problems) -> None:
        self._vocabulary = vocabulary
        self._problems = problems
        self._hosts = HostReader(vocabulary, directory, problems)

    def read(self, name: str, parts: RawVariant, *, partial: bool = False) -> Variant | None:
        """The variant in `parts`; if `partial`, just looks for what is wrong by itself."""
        problems, vocabulary = self._problems, self._vocabulary
        if not partial:
            for key in ("hosts", "path", "steps", "expect"):
                if getattr(parts, key) is None:
                    problems.add(parts.line, f"{key!r} is missing", f"add `{key}:`")
        about = _text_of(parts.about, "about", problems)
        scale = self._scale(parts.scale)
        hosts = self._hosts.read(parts.hosts, partial=partial) if parts.hosts else {}
        known = None
        if not partial and parts.hosts is not None:
            known = self._known(parts.hosts)
            for host in hosts.values():
                node = parts.hosts.entries[host.name]
                check_option_hosts(host, node, known, problems)
        family = read_family(parts.family, problems)
        path: tuple[str, ...] = ()
        returns: tuple[str, ...] = ()
        back = parts.return_path
        if parts.path:
            path = read_path(parts.path, back, parts.hosts, known, problems)
        if back:
            returns = read_return_path(back, path, known, problems)
        if known is not None:
            known = replace(known, path=path, returns=returns, hosts=hosts)
        steps = read_steps(parts.steps, vocabulary, known, problems) if parts.steps else ()
        expect = read_expectations(parts.expect, vocabulary, known, problems)
        expect = read_reproduces(parts.reproduces, expect, problems)
        if known is not None and parts.hosts is not None:
            check_proxies(parts.hosts, steps, expect, known, problems)
        if partial or len(problems):
            return None  # one problem anywhere is enough: then no scenario comes of the file
        ordered = tuple(hosts[host] for host in dict.fromkeys((*path, *returns)))
        return Variant(
            name, about, scale, ordered, path, steps, expect, parts.line, family, returns
        )

    def _known(self, node: Node) -> Names:
        """The hosts by what they mean to be, so that one mistake in a host is not told twice."""
        endpoints, middleboxes = {}, set()
        for name, host in node.entries.items():
            if "profile" in host.entries and "run" not in host.entries:
                middleboxes.add(name)
                continue
            both = "profile" in host.entries
            run = host.entries["run"].plain() if "run" in host.entries and not both else None
            spec = self._vocabulary.systems.get(run) if isinstance(run, str) else None
            endpoints[name] = spec.role if spec else UNKNOWN
        return Names(endpoints, frozenset(middleboxes))

    def _scale(self, node: Node | None) -> float:
        if node is None:
            return 1.0
        value = node.plain()
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._problems.add(
                node.line, f"scale: {quote(value)} is not a number", "write for example 600"
            )
        elif not 1 <= value <= LARGEST_SCALE or not math.isfinite(value):
            self._problems.add(
                node.line,
                f"scale: {value} is out of range",
                f"write a number from 1 (real time) to {LARGEST_SCALE:.0f}",
            )
        else:
            return float(value)
        return 1.0
