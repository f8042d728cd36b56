"""Types of the fixtures, and the lab that plans are made for."""

from collections.abc import Callable

from halfopen.labs import all_labs
from halfopen.model.plan import Plan
from halfopen.scenario import Scenario

Load = Callable[[str], Scenario]
Complain = Callable[[str | bytes], list[str]]
Refusal = Callable[[str, float], list[str]]
PlanOf = Callable[..., Plan]

NETNS = all_labs()["netns"]
