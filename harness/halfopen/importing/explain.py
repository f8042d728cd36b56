"""The middlebox that would explain what was seen: profiles ranked by how well they fit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from halfopen.importing.facts import Facts, Late, SeenConnection, SourcedNumber
from halfopen.importing.sysctl import TRACKED
from halfopen.model.units import LONGEST
from halfopen.ports import Profile
from halfopen.sections import say_duration

GENERIC = "fortigate"
"""Taken if nothing was seen that tells: it is silent, and drops what it does not know."""

_KERNELS = "linux-conntrack"


@dataclass(frozen=True)
class MiddleboxEvidence:
    """What was seen of a middlebox.

    Attributes:
        survived: longest silence after which data was acknowledged.
        killed: shortest silence after which data was not.
        late: what became of that data.
        tracked: longest time that a flow table would still have known an established flow.
        timeout: idle timeout of a machine's connection tracking, from its settings.
        nat: of the flows of a table.
    """

    survived: SourcedNumber | None = None
    killed: SourcedNumber | None = None
    late: tuple[Late, str] | None = None
    tracked: SourcedNumber | None = None
    timeout: SourcedNumber | None = None
    nat: Literal["", "source", "destination"] = ""

    @property
    def window(self) -> tuple[float, float]:
        """Seconds between which the idle timeout is.

        A flow table that would wait for longer than the silence that killed is that of another
        machine than the one that forgot the flow.
        """
        most = self.killed.value if self.killed else math.inf
        least = [each.value for each in (self.survived, self.tracked) if each is not None]
        return max((each for each in least if each < most), default=0.0), most

    @property
    def of_the_kernel(self) -> SourcedNumber | None:
        """What tells that a Linux machine's connection tracking may be it."""
        _, most = self.window
        return next((e for e in (self.timeout, self.tracked) if e and e.value <= most), None)


def evidence(connections: Sequence[SeenConnection], facts: Facts) -> MiddleboxEvidence:
    """What the connections through the middlebox, and the machines' settings, tell of it."""
    late = [each.late for each in connections if each.late is not None]
    # A RST tells more than an answer that is missing.
    late.sort(key=lambda each: each[0] == "drop")
    survived = [each.survived for each in connections if each.survived]
    killed = [each.killed for each in connections if each.killed]
    tracked = [each.tracked for each in connections if each.tracked]
    found = MiddleboxEvidence(
        max(survived, key=_value, default=None),
        min(killed, key=_value, default=None),
        late[0] if late else None,
        max(tracked, key=_value, default=None),
        facts.settings.get(TRACKED),
    )
    if found.tracked is not None and found.of_the_kernel is None:
        return found  # the table of another machine, and so is its translation
    return replace(found, nat=next((each.nat for each in connections if each.nat), ""))


def _value(figure: SourcedNumber) -> float:
    return figure.value


@dataclass(frozen=True)
class Candidate:
    """A profile, and how well it fits.

    Attributes:
        profile: its name.
        title: the product.
        score: larger fits better.
        reasons: for it and against it.
        idle: seconds of its idle timeout; None for never.
        override: the idle timeout to write, if its own does not fit.
    """

    profile: str
    title: str
    score: float
    reasons: Sequence[str]
    idle: float | None
    override: float | None = None


def rank(seen: MiddleboxEvidence, profiles: Mapping[str, Profile]) -> list[Candidate]:
    """All profiles that a scenario can be played on, the best first; see :func:`_judged`."""
    found = [_judged(seen, name, profiles[name]) for name in profiles]
    return sorted((each for each in found if each), key=lambda c: (-c.score, c.profile))


