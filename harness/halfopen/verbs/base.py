"""What all verbs are, and how they travel into a sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Verb:
    """One thing that a lab is told to do; it is done when the lab's answer comes."""

    @property
    def takes(self) -> float:
        """Lab seconds that it takes by itself, beside the time to do it."""
        return 0.0


def verb_to_json(verb: Verb) -> dict[str, Any]:
    """`{"verb": name of its class, ...fields}`."""
    return {"verb": type(verb).__name__, **asdict(verb)}


def verb_from_json(data: Mapping[str, Any]) -> Verb:
    """The verb that :func:`verb_to_json` wrote.

    Raises:
        KeyError: if there is no such verb.
    """
    values = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in data.items()
        if key != "verb"
    }
    kinds = {kind.__name__: kind for kind in Verb.__subclasses__()}
    return kinds[data["verb"]](**values)
