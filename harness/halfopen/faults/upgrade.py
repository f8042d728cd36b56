"""A program ends in order, and is started again with other options: a roll-out.

Its files are still there.  The options that are named replace those of the scenario, the others
stay; so it is from then on, also when the program is stopped and started once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from halfopen.faults._program import ProgramParams
from halfopen.fields import Duration
from halfopen.ports import FaultSpec
from halfopen.verbs import RestartProgram


class UpgradeParams(ProgramParams):
    """Parameters of `upgrade`.

    Attributes:
        at: the endpoint that the program runs on.
        options: of its system, as beside `run`; what a scenario could not write there is refused.
        down_for: from its end to its start.
    """

    options: Mapping[str, Any] = Field(min_length=1)
    down_for: Duration = 0.0


FAULT = FaultSpec(
    name="upgrade",
    summary="a program ends in order and is started again with other options, on the same files",
    params=UpgradeParams,
    verbs=lambda params: (RestartProgram(params.at, orderly=True, down=params.down_for),),
    endpoints=lambda params: (params.at,),
    options=lambda params: (params.at, params.options),
)
