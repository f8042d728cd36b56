"""What a scenario says of a middlebox beside its profile: the pool of a balancer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, WithJsonSchema

from halfopen.fields import HostRef
from halfopen.profiles import MiddleboxValues


def _members(value: object) -> tuple[str, ...] | None:
    if value in (None, "never"):  # the word that None becomes when values are written out again
        return None
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ValueError("it is not a list of hosts; write for example [first, second]")
    if not names:
        raise ValueError("the pool is empty; name its servers, for example [first, second]")
    if len(set(names)) != len(names):
        raise ValueError("each server is named once; write for example [first, second]")
    return tuple(names)


_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}, "minItems": 1, "uniqueItems": True},
    ],
    "description": "the servers of a balancer: a group, or a list of endpoints and groups",
}

Pool = Annotated[
    tuple[str, ...] | None,
    HostRef("endpoint"),
    BeforeValidator(_members),
    WithJsonSchema(_SCHEMA),
]
"""Servers for which a middlebox stands; None if it is no balancer."""


class MiddleboxOptions(MiddleboxValues):
    """A middlebox of a scenario.

    Attributes:
        pool: the servers of a balancer, for all of which its inward address stands.
        balance: which of them a new flow goes to: the next (round robin), or the same for all
            flows of a client's address (source hash).
    """

    pool: Pool = None
    balance: Literal["round robin", "source hash"] = "round robin"
