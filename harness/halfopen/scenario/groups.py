"""Groups: hosts of one description (`count: 20`), each with its own address and programs.

The members of the group `nodes` are the hosts `nodes.1`, `nodes.2` and so on.  A group on a path
puts each member on it; a step from it, a fault or a check at it, is one of each member.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace

from halfopen.fields import HostRef, Section, marks
from halfopen.scenario.middleboxes import MiddleboxOptions
from halfopen.scenario.model import Host
from halfopen.scenario.raw import (
    Named,
    RawExpectation,
    RawFault,
    RawHost,
    RawPath,
    RawStep,
    RawSteps,
    RawVariant,
)
from halfopen.scenario.step_keys import SendStep, StartStep, StopStep, WaitUntilStep


def groups_of(raw: RawVariant) -> dict[str, tuple[str, ...]]:
    """The members of each group."""
    return {
        name: tuple(f"{name}.{number}" for number in range(1, host.count + 1))
        for name, host in (raw.hosts or {}).items()
        if host.count
    }


def without_groups(raw: RawVariant) -> RawVariant:
    """The variant with the members of each group in its place, where that has a meaning.

    Where a group is named otherwise it stays, and is an unknown host.
    """
    groups = groups_of(raw)
    if not groups or raw.hosts is None:
        return raw
    hosts: dict[str, RawHost] = {}
    for name, host in raw.hosts.items():
        for member in groups.get(name, (name,)):
            described = None if host.host is None else _described(host.host, member, groups)
            hosts[member] = replace(host, host=described, count=0)
    steps = raw.steps
    if steps is not None:
        each = itertools.chain.from_iterable(_steps(step, groups) for step in steps.steps)
        steps = RawSteps(tuple(each), steps.whole)
    return replace(
        raw,
        hosts=hosts,
        paths=None if raw.paths is None else tuple(_paths(raw.paths, groups)),
        steps=steps,
        expect=None if raw.expect is None else tuple(_expectations(raw.expect, groups)),
    )


def _described(host: Host, name: str, groups: Mapping[str, tuple[str, ...]]) -> Host:
    """A host under its own name; the members of a group in a pool are its servers."""
    settings = host.settings
    if isinstance(settings, MiddleboxOptions) and settings.pool is not None:
        servers = itertools.chain.from_iterable(groups.get(s, (s,)) for s in settings.pool)
        settings = settings.model_copy(update={"pool": tuple(dict.fromkeys(servers))})
    return replace(host, name=name, settings=settings)


def _paths(paths: tuple[RawPath, ...], groups: Mapping[str, tuple[str, ...]]) -> Iterator[RawPath]:
    for path in paths:
        choices = [
            [Named(member, each.line) for member in groups.get(each.name, (each.name,))]
            for each in path.hosts
        ]
        for hosts in itertools.product(*choices):
            yield RawPath(hosts, path.line)


def _steps(
    step: RawStep | RawFault, groups: Mapping[str, tuple[str, ...]]
) -> Iterator[RawStep | RawFault]:
    match step:
        case RawStep(section=SendStep(from_=str(group)) as send) if group in groups:
            *others, last = groups[group]
            for member in others:  # all at a time
                told = {"from_": member, "background": True}
                yield replace(step, section=send.model_copy(update=told))
            yield replace(step, section=send.model_copy(update={"from_": last}))
        case RawStep(section=StopStep(stop=group) as stop) if group in groups:
            for member in groups[group]:
                yield replace(step, section=stop.model_copy(update={"stop": member}))
        case RawStep(section=StartStep(start=group) as start) if group in groups:
            for member in groups[group]:
                yield replace(step, section=start.model_copy(update={"start": member}))
        case RawStep(section=WaitUntilStep(wait_until=until) as wait) if (
            until.host is not None and until.host in groups
        ):
            for member in groups[until.host]:  # one after the other: until all of them have met it
                told = {"wait_until": replace(until, host=member)}
                yield replace(step, section=wait.model_copy(update=told))
        case RawFault():
            yield from _faults(step, groups)
        case _:
            yield step


def _faults(raw: RawFault, groups: Mapping[str, tuple[str, ...]]) -> Iterator[RawFault]:
    """One for each member of each group that the fault names."""
    choices: dict[str, list[object]] = {}
    for field in type(raw.fault).model_fields:
        named = getattr(raw.fault, field)
        if not _names_a_host(raw.fault, field):
            continue
        if isinstance(named, str) and named in groups:
            choices[field] = list(groups[named])
        elif isinstance(named, tuple) and any(each in groups for each in named):
            members = [groups.get(each, (each,)) for each in named]
            choices[field] = list(itertools.product(*members))
    for chosen in itertools.product(*choices.values()):
        told = dict(zip(choices, chosen, strict=True))
        yield replace(raw, fault=raw.fault.model_copy(update=told)) if told else raw


def _expectations(
    expect: tuple[RawExpectation, ...], groups: Mapping[str, tuple[str, ...]]
) -> Iterator[RawExpectation]:
    for each in expect:
        at = getattr(each.params, "at", None)
        if isinstance(at, str) and at in groups and _names_a_host(each.params, "at"):
            for member in groups[at]:
                yield replace(each, params=each.params.model_copy(update={"at": member}))
        elif isinstance(over := getattr(each.params, "sum_over", None), tuple):
            members = itertools.chain.from_iterable(groups.get(name, (name,)) for name in over)
            told = {"sum_over": tuple(dict.fromkeys(members))}
            yield replace(each, params=each.params.model_copy(update=told))
        else:
            yield each


def _names_a_host(params: Section, field: str) -> bool:
    info = type(params).model_fields[field]
    return any(isinstance(mark, HostRef) for mark in marks(info))
