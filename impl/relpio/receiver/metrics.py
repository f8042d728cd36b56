"""The metrics of a receiver."""

from __future__ import annotations

from typing import Protocol

from relpio.metrics.registry import Registry

__all__ = ["Counted", "ReceiverMetrics"]


class Counted(Protocol):
    """What is asked for when somebody reads the metrics."""

    received: int
    acknowledged: int
    received_bytes: int
    pending: int
    partial: int

    @property
    def sessions(self) -> int:
        """Connections that are open now."""

    @property
    def accept_pauses(self) -> int:
        """How often there was no room for a connection."""

    @property
    def output_errors(self) -> int:
        """Attempts to write that failed."""

    @property
    def output_failing(self) -> bool:
        """The output cannot be written to."""


class ReceiverMetrics:
    """Registers what a receiver counts, and counts the rest."""

    def __init__(self, registry: Registry, receiver: Counted) -> None:
        """Register everything in `registry`."""
        self._registry = registry
        counter, gauge = registry.counter, registry.gauge
        gauge("relpio_receive_sessions", "Connections open now.", lambda: receiver.sessions)
        self.opened = counter("relpio_receive_sessions_opened_total", "Sessions opened.")
        self.closed = counter("relpio_receive_sessions_closed_total", "Sessions ended in order.")
        self.oversized = counter("relpio_receive_oversized_total", "Messages above the limit.")
        self.slowed = counter(
            "relpio_receive_rate_limited_total",
            "Times when a fast client was not read for a while.",
        )
        counter("relpio_receive_messages_total", "Messages received.", lambda: receiver.received)
        counter("relpio_receive_bytes_total", "Their bytes.", lambda: receiver.received_bytes)
        counter("relpio_receive_acks_total", "Messages answered.", lambda: receiver.acknowledged)
        counter(
            "relpio_receive_accept_pauses_total",
            "Times when no connection could be accepted.",
            lambda: receiver.accept_pauses,
        )
        counter(
            "relpio_receive_output_errors_total",
            "Attempts to write to the output that failed.",
            lambda: receiver.output_errors,
        )
        gauge(
            "relpio_receive_pending_bytes",
            "Memory of messages that await the output.",
            lambda: receiver.pending,
        )
        gauge(
            "relpio_receive_partial_bytes",
            "Memory of frames that are not complete.",
            lambda: receiver.partial,
        )
        gauge(
            "relpio_receive_output_failing",
            "1 while the output cannot be written to.",
            lambda: receiver.output_failing,
        )

    def lost(self, reason: str) -> None:
        """A session ended against the will of one side."""
        name = "relpio_receive_sessions_lost_total"
        self._registry.counter(name, "Sessions lost, by reason.", reason=reason).add()

    def refused(self, reason: str) -> None:
        """A connection was refused before it became a session."""
        name = "relpio_receive_refused_total"
        self._registry.counter(name, "Connections refused, by reason.", reason=reason).add()
