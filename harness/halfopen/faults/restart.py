"""A program ends and is started again, as after an update of the machine, or a crash.

Its files are still there: what it had on disk it has again, what it had in memory it has not.
What a scenario writes to its standard input goes to the new one from then on.
"""

from __future__ import annotations

from typing import Literal

from halfopen.faults._program import ProgramParams, endpoint_fault
from halfopen.fields import Duration
from halfopen.verbs import RestartProgram


class RestartParams(ProgramParams):
    """Parameters of `restart`.

    Attributes:
        at: the endpoint that the program runs on.
        how: `orderly`: SIGTERM, and SIGKILL 5 s later if it still runs; `kill`: SIGKILL.
        down_for: from its end to its start.
    """

    how: Literal["orderly", "kill"] = "orderly"
    down_for: Duration = 0.0


FAULT = endpoint_fault(
    "restart",
    "a program ends, in order or at once, and is started again with the same files",
    RestartParams,
    verbs=lambda params: (RestartProgram(params.at, params.how == "orderly", params.down_for),),
)
