"""The fault `restart`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from halfopen.faults._programs import EndpointFault
from halfopen.fields import Duration
from halfopen.verbs import RestartProgram, Verb


class Restart(EndpointFault):
    """A program ends and is started again, as after an update of the machine, or a crash.

    Its files are still there: what it had on disk it has again, what it had in memory is gone.
    What a scenario writes to its standard input goes to the new one from then on.

    Attributes:
        at: the endpoint that the program runs on.
        how: `orderly`: SIGTERM, and SIGKILL 5 s later if it still runs; `kill`: SIGKILL.
        down_for: from its end to its start.
    """

    name = "restart"
    summary = "a program ends, orderly or at once, and is started again with the same files"
    uses = (RestartProgram,)
    touches = ("processes",)

    how: Literal["orderly", "kill"] = "orderly"
    down_for: Duration = 0.0

    def verbs(self) -> Sequence[Verb]:
        """One restart."""
        return (RestartProgram(self.at, self.how == "orderly", self.down_for),)
