"""Reads a YAML file that a person wrote, so that every value knows its line.

Only the plain part of YAML 1.2 is taken: mappings, lists and scalars.  Anchors, aliases, tags,
merge keys and several documents are refused, because no file of this project needs them and
because they are what YAML bombs are made of.  The file is read as a stream of parser events; no
object is ever constructed from it, and nothing is expanded.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from halfopen.errors import InputError, Problem
from halfopen.fields import WrittenFloat, WrittenInt

LARGEST = 256 * 1024
DEEPEST = 20
LONGEST_TEXT = 4000
MOST_PROBLEMS = 100

Scalar = str | int | float | bool

# YAML 1.2 core schema (yaml.org/spec/1.2.2, section 10.3.2); `off`, `yes` and `1:30` are text.
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
_SURROGATES = re.compile("[\ud800-\udfff]")
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})


@dataclass(frozen=True)
class Node:
    """One value of the file.

    Attributes:
        value: a scalar, a dict of nodes by key, or a tuple of nodes.
        line: counted from 1: of the key for a value in a mapping, else where the value begins.
    """

    value: Scalar | dict[str, Node] | tuple[Node, ...]
    line: int

    @property
    def entries(self) -> dict[str, Node]:
        """The entries of a mapping; none if the node is no mapping."""
        return self.value if isinstance(self.value, dict) else {}

    def plain(self) -> Any:
        """The value without lines: str, int, float, bool, dict, list."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return self.value


class _Stop(Exception):  # noqa: N818 - no error: the problem is noted already
    """Reading cannot go on."""


def read_yaml(path: Path, shown: str | None = None, problems: list[Problem] | None = None) -> Node:
    """The one document in the file at `path`, a mapping.

    Args:
        path: the file.
        shown: how messages name the file; as given by default.
        problems: takes what is wrong but does not keep the rest from being understood (a key
            that is there twice, an anchor), so that it can be told together with what else is
            wrong.  Without it, that raises too.

    Raises:
        InputError: with every problem that can be told before the file means anything.
    """
    shown = shown or str(path)
    text = _read_text(path, shown)
    reader = _Reader(shown, text)
    root = reader.read()
    if root is None or (reader.problems and problems is None):
        raise InputError(sorted(set(reader.problems)))
    if not isinstance(root.value, dict):
        raise InputError(
            [Problem(shown, root.line, "this is not a mapping", "write lines like `key: value`")]
        )
    if problems is not None:
        problems += reader.problems
    return root


