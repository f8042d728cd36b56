"""The process: takes requests from standard input, writes answers and records to standard output.

They are those of :mod:`halfopen.labs.rpc`.  The first request is `play`: `{"host", "values",
"seed", "public", "servers", "links"}`; `links`: side -> `{"interface", "own", "peer", "mtu",
"addresses"}`; `public` (IP version -> address) is there for source NAT, `servers` (address ->
address) for destination NAT.  It is answered when packets get through.  Then come `sample` and
`verb`: `{"verb", "addresses"}`, which is answered with what it touched at once, and `packets`:
`{"name"}` of a packet fault, answered with how many it has touched; records are told as `record`.
When standard input ends, so does the process.
"""

from __future__ import annotations

import gc
import os
import random
import sys
from collections.abc import Mapping
from typing import Any

from halfopen.labs import rpc
from halfopen.labs.forwarder.event_loop import EventLoop
from halfopen.labs.forwarder.forwarder import Forwarder
from halfopen.labs.forwarder.frames import octets
from halfopen.labs.forwarder.link import Link
from halfopen.labs.forwarder.port import Port
from halfopen.labs.forwarder.recorder import MiddleboxRecorder
from halfopen.middlebox.nat import (
    FIRST_PORT,
    BothFamilies,
    HostTranslation,
    NoTranslation,
    PoolTranslation,
    SourceTranslation,
    Translator,
)
from halfopen.middlebox.packet import Side
from halfopen.middlebox.policy import Policy


class PipeRequests:
    """Requests from a file descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines = rpc.Lines()

    def fileno(self) -> int:
        """For :func:`select.select`."""
        return self._descriptor

    def read(self) -> list[dict[str, Any]] | None:
        """Those that have come, waiting for some; None when no more will."""
        data = os.read(self._descriptor, 1 << 16)
        return self._lines.feed(data) if data else None


def _send(message: rpc.Message) -> None:
    sys.stdout.buffer.write(rpc.encode(message))
    sys.stdout.buffer.flush()


def _translator(setup: Mapping[str, Any]) -> Translator | None:
    match setup["values"].get("nat", "none"):
        case "source":
            count = setup["values"].get("nat_ports")
            last = 65535 if count is None else FIRST_PORT + count - 1
            families = [
                SourceTranslation(setup["public"][version], last=last)
                if version in setup["public"]
                else NoTranslation()
                for version in ("4", "6")
            ]
            return BothFamilies(*families)
        case "destination":
            if setup["pool"]:
                (public,) = setup["servers"]
                return PoolTranslation(public, setup["pool"], setup["values"]["balance"])
            return HostTranslation(setup["servers"])
        case _:
            return None


def _port(link: Mapping[str, Any]) -> Port:
    own = [octets(address) for address in link["addresses"]]
    by_version = {4 if len(address) == 4 else 6: address for address in own}
    return Port(_mac(link["own"]), _mac(link["peer"]), link["mtu"], by_version)


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def main() -> None:
    """Play a middlebox until standard input ends."""
    requests = PipeRequests(sys.stdin.fileno())
    waiting: list[dict[str, Any]] = []
    while not waiting:
        came = requests.read()
        if came is None:
            return
        waiting = came
    (setup,) = waiting
    policy = Policy.of(setup["values"])
    recorder = MiddleboxRecorder(
        setup["host"],
        lambda record: _send({"do": "record", "record": record}),
        **setup["samples"],
    )
    forwarder = Forwarder(
        policy,
        _translator(setup),
        {Side(name): _port(link) for name, link in setup["links"].items()},
        random.Random(setup["seed"]),
        recorder.created,
        recorder.ended,
    )
    links = {Side(name): Link(e["interface"], e["mtu"]) for name, e in setup["links"].items()}
    loop = EventLoop(forwarder, links, recorder, requests, _send, policy.idle_timeout)
    # What is here now stays; to look through it again and again would only delay packets.
    gc.collect()
    gc.freeze()
    _send(rpc.answer(setup, None))
    loop.run()


if __name__ == "__main__":
    main()
