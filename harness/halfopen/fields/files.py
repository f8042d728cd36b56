"""Files of the user's that a scenario names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class RelativeFile:
    """Mark of a field that names a file relative to the scenario file; the loader looks for it."""


BesideScenario = Annotated[str, RelativeFile()]
"""A file of the user's, named relative to the scenario file."""
