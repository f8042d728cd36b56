"""What can be done to the names that a host looks up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from halfopen.verbs.base import Verb

Answer = Literal["right", "refused", "no such name", "silent", "wrong address"]
"""What a resolver answers: rightly; REFUSED or NXDOMAIN (RFC 1035, section 4.1.1); nothing at all;
an address at which there is nobody."""


@dataclass(frozen=True)
class SetDnsBehaviour(Verb):
    """The resolver of `host` answers so from now on."""

    host: str
    answer: Answer
