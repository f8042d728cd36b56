"""The errors of relpio: one family, so that `except RelpError` is enough.

The split follows who is to blame. A `LocalProtocolError` is a bug in the calling program; a
`RemoteProtocolError` is something the peer did, and the only cure is to end the session.
"""

from __future__ import annotations

__all__ = [
    "ConfigurationError",
    "FrameError",
    "FrameTooLongError",
    "InputError",
    "LocalProtocolError",
    "OfferError",
    "PeerRefusedError",
    "RelpError",
    "RemoteProtocolError",
]


class RelpError(Exception):
    """Base of every error that relpio raises on purpose."""


class LocalProtocolError(RelpError):
    """The calling program asked for something that the session's state does not allow.

    Fix the caller: for example, send no more messages than `ClientConnection.capacity`.
    """


class RemoteProtocolError(RelpError):
    """The peer broke the protocol; the session cannot go on."""


class FrameError(RemoteProtocolError):
    """The bytes received are not a RELP frame. There is no way to find the next frame."""


class FrameTooLongError(FrameError):
    """The frame announces more data than this side is willing to hold in memory."""


class OfferError(RemoteProtocolError):
    """The offers of an `open` command, or of its answer, cannot be accepted."""


class PeerRefusedError(RelpError):
    """The peer's certificate is not one that the settings permit; the text says what it is."""


class ConfigurationError(RelpError, ValueError):
    """A setting is outside what the protocol or the kernel allows; the text says what is."""


class InputError(RelpError):
    """The input of a sender cannot be sent, for example a line above the size limit."""
