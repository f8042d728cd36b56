"""What the faults share that make a middlebox keep packets from getting through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from halfopen.fields import Section
from halfopen.ports import FaultSpec
from halfopen.verbs import Block, Manner, Unblock


class BlockParams(Section):
    """Parameters of a fault that blocks packets.

    Attributes:
        at: the middlebox.
        towards: the host towards which packets are blocked; in both directions by default.
    """

    at: str
    towards: str | None = None


def block_fault(
    name: str,
    summary: str,
    params: type[BlockParams],
    *,
    manner: Callable[[Any], Manner],
    share: Callable[[Any], float] = lambda _: 1.0,
    only_new: bool = False,
    longer_than: Callable[[Any], int | None] = lambda _: None,
) -> FaultSpec:
    """A fault that is one block, healed by taking it away."""

    def verbs(given: Any) -> Sequence[Block]:
        return (
            Block(
                given.at,
                _name(name, given),
                given.towards,
                share(given),
                manner(given),
                only_new=only_new,
                longer_than=longer_than(given),
            ),
        )

    def heal(given: Any) -> Sequence[Unblock]:
        return (Unblock(given.at, _name(name, given)),)

    return FaultSpec(
        name=name,
        summary=summary,
        params=params,
        verbs=verbs,
        heal=heal,
        middleboxes=lambda given: (given.at,),
        endpoints=lambda given: () if given.towards is None else (given.towards,),
    )


def _name(fault: str, given: BlockParams) -> str:
    return f"{fault} towards {given.towards or 'both'}"
