"""What a fault is."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from halfopen.fields import Section, host_references
from halfopen.verbs import Verb


class Fault(Section):
    """A fault with its parameters, compiled to verbs, so that it knows no lab.

    A subclass has its parameters as fields, and its page's text and the meaning of each parameter
    (under `Attributes:`) in its docstring.  Which hosts it is about follows from the types of its
    fields (:mod:`halfopen.fields.hosts`).

    Attributes:
        name: as a scenario's `fault` step names it.
        summary: one line.
        uses: every kind of verb that it can come to, whatever its parameters.
        touches: in what units its effect is counted (:mod:`halfopen.model.effects`); one that has
            touched none of them has done nothing.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    uses: ClassVar[tuple[type[Verb], ...]]
    touches: ClassVar[tuple[str, ...]]

    @abstractmethod
    def verbs(self) -> Sequence[Verb]:
        """The verbs that begin it."""
        raise NotImplementedError

    def heal(self) -> Sequence[Verb]:
        """The verbs that end it; none for what is over at once."""
        return ()

    def schedule(self) -> Sequence[tuple[float, Verb]]:
        """More verbs for later, each with the seconds after the beginning, in their order.

        It is healed after the last of them, unless a scenario says how it ends.
        """
        return ()

    def new_options(self) -> tuple[str, Mapping[str, Any]] | None:
        """A host, and options of its system that it has from then on, as a scenario writes them.

        The program that a `RestartProgram` starts has them.
        """
        return None

    @classmethod
    def heals(cls) -> bool:
        """Whether there is something to heal, at least with some parameters."""
        return cls.heal is not Fault.heal

    @classmethod
    def about(cls) -> str:
        """The text of its page: its docstring, without the attributes."""
        return inspect.cleandoc(cls.__doc__ or "").partition("\n\nAttributes:")[0]

    def every_verb(self) -> tuple[Verb, ...]:
        """What it comes to, its healing included."""
        return (*self.verbs(), *(verb for _, verb in self.schedule()), *self.heal())

    def hosts(self) -> tuple[str, ...]:
        """All host names in the parameters, in their order, each once."""
        return tuple(dict.fromkeys(name for found in host_references(self) for name in found.names))
