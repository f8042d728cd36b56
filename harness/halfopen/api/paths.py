"""What a path is made of: hosts, middleboxes, and the verbs that they are prepared for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from halfopen.api.arguments import unknown
from halfopen.api.handles import Middlebox
from halfopen.errors import UnsupportedError, UsageError
from halfopen.model.plan import PlannedHost
from halfopen.ports import LabSpec, Vocabulary
from halfopen.verbs import Verb


def names_of(hosts: Sequence[str | Middlebox]) -> tuple[str, ...]:
    """The names of hosts."""
    return tuple(each.name if isinstance(each, Middlebox) else each for each in hosts)


def planned_hosts(
    hosts: Sequence[str | Middlebox], sysctls: Mapping[str, Mapping[str, str]], last: Sequence[str]
) -> list[PlannedHost]:
    """Each host once, in the order in which they are named.

    Args:
        hosts: of the path and of the way back.
        sysctls: `net.*` settings by host.
        last: the host at the end of the path; none if the path has no host.

    Raises:
        UsageError: if there is a setting for a host that is not among them, or a pool of
            others than the last host, which is all that a single path leads to.
    """
    boxes = {each.name: each for each in hosts if isinstance(each, Middlebox)}
    names = tuple(dict.fromkeys(names_of(hosts)))
    if strangers := sorted(sysctls.keys() - set(names)):
        raise unknown("host", strangers[0], names)
    for box in boxes.values():
        if (pool := box.values.get("pool")) is not None and list(pool) != list(last):
            raise UsageError(
                f"the pool of {box.name} is {list(pool)}, but the path ends at {last[0]}"
            )
    return [
        PlannedHost(
            name,
            None,
            boxes[name].values if name in boxes else {},
            sysctls.get(name, {}),
            profile=boxes[name].profile if name in boxes else None,
        )
        for name in names
    ]


def verbs_of(vocabulary: Vocabulary, lab: LabSpec, faults: Sequence[str]) -> list[type[Verb]]:
    """The verbs that hosts must be prepared for, so that faults can be injected.

    Raises:
        UsageError: if there is no such fault.
        UnsupportedError: if the lab, or this machine, cannot do one.
    """
    found: dict[type[Verb], None] = {}
    for name in faults:
        if name not in vocabulary.faults:
            raise unknown("fault", name, vocabulary.faults)
        for verb in vocabulary.faults[name].uses:
            if verb not in lab.verbs:
                raise UnsupportedError(f"the lab {lab.name} does not support the fault {name!r}")
            if lacking := lab.lacks(verb):
                raise UnsupportedError(
                    f"the fault {name!r} is not supported here: {'; '.join(lacking)}"
                )
            found[verb] = None
    return list(found)
