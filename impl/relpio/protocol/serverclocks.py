"""The time limits of the receiving side of a session."""

from __future__ import annotations

from collections.abc import Iterator

from relpio.protocol.events import LossReason
from relpio.protocol.serversettings import ServerSettings

__all__ = ["EXPIRED", "ServerClocks"]

EXPIRED = {
    LossReason.OPEN_TIMEOUT: "no open command in time",
    LossReason.FRAME_TIMEOUT: "a frame was not complete in time",
    LossReason.IDLE_TIMEOUT: "nothing was received for too long",
}
"""What to say of a limit that has passed."""


class ServerClocks:
    """What a client has a limited time for: its `open`, the rest of a frame, anything at all.

    Times are in seconds, of the clock of whoever drives the connection.

    Attributes:
        frame_since: when the frame began that is not complete; None when there is none.
    """

    def __init__(self, settings: ServerSettings, now: float) -> None:
        """Give the client its time for `open` from `now` on."""
        self._settings = settings
        limit = settings.open_timeout
        self._open_due = None if limit is None else now + limit
        self._heard = now  # the last bytes
        self._reading = True
        self.frame_since: float | None = None

    def opened(self) -> None:
        """The session is open: its `open` has no limit any more."""
        self._open_due = None

    def heard(self, now: float) -> None:
        """Bytes came."""
        self._heard = now

    def frames(self, now: float, *, incomplete: bool, advanced: bool) -> None:
        """Take note of a look at the bytes.

        Args:
            now: the time.
            incomplete: bytes of a frame are left.
            advanced: a frame before it was complete, so this one began now.
        """
        if not incomplete:
            self.frame_since = None
        elif self.frame_since is None or advanced:
            self.frame_since = now

    def pause(self) -> None:
        """Bytes are not read for a while, which is not the client's fault."""
        self._reading = False

    def resume(self, now: float) -> None:
        """Bytes are read again."""
        self._reading = True
        self._heard = now
        if self.frame_since is not None:
            self.frame_since = now

    def clear(self) -> None:
        """Nothing more is expected of the client."""
        self._open_due = self.frame_since = None

    def due(self, *, owed: bool) -> Iterator[tuple[float, LossReason]]:
        """Yield the limits that run, and what their passing means.

        Args:
            owed: the client waits for answers, so it need not say anything.
        """
        settings = self._settings
        if self._open_due is not None:
            yield self._open_due, LossReason.OPEN_TIMEOUT
        if not self._reading:
            return
        if settings.frame_timeout is not None and self.frame_since is not None:
            yield self.frame_since + settings.frame_timeout, LossReason.FRAME_TIMEOUT
        if settings.idle_timeout is not None and not owed:
            yield self._heard + settings.idle_timeout, LossReason.IDLE_TIMEOUT
