"""The middleboxes that advice is asked about: a profile, or just a number of seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from halfopen.errors import UsageError
from halfopen.model.units import LONGEST, parse_duration
from halfopen.ports import Profile
from halfopen.profiles import MiddleboxValues, load_profile
from halfopen.sections import say_duration, suggest

_FORMS = (
    "use a profile (see `halfopen profiles`), seconds (350), a duration (6 min) or fortigate=1800"
)


@dataclass(frozen=True)
class Hop:
    """What counts of one middlebox.

    Attributes:
        name: as it was asked for, or the profile's.
        title: the product; empty if only a number was given.
        values: the profile's, or assumed ones with the idle timeout that was given.
        source: where the idle timeout comes from.
        confidence: how sure that is; `given` for the asker's own figure.
        limits: seconds that the product lets the idle timeout be set to; None if not known.
    """

    name: str
    title: str
    values: MiddleboxValues
    source: str
    confidence: str
    limits: tuple[float, float] | None = None

    @property
    def idle(self) -> float | None:
        """Seconds of silence after which it forgets a flow, None for never."""
        return self.values.idle_timeout


def read_hop(text: str, profiles: Mapping[str, Profile]) -> Hop:
    """The middlebox that `text` names: `fortigate`, `350`, `6 min`, `fortigate=1800`, a file.

    Raises:
        UsageError: with what would be right.
        InputError: if the file of a profile is wrong.
    """
    name, equals, own = text.strip().partition("=")
    seconds = _seconds(own or name)
    if equals and seconds is None:
        raise UsageError(f"--firewall {text!r}: {own!r} is not a duration; {_FORMS}")
    if not equals and seconds is not None:
        return Hop(
            f"firewall {seconds:g} s",
            "",
            MiddleboxValues(idle_timeout=_checked(seconds, text)),
            "as asked for",
            "given",
        )
    profile = _profile(name, profiles)
    values = profile.values
    assert isinstance(values, MiddleboxValues)
    source = profile.sources["idle timeout"]
    limits = profile.ranges.get("idle timeout")
    if seconds is None:
        if values.idle_timeout is None and values.terminates_tcp:
            raise UsageError(
                f"--firewall {name}: {source['source']}; give your own timeout, for example "
                f"{name}=50"
            )
        return Hop(
            profile.name, profile.title, values, source["source"], source["confidence"], limits
        )
    if limits and not limits[0] <= seconds <= limits[1]:
        least, most = (say_duration(each) for each in limits)
        what = f"it is fixed at {least}" if limits[0] == limits[1] else f"use {least} to {most}"
        raise UsageError(
            f"--firewall {text!r}: {profile.title} cannot be set to {say_duration(seconds)}; {what}"
        )
    own_values = values.model_copy(update={"idle_timeout": _checked(seconds, text)})
    return Hop(profile.name, profile.title, own_values, "as asked for", "given", limits)


def _profile(name: str, profiles: Mapping[str, Profile]) -> Profile:
    if "/" in name or name.endswith((".yaml", ".yml")):
        return load_profile(Path(name))
    if name not in profiles:
        remedy = suggest(name, profiles)
        remedy = remedy if remedy.endswith("?") else _FORMS
        raise UsageError(f"--firewall: unknown profile {name!r}; {remedy}")
    return profiles[name]


def _seconds(text: str) -> float | None:
    """Seconds in `350`, `350.5`, `6 min`; None if it is neither."""
    try:
        return float(text) if text.replace(".", "", 1).isdecimal() else parse_duration(text)
    except ValueError:
        return None


def _checked(seconds: float, text: str) -> float:
    if not 1 <= seconds <= LONGEST:
        raise UsageError(
            f"--firewall {text!r}: the idle timeout is not within 1 s to 10 years; {_FORMS}"
        )
    return seconds
