"""The idle timeout of a middlebox is changed while it runs, as by a new policy.

Flows that it knows keep the time that they have until their next packet; from then on the new
one holds, as in Linux' conntrack and in most products.
"""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from halfopen.fields import DURATION_SCHEMA, Section, WholeSeconds
from halfopen.ports import FaultSpec
from halfopen.verbs import SetIdleTimeout

_IdleTimeout = Annotated[
    WholeSeconds | None,
    BeforeValidator(lambda value: None if value == "never" else value),
    WithJsonSchema({"anyOf": [DURATION_SCHEMA, {"const": "never"}]}),
]


class IdleTimeoutParams(Section):
    """Parameters of `idle timeout`.

    Attributes:
        at: the middlebox.
        becomes: the new idle timeout, or `never`; healing gives it back that of its profile.
    """

    at: str
    becomes: _IdleTimeout


def _verbs(params: IdleTimeoutParams) -> tuple[SetIdleTimeout, ...]:
    seconds = math.inf if params.becomes is None else float(params.becomes)
    return (SetIdleTimeout(params.at, seconds),)


FAULT = FaultSpec(
    name="idle timeout",
    summary="a middlebox gets another idle timeout while it runs",
    params=IdleTimeoutParams,
    verbs=_verbs,
    heal=lambda params: (SetIdleTimeout(params.at, None),),
    middleboxes=lambda params: (params.at,),
)
