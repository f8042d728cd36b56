"""The comparisons, by name: what of ours against what of theirs, and what the goal is."""

from __future__ import annotations

from dataclasses import dataclass

from bench.subjects import Subject, relpio, rsyslog


@dataclass(frozen=True)
class Comparison:
    """Two subjects with the same task.

    Attributes:
        goal: times that ours is to be faster.
        our_messages, their_messages: of a run; so many that starting up is a small part of it.
    """

    name: str
    goal: float
    ours: Subject
    theirs: Subject
    our_messages: int
    their_messages: int


_ALL = (
    Comparison(
        "relp-throughput",
        goal=5.0,
        ours=relpio(),
        # Direct action queue, window 1000: the fastest of the settings that we tried.
        theirs=rsyslog(action='windowSize="1000"'),
        our_messages=2_000_000,
        their_messages=300_000,
    ),
    Comparison(
        "relp-throughput-synced",
        goal=5.0,
        # Ours syncs on both sides: the queue before a message is accepted, the output before it
        # is acknowledged.  rsyslog syncs its queue only; imrelp has nothing of the kind.
        ours=relpio(
            send=(
                "--queue-type",
                "disk",
                "--queue-filename",
                "queue",
                "--queue-spool-directory",
                "{dir}",
                "--queue-sync-queue-files",
                "on",
                "--queue-size",
                "1000000",
            ),
            receive=("--ack", "synced"),
        ),
        # As action queue; as main queue (type Disk, syncQueueFiles on) it was no faster.
        theirs=rsyslog(
            action='windowSize="1000" queue.type="Disk" queue.filename="queue" '
            'queue.size="1000000" queue.spoolDirectory="{dir}" queue.syncQueueFiles="on"',
        ),
        our_messages=300_000,
        their_messages=20_000,
    ),
    Comparison(
        "relp-throughput-tls",
        goal=2.0,
        # Both anonymous, which is rsyslog's default.
        ours=relpio(send=("--tls",), receive=("--tls",)),
        theirs=rsyslog(action='windowSize="1000" tls="on"', relp='tls="on"'),
        our_messages=500_000,
        their_messages=200_000,
    ),
)

COMPARISONS = {comparison.name: comparison for comparison in _ALL}
