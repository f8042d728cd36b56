"""Lines out of a stream of octets; a line that is too long is an error."""

from __future__ import annotations

from relpio.errors import InputError

__all__ = ["LineSplitter"]


class LineSplitter:
    """Cuts a stream of octets into lines, without their LF."""

    def __init__(self, name: str, max_size: int) -> None:
        """Allow lines of up to `max_size` octets; `name` of the input is for error texts."""
        self._name = name
        self._max_size = max_size
        self._rest = bytearray()
        self._lines = 0

    def feed(self, data: bytes) -> tuple[list[bytes], InputError | None]:
        """Return the lines that `data` completes, and what is wrong with the one after them."""
        head, newline, rest = data.rpartition(b"\n")
        if newline:
            lines = head.split(b"\n")
            if self._rest:
                lines[0] = bytes(self._rest) + lines[0]
                self._rest.clear()
        else:
            lines = []
        self._rest += rest
        error = None
        if lines and len(max(lines, key=len)) > self._max_size:
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
        return last

    def _too_long(self, lines_before: int) -> InputError:
        number = self._lines + lines_before + 1
        return InputError(
            f"{self._name}: line {number} is longer than {self._max_size} octets; shorten it, or "
            "raise --max-message-size here and at the receiver"
        )
