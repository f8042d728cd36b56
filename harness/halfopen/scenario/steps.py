"""Reads the steps of a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, assert_never

from pydantic import Field

from halfopen.fields import Bytes, Messages, PositiveDuration, Section
from halfopen.model.messages import DEFAULT, MessageShape
from halfopen.ports import Vocabulary
from halfopen.scenario.conditions import AT_MOST_S, FIGURES, AtMost, Condition, ConditionField
from halfopen.scenario.fault_steps import read_fault, read_heal
from halfopen.scenario.model import (
    Heal,
    Inject,
    Send,
    Start,
    Step,
    Stop,
    Wait,
    WaitUntil,
)
from halfopen.scenario.names import Names
from halfopen.sections import (
    Problems,
    quote,
    say_duration,
    suggest,
    validate,
)
from halfopen.yamlfile import Node


class SendStep(Section):
    """`- send: 20 messages`."""

    send: Messages
    every: PositiveDuration | None = None
    from_: str | None = Field(default=None, alias="from")
    background: bool = False
    severity: int = Field(default=DEFAULT.severity, ge=0, le=7)
    size: Annotated[Bytes, Field(ge=100, le=8000)] = DEFAULT.size


class WaitStep(Section):
    """`- wait: 75 min`."""

    wait: PositiveDuration


class WaitUntilStep(Section):
    """`- wait until: 20 delivered`."""

    wait_until: ConditionField
    at_most: AtMost = AT_MOST_S


class StopStep(Section):
    """`- stop: sender`: ends the program on a host in an orderly way."""

    stop: str


class StartStep(Section):
    """`- start: sender`: starts it again."""

    start: str


STEPS: dict[str, type[Section]] = {
    "send": SendStep,
    "wait": WaitStep,
    "wait until": WaitUntilStep,
    "stop": StopStep,
    "start": StartStep,
}
KINDS = (*STEPS, "fault", "heal")


def read_steps(
    node: Node, vocabulary: Vocabulary, known: Names | None, problems: Problems
) -> tuple[Step, ...]:
    """The steps in the list `node`.

    Args:
        node: the value of `steps`.
        vocabulary: knows the faults.
        known: the hosts; None if they are not settled yet, then no name is held against them.
        problems: takes what is wrong.
    """
    if not isinstance(node.value, tuple):
        problems.add(node.line, "'steps' is not a list", "write lines like `- wait: 75 min`")
        return ()
    if not node.value:
        problems.add(node.line, "'steps' is empty", "write lines like `- send: 20 messages`")
    read = [_read_step(each, vocabulary, known, problems) for each in node.value]
    steps = tuple(step for step in read if step is not None)
    if known is not None and len(steps) == len(read):
        _check_conditions(node, steps, known, problems)
    return steps


def _check_conditions(node: Node, steps: Sequence[Step], known: Names, problems: Problems) -> None:
    """Hold every condition against the hosts, and against what was sent when it must be met."""
    in_all = sum(step.count for step in steps if isinstance(step, Send))
    so_far = 0
    for each, step in zip(node.value if isinstance(node.value, tuple) else (), steps, strict=True):
        if isinstance(step, Send):
            so_far += step.count
        elif isinstance(step, WaitUntil):
            line = each.entries["wait until"].line
            _check_condition(step.until, line, known, so_far, problems)
        elif isinstance(step, Inject):
            if step.when is not None:
                sent = in_all if step.background else so_far
                _check_condition(step.when, each.entries["when"].line, known, sent, problems)
            if step.until is not None:
                _check_condition(step.until, each.entries["until"].line, known, in_all, problems)


def _check_condition(
    condition: Condition, line: int, known: Names, messages: int, problems: Problems
) -> None:
    """Note it if a condition names no fitting host, or can never be met.

    Args:
        condition: of a step.
        line: where it is written.
        known: the hosts.
        messages: that are sent in all before it must be met.
        problems: takes what is wrong.
    """
    where, figure = f"the condition '{condition}'", FIGURES[condition.figure]
    if condition.host is not None:
        check = known.check_endpoint if figure.place == "endpoint" else known.check_middlebox
        check(condition.host, line, where, problems)
    more = condition.number + (condition.relation == ">")
    if figure.messages and condition.relation in (">", ">=", "=") and more > messages:
        sent = "no message is" if not messages else f"only {messages} messages are"
        problems.add(line, f"{where} can never be met: {sent} sent", "send more, or ask for less")


def _read_step(
    node: Node, vocabulary: Vocabulary, known: Names | None, problems: Problems
) -> Step | None:
    kinds = [kind for kind in KINDS if kind in node.entries]
    if not isinstance(node.value, dict):
        example = "wait: 75 min" if str(node.value).startswith("wait") else "send: 20 messages"
        problems.add(
            node.line, f"the step {quote(node.plain())} has no key", f"write `- {example}`"
        )
        return None
    if not kinds:
        first = next(iter(node.value), "")
        problems.add(node.line, f"unknown step {first!r}", suggest(first, KINDS, "available steps"))
        return None
    if len(kinds) > 1:
        problems.add(
            node.line, f"one step has both {' and '.join(kinds)}", "write a list item for each"
        )
        return None
    kind = kinds[0]
    if kind == "fault":
        return read_fault(node, vocabulary, known, problems)
    if kind == "heal":
        return read_heal(node, vocabulary, problems)
    section = validate(STEPS[kind], node, f"in a {kind} step", problems)
    if section is None:
        return None
    if isinstance(section, SendStep):
        host = section.from_
        if known is not None:
            host = known.sender(host, node, problems)
        return Send(
            host or "",
            section.send,
            every=section.every or 0.0,
            background=section.background,
            form=MessageShape(section.severity, section.size),
            line=node.line,
        )
    if isinstance(section, WaitStep):
        return Wait(section.wait, line=node.line)
    if isinstance(section, WaitUntilStep):
        return WaitUntil(section.wait_until, section.at_most, line=node.line)
    host = section.stop if isinstance(section, StopStep) else getattr(section, "start", "")
    if known is not None:
        known.check_endpoint(host, node.entries[kind].line, f"a {kind} step", problems)
    return (Stop if isinstance(section, StopStep) else Start)(host, line=node.line)


def say(step: Step) -> str:
    """The step in words, with production values."""
    match step:
        case Send():
            text = f"send {step.count} message{'s' if step.count != 1 else ''} from {step.host}"
            if step.form.size != DEFAULT.size:
                text += f", of {step.form.size} bytes"
            if step.form.severity != DEFAULT.severity:
                text += f", of severity {step.form.severity}"
            if step.every:
                text += f", one every {say_duration(step.every)}"
            return text + (", in the background" if step.background else "")
        case Wait():
            return f"wait {say_duration(step.seconds)}"
        case WaitUntil():
            return f"wait until {step.until}"
        case Inject():
            hosts = step.fault.hosts()
            text = f"{step.fault.name} at {', '.join(hosts)}" if hosts else step.fault.name
            if step.when is not None:
                text += f", when {step.when}"
            if step.until is not None:
                text += f", until {step.until}"
            return f"{text}, for {say_duration(step.lasts)}" if step.lasts else text
        case Heal():
            return f"heal {step.name}"
        case Stop() | Start():
            return f"{step.kind} {step.host}"
        case _:
            assert_never(step)
