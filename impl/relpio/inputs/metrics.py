"""The metrics of inputs, for the exporter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from relpio.inputs.base import Input
from relpio.inputs.connections import ConnectionInput
from relpio.inputs.datagrams import DatagramInput
from relpio.metrics.registry import Registry

__all__ = ["register_inputs"]


def register_inputs(registry: Registry, inputs: Sequence[Input]) -> None:
    """Register what each input counts, under its name."""
    for each in inputs:
        registry.counter(
            "relpio_input_messages_total", "Messages that came in.",
            partial(getattr, each, "received"), input=each.name,
        )  # fmt: skip
        if isinstance(each, ConnectionInput):
            registry.counter(
                "relpio_input_connections_total", "Connections accepted.",
                partial(getattr, each, "accepted"), input=each.name,
            )  # fmt: skip
            registry.gauge(
                "relpio_input_connections", "Connections open now.",
                partial(getattr, each, "connections"), input=each.name,
            )  # fmt: skip
        elif isinstance(each, DatagramInput):
            registry.counter(
                "relpio_input_dropped_total", "Datagrams that the kernel dropped.",
                partial(getattr, each, "dropped"), input=each.name,
            )  # fmt: skip
