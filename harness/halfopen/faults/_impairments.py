"""What the faults share that make a path worse than it should be."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from halfopen.fields import Endpoint, MiddleboxHost
from halfopen.packet_faults.impair import Impair
from halfopen.ports import Fault
from halfopen.verbs import EndPacketFault, Verb


class ImpairFault(Fault):
    """A fault that is one impairment, healed by removing it.

    Attributes:
        at: the middlebox.
        towards: the host towards which packets are impaired; in both directions by default.
        of: the host whose flows (those that it opened) are impaired; all by default.
    """

    uses: ClassVar[tuple[type[Verb], ...]] = (Impair, EndPacketFault)
    touches = ("packets",)

    at: MiddleboxHost
    towards: Endpoint | None = None
    of: Endpoint | None = None

    @abstractmethod
    def impairment(self) -> Mapping[str, Any]:
        """Fields of the verb :class:`halfopen.packet_faults.impair.Impair`."""
        raise NotImplementedError

    def verbs(self) -> Sequence[Verb]:
        """One impairment."""
        name = self._impairment_name()
        return (Impair(self.at, name, self.towards, self.of, **self.impairment()),)

    def heal(self) -> Sequence[Verb]:
        """Its end."""
        return (EndPacketFault(self.at, self._impairment_name()),)

    def _impairment_name(self) -> str:
        return f"{self.name} towards {self.towards or 'both'} of {self.of or 'all'}"
