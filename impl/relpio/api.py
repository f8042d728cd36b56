"""All that is public in relpio, with the modules it comes from."""

from relpio.errors import (
    ConfigurationError,
    FrameError,
    FrameTooLongError,
    InputError,
    LocalProtocolError,
    OfferError,
    PeerRefusedError,
    RelpError,
    RemoteProtocolError,
)
from relpio.logs import JsonLog, Log, TextLog
from relpio.metrics.registry import Registry
from relpio.net.addresses import TcpAddress, UnixAddress
from relpio.net.sockopts import Keepalive
from relpio.net.tls import TlsSettings
from relpio.pipeline import Pipeline
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
from relpio.receiver.destinations import Destination, Outputs
from relpio.receiver.formats import FORMATS, as_lines, json_lines, octet_counted
from relpio.receiver.manyfiles import ManyFiles
from relpio.receiver.output import FileOutput
from relpio.receiver.program import ProgramOutput
from relpio.receiver.received import Received
from relpio.receiver.receiver import Output, Receiver, ReceiverSettings
from relpio.receiver.selectors import Selector
from relpio.receiver.synced import SyncedFileOutput
from relpio.receiver.templates import Template
from relpio.sender.backoff import BackoffPolicy
from relpio.sender.queues import Queues, open_queues
from relpio.sender.sender import Sender, SenderSettings
from relpio.version import __version__

__all__ = [
    "FORMATS",
    "Acknowledged",
    "BackoffPolicy",
    "ClientConnection",
    "ClientEvent",
    "ClientSettings",
    "ClientState",
    "ConfigurationError",
    "Destination",
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
    "ManyFiles",
    "MemoryQueue",
    "MessageQueue",
    "Messages",
    "OfferError",
    "Offered",
    "Output",
    "Outputs",
    "Oversize",
    "Oversized",
    "PeerRefusedError",
    "Pipeline",
    "ProgramOutput",
    "QueueSettings",
    "QueueType",
    "Queues",
    "Received",
    "Receiver",
    "ReceiverSettings",
    "Refused",
    "Registry",
    "RelpError",
    "RemoteProtocolError",
    "Selector",
    "Sender",
    "SenderSettings",
    "ServerConnection",
    "ServerEvent",
    "ServerSettings",
    "ServerState",
    "SessionClosed",
    "SessionLost",
    "SessionOpened",
    "SyncedFileOutput",
    "TcpAddress",
    "Template",
    "TextLog",
    "TlsSettings",
    "UnixAddress",
    "__version__",
    "as_lines",
    "encode_acks",
    "encode_frame",
    "encode_messages",
    "json_lines",
    "make_queue",
    "octet_counted",
    "open_queues",
]
