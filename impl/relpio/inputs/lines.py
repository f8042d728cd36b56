"""Lines out of a stream of bytes; a line that is too long is an error, or cut."""

from __future__ import annotations

from relpio.errors import InputError
from relpio.loops import split_lines

__all__ = ["LineSplitter"]


class LineSplitter:
    """Cuts a stream of bytes into lines, without their LF."""

    def __init__(self, name: str, max_size: int, *, truncate: bool = False) -> None:
        """Allow lines of up to `max_size` bytes; `name` of the input is for error texts.

        With `truncate`, the first `max_size` bytes of a longer line are the line.
        """
        self._name = name
        self._max_size = max_size
        self._rest = bytearray()
        self._lines = 0
        self._truncate = truncate
        self.truncated = 0

    def feed(self, data: bytes) -> tuple[list[bytes], InputError | None]:
        """Return the lines that `data` completes, and what is wrong with the one after them."""
        head, newline, rest = data.rpartition(b"\n")
        lines: list[bytes] = []
        longest = 0
        if newline:
            lines, longest = split_lines(head)
            if self._rest:
                lines[0] = bytes(self._rest) + lines[0]
                longest = max(longest, len(lines[0]))
                self._rest.clear()
        self._rest += rest
        if self._truncate:
            del self._rest[self._max_size + 1 :]  # one more tells that there was more
            return self._cut(lines, longest), None
        error = None
        if longest > self._max_size:
            at = next(at for at, line in enumerate(lines) if len(line) > self._max_size)
            del lines[at:]
            error = self._too_long(at)
        elif len(self._rest) > self._max_size:
            error = self._too_long(len(lines))
        self._lines += len(lines)
        return lines, error

    def finish(self) -> list[bytes]:
        """Return the last line if it has no LF."""
        last = [bytes(self._rest)] if self._rest else []
        self._rest.clear()
        return self._cut(last, sum(map(len, last))) if self._truncate else last

    def _cut(self, lines: list[bytes], longest: int) -> list[bytes]:
        limit = self._max_size
        if longest > limit:
            self.truncated += sum(len(line) > limit for line in lines)
            return [line[:limit] for line in lines]
        return lines

    def _too_long(self, lines_before: int) -> InputError:
        number = self._lines + lines_before + 1
        return InputError(
            f"{self._name}: line {number} is longer than {self._max_size} bytes; shorten it, or "
            "raise --max-message-size here and at the receiver"
        )
