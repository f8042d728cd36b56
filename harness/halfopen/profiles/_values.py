"""The values that a middlebox profile has, and that a scenario may override."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, WithJsonSchema

from halfopen.fields import DURATION_SCHEMA, Section, WholeSeconds


def _never(value: object) -> object:
    return None if value in ("never", None) else value


_SCHEMA: dict[str, Any] = {"anyOf": [DURATION_SCHEMA, {"const": "never"}]}

IdleTimeout = Annotated[WholeSeconds | None, BeforeValidator(_never), WithJsonSchema(_SCHEMA)]
"""Seconds of silence, whole because connection tracking has nothing finer; `never` is None."""


class MiddleboxValues(Section):
    """What a middlebox does with the flows that it tracks.

    Attributes:
        idle_timeout: seconds without a packet after which it forgets an established flow; None
            (written `never`) if it does not.
        on_expiry: whom it tells when it forgets a flow: nobody (silent), RST to both, or FIN.
        late_packet: what becomes of a packet, not a SYN, of a flow that it does not know (any
            more): dropped; answered with RST; taken for a new flow if it comes from inside, or
            from anywhere; passed on as it is, without address translation.
        keepalive_refreshes: whether a TCP keepalive probe counts as a packet of the flow.
        half_open: seconds that it waits for a handshake to be completed.
        half_closed: seconds that it knows a flow that only one side has closed.
        nat: whose addresses it translates: nobody's, the client's or the server's.
    """

    idle_timeout: IdleTimeout
    on_expiry: Literal["silent", "rst both", "fin"] = "silent"
    late_packet: Literal[
        "drop", "rst sender", "readmit from inside", "readmit from anywhere", "pass untranslated"
    ] = "drop"
    keepalive_refreshes: bool = True
    half_open: WholeSeconds = 30.0
    half_closed: WholeSeconds = 120.0
    nat: Literal["none", "source", "destination"] = "none"
