"""The options of `relpio send` that say where messages come from."""

from __future__ import annotations

from typing import Any

from relpio.command.option import Option
from relpio.inputs.base import Input
from relpio.inputs.streams import StreamInput, open_streams
from relpio.logs import Log

__all__ = ["OPTIONS", "inputs_from"]

OPTIONS: tuple[Option, ...] = ()


def inputs_from(options: Any, log: Log) -> list[Input]:
    """Make the inputs that `options` ask for; without any, standard input is the one.

    Raises:
        ConfigurationError: options contradict each other.
        OSError: a file cannot be opened, or an address not be used.
    """
    inputs: list[Input] = []
    if options.files or not inputs:
        streams = open_streams(options.files or ["-"])
        inputs.insert(0, StreamInput(streams, options.max_message_size))
    return inputs
