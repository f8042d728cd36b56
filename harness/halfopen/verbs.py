"""The closed set of things that a lab can be told to do to a running scenario.

A fault is compiled to these; a lab says which it can (`Lab.verbs`).  A scenario that needs one
that the lab cannot do gets the verdict *unsupported*.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ForgetFlows:
    """The middlebox `at` loses its entries, silently, of flows from `client` (None: of all)."""

    at: str
    client: str | None = None


@dataclass(frozen=True)
class SignalProgram:
    """The program on `host` gets a signal: KILL, TERM, STOP or CONT."""

    host: str
    signal: str


Verb = ForgetFlows | SignalProgram
