"""What all sessions of a receiver have in common."""

from __future__ import annotations

from dataclasses import dataclass

from relpio.net.sockopts import Keepalive
from relpio.protocol.server import ServerSettings
from relpio.receiver.settings import ReceiverSettings

__all__ = ["SessionSettings"]


@dataclass(frozen=True, kw_only=True)
class SessionSettings:
    """What all sessions of a receiver have in common.

    Attributes:
        server: limits of the protocol.
        keepalive: TCP keepalive; None is off.
        user_timeout: TCP_USER_TIMEOUT in seconds; None is off.
        ack_at_once: answer before the output has the messages.
    """

    server: ServerSettings
    keepalive: Keepalive | None
    user_timeout: float | None
    ack_at_once: bool = False

    @classmethod
    def of(cls, settings: ReceiverSettings) -> SessionSettings:
        """Return what concerns sessions in the settings of a receiver."""
        return cls(
            server=settings.session,
            keepalive=settings.keepalive,
            user_timeout=settings.user_timeout,
            ack_at_once=settings.ack_at_once,
        )
