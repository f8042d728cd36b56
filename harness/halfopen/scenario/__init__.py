"""Scenario files: read, checked, merged into variants, and turned into plans."""

from __future__ import annotations

from halfopen.scenario.loader import load_scenario
from halfopen.scenario.model import Expectation, Host, Scenario, Step, Variant
from halfopen.scenario.plan import make_plans
from halfopen.scenario.template import new_scenario

__all__ = [
    "Expectation",
    "Host",
    "Scenario",
    "Step",
    "Variant",
    "load_scenario",
    "make_plans",
    "new_scenario",
]
