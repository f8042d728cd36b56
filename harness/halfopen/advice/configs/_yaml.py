"""YAML of others: anchors, aliases, merge keys and several documents; each value knows its place.

The parser's events become nodes, one for each value that is written: an alias is the node that it
stands for, so that nothing is expanded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from halfopen.advice.config_model import Edit, Source
from halfopen.advice.configs._lines import Setting

_DEEPEST = 100  # levels; the schema of a pod has about twenty
_DOCUMENT = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_MERGES = 20  # merge keys that are followed from one mapping


@dataclass
class YamlNode:
    """A value.

    Attributes:
        source: the file.
        kind: `scalar`, `mapping` or `list`.
        text: of a scalar.
        plain: whether a scalar is written without quotes.
        flow: whether it is written in brackets.
        start: offset where it begins.
        end: offset after a scalar.
        entries: keys and values of a mapping.
        items: of a list.
    """

    source: Source
    kind: str
    text: str = ""
    plain: bool = False
    flow: bool = False
    start: int = 0
    end: int = 0
    entries: list[tuple[YamlNode, YamlNode]] = field(default_factory=list)
    items: list[YamlNode] = field(default_factory=list)

    def get(self, *path: str) -> YamlNode | None:
        """The value at a path of keys; merge keys (`<<`) count after a mapping's own."""
        node: YamlNode | None = self
        for key in path:
            node = None if node is None else node._value(key)
        return node

    def _value(self, key: str) -> YamlNode | None:
        seen, left = 0, [self]
        while left and seen < _MERGES:
            node, seen = left.pop(0), seen + 1
            for name, value in reversed(node.entries):
                if name.text == key:
                    return value
            for name, value in node.entries:
                if name.text == "<<":
                    left += [value] if value.kind == "mapping" else value.items[:_MERGES]
        return None

    def setting(self, key: str) -> Setting:
        """A scalar as the setting of a name."""
        return Setting(self.source, key, self.text, self.start, (self.start, self.end))

    @property
    def margin(self) -> str:
        """Spaces before a mapping's first key, or a list's first dash, in its line."""
        start = self.entries[0][0].start if self.entries else self.start
        return " " * (start - self.source.text.rfind("\n", 0, start) - 1)

    @property
    def inside(self) -> int:
        """Offset after the bracket that opens it."""
        text = self.source.text
        return re.compile(r"[\[{]").search(text, self.start).end()  # type: ignore[union-attr]

    def within(self, text: str) -> Edit:
        """An edit that puts an entry or item first in brackets."""
        at, more = self.inside, self.entries or self.items
        return Edit(self.source, at, at, f"{text}, " if more else text)

    def first(self, lines: list[str]) -> Edit:
        """An edit that puts lines before the first entry of a mapping that is not in brackets."""
        at = self.entries[0][0].start
        text = "".join(f"{line}\n{self.margin}" for line in lines)
        return Edit(self.source, at, at, text)


def documents(source: Source, wanted: re.Pattern[str]) -> Iterator[YamlNode]:
    """The documents of a file that hold what is wanted; the others are not read.

    Raises:
        InputError: one of them is not YAML, or nested too deeply.
    """
    starts = [0, *(each.start() for each in _DOCUMENT.finditer(source.text))]
    for start, end in zip(starts, [*starts[1:], len(source.text)], strict=True):
        text = source.text[start:end]
        if wanted.search(text):
            yield from _read(source, start, text)


def _read(source: Source, offset: int, text: str) -> Iterator[YamlNode]:
    try:
        events = YAML(typ="safe", pure=True).parse(text)
        yield from _nodes(source, offset, events)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(filter(None, (error.context, error.problem))).replace("\n", " ")
        at = offset + min(mark.index, len(text.rstrip())) if mark else offset
        raise source.error(at, f"not YAML: {what}", _REMEDY) from None
    except YAMLError as error:  # the reader's: a character that YAML forbids
        position = getattr(error, "position", None)
        at = offset + position if isinstance(position, int) else offset
        raise source.error(at, "a character that YAML does not allow", "remove it") from None
    except (ArithmeticError, AssertionError, AttributeError, LookupError, ValueError):
        # The parser itself stumbles over some malformed input instead of refusing it.
        raise source.error(offset, "not YAML: the parser cannot read it", _REMEDY) from None


_REMEDY = "check the syntax; of a template of Helm, give what `helm template` prints"


def _nodes(source: Source, offset: int, events: Any) -> Iterator[YamlNode]:
    """The root of each document."""
    opened: list[YamlNode] = []
    keys: list[YamlNode | None] = []  # of each open mapping, the key that waits for its value
    anchors: dict[str, YamlNode] = {}
    for event in events:
        start = offset + event.start_mark.index
        if isinstance(event, MappingEndEvent | SequenceEndEvent):
            keys.pop()
            node = opened.pop()
            if not opened:
                yield node
            continue
        if isinstance(event, AliasEvent):
            if event.anchor not in anchors:
                raise source.error(start, f"no anchor &{event.anchor} before it", "write the value")
            node = anchors[event.anchor]
        elif isinstance(event, ScalarEvent):
            end = offset + event.end_mark.index
            plain = bool(event.implicit[0])
            node = YamlNode(source, "scalar", event.value, plain, start=start, end=end)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            kind = "mapping" if isinstance(event, MappingStartEvent) else "list"
            node = YamlNode(source, kind, flow=bool(event.flow_style), start=start, end=start)
        else:
            continue
        if not isinstance(event, AliasEvent) and event.anchor:
            anchors[event.anchor] = node
        _put(node, opened, keys)
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            if len(opened) == _DEEPEST:
                raise source.error(start, f"nested deeper than {_DEEPEST} levels", "flatten it")
            opened.append(node)
            keys.append(None)
        elif not opened:
            yield node


def _put(node: YamlNode, opened: list[YamlNode], keys: list[YamlNode | None]) -> None:
    """Put a node into the mapping or list that is open."""
    if not opened:
        return
    parent, key = opened[-1], keys[-1]
    if parent.kind == "list":
        parent.items.append(node)
    elif key is None:
        keys[-1] = node
    else:
        parent.entries.append((key, node))
        keys[-1] = None
