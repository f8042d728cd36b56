"""TCP sockets as samples show them."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, overload

from halfopen.model.records import SocketFields


@dataclass(frozen=True)
class TcpSocket:
    """One TCP socket of one host at one moment (from the kernel's sock_diag).

    Attributes:
        local: `address:port`.
        peer: `address:port`, empty when listening.
        state: as in `ss`: ESTABLISHED, LISTEN, CLOSE_WAIT, ...
        timer: what its timer waits for: off, retransmit, keepalive, timewait, persist.
        timer_s: seconds until that timer fires.
        retrans: unanswered retransmissions or keepalive probes.
        unacked: segments sent and not acknowledged.
        last_heard_s: seconds since data or an ACK came from the peer.
        pid: process that holds it; 0 when none does any more.
        rqueue: bytes received and not read.
        wqueue: bytes written and not acknowledged.
    """

    local: str
    peer: str
    state: str
    timer: str = "off"
    timer_s: float = 0.0
    retrans: int = 0
    unacked: int = 0
    last_heard_s: float | None = None
    pid: int = 0
    rqueue: int = 0
    wqueue: int = 0

    @property
    def connected(self) -> bool:
        """True for a socket in ESTABLISHED: the kernel believes that the peer is there."""
        return self.state == "ESTABLISHED"

    def after(self, seconds: float) -> TcpSocket:
        """The socket after `seconds` in which nothing happened to it: its clocks went on."""
        heard = None if self.last_heard_s is None else self.last_heard_s + seconds
        left = max(0.0, self.timer_s - seconds) if self.timer != "off" else self.timer_s
        return replace(self, timer_s=left, last_heard_s=heard)


_SOCKET_FIELDS = frozenset(f.name for f in fields(TcpSocket))


def socket_from_json(data: SocketFields) -> TcpSocket:
    """A :class:`TcpSocket` from its record; fields of a later version are passed over."""
    values: Mapping[str, Any] = data
    if values.keys() <= _SOCKET_FIELDS:
        return TcpSocket(**values)
    return TcpSocket(**{key: value for key, value in values.items() if key in _SOCKET_FIELDS})


class _Words:
    """Numbers for words of which there are few."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.words: list[str] = []

    def number(self, word: str) -> int:
        """The number of a word."""
        if (number := self._numbers.get(word)) is None:
            number = self._numbers[word] = len(self.words)
            self.words.append(word)
        return number


_STATES = _Words()
_TIMERS = _Words()
_NUMBERS: tuple[Literal["retrans", "unacked", "pid", "rqueue", "wqueue"], ...] = (
    "retrans",
    "unacked",
    "pid",
    "rqueue",
    "wqueue",
)
# t, last_heard_s, timer_s; state, timer; the numbers
_ROW = struct.Struct("=dddHHIIIII")
_TIME = struct.Struct("=d")


class SocketSamples(Sequence[tuple[float, TcpSocket]]):
    """What was seen of one socket: (t, socket) for each time that it was new or had changed.

    There can be a million of them in a run: a row has 48 bytes, and becomes an object only when
    it is asked for.

    Args:
        local: `address:port`.
        peer: `address:port`.
    """

    __slots__ = ("_rows", "local", "peer")

    def __init__(self, local: str, peer: str) -> None:
        self.local = local
        self.peer = peer
        self._rows = bytearray()

    def add(self, t: float, socket: SocketFields) -> None:
        """Take the next one."""
        heard = socket.get("last_heard_s")
        clocks = (t, math.nan if heard is None else heard, socket.get("timer_s", 0.0))
        words = (_STATES.number(socket["state"]), _TIMERS.number(socket.get("timer", "off")))
        numbers = [socket.get(name, 0) for name in _NUMBERS]
        try:
            row = _ROW.pack(*clocks, *words, *numbers)
        except struct.error:  # no kernel says so: somebody wrote the file
            row = _ROW.pack(*clocks, *words, *(min(max(0, n), 0xFFFFFFFF) for n in numbers))
        self._rows += row

    @property
    def first(self) -> float:
        """When it was first seen."""
        return float(_TIME.unpack_from(self._rows)[0])

    @property
    def states(self) -> Iterator[tuple[float, str, int]]:
        """(t, state, pid) of each, without making objects of all that is known."""
        words = _STATES.words
        for t, _, _, state, _, _, _, pid, _, _ in _ROW.iter_unpack(self._rows):
            yield t, words[state], pid

    def at(self, t: float) -> int:
        """The number of the last one at `t` or before; 0 if all are later."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if _TIME.unpack_from(self._rows, middle * _ROW.size)[0] > t:
                high = middle
            else:
                low = middle + 1
        return max(0, low - 1)

    def __len__(self) -> int:
        return len(self._rows) // _ROW.size

    def __iter__(self) -> Iterator[tuple[float, TcpSocket]]:
        for row in _ROW.iter_unpack(self._rows):
            yield self._made(row)

    @overload
    def __getitem__(self, index: int) -> tuple[float, TcpSocket]: ...
    @overload
    def __getitem__(self, index: slice) -> list[tuple[float, TcpSocket]]: ...
    def __getitem__(
        self, index: int | slice
    ) -> tuple[float, TcpSocket] | list[tuple[float, TcpSocket]]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = index + len(self) if index < 0 else index
        if not 0 <= number < len(self):
            raise IndexError(index)
        return self._made(_ROW.unpack_from(self._rows, number * _ROW.size))

    def _made(self, row: tuple[Any, ...]) -> tuple[float, TcpSocket]:
        t, heard, timer_s, state, timer, retrans, unacked, pid, rqueue, wqueue = row
        socket = TcpSocket(
            self.local,
            self.peer,
            _STATES.words[state],
            _TIMERS.words[timer],
            timer_s,
            retrans,
            unacked,
            None if heard != heard else heard,
            pid,
            rqueue,
            wqueue,
        )
        return t, socket
