"""The states of a session, for both roles.

Theory of operation. A session is one TCP connection. Each side walks through its own table below:
the rows are states, the entries say which state follows when something happens. The connection
cores ask `step` before they act, so a thing that has no entry cannot happen: it is a bug of the
caller, and `LocalProtocolError` says so.

Two rules keep the tables small:

* What the peer does wrong is one input, `violation`, however it is wrong.
* A full window is no state. It follows from numbers (`ClientConnection.capacity`), and a state
  would only be a second copy of them.

`LOST` and `CLOSED` are final. They differ in what the application must do: after `LOST` some
commands may have failed and are to be sent again; after `CLOSED` all were answered.

`mermaid` draws the tables; the diagrams in docs/relpio.md are its output, and a test compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from relpio.errors import LocalProtocolError

__all__ = [
    "CLIENT_TRANSITIONS",
    "SERVER_TRANSITIONS",
    "ClientInput",
    "ClientState",
    "ServerInput",
    "ServerState",
    "mermaid",
    "step",
]


class ClientState(Enum):
    """Where the sending side of a session is."""

    IDLE = "idle"
    """Nothing was sent."""
    OPENING = "opening"
    """`open` was sent; its answer is awaited."""
    OPEN = "open"
    """Messages may be sent, as far as the window goes."""
    DRAINING = "draining"
    """No more messages are sent; answers to earlier ones are awaited."""
    CLOSING = "closing"
    """`close` was sent; nothing else is outstanding."""
    CLOSED = "closed"
    """Over, everything was answered."""
    LOST = "lost"
    """Over, what was not answered counts as failed."""


class ClientInput(Enum):
    """What can happen to the sending side."""

    SEND_OPEN = "send open"
    OPEN_ACCEPTED = "rsp 200 to open"
    OPEN_REFUSED = "other rsp to open"
    SEND_MESSAGES = "send messages"
    CLOSE_ASKED = "application closes"
    RENEWAL_DUE = "numbers used up"
    ALL_ANSWERED = "last answer received"
    CLOSE_ANSWERED = "rsp to close"
    SERVERCLOSE = "hint serverclose"
    EOF = "end of stream"
    TIMEOUT = "timer expired"
    VIOLATION = "violation"


class ServerState(Enum):
    """Where the receiving side of a session is."""

    AWAITING_OPEN = "awaiting open"
    """No `open` was accepted yet."""
    OPEN = "open"
    """Messages are taken."""
    CLOSING = "closing"
    """Either side closes; messages before that are not all answered."""
    ENDING = "ending"
    """Against the rules, too large, too slow; messages before that are not all answered."""
    CLOSED = "closed"
    """Over, everything was answered, or the application ended it."""
    LOST = "lost"
    """Over, against the will of one side."""


class ServerInput(Enum):
    """What can happen to the receiving side."""

    OPEN_ACCEPTED = "open accepted"
    OPEN_REFUSED = "open refused"
    MESSAGE = "syslog"
    CLOSE_COMMAND = "close"
    ALL_ANSWERED = "last answer sent"
    SERVERCLOSE = "hint serverclose"
    SHUTDOWN = "application closes"
    CUT = "application cuts"
    EOF = "end of stream"
    HALF_CLOSE = "end of stream, answers due"
    TIMEOUT = "timer expired"
    VIOLATION = "violation"


_CLIENT_FAILURES: dict[ClientInput, ClientState] = {
    ClientInput.SERVERCLOSE: ClientState.LOST,
    ClientInput.EOF: ClientState.LOST,
    ClientInput.TIMEOUT: ClientState.LOST,
    ClientInput.VIOLATION: ClientState.LOST,
}

CLIENT_TRANSITIONS: Mapping[ClientState, Mapping[ClientInput, ClientState]] = {
    ClientState.IDLE: {
        ClientInput.SEND_OPEN: ClientState.OPENING,
        ClientInput.CLOSE_ASKED: ClientState.CLOSED,
        **_CLIENT_FAILURES,
    },
    ClientState.OPENING: {
        ClientInput.OPEN_ACCEPTED: ClientState.OPEN,
        ClientInput.OPEN_REFUSED: ClientState.LOST,
        ClientInput.CLOSE_ASKED: ClientState.CLOSED,
        **_CLIENT_FAILURES,
    },
    ClientState.OPEN: {
        ClientInput.SEND_MESSAGES: ClientState.OPEN,
        ClientInput.CLOSE_ASKED: ClientState.DRAINING,
        ClientInput.RENEWAL_DUE: ClientState.DRAINING,
        **_CLIENT_FAILURES,
    },
    ClientState.DRAINING: {
        ClientInput.CLOSE_ASKED: ClientState.DRAINING,
        ClientInput.ALL_ANSWERED: ClientState.CLOSING,
        **_CLIENT_FAILURES,
    },
    # Nothing is outstanding but the answer to `close`: servers answer with an empty rsp, with
    # `200 OK`, with the hint alone, or just hang up. All of these are an orderly end.
    ClientState.CLOSING: {
        ClientInput.CLOSE_ASKED: ClientState.CLOSING,
        ClientInput.CLOSE_ANSWERED: ClientState.CLOSED,
        ClientInput.SERVERCLOSE: ClientState.CLOSED,
        ClientInput.EOF: ClientState.CLOSED,
        ClientInput.TIMEOUT: ClientState.CLOSED,
        ClientInput.VIOLATION: ClientState.LOST,
    },
    ClientState.CLOSED: {},
    ClientState.LOST: {},
}

_SERVER_ENDINGS: dict[ServerInput, ServerState] = {
    ServerInput.OPEN_REFUSED: ServerState.ENDING,
    ServerInput.CLOSE_COMMAND: ServerState.CLOSING,
    ServerInput.SERVERCLOSE: ServerState.LOST,
    ServerInput.SHUTDOWN: ServerState.CLOSING,
    ServerInput.EOF: ServerState.LOST,
    ServerInput.HALF_CLOSE: ServerState.ENDING,
    ServerInput.TIMEOUT: ServerState.ENDING,
    ServerInput.VIOLATION: ServerState.ENDING,
}

SERVER_TRANSITIONS: Mapping[ServerState, Mapping[ServerInput, ServerState]] = {
    # A message before `open` is refused, and the session goes on (librelp does so).
    ServerState.AWAITING_OPEN: {
        ServerInput.OPEN_ACCEPTED: ServerState.OPEN,
        ServerInput.MESSAGE: ServerState.AWAITING_OPEN,
        **_SERVER_ENDINGS,
    },
    ServerState.OPEN: {
        ServerInput.MESSAGE: ServerState.OPEN,
        **_SERVER_ENDINGS,
    },
    # Nothing more is taken; what was taken is answered before the end. `CLOSING` is an orderly end,
    # wished by either side, `ENDING` one for a reason.
    ServerState.CLOSING: {
        ServerInput.ALL_ANSWERED: ServerState.CLOSED,
        ServerInput.CUT: ServerState.CLOSED,
        ServerInput.HALF_CLOSE: ServerState.CLOSING,
    },
    ServerState.ENDING: {
        ServerInput.ALL_ANSWERED: ServerState.LOST,
        ServerInput.CUT: ServerState.LOST,
        ServerInput.HALF_CLOSE: ServerState.ENDING,
    },
    ServerState.CLOSED: {},
    ServerState.LOST: {},
}

StateT = TypeVar("StateT", bound=Enum)
InputT = TypeVar("InputT", bound=Enum)


def step(
    table: Mapping[StateT, Mapping[InputT, StateT]], state: StateT, happened: InputT
) -> StateT:
    """Return the state that follows.

    Raises:
        LocalProtocolError: the table has no such entry.
    """
    try:
        return table[state][happened]
    except KeyError:
        raise LocalProtocolError(
            f'"{happened.value}" is not possible in state "{state.value}"'
        ) from None


def mermaid(table: Mapping[StateT, Mapping[InputT, StateT]]) -> str:
    """Draw a table as a Mermaid state diagram: one arrow for each pair of states."""
    lines = ["stateDiagram-v2"]
    states = list(table)
    lines += [f"    {state.name}: {state.value}" for state in states]
    lines.append(f"    [*] --> {states[0].name}")
    for state, row in table.items():
        arrows: dict[str, list[str]] = {}
        for happened, target in row.items():
            arrows.setdefault(target.name, []).append(happened.value)
        for target_name, labels in arrows.items():
            lines.append(f"    {state.name} --> {target_name}: {', '.join(labels)}")
        if not row:
            lines.append(f"    {state.name} --> [*]")
    return "\n".join(lines) + "\n"
