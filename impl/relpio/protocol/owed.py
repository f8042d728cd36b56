"""Answers that a server owes, in the order of the messages."""

from __future__ import annotations

from collections import deque

from relpio.errors import LocalProtocolError
from relpio.protocol.frames import encode_acks, encode_frame
from relpio.protocol.responses import ACCEPTED, encode_response
from relpio.protocol.txnr import HINT

__all__ = ["OwedAnswers"]


class OwedAnswers:
    """Runs of transaction numbers without an answer. `count` is how many there are."""

    def __init__(self) -> None:
        """Owe nothing."""
        # (first txnr, how many). Hints all carry the number 0, so a run of them is one hint long.
        self._runs: deque[tuple[int, int]] = deque()
        self.count = 0

    def add(self, first: int, count: int) -> None:
        """Owe answers to `count` messages, numbered from `first` on."""
        self.count += count
        last_first, last_count = self._runs[-1] if self._runs else (HINT, 0)
        if last_first != HINT and last_first + last_count == first:
            self._runs[-1] = (last_first, last_count + count)
        else:
            self._runs.append((first, count))

    def acknowledge(self, count: int) -> bytes:
        """Encode `200 OK` for the `count` oldest."""
        parts = []
        self.count -= count
        while count:
            first, length = self._runs.popleft()
            taken = min(count, length)
            parts.append(encode_acks(first, taken))
            if taken < length:
                self._runs.appendleft((first + taken, length - taken))
            count -= taken
        return b"".join(parts)

    def refuse(self, code: int, text: str) -> bytes:
        """Encode an error for the oldest."""
        first, length = self._runs.popleft()
        if length > 1:
            self._runs.appendleft((first + 1, length - 1))
        self.count -= 1
        return encode_frame(first, b"rsp", encode_response(code, text))

    def check(self, count: int) -> None:
        """Check that at least `count` messages await an answer.

        Raises:
            LocalProtocolError: fewer do.
        """
        if not 0 <= count <= self.count:
            raise LocalProtocolError(f"{count} answers for {self.count} messages")

    def check_refusal(self, code: int) -> None:
        """Check that a message awaits an answer, and that `code` refuses it.

        Raises:
            LocalProtocolError: there is none, or `code` is 200 or not three digits.
        """
        if code == ACCEPTED or not 0 <= code <= 999:
            raise LocalProtocolError(f"code {code} does not refuse anything")
        self.check(1)
