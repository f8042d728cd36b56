"""RELP (Reliable Event Logging Protocol), for Python: sender and receiver.

`Sender` and `Receiver` are the asyncio endpoints. `ClientConnection` and `ServerConnection` are the
protocol without any input or output, to be driven by other programs. This list is all that is
public.
"""

from relpio.errors import (
    ConfigurationError,
    FrameError,
    FrameTooLongError,
    InputError,
    LocalProtocolError,
    OfferError,
    RelpError,
    RemoteProtocolError,
)
from relpio.logs import JsonLog, Log, TextLog
from relpio.net.sockopts import Keepalive
from relpio.protocol.client import ClientConnection, ClientSettings
from relpio.protocol.events import (
    Acknowledged,
    ClientEvent,
    LossReason,
    Messages,
    Oversized,
    Refused,
    ServerEvent,
    SessionClosed,
    SessionLost,
    SessionOpened,
)
from relpio.protocol.frames import Frame, FrameDecoder, encode_acks, encode_frame, encode_messages
from relpio.protocol.server import Oversize, ServerConnection, ServerSettings
from relpio.protocol.states import ClientState, ServerState
from relpio.queue.base import Lease, MessageQueue
from relpio.queue.intake import FlowControl, Intake, Offered
from relpio.queue.make import make_queue
from relpio.queue.memory import MemoryQueue
from relpio.queue.settings import QueueSettings, QueueType
from relpio.receiver.formats import as_lines, octet_counted
from relpio.receiver.output import FileOutput
from relpio.receiver.receiver import Output, Receiver, ReceiverSettings
from relpio.sender.backoff import BackoffPolicy
from relpio.sender.sender import Sender, SenderSettings

__all__ = [
    "Acknowledged",
    "BackoffPolicy",
    "ClientConnection",
    "ClientEvent",
    "ClientSettings",
    "ClientState",
    "ConfigurationError",
    "FileOutput",
    "FlowControl",
    "Frame",
    "FrameDecoder",
    "FrameError",
    "FrameTooLongError",
    "InputError",
    "Intake",
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
    "Offered",
    "Output",
    "Oversize",
    "Oversized",
    "QueueSettings",
    "QueueType",
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
    "make_queue",
    "octet_counted",
]
