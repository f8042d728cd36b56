"""The fault `idle timeout`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from halfopen.fields import DURATION_SCHEMA, MiddleboxHost, WholeSeconds
from halfopen.ports import Fault
from halfopen.verbs import SetIdleTimeout, Verb

_IdleTimeout = Annotated[
    WholeSeconds | None,
    BeforeValidator(lambda value: None if value == "never" else value),
    WithJsonSchema({"anyOf": [DURATION_SCHEMA, {"const": "never"}]}),
]


class IdleTimeout(Fault):
    """The idle timeout of a middlebox is changed while it runs, as by a new policy.

    Existing flows keep their remaining time until their next packet; from then on the new one
    applies, as in Linux' conntrack and in most products.

    Attributes:
        at: the middlebox.
        becomes: the new idle timeout, or `never`; healing restores that of its profile.
    """

    name = "idle timeout"
    summary = "the idle timeout of a middlebox changes while it runs"
    uses = (SetIdleTimeout,)
    touches = ("timeouts",)

    at: MiddleboxHost
    becomes: _IdleTimeout

    def verbs(self) -> Sequence[Verb]:
        """Set the new one."""
        seconds = math.inf if self.becomes is None else float(self.becomes)
        return (SetIdleTimeout(self.at, seconds),)

    def heal(self) -> Sequence[Verb]:
        """Set that of the profile."""
        return (SetIdleTimeout(self.at, None),)