def _read_text(path: Path, shown: str) -> str:
    def refuse(line: int, what: str, remedy: str) -> NoReturn:
        raise InputError([Problem(shown, line, what, remedy)])

    try:
        if path.is_dir():
            refuse(1, "this is a directory", "name a file")
        if path.exists() and not path.is_file():
            refuse(1, "this is not a regular file", "name a YAML file")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        refuse(1, "no such file", "check the path")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        refuse(1, f"the file cannot be read: {reason}", "check the path and its permissions")
    if len(data) > LARGEST:
        refuse(1, f"the file is larger than {LARGEST // 1024} KiB", "split it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        refuse(line, f"byte 0x{data[error.start]:02x} is not UTF-8", "save the file as UTF-8")
    # As the parser would count: \r\n and \r end a line too, and so do the separators of Unicode.
    return text.replace("\r\n", "\n").replace("\r", "\n")


class _Reader:
    def __init__(self, shown: str, text: str) -> None:
        self.shown = shown
        self.text = text
        self.problems: list[Problem] = []

    def problem(self, line: int, what: str, remedy: str) -> None:
        self.problems.append(Problem(self.shown, line, what, remedy))
        if len(self.problems) >= MOST_PROBLEMS:
            raise _Stop

    def stop(self, line: int, what: str, remedy: str) -> NoReturn:
        self.problem(line, what, remedy)
        raise _Stop

    def read(self) -> Node | None:
        for number, written in enumerate(self.text.split("\n"), 1):
            if "\t" in written[: len(written) - len(written.lstrip())] and written.strip():
                self.problem(number, "a tab in the indentation", "indent with spaces")
        if self.problems:
            return None
        try:
            return self._document()
        except _Stop:
            return None
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            what = " ".join(filter(None, (error.context, error.problem))).replace("\n", " ")
            self.problem(mark.line + 1 if mark else 1, f"not YAML: {what}", _hint(what))
        except YAMLError as error:  # the reader's: a character that YAML forbids
            position = getattr(error, "position", None)
            line = self.text.count("\n", 0, position) + 1 if isinstance(position, int) else 1
            self.problem(line, "a character that YAML does not allow", "remove it")
        except (ArithmeticError, AssertionError, AttributeError, LookupError, ValueError):
            # The parser itself stumbles over some malformed input instead of refusing it.
            self.problem(1, "not YAML: the parser cannot make sense of it", "check the syntax")
        return None

    def _document(self) -> Node | None:
        events = iter(YAML(typ="safe", pure=True).parse(self.text))
        root: Node | None = None
        documents = 0
        for event in events:
            if not isinstance(event, DocumentStartEvent):
                continue
            documents += 1
            line = event.start_mark.line + 1
            if documents > 1:
                self.stop(line, "a second document begins here", "write one file for each")
            if event.version or event.tags:
                self.problem(line, "a directive", "leave it out")
            root = self._root(next(events), events)
        if documents == 0:
            self.problem(1, "the file is empty", "run `halfopen new` for one to start from")
        return root

    def _root(self, first: Any, events: Iterator[Any]) -> Node | None:
        if isinstance(first, ScalarEvent) and first.implicit[0] and first.value in _NULL:
            self.problem(1, "the file is empty", "run `halfopen new` for one to start from")
            return None
        return self._node(first, events, first.start_mark.line + 1, 1, "this")

    def _node(self, event: Any, events: Iterator[Any], line: int, depth: int, name: str) -> Node:
        """The value that `event` begins; reads on to its end."""
        here = event.start_mark.line + 1
        if depth > DEEPEST:
            self.stop(here, f"nested deeper than {DEEPEST} levels", "flatten it")
        if isinstance(event, AliasEvent):
            self.problem(here, f"an alias (*{event.anchor})", "write the value out")
            return Node("", line)
        if getattr(event, "anchor", None):
            self.problem(here, f"an anchor (&{event.anchor})", "leave it out")
        if getattr(event, "tag", None):
            self.problem(here, f"a tag ({event.tag})", "leave it out")
        if isinstance(event, ScalarEvent):
            return Node(self._scalar(event, line, name), line)
        if isinstance(event, SequenceStartEvent):
            items = []
            while not isinstance(event := next(events), SequenceEndEvent):
                items.append(
                    self._node(event, events, event.start_mark.line + 1, depth + 1, "a list item")
                )
            return Node(tuple(items), line)
        if isinstance(event, MappingStartEvent):
            return Node(self._mapping(events, depth), line)
        raise _Stop  # pragma: no cover - the parser has no other event here

    def _mapping(self, events: Iterator[Any], depth: int) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            line = event.start_mark.line + 1
            key = ""
            if isinstance(event, ScalarEvent) and not event.anchor and not event.tag:
                key = self._encodable(event.value, line)
                if len(key) > 100:
                    self.problem(line, "a key of more than 100 characters", "shorten it")
                    key = key[:100]
            else:
                self.problem(line, "a key that is not plain text", "write `key: value`")
                self._node(event, events, line, depth + 1, "the key")
            node = self._node(next(events), events, line, depth + 1, repr(key))
            if key == "<<":
                self.problem(line, "a merge key (<<)", "write the values out")
            elif key in entries:
                first = entries[key].line
                self.problem(line, f"duplicate key {key!r} (first on line {first})", "remove one")
            else:
                entries[key] = node
        return entries

    def _scalar(self, event: ScalarEvent, line: int, name: str) -> Scalar:
        text = self._encodable(event.value, line)
        if len(text) > LONGEST_TEXT:
            self.problem(line, f"a text of more than {LONGEST_TEXT} characters", "shorten it")
            return ""
        if not event.implicit[0]:  # quoted
            return text
        if text in _NULL:
            self.problem(line, f"{name} has no value", "write one, or leave the line out")
            return ""
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        if _INTEGER.fullmatch(text):
            return WrittenInt(text)
        if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
            return WrittenFloat(number)
        return text

    def _encodable(self, text: str, line: int) -> str:
        r"""The text, without the halves of characters that some escapes make."""
        if not _SURROGATES.search(text):
            return text
        self.problem(
            line,
            "a surrogate (\\ud800 to \\udfff), which is half of a character",
            "write the character itself, or \\U and its eight digits",
        )
        return _SURROGATES.sub("", text)


def _hint(what: str) -> str:
    if "mapping values are not allowed" in what:
        return "check the indentation, and put text that holds `: ` between quotes"
    if "simple key" in what or "could not find expected ':'" in what:
        return "a colon is missing, or the indentation is wrong"
    if "block end" in what or "block mapping" in what or "block collection" in what:
        return "check the indentation"
    if "flow" in what:
        return "close the bracket, and put a comma between two entries"
    if "quoted scalar" in what:
        return "close the quotes"
    if "cannot start any token" in what:
        return "put the text between quotes"
    return "check the syntax here and in the line above"


def double_quoted(value: str | list[str]) -> str:
    """A text, or a list of them, as YAML reads it back whatever is in it.

    JSON alone would leave characters as they are that end a line in YAML, or may not be in it.
    """
    text = json.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else _escaped(ord(c)) for c in text)


def _escaped(code: int) -> str:
    return f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"
