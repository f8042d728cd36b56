"""Types of the fixtures."""

from collections.abc import Callable

from halfopen.model.plan import Plan
from halfopen.scenario import Scenario

Load = Callable[[str], Scenario]
Complain = Callable[[str | bytes], list[str]]
Refusal = Callable[[str, float], list[str]]
PlanOf = Callable[..., Plan]
