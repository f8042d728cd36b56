"""The fault `upgrade`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from halfopen.faults._programs import EndpointFault
from halfopen.fields import Duration
from halfopen.verbs import RestartProgram, Verb


class Upgrade(EndpointFault):
    """A program is shut down and started again with other options: a roll-out.

    Its files are still there.  The named options replace those of the scenario, the others stay;
    they hold from then on, also when the program is stopped and started once more.

    Attributes:
        at: the endpoint that the program runs on.
        options: of its system, as next to `run`; an option that a scenario could not write there is
            refused.
        down_for: from its end to its start.
    """

    name = "upgrade"
    summary = "a program is shut down and started again with other options, on the same files"
    uses = (RestartProgram,)
    touches = ("processes",)

    options: Mapping[str, Any] = Field(min_length=1)
    down_for: Duration = 0.0

    def verbs(self) -> Sequence[Verb]:
        """One restart."""
        return (RestartProgram(self.at, orderly=True, down=self.down_for),)

    def new_options(self) -> tuple[str, Mapping[str, Any]] | None:
        """The named ones."""
        return self.at, self.options
