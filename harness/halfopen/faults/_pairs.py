"""What the faults share that are about the link between two neighbours."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from halfopen.fields import Section


class PairParams(Section):
    """Parameters of a fault of a link.

    Attributes:
        between: two neighbours.
    """

    between: tuple[str, str] = Field(min_length=2, max_length=2)

    @model_validator(mode="after")
    def _two(self) -> Self:
        if self.between[0] == self.between[1]:
            raise ValueError("a link has two ends; name two neighbours on the path")
        return self
