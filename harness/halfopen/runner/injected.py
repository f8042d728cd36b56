"""A fault that was injected: what it does later, and how it is healed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from halfopen.ports import Fault
from halfopen.verbs import Verb

Apply = Callable[[Verb], Awaitable[list[str]]]


class Injected:
    """A fault of a run, from its injection on.

    Args:
        fault: that was injected.
        flows: that its verbs touched, as `client > server`.
        apply: does a verb.
        ended: called once, when it is healed.

    Attributes:
        fault: as given.
        flows: as given.
        open: False once it is healed, or if it was over at once.
    """

    def __init__(
        self,
        fault: Fault,
        flows: Sequence[str],
        apply: Apply,
        ended: Callable[[Injected], None],
    ) -> None:
        self.fault = fault
        self.flows = tuple(flows)
        self.open = bool(fault.heal() or fault.schedule())
        self._apply = apply
        self._ended = ended
        self._over = asyncio.Event()
        self._healing = asyncio.Lock()
        self._playing: asyncio.Task[None] | None = None

    def begin(self, spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]) -> None:
        """Begin what it does later."""
        if schedule := self.fault.schedule():
            self._playing = spawn(self._play(schedule))

    async def played(self) -> None:
        """Wait until it has done all that it does later, or was healed."""
        if self._playing is not None:
            await asyncio.wait([self._playing])

    async def heal(self) -> None:
        """End it, or wait until somebody else has; one that has ended stays as it is.

        Raises:
            LabError: if the lab breaks.
        """
        async with self._healing:
            if not self.open:
                return
            self._over.set()
            await self.played()  # what it is about to do is done before it is undone
            for verb in self.fault.heal():
                await self._apply(verb)
            self.open = False
            self._ended(self)

    @property
    def being_healed(self) -> bool:
        """True from the beginning of its healing to its end."""
        return self._healing.locked()

    def abandon(self) -> None:
        """Do nothing more: the run is over."""
        if self._playing is not None:
            self._playing.cancel()

    async def _play(self, schedule: Sequence[tuple[float, Verb]]) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for offset, verb in schedule:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(begun + offset):
                    await self._over.wait()
            if self._over.is_set():
                return
            await self._apply(verb)
