"""Configuration files by kind: which product each belongs to, and what they say together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from halfopen.advice import configs
from halfopen.advice.config_model import ConfigReader, ConfiguredConnection, Source, Sysctls
from halfopen.errors import InputError, Problem
from halfopen.registry import instances_by_name

_LARGEST = 4 << 20  # bytes: more than any configuration that people write
_STRING = re.compile(r"(jdbc:)?postgres(ql)?(\+\w+)?://")  # an argument that is not a file


@dataclass(frozen=True)
class Configuration:
    """What the files describe.

    Attributes:
        connections: in the order of the files and their lines.
        system: sysctls.
        silent: files without any connection.
    """

    connections: Sequence[ConfiguredConnection]
    system: Sysctls
    silent: Sequence[str]


@cache
def config_readers() -> Mapping[str, ConfigReader]:
    """All readers, by product."""
    return instances_by_name(configs, "READER", ConfigReader)  # type: ignore[type-abstract]


def read_configuration(arguments: Sequence[str]) -> Configuration:
    """What the files say, each `FILE`, `KIND=FILE` or a connection string of PostgreSQL.

    Raises:
        InputError: a file cannot be read, is of an unknown kind, or does not parse.
    """
    by_kind: dict[str, list[Source]] = {}
    problems: list[Problem] = []
    for argument in dict.fromkeys(arguments):
        try:
            kind, source = _opened(argument)
            by_kind.setdefault(kind, []).append(source)
        except InputError as error:
            problems += error.problems
    system = Sysctls()
    connections: list[ConfiguredConnection] = []
    for kind, sources in by_kind.items():
        reader = config_readers()[kind]
        try:
            system = reader.system(sources) or system
            connections += reader.read(sources)
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    order = [each for sources in by_kind.values() for each in sources]
    connections.sort(key=lambda each: (order.index(each.source), each.offset))
    described = {each.source.path for each in connections}
    silent = [each.path for each in order if each.path not in described]
    # The sockets that only sysctls decide about are a question of its own.
    if len(by_kind) > 1:
        connections = [
            each for each in connections if config_readers()["sysctl"] is not _reader(each, by_kind)
        ]
    return Configuration(connections, system, silent)


def _reader(
    connection: ConfiguredConnection, by_kind: Mapping[str, Sequence[Source]]
) -> ConfigReader:
    return next(
        config_readers()[kind] for kind, found in by_kind.items() if connection.source in found
    )


def _opened(argument: str) -> tuple[str, Source]:
    if _STRING.match(argument):
        source = Source("argument", argument)
        return kind_of(source), source
    kind, equals, path = argument.partition("=")
    if not equals or kind not in config_readers():
        kind, path = "", argument
    source = read_source(path)
    return kind or kind_of(source), source


def read_source(path: str) -> Source:
    """A file.

    Raises:
        InputError: it cannot be read, is too large, or not text in UTF-8.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise InputError([Problem(path, 1, f"cannot read it: {error.strerror}")]) from None
    if len(data) > _LARGEST:
        raise InputError([Problem(path, 1, "more than 4 MiB", "give a configuration file")])
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError([Problem(path, line, "it is not text in UTF-8")]) from None
    return Source(path, text.replace("\r\n", "\n"))


def kind_of(source: Source) -> str:
    """The product that a file belongs to: by its name, else by its content.

    Raises:
        InputError: no product's, or that of several.
    """
    readers = config_readers()
    kinds = [name for name, each in readers.items() if each.owns(source.path)]
    if len(kinds) != 1:
        kinds = [name for name in kinds or readers if readers[name].recognises(source.text)]
        kinds = [name for name in kinds if not readers[name].guest] or kinds
    if len(kinds) == 1:
        return kinds[0]
    what = f"it may be one of {' or '.join(kinds)}" if kinds else "unknown kind of configuration"
    names = kinds or list(readers)
    raise source.error(
        0, what, f"write KIND=FILE, for example {names[0]}={source.path}; kinds: {', '.join(names)}"
    )
