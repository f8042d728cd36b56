"""Reads a scenario file: every problem in it at once, each with its line.

It is read in two passes: :mod:`.parse` gives everything its shape, where it is written; then
:mod:`.resolve` holds the names in each variant against its hosts.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from halfopen.errors import InputError, Problem
from halfopen.ports import Vocabulary
from halfopen.scenario.model import Scenario
from halfopen.scenario.parse import VARIANT_KEYS, Parser, text_of
from halfopen.scenario.raw import RawVariant
from halfopen.scenario.resolve import resolve
from halfopen.sections import Problems, check_keys, quote
from halfopen.yamlfile import Node, read_yaml

KEYS = ("scenario", "source", *VARIANT_KEYS, "variants")
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
    about = _text(root, "about", problems)
    parser = Parser(vocabulary, path.parent, problems)
    base = replace(parser.parse(root, RawVariant()), about="")
    raw = {"default": base}
    if (node := root.entries.get("variants")) is not None:
        raw = _variants(node, parser, base, problems)
    read = [resolve(each, parts, vocabulary, problems) for each, parts in raw.items()]
    if before or len(problems):
        raise InputError(problems.sorted(before))
    return Scenario(name, str(path), about, source, tuple(v for v in read if v is not None))


def _variants(
    node: Node, parser: Parser, base: RawVariant, problems: Problems
) -> dict[str, RawVariant]:
    """The variants in the mapping `node`, each on top of what the scenario says."""
    if not isinstance(node.value, dict) or not node.value:
        problems.add(
            node.line,
            "'variants' is not a mapping of names",
            "write `name: { about: ... }` for each, or leave it out",
        )
        return {}
    raw = {}
    for name, each in node.value.items():
        if not _VARIANT_NAME.fullmatch(name):
            problems.add(
                each.line,
                f"{quote(name)} is not a valid variant name",
                "use up to 61 of A-Z, a-z, 0-9, `.`, `_` and `-`",
            )
        if check_keys(each, (*VARIANT_KEYS, "reproduces"), f"in variant {name}", problems):
            raw[name] = parser.parse(each, base)
    return raw


def _text(root: Node, key: str, problems: Problems, *, required: bool = False) -> str:
    node = root.entries.get(key)
    if node is not None:
        return text_of(node, key, problems)
    if required:
        problems.add(root.line, f"{key!r} is missing", f"add `{key}: ...` at the top")
    return ""
