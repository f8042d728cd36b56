"""What the userspace engine can do; apart from how, which an agent need not load to know it."""

from __future__ import annotations

from halfopen.verbs import (
    Block,
    ForgetFlows,
    Impair,
    Rebind,
    SetIdleTimeout,
    Unblock,
    Unimpair,
    Verb,
)

VERBS: frozenset[type[Verb]] = frozenset(
    {ForgetFlows, SetIdleTimeout, Rebind, Block, Unblock, Impair, Unimpair}
)
"""What can be done to a middlebox that this engine plays."""
