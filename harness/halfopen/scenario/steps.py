"""Reads the steps of a scenario."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from halfopen.fields import Duration, Messages, Section
from halfopen.ports import Vocabulary
from halfopen.scenario.hosts import Known
from halfopen.scenario.model import Step
from halfopen.sections import (
    Problems,
    check_keys,
    line_of_text,
    quote,
    say_duration,
    suggest,
    validate,
)
from halfopen.yamlfile import Node

LongerThanNothing = Annotated[Duration, Field(gt=0)]


class SendStep(Section):
    """`- send: 20 messages`."""

    send: Messages
    every: LongerThanNothing | None = None
    from_: str | None = Field(default=None, alias="from")
    background: bool = False


class WaitStep(Section):
    """`- wait: 75 min`."""

    wait: LongerThanNothing


class StopStep(Section):
    """`- stop: sender`: ends the program on a host in an orderly way."""

    stop: str


class StartStep(Section):
    """`- start: sender`: starts it again."""

    start: str


STEPS: dict[str, type[Section]] = {
    "send": SendStep,
    "wait": WaitStep,
    "stop": StopStep,
    "start": StartStep,
}
KINDS = (*STEPS, "fault", "heal")


class FaultStep(Section):
    """What every `- fault: ...` may say beside the fault's own parameters."""

    for_: LongerThanNothing | None = Field(default=None, alias="for")
    stays: bool = False


def read_steps(
    node: Node, vocabulary: Vocabulary, known: Known | None, problems: Problems
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
    steps = [_read_step(each, vocabulary, known, problems) for each in node.value]
    return tuple(step for step in steps if step is not None)


def _read_step(
    node: Node, vocabulary: Vocabulary, known: Known | None, problems: Problems
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
        problems.add(
            node.line, f"unknown step {first!r}", suggest(first, KINDS, "the steps that there are")
        )
        return None
    if len(kinds) > 1:
        problems.add(
            node.line, f"one step says {' and '.join(kinds)}", "write a list item for each"
        )
        return None
    kind = kinds[0]
    if kind == "fault":
        return _read_fault(node, vocabulary, known, problems)
    if kind == "heal":
        return _read_heal(node, vocabulary, problems)
    section = validate(STEPS[kind], node, f"in a {kind} step", problems)
    if section is None:
        return None
    if isinstance(section, SendStep):
        host = section.from_
        if known is not None:
            host = known.sender(host, node, problems)
        return Step(
            "send",
            host=host or "",
            count=section.send,
            every=section.every or 0.0,
            background=section.background,
            line=node.line,
        )
    if isinstance(section, WaitStep):
        return Step("wait", seconds=section.wait, line=node.line)
    host = section.stop if isinstance(section, StopStep) else getattr(section, "start", "")
    if known is not None:
        known.check_endpoint(host, node.entries[kind].line, f"a {kind} step", problems)
    return Step(kind, host=host, line=node.line)


def _read_fault(
    node: Node, vocabulary: Vocabulary, known: Known | None, problems: Problems
) -> Step | None:
    name = node.entries["fault"]
    spec = vocabulary.faults.get(name.value) if isinstance(name.value, str) else None
    if spec is None:
        problems.add(
            name.line,
            f"unknown fault {quote(name.plain())}",
            suggest(str(name.plain()), vocabulary.faults, "the faults that there are"),
        )
        return None
    general = {field.alias or name for name, field in FaultStep.model_fields.items()}
    general_node = Node({k: e for k, e in node.entries.items() if k in general}, node.line)
    how = validate(FaultStep, general_node, f"for fault {spec.name!r}", problems)
    rest = Node(
        {k: each for k, each in node.entries.items() if k != "fault" and k not in general},
        node.line,
    )
    params = validate(spec.params, rest, f"for fault {spec.name!r}", problems)
    if params is None or how is None:
        return None
    for key in general_node.entries:
        if not spec.heal(params):
            problems.add(
                general_node.entries[key].line,
                f"fault {spec.name!r} is over at once, {key!r} means nothing for it",
                f"leave {key!r} out",
            )
    if known is not None:
        where = f"fault {spec.name!r}"
        for host in spec.middleboxes(params):
            known.check_middlebox(host, line_of_text(rest, host), where, problems)
        for host in spec.endpoints(params):
            known.check_endpoint(host, line_of_text(rest, host), where, problems)
        for pair in spec.neighbours(params):
            known.check_neighbours(pair, line_of_text(rest, pair[0]), where, problems)
    return Step(
        "fault",
        fault=spec.name,
        params=params,
        lasts=how.for_ or 0.0,
        stays=how.stays,
        line=node.line,
    )


def _read_heal(node: Node, vocabulary: Vocabulary, problems: Problems) -> Step | None:
    check_keys(node, ("heal",), "in a heal step", problems)
    name = node.entries["heal"]
    if name.value not in vocabulary.faults:
        problems.add(
            name.line,
            f"unknown fault {quote(name.plain())}",
            suggest(str(name.plain()), vocabulary.faults, "the faults that there are"),
        )
        return None
    return Step("heal", fault=str(name.value), line=node.line)


def say(step: Step, names: Sequence[str]) -> str:
    """The step in words, with production values.

    Args:
        step: the step.
        names: the hosts of which it names one in its parameters.
    """
    if step.do == "send":
        text = f"send {step.count} message{'s' if step.count != 1 else ''} from {step.host}"
        if step.every:
            text += f", one every {say_duration(step.every)}"
        return text + (", in the background" if step.background else "")
    if step.do == "wait":
        return f"wait {say_duration(step.seconds)}"
    if step.do == "fault":
        text = f"{step.fault} at {', '.join(names)}" if names else step.fault
        return f"{text}, for {say_duration(step.lasts)}" if step.lasts else text
    if step.do == "heal":
        return f"heal {step.fault}"
    return f"{step.do} {step.host}"
