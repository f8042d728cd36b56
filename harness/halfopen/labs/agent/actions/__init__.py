"""How each verb is done; a module for each thing that verbs are done to.

To add one: write a module here that holds `ACTIONS`, a tuple of :class:`Action`.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from halfopen.labs.agent.actions._action import Action
from halfopen.verbs import Verb


@cache
def all_actions() -> dict[type[Verb], Action]:
    """How to do each verb that this lab can do."""
    found: dict[type[Verb], Action] = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            for action in importlib.import_module(f"{__name__}.{module.name}").ACTIONS:
                found[action.verb] = action
    return found
