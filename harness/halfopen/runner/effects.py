"""What a fault has touched, from its beginning to its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable

from halfopen.model.effects import Touched
from halfopen.ports import Fault
from halfopen.verbs import Verb

AskLab = Callable[[Verb], Awaitable[Touched]]


class Effect:
    """Does the verbs of a fault, and keeps count of what they touch.

    Args:
        fault: whose verbs they are; only its own units are counted.
        apply: does a verb, and says what it touched at once.
        touched: says what a verb that goes on has touched so far, and nothing once it is over.
    """

    def __init__(self, fault: Fault, apply: AskLab, touched: AskLab) -> None:
        self._units = fault.touches
        self._apply = apply
        self._ask = touched
        self._at_once = Counter[str]()
        self._going_on: list[tuple[Verb, Counter[str]]] = []

    async def apply(self, verb: Verb) -> Touched:
        """Do a verb of it; the caller looks first, since a verb may end what others count."""
        touched = await self._apply(verb)
        self._at_once.update(touched.counts)
        if touched.goes_on:
            self._going_on.append((verb, Counter()))
        return touched

    async def look(self) -> None:
        """Ask what goes on what it has touched so far."""
        for verb, seen in self._going_on:
            seen |= Counter((await self._ask(verb)).counts)

    @property
    def touched(self) -> dict[str, int]:
        """Unit -> how many, as of the last look."""
        total = sum((seen for _, seen in self._going_on), self._at_once)
        return {unit: total[unit] for unit in self._units}
