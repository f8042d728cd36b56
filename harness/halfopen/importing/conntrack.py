"""Output of `conntrack -L`, also with `-o extended`; `/proc/net/nf_conntrack` has the same lines.

A line has, for each direction, `src=`, `dst=`, `sport=`, `dport=`: the first is that of the packet
which opened the flow (libnetfilter_conntrack, src/conntrack/snprintf_default.c).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from halfopen.importing.facts import End, Facts, SeenConnection, SourcedNumber
from halfopen.importing.lines import InputLine

STATES = frozenset(
    [
        "NONE",
        "SYN_SENT",
        "SYN_RECV",
        "ESTABLISHED",
        "FIN_WAIT",
        "CLOSE_WAIT",
        "LAST_ACK",
        "TIME_WAIT",
        "CLOSE",
        "LISTEN",
        "SYN_SENT2",
    ]
)
_PROTOCOLS = frozenset(
    [
        "tcp",
        "udp",
        "udplite",
        "icmp",
        "icmpv6",
        "sctp",
        "dccp",
        "gre",
        "unknown",
        "esp",
        "ah",
        "igmp",
    ]
)
_TUPLE = re.compile(r"\bsrc=(\S+) dst=(\S+) sport=(\d{1,5}) dport=(\d{1,5})(?=\s|$)")
_END = re.compile(r"conntrack v\S+ \(conntrack-tools\)")

REMEDY = "write it with `conntrack -L`"


def read_conntrack(lines: Iterator[InputLine], facts: Facts) -> None:
    """Add what the output of `conntrack -L` tells; other protocols than TCP are passed over.

    Raises:
        InputError: for a line that is not of conntrack, or is cut.
    """
    for line in lines:
        if _END.match(line.text):
            continue
        words = line.text.split()
        if words[0] in ("ipv4", "ipv6") and len(words) > 2:
            words = words[2:]  # `-o extended`: family and its number
        if words[0] not in _PROTOCOLS:
            raise line.wrong(f"{words[0]!r} is not a protocol", REMEDY, facts)
        if words[0] == "tcp":
            facts.connections.append(_flow(line, words, facts))


def _flow(line: InputLine, words: list[str], facts: Facts) -> SeenConnection:
    if len(words) < 4:
        raise line.wrong(f"{len(words)} columns instead of 4 or more", REMEDY, facts)
    # The kernel leaves the time out for a flow that is offloaded to hardware or a flowtable.
    left: SourcedNumber | None = None
    state = words[2]
    if words[2].isdecimal() and len(words[2]) < 11:
        left = SourcedNumber(float(words[2]), line.where)
        state = words[3]
    if state not in STATES and not state.startswith("src="):
        raise line.wrong(f"{state!r} is not a state of a TCP flow", REMEDY, facts)
    tuples = _TUPLE.findall(line.text)
    if len(tuples) != 2 or any(int(port) > 65535 for each in tuples for port in each[2:]):
        raise line.wrong(
            f"{len(tuples)} directions (src= dst= sport= dport=) instead of 2", REMEDY, facts
        )
    (source, target, sport, dport), (back_source, back_target, _, _) = tuples
    nat: Literal["", "source", "destination"] = ""
    if back_target != source:
        nat = "source"
    elif back_source != target:
        nat = "destination"
    established = state == "ESTABLISHED"
    waits = established and "[UNREPLIED]" not in words
    return SeenConnection(
        End(source, int(sport)),
        End(target, int(dport)),
        line.where,
        state="ESTAB" if established else state,
        tracked=left if waits else None,
        nat=nat,
    )
