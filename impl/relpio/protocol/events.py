"""What a connection core tells the program that drives it.

Events are plain data. Messages and acknowledgements come in batches: one event stands for all that
one call of `receive_data` found in a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from relpio.protocol.offers import Offers

__all__ = [
    "Acknowledged",
    "ClientEvent",
    "LossReason",
    "Messages",
    "Oversized",
    "Refused",
    "ServerEvent",
    "SessionClosed",
    "SessionLost",
    "SessionOpened",
]


class LossReason(Enum):
    """Why a session ended against the will of one side; the values are stable words of the logs."""

    ACK_TIMEOUT = "ack-timeout"
    OPEN_TIMEOUT = "open-timeout"
    CLOSE_TIMEOUT = "close-timeout"
    CONNECT_FAILED = "connect-failed"
    RESET = "reset"
    EOF = "eof"
    SERVERCLOSE = "serverclose"
    PROTOCOL_ERROR = "protocol-error"
    SOCKET_ERROR = "socket-error"
    IDLE_TIMEOUT = "idle-timeout"
    FRAME_TIMEOUT = "frame-timeout"
    MEMORY = "memory"
    TLS_FAILED = "tls-failed"


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """Both sides agreed. `offers` are the peer's."""

    offers: Offers


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The server took the messages `first_txnr` to `first_txnr + count - 1`: forget them."""

    first_txnr: int
    count: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The server did not take the message `txnr`; it is the client's to send again."""

    txnr: int
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages arrived, in this order. Each is owed an answer (`ServerConnection.acknowledge`).

    `first_txnr` is 0 for a message that came as a hint, which is always alone.
    """

    first_txnr: int
    messages: list[bytes]


@dataclass(frozen=True, slots=True)
class Oversized:
    """The next message is longer than it should be: `size` bytes, of which `kept` were kept."""

    txnr: int
    size: int
    kept: int


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The session ended in order. Send what is left, then close the TCP connection."""


@dataclass(frozen=True, slots=True)
class SessionLost:
    """The session failed. Send what is left, then close the TCP connection.

    `unacknowledged` counts the messages without an answer.
    """

    reason: LossReason
    detail: str
    unacknowledged: int


ClientEvent = SessionOpened | Acknowledged | Refused | SessionClosed | SessionLost
ServerEvent = SessionOpened | Messages | Oversized | SessionClosed | SessionLost
