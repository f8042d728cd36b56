"""A cable is pulled: the link between two neighbours is down at both ends.

Unlike a silent drop, both neighbours know at once: the interface is down, and packets for it are
refused by the host's own kernel.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from halfopen.fields import Section
from halfopen.ports import FaultSpec
from halfopen.verbs import SetLink


class CablePulledParams(Section):
    """Parameters of `cable pulled`.

    Attributes:
        between: two neighbours on the path.
    """

    between: tuple[str, str] = Field(min_length=2, max_length=2)

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.between[0] == self.between[1]:
            raise ValueError("a cable has two ends; name two neighbours on the path")
        return self


FAULT = FaultSpec(
    name="cable pulled",
    summary="the link between two neighbours is down at both ends",
    params=CablePulledParams,
    verbs=lambda params: (SetLink(params.between, up=False),),
    heal=lambda params: (SetLink(params.between, up=True),),
    neighbours=lambda params: (params.between,),
)
