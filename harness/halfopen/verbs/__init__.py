"""The closed set of things that a lab can be told to do to a running scenario.

A fault is compiled to these; a lab says which it can (`LabSpec.verbs`).  A scenario that needs one
that the lab cannot do gets the verdict *unsupported*.  A module for each thing that they are done
to; every verb is a frozen dataclass of plain values, so that it can be written as JSON.
"""

from __future__ import annotations

from halfopen.verbs.base import Verb, verb_from_json, verb_to_json
from halfopen.verbs.clocks import StepClock
from halfopen.verbs.disks import FillDisk, SetDiskReadOnly, SlowDisk, TruncateFile
from halfopen.verbs.links import CutLink, SetLink, SetRoute
from halfopen.verbs.middlebox import (
    DrainServer,
    EndPacketFault,
    ForgetFlows,
    Rebind,
    SetIdleTimeout,
)
from halfopen.verbs.names import Answer, SetDnsBehaviour
from halfopen.verbs.power import LosePower, RestorePower
from halfopen.verbs.programs import (
    Behaviour,
    DrainBacklog,
    FillBacklog,
    LimitFds,
    LimitMemory,
    ReplaceProgram,
    RestartProgram,
    RestoreProgram,
    SignalProgram,
)
from halfopen.verbs.toxics import EnableProxy, RemoveToxic, SetToxic

__all__ = [
    "Answer",
    "Behaviour",
    "CutLink",
    "DrainBacklog",
    "DrainServer",
    "EnableProxy",
    "EndPacketFault",
    "FillBacklog",
    "FillDisk",
    "ForgetFlows",
    "LimitFds",
    "LimitMemory",
    "LosePower",
    "Rebind",
    "RemoveToxic",
    "ReplaceProgram",
    "RestartProgram",
    "RestorePower",
    "RestoreProgram",
    "SetDiskReadOnly",
    "SetDnsBehaviour",
    "SetIdleTimeout",
    "SetLink",
    "SetRoute",
    "SetToxic",
    "SignalProgram",
    "SlowDisk",
    "StepClock",
    "TruncateFile",
    "Verb",
    "verb_from_json",
    "verb_to_json",
]
