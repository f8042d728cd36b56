"""How each verb is done; a module for each thing that verbs are done to.

To add one: write a module here that holds `ACTIONS`, a tuple of :class:`Action`.
"""

from __future__ import annotations

import sys
from functools import cache

from halfopen import registry
from halfopen.labs.agent.actions._action import Action
from halfopen.verbs import Verb


@cache
def all_actions() -> dict[type[Verb], Action]:
    """How to do each verb that this lab can do."""
    found = registry.instances(sys.modules[__name__], "ACTIONS", Action)
    return {action.verb: action for action in found}
