"""How a receiver behaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from relpio.errors import ConfigurationError
from relpio.net.sockopts import Keepalive, check_user_timeout
from relpio.net.tls import TlsSettings
from relpio.protocol.server import ServerSettings
from relpio.receiver.admission import Network
from relpio.receiver.binding import ListenAddress
from relpio.receiver.formats import Format, as_lines

__all__ = ["AckDepth", "ReceiverSettings"]


class AckDepth(Enum):
    """When a message is answered with 200."""

    RECEIVED = "received"
    """When it is in memory. What is not written when the process dies is lost."""
    WRITTEN = "written"
    """When the output has written it. Safe against the death of the process."""
    SYNCED = "synced"
    """When the disk has it. Safe against the loss of power."""


@dataclass(frozen=True, kw_only=True)
class ReceiverSettings:
    """How a receiver behaves. Times are in seconds.

    Attributes:
        listen: TCP addresses and Unix sockets to listen on, at least one. With TCP port 0 the
            kernel chooses.
        listen_plain: further ones, which stay plain where `tls` is set.
        session: limits of a session.
        keepalive: TCP keepalive of sessions; None is off.
        user_timeout: TCP_USER_TIMEOUT of sessions; None is off.
        max_sessions: connections at one time; others wait in the kernel's queue.
        max_sessions_per_peer: connections of one address at one time; others are closed at once.
            None is no limit. All clients of Unix sockets count as one peer.
        permitted_networks: whose connections are taken; none means all. Unix sockets always are.
        max_rate_per_peer: messages per second of one address, above which its sessions are read
            no further for a while. None is no limit.
        max_partial: bytes that incomplete frames of all sessions may hold together, but never
            less than four of the longest messages. Above it sessions are dropped, the slowest
            first.
        ack_at_once: answer before the output has the messages (`AckDepth.RECEIVED`). Whether
            "written" means synced is a matter of the output.
        tls: TLS on all TCP addresses of `listen`; Unix sockets stay plain. None is off.
        handshake_timeout: for the handshake of TLS.
        format: how messages are written to an output that takes bytes; a `RecordOutput` has its
            own.
    """

    listen: Sequence[ListenAddress] = ()
    listen_plain: Sequence[ListenAddress] = ()
    session: ServerSettings = field(default_factory=ServerSettings)
    keepalive: Keepalive | None = field(default_factory=Keepalive)
    user_timeout: float | None = None
    max_sessions: int = 10_000
    max_sessions_per_peer: int | None = None
    permitted_networks: Sequence[Network] = ()
    max_rate_per_peer: float | None = None
    max_partial: int = 64 * 1024 * 1024
    ack_at_once: bool = False
    tls: TlsSettings | None = None
    handshake_timeout: float = 10.0
    format: Format = as_lines

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if not self.listen and not self.listen_plain:
            raise ConfigurationError("a receiver needs an address to listen on")
        if self.max_sessions < 1:
            raise ConfigurationError("max_sessions must be at least 1")
        if self.max_sessions_per_peer is not None and self.max_sessions_per_peer < 1:
            raise ConfigurationError("max_sessions_per_peer must be at least 1, or None for off")
        if self.max_rate_per_peer is not None and self.max_rate_per_peer <= 0:
            raise ConfigurationError("max_rate_per_peer must be above 0, or None for off")
        if self.handshake_timeout <= 0:
            raise ConfigurationError("handshake_timeout must be above 0")
        check_user_timeout(self.user_timeout)

    @property
    def partial_limit(self) -> int:
        """`max_partial`, but room for some messages of the longest kind at least."""
        return max(self.max_partial, 4 * self.session.longest_message)
