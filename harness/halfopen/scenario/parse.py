"""The first pass of the reader: what is written gets its shape, no name is looked up yet."""

from __future__ import annotations

import math
from pathlib import Path

from halfopen.ports import Vocabulary
from halfopen.scenario.expect import merge_expectations, parse_expectations
from halfopen.scenario.hosts import HostReader
from halfopen.scenario.paths import (
    RETURN_EXAMPLE,
    parse_family,
    parse_path,
    parse_paths,
)
from halfopen.scenario.raw import RawVariant
from halfopen.scenario.reproduces import parse_reproduces
from halfopen.scenario.scaling import LARGEST_SCALE
from halfopen.scenario.steps import parse_steps
from halfopen.sections import Problems, quote
from halfopen.yamlfile import Node

VARIANT_KEYS = (
    *("about", "control", "scale", "hosts", "family", "path", "paths", "return path"),
    *("steps", "expect"),
)
"""What a variant may change."""


class Parser:
    """Parser of the parts of a scenario, each where it is written, once.

    Args:
        vocabulary: what a scenario may name.
        directory: relative to which files are named.
        problems: takes what is wrong.
    """

    def __init__(self, vocabulary: Vocabulary, directory: Path, problems: Problems) -> None:
        self._vocabulary = vocabulary
        self._problems = problems
        self._hosts = HostReader(vocabulary, directory, problems)

    def parse(self, node: Node, base: RawVariant) -> RawVariant:
        """The parts that the mapping `node` writes on top of `base`.

        Hosts are merged deeply, expectations are added, the rest is replaced.

        Args:
            node: a variant, or the scenario itself.
            base: the scenario's parts, if `node` is a variant; else empty.
        """
        written, problems, vocabulary = node.entries, self._problems, self._vocabulary
        about, scale, hosts, family = base.about, base.scale, base.hosts, base.family
        paths, back, steps, expect = base.paths, base.return_path, base.steps, base.expect
        if part := written.get("about"):
            about = text_of(part, "about", problems)
        control = base.control
        if part := written.get("control"):
            control = text_of(part, "control", problems)
        if part := written.get("scale"):
            scale = _scale(part, problems)
        if part := written.get("hosts"):
            hosts = self._hosts.parse(part, hosts or {})
        if part := written.get("family"):
            family = parse_family(part, problems)
        if "path" in written or "paths" in written:
            paths = parse_paths(written, problems)
        if part := written.get("return path"):
            back = parse_path(part, "return path", RETURN_EXAMPLE, problems)
        if part := written.get("steps"):
            steps = parse_steps(part, vocabulary, problems)
        if part := written.get("expect"):
            added = parse_expectations(part, vocabulary, problems)
            expect = None if added is None else merge_expectations(expect or (), added)
        part = written.get("reproduces")
        return RawVariant(
            line=node.line,
            written=base.written | frozenset(written),
            about=about,
            control=control,
            scale=scale,
            hosts=hosts,
            family=family,
            paths=paths,
            return_path=back,
            steps=steps,
            expect=expect,
            reproduces={} if part is None else parse_reproduces(part, problems),
        )


def text_of(node: Node, key: str, problems: Problems) -> str:
    """The text `node`, empty if it is none."""
    if not isinstance(node.value, str) or not node.value.strip():
        problems.add(node.line, f"{key}: {quote(node.plain())} is not a text", "write a text")
        return ""
    return node.value.strip()


def _scale(node: Node, problems: Problems) -> float | None:
    value = node.plain()
    if isinstance(value, bool) or not isinstance(value, int | float):
        problems.add(node.line, f"scale: {quote(value)} is not a number", "write for example 600")
    elif not 1 <= value <= LARGEST_SCALE or not math.isfinite(value):
        problems.add(
            node.line,
            f"scale: {value} is out of range",
            f"write a number from 1 (real time) to {LARGEST_SCALE:.0f}",
        )
    else:
        return float(value)
    return None
