"""What all verbs are, and how they travel into a sandbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

_HOST_FIELDS = ("at", "host", "proxy", "router", "between")


@dataclass(frozen=True)
class Verb:
    """One thing that a lab is told to do; it is done when the lab's answer comes."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that it is done to, by name.

        A verb names them in `at` (a middlebox), `host` (an endpoint), `proxy`, `router` or
        `between` (two neighbours).
        """
        for field in _HOST_FIELDS:
            if (value := getattr(self, field, None)) is not None:
                return value if isinstance(value, tuple) else (str(value),)
        return ()

    @property
    def duration_s(self) -> float:
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
    kinds = {kind.__name__: kind for kind in all_verbs()}
    return kinds[data["verb"]](**values)


def all_verbs(base: type[Verb] = Verb) -> Iterator[type[Verb]]:
    """Every kind of verb that has been imported."""
    for kind in base.__subclasses__():
        yield kind
        yield from all_verbs(kind)
