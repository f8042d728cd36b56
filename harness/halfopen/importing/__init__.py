"""A starting scenario from what a machine in trouble shows, and from rsyslog's configuration.

Each kind of input has a module that reads it into :mod:`.facts`; :mod:`.explain` ranks the
middlebox profiles that would explain them, :mod:`.draft` writes the scenario.
"""

from __future__ import annotations

from halfopen.importing.draft import Draft, draft
from halfopen.importing.facts import Facts
from halfopen.importing.inputs import READERS, RSYSLOG, read_inputs

__all__ = ["READERS", "RSYSLOG", "Draft", "Facts", "draft", "read_inputs"]
