"""What can be done to a whole endpoint."""

from __future__ import annotations

from dataclasses import dataclass

from halfopen.verbs.base import Verb


@dataclass(frozen=True)
class LosePower(Verb):
    """The endpoint is gone at once: its program is killed, its kernel sends nothing any more.

    Its connections are gone too, without a FIN or RST on the wire; its disk stays.
    """

    host: str


@dataclass(frozen=True)
class RestorePower(Verb):
    """The endpoint is back, with no connections, and its program is started again."""

    host: str
