"""The options of `relpio receive` about its outputs."""

from __future__ import annotations

from relpio.command import values
from relpio.command.options import Option
from relpio.errors import ConfigurationError
from relpio.receiver.formats import FORMATS
from relpio.receiver.rotated import COMPRESSIONS
from relpio.receiver.selectors import split_selector
from relpio.receiver.templates import Template, has_places

__all__ = ["OUTPUT_OPTIONS"]


def _output(text: str) -> str:
    _, name = split_selector(values.text(text))
    if not name.startswith("|") and has_places(name):
        Template(name)
    return text


def _mode(text: str) -> int:
    digits = text.removeprefix("0o")
    if not (1 <= len(digits) <= 4 and set(digits) <= set("01234567")):
        raise ConfigurationError(f"{text!r}: write permissions in octal, such as 0640")
    return int(digits, 8)


def _or_off(text: str) -> str | None:
    return None if text == "off" else values.choice("hour", "day")(text)


def _size_or_off(text: str) -> int | None:
    return None if text == "off" else values.size(text)


def _count_or_all(text: str) -> int | None:
    return None if text == "all" else values.count(text)


def _compression(text: str) -> str | None:
    return None if text == "off" else values.choice(*COMPRESSIONS)(text)


OUTPUT_OPTIONS = (
    Option(
        "output", "", _output, None, "OUTPUT",
        "a file to append to; - for standard output; a path with {peer}, {host}, {app} or {date} "
        "for many files; or '|PROGRAM ARGUMENTS' for a program's standard input. '[TERMS] OUTPUT' "
        "takes only some messages",
        many=True, required=True, live=True,
    ),
    Option(
        "format", "", values.choice(*sorted(FORMATS)), "line", "FORMAT",
        "how messages are written: line, octet-counted or json (JSON Lines)", live=True,
    ),
    Option(
        "program-confirm", "", values.switch, None, None,
        "the program writes the line OK when it is ready and once for each message; only then is "
        "that acknowledged", live=True,
    ),
    Option(
        "max-open-files", "", values.count, "256", "N",
        "most files open of an --output with places", live=True,
    ),
    Option(
        "file-mode", "files", _mode, None, "MODE",
        "permissions of new files, in octal; by default 0640 less the umask", live=True,
    ),
    Option(
        "create-directories", "files", values.switch, None, None,
        "make the directories of an output that do not exist", live=True,
    ),
    Option(
        "directory-mode", "files", _mode, "0750", "MODE",
        "permissions of directories that are made", live=True,
    ),
    Option(
        "rotate-size", "files", _size_or_off, "off", "BYTES",
        "move a file aside before it becomes larger; or off", live=True,
    ),
    Option(
        "rotate-every", "files", _or_off, "off", "PERIOD",
        "move a file aside at its first message of a new hour or day; or off", live=True,
    ),
    Option(
        "rotate-keep", "files", _count_or_all, "all", "N",
        "delete the oldest files that were moved aside, so that N of each path stay; or all",
        live=True,
    ),
    Option(
        "compress", "files", _compression, "off", "KIND",
        "compress files that were moved aside: gzip or zstd; or off", live=True,
    ),
)  # fmt: skip
