"""A fault that was injected: what it does later, and how it is healed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from halfopen.ports import Fault
from halfopen.runner.effects import AskLab, Effect
from halfopen.verbs import Verb


class Injected:
    """A fault of a run, from its injection on.

    Args:
        fault: that was injected.
        flows: that its verbs touched, as `client > server`.
        effect: does its verbs, and counts what they touch.
        apply: carries out a verb that ends it; what that touches does not count as an effect.
        look: looks what all faults have touched, before a verb that may end what one counts.
        ended: called once, when it is healed.
        tell_effect: records what it has touched.

    Attributes:
        fault: as given.
        effect: as given.
        flows: as given.
        open: False once it is healed, or if it was over at once.
    """

    def __init__(
        self,
        fault: Fault,
        flows: Sequence[str],
        effect: Effect,
        apply: AskLab,
        look: Callable[[], Awaitable[None]],
        ended: Callable[[Injected], None],
        tell_effect: Callable[[], None],
    ) -> None:
        self.fault = fault
        self.flows = tuple(flows)
        self.open = bool(fault.heal() or fault.schedule())
        self.effect = effect
        self._apply = apply
        self._look = look
        self._ended = ended
        self._tell_effect = tell_effect
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
            await self._look()
            for verb in self.fault.heal():
                await self._apply(verb)
            self.open = False
            self._ended(self)

    @property
    def being_healed(self) -> bool:
        """True from the beginning of its healing to its end."""
        return self._healing.locked()

    async def tell(self) -> None:
        """Record what it has touched, of one that stays."""
        await self.effect.look()
        self._tell_effect()

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
            await self._look()
            await self.effect.apply(verb)
