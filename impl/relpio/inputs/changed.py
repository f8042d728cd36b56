"""An input whose messages are changed on the way, or left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from relpio.inputs.base import Deliver, Flow, Input

__all__ = ["ChangedInput", "without_empty"]


class ChangedInput:
    """Another input, of which `change` makes other messages."""

    def __init__(self, source: Input, change: Callable[[Sequence[bytes]], Sequence[bytes]]) -> None:
        """Deliver what `change` returns for the messages of `source`, unless that is nothing."""
        self._source = source
        self._change = change

    @property
    def name(self) -> str:
        """Its source's."""
        return self._source.name

    @property
    def flow(self) -> Flow:
        """Its source's."""
        return self._source.flow

    @property
    def received(self) -> int:
        """Its source's."""
        return self._source.received

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    async def run(self, deliver: Deliver) -> None:
        """Run the source.

        Raises:
            InputError: the source cannot be sent.
            OSError: it cannot be read.
        """

        async def deliver_changed(messages: Sequence[bytes]) -> None:
            if changed := self._change(messages):
                await deliver(changed)

        await self._source.run(deliver_changed)


def without_empty(messages: Sequence[bytes]) -> Sequence[bytes]:
    """Leave out messages of no bytes."""
    return [message for message in messages if message]
