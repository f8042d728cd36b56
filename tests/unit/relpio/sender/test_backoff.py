"""The back-off between attempts to connect."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from relpio import BackoffPolicy
from relpio.sender.backoff import Backoff

if TYPE_CHECKING:
    pass


def test_backoff_doubles_with_jitter_and_repeats_with_its_seed() -> None:
    policy = BackoffPolicy(1.0, 10.0)
    backoff, again = (Backoff(policy, random.Random(7)) for _ in range(2))
    delays = [backoff.next_delay() for _ in range(6)]
    for delay, ceiling in zip(delays, [1, 2, 4, 8, 10, 10], strict=True):
        assert ceiling / 2 <= delay <= ceiling
    assert delays == [again.next_delay() for _ in range(6)]
    backoff.reset()
    assert backoff.next_delay() <= 1.0


def test_senders_do_not_come_back_in_the_same_moment() -> None:
    delays = {Backoff(BackoffPolicy(1.0, 10.0), random.Random(n)).next_delay() for n in range(20)}
    assert len(delays) == 20
