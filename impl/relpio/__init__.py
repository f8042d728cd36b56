"""RELP (Reliable Event Logging Protocol), for Python: sender and receiver.

`Sender` and `Receiver` are the asyncio endpoints. `ClientConnection` and `ServerConnection` are the
protocol without any input or output, to be driven by other programs. This list is all that is
public.
"""

from relpio._backoff import BackoffPolicy
from relpio._client import ClientConnection, ClientSettings
from relpio._errors import (
    ConfigurationError,
    FrameError,
    FrameTooLongError,
    InputError,
    LocalProtocolError,
    OfferError,
    RelpError,
    RemoteProtocolError,
)
from relpio._events import (
    Acknowledged,
    ClientEvent,
    LossReason,
    Messages,
    Refused,
    ServerEvent,
    SessionClosed,
    SessionLost,
    SessionOpened,
)
from relpio._formats import as_lines, octet_counted
from relpio._frames import Frame, FrameDecoder, encode_acks, encode_frame, encode_messages
from relpio._logs import JsonLog, Log, TextLog
from relpio._output import FileOutput
from relpio._queue import Lease, MemoryQueue, MessageQueue
from relpio._receiver import Output, Receiver, ReceiverSettings
from relpio._sender import Sender, SenderSettings
from relpio._server import ServerConnection, ServerSettings
from relpio._sockopts import Keepalive
from relpio._states import ClientState, ServerState

__all__ = [
    "Acknowledged",
    "BackoffPolicy",
    "ClientConnection",
    "ClientEvent",
    "ClientSettings",
    "ClientState",
    "ConfigurationError",
    "FileOutput",
    "Frame",
    "FrameDecoder",
    "FrameError",
    "FrameTooLongError",
    "InputError",
    "JsonLog",
    "Keepalive",
    "Lease",
    "LocalProtocolError",
    "Log",
    "LossReason",
    "MemoryQueue",
    "MessageQueue",
    "Messages",
    "OfferError",
    "Output",
    "Receiver",
    "ReceiverSettings",
    "Refused",
    "RelpError",
    "RemoteProtocolError",
    "Sender",
    "SenderSettings",
    "ServerConnection",
    "ServerEvent",
    "ServerSettings",
    "ServerState",
    "SessionClosed",
    "SessionLost",
    "SessionOpened",
    "TextLog",
    "as_lines",
    "encode_acks",
    "encode_frame",
    "encode_messages",
    "octet_counted",
]
