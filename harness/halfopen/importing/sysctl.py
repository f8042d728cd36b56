"""Output of `sysctl -a`, a part of it, or lines of `sysctl.conf`: `name = value`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from halfopen.importing.facts import Facts, SourcedNumber
from halfopen.importing.lines import InputLine

KEEPALIVE = tuple(f"net.ipv4.tcp_keepalive_{each}" for each in ("time", "intvl", "probes"))
RETRIES = "net.ipv4.tcp_retries2"
TRACKED = "net.netfilter.nf_conntrack_tcp_timeout_established"

_WANTED = re.compile(r"net\.netfilter\.nf_conntrack_tcp_timeout_\w+")
_LINE = re.compile(r"\s*-?\s*([A-Za-z0-9_][\w./-]*)\s*[=:](.*)")
_CHATTER = ("sysctl: ", "#", ";")  # what it may not read; comments of a file

REMEDY = "write it with `sysctl -a`, or name = value"


def read_sysctl(lines: Iterator[InputLine], facts: Facts) -> None:
    """Add the settings of TCP's timers and of connection tracking; others are passed over.

    Raises:
        InputError: for a line that is not `name = value`, and for a setting of ours that is not a
            whole number.
    """
    name = ""
    for line in lines:
        if line.text.lstrip().startswith(_CHATTER):
            continue
        match = _LINE.fullmatch(line.text)
        if match is None:
            if line.text[0].isspace() and name:
                continue  # a value of several lines
            raise line.wrong("no name = value", REMEDY, facts)
        name, value = match[1].replace("/", "."), match[2].strip()
        if name not in (*KEEPALIVE, RETRIES) and not _WANTED.fullmatch(name):
            continue
        if not value.isdecimal() or len(value) > 10:
            raise line.wrong(f"the value of {name} is not a whole number", REMEDY, facts)
        facts.settings[name] = SourcedNumber(float(value), line.where)
