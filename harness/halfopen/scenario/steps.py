"""Reads the steps of a scenario."""

from __future__ import annotations

from typing import assert_never

from halfopen.model.messages import DEFAULT, MessageShape
from halfopen.model.units import count
from halfopen.ports import Vocabulary
from halfopen.scenario.conditions import FIGURES, Condition
from halfopen.scenario.context import Context
from halfopen.scenario.fault_steps import parse_fault, parse_heal, resolve_fault
from halfopen.scenario.model import Heal, Inject, Send, Start, Step, Stop, Wait, WaitUntil
from halfopen.scenario.raw import RawFault, RawStep, RawSteps
from halfopen.scenario.step_keys import (
    KINDS,
    STEPS,
    HealStep,
    SendStep,
    StartStep,
    StopStep,
    WaitStep,
    WaitUntilStep,
)
from halfopen.sections import Problems, quote, say_duration, suggest, validate
from halfopen.yamlfile import Node


def parse_steps(node: Node, vocabulary: Vocabulary, problems: Problems) -> RawSteps | None:
    """The steps in the list `node`, as they are written; None if it is no list.

    Args:
        node: the value of `steps`.
        vocabulary: knows the faults.
        problems: takes what is wrong.
    """
    if not isinstance(node.value, tuple):
        problems.add(node.line, "'steps' is not a list", "write lines like `- wait: 75 min`")
        return None
    if not node.value:
        problems.add(node.line, "'steps' is empty", "write lines like `- send: 20 messages`")
    read = [_parse_step(each, vocabulary, problems) for each in node.value]
    steps = tuple(step for step in read if step is not None)
    return RawSteps(steps, whole=len(steps) == len(read))


def _parse_step(
    node: Node, vocabulary: Vocabulary, problems: Problems
) -> RawStep | RawFault | None:
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
        return parse_fault(node, vocabulary, problems)
    if kind == "heal":
        return parse_heal(node, vocabulary, problems)
    section = validate(STEPS[kind], node, f"in a {kind} step", problems)
    return None if section is None else RawStep(section, node)


def resolve_steps(raw: RawSteps, context: Context) -> tuple[Step, ...]:
    """The steps, with every name and condition held against the hosts."""
    steps = tuple(_resolve_step(each, context) for each in raw.steps)
    if raw.whole:
        _check_conditions(raw, steps, context)
    return steps


def _resolve_step(raw: RawStep | RawFault, context: Context) -> Step:
    if isinstance(raw, RawFault):
        return resolve_fault(raw, context)
    node, line = raw.node, raw.node.line
    match raw.section:
        case SendStep() as send:
            return Send(
                context.sender(send.from_, node) or "",
                send.send,
                every=send.every or 0.0,
                background=send.background,
                form=MessageShape(send.severity, send.size),
                line=line,
            )
        case WaitStep() as wait:
            return Wait(wait.wait, line=line)
        case WaitUntilStep() as wait:
            return WaitUntil(wait.wait_until, wait.at_most, line=line)
        case StopStep(stop=host):
            context.check_endpoint(host, node.entries["stop"].line, "a stop step")
            return Stop(host, line=line)
        case StartStep(start=host):
            context.check_endpoint(host, node.entries["start"].line, "a start step")
            return Start(host, line=line)
        case HealStep(heal=fault):
            return Heal(fault, line=line)
        case _:
            assert_never(raw.section)


def _check_conditions(raw: RawSteps, steps: tuple[Step, ...], context: Context) -> None:
    """Hold every condition against the hosts, and against what was sent when it must be met."""
    in_all = sum(step.count for step in steps if isinstance(step, Send))
    so_far = 0
    for each, step in zip(raw.steps, steps, strict=True):
        entries = each.node.entries
        if isinstance(step, Send):
            so_far += step.count
        elif isinstance(step, WaitUntil):
            _check_condition(step.until, entries["wait until"].line, so_far, context)
        elif isinstance(step, Inject):
            if step.when is not None:
                sent = in_all if step.background else so_far
                _check_condition(step.when, entries["when"].line, sent, context)
            if step.until is not None:
                _check_condition(step.until, entries["until"].line, in_all, context)


def _check_condition(condition: Condition, line: int, messages: int, context: Context) -> None:
    """Note it if a condition names no fitting host, or can never be met.

    Args:
        condition: of a step.
        line: where it is written.
        messages: that are sent in all before it must be met.
        context: knows the hosts.
    """
    where, figure = f"the condition '{condition}'", FIGURES[condition.figure]
    if condition.host is not None and figure.place == "endpoint":
        context.check_endpoint(condition.host, line, where)
    elif condition.host is not None:
        context.check_middlebox(condition.host, line, where)
    more = condition.number + (condition.relation == ">")
    if figure.messages and condition.relation in (">", ">=", "=") and more > messages:
        number = f"only {count(messages, 'message')}" if messages else "no message"
        are = "are" if messages > 1 else "is"
        context.problems.add(
            line, f"{where} can never be met: {number} {are} sent", "send more, or ask for less"
        )


def say(step: Step) -> str:
    """The step in words, with production values."""
    match step:
        case Send():
            text = f"send {count(step.count, 'message')} from {step.host}"
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