def _judged(seen: MiddleboxEvidence, name: str, profile: Profile) -> Candidate | None:
    values: Any = profile.values
    if values.terminates_tcp:
        return None  # a proxy cannot be played
    kernel = seen.of_the_kernel if name == _KERNELS else None
    own, override, reasons = values.idle_timeout, None, []
    limits = profile.ranges.get("idle timeout", _ANY)
    score, why = _timeout(seen, own, limits)
    reasons += why
    if score in (_CAN_BE_SET, _MAY_BE_SET) or (
        kernel and kernel is seen.timeout and kernel.value != own
    ):
        override = _chosen(seen, limits, kernel)
    if kernel:
        score += 3 - min(score, 0)
        reasons.append(f"a Linux machine's connection tracking was seen ({kernel.where})")
    if seen.late:
        fits, why = _late(seen.late, values)
        score += fits
        reasons += why
    if seen.nat:
        score += 1 if values.nat == seen.nat else -1
        reasons.append(f"address translation: {values.nat} (seen: {seen.nat})")
    if profile.sources.get("idle timeout", {}).get("confidence") == "unverified":
        score -= 0.5
        reasons.append("its idle timeout is unverified")
    if name == GENERIC:
        score += 0.01  # of two that fit as well
    return Candidate(name, profile.title, score, reasons, own, override)


_ANY = (1.0, LONGEST)  # a product whose range is not known
_CAN_BE_SET = -1.0
_MAY_BE_SET = -1.5
_CANNOT_BE_SET = -3.0


def _timeout(
    seen: MiddleboxEvidence, own: float | None, limits: tuple[float, float]
) -> tuple[float, list[str]]:
    least, most = seen.window
    timeout = math.inf if own is None else own
    said = "never forgets an idle flow"
    if own is not None:
        said = f"forgets an idle flow after {say_duration(own)}"
    if math.isinf(most) and not least:
        return 0, [said]
    bounds = _bounds(seen)
    if least <= timeout <= most and not (math.isinf(timeout) and math.isinf(most)):
        # A shorter one would have been noticed before: the nearer to the silence that killed, the
        # better.
        near = 0.0 if math.isinf(most) else min(math.log10(most / timeout), 1.0)
        return (3 if not math.isinf(most) else 1) - near, [f"{said}, which fits ({bounds})"]
    if max(limits[0], least) <= min(limits[1], most):
        if limits is _ANY:
            return _MAY_BE_SET, [f"{said}; whether it can be set is not known ({bounds})"]
        return _CAN_BE_SET, [f"{said}, but can be set to what was seen ({bounds})"]
    return _CANNOT_BE_SET, [f"{said}, which does not fit ({bounds})"]


def _bounds(seen: MiddleboxEvidence) -> str:
    least, most = seen.window
    parts = []
    if least:
        parts.append(f"at least {say_duration(least)}")
    if not math.isinf(most):
        parts.append(f"at most {say_duration(most)}")
    return ", ".join(parts)


def _chosen(
    seen: MiddleboxEvidence, limits: tuple[float, float], kernel: SourcedNumber | None
) -> float:
    """A timeout that fits, in whole seconds, within what the product takes."""
    least, most = seen.window
    if kernel is not None and kernel is seen.timeout:
        return min(max(kernel.value, limits[0]), limits[1])
    chosen = least * 1.25 if math.isinf(most) else max(most * 0.8, (least + most) / 2)
    return float(math.floor(min(max(chosen, limits[0]), limits[1])))


WHAT_CAME: Mapping[Late, str] = {
    "drop": "late data got no answer",
    "rst": "a RST answered late data",
    "rst at expiry": "a RST came before any data",
}
"""What became of late data, in words."""

_FITTING: Mapping[Late, Mapping[str, float]] = {
    "drop": {"drop": 2},
    "rst": {"rst sender": 2, "rst inside sender": 1.5},
}
"""What became of late data -> how well each `late packet` fits."""


def _late(seen: tuple[Late, str], values: Any) -> tuple[float, list[str]]:
    late, where = seen
    if late == "rst at expiry":
        fits = 2.0 if values.on_expiry == "rst both" else -2.0
        said = f"when it forgets a flow: {values.on_expiry}"
    else:
        fits = _FITTING[late].get(values.late_packet, -2.0)
        if values.on_expiry != "silent":
            fits = -2.0
        said = f"late packets: {values.late_packet}"
    return fits, [f"{said} ({WHAT_CAME[late]}, {where})"]
