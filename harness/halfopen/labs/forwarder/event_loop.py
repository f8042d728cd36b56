"""The loop: frames, orders and the clock."""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from halfopen.labs import rpc
from halfopen.labs.forwarder import flow_table_verbs
from halfopen.labs.forwarder.flow_table_verbs import Target
from halfopen.labs.forwarder.forwarder import Forwarder
from halfopen.labs.forwarder.link import BATCH, Link
from halfopen.labs.forwarder.recorder import MiddleboxRecorder
from halfopen.middlebox.packet import Side
from halfopen.packet_faults import all_packet_faults
from halfopen.verbs import verb_from_json

Send = Callable[[Mapping[str, Any]], None]


class RequestSource(Protocol):
    """Where requests come from."""

    def fileno(self) -> int:
        """For :func:`select.select`."""

    def read(self) -> list[dict[str, Any]] | None:
        """Those that have come; None when no more will."""


class EventLoop:
    """Plays one middlebox until its requests end.

    Args:
        forwarder: decides.
        links: the middlebox's.
        recorder: records.
        requests: what is asked.
        send: writes answers.
        profile_idle: idle timeout of the profile, seconds, None for never.
    """

    def __init__(
        self,
        forwarder: Forwarder,
        links: Mapping[Side, Link],
        recorder: MiddleboxRecorder,
        requests: RequestSource,
        send: Send,
        profile_idle: float | None,
    ) -> None:
        self._forwarder = forwarder
        self._links = links
        self._journal = recorder
        self._requests = requests
        self._send = send
        self._profile_idle = profile_idle
        self._overflow = 0

    def run(self) -> None:
        """Serve until the requests end.

        Raises:
            OSError: if a link cannot be used any more.
        """
        sources: list[Any] = [*self._links.values(), self._requests]
        while True:
            ready, _, _ = select.select(sources, [], [], self._patience())
            self._take_frames(ready)
            if self._requests in ready and not self._serve():
                return
            now = time.monotonic()
            if now >= self._journal.due(self._forwarder):
                self._sample()

    def _patience(self) -> float:
        due, sample = self._forwarder.next_tick(), self._journal.due(self._forwarder)
        due = sample if due is None else min(due, sample)
        return max(0.0, due - time.monotonic())

    def _take_frames(self, ready: Sequence[object]) -> None:
        """One batch from each link, and what is due; `ready` has something, if only an error."""
        for side, link in self._links.items():
            now = time.monotonic()
            self._forwarder.tick(now)
            count = self._take_batch(side, now)
            self._flush()
            link.ring.give_back(count)
            if not count and link in ready:
                with contextlib.suppress(OSError):
                    link.clear_socket_error()

    def _take_batch(self, side: Side, now: float) -> int:
        """How many frames there were; those that go out are queued."""
        forwarder, ring, other = self._forwarder, self._links[side].ring, self._links[side.other]
        count = 0
        while count < BATCH:
            most = min(BATCH - count, other.room())
            passed = forwarder.forward(ring, side, now, most, other.vectors, other.count)
            other.count += passed
            count += passed
            if passed == most:
                continue
            taken = ring.take()
            if taken is None:
                break
            start, octets, unfinished = taken
            frame = bytearray(ring.memory[start : start + octets])
            forwarder.receive(frame, side, now, unfinished=unfinished)
            self._queue()
            count += 1
        return count

    def _queue(self) -> None:
        for side, link in self._links.items():
            out = self._forwarder.out[side]
            if out:
                link.queue(out)
                out.clear()

    def _flush(self) -> None:
        self._queue()
        for link in self._links.values():
            link.flush()

    def _serve(self) -> bool:
        requests = self._requests.read()
        if requests is None:
            return False
        for request in requests:
            try:
                answer = rpc.answer(request, self._do(request))
            except Exception as error:
                answer = rpc.refusal(request, error)
            self._flush()
            self._send(answer)
        return True

    def _do(self, request: Mapping[str, Any]) -> Any:
        if request["do"] == "sample":
            self._sample(everything=True)
            return None
        if request["do"] == "packets":
            return self._forwarder.faults.touched(request["name"])
        all_packet_faults()  # they are verbs from the moment that they are imported
        verb = verb_from_json(request["verb"])
        target = Target(self._forwarder, self._profile_idle, request["addresses"])
        return flow_table_verbs.do(verb, target, time.monotonic()).to_json()

    def _sample(self, *, everything: bool = False) -> None:
        self._overflow += sum(link.overflow() for link in self._links.values())
        self._journal.sample(self._forwarder, self._overflow, everything=everything)
