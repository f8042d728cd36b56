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
class CutLink(Verb):
    """The link between two neighbours carries nothing any more, or does again; both think it is up.

    Unlike :class:`SetLink`, no interface goes down and no route is lost: neither side is notified.
    """

    between: tuple[str, str]
    cut: bool


@dataclass(frozen=True)
class SetRoute(Verb):
    """The host `router` loses its routes towards the host `to`, or has them again."""

    router: str
    to: str
    present: bool
