"""Requests over a pipe: JSON Lines, both ways.

A request is `{"id", "do", ...}`, and is answered by `{"id", "result"}`, or `{"id", "error",
"type"}` with the class of the error; what needs no answer is `{"do", ...}`.  Either side may ask:
each numbers its own requests.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import subprocess
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from halfopen.errors import HalfopenError, LabError, UnsupportedError

Message = Mapping[str, Any]

_TYPES: Mapping[str, type[HalfopenError]] = {
    kind.__name__: kind for kind in (LabError, UnsupportedError)
}
_EXPECTED = (HalfopenError, OSError, TimeoutError, subprocess.SubprocessError)


def encode(message: Message) -> bytes:
    """A message as one line."""
    # JSON has no infinity, Python's reader has: `inf` is a timeout that never ends.
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


class Lines:
    """Puts messages together from pieces as they come."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """The messages that are complete now."""
        # A line may have megabytes: it is put together once, not again with each piece.
        first, *more = data.split(b"\n")
        self._begun.append(first)
        if not more:
            return []
        *whole, rest = b"".join(self._begun), *more
        self._begun = [rest]
        return [json.loads(line) for line in whole]


def answer(request: Message, result: Any) -> dict[str, Any]:
    """The answer to a request that was done."""
    return {"id": request["id"], "result": result}


def refusal(request: Message, error: Exception) -> dict[str, Any]:
    """The answer to a request that could not be done; the class of an error of ours stays."""
    if not isinstance(error, _EXPECTED):
        # A mistake of ours: who asked must not wait for an answer that never comes.
        traceback.print_exception(error)
        return {"id": request["id"], "error": repr(error), "type": LabError.__name__}
    kind = UnsupportedError if isinstance(error, UnsupportedError) else LabError
    return {"id": request["id"], "error": str(error) or repr(error), "type": kind.__name__}


class Peer:
    """One end of a channel.

    Requests are done by coroutines `do_NAME(message)` of its owner, several at a time; what needs
    no answer by its functions `on_NAME(message)`, at once and in order.

    Args:
        owner: has them.
        write: writes a line; raises OSError if the other end is gone.
        gone: says why the other end is gone: its last words.
    """

    def __init__(
        self, owner: object, write: Callable[[bytes], None], gone: Callable[[], str]
    ) -> None:
        self._owner = owner
        self._write = write
        self._gone = gone
        self._lines = Lines()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[Any]] = {}
        self._working: set[asyncio.Task[None]] = set()
        self._ended = False

    def ask(self, do: str, **arguments: Any) -> Future[Any]:
        """Send a request, from any thread; the future gets the result, or the error."""
        number, result = next(self._numbers), Future[Any]()
        self._waiting[number] = result
        try:
            self._write(encode({"id": number, "do": do, **arguments}))
        except (OSError, ValueError):  # ValueError: the file was closed
            self._ended = True
        if self._ended:
            self.end()
        return result

    async def call(self, do: str, *, within: float | None = None, **arguments: Any) -> Any:
        """Ask, and wait for the answer.

        Args:
            do: name of the request.
            within: seconds; None: as long as it takes.
            **arguments: of the request.

        Raises:
            LabError: if it cannot be done, the other end dies, or takes too long.
            UnsupportedError: if the other end says so.
        """
        answered = asyncio.wrap_future(self.ask(do, **arguments))
        try:
            return await asyncio.wait_for(answered, within)
        except TimeoutError:
            raise LabError(f"no answer to the request {do!r} within {within:g} s") from None

    def notify(self, do: str, **arguments: Any) -> None:
        """Tell the other end something that needs no answer."""
        self._write(encode({"do": do, **arguments}))

    def take(self, data: bytes) -> None:
        """What has come from the other end, in pieces of any size."""
        for message in self._lines.feed(data):
            if "do" not in message:
                self._answered(message)
            elif "id" in message:
                task = asyncio.create_task(self._serve(message))
                self._working.add(task)
                task.add_done_callback(self._working.discard)
            else:
                getattr(self._owner, f"on_{message['do']}")(message)

    def end(self) -> None:
        """The other end is gone: nobody waits for it any longer."""
        self._ended = True
        while self._waiting:
            _, waiting = self._waiting.popitem()
            if waiting.set_running_or_notify_cancel():
                waiting.set_exception(LabError(self._gone()))

    async def close(self) -> None:
        """Do nothing more for the other end."""
        tasks = list(self._working)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _answered(self, message: Message) -> None:
        waiting = self._waiting.pop(message["id"], None)
        if waiting is None or not waiting.set_running_or_notify_cancel():
            return
        if "error" in message:
            waiting.set_exception(_TYPES.get(message["type"], LabError)(message["error"]))
        else:
            waiting.set_result(message["result"])

    async def _serve(self, request: Message) -> None:
        try:
            work = getattr(self._owner, f"do_{request['do']}", None)
            if work is None:
                raise LabError(f"unknown request {request['do']!r}")
            message = answer(request, await work(request))
        except Exception as error:
            message = refusal(request, error)
        with contextlib.suppress(OSError, ValueError):  # nobody is there to be answered
            self._write(encode(message))
