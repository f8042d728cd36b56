"""What can be done to links and routes."""

from __future__ import annotations

from dataclasses import dataclass

from halfopen.verbs.base import Verb


@dataclass(frozen=True)
class SetLink(Verb):
    """The link between two neighbours goes down (a cable is pulled) or up again."""

    between: tuple[str, str]
    up: bool


@dataclass(frozen=True)
class SetRoute(Verb):
    """`host` loses its routes towards the host `to`, or has them again."""

    host: str
    to: str
    present: bool
