"""Where received messages go: any number of outputs, each with a selector and a format.

A message counts as written when every output that takes it has written it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from relpio.errors import ConfigurationError
from relpio.receiver.formats import RecordFormat
from relpio.receiver.manyfiles import ManyFiles
from relpio.receiver.output import FileOutput
from relpio.receiver.program import ProgramOutput
from relpio.receiver.received import Received
from relpio.receiver.selectors import EVERYTHING, Selector
from relpio.receiver.templates import Template

__all__ = ["Destination", "Outputs"]

Told = Callable[[], None]


class Destination:
    """An output of messages.

    Attributes:
        selector: which messages it takes.
        target: writes their bytes.
    """

    def __init__(
        self,
        form: RecordFormat,
        target: FileOutput | ProgramOutput | ManyFiles,
        template: Template | None = None,
        selector: Selector = EVERYTHING,
    ) -> None:
        """Write messages in this form.

        Args:
            form: turns messages into bytes.
            target: writes the bytes.
            template: makes the paths, for `ManyFiles` only.
            selector: which messages it takes.

        Raises:
            ConfigurationError: files without a template, or a template without files.
        """
        if isinstance(target, ManyFiles) != (template is not None):
            raise ConfigurationError("many files need a template, and a template many files")
        self.selector = selector
        self.target = target
        self._form = form
        self._template = template

    def submit(self, received: Received, on_written: Told) -> None:
        """Write messages; then call `on_written`."""
        target = self.target
        if not isinstance(target, ManyFiles):
            target.submit(self._form(received), on_written)
            return
        assert self._template is not None
        parts = list(self._template.split(received))
        told = on_written if len(parts) == 1 else _after(len(parts), on_written)
        for path, part in parts:
            target.submit_to(path, self._form(part), told)

    def reopen(self) -> None:
        """Go on in new files: the old ones were moved away."""
        if not isinstance(self.target, ProgramOutput):
            self.target.reopen()

    def start(self) -> None:
        """Start the program, if it is one."""
        if isinstance(self.target, ProgramOutput):
            self.target.start()

    async def stop(self, timeout: float) -> None:
        """Forget what is not written; end the program, for which it gets `timeout` seconds."""
        if isinstance(self.target, ProgramOutput):
            await self.target.stop(timeout)
        else:
            self.target.close()


class _Waiting(NamedTuple):
    received: Received
    told: Told


class Outputs:
    """All outputs of a receiver, which can be replaced while it runs.

    Attributes:
        broken: done when an output can never be written to again.
    """

    def __init__(self, destinations: Sequence[Destination]) -> None:
        """Write to these.

        Raises:
            ConfigurationError: a message could be taken by none.
        """
        check_complete([each.selector for each in destinations])
        self._all = list(destinations)
        self._waiting: dict[int, _Waiting] = {}  # in order
        self._next = 0
        self._era = 0
        self._errors_before = 0  # of outputs that were replaced
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping: set[asyncio.Task[None]] = set()
        self.broken: asyncio.Future[OSError] = asyncio.get_running_loop().create_future()
        self._watch()

    def _watch(self) -> None:
        for each in self._all:
            each.target.broken.add_done_callback(self._tell_broken)

    def _tell_broken(self, done: asyncio.Future[OSError]) -> None:
        in_use = any(each.target.broken is done for each in self._all)
        if in_use and not done.cancelled() and not self.broken.done():
            self.broken.set_result(done.result())
            self._idle.set()  # nothing more will be written, so nobody need wait

    @property
    def failing(self) -> bool:
        """An output cannot be written to."""
        return any(each.target.failing for each in self._all)

    @property
    def errors(self) -> int:
        """Attempts to write that failed."""
        return self._errors_before + sum(each.target.errors for each in self._all)

    def submit_received(self, received: Received, on_written: Told) -> None:
        """Write messages to all outputs that take them; then call `on_written`."""
        number = self._next
        self._next += 1
        self._waiting[number] = _Waiting(received, on_written)
        self._idle.clear()
        self._submit(number, received)

    def _submit(self, number: int, received: Received) -> None:
        era = self._era

        def written() -> None:
            if era != self._era:  # an output that was replaced; its successor has the messages
                return
            self._waiting.pop(number).told()
            if not self._waiting:
                self._idle.set()

        if len(self._all) == 1:
            self._all[0].submit(received, written)
            return
        chosen = self._choose(received)
        told = _after(len(chosen), written)
        for destination, part in chosen:
            destination.submit(part, told)

    def _choose(self, received: Received) -> list[tuple[Destination, Received]]:
        places = {
            each: each.selector.places(received) for each in self._all if not each.selector.rest
        }
        taken = set().union(*places.values())
        rest = [place for place in range(len(received.messages)) if place not in taken]
        return [(each, received.only(own)) for each in self._all if (own := places.get(each, rest))]

    async def flushed(self) -> None:
        """Wait until everything is written, or can never be."""
        await self._idle.wait()

    def reopen(self) -> None:
        """Go on in new files: the old ones were moved away."""
        for each in self._all:
            each.reopen()

    def start(self) -> None:
        """Start the programs."""
        for each in self._all:
            each.start()

    def replace(self, destinations: Sequence[Destination], timeout: float) -> None:
        """Write to other outputs from now on, and what is not written yet first.

        What an old output has written and not said may be written twice. Programs of old outputs
        get `timeout` seconds to end.

        Raises:
            ConfigurationError: a message could be taken by none; nothing has changed.
        """
        check_complete([each.selector for each in destinations])
        self._errors_before = self.errors
        self._era += 1
        for each in self._all:
            task = asyncio.ensure_future(each.stop(timeout))
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)
        self._all = list(destinations)
        self._watch()
        self.start()
        for number, waiting in list(self._waiting.items()):
            self._submit(number, waiting.received)

    async def stop(self, timeout: float) -> None:
        """Forget what is not written; end the programs, which get `timeout` seconds."""
        self._era += 1
        await asyncio.gather(*(each.stop(timeout) for each in self._all), *self._stopping)


def check_complete(selectors: Sequence[Selector]) -> None:
    """Check that each message is taken by an output: what is answered must be somewhere.

    Raises:
        ConfigurationError: one could be taken by none.
    """
    if not any(each.rest or each.everything for each in selectors):
        raise ConfigurationError(
            "an output must take what no other takes: one without a selector, or '[rest] OUTPUT'"
        )


def _after(count: int, told: Told) -> Told:
    """Return a function that calls `told` when it is called for the last of `count` times."""
    left = count

    def one_done() -> None:
        nonlocal left
        left -= 1
        if not left:
            told()

    return one_done
