"""The second pass of the reader: every name is held against the hosts of its variant."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from halfopen.ports import Vocabulary
from halfopen.scenario.aftermath import check_aftermath
from halfopen.scenario.branches import check_branches
from halfopen.scenario.context import Context
from halfopen.scenario.expect import resolve_expectations
from halfopen.scenario.groups import groups_of, without_groups
from halfopen.scenario.messages import check_messages
from halfopen.scenario.model import Variant
from halfopen.scenario.named_steps import check_named_steps
from halfopen.scenario.names import Names
from halfopen.scenario.paths import check_paths, check_return_path
from halfopen.scenario.pools import check_pools
from halfopen.scenario.proxies import check_proxies
from halfopen.scenario.raw import RawVariant
from halfopen.scenario.reproduces import resolve_reproduces
from halfopen.scenario.steps import resolve_steps
from halfopen.sections import Problems


def resolve(
    name: str, raw: RawVariant, vocabulary: Vocabulary, problems: Problems
) -> Variant | None:
    """The variant called `name`; None if anything is wrong with the file.

    Args:
        name: of the variant.
        raw: what it says, with what the scenario says.
        vocabulary: what a scenario may name.
        problems: takes what is wrong; one problem anywhere, then no scenario comes of the file.
    """
    for key in ("hosts", "path", "steps", "expect"):
        if not raw.written & ({"path", "paths"} if key == "path" else {key}):
            problems.add(raw.line, f"{key!r} is missing", f"add `{key}:`")
    if raw.hosts is None:
        return None
    for host in raw.hosts.values():
        problems.extend(host.absent)
    groups = groups_of(raw)
    raw = without_groups(raw)
    assert raw.hosts is not None, "as before"
    context = Context(vocabulary, _names(raw, groups), problems)
    if raw.paths is not None:
        check_paths(raw.paths, raw.return_path, raw.hosts, problems)
        check_branches(raw.paths, raw.return_path, raw.hosts, context)
    if raw.return_path is not None and (raw.paths is None or len(raw.paths) == 1):
        check_return_path(raw.return_path, context)
    alike = {name for members in groups.values() for name in members[1:]}
    for each in context.names.hosts.values():
        if each.name not in alike:
            node = raw.hosts[each.name].node
            context.check_references(each.settings, node, f"host {each.name}")
    steps = () if raw.steps is None else resolve_steps(raw.steps, context)
    expect = resolve_expectations(raw.expect or (), context)
    expect = resolve_reproduces(raw.reproduces, expect, problems)
    check_proxies(raw.hosts, steps, expect, context)
    check_pools(steps, context)
    if raw.steps is not None and raw.steps.whole:
        check_aftermath(steps, expect, problems)
        check_messages(name, steps, expect, problems)
        check_named_steps(steps, expect, problems)
    if len(problems):
        return None
    names = context.names
    return Variant(
        name,
        raw.about,
        raw.scale or 1.0,
        tuple(
            names.hosts[host]
            for host in dict.fromkeys(itertools.chain(*names.paths, names.returns))
        ),
        names.path,
        steps,
        expect,
        raw.line,
        raw.family or "ipv4",
        names.returns,
        raw.control,
        names.paths[1:],
    )


def _names(raw: RawVariant, groups: Mapping[str, tuple[str, ...]]) -> Names:
    hosts = raw.hosts or {}
    return Names(
        {name: each.role for name, each in hosts.items()},
        {name: each.host for name, each in hosts.items() if each.host is not None},
        tuple(path.names for path in raw.paths or ()),
        () if raw.return_path is None else raw.return_path.names,
        groups,
    )
