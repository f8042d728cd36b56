"""How the receiving side of a session behaves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from relpio.errors import ConfigurationError
from relpio.protocol.frames import DEFAULT_MAX_DATA, FrameDecoder

__all__ = ["Oversize", "ServerSettings", "server_decoder"]

_LEAST_MAX_DATA = 4096
"""`open` must fit, however small the limit for messages is."""


class Oversize(Enum):
    """What happens to a message above `max_message_size`; the words are those of librelp."""

    TRUNCATE = "truncate"
    """Its first bytes are taken and acknowledged; the rest is gone."""
    ABORT = "abort"
    """The session ends. The client sends the message again and again: it is its to keep."""
    ACCEPT = "accept"
    """It is taken whole, up to `max_accepted_size`; above that, the session ends."""


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """How the receiving side behaves. Times are in seconds; None switches a timer off.

    Attributes:
        max_message_size: bytes of one message. Default 128 KiB, librelp's too.
        oversize: what happens to a longer one.
        max_accepted_size: bytes of one message that `Oversize.ACCEPT` still takes.
        open_timeout: how long a client may take for its `open`. librelp knows no such limit.
        idle_timeout: how long a client that is owed no answer may send nothing at all.
        frame_timeout: how long a frame may take from its first byte to its last.
        messages_per_turn: messages taken with one call; `ServerConnection.take_more` takes the
            next. Bytes alone do not bound a turn: one read holds 20,000 messages of a byte each.
    """

    max_message_size: int = DEFAULT_MAX_DATA
    oversize: Oversize = Oversize.ABORT
    max_accepted_size: int = 16 * 1024 * 1024
    open_timeout: float | None = None
    idle_timeout: float | None = None
    frame_timeout: float | None = None
    messages_per_turn: int = 1024

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if self.max_message_size < 1:
            raise ConfigurationError("max_message_size must be at least 1 byte")
        if self.oversize is Oversize.ACCEPT and self.max_accepted_size < self.max_message_size:
            raise ConfigurationError("max_accepted_size must not be below max_message_size")
        if self.messages_per_turn < 1:
            raise ConfigurationError("messages_per_turn must be at least 1")
        for name in ("open_timeout", "idle_timeout", "frame_timeout"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ConfigurationError(f"{name} must be above 0, or None for off")

    @property
    def longest_message(self) -> int:
        """Bytes of the longest message that is held in memory."""
        if self.oversize is Oversize.ACCEPT:
            return self.max_accepted_size
        return self.max_message_size


def server_decoder(settings: ServerSettings) -> FrameDecoder:
    """Return a decoder that lets through what these settings take."""
    longest = max(settings.longest_message, _LEAST_MAX_DATA)
    cut_at = settings.max_message_size if settings.oversize is Oversize.TRUNCATE else 0
    return FrameDecoder(longest, cut_messages_at=cut_at)
