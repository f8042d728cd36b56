"""How a sender behaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from relpio.errors import ConfigurationError
from relpio.net.addresses import Address
from relpio.net.sockopts import Keepalive, check_user_timeout
from relpio.net.tls import TlsSettings
from relpio.protocol.client import ClientSettings
from relpio.queue.settings import QueueSettings
from relpio.sender.backoff import BackoffPolicy

__all__ = ["SenderSettings"]


@dataclass(frozen=True, kw_only=True)
class SenderSettings:
    """How a sender behaves. Times are in seconds.

    Attributes:
        targets: servers in order of preference, at least one. A session that is lost, or cannot
            be made, is followed by one with the next; after the last comes the back-off, then the
            first again.
        fail_back: a session with a server other than the first is closed in order after so long,
            to try the first; None is never.
        session: window and timers of a session.
        connect_timeout: limit for name look-up, TCP connect and TLS handshake together.
        keepalive: TCP keepalive; None is off.
        user_timeout: TCP_USER_TIMEOUT; None is off.
        tls: how to speak TLS; None is plain TCP.
        backoff: waits between attempts.
        rebind_interval: messages after which a session is closed in order and made again, so that a
            load balancer may choose again; None is never.
        nack_retries: how often a message is sent again that was refused (an answer other than
            200), before it goes to `dead_letters`; None is forever.
        dead_letters: file for such messages, needed with `nack_retries`.
        dequeue: batches, pauses, time window and number of workers, as the queue's settings say.
        local_address: address to send from; None leaves it to the kernel.
        seed: makes the jitter of the back-off repeatable.
    """

    targets: Sequence[Address]
    fail_back: float | None = 600.0
    session: ClientSettings = field(default_factory=ClientSettings)
    connect_timeout: float = 10.0
    keepalive: Keepalive | None = field(default_factory=Keepalive)
    user_timeout: float | None = None
    tls: TlsSettings | None = None
    backoff: BackoffPolicy = field(default_factory=BackoffPolicy)
    rebind_interval: int | None = None
    nack_retries: int | None = None
    dead_letters: Path | None = None
    dequeue: QueueSettings | None = None
    local_address: str | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if not self.targets:
            raise ConfigurationError("a sender needs at least one target")
        if self.connect_timeout <= 0:
            raise ConfigurationError("connect_timeout must be above 0")
        if self.fail_back is not None and self.fail_back <= 0:
            raise ConfigurationError("fail_back must be above 0, or None for never")
        if self.rebind_interval is not None and self.rebind_interval < 1:
            raise ConfigurationError("rebind_interval must be at least 1, or None for never")
        if self.nack_retries is not None and self.nack_retries < 0:
            raise ConfigurationError("nack_retries must not be below 0; None is forever")
        if self.nack_retries is not None and self.dead_letters is None:
            raise ConfigurationError(
                "nack_retries needs a file of dead letters: a refused message is never dropped"
            )
        check_user_timeout(self.user_timeout)

    @property
    def workers(self) -> int:
        """The most sessions at a time."""
        return 1 if self.dequeue is None else self.dequeue.worker_threads
