"""What is in flight of a queue on disk, and what came back to be handed out again."""

from __future__ import annotations

from bisect import insort
from collections.abc import Container, Sequence

from relpio.errors import LocalProtocolError

__all__ = ["Leased"]


class Leased:
    """Messages that were leased, by number, in memory."""

    def __init__(self) -> None:
        """Hold nothing."""
        self._flying: dict[int, bytes] = {}
        self._returned: dict[int, bytes] = {}
        self._return_order: list[int] = []  # the keys of it, rising

    def __len__(self) -> int:
        """Messages in flight."""
        return len(self._flying)

    def numbers(self) -> Container[int]:
        """The numbers of messages in flight."""
        return self._flying.keys()

    def add(self, numbers: Sequence[int], messages: Sequence[bytes]) -> None:
        """Take note that these were handed out."""
        self._flying.update(zip(numbers, messages, strict=True))

    def again(self, limit: int) -> tuple[list[int], list[bytes]]:
        """Hand out the lowest of those that came back, at most `limit`."""
        if not self._return_order or limit <= 0:
            return [], []
        numbers = self._return_order[:limit]
        del self._return_order[: len(numbers)]
        messages = [self._returned.pop(number) for number in numbers]
        self.add(numbers, messages)
        return numbers, messages

    def take_off(self, numbers: Sequence[int]) -> list[bytes]:
        """Remove messages in flight, and return them.

        Raises:
            LocalProtocolError: a number is not in flight; then nothing is removed.
        """
        flying = self._flying
        messages: list[bytes] = []
        try:
            # Goes on in order until one is not there, so that it is known where it stopped.
            messages.extend(map(flying.pop, numbers))
        except KeyError as error:
            for number, message in zip(numbers, messages, strict=False):
                flying[number] = message
            raise LocalProtocolError(f"message {error.args[0]} is not in flight") from None
        return messages

    def take_back(self, numbers: Sequence[int]) -> None:
        """Take messages in flight back; the numbers rise.

        Raises:
            LocalProtocolError: a number is not in flight; then nothing is taken back.
        """
        messages = self.take_off(numbers)
        if len(numbers) == 1:
            insort(self._return_order, numbers[0])
        else:
            self._return_order += numbers
            self._return_order.sort()
        self._returned.update(zip(numbers, messages, strict=True))
