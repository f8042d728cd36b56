"""A mapping in a scenario file, and what a field of one may say of itself."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Scaled:
    """Mark of a field that the time scale divides.

    Attributes:
        whole: the result is rounded to whole seconds, one at least.
        least: lab seconds below which it is never scaled, because what it waits for (a program's
            answer on a busy machine) takes real time that no scale divides.
    """

    whole: bool = False
    least: float = 0.0


@dataclass(frozen=True)
class Unscaled:
    """Mark of a field in real time, or per second of it, which the time scale leaves as it is."""


class Section(BaseModel):
    """A mapping in a scenario file: unknown keys are errors, keys are written with spaces."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=lambda name: name.replace("_", " "),
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=False,
        strict=False,
    )

    def takes_fractions(self) -> bool:
        """Whether its :data:`WholeSeconds` may be scaled to fractions of a second."""
        return False


class WrittenFloat(float):
    """A number with a fraction in a YAML file: unlike a float of the Python API, not seconds."""


class WrittenInt(int):
    """A whole number in a YAML file: unlike an int of the Python API, not bytes."""


def marks(field: FieldInfo) -> Iterator[Any]:
    """What the type of a field says beside its shape, wherever in the type it says it."""
    yield from field.metadata
    yield from _marks(field.annotation)


def _marks(annotation: Any) -> Iterator[Any]:
    """What `Annotated` says anywhere in a type, as in `Duration | None` or `list[Duration]`."""
    yield from getattr(annotation, "__metadata__", ())
    for argument in typing.get_args(annotation):
        yield from _marks(argument)
