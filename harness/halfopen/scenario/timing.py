"""How long something in a scenario may take, or must."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from halfopen.fields import DURATION_SCHEMA, Duration, Scaled, read_duration

LongerThanNothing = Annotated[Duration, Field(gt=0)]

AT_MOST_S = 300.0
"""Production seconds that a condition may take if a step says nothing else."""

AT_MOST_SCALED = Scaled(least=30.0)
"""What is waited for is done by programs, in real time: a deadline never shrinks below this."""

AtMost = Annotated[
    float,
    BeforeValidator(read_duration),
    Field(gt=0),
    AT_MOST_SCALED,
    WithJsonSchema(DURATION_SCHEMA),
]
"""Production seconds that a condition may take."""
