"""Input files: read whole, and given to the module for their kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from halfopen.errors import InputError, Problem
from halfopen.importing.conntrack import read_conntrack
from halfopen.importing.conversations import read_capture
from halfopen.importing.facts import Facts
from halfopen.importing.lines import InputLine
from halfopen.importing.rsyslog import read_rsyslog
from halfopen.importing.ss import read_ss
from halfopen.importing.sysctl import read_sysctl

_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")  # colours of a terminal, pasted with the text
_LONGEST = 100_000  # characters of a line; `ss -tie` of a busy socket has a thousand

_CAPTURES = (  # libpcap's magic numbers, pcapng's section header
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\xc3\xd4",
    b"\x4d\x3c\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",
    b"\n\r\r\n",
)

TextReader = Callable[[Iterator[InputLine], Facts], None]


def _text(read: TextReader) -> Callable[[Path, Facts], None]:
    def reader(path: Path, facts: Facts) -> None:
        before = str(facts)
        read(_lines(path, _bytes(path)), facts)
        if str(facts) == before:
            raise InputError([Problem(str(path), 1, "nothing in this file is understood", HELP)])

    return reader


HELP = "see `halfopen import --help` for the commands whose output is read"

READERS: Mapping[str, Callable[[Path, Facts], None]] = {
    "ss": _text(read_ss),
    "conntrack": _text(read_conntrack),
    "sysctl": _text(read_sysctl),
    "pcap": read_capture,
}
"""Kind of input -> what reads it."""

RSYSLOG = "rsyslog"
"""The kind of rsyslog's configuration files."""


def read_inputs(files: Sequence[tuple[str, Path]]) -> Facts:
    """What the files tell.

    Args:
        files: pairs of a kind (a key of :data:`READERS`, or :data:`RSYSLOG`) and a file of it.

    Raises:
        InputError: for the first file that cannot be read; the problem says where, and what was
            understood before it.
    """
    facts = Facts()
    for kind, path in files:
        if kind != RSYSLOG:
            READERS[kind](path, facts)
    # Its files are one configuration: what a module sets counts for the inputs of another file.
    configuration = [path for kind, path in files if kind == RSYSLOG]
    if configuration:
        read_rsyslog(configuration, facts)
    facts.settle()
    return facts


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError([Problem(str(path), 1, f"cannot be read: {error.strerror}")]) from None


def _lines(path: Path, data: bytes) -> Iterator[InputLine]:
    if data.startswith(_CAPTURES):
        raise InputError([Problem(str(path), 1, "this is a packet capture", "give it to --pcap")])
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # PowerShell's redirection
        text = data.decode("utf-16", errors="replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            what = f"not text: byte {error.start} is 0x{data[error.start]:02x}"
            raise InputError([Problem(str(path), line, what, HELP)]) from None
    whole = text.endswith("\n")
    found = text.split("\n")
    for number, each in enumerate(found, 1):
        shown = _ESCAPES.sub("", each.rstrip("\r"))
        if "\0" in shown or len(shown) > _LONGEST:
            raise InputError([Problem(str(path), number, "not the output of a command", HELP)])
        if shown.strip():
            yield InputLine(str(path), number, shown, last=number == len(found) and not whole)
