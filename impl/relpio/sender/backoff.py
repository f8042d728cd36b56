"""How long to wait before the next attempt."""

from __future__ import annotations

import random
from dataclasses import dataclass

from relpio.errors import ConfigurationError

__all__ = ["Backoff", "BackoffPolicy"]


@dataclass(frozen=True)
class BackoffPolicy:
    """Seconds before the first new attempt, and the most that doubling may reach."""

    first: float = 1.0
    longest: float = 60.0

    def __post_init__(self) -> None:
        """Refuse values that cannot work."""
        if not 0 < self.first <= self.longest:
            raise ConfigurationError(
                f"back-off {self.first:g}/{self.longest:g}: needs 0 < FIRST <= MAX"
            )


class Backoff:
    """Doubling delays with jitter.

    A delay is drawn from the upper half of its range. The jitter keeps a thousand senders from
    coming back in the same second to the receiver that just restarted.
    """

    def __init__(self, policy: BackoffPolicy, rng: random.Random) -> None:
        """Draw jitter from `rng`, so that a seed repeats a run."""
        self._policy = policy
        self._rng = rng
        self._attempts = 0

    def next_delay(self) -> float:
        """Seconds to wait now; each call without `reset` between doubles the range."""
        # The exponent is capped, because a float is not endless.
        ceiling = min(self._policy.longest, self._policy.first * 2.0 ** min(self._attempts, 60))
        self._attempts += 1
        return ceiling * self._rng.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Start over: something worked."""
        self._attempts = 0
